"""Content Credentials (C2PA): what a file says of its origin, signed, and read back. Their library is an extra.

Signed last: any later change makes the signature invalid. No pixel and no sound is decoded, none changes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import Any, Literal

from prefect_genmedia.errors import ConfigurationError, MediaError
from prefect_genmedia.provenance.files import marked, marks_in, name_of_kind, ready_to_sign
from prefect_genmedia.provenance.marks import VOCABULARY, Mark, MarksFound
from prefect_genmedia.provenance.signers import ADVICE, Signer
from prefect_genmedia.provenance.xmp import software

# Not FLAC: the library puts an ID3 tag before it, which many players refuse.
_MEDIA_TYPES = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WebP": "image/webp",
    "AVIF": "image/avif",
    "MP4": "video/mp4",
    "MP3": "audio/mpeg",
    "WAV": "audio/wav",
}
_PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b550000000a49444154789c63600000000200"
    "0148afa4710000000049454e44ae426082"
)
UNSIGNED = "it is not signed: a file of its kind can hold no Content Credentials that are known here"

Trust = Literal["trusted", "untrusted", "unknown"]


@dataclass(frozen=True)
class Credentials:
    """What was read of a file's Content Credentials, by C2PA's own library."""

    valid: bool
    """Is the file as it was signed?"""
    trusted: Trust
    """Does the signer's certificate lead to one that the reader trusts? Unknown where none was named."""
    signed_by: str = ""
    """The certificate's common name and organisation, as it says."""
    signed_at: str = ""
    """By a time stamp authority; "" where none was asked."""
    source_type: str = ""
    """IPTC's word in its first action."""
    made_by: str = ""
    """The model, or what else it names as the maker."""
    parents: tuple[str, ...] = ()
    """Titles of what it was made of."""
    problems: tuple[str, ...] = ()
    """C2PA's codes, such as assertion.dataHash.mismatch."""


def require_c2pa() -> Any:
    """C2PA's library. Raises ConfigurationError where the extra is not installed."""
    try:
        import c2pa
    except ImportError:
        raise ConfigurationError(
            "Content Credentials cannot be written or checked: their library is not installed",
            advice='pip install "prefect-genmedia[c2pa]"',
        ) from None
    return c2pa


def can_be_signed(content: bytes) -> bool:
    """Is it of a kind that holds Content Credentials: JPEG, PNG, WebP, AVIF, MP4, MOV, M4A, MP3, WAV?"""
    return name_of_kind(content) in _MEDIA_TYPES


def signed(content: bytes, signer: Signer, parents: Sequence[bytes] = ()) -> bytes:
    """The file with what its mark says, signed; the same file where no mark says that it is generated.

    `parents` are the files that it was made of: what they say of themselves, signed, goes on. Costs about 13 KB, and a
    request to the time stamp authority where one is named. Raises ConfigurationError without the library, MediaError
    for a kind that can hold no credentials, and where it cannot be signed.
    """
    mark = marks_in(content)
    if not mark.generated:
        return content
    if not can_be_signed(content):
        raise MediaError(UNSIGNED)
    c2pa = require_c2pa()
    out = BytesIO()
    try:
        with (
            c2pa.Builder.from_json(json.dumps(_manifest(mark, len(parents))), context=_context()) as builder,
            signer.opened(c2pa) as hand,
        ):
            for number, parent in enumerate(parents):
                _add(builder, number, parent)
            builder.sign(hand, _MEDIA_TYPES[name_of_kind(content)], BytesIO(ready_to_sign(content)), out)
    except c2pa.C2paError as failure:
        error = MediaError(
            f"Content Credentials cannot be signed: {_said(failure)}",
            advice="Is the certificate still valid, and does the time stamp authority answer? Then run again: what is "
            "bought is not bought again.",
        )
    else:
        return out.getvalue()
    raise error


def credentials_in(content: bytes, anchors: str = "") -> Credentials | None:
    """What a file's Content Credentials say, and whether they hold; None where there are none. Nothing is fetched.

    `anchors` are the certificates, in PEM, to which a signer's has to lead to be trusted. Raises ConfigurationError
    without the library.
    """
    c2pa = require_c2pa()
    media_type = _MEDIA_TYPES.get(name_of_kind(content))
    if media_type is None:
        return None
    try:
        with c2pa.Reader(media_type, BytesIO(content), context=_context(anchors)) as reader:
            return _found(json.loads(reader.json()), bool(anchors))
    except c2pa.C2paError.ManifestNotFound:
        return None
    except c2pa.C2paError as failure:
        return Credentials(valid=False, trusted="unknown", problems=(_said(failure),))


def check_signing(signer: Signer) -> None:
    """Sign a picture of one pixel and read it back: to be called before money is spent. Blocking.

    Raises ConfigurationError.
    """
    try:
        read = credentials_in(signed(marked(_PIXEL, Mark()), signer))
    except MediaError as failure:
        wrong = failure.message
    else:
        if read is not None and read.valid:
            return
        wrong = f"what it signs is not valid: {', '.join(read.problems) if read else 'nothing is there'}"
    raise ConfigurationError(f"the certificate of {signer.name} cannot be used: {wrong}", advice=ADVICE)


@lru_cache(maxsize=8)
def _context(anchors: str = "") -> Any:
    """Without thumbnails, which weigh a megabyte; and nothing is fetched that a file names."""
    told: dict[str, Any] = {
        "builder": {"thumbnail": {"enabled": False}},
        "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},
    }
    if anchors:
        told["trust"] = {"trust_anchors": anchors}
    return require_c2pa().Context.from_dict(told)


def _manifest(mark: MarksFound, parents: int) -> dict[str, Any]:
    action: dict[str, Any] = {
        "action": "c2pa.created",
        "digitalSourceType": VOCABULARY + mark.source_type,
        "softwareAgent": {"name": mark.model or mark.system or "a generative model"},
    }
    if mark.system:
        action["description"] = ", ".join([mark.system, *(f"job {job}" for job in mark.jobs)])
    if parents:
        action["parameters"] = {"ingredientIds": [f"parent-{number}" for number in range(parents)]}
    name, _, version = software().partition(" ")
    generator = {"name": name, **({"version": version} if version else {})}
    actions = {"label": "c2pa.actions.v2", "data": {"actions": [action]}}
    return {"claim_generator_info": [generator], "assertions": [actions]}


def _add(builder: Any, number: int, parent: bytes) -> None:
    kind = _MEDIA_TYPES.get(name_of_kind(parent), "application/octet-stream")
    # "inputTo" and not "parentOf", which C2PA keeps for a file that was opened and changed.
    title = f"sha256 {hashlib.sha256(parent).hexdigest()}"
    told = {"title": title, "relationship": "inputTo", "label": f"parent-{number}"}
    builder.add_ingredient(json.dumps(told), kind, BytesIO(parent))


def _found(told: dict[str, Any], asked: bool) -> Credentials:
    active = told["manifests"][told["active_manifest"]]
    signature = active.get("signature_info") or {}
    actions = [
        action
        for assertion in active.get("assertions") or []
        if str(assertion.get("label")).startswith("c2pa.actions")
        for action in assertion["data"].get("actions") or []
    ]
    first: dict[str, Any] = next((action for action in actions if action.get("digitalSourceType")), {})
    agent = first.get("softwareAgent") or ""
    state = told.get("validation_state")
    codes = [str(each.get("code")) for each in told.get("validation_status") or []]
    trusted: Trust = "trusted" if state == "Trusted" else "untrusted" if asked else "unknown"
    names = (signature.get("common_name"), signature.get("issuer"))
    return Credentials(
        valid=state in ("Valid", "Trusted"),
        trusted=trusted,
        signed_by=", ".join(str(name) for name in names if name),
        signed_at=str(signature.get("time") or ""),
        source_type=str(first.get("digitalSourceType") or "").rpartition("/")[2],
        made_by=str(agent.get("name") or "") if isinstance(agent, dict) else str(agent),
        parents=tuple(str(each.get("title") or "") for each in active.get("ingredients") or []),
        problems=tuple(code for code in codes if code != "signingCredential.untrusted"),
    )


def _said(failure: Exception) -> str:
    return str(failure).partition("\n")[0][:200]
