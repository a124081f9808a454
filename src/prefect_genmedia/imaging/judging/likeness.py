"""Pictures that look alike: a fingerprint of 64 bits that survives another size, quality or small logo."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image

NEAR = 10
"""Bits. Alike are up to here: a worse quality or half the size 2, a logo 4, a crop of 2 % 9. Different begin at 25."""


def fingerprint(image: Image.Image) -> int:
    """dHash: is each of 8×8 places darker than the one to its right?"""
    small = image.convert("RGB").convert("L").resize((9, 8), Image.Resampling.LANCZOS)
    shades = small.tobytes()
    bits = 0
    for row in range(8):
        for column in range(8):
            place = row * 9 + column
            bits = bits << 1 | (shades[place] < shades[place + 1])
    return bits


def distance(one: int, other: int) -> int:
    """How many of 64 bits differ."""
    return (one ^ other).bit_count()


def near_duplicates(fingerprints: Sequence[int], near: int = NEAR) -> list[list[int]]:
    """Which are alike: groups of two or more, by their place; each in one group at most, alike to the first of it."""
    groups: list[list[int]] = []
    for place, bits in enumerate(fingerprints):
        for group in groups:
            if distance(fingerprints[group[0]], bits) <= near:
                group.append(place)
                break
        else:
            groups.append([place])
    return [group for group in groups if len(group) > 1]
