"""ThumbHash (https://evanw.github.io/thumbhash): a picture's shape and colours in about 25 bytes, for its place on a
page while it loads."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from math import cos, pi
from typing import NamedTuple

from PIL import Image

_SIDE = 48  # pixels that are looked at; more change no bit that is seen


class _Waves(NamedTuple):
    """One channel: its mean, its cosine waves from -1 to 1, and how strong they are."""

    mean: float
    waves: list[float]
    scale: float


def thumbhash(image: Image.Image) -> str:
    """The ThumbHash of a picture, in base64."""
    small = image.convert("RGBA")
    small.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    width, height = small.size
    red, green, blue, alpha = ([value / 255 for value in channel.tobytes()] for channel in small.split())
    opaque = sum(alpha)
    means = [
        sum(c * a for c, a in zip(channel, alpha, strict=True)) / opaque if opaque else 0.0
        for channel in (red, green, blue)
    ]
    red, green, blue = (
        [mean * (1 - a) + c * a for c, a in zip(channel, alpha, strict=True)]
        for channel, mean in zip((red, green, blue), means, strict=True)
    )
    has_alpha = opaque < width * height
    longest = 5 if has_alpha else 7
    across = max(1, round(longest * width / max(width, height)))
    down = max(1, round(longest * height / max(width, height)))
    light = [(r + g + b) / 3 for r, g, b in zip(red, green, blue, strict=True)]
    yellow = [(r + g) / 2 - b for r, g, b in zip(red, green, blue, strict=True)]
    reddish = [r - g for r, g in zip(red, green, strict=True)]

    lights = _waves(light, (width, height), max(3, across), max(3, down))
    yellows = _waves(yellow, (width, height), 3, 3)
    reds = _waves(reddish, (width, height), 3, 3)
    landscape = width > height
    head = (
        round(63 * lights.mean)
        | round(31.5 + 31.5 * yellows.mean) << 6
        | round(31.5 + 31.5 * reds.mean) << 12
        | round(31 * lights.scale) << 18
        | has_alpha << 23
    )
    more = (
        (down if landscape else across) | round(63 * yellows.scale) << 3 | round(63 * reds.scale) << 9 | landscape << 15
    )
    out = bytearray(head.to_bytes(3, "little") + more.to_bytes(2, "little"))
    all_waves = [*lights.waves, *yellows.waves, *reds.waves]
    if has_alpha:
        alphas = _waves(alpha, (width, height), 5, 5)
        out.append(round(15 * alphas.mean) | round(15 * alphas.scale) << 4)
        all_waves += alphas.waves
    nibbles = [round(15 * wave) for wave in all_waves]
    nibbles += [0] * (len(nibbles) % 2)
    out += bytes(low | high << 4 for low, high in zip(nibbles[::2], nibbles[1::2], strict=True))
    return b64encode(out).decode()


def _waves(channel: Sequence[float], size: tuple[int, int], across: int, down: int) -> _Waves:
    """The first cosine waves of a channel, in a triangle: the finer, the fewer."""
    width, height = size
    columns = [[cos(pi / width * x * (place + 0.5)) for place in range(width)] for x in range(across)]
    rows = [[cos(pi / height * y * (place + 0.5)) for place in range(height)] for y in range(down)]
    # Each row of pixels against each column wave once; the row waves then see one number for each row.
    sums = [
        [
            sum(value * wave for value, wave in zip(channel[y * width : (y + 1) * width], column, strict=True))
            for y in range(height)
        ]
        for column in columns
    ]
    mean, found, scale = 0.0, [], 0.0
    for y in range(down):
        for x in range(across):
            if x * down >= across * (down - y):
                break
            strength = sum(part * wave for part, wave in zip(sums[x], rows[y], strict=True)) / (width * height)
            if x or y:
                found.append(strength)
                scale = max(scale, abs(strength))
            else:
                mean = strength
    return _Waves(mean, [0.5 + 0.5 / scale * each if scale else 0.0 for each in found], scale)
