"""The life of one paid job: bought once, its files here and verified, its history in order."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from pathlib import Path

import pytest
from PIL import Image

from prefect_genmedia.emulator import Emulator
from prefect_genmedia.errors import ConfigurationError, JobFailedError
from prefect_genmedia.jobs import JobResult, Progress, Run, Terms, resume, script_run
from prefect_genmedia.ledger import Ledger
from prefect_genmedia.media import MediaFile, local_copy, open_media
from prefect_genmedia.operation import Account
from prefect_genmedia.providers.novita.images import IMG2IMG
from prefect_genmedia.providers.novita.results import NovitaResult
from prefect_genmedia.providers.ttapi.midjourney import ActionRequest, MidjourneyResult
from tests.patience import PATIENCE, a_until
from tests.shop import SUBMIT_IMG2IMG, buy, history, imagine, img2img, refusal, the_ledger, the_row

LIFE = ["INTENT", "SUBMITTED", "SUCCEEDED", "STORED"]


def verified(file: MediaFile) -> Image.Image:
    """The picture of a media file that is what it says it is."""
    content = file.path.read_bytes()
    assert hashlib.sha256(content).hexdigest() == file.sha256
    assert len(content) == file.bytes
    with Image.open(file.path) as picture:
        picture.load()
        assert picture.size == (file.width, file.height)
        assert Image.MIME[picture.format or ""] == file.media_type
        return picture


async def test_imagine_gives_a_grid_and_its_four_pictures(emulator: Emulator, ttapi: Account) -> None:
    result = await buy(imagine("a lighthouse in fog --ar 3:2"), ttapi)

    assert [file.role for file in result.media] == ["grid", "top left", "top right", "bottom left", "bottom right"]
    grid = verified(result.media[0])
    assert grid.width * 2 == grid.height * 3
    for file in result.media[1:]:
        assert verified(file).size == (grid.width // 2, grid.height // 2)
    assert isinstance(result.result, MidjourneyResult)
    assert result.result.components[:4] == ("upsample1", "upsample2", "upsample3", "upsample4")
    assert result.quota == 2
    assert result.job.operation == "midjourney.imagine"
    assert result.job.job_id == emulator.jobs()["jobs"][0]["id"]
    assert history(result.job.id) == LIFE
    assert emulator.billed() == 1


async def test_an_action_works_on_a_finished_job(emulator: Emulator, ttapi: Account) -> None:
    grid = await buy(imagine(), ttapi)
    one = await buy(ActionRequest(job_id=grid.job.job_id or "", action="upsample2"), ttapi)

    assert [file.role for file in one.media] == ["image"]
    verified(one.media[0])
    assert isinstance(one.result, MidjourneyResult)
    assert one.result.action == "upsample2"
    assert history(one.job.id) == LIFE
    assert emulator.billed("midjourney.action") == 1
    assert emulator.billed() == 2


async def test_img2img_gives_each_picture_of_the_wanted_type(emulator: Emulator, novita: Account) -> None:
    result = await buy(img2img(image_num=2, seed=7, extra={"response_image_type": "webp"}), novita)

    assert [verified(file).size for file in result.media] == [(128, 128)] * 2
    assert {file.media_type for file in result.media} == {"image/webp"}
    assert len({file.sha256 for file in result.media}) == 2
    assert isinstance(result.result, NovitaResult)
    assert result.result.seed == "7"
    assert history(result.job.id) == LIFE
    assert emulator.billed() == 1


async def test_progress_is_told_from_queue_to_files(emulator: Emulator, novita: Account) -> None:
    emulator.configure(hold=True)
    told: list[Progress] = []

    def show(progress: Progress) -> None:
        told.append(progress)
        if progress.state == "running":
            emulator.release()

    result = await buy(img2img(), novita, run_as=Run(script_run().name, on_progress=show))

    assert list(dict.fromkeys(progress.state for progress in told)) == ["queued", "running", "downloading", "done"]
    running = [progress.percent or 0 for progress in told if progress.state == "running"]
    assert running == sorted(running)
    assert told[-1].percent == 100
    assert told[-1].job == result.job


async def test_the_same_request_twice_in_one_run_is_one_job(emulator: Emulator, novita: Account) -> None:
    first = await buy(img2img(), novita)
    again = await buy(img2img(), novita)
    assert again == first
    assert emulator.billed() == 1


async def test_equal_pictures_are_one_request_however_they_are_given(
    emulator: Emulator, novita: Account, photos: Path
) -> None:
    """A path, its bytes and a media file of the same content name the same job."""
    path = photos / "chelsea.png"
    content = path.read_bytes()
    file = MediaFile(
        uri=path.as_uri(), sha256=hashlib.sha256(content).hexdigest(), media_type="image/png", bytes=len(content)
    )
    jobs = [(await buy(img2img(image=image), novita)).job for image in (path, str(path), content, file)]
    assert len(set(jobs)) == 1
    assert emulator.billed() == 1


async def test_whatever_changes_the_result_is_another_job(emulator: Emulator, novita: Account, photos: Path) -> None:
    variants = [{}, {"prompt": "pencil"}, {"seed": 1}, {"width": 192}, {"image": photos / "rocket.jpg"}]
    results = [await buy(img2img(**fields), novita) for fields in variants]
    assert len({result.job.id for result in results}) == emulator.billed() == len(variants)


async def test_another_key_is_another_account(emulator: Emulator, novita: Account) -> None:
    first = await buy(img2img(), novita)
    second = await buy(img2img(), Account(novita.provider, emulator.url, "another-key"))
    assert first.job.account != second.job.account
    assert emulator.billed() == 2


async def test_copy_asks_for_another(emulator: Emulator, novita: Account) -> None:
    first = await buy(img2img(), novita)
    second = await buy(img2img(), novita, copy=1)
    assert first.job.id != second.job.id
    assert first.media[0].sha256 != second.media[0].sha256
    assert await buy(img2img(), novita, copy=1) == second
    assert emulator.billed() == 2


async def test_another_request_key_is_another_job(emulator: Emulator, novita: Account) -> None:
    first = await buy(img2img(), novita, request_key="sku-1")
    assert await buy(img2img(), novita, request_key="sku-1") == first
    assert (await buy(img2img(), novita, request_key="sku-2")).job.id != first.job.id
    assert emulator.billed() == 2


async def test_many_calls_at_once_share_one_job(emulator: Emulator, novita: Account) -> None:
    """Two workers with one key: one buys, the others wait for that job."""
    results = await asyncio.gather(*(buy(img2img(), novita) for _ in range(6)))
    assert len({result.job.id for result in results}) == 1
    assert len({result.media[0].sha256 for result in results}) == 1
    assert emulator.requests()["requests"][SUBMIT_IMG2IMG] == 1
    assert emulator.billed() == 1


def test_threads_with_event_loops_of_their_own_share_one_job(emulator: Emulator, novita: Account) -> None:
    """Prefect gives each submitted task a thread and a loop."""
    results: list[JobResult[NovitaResult]] = []

    def work() -> None:
        results.append(asyncio.run(buy(img2img(), novita)))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert len(results) == 4
    assert len({result.job.id for result in results}) == 1
    assert emulator.billed() == 1


async def test_one_who_stops_waiting_does_not_stop_the_others(emulator: Emulator, novita: Account) -> None:
    """The call that bought is cancelled; the other takes the job over at once and pays nothing."""
    emulator.configure(hold=True)
    buyer = asyncio.create_task(buy(img2img(), novita))
    await a_until(lambda: the_ledger().rows(["SUBMITTED"]), "the job accepted")
    other = asyncio.create_task(buy(img2img(), novita))
    buyer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await buyer
    emulator.release()
    result = await other
    verified(result.media[0])
    assert emulator.billed() == 1


# -- the provider says that it failed --------------------------------------------------------------


@pytest.mark.parametrize("refund", [True, False])
async def test_a_failed_job_is_final_and_says_why(emulator: Emulator, ttapi: Account, refund: bool) -> None:
    """It is never bought again by itself, however often the same run asks."""
    emulator.add_faults({"kind": "job_fails", "message": "[Internal error] GPU on fire", "refund": refund, "times": 1})
    first = await refusal(imagine(), ttapi)
    again = await refusal(imagine(), ttapi)

    for error in (first, again):
        assert isinstance(error, JobFailedError)
        assert "GPU on fire" in str(error)
        assert error.job is not None
        assert error.job.job_id == emulator.jobs()["jobs"][0]["id"]
        assert "attempts=2" in str(error)
    assert history(the_row().id) == ["INTENT", "SUBMITTED", "FAILED"]
    assert emulator.billed() == 1


async def test_a_refund_is_claimed_only_where_the_vendor_promises_it(emulator: Emulator, ttapi: Account) -> None:
    """TTAPI returns the quota of failed jobs, but not surely that of banned prompts."""
    failed = {"kind": "job_fails", "message": "[Internal error] Something went wrong...", "times": 1}
    emulator.add_faults(failed)
    error = await refusal(imagine(), ttapi)
    assert isinstance(error, JobFailedError)
    assert error.refunded is True
    banned = await refusal(imagine("denied-by-emulator"), ttapi)
    assert isinstance(banned, JobFailedError)
    assert "moderator" in str(banned)
    assert banned.refunded is None


async def test_novitas_failures_name_the_reason(emulator: Emulator, novita: Account) -> None:
    error = await refusal(img2img(prompt="denied-by-emulator"), novita)
    assert isinstance(error, JobFailedError)
    assert "failed to exec task" in str(error)
    assert error.refunded is None  # the vendor does not say
    assert emulator.billed() == 1


async def test_a_failure_after_99_percent_is_a_failure(emulator: Emulator, ttapi: Account) -> None:
    emulator.add_faults({"kind": "job_fails_late", "times": 1})
    assert isinstance(await refusal(imagine(), ttapi), JobFailedError)
    assert emulator.billed() == 1


async def test_attempts_allow_another_purchase(emulator: Emulator, novita: Account) -> None:
    """attempts=2 in one call buys again after a failure; the failed attempt stays in the ledger."""
    emulator.add_faults({"kind": "job_fails", "times": 1})
    result = await buy(img2img(), novita, attempts=2)
    verified(result.media[0])
    assert emulator.billed() == 2
    assert sorted(row.state for row in the_ledger().rows()) == ["FAILED", "STORED"]
    # The key now means the attempt that worked.
    assert await buy(img2img(), novita) == result
    assert emulator.billed() == 2


async def test_attempts_count_earlier_calls(emulator: Emulator, novita: Account) -> None:
    """They are purchases in all, not retries a call."""
    emulator.add_faults({"kind": "job_fails"})
    assert isinstance(await refusal(img2img(), novita), JobFailedError)
    assert isinstance(await refusal(img2img(), novita, attempts=2), JobFailedError)
    assert isinstance(await refusal(img2img(), novita, attempts=2), JobFailedError)
    assert emulator.billed() == 2


# -- later ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", ["imagine", "img2img"])
async def test_files_that_were_deleted_are_brought_back_for_nothing(
    emulator: Emulator, ttapi: Account, novita: Account, operation: str
) -> None:
    ask = (imagine(), ttapi) if operation == "imagine" else (img2img(), novita)
    first = await buy(*ask)
    first.media[0].path.unlink()
    again = await buy(*ask)
    assert again.media == first.media
    verified(again.media[0])
    assert emulator.billed() == 1


async def test_a_file_cut_short_in_the_store_is_brought_back(emulator: Emulator, novita: Account) -> None:
    first = await buy(img2img(), novita)
    whole = first.media[0].path.read_bytes()
    first.media[0].path.write_bytes(whole[:100])
    again = await buy(img2img(), novita)
    assert again.media[0].path.read_bytes() == whole
    assert emulator.billed() == 1


async def test_a_job_can_be_resumed_by_its_row(emulator: Emulator, novita: Account, ledger: Ledger) -> None:
    """What `genmedia jobs resume` does: never a submit, only the files."""
    emulator.configure(hold=True)
    error = await refusal(img2img(), novita, deadline_seconds=0.3)
    emulator.release()
    assert error.job is not None
    (row,) = ledger.find(error.job.id[:12])
    result = await resume(IMG2IMG, row, novita, run=script_run(), terms=Terms(deadline_seconds=PATIENCE))
    verified(result.media[0])
    assert emulator.requests()["requests"][SUBMIT_IMG2IMG] == 1
    assert emulator.billed() == 1


async def test_files_can_be_kept_in_any_fsspec_filesystem(
    emulator: Emulator, novita: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENMEDIA_MEDIA_STORE", "memory://bucket/pictures")
    result = await buy(img2img(), novita)
    (file,) = result.media
    assert file.uri.startswith("memory://")
    assert hashlib.sha256(open_media(file)).hexdigest() == file.sha256
    with local_copy(file) as path, Image.open(path) as picture:
        assert picture.size == (128, 128)
    assert await buy(img2img(), novita) == result
    assert emulator.billed() == 1


@pytest.mark.parametrize("folder", ["with a space", "Ünïcode", "100%25#?&"])
async def test_a_media_store_may_have_any_name(
    emulator: Emulator, novita: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    monkeypatch.setenv("GENMEDIA_MEDIA_STORE", str(tmp_path / folder))
    first = await buy(img2img(), novita)
    assert first.media[0].path.is_relative_to(tmp_path / folder)
    verified(first.media[0])
    assert await buy(img2img(), novita) == first
    fetched = sum(job["downloads"] for job in emulator.jobs()["jobs"])
    assert fetched == 1


def test_a_budget_that_is_none_is_told_before_anything_is_sent() -> None:
    """Such as a Budget block, which gives one."""
    with pytest.raises(ConfigurationError, match="budget must be a") as told:
        Terms(budget={"per_day": 5})  # type: ignore[arg-type]
    assert "block.limits()" in str(told.value)
