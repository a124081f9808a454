"""A submit that is answered with the files: what it buys is here, or in the ledger, or said to be unknown."""

from __future__ import annotations

import asyncio
import base64
import io
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from prefect_genmedia.emulator import Emulator
from prefect_genmedia.errors import (
    NOTHING_BOUGHT,
    ConfigurationError,
    InsufficientCreditsError,
    InvalidRequestError,
    JobFailedError,
    MediaError,
    MediaExpiredError,
    SubmitOutcomeUnknown,
)
from prefect_genmedia.jobs import Terms, import_job, name_job, resume, script_run
from prefect_genmedia.jobs.rescued import rescued
from prefect_genmedia.operation import Account
from prefect_genmedia.providers.ttapi.pictures import GEMINI_IMAGE, GeminiImageRequest
from tests.emulator.clients import Novita
from tests.patience import PATIENCE, a_until
from tests.shop import DOOMED, buy, child, history, refusal, the_ledger, the_row, ttapi
from tests.stand_in import Say, Seen, Wire

JOB = "b8bd3ff0-4349-4b71-8938-5e13aefa64fe"
SUBMIT = "POST /gemini/image/generate"


def banana(prompt: str = "a kite over a hill") -> GeminiImageRequest:
    return GeminiImageRequest(prompt=prompt, model="gemini-2.5-flash-image", image_size="1K")


def asked(emulator: Emulator) -> dict[str, int]:
    """What came in, but for downloads."""
    return {what: often for what, often in emulator.requests()["requests"].items() if "/cdn/" not in what}


def kept() -> bytes:
    """All that the ledger has on disk."""
    where = Path(str(the_ledger().database.engine.url.database))
    return b"".join(file.read_bytes() for file in where.parent.glob(f"{where.name}*"))


async def running(emulator: Emulator) -> None:
    await a_until(lambda: any(job["state"] == "running" for job in emulator.jobs()["jobs"]), "a running job")


async def test_one_submit_one_bill_and_nothing_is_fetched(emulator: Emulator, ttapi: Account) -> None:
    result = await buy(banana(), ttapi)
    [file] = result.media
    assert Image.open(io.BytesIO(file.path.read_bytes())).size == (1024, 1024)
    assert (result.quota, result.job.job_id) == (2, the_row().job_id)
    assert (result.job.job_id or "") in result.result.images[0]
    assert history(result.job.id) == ["INTENT", "SUBMITTED", "SUCCEEDED", "STORED"]
    assert await buy(banana(), ttapi) == result
    assert asked(emulator) == {SUBMIT: 1} and emulator.billed() == 1


async def test_an_answer_that_takes_longer_than_other_submits_may_is_waited_for(
    emulator: Emulator, ttapi: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENMEDIA_SUBMIT_TIMEOUT_SECONDS", "0.2")
    emulator.add_faults({"kind": "submit_slow_reply", "seconds": 0.6, "times": 1})
    assert (await buy(banana(), ttapi)).media
    assert asked(emulator) == {SUBMIT: 1} and emulator.billed() == 1
    row = the_row()
    assert row.submitted_at == row.sent_at  # so that it is known how long such a job takes


async def test_a_file_that_is_deleted_is_brought_in_again(emulator: Emulator, ttapi: Account) -> None:
    first = await buy(banana(), ttapi)
    first.media[0].path.unlink()
    again = await buy(banana(), ttapi)
    assert again.media == first.media and again.media[0].path.exists()
    assert asked(emulator) == {SUBMIT: 1}


# -- between the answer and the file --------------------------------------------------------------


async def test_a_call_that_is_cancelled_while_it_downloads_leaves_the_file_to_the_next(
    emulator: Emulator, ttapi: Account
) -> None:
    emulator.add_faults({"kind": "download_slow", "seconds": 2 * PATIENCE, "times": 1})
    buying = asyncio.create_task(buy(banana(), ttapi))
    await a_until(lambda: emulator.faults()["faults"][0]["fired"], "the download begun")
    buying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await buying
    assert the_row().state == "SUCCEEDED"
    assert (await buy(banana(), ttapi)).media
    assert asked(emulator) == {SUBMIT: 1} and emulator.billed() == 1


@pytest.mark.slow
async def test_a_process_that_dies_while_it_downloads_leaves_the_file_to_the_next(
    emulator: Emulator, ttapi: Account
) -> None:
    emulator.add_faults({"kind": "download_slow", "seconds": 2 * PATIENCE, "times": 1})
    dying = child(ttapi, banana())
    await a_until(lambda: emulator.faults()["faults"][0]["fired"], "the download begun")
    dying.kill()
    assert (await buy(banana(), ttapi)).media
    assert asked(emulator) == {SUBMIT: 1} and emulator.billed() == 1


async def test_a_call_that_is_cancelled_while_it_is_drawn_still_hears_the_answer(
    emulator: Emulator, ttapi: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENMEDIA_CANCEL_GRACE_SECONDS", str(PATIENCE))
    emulator.configure(hold=True)
    buying = asyncio.create_task(buy(banana(), ttapi))
    await running(emulator)
    buying.cancel()
    emulator.release()
    with pytest.raises(asyncio.CancelledError):
        await buying
    assert the_row().state == "SUCCEEDED"
    assert (await buy(banana(), ttapi)).media
    assert asked(emulator) == {SUBMIT: 1} and emulator.billed() == 1


async def test_who_no_longer_waits_for_it_is_told_that_it_may_be_billed(
    emulator: Emulator, ttapi: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENMEDIA_CANCEL_GRACE_SECONDS", "0.1")
    emulator.configure(hold=True)
    buying = asyncio.create_task(buy(banana(), ttapi))
    await running(emulator)
    buying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await buying
    emulator.release()
    assert isinstance(await refusal(banana(), ttapi), SubmitOutcomeUnknown)
    assert asked(emulator) == {SUBMIT: 1} and emulator.billed() == 1


async def test_a_signed_link_is_used_as_long_as_it_takes_and_kept_nowhere(emulator: Emulator, ttapi: Account) -> None:
    """Three vain tries are no reason to take the kept link instead: without its signature it opens nothing."""
    emulator.configure(novita_retired="")
    signed = Novita(emulator).done()["images"][0]["image_url"]
    signature = signed.rpartition("X-Amz-Signature=")[2]
    assert signature in signed and len(signature) > 20
    emulator.add_faults({"kind": "links_written", "style": "to", "to": signed, "at": "submit", "times": 1})
    emulator.add_faults({"kind": "download_404", "times": 3})
    result = await buy(banana(), ttapi)
    assert result.media[0].path.exists() and emulator.billed("ttapi.gemini_image") == 1
    assert signature.encode() not in kept() and signature not in result.model_dump_json()
    assert signed.partition("?")[0].encode() in kept()

    result.media[0].path.unlink()  # what is kept may open nothing: then that is said, and nothing is bought
    error = await refusal(banana(), ttapi, deadline_seconds=0.2)
    assert isinstance(error, MediaError) and error.job is not None
    assert emulator.submits("ttapi.gemini_image") == 1


def picture_whose_text_ends_like_a_name() -> str:
    """As base64: what follows its last slash could be a file's own name."""
    for side in range(8, 400):
        file = io.BytesIO()
        Image.radial_gradient("L").resize((side, 9)).save(file, "PNG")
        text = base64.b64encode(file.getvalue()).decode()
        if re.fullmatch(r"(?=.*[0-9])[0-9A-Za-z]{16,64}", text.rpartition("/")[2]):
            return text
    raise AssertionError("none")


async def test_no_part_of_a_picture_becomes_the_name_of_its_job(wire: Wire) -> None:
    text = picture_whose_text_ends_like_a_name()
    answer = {"status": "SUCCESS", "message": "", "data": {"image_url": f"data:image/png;base64,{text}"}}
    wire.answer = lambda seen: Say(200, answer)
    result = await buy(banana(), ttapi(wire.url))
    assert len(result.media) == 1 and result.job.job_id not in text


async def test_a_picture_in_the_answer_itself_is_brought_in(emulator: Emulator, ttapi: Account) -> None:
    emulator.add_faults({"kind": "links_written", "style": "data", "at": "submit", "times": 1})
    result = await buy(banana(), ttapi)
    assert result.media[0].path.exists() and len(result.job.job_id or "") == 32
    assert b"iVBORw0KGgo" not in kept()

    result.media[0].path.unlink()
    error = await refusal(banana(), ttapi)
    assert isinstance(error, MediaExpiredError) and "is safe" not in str(error)
    assert asked(emulator) == {SUBMIT: 1}


async def test_a_picture_in_the_answer_itself_outlasts_a_store_that_cannot_take_it(wire: Wire, isolated: Path) -> None:
    """Nobody can be asked for it again, and no ledger keeps it."""
    picture = io.BytesIO()
    Image.effect_noise((256, 256), 90).save(picture, "PNG")
    media, aside = isolated / "media", isolated / "aside"

    def say(seen: Seen) -> Say:
        media.rename(aside)
        media.write_text("not a folder")
        return Say(200, {"status": "SUCCESS", "data": {"image_url": base64.b64encode(picture.getvalue()).decode()}})

    wire.answer = say
    error = await refusal(banana(), ttapi(wire.url))
    assert isinstance(error, MediaError) and error.job is not None and "is safe" in str(error)
    media.unlink()
    aside.rename(media)
    result = await buy(banana(), ttapi(wire.url))
    assert result.media[0].path.read_bytes() == picture.getvalue() and result.job.id == error.job.id
    assert len(wire.posts()) == 1 and not rescued(result.job.id)


NAMED: list[dict[str, Any]] = [
    {"status": "SUCCESS", "message": "", "data": {"imageUrl": "{}/a.png"}},
    {"status": "success", "message": "", "data": {"images": ["{}/a.png", "{}/b.png"]}},
    {
        "status": "SUCCESS",
        "message": "",
        "data": {"jobId": JOB, "images": ["{}/a.png"]},
    },
    {"status": "FAILED", "message": "System error", "data": {"image_url": "{}/a.png"}},
    {"status": "SUCCESS", "message": "", "data": [{"image_url": "{}/a.png"}]},
    {"status": "SUCCESS", "message": "", "data": "{}/a.png"},
    {"status": "SUCCESS", "message": "", "data": {"output": {"urls": ["{}/a.png?sig=x", "{}/b.png"]}}},
]


SHAPES = ["another name", "two", "a job id", "a refusal", "a list", "a text", "elsewhere"]


@pytest.mark.parametrize("answer", NAMED, ids=SHAPES)
async def test_whatever_names_a_picture_is_taken_for_what_was_paid_for(wire: Wire, answer: dict[str, Any]) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (8, 8), "teal").save(picture, "PNG")

    def say(seen: Seen) -> Say:
        if seen.method == "GET":
            return Say(200, picture.getvalue(), {"content-type": "image/png"})
        return Say(200, _filled(answer, wire.url))

    wire.answer = say
    result = await buy(banana(), ttapi(wire.url))
    assert len(result.media) == str(answer).count("{}") and len(wire.posts()) == 1
    assert bool(result.remarks) is (answer["status"] == "FAILED")
    wanted = answer["data"].get("jobId") if isinstance(answer["data"], dict) else None
    assert result.job.job_id == wanted if wanted else len(result.job.job_id or "") == 32


def _filled(value: Any, url: str) -> Any:
    if isinstance(value, dict):
        return {name: _filled(inner, url) for name, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, url) for inner in value]
    return value.replace("{}", url)


# -- no answer, or none that can be used ----------------------------------------------------------

LOST: list[tuple[dict[str, Any], int]] = [
    ({"kind": "submit_lose_reply"}, 1),
    ({"kind": "submit_lose_reply", "how": "reset"}, 1),
    ({"kind": "submit_5xx_after"}, 1),
    ({"kind": "submit_garbage"}, 1),
    ({"kind": "submit_missing_id"}, 1),
    ({"kind": "submit_data_null"}, 1),
    ({"kind": "submit_html"}, 0),
    ({"kind": "answer_cut", "at": "submit", "length": "whole"}, 1),
]


@pytest.mark.parametrize(("fault", "billed"), LOST, ids=[str(list(fault.values())) for fault, _ in LOST])
@pytest.mark.sampled(3)
async def test_a_lost_answer_is_never_asked_for_by_buying_again(
    emulator: Emulator, ttapi: Account, fault: dict[str, Any], billed: int
) -> None:
    emulator.add_faults({**fault, "times": 1})
    for _ in range(2):
        error = await refusal(banana(), ttapi)
        assert isinstance(error, SubmitOutcomeUnknown) and "may be billed" in str(error)
        assert "--not-accepted" in error.advice and "--job-id" not in error.advice  # no page takes an id
    assert the_row().state == "UNKNOWN"
    assert asked(emulator) == {SUBMIT: 1} and emulator.billed() == billed
    again = await buy(banana(), ttapi, on_unknown="resubmit")
    assert again.media and asked(emulator) == {SUBMIT: 2} and emulator.billed() == billed + 1


async def test_an_id_in_place_of_the_picture_is_kept_for_whoever_looks_it_up(wire: Wire) -> None:
    accepted = {"status": "SUCCESS", "message": "", "data": {"jobId": JOB}}
    wire.answer = lambda seen: Say(200, accepted)
    for _ in range(2):
        assert isinstance(await refusal(banana(), ttapi(wire.url)), SubmitOutcomeUnknown)
    assert the_row().hint == JOB
    assert [seen.path for seen in wire.seen] == ["/gemini/image/generate"]


async def test_two_jobs_for_one_submit_give_one_file(emulator: Emulator, ttapi: Account) -> None:
    emulator.add_faults({"kind": "submit_accept_twice", "times": 1})
    assert len((await buy(banana(), ttapi)).media) == 1
    assert asked(emulator) == {SUBMIT: 1} and emulator.billed() == 2


# -- a failure in place of the picture ------------------------------------------------------------


async def test_a_failure_may_have_been_charged_and_is_bought_again_only_when_asked(
    emulator: Emulator, ttapi: Account
) -> None:
    """It came when the work was done, or would have been: nobody can say that nothing was bought."""
    emulator.add_faults({"kind": "job_fails", "message": "Please try again", "refund": False, "times": 1})
    for _ in range(2):
        error = await refusal(banana(), ttapi)
        assert isinstance(error, JobFailedError) and "Please try again" in error.message
        assert error.money == "It may have been charged." and "attempts=2" in error.advice
    assert the_row().state == "FAILED" and the_row().refunded is None
    assert asked(emulator) == {SUBMIT: 1} and emulator.billed() == 1
    assert (await buy(banana(), ttapi, attempts=2)).media
    assert asked(emulator) == {SUBMIT: 2} and emulator.billed() == 2


@pytest.mark.parametrize("prompt", ["forbidden-by-emulator", DOOMED])
async def test_a_rejected_picture_may_have_been_charged_however_it_is_said(
    emulator: Emulator, ttapi: Account, prompt: str
) -> None:
    """With HTTP 400 or 200: moderation looks at the prompt before, and at the picture after."""
    error = await refusal(banana(prompt), ttapi)
    assert isinstance(error, JobFailedError) and error.money == "It may have been charged."
    assert "Change the prompt" in error.advice
    assert emulator.submits() == 1


@pytest.mark.parametrize(("status", "kind"), [(400, InvalidRequestError), (402, InsufficientCreditsError)])
async def test_a_refusal_before_any_work_buys_nothing_and_says_so(
    emulator: Emulator, ttapi: Account, status: int, kind: type[InvalidRequestError]
) -> None:
    emulator.add_faults({"kind": "submit_refuse", "status": status, "times": 1})
    error = await refusal(banana(), ttapi)
    assert isinstance(error, kind) and error.money == NOTHING_BOUGHT
    assert emulator.billed() == 0
    assert (await buy(banana(), ttapi)).media


@pytest.mark.parametrize("status", [429, 499])
async def test_a_busy_provider_is_asked_again(emulator: Emulator, ttapi: Account, status: int) -> None:
    emulator.add_faults({"kind": "submit_refuse", "status": status, "times": 1})
    assert (await buy(banana(), ttapi)).media
    assert asked(emulator)[SUBMIT] == 2 and emulator.billed() == 1


# -- by hand ---------------------------------------------------------------------------------------


async def test_what_cannot_be_asked_for_cannot_be_imported_named_or_resumed(emulator: Emulator, ttapi: Account) -> None:
    with pytest.raises(ConfigurationError, match="has no page to ask later"):
        import_job(GEMINI_IMAGE, JOB, ttapi)
    assert the_ledger().rows() == []

    emulator.add_faults({"kind": "submit_lose_reply", "times": 1})
    await refusal(banana(), ttapi)
    with pytest.raises(ConfigurationError, match="has no page to ask later"):
        await name_job(GEMINI_IMAGE, the_row(), JOB, ttapi)
    with pytest.raises(SubmitOutcomeUnknown, match="nobody can be asked"):
        await resume(GEMINI_IMAGE, the_row(), ttapi, run=script_run(), terms=Terms())
    assert the_row().state == "UNKNOWN" and asked(emulator) == {SUBMIT: 1}


async def test_a_finished_one_is_resumed_from_what_the_ledger_holds(emulator: Emulator, ttapi: Account) -> None:
    emulator.add_faults({"kind": "download_404"})
    error = await refusal(banana(), ttapi, deadline_seconds=0.2)
    assert isinstance(error, MediaError) and "bought once" in str(error)
    emulator.clear_faults()
    terms = Terms(deadline_seconds=PATIENCE)
    assert (await resume(GEMINI_IMAGE, the_row(), ttapi, run=script_run(), terms=terms)).media
    assert asked(emulator) == {SUBMIT: 1} and emulator.billed() == 1
