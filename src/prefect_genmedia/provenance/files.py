"""Marks in the bytes of whole files."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from prefect_genmedia.errors import MediaInvalidError
from prefect_genmedia.provenance import avif, containers, xmp
from prefect_genmedia.provenance.containers import NotBuiltSo
from prefect_genmedia.provenance.marks import Mark, MarksFound

_BROKEN = (NotBuiltSo, struct.error, IndexError, ValueError, zlib.error)
_CREDENTIALS = b"jumdc2pa\x00\x11\x00\x10"  # how a manifest store of C2PA begins, in every container


class _Kind(NamedTuple):
    name: str
    read: Callable[[bytes], bytes | None]
    put: Callable[[bytes, bytes], bytes]
    longest: int = xmp.LONGEST


_JPEG = _Kind("JPEG", containers.packet_in_jpeg, containers.put_in_jpeg, containers.LONGEST_IN_JPEG)
_PNG = _Kind("PNG", containers.packet_in_png, containers.put_in_png)
_WEBP = _Kind("WebP", containers.packet_in_webp, containers.put_in_webp)
_AVIF = _Kind("AVIF", avif.packet_in_avif, avif.put_in_avif)


def packet_for(mark: Mark | None, source: bytes) -> bytes | None:
    """The XMP packet for a file that is made anew from `source`: the mark, and the mark that `source` brought.

    None where there is nothing to say. Of others' packets only how the picture came about and whose it is goes on: no
    places, no people, no captions.
    """
    return xmp.packet(mark, _packet_in(source), whole=False)


def marked(content: bytes, mark: Mark | None) -> bytes:
    """The file as it came, with the mark in its XMP beside all that stands there; the same file without a mark.

    No pixel is decoded, none changes. Raises MediaInvalidError for what is no JPEG, PNG, WebP or AVIF, for an
    animated AVIF, and for one that is cut.
    """
    if mark is None:
        return content
    kind = _kind(content)
    if kind is None:
        raise MediaInvalidError(
            "no mark can be put into a file of this kind as it is", advice="Write it as JPEG, PNG, WebP or AVIF."
        )
    try:
        before = kind.read(content)
        packet = xmp.packet(mark, before, whole=True)
        if xmp.same(packet, before):
            return content
        if packet is None or len(packet) > kind.longest:
            packet = xmp.packet(mark, before, whole=False)
        assert packet is not None
        return kind.put(content, packet)
    except _BROKEN as failure:
        why = str(failure) if isinstance(failure, NotBuiltSo) else "it is not built as it should be"
        raise MediaInvalidError(f"no mark can be put into this {kind.name} as it is: {why}") from None


def marks_in(content: bytes) -> MarksFound:
    """What a file says of its origin; nothing where it says nothing. Raises MediaInvalidError for other kinds."""
    if _kind(content) is None:
        raise MediaInvalidError("is no JPEG, PNG, WebP or AVIF: its marks cannot be read here")
    found = xmp.found(_packet_in(content))
    if _CREDENTIALS in content:
        found = replace(found, others=(*found.others, "Content Credentials (C2PA; not checked)"))
    return found


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
    brands = content[8 : int.from_bytes(content[:4], "big")] if content[4:8] == b"ftyp" else b""
    return _AVIF if b"avif" in brands or b"avis" in brands else None
