"""Answers that are odd in the way they are written or sent: every one of them says what it should, or nearly."""

from __future__ import annotations

import gzip
import io
import json
import math
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from prefect_genmedia.emulator import Emulator
from tests.patience import PATIENCE

STAGES = ("submit", "fetch", "list", "account")


@pytest.fixture
def answers(emulator: Emulator, midjourney: Any, novita: Any) -> Any:
    """Arms a fault, and gives the answers of TTAPI and Novita at each stage: `answers(fault, stage)`."""
    job, task = midjourney.done()["jobId"], novita.done()["task"]["task_id"]

    def ask(fault: dict[str, Any], stage: str) -> list[httpx.Response]:
        emulator.clear_faults()
        emulator.add_faults({**fault, "at": stage})
        return {
            "submit": lambda: [midjourney.post(), novita.post()],
            "fetch": lambda: [midjourney.read(job), novita.read(task)],
            "list": lambda: [midjourney.http.get("/midjourney/v1/fetch-list"), novita.http.get("/v3/model")],
            "account": lambda: [midjourney.http.get("/midjourney/v1/info"), novita.http.get("/v3/user")],
        }[stage]()

    return ask


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from leaves(inner)
    else:
        yield value


@pytest.mark.parametrize("stage", STAGES)
def test_a_byte_order_mark(answers: Any, stage: str) -> None:
    for reply in answers({"kind": "answer_bom"}, stage):
        assert reply.content.startswith(b"\xef\xbb\xbf{")
        assert json.loads(reply.content.decode("utf-8-sig"))
    for reply in answers({"kind": "answer_bom", "encoding": "utf-16"}, stage):
        assert json.loads(reply.content.decode("utf-16"))


@pytest.mark.parametrize("figure", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400", "digits"])
def test_figures_that_are_none(answers: Any, figure: str) -> None:
    for stage in ("fetch", "list", "account"):
        for reply in answers({"kind": "answer_figure", "figure": figure}, stage):
            assert ("9" * 400 if figure == "digits" else figure) in reply.text
            odd = [value for value in leaves(reply.json()) if isinstance(value, (int, float)) and value not in (0, 1)]
            assert odd, stage
            assert all(value > 10**308 if figure == "digits" else not math.isfinite(value) for value in odd)
    said = answers({"kind": "answer_figure", "figure": figure, "fields": ["data.quota", "data.no.such"]}, "fetch")[0]
    assert not isinstance(said.json()["data"]["quota"], str)
    assert isinstance(said.json()["data"]["width"], int)


def test_absurd_quota(answers: Any) -> None:
    for quota, told in ((None, "-1000"), (1e308, 1e308), ("1e308", "1e308")):
        assert answers({"kind": "answer_quota", "quota": quota}, "fetch")[0].json()["data"]["quota"] == told
        rows = answers({"kind": "answer_quota", "quota": quota}, "list")[0].json()["data"]
        assert {row["quota"] for row in rows} == {told}


@pytest.mark.parametrize(("text", "sign"), [("nul", "\0"), ("surrogate", "\ud800")])
def test_texts_with_signs_that_no_text_should_have(answers: Any, text: str, sign: str) -> None:
    fault = {"kind": "answer_text", "text": text}
    said, other = answers(fault, "fetch")
    assert said.json()["data"]["prompt"] == f"A cute kitten{sign}"
    assert other.json()["task"]["reason"] == sign
    assert answers(fault, "submit")[0].json()["message"] == f"success{sign}"
    assert answers(fault, "list")[0].json()["data"][0]["prompt"].endswith(sign)


def test_a_text_that_json_forbids(answers: Any) -> None:
    reply = answers({"kind": "answer_text", "text": "raw"}, "fetch")[0]
    with pytest.raises(ValueError):
        reply.json()
    assert json.loads(reply.text, strict=False)["data"]["prompt"] == "A cute kitten\x01"


def test_deep_nesting(answers: Any) -> None:
    for stage in STAGES:
        for reply in answers({"kind": "answer_deep"}, stage):
            with pytest.raises(RecursionError):
                reply.json()
    assert answers({"kind": "answer_deep", "depth": 3}, "submit")[1].json()["nested"] == [[[]]]


def test_json_inside_a_json_text(answers: Any) -> None:
    for stage in STAGES:
        for reply in answers({"kind": "answer_json_text"}, stage):
            assert isinstance(reply.json(), str)
            assert isinstance(json.loads(reply.json()), dict)
    said, other = answers({"kind": "answer_json_text", "of": "data"}, "fetch")
    assert json.loads(said.json()["data"])["prompt"] == "A cute kitten"
    assert json.loads(other.json()["task"])["status"] == "TASK_STATUS_SUCCEED"
    assert json.loads(answers({"kind": "answer_json_text", "of": "data"}, "submit")[0].json()["data"])["jobId"]


def test_status_words(emulator: Emulator, midjourney: Any, novita: Any, answers: Any) -> None:
    said, other = answers({"kind": "answer_status_word"}, "fetch")
    assert (said.json()["status"], other.json()["task"]["status"]) == ("success", "task_status_succeed")
    assert answers({"kind": "answer_status_word"}, "submit")[0].json()["status"] == "success"
    emulator.clear_faults()
    emulator.configure(hold=True)
    emulator.add_faults(
        {"kind": "answer_status_word", "state": "succeeded", "word": "Completed"},
        {"kind": "answer_status_word", "state": "failed", "word": "canceled"},
        {"kind": "answer_status_word", "state": "running", "word": "RUNNING"},
        {"kind": "job_fails", "times": 1},
    )
    jobs = [midjourney.imagine(), midjourney.imagine()]

    def words() -> list[str]:
        return [midjourney.read(job).json()["status"] for job in jobs]

    end = time.monotonic() + PATIENCE
    while words() != ["RUNNING", "RUNNING"]:
        assert time.monotonic() < end
    emulator.release()
    while words() != ["canceled", "Completed"]:
        assert time.monotonic() < end


def test_a_small_body_that_unpacks_to_very_much(answers: Any, midjourney: Any) -> None:
    for stage in STAGES:
        for reply in answers({"kind": "answer_bomb", "megabytes": 3}, stage):
            assert int(reply.headers["content-length"]) < 60_000
            assert len(reply.content) > 3_000_000
            assert isinstance(reply.json(), dict)
    answers({"kind": "answer_bomb", "megabytes": 500, "skip": 2}, "account")
    with midjourney.http.stream("GET", "/midjourney/v1/info") as reply:
        packed = b"".join(reply.iter_raw())
    assert len(packed) < 1_000_000
    with gzip.open(io.BytesIO(packed)) as file:
        assert (
            sum(len(piece) for piece in iter(lambda: file.read(2**20), b"")) > 500 * 2**20
        )  # and its checksum is right


@pytest.mark.parametrize("stage", ["fetch", "list"])
def test_an_endless_answer(answers: Any, emulator: Emulator, midjourney: Any, stage: str) -> None:
    path = {"fetch": "/midjourney/v1/fetch", "list": "/midjourney/v1/fetch-list"}[stage]
    emulator.add_faults({"kind": "answer_endless", "at": stage, "times": 1})
    job = emulator.jobs()["jobs"][0]["id"]
    with midjourney.http.stream("GET", path, params={"jobId": job}) as reply:
        assert "content-length" not in reply.headers
        got = 0
        for piece in reply.iter_raw():
            got += len(piece)
            if got > 20_000_000:
                break
    end = time.monotonic() + PATIENCE
    while (counted := emulator.requests()) and sum(counted["requests"].values()) > sum(counted["statuses"].values()):
        assert time.monotonic() < end  # it stops when nobody listens any more
        time.sleep(0.01)
    assert midjourney.http.get(path, params={"jobId": job}).status_code == 200


def test_an_answer_that_is_cut(answers: Any, emulator: Emulator, midjourney: Any) -> None:
    for stage in STAGES:
        for reply in answers({"kind": "answer_cut"}, stage):
            assert "content-length" not in reply.headers
            with pytest.raises(ValueError):
                reply.json()
    emulator.clear_faults()
    emulator.add_faults({"kind": "answer_cut", "length": "chunked"})
    with pytest.raises(httpx.RemoteProtocolError):
        midjourney.post()
    assert emulator.billed() == 5


def test_callbacks_are_dressed_too(emulator: Emulator, midjourney: Any, novita: Any, receiver: Any) -> None:
    emulator.add_faults(
        {"kind": "answer_bom", "at": "callback"},
        {"kind": "answer_figure", "at": "callback"},
        {"kind": "answer_status_word", "at": "callback", "word": "Completed"},
        {"kind": "answer_text", "at": "callback"},
        {"kind": "answer_json_text", "at": "callback", "of": "data"},
        {"kind": "job_id_number"},
    )
    job = midjourney.done(hookUrl=receiver.url)["jobId"]
    assert novita.done({"webhook": {"url": receiver.url}})
    end = time.monotonic() + PATIENCE
    while len(receiver.got) < 2:
        assert time.monotonic() < end
        time.sleep(0.01)
    bodies = [content for _, content in receiver.got]
    assert all(content.startswith(b"\xef\xbb\xbf") for content in bodies)
    [said] = [body for body in (json.loads(content.decode("utf-8-sig")) for content in bodies) if "jobId" in body]
    assert (said["status"], said["jobId"]) == ("Completed", job)
    data = json.loads(said["data"], strict=False)
    assert math.isnan(data["quota"])
    assert data["prompt"] == "A cute kitten\0"


def test_what_cannot_be_at_a_callback(emulator: Emulator, midjourney: Any, receiver: Any) -> None:
    for kind in ("answer_bomb", "answer_endless", "answer_cut"):
        emulator.add_faults({"kind": kind, "at": "callback"})
    midjourney.done(hookUrl=receiver.url)
    end = time.monotonic() + PATIENCE
    while not receiver.got:
        assert time.monotonic() < end
        time.sleep(0.01)
    assert receiver.bodies()[0]["status"] == "SUCCESS"
