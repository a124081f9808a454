"""`genmedia live-check` against the emulator: what holds, what is made false on order, and what it may spend."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from prefect_genmedia.budget import Budget
from prefect_genmedia.cli.live import assumptions as a
from prefect_genmedia.cli.live.assumptions import assumptions
from prefect_genmedia.cli.live.candidates import PROMPT, Offer
from prefect_genmedia.cli.live.checking import Check, check
from prefect_genmedia.cli.live.recording import Redaction, make_room, write
from prefect_genmedia.emulator import Emulator
from prefect_genmedia.errors import AuthenticationError, ConfigurationError, NotDeliveredError
from prefect_genmedia.operation import Account
from prefect_genmedia.providers.facts import Price
from prefect_genmedia.webhooks import create_receiver
from tests import shop
from tests.contract.recordings import read_back
from tests.patience import PATIENCE, until

KEY = "key-of-the-live-check"
FREE = {"ttapi": 6, "novita": 3}
UNPRICED = "no source names its price: give yours in GENMEDIA_PRICES"
LIST = "GET /midjourney/v1/fetch-list"
PICTURES = [Price(operation=f"novita.{verb}", price=0.0015) for verb in ("txt2img", "img2img")]


@pytest.fixture
def emulator(prepared: Path) -> Iterator[Emulator]:
    """Jobs run until what can be seen of a running job has been looked at."""
    with Emulator(job_seconds=0.0, queue_seconds=0.0, hold=True) as emulator:
        ended = threading.Event()

        def release() -> None:
            while not ended.wait(0.005):
                for job in emulator.jobs()["jobs"]:
                    # The list is read last; its four states are read once before anything is bought.
                    looked = emulator.requests()["requests"].get(LIST, 0) > 4
                    if job["state"] == "running" and (looked or job["operation"] != "midjourney.imagine"):
                        emulator.release(job["id"])

        thread = threading.Thread(target=release, daemon=True)
        thread.start()
        yield emulator
        ended.set()
        thread.join()


def ttapi(emulator: Emulator) -> Account:
    return shop.ttapi(emulator.url, KEY)


def novita(emulator: Emulator) -> Account:
    return shop.novita(emulator.url, KEY)


def agreed(offers: list[Offer]) -> bool:
    return True


def by(made: Check, outcome: str) -> dict[str, str]:
    return {each.assumption.key: each.seen for each in made.findings.rows() if each.outcome == outcome}


async def test_without_spend_only_what_is_free_is_read(emulator: Emulator) -> None:
    for account in (ttapi(emulator), novita(emulator)):
        made = await check(account, agreed=agreed)
        assert len(by(made, "held")) == FREE[account.provider.name] and not by(made, "did not hold")
    assert emulator.submits() == 0 and made.spent_usd == 0


async def test_all_of_ttapi_for_a_dollar_and_never_twice(emulator: Emulator) -> None:
    shown: list[Offer] = []
    made = await check(ttapi(emulator), spend=1, agreed=lambda offers: not shown.extend(offers))
    assert not by(made, "did not hold")
    assert set(by(made, "not tried").values()) == {UNPRICED, "GENMEDIA_CALLBACK_URL is not set"}
    assert {each.key for each in (*a.FREE["ttapi"], *a.BOUGHT["ttapi"])} <= set(by(made, "held"))
    assert [offer.usd for offer in shown] == sorted(offer.usd for offer in shown)
    assert all(offer.source.startswith("https://") for offer in shown)
    assert emulator.billed() == len(shown) == 11
    assert emulator.billed("ttapi.gemini_image") == 1
    spent = sum(job["quota"] for job in emulator.jobs()["jobs"]) / 100
    assert made.spent_usd == pytest.approx(spent) and spent <= 1

    recording = made.recording()
    text = json.dumps(recording)
    assert KEY not in text and PROMPT not in text and "127.0.0.1" not in text and "callback.invalid" not in text
    states = read_back(recording)
    assert set(states) == {offer.candidate.operation.name for offer in shown if offer.candidate.operation.fetch}
    assert all("succeeded" in each for each in states.values())
    assert states["midjourney.imagine"] == {"running", "succeeded"}

    again = await check(ttapi(emulator), spend=1, agreed=agreed)
    assert emulator.billed() == 11 and again.spent_usd == 0
    assert by(again, "not tried")["midjourney.imagine: price"].startswith("it was bought before, as job ")


FALSE: list[tuple[dict[str, Any], list[dict[str, Any]], set[str]]] = [
    (
        {"reserved_hooks": False, "novelai_path": "/novelai/elsewhere"},
        [
            {"kind": "list_lags", "seconds": 3600},
            {"kind": "frozen_lags", "seconds": 3600},
            {"kind": "answer_quota", "operation": "ttapi.flux_image", "quota": 4, "at": "fetch"},
        ],
        {"label", "listed", "frozen", "novelai.text_to_image: submit", "ttapi.flux_image: price"},
    ),
    (
        {"unknown_job_words": False},
        [
            {"kind": "answer_status_word", "operation": "midjourney.imagine", "state": "running", "word": "ODD"},
            {"kind": "fetch_missing_fields", "operation": "midjourney.imagine", "fields": ["data.hookUrl"]},
            {"kind": "files_missing", "operation": "novelai.text_to_image"},
            {"kind": "answer_quota", "operation": "ttapi.gpt_image", "quota": 5, "at": "fetch"},
        ],
        {"unknown job", "unfinished", "repeats", "novelai.text_to_image: files", "ttapi.gpt_image: price"},
    ),
]


@pytest.mark.parametrize(("settings", "faults", "named"), FALSE, ids=["the witnesses", "the answers"])
@pytest.mark.slow
async def test_five_that_are_false_are_named(
    emulator: Emulator, settings: dict[str, Any], faults: list[dict[str, Any]], named: set[str]
) -> None:
    emulator.configure(**settings)
    emulator.add_faults(*faults)
    made = await check(ttapi(emulator), spend=0.22, agreed=agreed)
    assert set(by(made, "did not hold")) == named
    assert all(each.assumption.setting for each in made.findings.rows())
    bought = [job["operation"] for job in emulator.jobs()["jobs"]]
    assert bought.count("midjourney.imagine") == 1 and len(bought) == len(set(bought))


async def test_novita_with_prices_of_ones_own(emulator: Emulator) -> None:
    without = await check(novita(emulator), spend=1, agreed=agreed)
    assert emulator.submits() == 0 and UNPRICED in by(without, "not tried").values()
    made = await check(novita(emulator), spend=0.01, prices=PICTURES, agreed=agreed)
    assert not by(made, "did not hold") and made.spent_usd == pytest.approx(0.003)
    assert by(made, "held")["size"] == "250x150 asked, 250x150 given"
    assert set(read_back(made.recording())) == {"novita.txt2img", "novita.img2img"}

    emulator.configure(novita_retired="img2img", unknown_job_words=False)
    emulator.add_faults({"kind": "download_wrong_size", "factor": 0.5})
    dearer = [Price(operation="novita.txt2img", price=0.004), *PICTURES]
    odd = await check(novita(emulator), spend=0.01, prices=dearer, agreed=agreed, copy=1)
    assert set(by(odd, "did not hold")) == {
        "unknown job",
        "novita.img2img: submit",
        "novita.txt2img: price",
        "novita.txt2img: files",
        "size",
    }


@pytest.fixture
def receiver(prepared: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A receiver of callbacks on the test's own ledger."""
    app = create_receiver(emit=lambda row, status, job_id: None)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: server.started, "the receiver's start")
    port = server.servers[0].sockets[0].getsockname()[1]
    monkeypatch.setenv("GENMEDIA_CALLBACK_URL", f"http://127.0.0.1:{port}/callbacks")
    yield
    server.should_exit = True
    thread.join(PATIENCE)


@pytest.mark.slow
async def test_callbacks_where_there_is_a_receiver(emulator: Emulator, receiver: None) -> None:
    prices = [*PICTURES, Price(operation="novita.kling_v30_std_t2v", price=0.2)]
    made = await check(novita(emulator), spend=0.21, prices=prices, agreed=agreed)
    heard = [key for key in by(made, "held") if key.endswith(": callback")]
    assert not by(made, "did not hold")
    assert heard == ["novita.txt2img: callback", "novita.img2img: callback", "novita.kling_v30_std_t2v: callback"]

    emulator.configure(flat_hooks=False)
    odd = await check(novita(emulator), spend=0.21, prices=prices, agreed=agreed, copy=1)
    assert set(by(odd, "did not hold")) == {"novita.kling_v30_std_t2v: callback"}
    assert emulator.billed("novita.kling_v30_std_t2v") == 2


async def test_no_more_is_spent_than_was_said(emulator: Emulator) -> None:
    asked: list[list[Offer]] = []
    refused = await check(ttapi(emulator), spend=0.04, agreed=lambda offers: bool(asked.append(offers)))
    assert [[offer.candidate.label for offer in offers] for offers in asked] == [
        ["ttapi.flux_image", "ttapi.gemini_video", "midjourney.imagine"]
    ]
    assert emulator.submits() == 0
    assert "it was not agreed to" in by(refused, "not tried").values()
    assert "it is beyond what may be spent" not in by(refused, "not tried").values()

    emulator.add_faults({"kind": "answer_quota", "operation": "ttapi.flux_image", "quota": 3, "at": "fetch"})
    made = await check(ttapi(emulator), spend=0.04, agreed=agreed)
    assert [job["operation"] for job in emulator.jobs()["jobs"]] == ["ttapi.flux_image", "ttapi.gemini_video"]
    assert by(made, "not tried")["midjourney.imagine: submit"].startswith("what was bought cost more than expected")
    nothing = await check(ttapi(emulator), spend=0, agreed=agreed)
    assert not by(nothing, "did not hold") and emulator.billed() == 2


async def test_a_budget_of_the_users_own_holds_as_well(emulator: Emulator) -> None:
    made = await check(ttapi(emulator), spend=1, agreed=agreed, budget=Budget(per_day=1))
    assert [job["operation"] for job in emulator.jobs()["jobs"]] == ["ttapi.flux_image"]
    assert "stopped: BudgetExceededError at ttapi.gemini_video" in by(made, "not tried").values()


async def test_a_refusal_that_may_pass_speaks_against_nothing(emulator: Emulator) -> None:
    emulator.add_faults({"kind": "submit_refuse", "operation": "ttapi.flux_image", "status": 402})
    made = await check(ttapi(emulator), spend=0.02, agreed=agreed)
    assert not by(made, "did not hold") and emulator.billed() == 0
    assert "stopped: InsufficientCreditsError at ttapi.flux_image" in by(made, "not tried").values()


async def test_a_lost_submit_ends_the_spending(emulator: Emulator) -> None:
    emulator.add_faults({"kind": "submit_lose_reply", "operation": "ttapi.flux_image", "times": 1})
    made = await check(ttapi(emulator), spend=1, agreed=agreed)
    assert emulator.billed() == 1 and emulator.submits() == 1
    assert "stopped: SubmitOutcomeUnknown at ttapi.flux_image" in by(made, "not tried").values()


async def test_a_wrong_key_or_address_is_said_at_once(emulator: Emulator) -> None:
    emulator.configure(api_key="another")
    with pytest.raises(AuthenticationError):
        await check(ttapi(emulator), spend=1, agreed=agreed)
    with pytest.raises(NotDeliveredError):
        await check(shop.ttapi("http://127.0.0.1:1"), spend=1, agreed=agreed)


async def test_what_is_away_speaks_against_nothing(emulator: Emulator) -> None:
    emulator.add_faults({"kind": "answer_cut", "at": "account", "length": "whole"})
    made = await check(ttapi(emulator))
    assert "account" in by(made, "not tried") and not by(made, "did not hold")


@pytest.mark.parametrize("provider", ["ttapi", "novita"])
def test_every_assumption_says_what_to_change(provider: str) -> None:
    keys = [each.key for each in assumptions(provider)]
    assert len(set(keys)) == len(keys) and all(each.setting and each.says for each in assumptions(provider))


def test_a_recording_keeps_the_shape_and_nothing_that_is_somebodys(tmp_path: Path) -> None:
    said = {
        "status": "SUCCESS",
        "jobId": "5c7261ec",
        "data": {
            "job_id": "5c7261ec",
            "prompt": "CAT",
            "email": "me@example.com",
            "quota": "2.00",
            "progress": "100%",
            "key": "s3cr3t",
            "note": f"your key {KEY} is fine",
            "cdnImage": "https://cdn.example.com/a/b.PNG?hm=s3cr3t",
            "see": "//cdn.example.com/x.png",
            "images": [{"url": "https://a/1.png"}, {"url": "https://a/1.png"}],
            "list": [1, 2.5, None, True],
            "my cat's name": 3,
        },
    }
    kept = Redaction(KEY).of(said)
    data = kept["data"]
    assert kept["status"] == "SUCCESS" and data["quota"] == "2.00" and data["progress"] == "100%"
    assert kept["jobId"] == data["job_id"] == "id-1" and data["list"] == [1, 2.5, None, True]
    assert data["prompt"] == data["email"] == data["key"] == data["note"] == "..."
    assert re.fullmatch(r"https://link\.invalid/id-\d", data["cdnImage"]) and "..." in data
    assert data["images"][0] == data["images"][1]
    text = json.dumps(kept)
    assert not any(word in text for word in ("s3cr3t", "example.com", "5c7261ec", KEY, "cat"))

    make_room(tmp_path / "a.json")
    write(tmp_path / "a.json", kept)
    with pytest.raises(ConfigurationError, match="it is there already"):
        make_room(tmp_path / "a.json")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        make_room(tmp_path / "none" / "a.json")
    assert json.loads((tmp_path / "a.json").read_text()) == kept
