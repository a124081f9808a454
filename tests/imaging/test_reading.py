"""Reading a picture: what it is, and in plain words why it is none."""

from __future__ import annotations

import errno
import io
import os
import struct
import warnings
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageFile
from PIL.PngImagePlugin import PngInfo

from prefect_genmedia.errors import MediaError, MediaInvalidError
from prefect_genmedia.imaging import PictureFacts, PictureHeader, header, inspect


def png_claiming(width: int, height: int) -> bytes:
    """The head of a PNG that says it has this size, and a little data."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("astronaut.png", (512, 512, "image/png")),
        ("chelsea.png", (451, 300, "image/png")),
        ("coffee.png", (600, 400, "image/png")),
        ("rocket.jpg", (640, 427, "image/jpeg")),
    ],
)
def test_photographs_are_what_they_are(photos: Path, name: str, expected: tuple[int, int, str]) -> None:
    path = photos / name
    assert inspect(path) == inspect(path.read_bytes()) == PictureFacts(*expected, frames=1, bytes=path.stat().st_size)
    assert header(path) == header(path.read_bytes()) == PictureHeader(*expected)


@pytest.mark.parametrize("ending", ["gif", "webp", "png", "avif", "tiff"])
def test_every_frame_is_counted(save, cat, ending: str) -> None:
    frames = [cat.rotate(turn).resize((90, 60)) for turn in (10, 20, 30)]
    path = save(frames[0], f"moving.{ending}", save_all=True, append_images=frames[1:])
    facts = inspect(path)
    assert (facts.width, facts.height, facts.frames) == (90, 60, 3)
    assert facts.media_type == f"image/{'png' if ending == 'png' else ending}"


def test_a_camera_file_of_several_jpegs_is_its_first_jpeg(save, cat) -> None:
    path = save(cat, "camera.mpo", save_all=True, append_images=[cat.resize((90, 60))])
    assert inspect(path) == PictureFacts(451, 300, "image/jpeg", frames=1, bytes=path.stat().st_size)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "tiff"])
def test_width_and_height_are_those_a_viewer_shows(save, cat, orientation: int, ending: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(cat, f"turned.{ending}", exif=exif)
    expected = (300, 451) if orientation >= 5 else (451, 300)
    for facts in (header(path), header(path.read_bytes()), inspect(path)):
        assert (facts.width, facts.height) == expected


def test_a_damaged_exif_block_does_not_matter(save, cat) -> None:
    text = PngInfo()
    text.add_text("Raw profile type exif", "\nexif\n4\nnot hexadecimal")
    for path in (
        save(cat, "odd.jpg", exif=b"Exif\x00\x00nonsense that is no TIFF directory"),
        save(cat, "odd.png", pnginfo=text),
    ):
        assert (inspect(path).width, header(path).width) == (451, 451)


@pytest.mark.parametrize("options", ["jpg", "jpg progressive", "png", "webp", "gif", "avif", "bmp", "tiff"])
@pytest.mark.parametrize("kept", [0.5, 0.99])
def test_a_cut_short_picture_is_found(save, cat, tmp_path: Path, options: str, kept: float) -> None:
    ending, *progressive = options.split()
    whole = save(cat, f"whole.{ending}", progressive=bool(progressive)).read_bytes()
    path = tmp_path / f"cut.{ending}"
    path.write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(MediaInvalidError, match=r"cut\.\w+ (is cut short|is not a picture Pillow can read)$"):
        inspect(path)


@pytest.mark.parametrize(("name", "missing"), [("chelsea.png", 6), ("chelsea.png", 12), ("rocket.jpg", 1)])
def test_a_few_missing_bytes_are_found(photos: Path, tmp_path: Path, name: str, missing: int) -> None:
    path = tmp_path / name
    path.write_bytes((photos / name).read_bytes()[:-missing])
    with pytest.raises(MediaInvalidError):
        inspect(path)


class Disk(type(Path())):
    """A path whose file notes how much is read of it, and fails beyond `healthy` bytes."""

    healthy = 10**9
    read = 0

    def open(self, *_: object) -> io.BufferedReader:  # type: ignore[override]
        disk = self

        class Raw(io.FileIO):
            def readinto(self, buffer: Any) -> int:
                if disk.read >= disk.healthy:
                    raise OSError(errno.EIO, os.strerror(errno.EIO))
                count = super().readinto(buffer) or 0
                disk.read += count
                return count

        return io.BufferedReader(Raw(str(self)), 1024)


def test_a_header_does_not_decode(photos: Path) -> None:
    disk = Disk(photos / "astronaut.png")
    header(disk)
    assert 0 < disk.read < 20_000
    inspect(disk)
    assert disk.read > 700_000


def test_a_failing_disk_is_not_blamed_on_the_picture(photos: Path) -> None:
    disk = Disk(photos / "astronaut.png")
    disk.healthy = 100_000
    with pytest.raises(MediaError, match=r"astronaut.png cannot be read: Input/output error") as caught:
        inspect(disk)
    assert not isinstance(caught.value, MediaInvalidError)


def test_a_header_needs_only_the_start_of_the_file(photos: Path) -> None:
    start = (photos / "astronaut.png").read_bytes()[:5000]
    assert header(start) == PictureHeader(512, 512, "image/png")


def test_a_flipped_bit_in_a_png_is_found(photos: Path, tmp_path: Path) -> None:
    data = bytearray((photos / "coffee.png").read_bytes())
    data[len(data) // 2] ^= 1
    path = tmp_path / "flipped.png"
    path.write_bytes(data)
    with pytest.raises(MediaInvalidError, match=r"is damaged$"):
        inspect(path)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b'{"error": "not found"}', "is not a picture Pillow can read"),
        (b"<html><body>502 Bad Gateway</body></html>", "is not a picture Pillow can read"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "is not a picture Pillow can read"),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 " + bytes(8), "is damaged"),
        (b"RIFF\xff\x00\x00\x00WEBPVP8 " + bytes(8), "is cut short"),
    ],
)
def test_what_is_no_picture_is_said_plainly(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "answer.png"
    path.write_bytes(data)
    for read in (header, inspect):
        with pytest.raises(MediaInvalidError) as caught:
            read(path)
        assert str(caught.value) == f"{path} {words}"
    with pytest.raises(MediaInvalidError, match=f"^the data {words}$"):
        header(data)


def test_a_file_that_is_not_there_is_not_called_a_bad_picture(tmp_path: Path) -> None:
    for path, reason in ((tmp_path / "none.png", "No such file or directory"), (tmp_path, "Is a directory")):
        with pytest.raises(MediaError, match=f"cannot be read: {reason}") as caught:
            inspect(path)
        assert not isinstance(caught.value, MediaInvalidError)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [20_000, 12_000, 60_000])
def test_a_bomb_is_refused_before_it_is_decoded(side: int, tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(png_claiming(side, side))
    for read in (header, inspect):
        with pytest.raises(MediaInvalidError, match=f"has {side * side // 1_000_000} megapixels; the limit is 100$"):
            read(path)


def test_pillows_own_limit_is_an_error_of_ours_too(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with pytest.raises(MediaInvalidError, match=r"has 90.25 megapixels; the limit is 89"):
            header(png_claiming(9_500, 9_500))


def test_the_limit_can_be_lowered(photos: Path) -> None:
    with pytest.raises(MediaInvalidError, match=r"has 0.262144 megapixels; the limit is 0.2$"):
        inspect(photos / "astronaut.png", max_pixels=200_000)


def test_an_animation_has_limits_of_its_own(save) -> None:
    frames = [Image.new("P", (10, 10), number % 256) for number in range(1001)]
    palette = [byte for number in range(256) for byte in (number, number, number)]
    for frame in frames:
        frame.putpalette(palette)
    endless = save(frames[0], "endless.gif", save_all=True, append_images=frames[1:])
    with pytest.raises(MediaInvalidError, match=r"has more than 1000 frames$"):
        inspect(endless)
    short = save(frames[0], "short.gif", save_all=True, append_images=frames[1:11])
    assert inspect(short, max_pixels=110).frames == 11
    with pytest.raises(MediaInvalidError, match=r"has more than 10×100 pixels in its frames$"):
        inspect(short, max_pixels=100)


def test_reading_changes_no_setting_of_pillow(photos: Path, tmp_path: Path) -> None:
    before = (ImageFile.LOAD_TRUNCATED_IMAGES, Image.MAX_IMAGE_PIXELS, list(warnings.filters))
    inspect(photos / "rocket.jpg")
    with pytest.raises(MediaInvalidError):
        header(png_claiming(20_000, 20_000))
    assert (ImageFile.LOAD_TRUNCATED_IMAGES, Image.MAX_IMAGE_PIXELS, list(warnings.filters)) == before
    assert before[0] is False
