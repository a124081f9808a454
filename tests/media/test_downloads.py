"""Result files: what is kept is whole and verified, and a download that fails costs nothing but another try."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from prefect_genmedia.emulator import Emulator
from prefect_genmedia.errors import GenMediaError, JobExpiredError, MediaError, MediaExpiredError, MediaInvalidError
from prefect_genmedia.jobs import JobResult
from prefect_genmedia.media import MediaStore, open_media
from prefect_genmedia.operation import Account
from prefect_genmedia.providers.ttapi.flowmusic import GenerateRequest
from tests.shop import buy, imagine, img2img, in_the_end, late_refusal, refusal, the_ledger, the_row
from tests.shop import novita as novita_at
from tests.shop import ttapi as ttapi_at
from tests.stand_in import Say, Seen, Wire

FAULTS: list[tuple[dict[str, Any], type[MediaError]]] = [
    ({"kind": "download_expired"}, MediaExpiredError),
    ({"kind": "download_404"}, MediaExpiredError),
    ({"kind": "download_truncated", "length": "whole"}, MediaError),
    ({"kind": "download_truncated", "length": "chunked"}, MediaError),
    ({"kind": "download_truncated", "length": "none"}, MediaInvalidError),
    ({"kind": "download_html"}, MediaInvalidError),
    ({"kind": "download_html", "status": 503}, MediaError),
]


def name(value: Any) -> str:
    return "-".join(str(v) for v in value.values()).removeprefix("download_") if isinstance(value, dict) else ""


@pytest.mark.parametrize("fault", [fault for fault, _ in FAULTS], ids=name)
async def test_a_download_that_goes_wrong_is_tried_again(
    emulator: Emulator, novita: Account, fault: dict[str, Any]
) -> None:
    await arrives(emulator, fault, img2img(), novita)


ODD: list[dict[str, Any]] = [
    {"kind": "download_wrong_type"},
    {"kind": "download_wrong_type", "content_type": "application/json"},
    {"kind": "download_wrong_size"},
]


@pytest.mark.parametrize("fault", ODD, ids=name)
async def test_a_file_that_only_looks_odd_is_kept_at_once(
    emulator: Emulator, novita: Account, fault: dict[str, Any]
) -> None:
    """A guess holds nothing back: downloaded once, and delivered."""
    emulator.add_faults(fault)
    result = await buy(img2img(), novita)
    assert result.media[0].path.exists()
    assert emulator.jobs()["jobs"][0]["downloads"] == 1
    assert emulator.billed() == 1


@pytest.mark.parametrize("fault", [FAULTS[0][0], FAULTS[4][0]], ids=name)
async def test_one_of_five_downloads_that_goes_wrong_is_tried_again(
    emulator: Emulator, ttapi: Account, fault: dict[str, Any]
) -> None:
    await arrives(emulator, fault, imagine(), ttapi)


async def arrives(emulator: Emulator, fault: dict[str, Any], request: Any, account: Account) -> None:
    emulator.add_faults({**fault, "times": 2})
    result = await buy(request, account)
    for file in result.media:
        with Image.open(file.path) as picture:
            picture.load()
            assert picture.size == (file.width, file.height)
    assert emulator.faults()["faults"][0]["fired"] == 2
    assert emulator.billed() == 1


@pytest.mark.parametrize(("fault", "kind"), FAULTS, ids=name)
async def test_a_download_that_keeps_going_wrong_is_told_and_comes_later(
    emulator: Emulator, novita: Account, fault: dict[str, Any], kind: type[MediaError]
) -> None:
    """Nothing broken enters the store; the next call downloads and pays nothing."""
    emulator.add_faults(fault)
    error = await late_refusal(img2img(), novita, kind)
    assert type(error) is kind
    assert error.job is not None
    assert f"genmedia jobs resume {error.job.id[:12]}" in str(error)
    assert the_row().state == "SUCCEEDED"
    emulator.clear_faults()
    result = await buy(img2img(), novita)
    assert result.job == error.job
    assert result.media[0].path.exists()
    assert emulator.billed() == 1


async def test_nothing_is_left_of_files_that_broke(emulator: Emulator, novita: Account, isolated: Any) -> None:
    emulator.add_faults({"kind": "download_truncated", "length": "none"})
    await late_refusal(img2img(), novita)
    left = [path.name for path in (isolated / "media").rglob("*") if path.is_file()]
    assert left == [".genmedia-store"]


async def test_a_dead_link_is_asked_for_anew(emulator: Emulator, novita: Account) -> None:
    """The provider's clock runs on: links of the first answer are dead, the job signs fresh ones."""
    emulator.add_faults({"kind": "download_404"})
    await late_refusal(img2img(), novita)
    emulator.clear_faults()
    emulator.add_faults({"kind": "clock_skew", "seconds": 7200.0})
    result = await buy(img2img(), novita)
    assert result.media[0].path.exists()
    assert emulator.billed() == 1


async def test_a_job_that_is_forgotten_before_its_files_came_is_expired(
    emulator: Emulator, novita: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENMEDIA_EXPIRED_AFTER_SECONDS", "0")
    emulator.add_faults({"kind": "download_expired"}, {"kind": "job_forgotten", "after_fetches": 3})
    assert isinstance(await late_refusal(img2img(), novita, JobExpiredError), JobExpiredError)
    assert isinstance(await refusal(img2img(), novita), JobExpiredError)
    assert the_row().state == "EXPIRED"
    assert emulator.billed() == 1


async def test_a_job_that_is_forgotten_before_all_its_files_came_gives_those_that_came(
    emulator: Emulator, ttapi: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENMEDIA_EXPIRED_AFTER_SECONDS", "0")
    emulator.add_faults({"kind": "download_404", "skip": 4}, {"kind": "job_forgotten", "after_fetches": 2})
    some = await in_the_end(imagine(), ttapi, lambda ended: isinstance(ended, JobResult))
    assert isinstance(some, JobResult) and 0 < len(some.media) < 5
    again = await buy(imagine(), ttapi)
    assert again.media == some.media and all(file.path.exists() for file in again.media)
    assert "missing: " in again.remarks[0] and "not found" in again.remarks[0]
    assert the_row().state == "STORED"
    assert (await buy(imagine(), ttapi)).media == some.media
    assert emulator.billed() == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_to_another_host_is_followed_without_the_key(
    emulator: Emulator, novita: Account, status: int
) -> None:
    emulator.add_faults({"kind": "download_redirect", "status": status})
    result = await buy(img2img(), novita)
    assert result.media[0].path.exists()
    assert emulator.requests()["key_on_foreign_request"] == 0


async def test_one_quadrant_that_does_not_come_holds_back_no_other(emulator: Emulator, ttapi: Account) -> None:
    """The job stays open until it has come, too."""
    emulator.add_faults({"kind": "download_404", "skip": 4})
    some = await in_the_end(imagine(), ttapi, lambda ended: isinstance(ended, JobResult))
    assert isinstance(some, JobResult) and 0 < len(some.media) < 5
    assert "missing: " in some.remarks[0]
    assert the_row().state == "SUCCEEDED"
    emulator.clear_faults()
    assert len((await buy(imagine(), ttapi)).media) == 5
    assert emulator.billed() == 1


# -- files as a test wants them ---------------------------------------------------------------------


def png(width: int, height: int) -> bytes:
    file = BytesIO()
    Image.new("RGB", (width, height), "teal").save(file, "PNG")
    return file.getvalue()


def grid(wire: Wire, file: Callable[[Seen], Say], **data: Any) -> None:
    """TTAPI with one finished job whose files are what `file` says."""

    def answer(seen: Seen) -> Say:
        if seen.method == "POST":
            return Say(200, {"status": "SUCCESS", "data": {"jobId": "job-1"}})
        if seen.path.endswith("/fetch"):
            base = {"jobId": "job-1", "quota": "2", "cdnImage": f"{wire.url}/files/grid.png"}
            return Say(200, {"status": "SUCCESS", "message": "success", "data": {**base, **data}})
        return file(seen)

    wire.answer = answer


async def test_the_label_of_a_picture_does_not_matter_its_bytes_do(wire: Wire) -> None:
    """Storage services call anything application/octet-stream; the type is read from the file."""
    grid(wire, lambda seen: Say(200, png(64, 64), {"content-type": "application/octet-stream"}))
    (file,) = (await buy(imagine(), ttapi_at(wire.url))).media
    assert file.media_type == "image/png"
    assert file.path.suffix == ".png"


async def test_fields_that_nobody_told_us_of_are_kept(wire: Wire) -> None:
    """A provider may add fields at any time: they are in `.result.extra`, now and when read from the ledger."""
    grid(
        wire,
        lambda seen: Say(200, png(64, 64), {"content-type": "image/png"}),
        someNewField={"a": [1, None]},
        prompt="a cat",
        seed=7,
    )
    for _ in range(2):
        result = (await buy(imagine(), ttapi_at(wire.url))).result
        assert result.extra["someNewField"] == {"a": [1, None]}
        assert (result.prompt, result.seed) == ("a cat", "7")


ODD_MIDJOURNEY: list[dict[str, Any]] = [
    {"width": "wide", "height": "high"},
    {"width": "64", "height": 64.0},
    {"width": None, "height": None},
    {"width": 0, "height": 0},
    {"components": "upsample1"},
    {"components": [1, None, {}]},
    {"components": {"upsample1": True}},
    {"quota": "two"},
    {"quota": {}},
    {"progress": 100},
    {"progress": []},
    {"seed": {"value": 7}},
    {"prompt": 7},
    {"action": None, "actions": 3},
    {"images": {}},
    {"images": ""},
    {"discordImage": 7},
    {"prompt": "half a sign \ud83d"},
    {"newField": "half a sign \ud83d"},
]


@pytest.mark.parametrize("odd", ODD_MIDJOURNEY, ids=lambda odd: ascii(odd)[:40])
@pytest.mark.sampled(4)
async def test_no_odd_figure_keeps_a_paid_picture_back(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, odd: dict[str, Any]
) -> None:
    """Strict in what we send, tolerant in what we read: what the picture does not need may be anything."""
    monkeypatch.setenv("GENMEDIA_POLL_FAILURES", "2")
    grid(wire, lambda seen: Say(200, png(64, 64), {"content-type": "image/png"}), **odd)
    result = await buy(imagine(), ttapi_at(wire.url))
    assert result.media[0].path.exists()
    assert JobResult.model_validate_json(result.model_dump_json()).media == result.media


ODD_NOVITA: list[dict[str, Any]] = [
    {"image_url_ttl": "soon"},
    {"image_url_ttl": {}},
    {"image_type": 7},
    {"nsfw_detection_result": "none"},
    {"nsfw_detection_result": {"valid": "perhaps", "confidence": "high"}},
    {"nsfw_detection_result": []},
    {"extra": None},
    {"extra": []},
    {"extra": {"seed": {}, "enable_nsfw_detection": 7}},
]


@pytest.mark.parametrize("odd", ODD_NOVITA, ids=lambda odd: ascii(odd)[:40])
@pytest.mark.sampled(3)
async def test_no_odd_figure_keeps_novitas_picture_back(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, odd: dict[str, Any]
) -> None:
    monkeypatch.setenv("GENMEDIA_POLL_FAILURES", "2")

    def answer(seen: Seen) -> Say:
        if seen.method == "POST":
            return Say(200, {"task_id": "job-1"})
        if seen.path.endswith("/task-result"):
            task = {"task_id": "job-1", "status": "TASK_STATUS_SUCCEED", "reason": None, "task_type": 3}
            image = {"image_url": f"{wire.url}/files/a.png", **odd}
            return Say(200, {"task": task, "images": [image], "extra": odd.get("extra", {})})
        return Say(200, png(128, 128), {"content-type": "image/png"})

    wire.answer = answer
    result = await buy(img2img(), novita_at(wire.url))
    assert result.media[0].path.exists()
    assert JobResult.model_validate_json(result.model_dump_json()).media == result.media


@pytest.mark.parametrize("images", [[None], [7], ["x"], [{}], "x", 7], ids=str)
async def test_links_that_are_none_are_left_out_or_an_error_of_ours(
    wire: Wire, images: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENMEDIA_POLL_FAILURES", "2")
    grid(wire, lambda seen: Say(200, png(64, 64), {"content-type": "image/png"}), images=images)
    try:
        result = await buy(imagine(), ttapi_at(wire.url))
        assert result.media[0].path.exists()
    except GenMediaError as error:
        assert error.job is not None
        assert the_row().state in ("SUBMITTED", "SUCCEEDED")


async def test_a_picture_of_another_size_than_the_provider_says_is_kept(wire: Wire) -> None:
    grid(wire, lambda seen: Say(200, png(64, 64), {"content-type": "image/png"}), width=128, height=64)
    (file,) = (await buy(imagine(), ttapi_at(wire.url))).media
    assert (file.width, file.height) == (64, 64)


async def test_an_empty_file_is_refused(wire: Wire) -> None:
    grid(wire, lambda seen: Say(200, b"", {"content-type": "image/png"}))
    error = await late_refusal(imagine(), ttapi_at(wire.url), MediaInvalidError)
    assert isinstance(error, MediaInvalidError)
    assert "empty" in str(error)


@pytest.mark.parametrize("link", ["ftp://h/a.png", "/relative.png", "http://", "http://h:port/a", "file:///etc/passwd"])
async def test_a_link_that_is_none_is_an_error_of_ours(wire: Wire, link: str) -> None:
    grid(wire, lambda seen: Say(404, b""), cdnImage=link)
    error = await late_refusal(imagine(), ttapi_at(wire.url))
    assert isinstance(error, MediaError)
    assert error.job is not None


async def test_a_link_that_cannot_be_followed_is_asked_for_anew(wire: Wire) -> None:
    links = iter(["ftp://h/a.png"] * 2)

    def answer(seen: Seen) -> Say:
        if seen.method == "POST":
            return Say(200, {"status": "SUCCESS", "data": {"jobId": "job-1"}})
        if seen.path.endswith("/fetch"):
            data = {"jobId": "job-1", "cdnImage": next(links, f"{wire.url}/files/grid.png"), "images": []}
            return Say(200, {"status": "SUCCESS", "data": data})
        return Say(200, png(64, 64), {"content-type": "image/png"})

    wire.answer = answer
    result = await buy(imagine(), ttapi_at(wire.url))
    assert open_media(result.media[0]) == png(64, 64) and len(wire.posts()) == 1


async def test_a_file_within_the_answer_is_kept_as_a_file_only(wire: Wire) -> None:
    grid(wire, lambda seen: Say(404), cdnImage="data:image/png;base64," + base64.b64encode(png(64, 64)).decode())
    result = await buy(imagine(), ttapi_at(wire.url))
    assert open_media(result.media[0]) == png(64, 64)
    assert the_row().result is not None and "base64" not in json.dumps(the_row().result)


PNG = {"content-type": "image/png"}


async def test_files_that_are_named_a_moment_late_are_brought_in(wire: Wire) -> None:
    """Also by a later call, when they were late by more than a moment."""
    names = iter([1] * 6)  # an answer each: the first call's four, and two of the second's

    def answer(seen: Seen) -> Say:
        if seen.method == "POST":
            return Say(200, {"status": "SUCCESS", "data": {"jobId": "job-1"}})
        if seen.path.endswith("/fetch"):
            corners = [f"{wire.url}/files/{n}.png" for n in range(next(names, 4))]
            data = {"jobId": "job-1", "cdnImage": f"{wire.url}/files/grid.png", "images": corners}
            return Say(200, {"status": "SUCCESS", "data": data})
        return Say(200, png(64, 64), PNG)

    wire.answer = answer
    wanted = imagine(get_u_images=True)
    first = await buy(wanted, ttapi_at(wire.url))
    assert len(first.media) == 2 and "5 files were bought, the answer names 2" in " ".join(first.remarks)
    second = await buy(wanted, ttapi_at(wire.url))
    assert len(second.media) == 5 and not second.remarks
    assert len(wire.posts()) == 1 and the_row().state == "STORED"


async def test_strict_takes_no_fewer_files_than_were_bought(wire: Wire) -> None:
    grid(wire, lambda seen: Say(200, png(64, 64), PNG))
    error = await refusal(imagine(get_u_images=True), ttapi_at(wire.url), strict=True)
    assert isinstance(error, MediaError) and "5 files were bought" in str(error)
    assert the_row().state == "SUCCEEDED"


async def test_strict_takes_no_odd_file_that_is_here_already(wire: Wire) -> None:
    grid(wire, lambda seen: Say(200, png(64, 64)[:-16] + b"\0" * 4 + png(64, 64)[-12:], PNG))
    result = await buy(imagine(), ttapi_at(wire.url))
    assert result.media[0].remarks
    error = await refusal(imagine(), ttapi_at(wire.url), strict=True)
    assert isinstance(error, MediaInvalidError) and result.media[0].remarks[0] in str(error)
    assert (await buy(imagine(), ttapi_at(wire.url))) == result and len(wire.posts()) == 1


def _zero_tailed(jpeg: bytes) -> bytes:
    return jpeg[: len(jpeg) // 2] + bytes(65536)  # enough for a decoder to fill the picture with


@pytest.mark.parametrize("kind", ["a wrong checksum", "a tail of zeros"])
async def test_a_file_that_was_damaged_on_its_way_is_fetched_once_more(wire: Wire, kind: str) -> None:
    whole = png(64, 64)
    damaged = whole[:-16] + b"\0" * 4 + whole[-12:]
    if kind == "a tail of zeros":
        picture = BytesIO()
        Image.radial_gradient("L").save(picture, "JPEG", quality=95)
        whole = picture.getvalue()
        damaged = _zero_tailed(whole)
    answers = iter([damaged, whole])
    grid(wire, lambda seen: Say(200, next(answers), PNG))
    (file,) = (await buy(imagine(), ttapi_at(wire.url))).media
    assert open_media(file) == whole and not file.remarks


@pytest.mark.parametrize("label", ["utf-8", "binary", "aws-chunked"])
async def test_a_word_that_is_no_packing_keeps_no_picture_back(wire: Wire, label: str) -> None:
    grid(wire, lambda seen: Say(200, png(64, 64), {**PNG, "content-encoding": label}))
    assert open_media((await buy(imagine(), ttapi_at(wire.url))).media[0]) == png(64, 64)


async def test_four_pictures_without_their_grid_are_delivered(wire: Wire) -> None:
    corners = [f"{wire.url}/files/{n}.png" for n in range(4)]
    grid(wire, lambda seen: Say(200, png(64, 64), PNG), cdnImage=None, images=corners)
    result = await buy(imagine(), ttapi_at(wire.url))
    assert [file.position for file in result.media] == [1, 2, 3, 4]


async def test_a_picture_that_is_named_at_two_places_comes_from_the_other(wire: Wire) -> None:
    alive = f"{wire.url}/files/alive.png"
    grid(wire, lambda seen: Say(200, png(64, 64), PNG) if "alive" in seen.path else Say(404), discordImage=alive)
    assert (await buy(imagine(), ttapi_at(wire.url))).media[0].bytes == len(png(64, 64))


async def test_a_whole_picture_is_kept_though_more_bytes_were_announced(wire: Wire) -> None:
    content = png(64, 64)
    grid(wire, lambda seen: Say(200, content, {**PNG, "content-length": str(len(content) + 50)}))
    (file,) = (await buy(imagine(), ttapi_at(wire.url))).media
    assert open_media(file) == content and "did not end as announced" in file.remarks[0]


async def test_an_answer_that_repeats_our_key_is_kept_without_it(wire: Wire) -> None:
    said = "made for sk-4711-0815 from data:image/png;base64," + "QUJD" * 50
    grid(wire, lambda seen: Say(200, png(64, 64), PNG), prompt=said)
    result = await buy(imagine(), ttapi_at(wire.url, "sk-4711-0815"))
    assert result.result.prompt == "made for *** from ..."


async def test_redirects_without_end_are_an_error_of_ours(wire: Wire) -> None:
    grid(wire, lambda seen: Say(302, b"", {"location": f"{wire.url}/files/again.png"}))
    error = await late_refusal(imagine(), ttapi_at(wire.url))
    assert isinstance(error, MediaError)
    assert error.job is not None


async def test_fresh_links_may_be_fewer_than_the_dead_ones(wire: Wire) -> None:
    """The answer that refreshes dead links may itself be poor: that is an error of ours, and the job is safe."""
    fetches = iter([["a", "b", "c", "d"]])

    def answer(seen: Seen) -> Say:
        if seen.method == "POST":
            return Say(200, {"status": "SUCCESS", "data": {"jobId": "job-1"}})
        if seen.path.endswith("/fetch"):
            corners = [f"{wire.url}/files/{corner}.png" for corner in next(fetches, [])]
            data = {"jobId": "job-1", "cdnImage": f"{wire.url}/files/grid.png", "images": corners}
            return Say(200, {"status": "SUCCESS", "data": data})
        if seen.path.endswith("grid.png"):
            return Say(200, png(64, 64), {"content-type": "image/png"})
        return Say(403, b"expired")

    wire.answer = answer
    some = await in_the_end(imagine(), ttapi_at(wire.url), lambda ended: isinstance(ended, JobResult))
    assert isinstance(some, JobResult)
    assert [file.role for file in some.media] == ["grid"]
    assert the_row().state == "SUCCEEDED"


async def test_the_whole_answer_is_kept_with_its_links_unsigned(emulator: Emulator, novita: Account) -> None:
    result = await buy(img2img(), novita)
    link = result.result.images[0].image_url
    assert link.startswith(emulator.url + "/s3/prod/")
    assert "?" not in link


async def test_a_bucket_of_ones_own_is_downloaded_from_as_well(emulator: Emulator) -> None:
    storage = {"aws_s3": {"region": "eu-west-1", "bucket": "mine", "path": "a/b"}}
    result = await buy(img2img(extra={"custom_storage": storage}), novita_at(emulator.url))
    assert result.media[0].path.exists()


async def test_a_store_in_a_folder_with_a_space_gives_uris_that_any_program_can_open(
    ttapi: Account, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GENMEDIA_MEDIA_STORE", str(tmp_path / "a b" / "100% žába #1"))
    result = await buy(imagine(), ttapi)
    first = result.media[0]
    assert first.path.parent.is_relative_to(tmp_path / "a b" / "100% žába #1")
    assert first.path.as_uri() == first.uri and "a%20b/100%25%20%C5%BE%C3%A1ba%20%231" in first.uri
    store = MediaStore(str(tmp_path / "a b" / "100% žába #1"))
    assert store.has(first) and hashlib.sha256(open_media(first)).hexdigest() == first.sha256
    assert store.key_of(first) == str(first.path.relative_to(tmp_path / "a b" / "100% žába #1"))


def song(wire: Wire, *dead: str) -> None:
    """FlowMusic with a finished song, some of whose links are dead."""

    def answer(seen: Seen) -> Say:
        if seen.method == "POST":
            return Say(200, {"status": "SUCCESS", "data": {"job_id": "job-1"}})
        if seen.path.endswith("/fetch"):
            names = {"audio_url": "a.mp3", "wav_url": "a.wav", "image_url": "a.png"}
            clip = {"clip_id": "c", **{name: f"{wire.url}/files/{file}" for name, file in names.items()}}
            return Say(200, {"status": "SUCCESS", "data": {"job_id": "job-1", "clips": [clip]}})
        if seen.path.rpartition("/")[2] in dead:
            return Say(404, b"gone", {"content-type": "text/html"})
        if seen.path.endswith(".png"):
            return Say(200, png(64, 64), {"content-type": "image/png"})
        return Say(200, b"ID3" + bytes(64), {"content-type": "audio/mpeg"})

    wire.answer = answer


async def test_a_song_is_delivered_without_its_dead_extras(wire: Wire) -> None:
    song(wire, "a.wav")
    result = await buy(GenerateRequest(sound_prompt="a waltz"), ttapi_at(wire.url))
    assert [file.role for file in result.media] == ["audio", "cover"]
    assert "left out: wav: the result link answers HTTP 404" in the_ledger().history(result.job.id)[-1].note


async def test_a_song_that_names_more_files_when_asked_again_is_delivered(wire: Wire) -> None:
    """A link that died is asked for anew, and the answer has grown meanwhile."""
    song(wire, "a.wav")
    whole = wire.answer

    def growing(seen: Seen) -> Say:
        said = whole(seen)
        if seen.path.endswith("/fetch") and sum(each.path.endswith("/fetch") for each in wire.seen) == 1:
            assert isinstance(said.body, dict)
            del said.body["data"]["clips"][0]["image_url"]
        return said

    wire.answer = growing
    result = await buy(GenerateRequest(sound_prompt="a waltz"), ttapi_at(wire.url))
    assert [file.role for file in result.media] == ["audio"]


async def test_a_song_whose_sound_does_not_come_is_delivered_as_far_as_it_came_and_stays_open(wire: Wire) -> None:
    song(wire, "a.mp3")
    waltz = GenerateRequest(sound_prompt="a waltz")
    result = await in_the_end(waltz, ttapi_at(wire.url), lambda ended: isinstance(ended, JobResult))
    assert isinstance(result, JobResult)
    assert [file.role for file in result.media] == ["wav", "cover"]
    assert "missing: audio: the result link answers HTTP 404" in result.remarks
    assert the_row().state == "SUCCEEDED"
