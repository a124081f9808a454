"""Films and sounds say how they came about, in the tags of their kinds; nothing of them is decoded or changes."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prefect_genmedia.errors import MediaInvalidError
from prefect_genmedia.provenance import Mark, marked, marks_in, tags_for
from prefect_genmedia.recording import tag

MARK = Mark.of(
    "a lighthouse, <oil> & \u6d77",
    "text",
    system="flowmusic.song",
    model="lyria-2",
    jobs=("7c0f", "91ab"),
    made_at="2026-11-28T10:00:00+00:00",
)
SAMPLES = Path(__file__).parent.parent / "media" / "samples"
SOUNDS = ("tone.mp3", "tone-tagged.mp3", "tone-vbr.mp3", "tone.flac", "tone.ogg", "tone.opus", "tone.m4a", "tone.wav")
FILMS = ("film.mov", "film-fragments.mp4", "film-index-first.mp4")
BY_FFMPEG = ("film.webm", "film-live.webm", "film.mkv")
QUICK = ("tone.mp3", "tone.flac", "tone.opus", "tone.wav", "film.mov", "film.webm")


def content_of(name: str) -> bytes:
    if name == "tone.wav":
        sound = struct.pack("<200h", *(300 * (place % 40) for place in range(200)))
        form = struct.pack("<HHIIHH", 1, 1, 8000, 16000, 2, 16)
        body = b"WAVEfmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", len(sound)) + sound
        return b"RIFF" + struct.pack("<I", len(body)) + body
    return (SAMPLES / name).read_bytes()


def decoded(path: Path) -> str:
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-f", "streamhash", "-hash", "md5", "-c:s", "copy", "-"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout
    return done.stdout


def facts(content: bytes) -> Mark:
    found = marks_in(content)
    names = ("source_type", "system", "model", "jobs", "made_at", "prompt", "prompt_sha256")
    return Mark(**{name: getattr(found, name) for name in names})


@pytest.mark.parametrize("name", SOUNDS + FILMS)
def test_it_says_all_of_it_once_and_beside_what_it_said(name: str) -> None:
    content = content_of(name)
    assert not marks_in(content).generated
    after = marked(content, MARK)
    assert facts(after) == MARK and marks_in(after).generated
    assert marked(after, MARK) == after, "marking twice is marking once"
    again = marked(after, Mark(system="another"))
    assert marks_in(again).system == "another" and marks_in(again).jobs == MARK.jobs
    assert marked(content, None) == content
    assert marked(content, None, source=after) != content, "the mark of what it was made of goes on"
    assert facts(marked(content, None, source=after)) == replace(MARK, prompt=""), "of the prompt only its hash"


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
@pytest.mark.parametrize(
    "name", [pytest.param(each, marks=[pytest.mark.slow] * (each not in QUICK)) for each in SOUNDS + FILMS + BY_FFMPEG]
)
@pytest.mark.sampled(3)
def test_sound_and_film_are_the_same_and_exiftool_agrees(name: str, tmp_path: Path) -> None:
    before, after = tmp_path / name, tmp_path / f"after-{name}"
    before.write_bytes(content_of(name))
    if name in BY_FFMPEG:
        with pytest.raises(MediaInvalidError):
            marked(before.read_bytes(), MARK)
        tag(before, after, tags_for(before.read_bytes(), MARK))
        assert tags_for(after.read_bytes(), MARK) == {}, "it says so already"
        assert facts(after.read_bytes()) == MARK
    else:
        after.write_bytes(marked(before.read_bytes(), MARK))
    assert decoded(after) == decoded(before)
    if shutil.which("exiftool"):
        (said,) = json.loads(subprocess.run(["exiftool", "-j", str(after)], capture_output=True, text=True).stdout)
        said = {key.lower().replace("genmedia", ""): str(value) for key, value in said.items()}
        assert said["digitalsourcetype"].endswith("/trainedAlgorithmicMedia") and "warning" not in said, said
        assert (said["aisystemused"], said["aipromptinformation"]) == (MARK.system, MARK.prompt)
        assert said["jobs"] == "7c0f 91ab" and said["promptsha256"] == MARK.prompt_sha256


def test_tags_of_every_build_stay_and_take_the_mark() -> None:
    sound = content_of("tone-vbr.mp3")
    sound = sound[10 + int.from_bytes(sound[8:10], "big") :]
    assert sound[0] == 0xFF
    title = b"TIT2" + struct.pack(">I", 6) + b"\0\0" + b"\x00\xff\x00ab" + b"c"
    for version, flags, body in (
        (3, 0, title),
        (3, 0x80, title.replace(b"\xff", b"\xff\0")),  # bytes put in, so that none looks like a frame of sound
        (3, 0x40, struct.pack(">IHI", 6, 0, 0) + title),
        (4, 0x40, b"\0\0\0\x06\x01\0" + title),
        (4, 0x10, title),
    ):
        footer = b"3DI\4\0\x10\0\0\0\x10" if flags == 0x10 else b""
        content = b"ID3" + bytes((version, 0, flags, 0, 0, 0, len(body))) + body + footer + sound
        after = marked(content, MARK)
        assert (
            facts(after) == MARK and title in after and after.endswith(sound) and footer not in after[5:]
        ) or not footer
    unknown = b"ID3\2\0\0\0\0\0\0" + sound
    with pytest.raises(MediaInvalidError, match="version"):
        marked(unknown, MARK)


def test_a_long_prompt_takes_more_pages_of_an_ogg_and_they_count_on(tmp_path: Path) -> None:
    content = content_of("tone.ogg")
    long = Mark(prompt="long " * 20_000)
    after = marked(content, long)
    assert marks_in(after).prompt == long.prompt
    assert marks_in(marked(after, MARK)).prompt == MARK.prompt
    if shutil.which("ffmpeg"):
        (tmp_path / "long.ogg").write_bytes(after)
        (tmp_path / "back.ogg").write_bytes(marked(after, MARK))
        assert decoded(tmp_path / "long.ogg") == decoded(tmp_path / "back.ogg") == decoded(SAMPLES / "tone.ogg")


def test_an_old_packet_in_a_film_gives_way_and_no_place_moves() -> None:
    content = content_of("film.mov")
    first = marked(content, MARK)
    behind = first + struct.pack(">I4s", 12, b"free") + b"room"
    for each in (first, behind):
        after = marked(each, Mark(system="another"))
        assert after[: len(content)] == content and marks_in(after).system == "another"
        assert after.count(b"xmpmeta xmlns") == (1 if each is first else 2)


@pytest.mark.parametrize("name", ["film.avi", "film.ts", "tone.aac", "film.ogv"])
def test_other_kinds_are_refused(name: str) -> None:
    with pytest.raises(MediaInvalidError):
        marked(content_of(name), MARK)


@given(
    name=st.sampled_from(SOUNDS + FILMS + BY_FFMPEG),
    start=st.integers(0, 3000),
    data=st.binary(max_size=40),
    keep=st.integers(0, 9000),
)
@settings(max_examples=200)
def test_broken_bytes_end_in_one_error(name: str, start: int, data: bytes, keep: int) -> None:
    content = content_of(name)
    broken = content[:start] + data + content[start + len(data) : start + keep]
    try:
        tags_for(broken, MARK)
        marks_in(broken)
        marked(broken, MARK)
    except MediaInvalidError:
        pass
