"""Pictures that go in: what cannot be used is told with the name of its field, and nothing is bought."""

from __future__ import annotations

import base64
import hashlib
import os
import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from prefect_genmedia.emulator import Emulator
from prefect_genmedia.errors import MediaError, MediaInvalidError
from prefect_genmedia.media import MediaFile
from prefect_genmedia.media.pictures import Picture
from prefect_genmedia.operation import Account
from prefect_genmedia.providers.novita.envelope import NOVITA
from prefect_genmedia.providers.novita.images import Img2ImgRequest
from tests import PHOTOS
from tests.shop import buy, img2img, refusal, the_ledger
from tests.stand_in import Say, Wire

PICTURE = (PHOTOS / "chelsea.png").read_bytes()


def encoded(picture: Image.Image, kind: str, **options: Any) -> bytes:
    file = BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def eleven_megabytes() -> bytes:
    return encoded(Image.frombytes("RGB", (2000, 1750), os.urandom(2000 * 1750 * 3)), "PNG", compress_level=0)


def seventeen_megapixels() -> bytes:
    return encoded(Image.new("L", (4200, 4048)), "PNG", compress_level=1)


def bomb() -> bytes:
    """A few hundred bytes that claim to be 3.6 gigapixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


BAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "empty"),
    "text": (lambda: b"this is no picture at all", "not a picture"),
    "html": (lambda: b"<!DOCTYPE html><html></html>", "not a picture"),
    "cut short": (lambda: PICTURE[: len(PICTURE) // 2], "cut short"),
    "damaged": (lambda: PICTURE[:1000] + bytes(1000) + PICTURE[2000:], ""),
    "11 MB": (eleven_megabytes, "limit is 10 MB"),
    "17 megapixels": (seventeen_megapixels, "limit is 16"),
    "bomb": (bomb, "megapixels"),
}


def nothing_was_bought(emulator: Emulator) -> bool:
    return emulator.requests()["requests"] == {} and the_ledger().rows() == []


@pytest.mark.parametrize("given_as", ["bytes", "a path"])
@pytest.mark.parametrize("kind", BAD)
async def test_a_picture_that_cannot_be_used_is_told_before_money(
    emulator: Emulator, novita: Account, tmp_path: Path, kind: str, given_as: str
) -> None:
    make, said = BAD[kind]
    content = make()
    path = tmp_path / "input.png"
    path.write_bytes(content)
    error = await refusal(img2img(image=content if given_as == "bytes" else path), novita)
    assert isinstance(error, MediaInvalidError)
    assert error.message.startswith("image: ")
    assert said in str(error)
    assert error.operation == "novita.img2img"
    assert error.job is None
    assert nothing_was_bought(emulator)


async def test_every_picture_of_a_request_is_checked_and_named(emulator: Emulator, novita: Account) -> None:
    unit = {"model_name": "c", "image": PHOTOS / "rocket.jpg"}
    broken = PICTURE[:-30]
    inside = {
        "controlnet.units[1].image: ": {"controlnet": {"units": [unit, {**unit, "image": broken}]}},
        "ip_adapters[0].image: ": {
            "ip_adapters": [{"model_name": "ip-adapter_sdxl.bin", "image": broken, "strength": 1}]
        },
    }
    for name, fields in inside.items():
        error = await refusal(img2img(**fields), novita)
        assert isinstance(error, MediaInvalidError)
        assert error.message.startswith(name)
    assert nothing_was_bought(emulator)


async def test_the_largest_picture_that_novita_takes_is_taken(emulator: Emulator, novita: Account) -> None:
    """Just under 16 megapixels."""
    content = encoded(Image.new("L", (4000, 3999)), "PNG", compress_level=1)
    await buy(img2img(image=content), novita)
    assert emulator.billed() == 1


@pytest.mark.parametrize(
    "path",
    ["nowhere.png", "/nonexistent/a.png", "no\x00where.png", "~nobody-of-that-name/a.png", "a" * 5000, ".", "/",
     base64.b64encode(PICTURE).decode(), base64.b64encode(PICTURE).decode()[:200]],
    ids=["missing", "no folder", "null byte", "no such user", "too long", "folder", "root", "base64", "short base64"],
)  # fmt: skip
async def test_a_path_that_cannot_be_read_is_told_before_money(emulator: Emulator, novita: Account, path: str) -> None:
    """In a few words, whatever was given as a path."""
    error = await refusal(img2img(image=path), novita)
    assert isinstance(error, MediaError)
    assert error.message.startswith("image: ")
    assert len(str(error)) < 1000
    assert nothing_was_bought(emulator)


@pytest.mark.parametrize(
    ("say", "said"),
    [
        (Say(404, b"<h1>not found</h1>", {"content-type": "text/html"}), "404"),
        (Say(403, b""), "403"),
        (Say(500, b""), "500"),
        (Say(200, b"<!DOCTYPE html><p>log in first</p>", {"content-type": "text/html"}), "not a picture"),
        (Say(200, b""), "empty"),
        (Say(200, PICTURE[:5000], {"content-type": "image/png"}), "cut short"),
        (Say(cut=True), "broke"),
    ],
    ids=["404", "403", "500", "html", "empty", "cut short", "no answer"],
)
async def test_a_url_that_gives_no_picture_is_told_before_money(
    emulator: Emulator, novita: Account, wire: Wire, say: Say, said: str
) -> None:
    wire.answer = lambda seen: say
    error = await refusal(img2img(image=f"{wire.url}/cat.png?X-Amz-Signature=0123abcd"), novita)
    assert isinstance(error, MediaError)
    assert error.message.startswith("image: ")
    assert said in str(error)
    assert "0123abcd" not in str(error)
    assert nothing_was_bought(emulator)


@pytest.mark.parametrize("prepare", ["upright", "nothing"])
async def test_a_url_with_more_than_the_limit_is_told_before_money(
    emulator: Emulator, novita: Account, wire: Wire, prepare: Any
) -> None:
    wire.answer = lambda seen: Say(200, eleven_megabytes(), {"content-type": "image/png"})
    error = await refusal(img2img(image=Picture(source=f"{wire.url}/cat.png", prepare=prepare)), novita)
    assert isinstance(error, MediaInvalidError)
    assert "limit is 10 MB" in str(error)
    assert nothing_was_bought(emulator)


async def test_a_url_that_nobody_answers_is_told_before_money(emulator: Emulator, novita: Account) -> None:
    error = await refusal(img2img(image="http://127.0.0.1:1/cat.png"), novita)
    assert isinstance(error, MediaError)
    assert error.message.startswith("image: ")
    assert nothing_was_bought(emulator)


def media_file(path: Path, **fields: Any) -> MediaFile:
    content = path.read_bytes()
    given = {"sha256": hashlib.sha256(content).hexdigest(), "media_type": "image/png", "bytes": len(content)}
    return MediaFile(uri=path.as_uri(), **{**given, **fields})


async def test_a_media_file_that_has_changed_is_told_before_money(
    emulator: Emulator, novita: Account, tmp_path: Path
) -> None:
    """It is no longer what an earlier step made."""
    path = tmp_path / "step-1.png"
    path.write_bytes(PICTURE)
    file = media_file(path)
    path.write_bytes((PHOTOS / "coffee.png").read_bytes())
    error = await refusal(img2img(image=file), novita)
    assert isinstance(error, MediaInvalidError)
    assert error.message.startswith("image: ")
    assert "changed" in str(error)
    path.unlink()
    error = await refusal(img2img(image=file), novita)
    assert isinstance(error, MediaError)
    assert nothing_was_bought(emulator)


@pytest.mark.parametrize("uri", ["nosuch://bucket/a.png", "file://", "", "s3://bucket/a.png"])
async def test_a_media_file_of_a_store_that_is_none_is_told_before_money(
    emulator: Emulator, novita: Account, uri: str
) -> None:
    file = MediaFile(uri=uri, sha256="0" * 64, media_type="image/png", bytes=1)
    error = await refusal(img2img(image=file), novita)
    assert isinstance(error, MediaError)
    assert error.message.startswith("image: ")
    assert nothing_was_bought(emulator)


async def test_a_result_is_the_input_of_the_next_step(emulator: Emulator, ttapi: Account, novita: Account) -> None:
    """By reference: the ledger holds the picture's sha256, not its bytes."""
    first = await buy(img2img(), novita)
    second = await buy(img2img(image=first.media[0], prompt="again"), novita)
    assert second.media[0].sha256 != first.media[0].sha256
    row = the_ledger().get(second.job.id)
    assert row is not None
    assert row.request["image"] == first.media[0].sha256
    assert emulator.billed() == 2


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "PNG"])
async def test_what_novita_takes_is_taken(emulator: Emulator, novita: Account, kind: str) -> None:
    content = encoded(Image.open(PHOTOS / "chelsea.png").convert("RGB"), kind)
    assert (await buy(img2img(image=content), novita)).media
    assert emulator.billed() == 1


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "AVIF"])
async def test_a_type_that_the_provider_does_not_take_becomes_one_that_it_takes(
    emulator: Emulator, novita: Account, kind: str
) -> None:
    """Or is refused here, where it is to be sent as it is."""
    content = encoded(Image.open(PHOTOS / "chelsea.png").convert("RGB"), kind)
    error = await refusal(img2img(image=Picture(source=content, prepare="nothing")), novita)
    assert error.operation == "novita.img2img"
    assert f"image: is {kind}; taken are JPEG, PNG, WebP" in str(error)
    assert nothing_was_bought(emulator)
    assert (await buy(img2img(image=content), novita)).media
    assert emulator.billed() == 1


@pytest.mark.parametrize("make", [eleven_megabytes, seventeen_megapixels])
async def test_what_is_too_large_is_made_smaller_where_the_caller_lets_it(
    emulator: Emulator, novita: Account, make: Callable[[], bytes]
) -> None:
    assert (await buy(img2img(image=Picture(source=make(), prepare="fit")), novita)).media
    assert emulator.billed() == 1


def photograph() -> bytes:
    """As a phone takes it: on its side, and with its place."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "51.5007 N 0.1246 W"
    return encoded(Image.open(PHOTOS / "chelsea.png").convert("RGB"), "JPEG", exif=exif)


async def sent(wire: Wire, image: Any) -> bytes:
    """The bytes that the provider gets of a picture."""
    wire.answer = lambda seen: Say(400, {"code": 400, "reason": "INVALID_REQUEST_BODY", "message": "no"})
    await refusal(img2img(image=image), Account(NOVITA, wire.url, "key"))
    (post,) = wire.posts()
    return base64.b64decode(post.json["request"]["image_base64"])


async def test_what_is_sent_stands_upright_and_tells_no_place(wire: Wire) -> None:
    content = await sent(wire, photograph())
    with Image.open(BytesIO(content)) as picture:
        assert picture.size == (300, 451) and not picture.getexif()
    assert b"51.5007" not in content


async def test_who_asks_for_it_has_every_byte_sent(wire: Wire) -> None:
    assert await sent(wire, Picture(source=photograph(), prepare="nothing")) == photograph()


async def test_how_it_is_prepared_is_no_other_job_but_for_nothing(emulator: Emulator, novita: Account) -> None:
    """The key names what was given: a newer way to prepare it must not buy it twice."""
    first = await buy(img2img(image=photograph()), novita)
    assert (await buy(img2img(image=Picture(source=photograph(), prepare="fit")), novita)).job.id == first.job.id
    assert emulator.billed() == 1
    (row,) = the_ledger().rows()
    assert row.request["image"] == hashlib.sha256(photograph()).hexdigest()
    assert (await buy(img2img(image=Picture(source=photograph(), prepare="nothing")), novita)).job.id != first.job.id
    assert emulator.billed() == 2


def test_how_a_picture_is_to_be_prepared_travels_with_it() -> None:
    """As a parameter of a task, and back."""
    for given in ("a.png", {"source": "a.png", "prepare": "fit"}):
        request = img2img(image=given)
        again = Img2ImgRequest.model_validate(request.model_dump(mode="json", exclude_none=True))
        assert again.image == request.image == Picture.model_validate(given)
    assert img2img(image="a.png").model_dump()["image"] == "a.png"
