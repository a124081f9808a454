"""Sound and film are whole files: read here by other means than they were made with."""

from __future__ import annotations

import io
import struct

import pytest
from PIL import Image

from prefect_genmedia.emulator.drawing import recordings
from prefect_genmedia.emulator.drawing.recordings import Film, Tune
from tests.emulator.playback import boxes, heard, samples, seconds

TUNE = Tune("Waltz", "seed-1", 3.3)


def film(size: tuple[int, int] = (320, 180)) -> Film:
    return Film(Image.new("RGB", size, "red"), Image.new("RGB", size, "blue"), 5.0)


def test_an_mp4_is_structurally_sound() -> None:
    content = recordings.encoded(film(), "mp4")
    names = [name for name, _ in boxes(content)]
    assert names[:2] == ["/ftyp", "/moov"]
    assert names[-1] == "/mdat"
    assert content[4:12] == b"ftypisom"
    assert seconds(content) == pytest.approx(5.0, abs=0.01)
    frames = [Image.open(io.BytesIO(frame)) for frame in samples(content)]
    assert len(frames) == recordings.FRAMES
    assert {(frame.format, frame.size) for frame in frames} == {("JPEG", (320, 180))}
    first, last = frames[0].getpixel((9, 9)), frames[-1].getpixel((9, 9))
    assert first[0] > 200 > 50 > first[2]
    assert last[2] > 200 > 50 > last[0]
    entry = dict(boxes(content))["/moov/trak/mdia/minf/stbl/stsd"]
    assert entry[12:16] == b"mp4v"
    assert struct.unpack(">HH", entry[40:44]) == (320, 180)


def test_a_gif_moves() -> None:
    picture = Image.open(io.BytesIO(recordings.encoded(film(), "gif")))
    assert (picture.format, picture.size, picture.n_frames) == ("GIF", (320, 180), recordings.FRAMES)
    total = 0
    for place in range(picture.n_frames):
        picture.seek(place)
        total += picture.info["duration"]
    assert total == pytest.approx(5000, abs=100)


def test_a_wav_is_a_tune_of_its_length() -> None:
    content = recordings.encoded(TUNE, "wav")
    tune = heard(content)
    assert len(tune) == round(3.3 * 8000) * 2
    levels = struct.unpack(f"<{len(tune) // 2}h", tune)
    assert max(levels) > 5000
    assert min(levels) < -5000
    assert recordings.encoded(Tune("Waltz", "seed-1", 3.3), "wav") == content
    assert recordings.encoded(Tune("Waltz", "seed-2", 3.3), "wav") != content


def test_an_m4a_holds_the_same_samples() -> None:
    content = recordings.encoded(TUNE, "m4a")
    assert content[4:12] == b"ftypM4A "
    assert dict(boxes(content))["/moov/trak/mdia/hdlr"][8:12] == b"soun"
    assert dict(boxes(content))["/moov/trak/mdia/minf/stbl/stsd"][12:16] == b"alac"
    assert seconds(content) == pytest.approx(3.3, abs=0.001)
    told = b""
    for frame in samples(content):
        # Apple Lossless: 3 + 4 + 12 bits of head, has-a-length, 2 of shift, uncompressed, 32 of length; at the end 111.
        bits = f"{int.from_bytes(frame, 'big'):0{len(frame) * 8}b}"
        assert (bits[:19], bits[19:23]) == ("0" * 19, "1001")
        count = int(bits[23:55], 2)
        run = bits[55 : 55 + 16 * count]
        assert bits[55 + 16 * count :].startswith("111")
        told += struct.pack(f"<{count}h", *struct.unpack(f">{count}h", int(run, 2).to_bytes(2 * count, "big")))
    assert told == heard(recordings.encoded(TUNE, "wav"))


def test_an_mp3_is_a_tag_and_frames() -> None:
    content = recordings.encoded(TUNE, "mp3")
    assert content[:3] == b"ID3"
    size = 0
    for byte in content[6:10]:
        assert byte < 128
        size = size << 7 | byte
    assert b"Waltz" in content[: size + 10]
    frames = content[size + 10 :]
    assert len(frames) % 104 == 0
    assert all(frames[place : place + 2] == b"\xff\xfb" for place in range(0, len(frames), 104))
    assert len(frames) / 104 * 1152 / 44100 == pytest.approx(3.3, abs=0.02)
    assert recordings.encoded(Tune("Polka", "seed-1", 3.3), "mp3") != content


def test_every_kind_can_be_spoilt() -> None:
    small = recordings.encoded(film(), "mp4", 0.5)
    assert Image.open(io.BytesIO(samples(small)[0])).size == (160, 90)
    assert len(heard(recordings.encoded(TUNE, "wav", 0.5))) == round(3.3 * 8000 / 2) * 2
    for drawn in (TUNE, film()):
        assert Image.open(io.BytesIO(recordings.encoded(drawn, "png"))).format == "PNG"
