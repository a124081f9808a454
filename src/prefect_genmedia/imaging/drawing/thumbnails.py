"""Small pictures for reports."""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO
from pathlib import Path

from PIL import Image

from prefect_genmedia.imaging.colours import decode
from prefect_genmedia.imaging.reading import header


def thumbnail(source: Path | bytes, size: int = 160) -> str:
    """A small WebP of a picture as a `data:` URI, at most `size` pixels a side: for HTML and Markdown.

    At 160 pixels it weighs under 8 KB, larger ones in proportion: where a picture is hard to
    compress, quality gives way. Raises ValueError when `size` is not 16 to 1024, MediaInvalidError
    when the source is not a usable picture, MediaError when it cannot be read.
    """
    if not 16 <= size <= 1024:
        raise ValueError(f"a thumbnail has 16 to 1024 pixels a side, not {size}")
    facts = header(source)
    image = decode(source, shrink=max(facts.width, facts.height) / size).image
    image.thumbnail((size, size), Image.Resampling.LANCZOS, reducing_gap=3.0)
    most = 8000 * size * size // (160 * 160)
    for quality in (75, 50, 25, 5):
        out = BytesIO()
        image.save(out, "WEBP", quality=quality, method=4)
        if out.tell() <= most:
            break
    return f"data:image/webp;base64,{b64encode(out.getvalue()).decode()}"
