"""Probes: each plays one misfortune on a bench and tells what is wrong, or nothing."""

from __future__ import annotations

import signal
import threading
import time
from typing import Any

import httpx

from tests.chaos.bench import LEASE_SECONDS, Bench
from tests.chaos.rig import Worker
from tests.chaos.wire import Strike
from tests.patience import PATIENCE, until

SUBMIT_SECONDS = 1.0
BRIEF = {"GENMEDIA_SUBMIT_TIMEOUT_SECONDS": str(SUBMIT_SECONDS)}


def killed_in_flight(bench: Bench) -> str:
    """A worker is killed while the reply to its submit is on its way; the next one asks for the same."""
    bench.emulator.add_faults({"kind": "submit_slow_reply", "seconds": 2 * PATIENCE, "times": 1})
    first = bench.worker()
    until(bench.emulator.billed, "the job accepted")
    first.kill()
    return _verdict(bench, bench.bought())


def overtaken(bench: Bench) -> str:
    """A worker stands still with its submit on the wire; another buys and brings home; then the first is refused."""
    with bench.wire() as wire:
        overtaken_by = threading.Event()
        workers: list[Worker] = []

        def stand_still() -> None:
            until(lambda: workers, "the worker")[0].signal(signal.SIGSTOP)
            assert overtaken_by.wait(PATIENCE)
            bench.emulator.add_faults({"kind": "submit_refuse", "times": 1, "retry_after": 0})

        strike = Strike("submit imagine", 1, "request late", stand_still)
        wire.reset(strike)
        workers.append(bench.worker())
        until(lambda: wire.seen["submit imagine"], "the first submit")
        _seem_unsent(bench)
        second = bench.bought()
        overtaken_by.set()
        assert strike.done.wait(PATIENCE)
        workers[0].signal(signal.SIGCONT)
        # Who pays twice may go on and on: the rows of the first purchase are in its way.
        until(lambda: workers[0].ended.is_set() or bench.emulator.billed() > 2, "the first worker's end")
    return _verdict(bench, second, due=2) or _verdict(bench, _first(workers[0]), due=2)


def asleep_before_its_post(bench: Bench) -> str:
    """A worker falls asleep between its intent and its POST; another buys and brings home; then the first wakes."""
    first = _asleep_before_its_post(bench)
    second = bench.bought()
    first.signal(signal.SIGCONT)
    first.wait()
    return _verdict(bench, second, due=2) or _verdict(bench, _first(first), due=2)


def stale_word(bench: Bench) -> str:
    """As before, and when the first wakes and says that its own submit was not sent, the second's is on its way."""
    first = _asleep_before_its_post(bench, terms={"deadline_seconds": 0.1})
    bench.emulator.add_faults({"kind": "submit_slow_reply", "seconds": 2 * PATIENCE, "times": 1})
    second = bench.worker()
    until(lambda: bench.emulator.billed() == 2, "the second submit accepted")
    first.signal(signal.SIGCONT)
    first.wait()  # its deadline is over: it says what it knows, and ends
    second.kill()
    return _verdict(bench, bench.bought(), due=2)


def accepted_twice(bench: Bench) -> str:
    """The provider makes two jobs of one submit and its reply is lost: no one may pick one of them in silence."""
    bench.emulator.add_faults({"kind": "submit_accept_twice", "times": 1}, {"kind": "submit_lose_reply", "times": 1})
    said = bench.bought()
    assert bench.emulator.billed() == 2
    return "" if "SubmitOutcomeUnknown" in said["error"] else "one of two paid jobs is lost, and nobody says so"


def among_strangers(bench: Bench) -> str:
    """The submit never arrives, and the account holds a job of somebody else's, made just now."""
    with bench.wire() as wire:
        workers: list[Worker] = []
        wire.reset(Strike("submit imagine", 1, "request lost", lambda: until(lambda: workers, "the worker")[0].kill()))
        workers.append(bench.worker())
        workers[0].wait()
        headers, order = {"TT-API-KEY": "key"}, {"prompt": "a stranger's"}
        answer = httpx.post(
            f"{wire.url}/midjourney/v1/imagine", json=order, headers=headers, trust_env=False, timeout=PATIENCE
        )
        said = bench.bought()
    if said["job_id"] == answer.json()["data"]["jobId"]:
        return "somebody else's picture was taken for ours, and ours is lost"
    honest = "SubmitOutcomeUnknown" in said["error"] and bench.emulator.billed() == 1
    return "" if honest else f"{said}, billed {bench.emulator.billed()}"


def behind_the_list(bench: Bench) -> str:
    """The reply is lost, and the provider's list lags: the job is in it an hour later."""
    bench.emulator.add_faults({"kind": "submit_lose_reply", "times": 1}, {"kind": "list_lags", "seconds": 3600})
    for _ in range(2):
        said = bench.bought()
        if bench.emulator.billed() != 1:
            return _verdict(bench, said)
    bench.emulator.add_faults({"kind": "clock_skew", "seconds": 3700})
    return _verdict(bench, bench.bought())


def anothers_answer(bench: Bench) -> str:
    """The provider, or a cache before it, answers with another job's finished data."""
    bench.emulator.add_faults({"kind": "fetch_other_job", "times": 1})
    said = bench.bought()
    told = said.get("answer", {}).get("jobId") or said.get("answer", {}).get("job_id")
    if said["job_id"] and told != said["job_id"]:
        return f"another job's pictures were delivered and ours are lost: {told}"
    return _verdict(bench, said)


def a_gateways_404(bench: Bench) -> str:
    """A gateway before the provider knows no path for a while; a job counts as forgotten after a fifth of a second."""
    bench.env = {"GENMEDIA_EXPIRED_AFTER_SECONDS": "0.2"}
    bench.emulator.add_faults({"kind": "fetch_gateway_404", "times": 6})
    bench.bought()
    return _verdict(bench, bench.bought())


def store_away(bench: Bench) -> str:
    """The store is not mounted for one run, in a time when the provider no longer knows the job."""
    bench.bought()
    bench.env = {"GENMEDIA_EXPIRED_AFTER_SECONDS": "0.05"}
    bench.emulator.add_faults({"kind": "fetch_404", "seconds": 1e6})
    aside = bench.folder / "aside"
    bench.media.rename(aside)
    bench.worker(terms={"deadline_seconds": 2.0}).wait()
    if bench.media.exists():
        bench.media.rename(bench.folder / "wrong")
    aside.rename(bench.media)
    return _verdict(bench, bench.bought(terms={"deadline_seconds": 2.0}))


def _asleep_before_its_post(bench: Bench, **order: Any) -> Worker:
    """A worker that stands still with its intent written down; what it did not send is known to be unsent."""
    first = bench.worker(tripwire=["INTENT", 1, "after"], signal=signal.SIGSTOP, **order)
    until(first.stopped, "the first worker standing still")
    _seem_unsent(bench)
    return first


def _seem_unsent(bench: Bench) -> None:
    """Its lease is over, someone has taken it over, and a later job of ours shows that the list does not lag."""
    bench.env = BRIEF
    time.sleep(LEASE_SECONDS + 0.1)
    bench.bought()
    time.sleep(SUBMIT_SECONDS + 0.1)  # until then the provider may yet receive it
    bench.bought(prompts=["bought later"])


def _first(worker: Worker) -> dict[str, Any]:
    said: dict[str, Any] = (worker.report().get("bought") or [{"job_id": None, "error": worker.log.read_text()}])[0]
    return said


def _verdict(bench: Bench, said: dict[str, Any], due: int = 1) -> str:
    if (billed := bench.emulator.billed()) != due:
        return f"paid {billed} times where {due} were due"
    return "" if said["job_id"] else f"lost: {said['error']}"


PROBES = (
    killed_in_flight,
    overtaken,
    asleep_before_its_post,
    stale_word,
    accepted_twice,
    among_strangers,
    behind_the_list,
    anothers_answer,
    a_gateways_404,
    store_away,
)
