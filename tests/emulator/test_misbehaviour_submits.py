"""Refusals that name a job, a connection that nobody reads, long waits asked for; and what a submit is counted as."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest

from prefect_genmedia.emulator import Emulator


@pytest.mark.parametrize("status", [200, 429])
def test_a_refusal_that_names_a_job_that_was_accepted(
    emulator: Emulator, midjourney: Any, novita: Any, status: int
) -> None:
    emulator.add_faults({"kind": "submit_refusal_names_job", "status": status})
    refusal, other = midjourney.post(), novita.post()
    assert (refusal.status_code, refusal.json()["status"]) == (status, "FAILED")
    assert midjourney.finished(refusal.json()["data"]["jobId"])["status"] == "SUCCESS"
    assert (other.status_code, other.json()["code"]) == (status, status)
    assert novita.finished(other.json()["task_id"])["images"]
    assert emulator.billed() == 2


def test_a_refusal_that_names_no_job_of_ours(emulator: Emulator, midjourney: Any) -> None:
    emulator.add_faults({"kind": "submit_refusal_names_job", "status": 400, "accepted": False})
    reply = midjourney.post()
    assert reply.status_code == 400
    assert midjourney.read(reply.json()["data"]["jobId"]).status_code == 404
    assert emulator.billed() == 0


def test_a_refusal_asks_for_a_quarter_of_an_hour(emulator: Emulator, midjourney: Any) -> None:
    emulator.add_faults({"kind": "submit_refuse", "retry_after": 900})
    assert midjourney.post().headers["retry-after"] == "900"


def test_a_connection_is_read_late(emulator: Emulator, midjourney: Any) -> None:
    emulator.add_faults({"kind": "submit_slow_connection", "seconds": 0.3, "times": 1})
    begun = time.monotonic()
    assert midjourney.post().status_code == 200
    assert time.monotonic() - begun >= 0.3
    assert midjourney.post().status_code == 200  # the connection stands: the next submit is read at once
    assert emulator.faults()["faults"][0]["fired"] == 1


@pytest.mark.parametrize("heard", [False, True])
def test_who_hangs_up_before_is_heard_or_not(emulator: Emulator, midjourney: Any, heard: bool) -> None:
    emulator.add_faults({"kind": "submit_slow_connection", "seconds": 60, "heard": heard, "times": 1})
    with pytest.raises(httpx.ReadTimeout):
        midjourney.http.post("/midjourney/v1/imagine", json={"prompt": "a fox"}, timeout=0.2)
    midjourney.done(prompt="the next")  # on a new connection, after the end of the first has been seen
    assert emulator.billed() == 1 + heard


def test_submits_received_and_billed(emulator: Emulator, midjourney: Any, novita: Any) -> None:
    emulator.add_faults(
        {"kind": "submit_refuse", "operation": "midjourney.imagine", "times": 1},
        {"kind": "submit_accept_twice", "operation": "novita.img2img"},
    )
    statuses = [midjourney.post().status_code, midjourney.post().status_code, novita.post().status_code]
    assert statuses == [429, 200, 200]
    assert midjourney.post(prompt="").status_code == 400
    assert (emulator.submits(), emulator.submits("midjourney.imagine"), emulator.submits("suno.music")) == (4, 3, 0)
    assert httpx.get(f"{emulator.url}/__emulator__/submits", trust_env=False).json() == {
        "received": {"midjourney.imagine": 3, "novita.img2img": 1},
        "billed": {"midjourney.imagine": 1, "novita.img2img": 2},
    }
    emulator.reset()
    assert emulator.submits() == 0
