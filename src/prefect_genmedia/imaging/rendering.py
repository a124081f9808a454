"""Many finished files from one decode."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PIL import Image

from prefect_genmedia.errors import MediaInvalidError
from prefect_genmedia.imaging.colours import Decoded, decode
from prefect_genmedia.imaging.encoding import encode
from prefect_genmedia.imaging.geometry import Layout, layout, source_pixels_per_pixel
from prefect_genmedia.imaging.judging.attention import focused
from prefect_genmedia.imaging.ladder import ladder
from prefect_genmedia.imaging.reading import MAX_PIXELS, header
from prefect_genmedia.imaging.renditions import LONGEST_SIDE, Rendition
from prefect_genmedia.imaging.workers import work, work_on_each
from prefect_genmedia.imaging.writing import Rendered, targets, write

SUFFIXES = {"jpeg": ".jpg", "png": ".png", "webp": ".webp", "avif": ".avif"}


def render(
    source: Path,
    renditions: Sequence[Rendition],
    folder: Path,
    stem: str | None = None,
    *,
    max_pixels: int = MAX_PIXELS,
    xmp: bytes | None = None,
) -> list[Rendered]:
    """Make every rendition of a picture: `folder/{stem}-{name}.jpg` and so on, decoded once.

    `stem` is the source's own unless given. Files come upright, in sRGB, without metadata but for the packet `xmp`,
    with the same bytes each time, and whole or not at all; a file of the same name is replaced. Of an animation, the
    first frame is used. The files are made side by side, on all cores. Blocking: call it in a thread from async code.

    Raises ValueError when two renditions have one name, when `stem` is no file name, or when a
    file would replace the source; MediaInvalidError when the source is not a usable picture;
    MediaError when a file cannot be read or written.
    """
    _check_names(renditions)
    endings = [f"{each.name}{SUFFIXES[each.format]}" for each in renditions]
    paths = targets(source, folder, stem, endings)
    first = header(source, max_pixels=max_pixels)
    layouts = _layouts(source, (first.width, first.height), renditions)
    shrink = min(map(source_pixels_per_pixel, layouts), default=1.0)
    picture = work(partial(decode, source, shrink=shrink, max_pixels=max_pixels))
    sizes = [focused(each, picture.image) for each in renditions]
    layouts = _layouts(source, picture.size, sizes)  # a header may not tell that the picture lies on its side
    pictures = ladder(picture, layouts)
    del picture  # where all are cut from smaller copies, its memory is free again

    def made(number: int) -> Rendered:
        plan, each = layouts[number], sizes[number]
        content = encode(cut(pictures[number], plan, each), each, xmp)
        return write(content, each.name, plan.canvas, f"image/{each.format}", paths[number])

    return work_on_each(made, range(len(sizes)))


def cut(picture: Decoded, plan: Layout, rendition: Rendition) -> Image.Image:
    """The rendition's pixels: cropped, resized, and laid on the background where one shows."""
    across, down = picture.image.width / picture.size[0], picture.image.height / picture.size[1]
    left, top, right, bottom = plan.box
    box = (
        left * across,
        top * down,
        min(right * across, picture.image.width),
        min(bottom * down, picture.image.height),
    )
    image = picture.image.resize(plan.size, Image.Resampling.LANCZOS, box, reducing_gap=3.0)
    if plan.size == plan.canvas and (image.mode == "RGB" or rendition.format != "jpeg"):
        return image
    rgb, opacity = rendition.background[:7], rendition.background[7:]
    opaque = rendition.format == "jpeg" or opacity.lower() in ("", "ff")
    canvas = Image.new("RGBA", plan.canvas, rgb if opaque else rgb + opacity)
    offset = ((plan.canvas[0] - plan.size[0]) // 2, (plan.canvas[1] - plan.size[1]) // 2)
    canvas.alpha_composite(image.convert("RGBA"), offset)
    return canvas.convert("RGB") if opaque else canvas


def _check_names(renditions: Sequence[Rendition]) -> None:
    names = [each.name for each in renditions]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"two renditions have the name {', '.join(map(repr, twice))}")


def _layouts(source: Path, size: tuple[int, int], renditions: Sequence[Rendition]) -> list[Layout]:
    layouts = [layout(size, each) for each in renditions]
    for plan, each in zip(layouts, renditions, strict=True):
        width, height = plan.canvas
        if max(width, height) > LONGEST_SIDE[each.format] or width * height > MAX_PIXELS:
            raise MediaInvalidError(
                f"{source} is {size[0]}×{size[1]}: as {each.name!r} it would be {width}×{height}, too large"
            )
    return layouts
