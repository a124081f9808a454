"""Whole means whole, and a guess holds nothing back: what is refused, and what is kept with which remark."""

from __future__ import annotations

import io
import json
import random
import struct
import tracemalloc
import wave
import zipfile
import zlib
from functools import cache
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from prefect_genmedia.emulator.drawing.recordings import Film, Tune, encoded
from prefect_genmedia.errors import MediaInvalidError
from prefect_genmedia.imaging import quadrants
from prefect_genmedia.media.verification import Seen, verify
from prefect_genmedia.operation import Link

SAMPLES = Path(__file__).parent / "samples"
PHOTOS = Path(__file__).parent.parent / "photos"
Kind = Literal["image", "video", "audio", "file"]

# Name of a sample: what was due, what it is, its extension.
WHOLE: dict[str, tuple[Kind, str, str]] = {
    "film.mov": ("video", "video/quicktime", "mov"),
    "film-index-first.mp4": ("video", "video/mp4", "mp4"),
    "film-fragments.mp4": ("video", "video/mp4", "mp4"),
    "film.mkv": ("video", "video/x-matroska", "mkv"),
    "film.webm": ("video", "video/webm", "webm"),
    "film-live.webm": ("video", "video/webm", "webm"),
    "film.avi": ("video", "video/x-msvideo", "avi"),
    "film.ogv": ("video", "video/ogg", "ogv"),
    "film.ts": ("video", "video/mp2t", "ts"),
    "film.webp": ("image", "image/webp", "webp"),
    "picture.avif": ("image", "image/avif", "avif"),
    "tone.mp3": ("audio", "audio/mpeg", "mp3"),
    "tone-uncounted.mp3": ("audio", "audio/mpeg", "mp3"),
    "tone-vbr.mp3": ("audio", "audio/mpeg", "mp3"),
    "tone-tagged.mp3": ("audio", "audio/mpeg", "mp3"),
    "tone.aac": ("audio", "audio/aac", "aac"),
    "tone.m4a": ("audio", "audio/mp4", "m4a"),
    "tone.flac": ("audio", "audio/flac", "flac"),
    "tone.ogg": ("audio", "audio/ogg", "ogg"),
    "tone.opus": ("audio", "audio/opus", "opus"),
}
MADE: dict[str, tuple[Kind, str, str]] = {
    "tone.wav": ("audio", "audio/wav", "wav"),
    "tone.aiff": ("audio", "audio/aiff", "aiff"),
    "tone.mid": ("audio", "audio/midi", "mid"),
    "stems.zip": ("file", "application/zip", "zip"),
    "streamed.zip": ("file", "application/zip", "zip"),
    "model.glb": ("file", "model/gltf-binary", "glb"),
    "drawing.svg": ("file", "image/svg+xml", "svg"),
    "picture.png": ("image", "image/png", "png"),
    "picture.jpg": ("image", "image/jpeg", "jpg"),
    "frames.png": ("image", "image/png", "png"),
    "picture.gif": ("image", "image/gif", "gif"),
    "picture.webp": ("image", "image/webp", "webp"),
    "picture.tif": ("image", "image/tiff", "tif"),
    "picture.bmp": ("image", "image/bmp", "bmp"),
    "emulator.mp4": ("video", "video/mp4", "mp4"),
    "emulator.m4a": ("audio", "audio/mp4", "m4a"),
    "emulator.mp3": ("audio", "audio/mpeg", "mp3"),
    "emulator.wav": ("audio", "audio/wav", "wav"),
    "emulator.gif": ("video", "image/gif", "gif"),
}
ALL = {**WHOLE, **MADE}


@cache
def content(name: str) -> bytes:
    if name in WHOLE:
        return (SAMPLES / name).read_bytes()
    stem, _, ending = name.partition(".")
    if stem == "picture":
        return picture({"jpg": "JPEG", "tif": "TIFF"}.get(ending, ending.upper()))
    if stem == "emulator":
        still = Image.new("RGB", (64, 48), "teal")
        return encoded(Tune("x", "s", 1.0) if ending in ("m4a", "mp3", "wav") else Film(still, still, 1.0), ending)
    return {"tone.wav": wav, "tone.aiff": aiff, "tone.mid": midi, "stems.zip": stems, "streamed.zip": streamed_zip,
            "frames.png": frames, "model.glb": glb, "drawing.svg": svg}[name]()  # fmt: skip


def picture(form: str, size: tuple[int, int] = (96, 64), **options: Any) -> bytes:
    out = io.BytesIO()
    with Image.open(PHOTOS / "chelsea.png") as cat:
        cat.convert("RGB").resize(size).save(out, form, **options)
    return out.getvalue()


def frames() -> bytes:
    """An APNG."""
    still = Image.open(io.BytesIO(picture("PNG")))
    return picture("PNG", save_all=True, append_images=[still.rotate(turn) for turn in (90, 180)])


def wav() -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(8000))
    return out.getvalue()


def aiff() -> bytes:
    chunks = b"COMM" + struct.pack(">Ihih10s", 18, 1, 400, 16, b"\x40\x0b\xfa" + bytes(7))
    chunks += b"SSND" + struct.pack(">III", 808, 0, 0) + bytes(800)
    return b"FORM" + struct.pack(">I", 4 + len(chunks)) + b"AIFF" + chunks


def midi() -> bytes:
    track = b"\0\x90<@\x60\x80<@\0\xff/\0"
    return b"MThd" + struct.pack(">IHHH", 6, 0, 1, 96) + b"MTrk" + struct.pack(">I", len(track)) + track


def stems() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("drums.wav", wav())
        archive.writestr("voice.wav", wav())
    return out.getvalue()


def streamed_zip() -> bytes:
    class Pipe(io.RawIOBase):
        written = b""

        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            self.written += bytes(data)
            return len(data)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("drums.wav", wav())
    return pipe.written


def glb() -> bytes:
    scene = b'{"asset":{"version":"2.0"}} '
    return b"glTF" + struct.pack("<III", 2, 20 + len(scene), len(scene)) + b"JSON" + scene


def svg() -> bytes:
    return b'<?xml version="1.0"?>\n<!-- made -->\n<svg xmlns="http://www.w3.org/2000/svg"><rect width="9"/></svg>\n'


def look(
    tmp_path: Path, data: bytes, kind: Kind = "image", label: str = "", url: str = "https://h/x", **due: Any
) -> Seen:
    part = tmp_path / "part"
    part.write_bytes(data)
    return verify(part, Link(url, "role", kind=kind, **due), label)


# -- whole and cut ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
def test_a_whole_file_is_known_by_its_bytes_and_has_no_remark(tmp_path: Path, name: str) -> None:
    due, media_type, extension = ALL[name]
    seen = look(tmp_path, content(name), due)
    assert (seen.media_type, seen.extension, seen.remarks) == (media_type, extension, ())


# Where the last bytes are not needed: padding, a line's end, a tag behind the sound; or only an end mark.
SPARE = {
    "drawing.svg": 1,
    "tone-tagged.mp3": 128,
    "picture.jpg": 2,
    "picture.gif": 1,
    "emulator.gif": 1,
    "picture.tif": 8,
}


# Made to be watched while they come: between two of their parts nothing can tell whether more is due.
STREAMS = ("film-live.webm", "film-fragments.mp4", "film.ts", "tone.aac")


@pytest.mark.parametrize("name", ALL)
def test_a_file_that_is_cut_anywhere_is_refused(tmp_path: Path, name: str) -> None:
    """Without Content-Length to show it: the container is read to its end."""
    data = content(name)
    needed = len(data) - SPARE.get(name, 0)
    places = {needed - 1, needed - 2, needed - 7}
    if name not in STREAMS:
        rest = random.Random(name)
        places |= {rest.randrange(32, needed) for _ in range(25)}
    due = ALL[name][0]
    for place in sorted(place for place in places if 32 <= place < needed):
        with pytest.raises(MediaInvalidError, match="cut short"):
            look(tmp_path, data[:place], due)
            raise AssertionError(f"{place} of {len(data)} bytes of {name} were taken for all of it")


@pytest.mark.parametrize("kind", ["image", "video", "audio"])
@pytest.mark.parametrize("name", ALL)
@pytest.mark.sampled(4)
def test_sixteen_bytes_of_magic_are_no_proof(tmp_path: Path, name: str, kind: Kind) -> None:
    for length in (1, 8, 15, 16, 24):
        with pytest.raises(MediaInvalidError):
            look(tmp_path, content(name)[:length], kind)


def test_no_bytes_are_no_file(tmp_path: Path) -> None:
    with pytest.raises(MediaInvalidError, match="empty"):
        look(tmp_path, b"", "file")


def test_an_index_before_its_film_tells_that_the_film_is_missing(tmp_path: Path) -> None:
    """All boxes that came are whole; the index names bytes that did not come."""
    data = content("film-index-first.mp4")
    with pytest.raises(MediaInvalidError, match="its index names bytes"):
        look(tmp_path, data[: data.index(b"mdat") - 4], "video")


def test_a_film_whose_index_would_follow_has_not_come(tmp_path: Path) -> None:
    data = content("film.mov")
    with pytest.raises(MediaInvalidError, match="index"):
        look(tmp_path, data[: data.index(b"moov") - 4], "video")


def test_a_sound_counts_its_frames(tmp_path: Path) -> None:
    """Cut between two frames: only the count in the first tells."""
    data = content("tone.mp3")
    start = data.index(b"\xff\xf3") if b"\xff\xf3" in data else data.index(b"\xff\xfb")
    mark = data[start : start + 2]
    places = [place for place in range(start, len(data)) if data[place : place + 2] == mark]
    with pytest.raises(MediaInvalidError, match="frames have come"):
        look(tmp_path, data[: places[len(places) // 2]], "audio")


@pytest.mark.parametrize(
    "name", ["film.mov", "tone.wav", "tone.mp3", "tone.ogg", "film.webm", "picture.png", "stems.zip"]
)
@pytest.mark.parametrize("stray", [bytes(40), b"<!-- served by cache 7 --> and more than eight bytes"])
def test_bytes_behind_the_end_hold_nothing_back(tmp_path: Path, name: str, stray: bytes) -> None:
    due, media_type, _ = ALL[name]
    assert look(tmp_path, content(name) + stray, due).media_type == media_type


def test_a_jpeg_with_another_picture_behind_it_has_its_end(tmp_path: Path) -> None:
    """Whatever that picture's bytes look like: a mark of a scan, and none of an end."""
    for stray in (picture("PNG"), picture("JPEG"), picture("JPEG") + bytes(9), b"\xff\xda" * 20):
        assert look(tmp_path, picture("JPEG") + stray).remarks == ()
    for cut in (picture("JPEG")[:-2], picture("JPEG")[:200], picture("JPEG") + picture("JPEG")[:900]):
        seen = look(tmp_path, picture("JPEG") + cut)
        assert "is cut short" in seen.remarks[0] and seen.is_damaged
    with_thumbnail = picture("JPEG", exif=b"Exif\0\0" + picture("JPEG", (16, 16)))
    assert "no end mark" in look(tmp_path, with_thumbnail[:-2]).remarks[0]


# -- odd, and whole ---------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"quality": 95, "subsampling": 0}])
def test_zeros_in_the_place_of_a_jpegs_pixels_are_none(tmp_path: Path, options: Any) -> None:
    """A decoder takes them for pixels, and finds all of them there."""
    data = picture("JPEG", (480, 320), **options)
    with pytest.raises(MediaInvalidError, match="cut short"):
        look(tmp_path, data[: len(data) * 3 // 4] + bytes(65536))
    for padded in (data + bytes(65536), data[:-2] + bytes(65536)):
        assert look(tmp_path, padded).width == 480


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"quality": 95, "subsampling": 0}])
def test_a_jpeg_without_its_end_mark_is_kept_and_one_without_pixels_is_not(tmp_path: Path, options: Any) -> None:
    data = picture("JPEG", (480, 320), **options)
    for without in (data[:-2], data[:-1]):
        seen = look(tmp_path, without)
        assert (seen.width, seen.height) == (480, 320)
        assert "no end mark" in seen.remarks[0]
    for missing in (3, 10, 100, len(data) // 2, len(data) - 700):
        with pytest.raises(MediaInvalidError, match="cut short"):
            look(tmp_path, data[:-missing])


def test_a_progressive_jpeg_that_ends_with_a_scan_is_cut_though_it_shows_a_picture(tmp_path: Path) -> None:
    data = picture("JPEG", (480, 320), progressive=True)
    scans = [place for place in range(len(data)) if data[place : place + 2] == b"\xff\xda"]
    tables = [data.rfind(b"\xff\xc4", 0, scan) for scan in scans[1:]]  # a scan ends where the next one's table begins
    assert len(tables) > 5
    for end in tables:
        with pytest.raises(MediaInvalidError, match="cut short"):
            look(tmp_path, data[:end])


def test_a_tiff_that_claims_millions_of_strips_makes_no_list_of_them(tmp_path: Path) -> None:
    size = 4 * 1024**2
    entries = [(256, 4, 1, 10), (257, 4, 1, 10), (273, 1, size - 1000, 500), (279, 1, size - 1000, 500)]
    head = b"II*\0\x08\0\0\0" + len(entries).to_bytes(2, "little")
    for tag, kind, count, value in entries:
        head += b"".join(n.to_bytes(w, "little") for n, w in ((tag, 2), (kind, 2), (count, 4), (value, 4)))
    tracemalloc.start()
    try:
        look(tmp_path, head + bytes(size - len(head)))
        assert tracemalloc.get_traced_memory()[1] < 8 * size
    finally:
        tracemalloc.stop()


def test_a_kept_picture_without_its_end_mark_can_be_worked_on(tmp_path: Path) -> None:
    path = tmp_path / "grid.jpg"
    path.write_bytes(picture("JPEG", (480, 320))[:-2])
    assert len(quadrants(path, tmp_path, "x")) == 4


@pytest.mark.parametrize("first", [True, False])
def test_a_png_with_a_wrong_checksum_in_a_comment_is_kept(tmp_path: Path, first: bool) -> None:
    data = picture("PNG")
    comment = b"tEXt" + b"Comment\0made by a careless server"
    chunk = struct.pack(">I", len(comment) - 4) + comment + struct.pack(">I", zlib.crc32(comment) ^ 1)
    place = 33 if first else len(data) - 12
    spoilt = data[:place] + chunk + data[place:]
    seen = look(tmp_path, spoilt)
    assert (seen.width, seen.height) == (96, 64)
    assert "checksum" in seen.remarks[0] and "tEXt" in seen.remarks[0]
    path = tmp_path / "grid.png"
    path.write_bytes(spoilt)
    assert len(quadrants(path, tmp_path, "x")) == 4


def test_a_damaged_picture_that_is_all_there_is_kept(tmp_path: Path) -> None:
    data = bytearray(picture("PNG"))
    data[len(data) // 2] ^= 1
    seen = look(tmp_path, bytes(data), width=96, height=64)
    assert "could not be decoded" in seen.remarks[0]
    assert (seen.media_type, seen.width) == ("image/png", 96)


def test_a_size_that_differs_is_a_remark(tmp_path: Path) -> None:
    seen = look(tmp_path, picture("PNG"), width=95, height=64)
    assert seen.remarks == ("its width is 96 pixels; 95 were due",)
    assert (seen.width, seen.height) == (96, 64)
    assert look(tmp_path, picture("PNG"), width=95, height=64, tolerance=1).remarks == ()


@pytest.mark.parametrize("label", ["text/plain", "text/html", "application/json", "application/xml"])
@pytest.mark.parametrize("name", ["picture.png", "film.mov", "tone.mp3"])
def test_a_texts_label_on_a_file_is_a_remark(tmp_path: Path, name: str, label: str) -> None:
    seen = look(tmp_path, content(name), ALL[name][0], label)
    assert seen.remarks == (f"it is labelled {label} and is {ALL[name][1]}",)


@pytest.mark.parametrize("label", ["", "application/octet-stream", "binary/octet-stream", "image/jpeg", "nonsense"])
def test_any_other_label_is_none(tmp_path: Path, label: str) -> None:
    assert look(tmp_path, picture("PNG"), label=label).remarks == ()


HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0\0\0\x0cmeta\0\0\0\0" + struct.pack(">I4s", 58, b"mdat") + bytes(50)
JXL = b"\xff\x0a" + bytes(range(200))
OTHERS: list[tuple[Kind, bytes, str, str, str]] = [
    ("image", svg(), "image/svg+xml", "image/svg+xml", "svg"),
    ("image", b'<svg width="9"/>', "image/svg+xml", "image/svg+xml", "svg"),
    ("image", HEIC, "image/heic", "image/heic", "heic"),
    ("image", JXL, "", "image/jxl", "jxl"),
    ("audio", stems(), "application/zip", "application/zip", "zip"),
    ("audio", b"PK\3\4" + bytes(200), "application/zip", "application/zip", "zip"),
    ("video", b"glTF\2\0\0\0" + bytes(200), "model/gltf-binary", "model/gltf-binary", "glb"),
    ("video", b"\0\0\0\x10moov" + bytes(8), "video/quicktime", "video/quicktime", "mov"),
    ("image", b"%PDF-1.7\n" + bytes(100), "", "application/pdf", "pdf"),
    ("image", b"8BPS\0\1" + bytes(100), "", "image/vnd.adobe.photoshop", "psd"),
    ("video", picture("PNG"), "image/png", "image/png", "png"),
    ("image", bytes(range(256)), "model/fbx", "model/fbx", "fbx"),
    ("image", bytes(range(256)), "application/octet-stream", "application/octet-stream", "fbx"),
    ("audio", b"ID3" + bytes(64), "audio/mpeg", "audio/mpeg", "mp3"),
    ("image", json.dumps({"v": "5.5", "fr": 30, "op": 60, "layers": [{}]}).encode(), "", "application/json", "json"),
    ("audio", b'<?xml version="1.0"?><score-partwise version="4.0"/>', "", "application/xml", "xml"),
    ("audio", b"WEBVTT\n\n00:00.000 --> 00:01.000\nla la\n", "text/vtt", "text/vtt", "vtt"),
    ("image", b"a long text " * 500, "text/plain", "text/plain", "txt"),
]


@pytest.mark.parametrize(("kind", "data", "label", "media_type", "extension"), OTHERS, ids=range(len(OTHERS)))
def test_a_kind_that_was_not_due_or_is_not_decoded_is_kept_with_a_remark(
    tmp_path: Path, kind: Kind, data: bytes, label: str, media_type: str, extension: str
) -> None:
    seen = look(tmp_path, data, kind, label, url="https://h/a/model.fbx?sig=1")
    assert (seen.media_type, seen.extension) == (media_type, extension)
    assert seen.remarks


def test_where_any_file_was_due_no_kind_is_odd(tmp_path: Path) -> None:
    for data in (
        stems(),
        glb(),
        svg(),
        picture("PNG"),
        b"lyrics",
        b'{"words": ["la"]}',
        b"{}",
        bytes(range(256)),
        b"x,y\n1,2\n",
    ):
        assert look(tmp_path, data, "file").remarks == ()


# -- error pages ------------------------------------------------------------------------------------

PAGES = [
    b"<!DOCTYPE html><html><body>Not found</body></html>",
    b"\xef\xbb\xbf\n <html>\n<head><title>502 Bad Gateway</title></head></html>",
    b"<!-- cached -->\n<HTML><BODY>gone</BODY></HTML>",
    b"<h1>404 Not Found</h1>",
    "<!DOCTYPE html><html></html>".encode("utf-16"),
    b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchKey</Code><Message>The key.</Message></Error>',
    b"<Error><Code>AccessDenied</Code></Error>",
    b'<s:Fault xmlns:s="x"><faultstring>no</faultstring></s:Fault>',
    b'{"error": {"code": 404, "message": "not found"}}',
    b'{"error": "Not Found"}',
    b'{"message": "Missing Authentication Token", "code": 403}',
    b'{"status": "FAILED", "message": "file expired", "data": null}',
    b'{"detail": "Not Found", "status": 404}',
    b"Not Found",
    b"upstream connect error or disconnect/reset before headers",
    b"{}",
    b"null",
    b"[]",
]


@pytest.mark.parametrize("label", ["text/html", "image/png", "application/octet-stream", ""])
@pytest.mark.parametrize("kind", ["image", "video", "audio"])
@pytest.mark.parametrize("page", PAGES, ids=lambda page: ascii(page)[:30])
@pytest.mark.sampled(6)
def test_an_error_page_in_a_files_place_is_refused_whatever_its_label(
    tmp_path: Path, page: bytes, kind: Kind, label: str
) -> None:
    with pytest.raises(MediaInvalidError, match=f"in the place of the {kind}"):
        look(tmp_path, page, kind, label)


@pytest.mark.parametrize("page", PAGES[:13], ids=lambda page: ascii(page)[:30])
def test_an_error_page_is_no_file_of_any_kind(tmp_path: Path, page: bytes) -> None:
    with pytest.raises(MediaInvalidError, match="in the place of the file"):
        look(tmp_path, page, "file")


def test_a_page_that_was_bought_is_kept(tmp_path: Path) -> None:
    seen = look(tmp_path, PAGES[0], "file", "text/html", url="https://h/storyboard.html?sig=1")
    assert (seen.media_type, seen.extension) == ("text/html", "html")


# -- anything ---------------------------------------------------------------------------------------

ANY = settings(max_examples=80)


@pytest.mark.parametrize("kind", ["image", "audio", "file"])
@ANY
@given(data=st.binary(max_size=300), start=st.sampled_from([b"", *(content(name)[:24] for name in ALL)]))
def test_any_bytes_are_kept_or_refused(tmp_path: Path, kind: Kind, data: bytes, start: bytes) -> None:
    look_or_refuse(tmp_path, start + data, kind)


@pytest.mark.parametrize("name", ALL)
@settings(ANY, max_examples=8)
@given(places=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=8), end=st.integers(0, 10**6))
@pytest.mark.sampled(4)
def test_any_spoilt_file_is_kept_or_refused(tmp_path: Path, name: str, places: Any, end: int) -> None:
    data = bytearray(content(name))
    for place, value in places:
        data[place % len(data)] = value
    look_or_refuse(tmp_path, bytes(data[: 1 + end % len(data)]), ALL[name][0])


def look_or_refuse(tmp_path: Path, data: bytes, kind: Kind) -> None:
    try:
        seen = look(tmp_path, data, kind)
    except MediaInvalidError:
        return
    assert seen.media_type and seen.extension.isalnum()
