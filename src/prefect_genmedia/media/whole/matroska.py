"""WebM and Matroska: elements that say their length, or that they do not know it."""

from __future__ import annotations

from prefect_genmedia.media.whole.reading import Content, Whole, cut, number, odd

_SEGMENT = 0x18538067
_EBML = 0x1A45DFA3
_CLUSTER = 0x1F43B675


def matroska_kind(head: Content) -> str:
    """The media type by the DocType in the head."""
    return "video/webm" if b"webm" in bytes(head[:64]) else "video/x-matroska"


def read_matroska(content: Content) -> Whole:
    """Raises MediaInvalidError when an element ends behind the file."""
    place, size, clusters, ended = 0, len(content), 0, False
    while place < size:
        identity, place_of_length = _coded(content, place, keep_marker=True)
        length, start = _coded(content, place_of_length, keep_marker=False)
        if identity is None or (ended and identity not in (_EBML, _SEGMENT)):
            return odd("there are stray bytes in it")
        if start > size:
            raise cut("it ends within the head of an element")
        clusters += identity == _CLUSTER
        if length is None:
            place = start  # length not known: what it holds follows
        elif start + length > size:
            raise cut(f"it needs {start + length} bytes, and {size} came")
        else:
            ended = identity == _SEGMENT
            clusters += ended
            place = start + length
    if not clusters:
        raise cut("its sound or film has not come")
    return Whole()


def _coded(content: Content, place: int, *, keep_marker: bool) -> tuple[int | None, int]:
    """A number of EBML's, and where it ends. None: not known (a length), or none at all (an id)."""
    first = content[place] if place < len(content) else 0
    width = 9 - first.bit_length()
    if width > (4 if keep_marker else 8):
        return None, place + 1
    value = number(content, place, width)
    if keep_marker:
        return value, place + width
    value &= (1 << 7 * width) - 1
    return (None if value == (1 << 7 * width) - 1 else value), place + width
