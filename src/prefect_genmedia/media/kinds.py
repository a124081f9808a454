"""What kind of file it is, by its own bytes; by its label only where these say nothing."""

from __future__ import annotations

import mimetypes
import re
from pathlib import PurePosixPath
from urllib.parse import urlsplit

import filetype

from prefect_genmedia.media.whole import (
    Content,
    aac_frame,
    behind_id3,
    box_kind,
    matroska_kind,
    mpeg_frame,
    ogg_kind,
)

EXTENSIONS = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "image/gif": "gif",
    "image/avif": "avif",
    "image/heic": "heic",
    "image/heif": "heif",
    "image/jxl": "jxl",
    "image/tiff": "tif",
    "image/bmp": "bmp",
    "image/svg+xml": "svg",
    "video/mp4": "mp4",
    "video/webm": "webm",
    "video/quicktime": "mov",
    "video/x-matroska": "mkv",
    "video/x-msvideo": "avi",
    "video/3gpp": "3gp",
    "video/mp2t": "ts",
    "video/ogg": "ogv",
    "audio/mpeg": "mp3",
    "audio/mp4": "m4a",
    "audio/wav": "wav",
    "audio/flac": "flac",
    "audio/ogg": "ogg",
    "audio/opus": "opus",
    "audio/aac": "aac",
    "audio/aiff": "aiff",
    "audio/midi": "mid",
    "model/gltf-binary": "glb",
    "application/zip": "zip",
    "application/pdf": "pdf",
    "application/json": "json",
    "application/xml": "xml",
    "application/vnd.apple.mpegurl": "m3u8",
    "text/html": "html",
    "text/plain": "txt",
    "text/vtt": "vtt",
    "application/x-subrip": "srt",
    "model/obj": "obj",
}
UNKNOWN = "application/octet-stream"
# One kind, one name.
_NAMES = {
    "image/apng": "image/png",  # whoever draws no more than PNG draws its first frame
    "audio/x-wav": "audio/wav",
    "audio/x-flac": "audio/flac",
    "audio/x-aiff": "audio/aiff",
    "image/x-ms-bmp": "image/bmp",
    "image/x-icon": "image/vnd.microsoft.icon",
}
_BMP_HEADS = {bytes((size, 0, 0, 0)) for size in (12, 16, 40, 52, 56, 64, 108, 124)}
_HEAD = 4096
_SUFFIX = re.compile(r"\.[a-z0-9]{1,8}")


def binary_kind(content: Content) -> str | None:
    """The media type of a file that is no text; None for a kind that is not known."""
    head = bytes(content[:_HEAD])
    kind = _by_structure(content, head)
    if kind is not None:
        return kind
    guess = filetype.guess(head)
    if guess is None or (guess.mime == "image/bmp" and head[14:18] not in _BMP_HEADS):
        return None
    mime = str(guess.mime)
    return _NAMES.get(mime, mime)


def _by_structure(content: Content, head: bytes) -> str | None:
    """Kinds that a few bytes at the beginning do not tell, or not rightly."""
    if head[:4] == b"\x1aE\xdf\xa3":
        return matroska_kind(head)
    if head[:4] == b"OggS":
        return ogg_kind(head)
    if head[:4] in (b"RF64", b"BW64") and head[8:12] == b"WAVE":
        return "audio/wav"
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return "audio/aiff"
    if head[:4] == b"glTF":
        return "model/gltf-binary"
    if head[:1] == head[188:189] == head[376:377] == b"\x47":
        return "video/mp2t"
    if head[:2] == b"\xff\x0a":
        return "image/jxl"
    if head[:3] == b"ID3":
        start = behind_id3(content)
        behind = bytes(content[start : start + 16])
        if behind[:4] == b"fLaC":
            return "audio/flac"
        return "audio/aac" if aac_frame(behind) is not None else "audio/mpeg"
    length = aac_frame(head)
    if length is not None and (aac_frame(content, length) is not None or len(content) <= length):
        return "audio/aac"
    length = mpeg_frame(head)
    if length is not None and (not length or mpeg_frame(content, length) is not None or len(content) <= length):
        return "audio/mpeg"
    return box_kind(head)


def labelled_kind(label: str, url: str) -> tuple[str, str]:
    """Media type and extension of a file whose bytes say nothing: by its label, or by the end of its link."""
    suffix = _suffix(url)
    specific = "/" in label and not label.startswith(("text/", "binary/")) and label != UNKNOWN
    kind = label if specific else mimetypes.guess_type(f"x{suffix}")[0] or UNKNOWN
    return kind, extension(kind, url)


def extension(kind: str, url: str) -> str:
    """What a file of this kind is called; where nobody knows, as its link is."""
    known = EXTENSIONS.get(kind) or (mimetypes.guess_extension(kind) or "").removeprefix(".")
    if kind == UNKNOWN or not known:
        return _suffix(url).removeprefix(".") or "bin"
    return known


def _suffix(url: str) -> str:
    try:
        suffix = PurePosixPath(urlsplit(url[:4096]).path).suffix.lower()
    except ValueError:
        return ""
    return suffix if _SUFFIX.fullmatch(suffix) else ""
