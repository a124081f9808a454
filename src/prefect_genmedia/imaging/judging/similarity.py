"""SSIM: how like two pictures are to the eye, from 0 to 1 (the same). By Pillow alone."""

from __future__ import annotations

from PIL import Image, ImageMath

_BLOCK = 3
_MOST_PIXELS = 4_000_000
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def ssim(one: Image.Image, other: Image.Image) -> float:
    """The mean SSIM of two pictures' lightness.

    As Wang and others have it, but in windows of 6×6 pixels, every 3, with equal weights instead of a Gaussian (which
    weighs about as many pixels): seen within 0.004 of it for photographs as JPEG of quality 75 and more, 0.011 below.
    What is transparent counts as white. Of more than 4 megapixels every other pixel, and so on, is looked at. Both have
    one size.
    """
    first, second = _lightness(one), _lightness(other)
    means = [_windows(each) for each in (first, second)]
    squares = [
        _windows(ImageMath.lambda_eval(lambda said: said["a"] * said["b"], a=a, b=b))
        for a, b in ((first, first), (second, second), (first, second))
    ]
    found = ImageMath.lambda_eval(_likeness, m=means[0], n=means[1], mm=squares[0], nn=squares[1], mn=squares[2])
    return min(1.0, float(found.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))))


def _likeness(said):  # type: ignore[no-untyped-def]  # an expression of Pillow's, which has no types
    mean = said["m"] * said["n"]
    means = said["m"] * said["m"] + said["n"] * said["n"]
    spreads = said["mm"] + said["nn"] - means
    return (mean * 2 + _C1) * ((said["mn"] - mean) * 2 + _C2) / ((means + _C1) * (spreads + _C2))


def _lightness(image: Image.Image) -> Image.Image:
    if image.mode not in ("RGB", "L"):
        clear = image.convert("RGBA")
        image = Image.new("RGBA", image.size, "white")
        image.alpha_composite(clear)
    grey = image.convert("RGB").convert("L")
    step = 1
    while grey.width * grey.height > _MOST_PIXELS * step * step:
        step += 1
    if step > 1:
        grey = grey.resize((grey.width // step, grey.height // step), Image.Resampling.NEAREST)
    return grey.convert("F")


def _windows(image: Image.Image) -> Image.Image:
    """The mean of every window: of two by two blocks, where there are so many."""
    blocks = image.reduce(_BLOCK)
    across, down = min(1, blocks.width - 1), min(1, blocks.height - 1)
    size = (blocks.width - across, blocks.height - down)
    four = {f"w{x}{y}": blocks.crop((x, y, x + size[0], y + size[1])) for x in (0, across) for y in (0, down)}
    mean: Image.Image = ImageMath.lambda_eval(lambda said: sum(said[name] for name in four) / len(four), **four)
    return mean
