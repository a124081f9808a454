"""Who signs: a certificate with its chain, and the private key, which never enters C2PA's library."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from prefect_genmedia.errors import ConfigurationError

_PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----", re.DOTALL)
_LEAST_RSA_BITS = 2048


@dataclass(frozen=True)
class Signer:
    """A certificate that is valid now, and the key that belongs to it. What is shown of it is its name."""

    name: str
    """The certificate's common name."""
    sha256: str
    """The certificate's fingerprint."""
    chain: str = field(repr=False)
    """PEM: the signer's own first."""
    algorithm: str
    """C2PA's name: ES256, ES384, ES512, PS256, ED25519."""
    sign: Callable[[bytes], bytes] = field(repr=False)
    time_stamp_url: str | None = field(default=None, repr=False)

    @classmethod
    def of(
        cls,
        certificates: str,
        private_key: str,
        passphrase: str | None = None,
        time_stamp_url: str | None = None,
    ) -> Signer:
        """The certificate with its chain (without the root, or with it) and its key, both PEM.

        Raises ConfigurationError that shows nothing of them: where one cannot be read, where they do not belong
        together, where the certificate is not valid now.
        """
        wrong = ""
        try:
            return _signer(certificates, private_key, passphrase, time_stamp_url)
        except ConfigurationError:
            raise
        except ImportError:
            wrong = "its library is not installed"
        except (ValueError, TypeError):
            wrong = "the certificate or the private key is no PEM that can be read, or the passphrase is wrong"
        except Exception as failure:  # what the library raises besides may tell of the key
            wrong = f"the certificate or the private key cannot be used ({type(failure).__name__})"
        raise ConfigurationError(f"Content Credentials cannot be signed: {wrong}", advice=ADVICE)

    def opened(self, c2pa: Any) -> Any:
        """C2PA's own signer, which asks this one for each signature."""
        algorithm = getattr(c2pa.C2paSigningAlg, self.algorithm)
        return c2pa.Signer.from_callback(self.sign, algorithm, self.chain, self.time_stamp_url)


ADVICE = (
    "Give an X.509 certificate with its chain and its private key, both PEM: ECDSA (P-256, P-384, P-521), RSA from "
    "2048 bits, or Ed25519, issued by an authority and not by itself."
)


def _signer(certificates: str, private_key: str, passphrase: str | None, time_stamp_url: str | None) -> Signer:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.x509.oid import NameOID

    if "PRIVATE KEY" in certificates:
        raise _refused("the certificate holds a private key, which would be written into every file")
    chain = x509.load_pem_x509_certificates(_tidy(certificates).encode())
    secret = passphrase.encode() if passphrase else None
    key: Any = serialization.load_pem_private_key(_tidy(private_key).encode(), secret)
    own = chain[0]
    if _public(own.public_key()) != _public(key.public_key()):
        raise _refused("the private key does not belong to the first certificate")
    now = datetime.now(UTC)
    if not own.not_valid_before_utc <= now <= own.not_valid_after_utc:
        raise _refused(
            f"the certificate is valid from {own.not_valid_before_utc:%Y-%m-%d} to {own.not_valid_after_utc:%Y-%m-%d}"
        )
    if own.issuer == own.subject:
        raise _refused("the certificate has issued itself")
    names = own.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    algorithm, sign = _signing(key)
    return Signer(
        name=str(names[0].value) if names else own.subject.rfc4514_string(),
        sha256=own.fingerprint(hashes.SHA256()).hex(),
        chain="".join(each.public_bytes(serialization.Encoding.PEM).decode() for each in chain),
        algorithm=algorithm,
        sign=sign,
        time_stamp_url=time_stamp_url,
    )


def _signing(key: Any) -> tuple[str, Callable[[bytes], bytes]]:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "ED25519", key.sign
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= _LEAST_RSA_BITS:
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), hashes.SHA256().digest_size)
        return "PS256", lambda data: key.sign(data, pss, hashes.SHA256())
    curves: dict[str, tuple[str, hashes.HashAlgorithm]] = {
        "secp256r1": ("ES256", hashes.SHA256()),
        "secp384r1": ("ES384", hashes.SHA384()),
        "secp521r1": ("ES512", hashes.SHA512()),
    }
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in curves:
        name, digest = curves[key.curve.name]
        return name, lambda data: key.sign(data, ec.ECDSA(digest))
    raise _refused("the private key is of a kind that C2PA does not take")


def _refused(why: str) -> ConfigurationError:
    return ConfigurationError(f"Content Credentials cannot be signed: {why}", advice=ADVICE)


def _public(key: Any) -> bytes:
    from cryptography.hazmat.primitives import serialization

    whole: bytes = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return whole


def _tidy(pem: str) -> str:
    """As it was before a form with one line took its line ends away."""
    found = _PEM.findall(pem)
    if not found or "\n" in pem.strip() or "Proc-Type" in pem:
        return pem
    return "".join(f"-----BEGIN {kind}-----\n{_lines(body)}-----END {kind}-----\n" for kind, body in found)


def _lines(body: str) -> str:
    text = "".join(body.split())
    return "".join(f"{text[place : place + 64]}\n" for place in range(0, len(text), 64))
