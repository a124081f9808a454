"""Certificates that a test makes for itself, and a time stamp authority: nobody else trusts them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

PEM = serialization.Encoding.PEM
PLAIN = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


@dataclass(frozen=True)
class Paper:
    """A certificate with its chain, and its key; all PEM."""

    chain: str
    key: str
    root: str


def authority() -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    return _certificate("Test Root", None, key, key, []), key


def paper(
    name: str = "Studio Lumen",
    *,
    key: Any = None,
    days: tuple[int, int] = (-1, 30),
    use: ObjectIdentifier = ExtendedKeyUsageOID.EMAIL_PROTECTION,
    by: tuple[x509.Certificate, Any] | None = None,
) -> Paper:
    """A certificate that an authority of the test has issued."""
    root, root_key = by or authority()
    own = key or ec.generate_private_key(ec.SECP256R1())
    certificate = _certificate(name, root, own, root_key, [use], days)
    top = root.public_bytes(PEM).decode()
    return Paper(certificate.public_bytes(PEM).decode() + top, own.private_bytes(PEM, *PLAIN).decode(), top)


def self_signed(name: str = "Studio Lumen") -> Paper:
    key = ec.generate_private_key(ec.SECP256R1())
    own = _certificate(name, None, key, key, [ExtendedKeyUsageOID.EMAIL_PROTECTION])
    pem = own.public_bytes(PEM).decode()
    return Paper(pem, key.private_bytes(PEM, *PLAIN).decode(), pem)


def _certificate(
    name: str,
    issuer: x509.Certificate | None,
    key: Any,
    issuer_key: Any,
    uses: list[ObjectIdentifier],
    days: tuple[int, int] = (-1, 30),
) -> x509.Certificate:
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Lumen Ltd"),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )
    now, ca = datetime.now(UTC), not uses
    usage = dict.fromkeys(("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False)
    usage |= {"encipher_only": False, "decipher_only": False, "key_cert_sign": ca, "crl_sign": ca}
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer is not None else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(digital_signature=not ca, **usage), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if uses:
        critical = ExtendedKeyUsageOID.TIME_STAMPING in uses
        made = made.add_extension(x509.ExtendedKeyUsage(uses), critical=critical)
    return made.sign(issuer_key, hashes.SHA256())
