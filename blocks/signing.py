"""Signing block: the certificate with which published files get Content Credentials (C2PA)."""

from __future__ import annotations

from typing import Any

from pydantic import Field, SecretStr, field_validator

from prefect_genmedia.blocks.logo import logo
from prefect_genmedia.blocks.strict import StrictBlock
from prefect_genmedia.provenance import Signer


class SigningCertificate(StrictBlock):
    """A certificate and its private key, to sign what published files say of their origin (C2PA; extra `[c2pa]`).

    `GENMEDIA_SIGNING_CERTIFICATE` names the block that is used.

    Example:
        ```python
        from prefect_genmedia.blocks import SigningCertificate

        certificate = SigningCertificate.load("BLOCK_NAME")
        ```
    """

    _block_type_name = "GenMedia Signing Certificate"
    _block_type_slug = "genmedia-signing-certificate"
    _logo_url = logo("signing")
    _documentation_url = "https://opensource.contentauthenticity.org/docs/signing/"  # type: ignore[assignment]

    certificate: SecretStr = Field(
        description="The X.509 certificate as PEM, then those that issued it; its own first. One that issued itself is "
        "refused."
    )
    private_key: SecretStr = Field(
        description="Its private key as PEM: ECDSA (P-256, P-384, P-521), RSA from 2048 bits, or Ed25519."
    )
    passphrase: SecretStr | None = Field(default=None, description="What the private key is encrypted with.")
    time_stamp_url: str | None = Field(
        default=None,
        description="A time stamp authority (RFC 3161), which says when a file was signed, also after the certificate "
        "has run out. It gets a hash of each file.",
    )

    @field_validator("time_stamp_url")
    @classmethod
    def _an_address(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError("should be an http or https address")
        return value

    def get_signer(self, *args: Any, **kwargs: Any) -> Signer:
        """Who signs, as the core takes it. Raises ConfigurationError where certificate or key cannot be used now."""
        return Signer.of(
            self.certificate.get_secret_value(),
            self.private_key.get_secret_value(),
            self.passphrase.get_secret_value() if self.passphrase is not None else None,
            self.time_stamp_url,
        )
