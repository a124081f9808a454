"""Callbacks, good and bad, and never to another machine."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from prefect_genmedia.emulator import Emulator
from prefect_genmedia.emulator.server.callbacks import is_loopback
from tests.emulator.clients import Midjourney, Novita, Receiver
from tests.patience import until


def settled(emulator: Emulator, jobs: int = 1) -> dict[str, Any]:
    """The counts, once so many jobs have ended and no errand is under way."""

    def look() -> Any:
        ended = [row for row in emulator.jobs()["jobs"] if row["finished_at"]]
        counts = emulator.callbacks()
        return len(ended) >= jobs and counts.pop("under_way") == 0 and counts

    counts: dict[str, Any] = until(look)
    return {name: count for name, count in counts.items() if count}


def test_it_is_what_a_fetch_says(
    emulator: Emulator, midjourney: Midjourney, novita: Novita, receiver: Receiver
) -> None:
    job = midjourney.imagine(hookUrl=receiver.url)
    task = novita.submit({"webhook": {"url": receiver.url}})
    assert settled(emulator, 2) == {"sent": 2, "delivered": 2}
    bodies = receiver.bodies()
    [webhook] = [body for body in bodies if "event_type" in body]
    assert midjourney.read(job).json() in bodies
    assert webhook["event_type"] == "ASYNC_TASK_RESULT"
    payload, again = webhook["payload"], novita.read(task).json()
    assert payload["extra"]["webhook"] == {"url": receiver.url}
    for body in (payload, again):  # each signed at its own second
        body["images"][0]["image_url"] = body["images"][0]["image_url"].partition("?")[0]
    assert payload == again


def test_a_failed_job_is_told_too(emulator: Emulator, midjourney: Midjourney, receiver: Receiver) -> None:
    midjourney.imagine(prompt="denied-by-emulator", hookUrl=receiver.url)
    settled(emulator)
    assert [body["status"] for body in receiver.bodies()] == ["FAILED"]


def test_attempts(emulator: Emulator, midjourney: Midjourney, novita: Novita, receiver: Receiver) -> None:
    receiver.statuses = [500, 204]  # for TTAPI only 200 is delivered
    midjourney.imagine(hookUrl=receiver.url)
    assert settled(emulator) == {"sent": 3, "delivered": 1, "attempts_failed": 2}
    receiver.statuses = [500] * 3
    midjourney.imagine(hookUrl=receiver.url)
    assert settled(emulator, 2) == {"sent": 6, "delivered": 1, "attempts_failed": 5, "given_up": 1}
    emulator.reset()
    emulator.configure(callback_retry_seconds=0.0)
    receiver.statuses = [500] * 4 + [204]
    novita.submit({"webhook": {"url": receiver.url}})
    assert settled(emulator) == {"sent": 5, "delivered": 1, "attempts_failed": 4}


def test_nobody_listens(emulator: Emulator, midjourney: Midjourney) -> None:
    midjourney.imagine(hookUrl="http://127.0.0.1:1/hooks")
    assert settled(emulator) == {"sent": 3, "attempts_failed": 3, "given_up": 1}


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://127.0.0.1:1/x", True),
        ("http://127.9.9.9/x", True),
        ("http://LOCALHOST/x", True),
        ("https://[::1]:3/x", True),
        ("http://example.com/x", False),
        ("http://10.0.0.1/x", False),
        ("http://0.0.0.0/x", False),
        ("http://127.0.0.1.example.com/x", False),
        ("http://localhost.example.com/x", False),
        ("http://user@example.com#@127.0.0.1/", False),
        ("http://2130706433/", False),
        ("file:///etc/hosts", False),
        ("<string>", False),
        ("http://[bad", False),
        ("http://127.0.0.1:99999/", False),
    ],
)
def test_only_loopback_is_called(url: str, loopback: bool) -> None:
    assert is_loopback(url) is loopback


def test_other_hosts_are_counted_only(emulator: Emulator, midjourney: Midjourney, novita: Novita) -> None:
    midjourney.imagine(hookUrl="<string>")
    novita.submit({"webhook": {"url": "https://example.com/hook"}})
    assert settled(emulator, 2) == {"undeliverable": 2}


@pytest.mark.parametrize("status", ["TASK_STATUS_SUCCEED", "TASK_STATUS_FAILED"])
def test_test_mode_sends_a_mock_and_bills_nothing(
    emulator: Emulator, novita: Novita, receiver: Receiver, status: str
) -> None:
    balance = novita.balance()
    mode = {"enabled": True, "return_task_status": status}
    task = novita.submit({"webhook": {"url": receiver.url, "test_mode": mode}})
    settled(emulator)
    [body] = receiver.bodies()
    assert (body["payload"]["task"]["status"], body["payload"]["task"]["task_id"]) == (status, task)
    assert len(body["payload"]["images"]) == (status == "TASK_STATUS_SUCCEED")
    assert (emulator.billed(), novita.balance()) == (0, balance)
    [row] = emulator.jobs()["jobs"]
    assert (row["billed"], row["refunded"], row["quota"]) == (False, False, 0)


def struck(emulator: Emulator, midjourney: Midjourney, receiver: Receiver, kind: str, **parameters: Any) -> str:
    emulator.add_faults({"kind": kind, **parameters})
    job = midjourney.imagine(hookUrl=receiver.url)
    settled(emulator)
    return job


def test_lost(emulator: Emulator, midjourney: Midjourney, receiver: Receiver) -> None:
    struck(emulator, midjourney, receiver, "callback_lost")
    assert settled(emulator) == {"lost": 1}
    assert receiver.got == []


def test_duplicate(emulator: Emulator, midjourney: Midjourney, receiver: Receiver) -> None:
    struck(emulator, midjourney, receiver, "callback_duplicate", copies=3)
    assert len(receiver.got) == 3
    assert len(set(receiver.got)) == 1


def test_early(emulator: Emulator, midjourney: Midjourney, receiver: Receiver) -> None:
    emulator.configure(hold=True)
    emulator.add_faults({"kind": "callback_early"})
    job = midjourney.imagine(hookUrl=receiver.url)
    until(lambda: receiver.got)
    [body] = receiver.bodies()
    assert (body["jobId"], body["status"]) == (job, "SUCCESS")
    assert midjourney.read(job).json()["status"] in ("PENDING_QUEUE", "ON_QUEUE")
    assert midjourney.bare.get(body["data"]["cdnImage"]).status_code == 404
    emulator.release()
    settled(emulator)
    assert len(receiver.got) == 2


def test_forged(emulator: Emulator, midjourney: Midjourney, receiver: Receiver) -> None:
    struck(emulator, midjourney, receiver, "callback_forged")
    paths = {path for path, _ in receiver.got}
    assert len(receiver.got) == len(paths) == 2
    assert "/hooks/token-1" in paths
    assert all(path.startswith("/hooks/") and len(path) == len("/hooks/token-1") for path in paths)


def test_malformed(emulator: Emulator, midjourney: Midjourney, receiver: Receiver) -> None:
    struck(emulator, midjourney, receiver, "callback_malformed")
    with pytest.raises(json.JSONDecodeError):
        receiver.bodies()


def test_oversized(emulator: Emulator, midjourney: Midjourney, receiver: Receiver) -> None:
    job = struck(emulator, midjourney, receiver, "callback_oversized", bytes=300_000)
    [(_, raw)] = receiver.got
    assert len(raw) > 300_000
    assert json.loads(raw)["jobId"] == job


def test_late(emulator: Emulator, midjourney: Midjourney, receiver: Receiver) -> None:
    emulator.add_faults({"kind": "callback_late", "seconds": 0.3})
    midjourney.imagine(hookUrl=receiver.url)
    until(lambda: receiver.got)
    assert time.time() - emulator.jobs()["jobs"][0]["finished_at"] >= 0.3
