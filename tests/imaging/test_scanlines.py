"""A PNG is counted, not drawn: what is whole is what decoding all of it says, and what is not is damaged."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from prefect_genmedia.errors import MediaInvalidError
from prefect_genmedia.imaging import inspect

MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")


def encoded(mode: str) -> bytes:
    photo = Image.effect_noise((37, 23), 80)
    content = BytesIO()
    (Image.frombytes(mode, (37, 23), photo.tobytes() * 2) if mode == "I;16" else photo.convert(mode)).save(
        content, "PNG"
    )
    return content.getvalue()


PICTURES = {mode: encoded(mode) for mode in MODES}


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = 8
    while place < len(png):
        length = int.from_bytes(png[place : place + 4], "big")
        yield png[place + 4 : place + 8], png[place + 8 : place + 8 + length]
        place += 12 + length


def with_pixels(png: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """The same picture with other compressed pixels, and right checksums around them."""
    pixels = change(b"".join(content for kind, content in chunks(png) if kind == b"IDAT"))
    parts = [(kind, pixels if kind == b"IDAT" else content) for kind, content in chunks(png)]
    return png[:8] + b"".join(chunk(kind, content) for kind, content in parts)


def decoded(png: bytes) -> str:
    """What Pillow says when it draws the picture. Its checksums are right: it was made so, and not cut on its way."""
    try:
        with Image.open(BytesIO(png)) as picture:
            picture.verify()
        with Image.open(BytesIO(png)) as picture:
            picture.load()
    except Exception:
        return "damaged"
    return "whole"


def counted(png: bytes) -> str:
    try:
        facts = inspect(png)
    except MediaInvalidError as error:
        return "cut short" if "cut short" in str(error) else "damaged"
    assert (facts.width, facts.height, facts.frames) == (37, 23, 1)
    return "whole"


@pytest.mark.parametrize("mode", MODES)
def test_a_whole_one_is_whole(mode: str) -> None:
    assert counted(PICTURES[mode]) == decoded(PICTURES[mode]) == "whole"


@given(st.sampled_from(MODES), st.data())
def test_damage_is_told_as_decoding_tells_it(mode: str, data: st.DataObject) -> None:
    png = PICTURES[mode]

    def damage(pixels: bytes) -> bytes:
        place = data.draw(st.integers(0, len(pixels) - 1))
        return pixels[:place] + data.draw(st.binary(max_size=3)) + pixels[place + data.draw(st.integers(0, 2)) :]

    damaged = with_pixels(png, damage)
    assert counted(damaged) == decoded(damaged)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda rows: rows[:-1], "damaged"),
        (lambda rows: b"", "damaged"),
        (lambda rows: rows + b"\x07" * 5000, "whole"),
        (lambda rows: b"\x05" + rows[1:], "damaged"),
    ],
    ids=["a byte short", "no rows", "more than its rows", "an unknown filter"],
)
def test_rows_are_counted_and_their_filters_looked_at(
    mode: str, change: Callable[[bytes], bytes], expected: str
) -> None:
    png = with_pixels(PICTURES[mode], lambda pixels: zlib.compress(change(zlib.decompress(pixels))))
    assert counted(png) == decoded(png) == expected


def test_the_last_rows_filter_is_looked_at_in_a_picture_of_many_pieces() -> None:
    content = BytesIO()
    Image.effect_noise((1500, 1500), 80).save(content, "PNG")
    last = 1501 * 1499

    def change(pixels: bytes) -> bytes:
        rows = bytearray(zlib.decompress(pixels))
        rows[last] = 9
        return zlib.compress(bytes(rows))

    assert inspect(content.getvalue()).width == 1500
    assert counted(with_pixels(content.getvalue(), change)) == "damaged"


def test_pixels_in_many_parts_are_one_stream() -> None:
    png = PICTURES["RGB"]
    parts = [part for kind, content in chunks(png) for part in _parted(kind, content)]
    assert counted(png[:8] + b"".join(parts)) == "whole"
    assert counted(png[:8] + b"".join(parts[:5] + parts[-1:])) == "damaged"
    apart = [*parts[:3], chunk(b"tIME", bytes(7)), *parts[3:]]
    behind = [*parts[:3], parts[-1], *parts[3:-1]]
    for content in (png[:8] + b"".join(apart), png[:8] + b"".join(behind)):
        assert counted(content) == decoded(content) == "damaged"


def _parted(kind: bytes, content: bytes) -> list[bytes]:
    step = 100 if kind == b"IDAT" else max(len(content), 1)
    return [chunk(kind, content[place : place + step]) for place in range(0, max(len(content), 1), step)]


@pytest.mark.parametrize("behind", [1, 60 * 1024**2])
def test_what_follows_the_end_of_the_rows_costs_nothing(behind: int) -> None:
    """A row too few, the end of the compressed stream, and more behind it: an end without end, or a square of time."""
    head = struct.pack(">IIBBBBB", 1024, 1024, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(3073 * 1023)) + bytes(behind)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    with pytest.raises(MediaInvalidError, match="damaged"):
        inspect(png)


@pytest.mark.parametrize("size", [(1200, 6), (1, 1), (7, 900)])
def test_a_thin_jpeg_is_whole(size: tuple[int, int]) -> None:
    content = BytesIO()
    Image.effect_noise(size, 80).save(content, "JPEG")
    assert (inspect(content.getvalue()).width, inspect(content.getvalue()).height) == size


def test_an_interlaced_one_is_decoded() -> None:
    """Two by two: its four pixels are three passes of Adam7."""
    head = struct.pack(">IIBBBBB", 2, 2, 8, 0, 0, 0, 1)
    passes = b"\0\x10" + b"\0\x20" + b"\0\x30\x40"
    for rows, is_whole in ((passes, True), (passes[:-1], False)):
        content = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
        png = b"\x89PNG\r\n\x1a\n" + content
        if is_whole:
            assert (inspect(png).width, inspect(png).height) == (2, 2)
        else:
            with pytest.raises(MediaInvalidError):
                inspect(png)


def test_an_unusually_small_file_of_many_pixels_takes_little_memory(tmp_path: Path) -> None:
    """81 megapixels of one colour; inflated whole they would be 243 MB."""
    import tracemalloc

    squeezer, rows = zlib.compressobj(9), bytes(27_001)
    pixels = b"".join(squeezer.compress(rows) for _ in range(9000)) + squeezer.flush()
    head = struct.pack(">IIBBBBB", 9000, 9000, 8, 2, 0, 0, 0)
    path = tmp_path / "flat.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b""))
    tracemalloc.start()
    try:
        assert inspect(path).width == 9000
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
    finally:
        tracemalloc.stop()
