"""A picture made ready for whoever it is sent to: upright, sRGB, without metadata, in a format and size they take."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from PIL import Image, ImageFile

from prefect_genmedia.errors import MediaInvalidError
from prefect_genmedia.imaging.colours import decode, in_srgb
from prefect_genmedia.imaging.geometry import Size, within
from prefect_genmedia.imaging.incoming.metadata import stripped
from prefect_genmedia.imaging.reading import MEDIA_TYPES, PictureHeader, header, inspect, opened, orientation

# What every decoder shows alike; others (CMYK, 16 bits of grey, Lab, floating point) are written anew.
_PLAIN_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA")
_LOSSY = ("JPEG", "WEBP")
_SHRINKINGS = 12
_NAMES = {"WEBP": "WebP"}


@dataclass(frozen=True)
class PictureLimit:
    """What a provider takes: put on a field by Annotated[GivenPicture, PictureLimit(...)]."""

    megapixels: float = 64.0
    megabytes: float = 30.0
    formats: tuple[str, ...] = ("JPEG", "PNG", "WEBP")
    """Pillow's words. The first that fits is written where a picture comes in another."""
    longest_side: int | None = None
    """In pixels."""
    scalable: bool = True
    """False where the size says something, as a mask's does."""

    @property
    def pixels(self) -> int:
        return round(self.megapixels * 1_000_000)

    @property
    def bytes(self) -> int:
        return round(self.megabytes * 1_000_000)

    @property
    def format_names(self) -> str:
        """For people: JPEG, PNG, WebP."""
        return ", ".join(_NAMES.get(name, name) for name in self.formats)


@dataclass(frozen=True)
class Ready:
    """A picture as it is sent."""

    content: bytes
    width: int
    height: int
    media_type: str


def as_it_is(content: bytes, limit: PictureLimit) -> Ready:
    """The picture untouched. Raises MediaInvalidError when it is none, or not one that `limit` lets through."""
    _check_size(header(content), limit)
    facts = inspect(content)
    with opened(content) as picture:
        kind = _format(picture)
    if kind not in limit.formats:
        raise MediaInvalidError(
            f"is {_NAMES.get(kind, kind)}; taken are {limit.format_names}",
            advice="Let it be made ready (Picture.prepare), or save it in another format.",
        )
    if len(content) > limit.bytes:
        raise _too_heavy(content, limit)
    return Ready(content, facts.width, facts.height, facts.media_type)


def made_ready(content: bytes, limit: PictureLimit, *, shrink: bool = False) -> Ready:
    """The picture upright, in sRGB, without metadata, in a format of `limit`: the same bytes for the same bytes.

    Pixels are written anew only where that takes it; else the file stays as it is, but for its metadata. With
    `shrink` it is made smaller until `limit` lets it through; without, it is refused where it is too large.
    Blocking. Raises MediaInvalidError when it is no picture, is damaged or too large.
    """
    shrink = shrink and limit.scalable
    first = header(content)
    if not shrink:
        _check_size(first, limit)
    facts = inspect(content)
    own = (facts.width, facts.height)
    size = within(own, limit.pixels, limit.longest_side) if shrink else own
    with opened(content) as picture:
        kind = _format(picture)
        plain = kind in limit.formats and size == own and _is_plain(picture)
    if plain and (spliced := stripped(content, kind)) is not None:
        if len(spliced) <= limit.bytes:
            return Ready(spliced, *own, facts.media_type)
        if not shrink:
            raise _too_heavy(spliced, limit)
    return _written(content, kind, own, size, limit, shrink)


def _format(picture: ImageFile.ImageFile) -> str:
    return "JPEG" if picture.format == "MPO" else picture.format or ""


def _is_plain(picture: ImageFile.ImageFile) -> bool:
    """Upright, sRGB, 8 bits: may it be sent as it is stored?"""
    if picture.format == "PNG":
        picture.load()  # its EXIF may stand behind its pixels
    if picture.format == "AVIF" and picture.info.keys() & {"exif", "xmp"}:
        return False
    return picture.mode in _PLAIN_MODES and orientation(picture) == 1 and in_srgb(picture)


def _written(content: bytes, kind: str, own: Size, size: Size, limit: PictureLimit, shrink: bool) -> Ready:
    """The picture written anew, at the best quality that its weight allows. Raises MediaInvalidError."""
    whole = decode(content, shrink=min(own[0] / size[0], own[1] / size[1])).image
    lightest = b""
    for _ in range(_SHRINKINGS if shrink else 1):
        image = whole if whole.size == size else whole.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
        for written_as, lightest in _files(image, kind, limit):
            if len(lightest) <= limit.bytes:
                return Ready(lightest, *size, MEDIA_TYPES[written_as])
        share = min(0.8, max(0.05, 0.9 * limit.bytes / len(lightest)))
        size = within(size, int(size[0] * size[1] * share), None)
    raise _too_heavy(lightest, limit)


def _files(image: Image.Image, kind: str, limit: PictureLimit) -> Iterator[tuple[str, bytes]]:
    """The picture as files, from the best to the lightest. What was without loss stays so while it can."""
    lossy = [name for name in limit.formats if name in _LOSSY and not (name == "JPEG" and image.mode == "RGBA")]
    if kind in ("JPEG", "AVIF") and image.mode == "RGB" and lossy:
        tries: list[tuple[str, int | None]] = []
    else:
        tries = [("PNG", None)]
    if limit.scalable or not tries:
        tries += [(lossy[0], quality) for quality in (95, 90, 85, 75)] if lossy else []
    for name, quality in tries:
        yield name, _file(image, name, quality)


def _file(image: Image.Image, name: str, quality: int | None) -> bytes:
    options: dict[str, Any] = {}
    if name == "JPEG":
        options = {"quality": quality, "subsampling": "4:4:4" if (quality or 0) >= 90 else "4:2:0"}
    elif name == "PNG":
        options = {"compress_level": 4}
    elif name == "WEBP":
        options = {"quality": quality, "method": 4}
    out = BytesIO()
    image.save(out, name, **options)
    return out.getvalue()


def _check_size(size: PictureHeader, limit: PictureLimit) -> None:
    pixels, longest = size.width * size.height, max(size.width, size.height)
    said = ""
    if pixels > limit.pixels:
        said = f"has {pixels / 1e6:.1f} megapixels; the limit is {limit.megapixels:.4g}"
    elif limit.longest_side is not None and longest > limit.longest_side:
        said = f"has {longest} pixels on a side; the limit is {limit.longest_side}"
    if said:
        raise MediaInvalidError(said, advice=_advice(limit))


def _too_heavy(content: bytes, limit: PictureLimit) -> MediaInvalidError:
    said = f"has {len(content) / 1e6:.1f} MB; the limit is {limit.megabytes:g} MB"
    return MediaInvalidError(said, advice=_advice(limit))


def _advice(limit: PictureLimit) -> str:
    return 'Let it be made smaller: Picture(source=..., prepare="fit").' if limit.scalable else ""
