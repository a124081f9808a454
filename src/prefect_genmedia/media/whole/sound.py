"""MP3, AAC, FLAC, Ogg: sound in frames and pages, which are walked to the last."""

from __future__ import annotations

from functools import cache

from prefect_genmedia.media.whole.reading import Content, Whole, behind_id3, cut, number, odd, without_tags

_RATES = (44100, 48000, 32000)
_KBITS = {  # by MPEG version (1, or 2 and 2.5) and layer
    (1, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_SYNC_WITHIN = 1024 * 1024  # how far a frame is looked for


def mpeg_frame(head: Content, place: int = 0) -> int | None:
    """The length of the MPEG audio frame that begins here; 0 where it does not say; None when there is none."""
    if len(head) < place + 4 or head[place] != 0xFF or head[place + 1] & 0xE0 != 0xE0:
        return None
    version, layer = {3: 1, 2: 2, 0: 3}.get(head[place + 1] >> 3 & 3), 4 - (head[place + 1] >> 1 & 3)
    bits, rate = head[place + 2] >> 4, head[place + 2] >> 2 & 3
    if version is None or layer == 4 or bits == 15 or rate == 3:
        return None
    if bits == 0:
        return 0
    hertz = _RATES[rate] >> (version - 1)
    kbits = _KBITS[min(version, 2), layer][bits - 1]
    padding = head[place + 2] >> 1 & 1
    if layer == 1:
        return (12_000 * kbits // hertz + padding) * 4
    return (72_000 if layer == 3 and version > 1 else 144_000) * kbits // hertz + padding


def aac_frame(head: Content, place: int = 0) -> int | None:
    """The length of the ADTS frame that begins here; None when there is none."""
    if len(head) < place + 7 or head[place] != 0xFF or head[place + 1] & 0xF6 != 0xF0:
        return None
    length = (head[place + 3] & 3) << 11 | head[place + 4] << 3 | head[place + 5] >> 5
    return length if length >= 7 else None


def read_mp3(content: Content) -> Whole:
    """Raises MediaInvalidError when its last frame is cut, or fewer came than its first frame counts."""
    start, end = behind_id3(content), without_tags(content)
    if start >= len(content):
        raise cut("nothing stands behind its tags")
    due, place = _counted(content, start, end)
    frames, stray = 0, 0
    while place < end:
        length = mpeg_frame(content, place)
        if length == 0:
            return odd("its frames do not say their length; whether it is whole cannot be told")
        if length is None:
            following = _next_frame(content, place + 1, end)
            if following is None:
                if content[place] == 0xFF and end - place < 4:
                    raise cut("it ends within a frame")
                stray += len(bytes(content[place:end]).strip(b"\0"))
                break
            stray += following - place
            place = following
        elif place + length > end:
            if due is not None and frames >= due:
                break
            raise cut("it ends within a frame")
        else:
            frames += 1
            place += length
    if due is not None and frames < due - 1:
        raise cut(f"{frames} of its {due} frames have come")
    if not frames:
        return odd("no frame of sound can be found in it")
    return odd(f"{stray} stray bytes stand between its frames") if stray > 4096 else Whole()


def read_aac(content: Content) -> Whole:
    """Raises MediaInvalidError when its last frame is cut."""
    place, end = behind_id3(content), without_tags(content)
    while place < end:
        length = aac_frame(content, place)
        if length is None:
            if content[place] == 0xFF and end - place < 7:
                raise cut("it ends within a frame")
            return odd("there are stray bytes between its frames")
        place += length
        if place > end:
            raise cut("it ends within a frame")
    return Whole()


def _counted(content: Content, start: int, end: int) -> tuple[int | None, int]:
    """How many frames the first, silent one counts (Xing, Info, VBRI), and where the sound begins."""
    first = start if mpeg_frame(content, start) else _next_frame(content, start, end)
    if first is None:
        return None, start
    length = mpeg_frame(content, first) or 0
    head = bytes(content[first : first + min(length, 400)])
    for name in (b"Xing", b"Info"):
        place = head.find(name, 4, 48)
        if place >= 0 and number(head, place + 4, 4) & 1:
            return number(head, place + 8, 4), first + length
    if head[36:40] == b"VBRI":
        return number(head, 50, 4), first + length
    return None, first


def _next_frame(content: Content, start: int, end: int) -> int | None:
    """Where the next frame is that another follows, or the end."""
    place = start
    while (place := content.find(b"\xff", place, min(end, start + _SYNC_WITHIN))) >= 0:
        length = mpeg_frame(content, place)
        if length and (place + length == end or mpeg_frame(content, place + length) is not None):
            return place
        place += 1
    return None


def ogg_kind(head: Content) -> str:
    """The media type by what the first page holds."""
    start = bytes(head[:128])
    if b"OpusHead" in start:
        return "audio/opus"
    return "video/ogg" if b"\x80theora" in start else "audio/ogg"


def read_ogg(content: Content) -> Whole:
    """Raises MediaInvalidError when its last page is cut."""
    place, size = 0, len(content)
    ended: dict[bytes, bool] = {}
    while place < size:
        if content[place : place + 4] != b"OggS"[: size - place]:
            return odd("there are stray bytes behind its pages")
        if place + 27 > size or place + 27 + content[place + 26] > size:
            raise cut("it ends within a page")
        ended[bytes(content[place + 14 : place + 18])] = bool(content[place + 5] & 4)
        segments = content[place + 26]
        place += 27 + segments + sum(content[place + 27 : place + 27 + segments])
        if place > size:
            raise cut("it ends within a page")
    return Whole() if all(ended.values()) else odd("it has no end mark; it may be cut short")


def read_flac(content: Content) -> Whole:
    """Raises MediaInvalidError when its last frame is cut, or is not the last by the length in its head."""
    place, end = behind_id3(content) + 4, len(content)
    first, due, smallest = True, 0, 0
    while True:
        if place + 4 > end:
            raise cut("it ends within its head")
        last, length = content[place] & 0x80, number(content, place + 1, 3)
        if place + 4 + length > end:
            raise cut("it ends within its head")
        if first:
            smallest = number(content, place + 4, 2)
            due = number(content, place + 17, 5) & 0xFFFFFFFFF
            first = False
        place += 4 + length
        if last:
            break
    if place == end:
        if due:
            raise cut("its sound has not come")
        return odd("it holds no sound")
    for stop in sorted({end, without_tags(content)}, reverse=True):
        ended = _last_flac_frame(content, place, stop, smallest)
        if ended is not None:
            if due and ended < due:
                raise cut(f"{ended} of its {due} samples have come")
            return Whole()
    raise cut("its last frame is not whole")


_LONGEST_FLAC_FRAME = 1024 * 1024


def _last_flac_frame(content: Content, start: int, end: int, block: int) -> int | None:
    """Up to which sample the frame goes that ends at `end`; None when none that is whole ends there."""
    place = end
    while (place := content.rfind(b"\xff", max(start, end - _LONGEST_FLAC_FRAME), place)) >= 0:
        head = bytes(content[place : place + 16])
        if len(head) < 6 or head[1] & 0xFE != 0xF8:
            continue
        width = 8 - (head[4] ^ 0xFF).bit_length() if head[4] & 0x80 else 1  # as in UTF-8
        count = head[4] & (0x7F >> width if width > 1 else 0x7F)
        for byte in head[5 : 4 + width]:
            count = count << 6 | byte & 0x3F
        code, after = head[2] >> 4, 4 + width
        samples = {1: 192, 6: number(head, after, 1) + 1, 7: number(head, after, 2) + 1}.get(
            code, 576 << (code - 2) if 2 <= code <= 5 else 256 << (code - 8) if code >= 8 else 0
        )
        after += {6: 1, 7: 2}.get(code, 0) + {12: 1, 13: 2, 14: 2}.get(head[2] & 15, 0)
        if not samples or after >= len(head) or _crc(head[:after], 0x07, 8) != head[after]:
            continue
        if _crc(bytes(content[place:end]), 0x8005, 16) == 0:
            return (count if head[1] & 1 else count * block) + samples
    return None


@cache
def _crc_table(polynomial: int, width: int) -> list[int]:
    table = []
    for value in range(256):
        value <<= width - 8
        for _ in range(8):
            value = (value << 1 ^ (polynomial if value >> width - 1 else 0)) & (1 << width) - 1
        table.append(value)
    return table


def _crc(data: bytes, polynomial: int, width: int) -> int:
    table, mask, shift = _crc_table(polynomial, width), (1 << width) - 1, width - 8
    crc = 0
    for byte in data:
        crc = (crc << 8 & mask) ^ table[crc >> shift ^ byte]
    return crc
