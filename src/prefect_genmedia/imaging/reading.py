"""Opening pictures from anywhere: bounded, and with plain words when something is wrong."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from PIL import ExifTags, Image, ImageFile, ImageSequence, UnidentifiedImageError

from prefect_genmedia.errors import GenMediaError, MediaError, MediaInvalidError
from prefect_genmedia.imaging.mending import mended
from prefect_genmedia.imaging.scanlines import can_be_counted, check_rows

MAX_PIXELS = 100_000_000
"""The largest picture that is decoded. A small file can claim to be far larger (a decompression bomb)."""

MAX_SIDE = 100_000
"""No format for photographs holds a longer one, and every row costs memory of its own."""

MAX_FRAMES = 1000
"""The longest animation that `inspect` decodes."""

ANIMATION_FACTOR = 10
"""All frames of an animation together may have this many times the pixels that one picture may."""

# What we open. Pillow knows more formats; some of them start other programs (EPS), none is a photograph.
# MPO (several JPEGs in one file, as some cameras write) comes in through JPEG; its first picture counts.
MEDIA_TYPES = {
    "JPEG": "image/jpeg",
    "MPO": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "GIF": "image/gif",
    "AVIF": "image/avif",
    "TIFF": "image/tiff",
    "BMP": "image/bmp",
}
FORMATS = tuple(name for name in MEDIA_TYPES if name != "MPO")

# The EXIF orientation says how the stored pixels must be turned to be upright.
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class PictureHeader:
    """What a picture says about itself, in pixels, as a viewer shows it (EXIF orientation applied)."""

    width: int
    height: int
    media_type: str


@dataclass(frozen=True)
class PictureFacts(PictureHeader):
    """What a picture was found to be once all of it was decoded. `bytes` is the weight of the file."""

    frames: int
    bytes: int
    remarks: tuple[str, ...] = ()
    """What is odd of it, though all of its pixels are there."""


def header(source: Path | bytes, *, max_pixels: int = MAX_PIXELS) -> PictureHeader:
    """Read a picture's size and type without decoding it.

    A PNG that has its EXIF orientation after its pixels counts as upright here. Raises
    MediaInvalidError when it is not a picture, or has more than `max_pixels` pixels; MediaError
    when the file cannot be read.
    """
    try:
        with opened(source, max_pixels, mend=False) as picture:
            return _header(picture, picture.size)
    except MediaInvalidError:
        # Only now, for it takes reading more of the file.
        with opened(source, max_pixels) as picture:
            return _header(picture, picture.size)


def inspect(source: Path | bytes | BinaryIO, *, max_pixels: int = MAX_PIXELS, mend: bool = False) -> PictureFacts:
    """Decode all of a picture, every frame of it, and say what it is.

    With `mend`, what is odd and costs no pixel (a JPEG without its end mark, a wrong checksum in a comment)
    is a remark; without, it is damage. Raises MediaInvalidError when it is not a picture, is cut short or
    damaged, has more than `max_pixels` pixels, or is too long an animation; MediaError when it cannot be read.
    """
    name = _name(source)
    with _stream(source) as given:
        stream, remark = _put_right(given, name) if mend else (given, "")
        found, frames = _whole_png(stream, name, max_pixels), 1
        if found is None:
            with _picture(stream, name, max_pixels) as picture:
                size = picture.size
                frames = _decode_frames(picture, name, max_pixels)
                found = _header(picture, size)
        weight = given.seek(0, os.SEEK_END)
    remarks = (remark,) if remark else ()
    return PictureFacts(found.width, found.height, found.media_type, frames, weight, remarks)


def _whole_png(stream: BinaryIO, name: str, max_pixels: int) -> PictureHeader | None:
    """What a PNG says of which all is seen to be there without drawing it. Raises what `opened` does."""
    with _picture(stream, name, max_pixels) as picture:
        if picture.format != "PNG":
            return None
        found = _header(picture, picture.size)
        picture.verify()  # checksums, and an end that decoding would not miss
        if not can_be_counted(stream):
            return None
        check_rows(stream)
        return found


@contextmanager
def opened(source: Path | bytes, max_pixels: int = MAX_PIXELS, *, mend: bool = True) -> Iterator[ImageFile.ImageFile]:
    """Open a picture for reading. What goes wrong inside the block is the picture's fault, and is said so."""
    name = _name(source)
    with _stream(source) as stream, _picture(stream, name, max_pixels, mend=mend) as picture:
        yield picture


@contextmanager
def _picture(stream: BinaryIO, name: str, max_pixels: int, *, mend: bool = False) -> Iterator[ImageFile.ImageFile]:
    stream.seek(0)
    try:
        picture = Image.open(mended(stream)[0] if mend else stream, formats=FORMATS)
        check_pixels(picture, name, max_pixels)
        yield picture
    except (GenMediaError, MemoryError):
        raise
    except Exception as error:  # Pillow's decoders raise nearly anything on damaged bytes
        if isinstance(error, OSError) and error.errno is not None:
            raise MediaError(f"{name} cannot be read: {error.strerror}") from None
        stream.seek(0)
        raise MediaInvalidError(f"{name} {_fault(error, stream.read(12), stream, max_pixels)}") from None


@contextmanager
def _stream(source: Path | bytes | BinaryIO) -> Iterator[BinaryIO]:
    """What is open already stays open."""
    if isinstance(source, bytes):
        yield BytesIO(source)
    elif isinstance(source, Path):
        try:
            stream = source.open("rb")
        except OSError as error:
            raise MediaError(f"{source} cannot be read: {error.strerror or error}") from None
        with stream:
            yield stream
    else:
        yield source


def _put_right(stream: BinaryIO, name: str) -> tuple[BinaryIO, str]:
    stream.seek(0)
    try:
        return mended(stream)
    except OSError as error:
        raise MediaError(f"{name} cannot be read: {error.strerror or error}") from None


def check_pixels(picture: Image.Image, name: str, max_pixels: int) -> None:
    """Raise MediaInvalidError when the header claims more than `max_pixels` pixels, or a side beyond `MAX_SIDE`."""
    pixels = picture.width * picture.height
    if pixels <= max_pixels and max(picture.size) > MAX_SIDE:
        raise MediaInvalidError(f"{name} has {max(picture.size)} pixels on a side; the limit is {MAX_SIDE}")
    if pixels > max_pixels:
        raise MediaInvalidError(f"{name} {_too_large(pixels, max_pixels)}")


def orientation(picture: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 (upright) when there is none or it cannot be read."""
    if picture.format == "TIFF":
        return 1  # Pillow turns these itself
    try:
        # Not picture.getexif(): for a PNG that would decode the whole picture.
        value = Image.Image.getexif(picture).get(ExifTags.Base.Orientation)
    except Exception:  # a damaged EXIF block is no reason to refuse the picture
        return 1
    return value if isinstance(value, int) and value in UPRIGHT else 1


def _name(source: Path | bytes | BinaryIO) -> str:
    return str(source) if isinstance(source, Path) else "the data"


def _header(picture: ImageFile.ImageFile, size: tuple[int, int]) -> PictureHeader:
    width, height = size
    if orientation(picture) >= 5:
        width, height = height, width
    return PictureHeader(width, height, MEDIA_TYPES[picture.format or ""])


def _decode_frames(picture: ImageFile.ImageFile, name: str, max_pixels: int) -> int:
    if picture.format == "MPO":
        picture.load()
        return 1
    # All of a JPEG's bits are read at any size; at an eighth, fewer of its pixels are drawn.
    picture.draft(None, (max(picture.width // 8, 1), max(picture.height // 8, 1)))
    frames = pixels = 0
    for frame in ImageSequence.Iterator(picture):
        check_pixels(frame, name, max_pixels)
        frames += 1
        pixels += frame.width * frame.height
        if frames > MAX_FRAMES:
            raise MediaInvalidError(f"{name} has more than {MAX_FRAMES} frames")
        if pixels > ANIMATION_FACTOR * max_pixels:
            raise MediaInvalidError(f"{name} has more than {ANIMATION_FACTOR}×{max_pixels} pixels in its frames")
        frame.load()
    return frames


def _fault(error: Exception, start: bytes, stream: BinaryIO, max_pixels: int) -> str:
    if isinstance(error, (Image.DecompressionBombError, Image.DecompressionBombWarning)):
        # Pillow's own limit: it warns there (a warning may be made an error), and refuses at twice that.
        found = re.search(r"\((\d+) pixels\)", str(error))
        pillows = (Image.MAX_IMAGE_PIXELS or max_pixels) * (1 if isinstance(error, Warning) else 2)
        limit = min(max_pixels, pillows)
        return _too_large(int(found[1]), limit) if found else "has too many pixels"
    if not start:
        return "is empty"
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        size = stream.seek(0, os.SEEK_END)
        return "is cut short" if size < int.from_bytes(start[4:8], "little") + 8 else "is damaged"
    if start[4:8] == b"ftyp" and start[8:10] in (b"he", b"mi"):
        return "is a HEIC picture, which cannot be read here; save it as JPEG"
    if isinstance(error, UnidentifiedImageError):
        return "is not a picture Pillow can read"
    return "is cut short" if "truncated" in str(error).lower() else "is damaged"


def _too_large(pixels: int, limit: int) -> str:
    return f"has {pixels / 1e6:.6g} megapixels; the limit is {limit / 1e6:.6g}"
