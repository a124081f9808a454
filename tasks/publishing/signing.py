"""The last step of publishing: what a file says of its origin is signed, where a certificate is named. Free."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, cast

from prefect_genmedia.blocks import SigningCertificate
from prefect_genmedia.errors import ConfigurationError
from prefect_genmedia.imaging.workers import work_on_each
from prefect_genmedia.imaging.writing import Rendered
from prefect_genmedia.provenance import Signer, is_generated, require_c2pa, signed
from prefect_genmedia.provenance.credentials import UNSIGNED, can_be_signed
from prefect_genmedia.provenance.credentials import check_signing as try_signing
from prefect_genmedia.settings import read_settings

__all__ = ["check_signing", "sign_content", "sign_pictures", "the_signer"]


async def the_signer() -> Signer | None:
    """Who signs published files, by GENMEDIA_SIGNING_CERTIFICATE; None where nobody does.

    Raises ConfigurationError where the extra or the block is missing, or where the certificate cannot be used.
    """
    settings = read_settings()
    if settings.signing_certificate is None:
        return None
    if not settings.mark:
        raise ConfigurationError(
            "GENMEDIA_SIGNING_CERTIFICATE signs what the mark says, and GENMEDIA_MARK is off",
            advice="Switch the mark on, or name no certificate.",
        )
    require_c2pa()
    try:
        block: SigningCertificate = await cast(Any, SigningCertificate).aload(settings.signing_certificate)
    except ValueError:
        raise ConfigurationError(
            f"there is no {SigningCertificate.get_block_type_name()} block called {settings.signing_certificate!r}",
            advice="Save one in the UI, or name no certificate: GENMEDIA_SIGNING_CERTIFICATE.",
        ) from None
    return block.get_signer()


async def check_signing() -> None:
    """Raises ConfigurationError where files are to be signed and cannot be: to be called before money is spent.

    A picture of one pixel is signed, which asks the time stamp authority too, where one is named.
    """
    if (signer := await the_signer()) is not None:
        await asyncio.to_thread(try_signing, signer)


def sign_pictures(made: Iterable[Rendered], signer: Signer | None, parents: Sequence[bytes]) -> list[Rendered]:
    """Sign pictures where they lie, before anybody sees them. Blocking. Raises MediaError."""
    return work_on_each(partial(_signed, signer, parents), made) if signer is not None else list(made)


def _signed(signer: Signer, parents: Sequence[bytes], made: Rendered) -> Rendered:
    content = signed(made.path.read_bytes(), signer, parents)
    made.path.write_bytes(content)
    return replace(made, bytes=len(content), sha256=hashlib.sha256(content).hexdigest())


def sign_content(content: bytes, signer: Signer | None, parents: Sequence[bytes]) -> tuple[bytes, tuple[str, ...]]:
    """The file, signed, and a remark where its kind can hold no signature. Blocking. Raises MediaError."""
    if signer is None or not is_generated(content):
        return content, ()
    return (signed(content, signer, parents), ()) if can_be_signed(content) else (content, (UNSIGNED,))
