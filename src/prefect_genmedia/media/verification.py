"""Is it the file that was due? What a downloaded file is, by its own bytes."""

from __future__ import annotations

from pathlib import Path

from prefect_genmedia.errors import MediaInvalidError
from prefect_genmedia.imaging import inspect
from prefect_genmedia.operation import Link

EXTENSIONS = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "image/gif": "gif",
    "video/mp4": "mp4",
    "video/webm": "webm",
    "audio/mpeg": "mp3",
    "audio/mp4": "m4a",
    "audio/wav": "wav",
    "audio/flac": "flac",
    "audio/ogg": "ogg",
}


def verify(part: Path, link: Link, declared: str) -> tuple[str, int | None, int | None]:
    if declared.startswith("text/") or declared in ("application/xml", "application/json"):
        raise MediaInvalidError(f"the result link gave {declared} instead of the {link.kind}")
    if link.kind != "image":
        return _recording_type(part, link), link.width, link.height
    facts = inspect(part)
    for name, wanted, got in (("width", link.width, facts.width), ("height", link.height, facts.height)):
        if wanted is not None and wanted > 0 and abs(got - wanted) > link.tolerance:
            raise MediaInvalidError(f"the picture's {name} is {got} pixels; {wanted} were due")
    return facts.media_type, facts.width, facts.height


def _recording_type(part: Path, link: Link) -> str:
    with part.open("rb") as handle:
        head = handle.read(16)
    if head[4:8] == b"ftyp":
        return "audio/mp4" if link.kind == "audio" else "video/mp4"
    for magic, kind in (
        (b"\x1aE\xdf\xa3", "video/webm"),
        (b"GIF8", "image/gif"),
        (b"ID3", "audio/mpeg"),
        (b"fLaC", "audio/flac"),
        (b"OggS", "audio/ogg"),
    ):
        if head.startswith(magic):
            return kind
    # An MPEG audio frame begins with eleven set bits.
    if link.kind == "audio" and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        return "audio/mpeg"
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return "audio/wav"
    raise MediaInvalidError(f"the bytes are no {link.kind} of a known kind")
