"""FLAC, Ogg and Matroska: their tags are names with texts, in which a mark's facts stand one by one."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping

from prefect_genmedia.provenance import xmp
from prefect_genmedia.provenance.marks import VOCABULARY, Mark

_NAMES = {
    "source_type": "DIGITALSOURCETYPE",
    "system": "AISYSTEMUSED",
    "model": "AISYSTEMVERSIONUSED",
    "prompt": "AIPROMPTINFORMATION",
    "jobs": "GENMEDIA_JOBS",
    "made_at": "GENMEDIA_MADE_AT",
    "prompt_sha256": "GENMEDIA_PROMPT_SHA256",
    "software": "CREATORTOOL",
}
"""IPTC's words where it has them."""


def comments_of(packet: bytes) -> dict[str, str]:
    """What an XMP packet says of an origin, as names and texts."""
    found = xmp.found(packet)
    facts = {name: getattr(found, field) for field, name in _NAMES.items()}
    facts[_NAMES["jobs"]] = " ".join(found.jobs)
    if found.source_type:
        facts[_NAMES["source_type"]] = VOCABULARY + found.source_type
    return {name: text for name, text in facts.items() if text}


def packet_of(comments: Mapping[str, str]) -> bytes | None:
    """The same as an XMP packet; None where nothing is said of an origin. Names are in capitals."""
    if not (kind := comments.get(_NAMES["source_type"], "").rpartition("/")[2]):
        return None
    facts = {field: comments.get(name, "") for field, name in _NAMES.items() if field not in ("jobs", "software")}
    facts["source_type"] = kind
    mark = Mark(jobs=tuple(comments.get(_NAMES["jobs"], "").split()), **facts)  # type: ignore[arg-type]
    return xmp.packet(mark, whole=True)


def read_block(block: bytes) -> tuple[bytes, list[bytes], bytes]:
    """A block of comments as Vorbis has them: who wrote it, the comments, what stands behind."""
    vendor, place = _text(block, 0)
    comments = []
    (count,) = struct.unpack_from("<I", block, place)
    place += 4
    for _ in range(count):
        comment, place = _text(block, place)
        comments.append(comment)
    return vendor, comments, block[place:]


def packet_in_block(block: bytes) -> bytes | None:
    said = (comment.decode("utf-8", "replace").partition("=") for comment in read_block(block)[1])
    return packet_of({name.upper(): text for name, _, text in said})


def put_in_block(block: bytes, packet: bytes) -> bytes:
    """The block with the packet's facts instead of those that are there."""
    vendor, comments, rest = read_block(block)
    return _block(vendor, [*_others(comments), *_lines(packet)], rest)


def new_block(packet: bytes) -> bytes:
    return _block(b"prefect-genmedia", _lines(packet), b"")


def _block(vendor: bytes, comments: Iterable[bytes], rest: bytes) -> bytes:
    texts = list(comments)
    pieces = [struct.pack("<I", len(text)) + text for text in (vendor, *texts)]
    return b"".join([pieces[0], struct.pack("<I", len(texts)), *pieces[1:], rest])


def _lines(packet: bytes) -> list[bytes]:
    return [f"{name}={text}".encode() for name, text in comments_of(packet).items()]


def _others(comments: Iterable[bytes]) -> list[bytes]:
    ours = {name.encode() for name in _NAMES.values()}
    return [comment for comment in comments if comment.partition(b"=")[0].upper() not in ours]


def _text(block: bytes, place: int) -> tuple[bytes, int]:
    (length,) = struct.unpack_from("<I", block, place)
    end = place + 4 + length
    if end > len(block):
        raise ValueError("ends within a comment")
    return block[place + 4 : end], end
