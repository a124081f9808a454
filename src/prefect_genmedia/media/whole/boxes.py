"""MP4, MOV, M4A, HEIC, AVIF, JPEG XL: files of boxes that say their length."""

from __future__ import annotations

from array import array
from collections.abc import Iterator

from prefect_genmedia.media.whole.reading import Content, Whole, cut, number

PICTURES = {
    b"avif": "image/avif",
    b"avis": "image/avif",
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"hevc": "image/heic",
    b"heim": "image/heic",
    b"heis": "image/heic",
    b"mif1": "image/heif",
    b"msf1": "image/heif",
}
_OUTERMOST = {
    *(b"ftyp", b"moov", b"mdat", b"moof", b"mfra", b"sidx", b"ssix", b"styp", b"free", b"skip", b"wide", b"uuid"),
    *(b"meta", b"pnot", b"udta", b"emsg", b"prft", b"pdin", b"jxlc", b"jxlp", b"Exif", b"xml "),
}
_HOLDERS = (b"moov", b"trak", b"mdia", b"minf", b"stbl")


def box_kind(head: Content) -> str | None:
    """The media type of a file that begins with a box; None when it does not."""
    kind = bytes(head[4:8])
    if kind == b"ftyp":
        brands = [bytes(head[place : place + 4]) for place in (8, *range(16, max(16, min(number(head, 0, 4), 64)), 4))]
        if brands[0] in PICTURES:
            kinds = {PICTURES[brand] for brand in brands if brand in PICTURES}
            # "image/heif" is said of any; its own kind stands behind.
            return min(kinds - {"image/heif"} or kinds)
        if brands[0] in (b"M4A ", b"M4B ", b"M4P "):
            return "audio/mp4"
        if brands[0][:3] == b"3gp":
            return "video/3gpp"
        return "video/quicktime" if brands[0] == b"qt  " else "video/mp4"
    if kind in (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"):
        return "video/quicktime"
    return "image/jxl" if head[:12] == b"\0\0\0\x0cJXL \r\n\x87\n" else None


def read_boxes(content: Content) -> Whole:
    """Raises MediaInvalidError when a box ends behind the file, the index is missing, or names bytes that are not."""
    found: set[bytes] = set()
    moov = (0, 0)
    fragment = b""
    remarks: list[str] = []
    for kind, start, end in _boxes(content, 0, len(content)):
        stray = not kind.replace(b" ", b"").isalnum() or (end > len(content) and kind not in _OUTERMOST)
        if stray and b"moov" in found and found & {b"mdat", b"moof"}:
            remarks.append("there are stray bytes behind its end")
            break
        if end > len(content):
            raise cut(f"its {_name(kind)} part needs {end} bytes, and {len(content)} came")
        if kind == b"moov":
            moov = (start, end)
        found.add(kind)
        fragment = kind if kind in (b"moof", b"mdat") else fragment
    if found & {b"meta", b"jxlc", b"jxlp"} and b"moov" not in found:
        return Whole(tuple(remarks))
    if b"moov" not in found:
        raise cut("its index (moov) has not come")
    if fragment == b"moof":
        raise cut("its last part has not come")
    tracks: set[str] = set()
    last = 0
    for kind, start, end in _inner(content, *moov):
        if kind == b"hdlr":
            tracks.add(bytes(content[start + 8 : start + 12]).decode("latin-1"))
        elif kind in (b"stco", b"co64"):
            last = max(last, _last_offset(content, start, end, 4 if kind == b"stco" else 8))
    if last >= len(content):
        raise cut(f"its index names bytes up to {last}, and {len(content)} came")
    if not found & {b"mdat", b"moof"}:
        remarks.append("it holds no sound and no film, only an index")
    return Whole(tuple(remarks), frozenset(tracks & {"vide", "soun"}))


def _boxes(content: Content, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind, and where it begins and ends, of each box; the end may lie behind the file's."""
    while start + 8 <= end:
        size, kind, head = number(content, start, 4), bytes(content[start + 4 : start + 8]), 8
        if size == 1:
            size, head = number(content, start + 8, 8), 16
        elif size == 0 and kind.strip(b"\0"):
            size = end - start  # to the end
        if size < head:
            return
        yield kind, start + head, start + size
        start += size


def _inner(content: Content, start: int, end: int, depth: int = 5) -> Iterator[tuple[bytes, int, int]]:
    for kind, inner_start, inner_end in _boxes(content, start, end):
        yield kind, inner_start, min(inner_end, end)
        if kind in _HOLDERS and depth:
            yield from _inner(content, inner_start, min(inner_end, end), depth - 1)


def _last_offset(content: Content, start: int, end: int, width: int) -> int:
    count = min(number(content, start + 4, 4), (end - start - 8) // width)
    offsets = array("I" if width == 4 else "Q", bytes(content[start + 8 : start + 8 + max(0, count) * width]))
    offsets.byteswap()
    return max(offsets, default=0)


def _name(kind: bytes) -> str:
    return kind.decode("latin-1") if kind.isalnum() else "last"
