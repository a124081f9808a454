"""Marks in the bytes of whole files: pictures, films, sounds."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from prefect_genmedia.errors import MediaInvalidError
from prefect_genmedia.provenance import avif, boxes, containers, sounds, streams, xmp
from prefect_genmedia.provenance.comments import comments_of
from prefect_genmedia.provenance.containers import NotBuiltSo
from prefect_genmedia.provenance.marks import Mark, MarksFound

_BROKEN = (NotBuiltSo, struct.error, IndexError, ValueError, zlib.error)
CREDENTIALS = "Content Credentials (C2PA)"
_CREDENTIALS = b"jumdc2pa\x00\x11\x00\x10"  # how a manifest store of C2PA begins, in every container


class _Kind(NamedTuple):
    name: str
    read: Callable[[bytes], bytes | None]
    put: Callable[[bytes, bytes], bytes] | None
    """None where only a program that writes the container anew can: see `tags_for`."""
    longest: int = xmp.LONGEST


_JPEG = _Kind("JPEG", containers.packet_in_jpeg, containers.put_in_jpeg, containers.LONGEST_IN_JPEG)
_PNG = _Kind("PNG", containers.packet_in_png, containers.put_in_png)
_WEBP = _Kind("WebP", containers.packet_in_webp, containers.put_in_webp)
_AVIF = _Kind("AVIF", avif.packet_in_avif, avif.put_in_avif)
_MP4 = _Kind("MP4", boxes.packet_in_mp4, boxes.put_in_mp4)
_MP3 = _Kind("MP3", sounds.packet_in_mp3, sounds.put_in_mp3)
_WAV = _Kind("WAV", sounds.packet_in_wav, sounds.put_in_wav)
_FLAC = _Kind("FLAC", streams.packet_in_flac, streams.put_in_flac)
_OGG = _Kind("Ogg", streams.packet_in_ogg, streams.put_in_ogg)
_MATROSKA = _Kind("Matroska", streams.packet_in_matroska, None)
_PICTURES_IN_BOXES = (b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"avci")


def packet_for(mark: Mark | None, source: bytes) -> bytes | None:
    """The XMP packet for a file that is made anew from `source`: the mark, and the mark that `source` brought.

    None where there is nothing to say. Of others' packets only how the picture came about and whose it is goes on: no
    places, no people, no captions.
    """
    return xmp.packet(mark, _packet_in(source), whole=False)


def marked(content: bytes, mark: Mark | None, source: bytes = b"") -> bytes:
    """The file as it came, with the mark beside all that it says, and with the mark of the file it was made of.

    The same file where there is nothing to say. No pixel and no sound is decoded, none changes. Raises
    MediaInvalidError for a kind that can hold none, for an animated AVIF, and for a file that is cut.
    """
    carried = xmp.packet(None, _packet_in(source), whole=False)
    if mark is None and carried is None:
        return content
    kind = _kind(content)
    if kind is None or kind.put is None:
        raise MediaInvalidError(
            "no mark can be put into a file of this kind as it is",
            advice="Write it as JPEG, PNG, WebP, AVIF; MP4, MOV; MP3, M4A, WAV, FLAC, Ogg or Opus.",
        )
    try:
        before = kind.read(content)
        packet = xmp.packet(mark, before or carried, whole=True)
        if xmp.same(packet, before):
            return content
        if packet is None or len(packet) > kind.longest:
            packet = xmp.packet(mark, before, whole=False)
        assert packet is not None
        return kind.put(content, packet)
    except _BROKEN as failure:
        why = str(failure) if isinstance(failure, NotBuiltSo) else "it is not built as it should be"
        raise MediaInvalidError(f"no mark can be put into this {kind.name} as it is: {why}") from None


def tags_for(content: bytes, mark: Mark | None, source: bytes = b"") -> dict[str, str]:
    """The same mark as tags, for whom only a program can write: WebM and Matroska. None where there is nothing to say,
    where it is said already, and for all other kinds."""
    if _kind(content) is not _MATROSKA:
        return {}
    before = _packet_in(content) or xmp.packet(None, _packet_in(source), whole=False)
    packet = xmp.packet(mark, before, whole=False)
    return {} if packet is None or xmp.same(packet, _packet_in(content)) else comments_of(packet)


def marks_in(content: bytes) -> MarksFound:
    """What a file says of its origin; nothing where it says nothing. Raises MediaInvalidError for other kinds."""
    if _kind(content) is None:
        raise MediaInvalidError("is of a kind whose marks cannot be read here")
    found = xmp.found(_packet_in(content))
    if credentials_seen(content):
        found = replace(found, others=(*found.others, CREDENTIALS))
    return found


def ready_to_sign(content: bytes) -> bytes:
    """A marked file as C2PA's library takes it whole. Raises MediaInvalidError."""
    try:
        return avif.without_bases(content) if _kind(content) is _AVIF else content
    except _BROKEN:
        raise MediaInvalidError("this AVIF cannot be signed: it is not built as it should be") from None


def credentials_seen(content: bytes) -> bool:
    """Does it hold Content Credentials (C2PA), right or wrong?"""
    return _CREDENTIALS in content


def name_of_kind(content: bytes) -> str:
    """JPEG, PNG, WebP, AVIF, MP4 (MOV and M4A too), MP3, WAV, FLAC, Ogg, Matroska; "" for all others."""
    kind = _kind(content)
    return "" if kind is None else kind.name


def is_generated(content: bytes) -> bool:
    """Does a file of any kind say that a model made it?"""
    return xmp.found(_packet_in(content)).generated


def _packet_in(content: bytes) -> bytes | None:
    kind = _kind(content)
    try:
        return kind.read(content) if kind is not None else None
    except _BROKEN:
        return None


def _kind(content: bytes) -> _Kind | None:
    if content.startswith(b"\xff\xd8\xff"):
        return _JPEG
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return _PNG
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return _WEBP
    if content.startswith(b"\x1aE\xdf\xa3"):
        return _MATROSKA
    if content.startswith(b"OggS"):
        return _OGG
    if content.startswith(b"fLaC"):
        return _FLAC
    if content[:4] == b"RIFF" and content[8:12] == b"WAVE":
        return _WAV
    if sounds.is_mp3(content):
        return _MP3
    brands = content[8 : int.from_bytes(content[:4], "big")] if content[4:8] == b"ftyp" else b""
    if b"avif" in brands or b"avis" in brands:
        return _AVIF
    return _MP4 if boxes.is_mp4(content) and brands[:4] not in _PICTURES_IN_BOXES else None
