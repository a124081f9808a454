"""A recipe done: its files, from one decode."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PIL import Image, ImageColor

from prefect_genmedia.errors import MediaInvalidError
from prefect_genmedia.imaging.adjusting import adjust, sharpen
from prefect_genmedia.imaging.colours import Decoded, decode
from prefect_genmedia.imaging.drawing import label, overlay, write_text
from prefect_genmedia.imaging.encoding import encode
from prefect_genmedia.imaging.geometry import Layout, Size, layout, source_pixels_per_pixel
from prefect_genmedia.imaging.judging import Quality, faults, focused
from prefect_genmedia.imaging.ladder import ladder
from prefect_genmedia.imaging.reading import MAX_PIXELS, PictureHeader, header
from prefect_genmedia.imaging.recipes.checking import Materials, check, face_of, look_of
from prefect_genmedia.imaging.recipes.placing import crop_box, padded, resized, text_box, text_sizes
from prefect_genmedia.imaging.recipes.recipe import Recipe
from prefect_genmedia.imaging.recipes.steps import (
    Check,
    Colour,
    Crop,
    Keep,
    Label,
    Overlay,
    Pad,
    Resize,
    Save,
    Sharpen,
    Sizes,
    Step,
    Text,
    ratio,
)
from prefect_genmedia.imaging.rendering import SUFFIXES, cut
from prefect_genmedia.imaging.renditions import Rendition
from prefect_genmedia.imaging.workers import work, work_on_each
from prefect_genmedia.imaging.writing import Rendered, targets, write

_SUFFIX_OF_TYPE = {f"image/{kind}": suffix for kind, suffix in SUFFIXES.items()}


def make(
    source: Path,
    recipe: Recipe,
    folder: Path,
    stem: str | None = None,
    materials: Materials | None = None,
    *,
    max_pixels: int = MAX_PIXELS,
) -> list[Rendered]:
    """Do a recipe on a picture: `folder/{stem}-{name}.jpg` and so on, decoded once. The recipe is a `finished` one.

    As `render` does, and raises like it; also RecipeError when the recipe cannot work on this picture, and
    MediaInvalidError when a check of the recipe refuses it.
    """
    materials = materials or Materials()
    first = header(source, max_pixels=max_pixels)
    check(recipe, materials, (first.width, first.height))
    paths = iter(targets(source, folder, stem, _endings(recipe, first)))
    picture = work(partial(decode, source, shrink=_shrink(recipe, (first.width, first.height)), max_pixels=max_pixels))
    files: list[Callable[[], Rendered]] = []
    for number, step in enumerate(recipe.steps):
        if isinstance(step, Keep):
            size, kept = (first.width, first.height), materials.kept or source.read_bytes()
            files.append(partial(write, kept, step.name, size, first.media_type, next(paths)))
        elif isinstance(step, Save):
            files.append(partial(_file, picture, step.rendition(picture.size[0]), (), materials, next(paths)))
        elif isinstance(step, Sizes):
            later = recipe.steps[number + 1 :]
            wanted = [focused(each, picture.image) for each in step.sizes if isinstance(each, Rendition)]
            pictures = ladder(picture, [layout(picture.size, each) for each in wanted])
            files += [
                partial(_file, smaller, each, later, materials, next(paths))
                for smaller, each in zip(pictures, wanted, strict=True)
            ]
            break
        else:
            image = work(partial(done, step, picture.image, materials))
            picture = picture if image is picture.image else Decoded(image, image.size)
    return work_on_each(lambda file: file(), files)


def done(step: Step, image: Image.Image, materials: Materials) -> Image.Image:
    """The picture after one step; the picture itself where nothing changes. Raises RecipeError, MediaInvalidError."""
    match step:
        case Crop():
            step = focused(step, image)
            left, top, right, bottom = crop_box(step, image.size)
            return image.crop((round(left), round(top), round(right), round(bottom)))
        case Resize():
            step = focused(step, image)
            plan, wanted = resized(step, image.size)
            return cut(Decoded(image, image.size), plan, wanted)
        case Pad():
            return _with_room(image, padded(step, image.size), step.background)
        case Overlay():
            other = decode(materials.overlays[step.picture]).image
            return overlay(image, other, step.place, step.width, step.margin, step.opacity)
        case Text():
            box, sizes = text_box(step, image.size), text_sizes(step, image.size)
            return write_text(image, step.text, face_of(step, materials), box, sizes, look_of(step))
        case Label():
            return label(image, step.text, face_of(step, materials), step.corner, step.size)
        case Sharpen():
            return sharpen(image, step.strength, step.radius)
        case Colour():
            return adjust(image, step.brightness, step.contrast, step.saturation)
        case Check():
            _refuse_faults(image, step)
    return image


def _file(picture: Decoded, wanted: Rendition, later: Sequence[Step], materials: Materials, path: Path) -> Rendered:
    """One file: cut to its size, what follows done to it, written."""
    image = cut(picture, layout(picture.size, wanted), wanted)
    for step in later:
        image = done(step, image, materials)
    if wanted.format == "jpeg" and image.mode == "RGBA":
        image = cut(Decoded(image, image.size), Layout((0, 0, *image.size), image.size, image.size), wanted)
    return write(encode(image, wanted, materials.xmp), wanted.name, image.size, f"image/{wanted.format}", path)


def _endings(recipe: Recipe, first: PictureHeader) -> list[str]:
    endings = []
    for step in recipe.steps:
        if isinstance(step, Keep):
            endings.append(step.name + _SUFFIX_OF_TYPE.get(first.media_type, f".{first.media_type.rpartition('/')[2]}"))
        elif isinstance(step, Save):
            endings.append(step.name + SUFFIXES[step.format])
        elif isinstance(step, Sizes):
            endings += [each.name + SUFFIXES[each.format] for each in step.sizes if isinstance(each, Rendition)]
    return endings


def _shrink(recipe: Recipe, size: Size) -> float:
    """How much smaller it may be decoded: only where nothing is done to all of it before it is cut to sizes."""
    steps = [step for step in recipe.steps if not isinstance(step, Keep)]
    if not steps or not isinstance(steps[0], Sizes):
        return 1.0
    return min(source_pixels_per_pixel(layout(size, each)) for each in steps[0].sizes if isinstance(each, Rendition))


def _with_room(image: Image.Image, canvas: Size, background: str) -> Image.Image:
    opaque = background[7:].lower() in ("", "ff") and image.mode == "RGB"
    room = Image.new("RGB" if opaque else "RGBA", canvas, ImageColor.getrgb(background[:7] if opaque else background))
    at = ((canvas[0] - image.width) // 2, (canvas[1] - image.height) // 2)
    if opaque:
        room.paste(image, at)
    else:
        room.alpha_composite(image.convert("RGBA"), at)
    return room


def _refuse_faults(image: Image.Image, step: Check) -> None:
    asked = Quality(
        least_width=step.least_width,
        least_height=step.least_height,
        aspect=ratio(step.aspect) if step.aspect else None,
        least_sharpness=0 if step.blurred else Quality().least_sharpness,
        blank=step.blank,
    )
    if found := faults(image, asked):
        said = "; ".join(f"{fault.kind} ({fault.said})" for fault in found)
        raise MediaInvalidError(f"the recipe's check refuses the picture: {said}", advice="Pick another, or ask less.")
