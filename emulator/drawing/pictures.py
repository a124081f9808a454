"""Small landscapes, drawn from a word and a seed: real pictures, the same each time."""

from __future__ import annotations

import colorsys
import io
import math
import random

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

Colour = tuple[int, int, int]
Size = tuple[int, int]
RLE = 3  # zlib's Z_RLE
KINDS = ("png", "jpeg", "webp")


def scene(prompt: str, seed: str, size: Size) -> Image.Image:
    """A landscape: the prompt chooses its colours and its kind, the seed its composition."""
    mood = random.Random(f"mood:{prompt}")
    hue, night = mood.random(), mood.random() < 0.3
    kind = mood.choice(("hills", "dunes", "peaks", "sea"))
    chance = random.Random(f"scene:{prompt}:{seed}")
    hue = (hue + chance.uniform(-0.05, 0.05)) % 1.0
    # The sky is drawn small and enlarged: soft, for next to no time. What has edges is drawn at full size.
    scale = 192 / max(size)
    small = (max(32, round(size[0] * scale)), max(32, round(size[1] * scale)))
    sun = (chance.uniform(0.15, 0.85), chance.uniform(0.15, 0.5), chance.uniform(0.05, 0.13))
    light = _rgb(hue + 0.04, 0.1 if night else 0.25, 1.0)
    picture = _sky(small, hue, night)
    _glow(picture, sun, light)
    picture = picture.resize(size, Image.Resampling.BILINEAR)
    pen = ImageDraw.Draw(picture)
    pen.ellipse(_circle(size, sun, 1.0), fill=light)
    for _ in range(40 if night else 0):
        x, y, dot = chance.uniform(0, size[0]), chance.uniform(0, size[1] / 2), max(size) / 500
        pen.ellipse((x, y, x + dot, y + dot), fill=(235, 235, 245))
    if kind == "sea":
        _sea(picture, chance, hue, night)
    else:
        _ranges(picture, chance, hue, night, kind)
    return picture


def grid(quadrants: list[Image.Image], size: Size) -> Image.Image:
    """Four pictures as one, in the order tl, tr, bl, br."""
    sheet = Image.new("RGB", size)
    for quadrant, box in zip(quadrants, quadrant_boxes(size), strict=True):
        sheet.paste(quadrant.resize((box[2] - box[0], box[3] - box[1])), box[:2])
    return sheet


def quadrant_boxes(size: Size) -> list[tuple[int, int, int, int]]:
    half = (size[0] // 2, size[1] // 2)
    return [(x, y, x + half[0], y + half[1]) for y in (0, half[1]) for x in (0, half[0])]


def shaped(wide: int, high: int, side: int = 1024) -> Size:
    """The size of this shape with as many pixels as a square of that side."""
    common = math.gcd(wide, high)
    wide, high = wide // common, high // common
    scale = side / math.sqrt(wide * high)
    if scale < 2:  # 1921:1080 cannot be met exactly by so small a picture
        return (round(wide * scale) // 2 * 2, round(high * scale) // 2 * 2)
    step = round(scale) // 2 * 2
    return (wide * step, high * step)


def enlarged(picture: Image.Image, size: Size) -> Image.Image:
    return picture.resize(size, Image.Resampling.BICUBIC).filter(ImageFilter.SHARPEN)


def varied(picture: Image.Image, other: Image.Image, amount: float) -> Image.Image:
    """The picture, some way towards another one."""
    return Image.blend(picture, other.resize(picture.size), amount)


def placed(picture: Image.Image, around: Image.Image, inner: Size, at: tuple[float, float]) -> Image.Image:
    """The picture made smaller, within new surroundings; `at` is where, 0 to 1 in both directions."""
    size = around.size
    mask = Image.new("L", inner, 0)
    margin = max(2, min(inner) // 16)
    ImageDraw.Draw(mask).rectangle((margin, margin, inner[0] - margin, inner[1] - margin), fill=255)
    sheet = around.copy()
    corner = (round((size[0] - inner[0]) * at[0]), round((size[1] - inner[1]) * at[1]))
    sheet.paste(picture.resize(inner), corner, mask.filter(ImageFilter.BoxBlur(margin / 2)))
    return sheet


def transformed(source: Image.Image, prompt: str, seed: str, size: Size, strength: float) -> Image.Image:
    """Image to image: 0 gives the source back, 1 ignores it, and every step between shows both."""
    start = source.convert("RGB").resize(size, Image.Resampling.BICUBIC)
    if strength <= 0:
        return start
    goal = scene(prompt, seed, size)
    if strength >= 1:
        return goal
    styled = _painted(start, prompt, seed)
    if strength <= 0.5:
        return Image.blend(start, styled, strength * 2)
    return Image.blend(styled, goal, strength * 2 - 1)


def encoded(picture: Image.Image, kind: str) -> bytes:
    """The file: png, jpeg, webp or gif."""
    file = io.BytesIO()
    if kind == "png":
        # Run lengths suit flat colours, and cost a third less time than a true search.
        picture.save(file, "PNG", compress_level=1, compress_type=RLE)
    elif kind == "webp":
        picture.save(file, "WEBP", quality=85, method=1)
    elif kind == "gif":
        picture.quantize(64).save(file, "GIF")
    else:
        picture.save(file, "JPEG", quality=90)
    return file.getvalue()


def _painted(picture: Image.Image, prompt: str, seed: str) -> Image.Image:
    """Fewer tones, the prompt's colours (the seed shifts them), and drawn edges."""
    hue = random.Random(f"mood:{prompt}").random() + random.Random(seed).uniform(-0.08, 0.08)
    tones = ImageOps.posterize(ImageOps.autocontrast(picture.convert("L")).convert("RGB"), 3).convert("L")
    toned = ImageOps.colorize(
        tones, _rgb(hue + 0.55, 0.6, 0.16), _rgb(hue, 0.18, 0.98), mid=_rgb(hue + 0.08, 0.62, 0.72)
    )
    faint = [255 - min(255, level * 2) for level in range(256)]
    edges = picture.convert("L").filter(ImageFilter.FIND_EDGES).point(faint)
    return ImageChops.multiply(Image.blend(picture, toned, 0.7), edges.convert("RGB"))


def _rgb(hue: float, saturation: float, value: float) -> Colour:
    red, green, blue = colorsys.hsv_to_rgb(hue % 1.0, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)


def _sky(size: Size, hue: float, night: bool) -> Image.Image:
    fall = Image.linear_gradient("L").resize(size)
    if night:
        return ImageOps.colorize(fall, _rgb(hue + 0.62, 0.75, 0.12), _rgb(hue, 0.5, 0.5), mid=_rgb(hue + 0.7, 0.6, 0.3))
    return ImageOps.colorize(fall, _rgb(hue + 0.5, 0.45, 0.8), _rgb(hue, 0.3, 1.0), mid=_rgb(hue + 0.58, 0.28, 0.95))


def _circle(size: Size, sun: tuple[float, float, float], reach: float) -> tuple[float, float, float, float]:
    x, y, radius = sun[0] * size[0], sun[1] * size[1], sun[2] * min(size) * reach
    return (x - radius, y - radius, x + radius, y + radius)


def _glow(picture: Image.Image, sun: tuple[float, float, float], light: Colour) -> None:
    for reach, strength in ((4.0, 30), (2.4, 45), (1.5, 70)):
        disc = Image.new("L", picture.size, 0)
        ImageDraw.Draw(disc).ellipse(_circle(picture.size, sun, reach), fill=strength)
        picture.paste(light, mask=disc.filter(ImageFilter.BoxBlur(sun[2] * min(picture.size) * reach / 3)))


def _ranges(picture: Image.Image, chance: random.Random, hue: float, night: bool, kind: str) -> None:
    """Three to five ridges, each darker and nearer than the last."""
    width, height = picture.size
    pen = ImageDraw.Draw(picture)
    layers = chance.randint(3, 5)
    rough = {"hills": 0.35, "dunes": 0.15, "peaks": 1.0}[kind]
    for layer in range(layers):
        depth = (layer + 1) / layers
        base = height * (0.42 + 0.45 * depth * chance.uniform(0.85, 1.05))
        waves = [
            (
                height * 0.1 / n * chance.uniform(0.5, 1.2) * (1 if n == 1 else rough),
                n * chance.uniform(0.7, 1.4),
                chance.uniform(0, 6.3),
            )
            for n in (1, 2, 4, 8)
        ]
        ridge = []
        for x in range(0, width + 4, 4):
            y = base
            for size, pace, phase in waves:
                swing = math.sin(pace * 6.3 * x / width + phase)
                y -= size * (1 - 2 * abs(swing) if kind == "peaks" else swing)
            ridge.append((x, y))
        light = (0.45 - 0.38 * depth) if night else (0.85 - 0.62 * depth)
        pen.polygon(
            [*ridge, (width + 4, height), (0, height)], fill=_rgb(hue + 0.5 + 0.1 * depth, 0.25 + 0.4 * depth, light)
        )


def _sea(picture: Image.Image, chance: random.Random, hue: float, night: bool) -> None:
    """The sky again, upside down and darker, with a boat and its light on the water."""
    width, height = picture.size
    horizon = round(height * chance.uniform(0.5, 0.65))
    water = ImageOps.flip(picture.crop((0, 0, width, horizon))).resize((width, height - horizon))
    tint = Image.new("RGB", water.size, _rgb(hue + 0.55, 0.6, 0.2 if night else 0.45))
    picture.paste(Image.blend(water, tint, 0.5), (0, horizon))
    pen = ImageDraw.Draw(picture)
    for _ in range(60):
        y = horizon + (height - horizon) * chance.random() ** 2
        x, long = chance.uniform(0, width), width * 0.02 + (y - horizon) * 0.3
        pen.line((x, y, x + long, y), fill=_rgb(hue + 0.1, 0.2, 0.5 if night else 0.9))
    x, mast = chance.uniform(0.2, 0.8) * width, height * chance.uniform(0.1, 0.2)
    dark = _rgb(hue + 0.6, 0.5, 0.15)
    pen.polygon([(x, horizon - mast), (x, horizon), (x + mast * 0.6, horizon)], fill=_rgb(hue, 0.08, 0.95))
    pen.polygon(
        [
            (x - mast * 0.5, horizon),
            (x + mast * 0.7, horizon),
            (x + mast * 0.4, horizon + mast * 0.2),
            (x - mast * 0.3, horizon + mast * 0.2),
        ],
        fill=dark,
    )
