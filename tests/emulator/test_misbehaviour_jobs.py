"""Lists and purses that lag, a job unknown for a while, somebody else's job, fewer files than bought."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from prefect_genmedia.emulator import Emulator

HOUR = {"kind": "clock_skew", "seconds": 3600}  # an hour of provider time, at once


def test_a_list_that_lags(emulator: Emulator, midjourney: Any) -> None:
    emulator.add_faults({"kind": "list_lags", "seconds": 3000, "times": 1})
    late, listed = midjourney.done(prompt="late")["jobId"], midjourney.done(prompt="at once")["jobId"]
    assert [row["job_id"] for row in midjourney.listed()] == [listed]
    assert midjourney.read(late).json()["status"] == "SUCCESS"
    emulator.add_faults(HOUR)
    assert [row["job_id"] for row in midjourney.listed()] == [listed, late]


def test_frozen_quota_that_lags(emulator: Emulator, midjourney: Any) -> None:
    emulator.configure(hold=True)
    emulator.add_faults({"kind": "frozen_lags", "seconds": 3000, "times": 1})
    job = midjourney.imagine()
    midjourney.imagine(prompt="another, of which the purse knows at once")
    assert (midjourney.info()["balance"], midjourney.info()["freeze_balance"]) == (9996, 2)
    emulator.add_faults(HOUR)
    assert midjourney.info()["freeze_balance"] == 4
    emulator.release(job)
    midjourney.finished(job)
    assert midjourney.info()["freeze_balance"] == 4  # it is late in going, too
    emulator.add_faults(HOUR)
    assert midjourney.info()["freeze_balance"] == 2


def test_fetch_404_for_a_while(emulator: Emulator, midjourney: Any, novita: Any) -> None:
    job, task = midjourney.imagine(), novita.submit()
    midjourney.read(job)
    emulator.add_faults({"kind": "fetch_404", "seconds": 3000})
    for _ in range(3):
        reply = midjourney.read(job)
        assert (reply.status_code, reply.json()["message"]) == (404, "Job not found")
        assert novita.read(task).json()["reason"] == "TASK_NOT_FOUND"
    emulator.add_faults(HOUR)
    assert midjourney.finished(job)["status"] == "SUCCESS"
    assert novita.finished(task)["images"]


def test_fetch_gateway_404(emulator: Emulator, midjourney: Any) -> None:
    job = midjourney.imagine()
    for body in ("html", "json", "empty"):
        emulator.add_faults({"kind": "fetch_gateway_404", "body": body, "times": 1})
    page, foreign, empty = (midjourney.read(job) for _ in range(3))
    assert {page.status_code, foreign.status_code, empty.status_code} == {404}
    assert "<title>404" in page.text
    assert foreign.json() == {"error": "not found"}
    assert empty.content == b""
    assert midjourney.finished(job)["status"] == "SUCCESS"


def test_somebody_elses_job(emulator: Emulator, midjourney: Any, novita: Any) -> None:
    job, task = midjourney.done(), novita.done()
    emulator.add_faults({"kind": "fetch_other_job"})
    said, other = midjourney.read(job["jobId"]).json(), novita.read(task["task"]["task_id"]).json()
    assert job["jobId"] not in (said["jobId"], said["data"]["jobId"])
    assert (said["status"], said["data"]["prompt"]) == ("SUCCESS", "somebody else's")
    assert other["task"]["task_id"] != task["task"]["task_id"]
    links = [
        (job["cdnImage"], said["data"]["cdnImage"]),
        (task["images"][0]["image_url"], other["images"][0]["image_url"]),
    ]
    for ours, theirs in links:
        assert midjourney.bare.get(theirs).content != midjourney.bare.get(ours).content
    assert midjourney.read(job["jobId"]).json() == said  # always the same stranger
    assert emulator.billed() == 2
    emulator.clear_faults()
    assert midjourney.read(job["jobId"]).json()["jobId"] == job["jobId"]


def test_fewer_files_than_bought(emulator: Emulator, midjourney: Any, novita: Any) -> None:
    emulator.add_faults({"kind": "files_missing", "missing": 2})
    assert len(novita.done(image_num=3)["images"]) == 1
    assert novita.done(image_num=2)["images"] == []
    job = midjourney.done()
    assert len(job["images"]) == 2
    assert len(midjourney.read(job["jobId"]).json()["data"]["images"]) == 2


@pytest.mark.parametrize("gap", [None, ""])
def test_a_gap_among_the_files(emulator: Emulator, midjourney: Any, novita: Any, gap: Any) -> None:
    emulator.add_faults({"kind": "files_gap", "places": [1, 3], "gap": gap})
    corners = midjourney.done()["images"]
    assert (corners[1], corners[3]) == (gap, gap)
    assert [corners[place][-6:] for place in (0, 2)] == ["tl.png", "bl.png"]
    pictures = novita.done(image_num=2)["images"]
    assert pictures[0]["image_url"].startswith("http")
    assert pictures[1] == {**pictures[0], "image_url": gap}


def test_an_id_that_is_a_number(emulator: Emulator, midjourney: Any, novita: Any) -> None:
    emulator.add_faults({"kind": "job_id_number", "digits": 18})
    job, task = midjourney.post().json()["data"]["jobId"], novita.post().json()["task_id"]
    assert (type(job), type(task), len(str(job))) == (int, int, 18)
    said = midjourney.finished(job)
    assert said["jobId"] == said["data"]["jobId"] == midjourney.listed()[0]["job_id"] == job
    assert novita.finished(task)["task"]["task_id"] == task


def test_the_page_lists_every_fault(emulator: Emulator) -> None:
    page = httpx.get(f"{emulator.url}/docs", trust_env=False).text
    for name in ("files_gap", "answer_bomb", "download_drip", "per_job", "169.254.169.254"):
        assert name in page
