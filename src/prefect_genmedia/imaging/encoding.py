"""Pixels into a file's bytes: to a quality, a weight, or a likeness."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from prefect_genmedia.errors import MediaInvalidError
from prefect_genmedia.imaging.judging.similarity import ssim
from prefect_genmedia.imaging.renditions import Format, Rendition

USUAL_QUALITY: dict[Format, int] = {"jpeg": 85, "webp": 80, "avif": 65, "png": 100}
"""Alike to the eye."""

_LEAST_QUALITY = 10  # below, a picture is no longer worth its bytes
_COLOURS = (256, 128, 64, 32)


def encode(image: Image.Image, rendition: Rendition, xmp: bytes | None = None) -> bytes:
    """The file's bytes: the same for the same picture, and without metadata but for the packet `xmp`.

    Raises MediaInvalidError when it cannot weigh as little as `max_bytes`, or not with the `ssim` that is asked.
    """
    quality = rendition.quality or USUAL_QUALITY[rendition.format]
    if rendition.ssim is not None and rendition.format != "png":
        content, likeness = _alike(image, rendition.format, rendition.ssim, xmp)
        if rendition.max_bytes is None or len(content) <= rendition.max_bytes:
            return content
        raise MediaInvalidError(
            f"as {rendition.name!r} the picture weighs {len(content)} bytes with an SSIM of {likeness:.3f}; at most "
            f"{rendition.max_bytes} are wanted",
            advice="Allow more bytes, less likeness, fewer pixels, or another format.",
        )
    content = encode_as(image, rendition.format, quality, xmp)
    if rendition.max_bytes is None or len(content) <= rendition.max_bytes:
        return content
    lighter = _fewer_colours if rendition.format == "png" else _lower_quality
    lightest = len(content)
    for content in lighter(image, rendition, quality, xmp):
        if len(content) <= rendition.max_bytes:
            return content
        lightest = len(content)
    raise MediaInvalidError(
        f"as {rendition.name!r} the picture weighs {lightest} bytes at its lightest; at most {rendition.max_bytes} are "
        "wanted",
        advice="Allow more bytes, fewer pixels, or another format.",
    )


def encode_as(image: Image.Image, kind: Format, quality: int, xmp: bytes | None = None) -> bytes:
    """The file's bytes in this format, at this quality."""
    out = BytesIO()
    image.save(out, kind.upper(), **_options(kind, quality, xmp))
    return out.getvalue()


def _alike(image: Image.Image, kind: Format, wanted: float, xmp: bytes | None) -> tuple[bytes, float]:
    """The lightest that is so like the picture, and how like it is; the best where none is. Seven encodings at most."""
    low, high = _LEAST_QUALITY, 100
    fitting = best = b"", 0.0
    while low <= high:
        middle = (low + high) // 2
        content = encode_as(image, kind, middle, xmp)
        with Image.open(BytesIO(content)) as written:
            likeness = ssim(image, written)
        if likeness >= wanted:
            fitting, high = (content, likeness), middle - 1
        else:
            best, low = (content, likeness), middle + 1
    return fitting if fitting[0] else best


def png_info(xmp: bytes | None) -> PngInfo | None:
    """A PNG's packet, which Pillow writes in no other way."""
    if xmp is None:
        return None
    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", xmp.decode("utf-8"))
    return info


def _options(kind: Format, quality: int, xmp: bytes | None) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if kind == "png":
        options["pnginfo"] = png_info(xmp)
    elif xmp is not None:
        options["xmp"] = xmp
    if kind == "jpeg":
        options |= {
            "quality": quality,
            "subsampling": "4:2:0" if quality < 90 else "4:4:4",
            "optimize": True,
            "progressive": True,
        }
    elif kind == "webp":
        options |= {"quality": quality, "method": 4}
    elif kind == "avif":
        # One thread: others work beside it. Speed 8: 6 takes more than twice as long, for a sixth less weight.
        options |= {"quality": quality, "speed": 8, "max_threads": 1}
    return options


def _lower_quality(image: Image.Image, rendition: Rendition, best: int, xmp: bytes | None) -> Iterator[bytes]:
    """First the best that fits, if any does; else the lightest."""
    assert rendition.max_bytes is not None
    low, high = min(_LEAST_QUALITY, best), best
    fitting = content = b""
    while low <= high:
        middle = (low + high) // 2
        content = encode_as(image, rendition.format, middle, xmp)
        if len(content) <= rendition.max_bytes:
            fitting, low = content, middle + 1
        else:
            high = middle - 1
    yield fitting or content


def _fewer_colours(image: Image.Image, rendition: Rendition, _best: int, xmp: bytes | None) -> Iterator[bytes]:
    for colours in _COLOURS:
        method = Image.Quantize.FASTOCTREE if image.mode == "RGBA" else Image.Quantize.MEDIANCUT
        yield encode_as(image.quantize(colours, method), "png", 100, xmp)
