"""What is written into a file can be read back, and no pixel changes."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from prefect_genmedia.errors import MediaInvalidError
from prefect_genmedia.provenance import Mark, marked, marks_in, packet_for

MARK = Mark.of(
    "a lighthouse, <oil> & \u6d77",
    "text",
    system="midjourney.imagine",
    model="sd_xl_base_1.0",
    jobs=("7c0f", "91ab"),
    made_at="2026-11-28T10:00:00+00:00",
)
KINDS = ("JPEG", "PNG", "WEBP", "lossless WEBP", "AVIF")
TRAINED = "trainedAlgorithmicMedia"
COMPOSITE = "compositeWithTrainedAlgorithmicMedia"


def picture(mode: str = "RGB") -> Image.Image:
    shade = Image.radial_gradient("L").resize((97, 65))
    return Image.merge(mode, (shade, shade.rotate(90), shade.rotate(180), shade)[: len(mode)])


def file(kind: str, mode: str = "RGB", **options: Any) -> bytes:
    out = BytesIO()
    if kind == "lossless WEBP":
        kind, options = "WEBP", {**options, "lossless": True}
    picture(mode).save(out, kind, **options)
    return out.getvalue()


def packet_of(value: str, more: str = "", how: str = "attribute") -> bytes:
    """What another program may have written, in each form that XMP has."""
    name = "Iptc4xmpExt:DigitalSourceType"
    address = f"http://cv.iptc.org/newscodes/digitalsourcetype/{value}"
    attribute, element = "", ""
    if how == "attribute":
        attribute = f'{name}="{address}"'
    elif how == "element":
        element = f"<{name}>{address}</{name}>"
    else:
        element = f'<{name} rdf:resource="{address}"/>'
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:TC260="http://www.tc260.org.cn/ns/AIGC/1.0/" '
        f'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" {attribute}>{element}{more}'
        "</rdf:Description></rdf:RDF></x:xmpmeta>"
    ).encode()


def with_packet(kind: str, packet: bytes) -> bytes:
    if kind == "PNG":
        text = PngInfo()
        text.add_itxt("XML:com.adobe.xmp", packet.decode(), zip=True)
        return file("PNG", pnginfo=text)
    return file(kind, xmp=packet)


def pixels(content: bytes) -> tuple[str, tuple[int, int], bytes]:
    with Image.open(BytesIO(content)) as opened:
        return opened.mode, opened.size, opened.tobytes()


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_file_as_it_came_says_all_of_it_and_keeps_every_pixel(kind: str, mode: str) -> None:
    if kind == "JPEG" and mode == "RGBA":
        return
    content = file(kind, mode)
    assert not marks_in(content).generated
    after = marked(content, MARK)
    assert pixels(after) == pixels(content)
    found = marks_in(after)
    assert found.generated and found.source_type == TRAINED
    assert (found.system, found.model, found.jobs, found.made_at, found.prompt, found.prompt_sha256) == (
        MARK.system,
        MARK.model,
        MARK.jobs,
        MARK.made_at,
        MARK.prompt,
        MARK.prompt_sha256,
    )
    assert found.software.startswith("prefect-genmedia")
    assert marked(after, MARK) == after, "marking twice is marking once"
    if kind.endswith("WEBP"):  # readers that look at the head alone take its word for it
        assert after[12:16] == b"VP8X" and bool(after[20] & 0x10) is (mode == "RGBA")
    with Image.open(BytesIO(after)) as opened:
        opened.load()
        said = opened.info.get("xmp") or opened.info["XML:com.adobe.xmp"]
        assert TRAINED in (said if isinstance(said, str) else said.decode())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.skipif(shutil.which("exiftool") is None, reason="exiftool is not installed")
def test_exiftool_agrees(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"marked.{kind.split()[-1].lower()}"
    path.write_bytes(marked(file(kind), MARK))
    command = ["exiftool", "-j", "-G0", "-validate", "-warning", "-XMP:all", str(path)]
    (said,) = json.loads(subprocess.run(command, capture_output=True, text=True).stdout)
    assert said["XMP:DigitalSourceType"].endswith(TRAINED)
    assert said["XMP:AISystemUsed"] == MARK.system and said["XMP:AIPromptInformation"] == MARK.prompt
    assert said["XMP:Jobs"] == "7c0f 91ab" and said["XMP:PromptSha256"] == MARK.prompt_sha256
    assert said["ExifTool:Validate"] == "OK", said


@pytest.mark.parametrize("how", ["attribute", "element", "resource"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_a_file_brought_stays_and_the_mark_stands_once(kind: str, how: str) -> None:
    aigc = '<TC260:AIGC>{"Label":"1"}</TC260:AIGC>'
    content = with_packet(kind, packet_of("digitalCapture", f"<dc:rights>mine</dc:rights>{aigc}", how))
    assert marks_in(content).source_type == "digitalCapture"
    after = marked(content, MARK)
    assert pixels(after) == pixels(content)
    found = marks_in(after)
    assert found.source_type == TRAINED and found.others == ("AIGC label (GB 45438)",)
    text = packet_for(None, after).decode()
    assert text.count("DigitalSourceType") == 1 and "mine" in text
    if kind != "PNG":  # there the packet was compressed
        assert b"digitalCapture" not in after or kind == "AVIF"


def test_what_was_put_together_stays_so() -> None:
    content = with_packet("PNG", packet_of(COMPOSITE))
    assert marks_in(marked(content, MARK)).source_type == COMPOSITE


def test_a_file_made_anew_takes_on_the_mark_and_no_places_or_people() -> None:
    private = "<exif:GPSLatitude>51,30N</exif:GPSLatitude><dc:description>Ann at home</dc:description>"
    packet = packet_for(None, with_packet("JPEG", packet_of(TRAINED, private + "<dc:creator>Ann</dc:creator>")))
    assert packet is not None and TRAINED.encode() in packet and b"Ann</" in packet
    assert b"51,30N" not in packet and b"at home" not in packet
    assert packet_for(None, with_packet("JPEG", packet_of(TRAINED).replace(TRAINED.encode(), b""))) is not None
    assert packet_for(None, file("JPEG")) is None


@pytest.mark.parametrize(
    "packet",
    [
        b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + packet_of(TRAINED),
        b"<x:xmpmeta",
        b"\xff\xfe\x00nothing",
        b"<a/>",
    ],
)
def test_a_packet_that_cannot_be_read_safely_is_replaced(packet: bytes) -> None:
    content = file("WEBP", xmp=packet)
    assert not marks_in(content).generated
    after = marked(content, MARK)
    assert marks_in(after).generated and b"ENTITY" not in after and pixels(after) == pixels(content)


@pytest.mark.parametrize(
    ("policy", "text", "digest"), [("hash", False, True), ("text", True, True), ("none", False, False)]
)
def test_the_policy_says_what_becomes_of_the_prompt(policy: Any, text: bool, digest: bool) -> None:
    found = marks_in(marked(file("PNG"), Mark.of("a secret campaign", policy)))
    assert (found.prompt != "", found.prompt_sha256 != "") == (text, digest)


def test_a_prompt_that_xml_cannot_hold_and_one_that_a_jpeg_cannot() -> None:
    found = marks_in(marked(file("PNG"), Mark(prompt="a\x00b\x1b\ud800c")))
    assert found.prompt == "abc"
    with pytest.raises(MediaInvalidError, match="too long for a JPEG"):
        marked(file("JPEG"), Mark(prompt="long " * 20_000))
    grown = with_packet("JPEG", packet_of(TRAINED, f"<dc:description>{'x' * 64_000}</dc:description>"))
    after = marked(grown, MARK)  # both together are too long: what was not about its origin gives way
    assert marks_in(after).system == MARK.system and pixels(after) == pixels(grown)


def test_other_kinds_are_refused_and_an_animated_avif() -> None:
    for kind in ("GIF", "BMP", "TIFF"):
        with pytest.raises(MediaInvalidError):
            marked(file(kind), MARK)
        assert marked(file(kind), None) == file(kind)
    frames = [picture().rotate(turn) for turn in (0, 20, 40)]
    moving = BytesIO()
    frames[0].save(moving, "AVIF", save_all=True, append_images=frames[1:])
    with pytest.raises(MediaInvalidError, match="animation"):
        marked(moving.getvalue(), MARK)


def test_content_credentials_are_seen_and_stay() -> None:
    box = b"\0\0\0\x21jumdc2pa\x00\x11\x00\x10\x80\x00\x00\xaa\x00\x38\x9b\x71\x03c2pa\0"
    data = b"caBX" + struct.pack(">I4s", 8 + len(box), b"jumb") + box
    plain = file("PNG")
    content = plain[:33] + struct.pack(">I", len(data) - 4) + data + struct.pack(">I", zlib.crc32(data)) + plain[33:]
    for each in (content, marked(content, MARK)):
        assert any("C2PA" in other for other in marks_in(each).others)
    assert marks_in(plain).others == ()


@pytest.mark.parametrize("kind", ["WEBP", "PNG"])
def test_an_animation_keeps_its_frames(kind: str) -> None:
    frames = [picture("RGBA").rotate(turn) for turn in (0, 20, 40)]
    moving = BytesIO()
    frames[0].save(moving, kind, save_all=True, append_images=frames[1:], duration=40)
    after = marked(moving.getvalue(), MARK)
    with Image.open(BytesIO(after)) as opened:
        assert opened.n_frames == 3 and marks_in(after).generated  # type: ignore[attr-defined]


def test_exif_profile_and_orientation_stay() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    for kind in ("JPEG", "PNG", "WEBP", "AVIF"):
        content = file(kind, exif=exif, icc_profile=b"profile" * 100 if kind != "AVIF" else b"")
        with Image.open(BytesIO(content)) as before, Image.open(BytesIO(marked(content, MARK))) as after:
            before.load(), after.load()
            assert after.getexif().get(0x0112) == before.getexif().get(0x0112)
            assert after.info.get("icc_profile") == before.info.get("icc_profile")
            assert after.tobytes() == before.tobytes()


@given(
    kind=st.sampled_from(KINDS),
    start=st.integers(0, 3000),
    data=st.binary(max_size=40),
    keep=st.integers(0, 4000),
)
@settings(max_examples=300)
def test_broken_bytes_end_in_one_error(kind: str, start: int, data: bytes, keep: int) -> None:
    content = file(kind)
    broken = content[:start] + data + content[start + len(data) : start + keep]
    try:
        after = marked(broken, MARK)
    except MediaInvalidError:
        return
    assert len(after) > len(broken) - 65_536
