"""WAV, AVI, WebP, AIFF, MIDI, PNG, GLB: files of chunks that say their length."""

from __future__ import annotations

import re

from prefect_genmedia.media.whole.reading import Content, Whole, cut, number, odd

_UNTOLD = (0, 0xFFFFFFFF)  # written before the length was known, and never put right


def read_riff(content: Content) -> Whole:
    """RIFF, RF64 and AIFF's FORM. Raises MediaInvalidError when a chunk ends behind the file."""
    order = "big" if content[:4] in (b"FORM", b"RIFX") else "little"
    kind, size = bytes(content[8:12]), len(content)
    declared = number(content, 4, 4, order)
    sound = {b"WAVE": b"data", b"AIFF": b"SSND", b"AIFC": b"SSND"}.get(kind)
    inner = number(content, 28, 8, "little") if content[12:16] == b"ds64" else None
    place, seen, untold = 12, False, False
    while place + 8 <= size:
        name, length = bytes(content[place : place + 4]), number(content, place + 4, 4, order)
        if (seen or sound is None) and place >= declared + 8 and declared not in _UNTOLD and name != b"RIFF":
            break  # tags that players write behind; a long AVI goes on in another RIFF
        if name == sound:
            seen = True
            if inner is not None and length == 0xFFFFFFFF:
                length = inner
            elif length == 0xFFFFFFFF or (length == 0 and declared in _UNTOLD):
                untold = True
                break
        if place + 8 + length > size:
            if seen and name != sound:
                return odd("there are stray bytes behind its sound")
            raise cut(f"its {name.decode('latin-1').strip()} part needs {place + 8 + length} bytes, and {size} came")
        place += 8 + length + (length & 1)
    if sound is not None and not seen:
        raise cut("its sound has not come")
    if untold:
        return odd("it does not say how long it is; whether it is whole cannot be told")
    # The last byte may be one that only makes the length even.
    if declared not in _UNTOLD and declared + 8 > max(size, place) + 1:
        if sound is None:
            raise cut(f"it needs {declared + 8} bytes, and {size} came")
        return odd(f"it says that it has {declared + 8} bytes, and has {size}; all of its sound is there")
    return Whole()


def read_midi(content: Content) -> Whole:
    """Raises MediaInvalidError when a track ends behind the file, or is missing."""
    if len(content) < 14:
        raise cut("it ends within its head")
    place, tracks, due = 0, 0, number(content, 10, 2)
    while place + 8 <= len(content) and content[place : place + 2] == b"MT":
        end = place + 8 + number(content, place + 4, 4)
        if end > len(content):
            raise cut("it ends within a track")
        tracks += content[place : place + 4] == b"MTrk"
        place = end
    if tracks < due and len(content) - place < 8:
        raise cut(f"{tracks} of its {due} tracks have come")
    return Whole()


def read_png(content: Content) -> Whole:
    """Raises MediaInvalidError when its end mark (IEND) has not come."""
    place = 8
    while place + 12 <= len(content):
        if content[place + 4 : place + 8] == b"IEND":
            return Whole()
        place += 12 + number(content, place, 4)
    raise cut("its end mark has not come")


def read_jpeg(content: Content) -> Whole:
    """Raises MediaInvalidError when its pixels have not begun; whether all of them are there, decoding tells."""
    place = 2
    while place + 4 <= len(content) and content[place] == 0xFF:
        if content[place + 1] == 0xDA:
            return Whole()
        # A byte FF may be repeated before a mark.
        place += 1 if content[place + 1] == 0xFF else 2 + number(content, place + 2, 2)
    if place + 4 > len(content):
        raise cut("its pixels have not come")
    return Whole()


_MOST_STRIPS = 200_000  # of one row each, more than a picture has; a list of millions would be made of any 20 MB
_TIFF_WIDTHS = {3: 2, 4: 4, 5: 8, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}  # bytes of a value, by its type


def read_tiff(content: Content) -> Whole:
    """Raises MediaInvalidError when its directory, or a strip or tile of its pixels, ends behind the file."""
    order = "little" if content[:2] == b"II" else "big"
    size, place = len(content), number(content, 4, 4, order)
    if number(content, 2, 2, order) != 42:
        return Whole()  # BigTIFF
    if place + 2 > size:
        raise cut("its directory has not come")
    end = place + 2 + 12 * number(content, place, 2, order)
    if end > size:
        raise cut("its directory has not come")
    entries = {number(content, at, 2, order): at for at in range(place + 2, end, 12)}
    for entry in entries.values():
        length = _TIFF_WIDTHS.get(number(content, entry + 2, 2, order), 1) * number(content, entry + 4, 4, order)
        if length > 4 and number(content, entry + 8, 4, order) + length > size:
            raise cut("a part of its directory has not come")
    for places, lengths in ((273, 279), (324, 325)):
        if places in entries and lengths in entries:
            starts, counts = (_numbers(content, entries[tag], order) for tag in (places, lengths))
            if any(start + count > size for start, count in zip(starts, counts, strict=False)):
                raise cut("its pixels end behind it")
    return Whole()


def _numbers(content: Content, entry: int, order: str) -> list[int]:
    width, count = _TIFF_WIDTHS.get(number(content, entry + 2, 2, order), 1), number(content, entry + 4, 4, order)
    if count > _MOST_STRIPS:
        return []
    start = entry + 8 if width * count <= 4 else number(content, entry + 8, 4, order)
    return [number(content, start + width * each, width, order) for each in range(count)]


def read_ts(content: Content) -> Whole:
    """An MPEG transport stream. Raises MediaInvalidError when its last packet is cut."""
    if len(content) % 188:
        raise cut("it ends within a packet")
    return Whole()


def read_gif(content: Content) -> Whole:
    """Raises MediaInvalidError when it ends within a picture."""
    size, place = len(content), 13
    if size < place:
        raise cut("it ends within its head")
    place += _palette(content[10])
    frames = 0
    while place < size:
        mark = content[place]
        if mark == 0x3B:
            return Whole()
        if mark == 0x2C and place + 10 <= size:
            place += 10 + _palette(content[place + 9]) + 1
            frames += 1
        elif mark == 0x21:
            place += 2
        elif mark == 0x2C:
            break
        else:
            return odd("there are stray bytes in it")
        while place < size and content[place]:
            place += content[place] + 1
        place += 1
    if place == size and frames:
        return odd("it has no end mark; all that has come can be shown")
    raise cut("it ends within a picture")


def _palette(flags: int) -> int:
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def read_glb(content: Content) -> Whole:
    """A binary glTF. Raises MediaInvalidError when it is shorter than it says."""
    due = max(12, number(content, 8, 4, "little"))
    if due > len(content):
        raise cut(f"it needs {due} bytes, and {len(content)} came")
    return Whole()


def read_bmp(content: Content) -> Whole:
    """Raises MediaInvalidError when it is shorter than it says."""
    due = number(content, 2, 4, "little")
    if due > len(content):
        raise cut(f"it needs {due} bytes, and {len(content)} came")
    return Whole()


def read_pdf(content: Content) -> Whole:
    """A PDF without its end mark is kept: some writers leave it out."""
    if bytes(content[-65536:]).find(b"%%EOF") < 0:
        return odd("it has no end mark; it may be cut short")
    return Whole()


_BEHIND = re.compile(rb"(\s|\0|<!--[^>]*-->)+$")
_ROOT = re.compile(rb"<([A-Za-z_][\w.:-]*)")


def read_xml(content: Content) -> Whole:
    """SVG and its like. Raises MediaInvalidError when the last tag has not come."""
    root = _ROOT.search(bytes(content[:65536]))
    end = _BEHIND.sub(b"", bytes(content[-65536:]))
    last = end[end.rfind(b"<") :]
    name = root[1] if root else b""
    if not last.endswith(b">") or not ((last[:2] == b"</" and last[2:-1].strip() == name) or last[1:].startswith(name)):
        raise cut("its last tag has not come")
    if last[:2] != b"</" and not last.endswith(b"/>"):
        raise cut("its last tag has not come")
    return Whole()


def read_zip(content: Content) -> Whole:
    """Raises MediaInvalidError when its list of files has not come."""
    size = len(content)
    tail = max(0, size - 65536 - 22)
    place = bytes(content[tail:]).rfind(b"PK\5\6")
    if 0 <= place <= size - tail - 22:
        end = tail + place
        files, directory = number(content, end + 10, 2, "little"), number(content, end + 16, 4, "little")
        if not files or directory == 0xFFFFFFFF or content[directory : directory + 4] == b"PK\1\2":
            return Whole()
    start = 0
    while content[start : start + 4] == b"PK\3\4":
        streamed = content[start + 6] & 8 if size > start + 6 else 1
        length = number(content, start + 18, 4, "little")
        start += 30 + number(content, start + 26, 2, "little") + number(content, start + 28, 2, "little") + length
        if streamed or start >= size:
            raise cut("its list of files has not come")
    if content[start : start + 2] == b"PK":
        raise cut("its list of files has not come")
    return odd("its list of files cannot be found")
