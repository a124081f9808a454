"""Every fault, as a client meets it."""

from __future__ import annotations

import email.utils
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from prefect_genmedia.emulator import Emulator
from prefect_genmedia.emulator.faults import KINDS
from tests.emulator.clients import HASTY, QUICK, Midjourney, Novita, once
from tests.patience import PATIENCE, until


def test_every_kind_is_tested_in_this_folder() -> None:
    text = "".join(file.read_text() for file in Path(__file__).parent.parent.rglob("test_*.py"))
    assert [kind for kind in KINDS if f'"{kind}"' not in text] == []


# Submit


@pytest.mark.parametrize(("how", "error"), [("close", httpx.RemoteProtocolError), ("reset", httpx.ReadError)])
def test_submit_lose_reply(
    emulator: Emulator, midjourney: Midjourney, novita: Novita, how: str, error: type[Exception]
) -> None:
    emulator.add_faults({"kind": "submit_lose_reply", "how": how})
    with pytest.raises(error):
        midjourney.post()
    with pytest.raises(error):
        novita.post()
    assert emulator.jobs()["counts"] == {"midjourney.imagine": 1, "novita.img2img": 1}
    assert emulator.requests()["statuses"] == {"cut": 2}
    until(lambda: midjourney.listed())  # it runs and ends all the same
    assert midjourney.info()["balance"] == 9998


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_submit_5xx_after(emulator: Emulator, midjourney: Midjourney, novita: Novita, status: int) -> None:
    once(emulator, "submit_5xx_after", status=status)
    reply = midjourney.post()
    assert (reply.status_code, reply.json()["status"]) == (status, "FAILED")
    once(emulator, "submit_5xx_after", status=status)
    assert novita.post().json()["reason"] == "CREATE_TASK_FAILED"
    once(emulator, "submit_5xx_after", status=status, body="html")
    assert "<html>" in midjourney.post().text
    once(emulator, "submit_5xx_after", status=status, body="empty")
    assert midjourney.post().content == b""
    assert emulator.billed() == 4


def test_submit_refuse(emulator: Emulator, midjourney: Midjourney, novita: Novita) -> None:
    once(emulator, "submit_refuse")
    reply = midjourney.post()
    assert (reply.status_code, reply.json()["status"], "retry-after" in reply.headers) == (429, "FAILED", False)
    once(emulator, "submit_refuse", retry_after=1.5)
    reply = novita.post()
    assert (reply.json()["reason"], reply.headers["retry-after"]) == ("RATE_LIMIT_EXCEEDED", "1.5")
    once(emulator, "submit_refuse", status=499, retry_after="date", seconds=60)
    reply = midjourney.post()
    assert (reply.status_code, reply.json()["message"]) == (499, "Insufficient queues")
    until, now = (email.utils.parsedate_to_datetime(reply.headers[name]) for name in ("retry-after", "date"))
    assert 58 <= (until - now).total_seconds() <= 60
    once(emulator, "submit_refuse", retry_after="absurd")
    assert float(midjourney.post().headers["retry-after"]) > 1e9
    assert emulator.billed() == 0


def test_submit_html(emulator: Emulator, midjourney: Midjourney) -> None:
    once(emulator, "submit_html")
    reply = midjourney.post()
    assert (reply.status_code, reply.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert emulator.billed() == 0


def test_submit_accept_twice(emulator: Emulator, midjourney: Midjourney, novita: Novita) -> None:
    emulator.add_faults({"kind": "submit_accept_twice"})
    named = {midjourney.imagine(), novita.submit()}
    jobs = emulator.jobs()
    assert jobs["counts"] == {"midjourney.imagine": 2, "novita.img2img": 2}
    assert len({row["id"] for row in jobs["jobs"]} - named) == 2
    assert midjourney.info()["balance"] == 9996


def test_submit_slow_reply(emulator: Emulator, midjourney: Midjourney) -> None:
    once(emulator, "submit_slow_reply", seconds=2 * PATIENCE)
    with pytest.raises(httpx.ReadTimeout):
        midjourney.http.post("/midjourney/v1/imagine", json={"prompt": "a fox"}, timeout=HASTY)
    assert until(emulator.billed) == 1
    once(emulator, "submit_slow_reply", seconds=0.2)
    begun = time.monotonic()
    midjourney.imagine()
    assert time.monotonic() - begun >= 0.2


def test_submit_answers_that_cannot_be_used(emulator: Emulator, midjourney: Midjourney, novita: Novita) -> None:
    once(emulator, "submit_garbage")
    reply = midjourney.post()
    assert (reply.status_code, reply.headers["content-type"]) == (200, "application/json")
    with pytest.raises(ValueError):
        reply.json()
    once(emulator, "submit_missing_id")
    assert midjourney.post().json() == {"status": "SUCCESS", "message": "success", "data": {}}
    once(emulator, "submit_missing_id")
    assert novita.post().json() == {}
    once(emulator, "submit_data_null")
    assert midjourney.post().json()["data"] is None
    once(emulator, "submit_data_null")
    assert novita.post().json() == {"task_id": None}
    assert emulator.billed() == 5


# Fetch


def test_fetch_faults_of_the_way(emulator: Emulator, midjourney: Midjourney, novita: Novita) -> None:
    job, task = midjourney.done()["jobId"], novita.done()["task"]["task_id"]
    once(emulator, "fetch_drop")
    with pytest.raises(httpx.RemoteProtocolError):
        midjourney.read(job)
    once(emulator, "fetch_5xx", status=504)
    assert midjourney.read(job).status_code == 504
    once(emulator, "fetch_5xx")
    assert novita.read(task).json()["reason"] == "GET_RESULT_FAILED"
    once(emulator, "fetch_429", retry_after=3)
    reply = novita.read(task)
    assert (reply.status_code, reply.headers["retry-after"]) == (429, "3")
    once(emulator, "fetch_html")
    assert "text/html" in midjourney.read(job).headers["content-type"]
    once(emulator, "fetch_garbage")
    with pytest.raises(ValueError):
        midjourney.read(job).json()
    once(emulator, "fetch_slow", seconds=2 * PATIENCE)
    with pytest.raises(httpx.ReadTimeout):
        midjourney.http.get("/midjourney/v1/fetch", params={"jobId": job}, timeout=HASTY)
    assert midjourney.read(job).json()["status"] == "SUCCESS"


def test_fetch_faults_of_the_answer(emulator: Emulator, midjourney: Midjourney, novita: Novita) -> None:
    job, task = midjourney.done()["jobId"], novita.done()["task"]["task_id"]
    once(emulator, "fetch_missing_fields")
    body = midjourney.read(job).json()
    assert "jobId" not in body
    assert "components" not in body["data"]
    assert body["data"]["images"]
    once(emulator, "fetch_missing_fields")
    assert "videos" not in novita.read(task).json()
    once(emulator, "fetch_missing_fields", fields=["data.cdnImage", "data.images", "data.no.such"])
    assert not {"cdnImage", "images"} & set(midjourney.read(job).json()["data"])
    once(emulator, "fetch_data_null")
    assert midjourney.read(job).json()["data"] is None
    once(emulator, "fetch_data_null")
    body = novita.read(task).json()
    assert body["images"] is body["extra"] is None
    assert body["task"]["status"] == "TASK_STATUS_SUCCEED"
    once(emulator, "fetch_unknown_status")
    assert midjourney.read(job).json()["status"] == "ON_HOLD"
    once(emulator, "fetch_unknown_status", word="TASK_STATUS_CANCELED")
    assert novita.read(task).json()["task"]["status"] == "TASK_STATUS_CANCELED"


# The job


@pytest.mark.parametrize("kind", ["job_fails", "job_fails_late"])
def test_job_fails(emulator: Emulator, midjourney: Midjourney, novita: Novita, kind: str) -> None:
    once(emulator, kind, message="Job Timeout")
    failed = midjourney.finished(midjourney.imagine())
    assert (failed["status"], failed["message"]) == ("FAILED", "Job Timeout")
    once(emulator, kind)
    failed = novita.finished(novita.submit())
    assert (failed["task"]["status"], failed["task"]["reason"]) == ("TASK_STATUS_FAILED", "failed to exec task")
    once(emulator, kind, refund=False)
    midjourney.finished(midjourney.imagine())
    jobs = emulator.jobs()
    assert (jobs["billed"], jobs["refunded"]) == (3, 2)
    assert (midjourney.info()["balance"], midjourney.info()["freeze_balance"]) == (9998, 0)


def test_job_stuck(emulator: Emulator, midjourney: Midjourney) -> None:
    once(emulator, "job_stuck")
    job = midjourney.imagine()
    midjourney.done()  # a later one overtakes it
    body = until(lambda: (body := midjourney.read(job).json())["data"]["progress"] == "99" and body)
    assert body["status"] == "ON_QUEUE"
    assert midjourney.info()["freeze_balance"] == 2


def test_job_forgotten(emulator: Emulator, midjourney: Midjourney, novita: Novita) -> None:
    once(emulator, "job_forgotten", after_fetches=1)
    job = midjourney.imagine()
    assert midjourney.read(job).status_code == 200
    for _ in range(2):
        assert (midjourney.read(job).status_code, midjourney.read(job).json()["status"]) == (404, "FAILED")
    until(lambda: emulator.jobs()["jobs"][0]["state"] == "succeeded")
    assert midjourney.listed() == []
    once(emulator, "job_forgotten", status=400)
    assert midjourney.read(midjourney.imagine()).status_code == 400
    once(emulator, "job_forgotten")
    assert novita.read(novita.submit()).json()["reason"] == "TASK_NOT_FOUND"
    assert emulator.billed() == 3


# The whole server


def test_clock_skew(emulator: Emulator, novita: Novita) -> None:
    link = novita.done()["images"][0]["image_url"]
    assert novita.bare.get(link).status_code == 200
    emulator.add_faults({"kind": "clock_skew", "seconds": 7200})
    before = time.time()
    reply = novita.bare.get(link)
    assert (reply.status_code, "Request has expired" in reply.text) == (403, True)
    told = email.utils.parsedate_to_datetime(reply.headers["date"]).timestamp()
    assert before + 7199 <= told <= time.time() + 7200
    done = novita.done()
    assert novita.bare.get(done["images"][0]["image_url"]).status_code == 200
    assert int(done["extra"]["debug_info"]["complete_time_ms"]) > (before + 7199) * 1000


def test_queue_halved(emulator: Emulator, midjourney: Midjourney) -> None:
    emulator.configure(max_jobs=4, hold=True)
    emulator.add_faults({"kind": "queue_halved", "skip": 2})
    assert [midjourney.post().status_code for _ in range(3)] == [200, 200, 499]
    assert midjourney.info()["max_queue"] == 2
    emulator.clear_faults()
    assert midjourney.post().status_code == 200


# When a fault strikes


def test_times_skip_and_operation(emulator: Emulator, midjourney: Midjourney, novita: Novita) -> None:
    emulator.add_faults({"kind": "submit_refuse", "operation": "midjourney.imagine", "times": 2, "skip": 1})
    assert [midjourney.post().status_code for _ in range(5)] == [200, 429, 429, 200, 200]
    assert novita.post().status_code == 200
    [armed] = emulator.faults()["faults"]
    assert (armed["kind"], armed["fired"], armed["status"]) == ("submit_refuse", 2, 429)


def test_per_job(emulator: Emulator, midjourney: Midjourney) -> None:
    jobs = [midjourney.imagine(), midjourney.imagine()]
    emulator.add_faults({"kind": "fetch_5xx", "times": 1, "per_job": True})
    assert [midjourney.read(job).status_code for job in jobs * 2] == [503, 503, 200, 200]
    # A submit has no job yet: there it counts for each distinct request.
    emulator.add_faults({"kind": "submit_refuse", "times": 1, "per_job": True})
    prompts = ["a fox", "an owl", "a fox", "an owl"]
    assert [midjourney.post(prompt=prompt).status_code for prompt in prompts] == [429, 429, 200, 200]


def test_probability_repeats_itself_whatever_the_order(emulator: Emulator, midjourney: Midjourney) -> None:
    emulator.configure(max_jobs=100)

    def struck(prompts: list[int], seed: int) -> list[int]:
        emulator.clear_faults()
        emulator.add_faults({"kind": "submit_refuse", "probability": 0.5}, seed=seed)
        return sorted(n for n in prompts if midjourney.post(prompt=f"fox {n}").status_code == 429)

    first = struck(list(range(40)), seed=1)
    assert first == struck(list(range(39, -1, -1)), seed=1)
    assert first != struck(list(range(40)), seed=2)
    assert 8 < len(first) < 32


@pytest.mark.parametrize(
    "fault",
    [
        {},
        {"kind": "no_such"},
        {"kind": "fetch_drop", "seconds": 1},
        {"kind": "fetch_drop", "how": "gently"},
        {"kind": "fetch_drop", "times": "once"},
        {"kind": "fetch_slow", "seconds": "1"},
        {"kind": "fetch_slow", "probability": None},
        {"kind": "fetch_slow", "per_job": 1},
        {"kind": "job_fails", "operation": 3},
    ],
)
def test_a_fault_that_cannot_be_read(emulator: Emulator, fault: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        emulator.add_faults({"kind": "job_stuck"}, fault)
    assert emulator.faults() == {"faults": []}
    reply = httpx.post(f"{emulator.url}/__emulator__/faults", json={"faults": [fault]}, **QUICK)
    assert (reply.status_code, "error" in reply.json()) == (400, True)


@pytest.mark.parametrize("body", [{"kind": "job_fails"}, {"faults": {"kind": "job_fails"}}, {}])
def test_a_body_that_names_no_faults_is_refused_and_says_how_it_is_written(
    emulator: Emulator, body: dict[str, Any]
) -> None:
    reply = httpx.post(f"{emulator.url}/__emulator__/faults", json=body, **QUICK)
    assert (reply.status_code, '{"faults": [{"kind": ' in reply.json()["error"]) == (400, True)
