"""What a reader of one kind of file says: whole with its remarks, or cut."""

from __future__ import annotations

import mmap
from collections.abc import Callable
from dataclasses import dataclass

from prefect_genmedia.errors import MediaInvalidError

Content = bytes | mmap.mmap
"""A file's bytes: sliced, never copied as a whole."""


@dataclass(frozen=True)
class Whole:
    """The file ends where it says. `tracks` are "vide" and "soun" where the container names them."""

    remarks: tuple[str, ...] = ()
    tracks: frozenset[str] = frozenset()


Reader = Callable[[Content], Whole]


def cut(where: str) -> MediaInvalidError:
    """The error of a file that ends too early."""
    return MediaInvalidError(f"the file is cut short: {where}")


def odd(*remarks: str) -> Whole:
    return Whole(remarks)


def number(content: Content, place: int, size: int, order: str = "big") -> int:
    return int.from_bytes(content[place : place + size], "little" if order == "little" else "big")


def without_tags(content: Content) -> int:
    """Where a sound ends and the tags that players write behind it begin (ID3v1, APE, Lyrics3)."""
    end = len(content)
    while True:
        if content[max(0, end - 128) : end][:3] == b"TAG" and end >= 128:
            end -= 128
        elif content[max(0, end - 32) : end][:8] == b"APETAGEX":
            size = number(content, end - 20, 4, "little") + (32 if content[end - 9] & 0x80 else 0)
            if not 32 <= size <= end:
                return end
            end -= size
        elif content[max(0, end - 9) : end] == b"LYRICS200" and content[end - 15 : end - 9].isdigit():
            size = int(content[end - 15 : end - 9]) + 15
            if size > end:
                return end
            end -= size
        else:
            return end


def behind_id3(content: Content) -> int:
    """Where the sound begins behind ID3v2 tags. Raises MediaInvalidError when they are cut."""
    start = 0
    while content[start : start + 3] == b"ID3":
        if len(content) < start + 10:
            raise cut("it ends within its tags")
        size = 0
        for byte in content[start + 6 : start + 10]:
            size = size << 7 | byte & 0x7F
        start += 10 + size + (10 if content[start + 5] & 0x10 else 0)
        if start > len(content):
            raise cut("it ends within its tags")
    return start
