"""Several files in one: a contact sheet; before and after. As `drawing` draws them, from files into a file."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Literal

from PIL import Image

from prefect_genmedia.imaging.colours import decode
from prefect_genmedia.imaging.drawing import before_and_after, contact_sheet, face_for
from prefect_genmedia.imaging.encoding import encode_as
from prefect_genmedia.imaging.reading import header
from prefect_genmedia.imaging.workers import work, work_on_each
from prefect_genmedia.imaging.writing import Rendered, write

_QUALITY = 88


def sheet_of(
    sources: Sequence[Path],
    target: Path,
    captions: Sequence[str] = (),
    *,
    fonts: Sequence[str] = (),
    columns: int = 4,
    cell: int = 320,
    xmp: bytes | None = None,
) -> Rendered:
    """A contact sheet as a JPEG. Raises ValueError without a picture, MissingGlyphError, and like `render`."""
    face = face_for("".join(captions) + "...", fonts)
    pictures = work_on_each(partial(_small, side=cell), sources)
    image = work(partial(contact_sheet, pictures, captions, face=face, columns=columns, cell=cell))
    return _written(image, "contact-sheet", target, xmp)


def comparison_of(
    before: Path,
    after: Path,
    target: Path,
    style: Literal["beside", "split"] = "beside",
    *,
    side: int = 1600,
    xmp: bytes | None = None,
) -> Rendered:
    """Before and after as a JPEG, each at most `side` pixels a side. Raises like `render`."""
    first, second = work_on_each(partial(_small, side=side), [before, after])
    return _written(work(partial(before_and_after, first, second, style)), "before-after", target, xmp)


def _small(source: Path, side: int) -> Image.Image:
    found = header(source)
    image = decode(source, shrink=max(1.0, max(found.width, found.height) / side)).image
    image.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return image


def _written(image: Image.Image, name: str, target: Path, xmp: bytes | None) -> Rendered:
    content = work(partial(encode_as, image, "jpeg", _QUALITY, xmp))
    return write(content, name, image.size, "image/jpeg", target)
