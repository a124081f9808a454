"""What must never be written anywhere: keys, signed links, callback tokens, the bytes of pictures."""

from __future__ import annotations

import base64
import json
import logging
import pickle
import re
import sqlite3
import threading
import traceback
from collections.abc import Awaitable, Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from prefect_genmedia.emulator import Emulator
from prefect_genmedia.errors import GenMediaError
from prefect_genmedia.operation import Account
from prefect_genmedia.wire.redaction import quotable
from tests import PHOTOS
from tests.shop import buy, imagine, img2img, late_refusal, refusal, the_ledger, the_row
from tests.shop import novita as novita_at
from tests.shop import ttapi as ttapi_at
from tests.stand_in import Say, Seen, Wire

TTAPI_KEY = "ttapi-KEY-0d2b7f5c41"
NOVITA_KEY = "sk_novita-KEY-93ac18e6ff"
PICTURE = PHOTOS / "chelsea.png"
BASE64 = base64.b64encode(PICTURE.read_bytes()).decode()


class Secrets:
    """Everything of one test that nobody may find."""

    def __init__(self) -> None:
        self.words = [TTAPI_KEY, NOVITA_KEY, "X-Amz-Signature", "X-Amz-Credential", BASE64[:40], BASE64[-40:]]

    def assert_not_in(self, text: str, where: str) -> None:
        for word in self.words:
            at = text.find(word)
            assert at < 0, f"{word[:12]}... is in {where}: ...{text[max(0, at - 60) : at + len(word) + 20]}..."
        signed = re.search(r"https?://[^\s'\"]*\?[^\s'\"]*[Ss]ignature", text)
        assert signed is None, f"a signed link is in {where}: {signed}"


class Receiver:
    """A real callback address; it keeps the tokens that come with the callbacks."""

    def __init__(self) -> None:
        receiver = self
        self.tokens: list[str] = []
        self.signed = 0

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                pass

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                token = self.path.rpartition("/")[2]
                receiver.tokens.append(token)
                receiver.signed += b"X-Amz-Signature" in body
                row_id, said = the_ledger().row_of_token(token), json.loads(body)
                if row_id:
                    job_id = said["payload"]["task"]["task_id"] if "payload" in said else said["jobId"]
                    the_ledger().hint(row_id, job_id)
                self.send_response(200)
                self.end_headers()

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/callbacks"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


class Records(logging.Handler):
    """Every log record as a file would get it."""

    def __init__(self) -> None:
        super().__init__(level=1)
        self.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s"))
        self.lines: list[str] = []
        self.names: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))
        self.names.add(record.name)


@pytest.fixture
def records() -> Iterator[Records]:
    """All loggers at their most talkative, those of the libraries included."""
    names = ["", "sqlalchemy.engine", "sqlalchemy.pool", *logging.root.manager.loggerDict]
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    records = Records()
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    logging.getLogger().addHandler(records)
    yield records
    logging.getLogger().removeHandler(records)
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    receiver = Receiver()
    monkeypatch.setenv("GENMEDIA_CALLBACK_URL", receiver.url)
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()


@pytest.fixture
def mine(emulator: Emulator) -> Account:
    return ttapi_at(emulator.url, TTAPI_KEY)


@pytest.fixture
def refined(emulator: Emulator) -> Account:
    return novita_at(emulator.url, NOVITA_KEY)


def ledger_text() -> str:
    """All that the ledger's files hold, whatever the columns are called."""
    file = Path(str(the_ledger().database.url.database))
    return "\n".join(path.read_bytes().decode("latin-1") for path in sorted(file.parent.glob(file.name + "*")))


def told(error: BaseException) -> str:
    """Everything that a logger, a traceback or another process shows of an error."""
    pickled = pickle.dumps(error).decode("latin-1")
    whole = "".join(traceback.format_exception(error))
    return "\n".join([str(error), repr(error), repr(vars(error)), pickled, whole])


def chain(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in found:
        found.append(following)
        following = following.__cause__ or following.__context__
    return found


async def test_a_full_job_leaves_no_secret_behind(
    emulator: Emulator, mine: Account, refined: Account, receiver: Receiver, records: Records
) -> None:
    """Two providers, a callback each, one lost reply, one dead link and one redirect on the way."""
    emulator.add_faults(
        {"kind": "submit_lose_reply", "times": 1, "operation": "novita.img2img"},
        {"kind": "download_expired", "times": 1, "operation": "novita.img2img"},
        {"kind": "download_redirect", "times": 1},
        {"kind": "fetch_drop", "times": 1},
    )
    results = [await buy(imagine(), mine), await buy(img2img(image=PICTURE.read_bytes()), refined)]

    secrets = Secrets()
    assert receiver.tokens
    assert receiver.signed  # there was a signed link to hide
    secrets.words += [*receiver.tokens, *(token.partition(".")[2] for token in receiver.tokens)]
    secrets.words += [the_ledger().token(row.id) for row in the_ledger().rows()]

    assert {"httpx", "httpcore.http11", "sqlalchemy.engine.Engine", "prefect_genmedia"} <= records.names
    secrets.assert_not_in("\n".join(records.lines), "the log")
    secrets.assert_not_in(ledger_text(), "the ledger")
    for result in results:
        secrets.assert_not_in(result.model_dump_json(), "a result")
        secrets.assert_not_in(repr(result), "a result's repr")
    assert emulator.requests()["key_on_foreign_request"] == 0


async def test_the_secret_that_signs_callbacks_is_not_logged(
    emulator: Emulator, mine: Account, receiver: Receiver, records: Records
) -> None:
    """Whoever has it can forge callbacks; it is in the ledger, and nowhere else."""
    await buy(imagine(), mine)
    with sqlite3.connect(str(the_ledger().database.url.database)) as connection:
        ((secret,),) = connection.execute("SELECT value FROM genmedia_fact WHERE name = 'callback_secret'")
    assert secret not in "\n".join(records.lines)


async def test_a_signed_link_in_a_prompt_stays_out_of_the_ledger(emulator: Emulator, mine: Account) -> None:
    """Midjourney takes pictures as links in its prompt; they may well be signed."""
    await buy(imagine("https://h.example/a.png?X-Amz-Signature=0123abcd a cat"), mine)
    text = ledger_text()
    assert "https://h.example/a.png" in text
    assert "0123abcd" not in text


Failing = Callable[[Emulator, Account, Account], Awaitable[GenMediaError]]
FAILING: dict[str, Failing] = {}


def failing(function: Failing) -> Failing:
    FAILING[function.__name__.replace("_", " ")] = function
    return function


@failing
async def wrong_key(emulator: Emulator, mine: Account, refined: Account) -> GenMediaError:
    emulator.configure(api_key="another")
    await refusal(imagine(), mine)
    return await refusal(img2img(), refined)


@failing
async def lost_reply(emulator: Emulator, mine: Account, refined: Account) -> GenMediaError:
    emulator.add_faults({"kind": "submit_lose_reply"}, {"kind": "callback_lost"})
    return await refusal(img2img(), refined)


@failing
async def no_connection(emulator: Emulator, mine: Account, refined: Account) -> GenMediaError:
    return await refusal(img2img(), novita_at("http://127.0.0.1:1", NOVITA_KEY), deadline_seconds=0.1)


@failing
async def refused(emulator: Emulator, mine: Account, refined: Account) -> GenMediaError:
    return await refusal(img2img(prompt="forbidden-by-emulator"), refined)


@failing
async def failed(emulator: Emulator, mine: Account, refined: Account) -> GenMediaError:
    return await refusal(imagine("denied-by-emulator"), mine)


@failing
async def too_late(emulator: Emulator, mine: Account, refined: Account) -> GenMediaError:
    emulator.configure(hold=True)
    return await refusal(imagine(), mine, deadline_seconds=0.3)


@failing
async def fetches_that_break(emulator: Emulator, mine: Account, refined: Account) -> GenMediaError:
    emulator.add_faults({"kind": "fetch_drop"})
    return await refusal(img2img(), refined)


@failing
async def answers_that_cannot_be_read(emulator: Emulator, mine: Account, refined: Account) -> GenMediaError:
    emulator.add_faults({"kind": "fetch_garbage"})
    return await refusal(img2img(), refined)


@failing
async def answers_without_pictures(emulator: Emulator, mine: Account, refined: Account) -> GenMediaError:
    emulator.add_faults({"kind": "fetch_missing_fields", "fields": ["images"]})
    return await refusal(img2img(), refined)


@failing
async def dead_links(emulator: Emulator, mine: Account, refined: Account) -> GenMediaError:
    emulator.add_faults({"kind": "download_expired"})
    return await refusal(img2img(), refined, deadline_seconds=2)


@failing
async def downloads_cut_short(emulator: Emulator, mine: Account, refined: Account) -> GenMediaError:
    emulator.add_faults({"kind": "download_truncated"})
    return await late_refusal(img2img(), refined)


@failing
async def broken_pictures(emulator: Emulator, mine: Account, refined: Account) -> GenMediaError:
    emulator.add_faults({"kind": "download_truncated", "length": "none"})
    return await late_refusal(img2img(), refined)


@failing
async def pages_in_the_place_of_pictures(emulator: Emulator, mine: Account, refined: Account) -> GenMediaError:
    emulator.add_faults({"kind": "download_html"})
    return await late_refusal(img2img(), refined)


@failing
async def an_input_that_is_no_picture(emulator: Emulator, mine: Account, refined: Account) -> GenMediaError:
    return await refusal(img2img(image=PICTURE.read_bytes()[:-40]), refined)


@failing
async def an_input_given_as_base64(emulator: Emulator, mine: Account, refined: Account) -> GenMediaError:
    return await refusal(img2img(image=BASE64), refined)


@failing
async def an_input_behind_a_signed_link(emulator: Emulator, mine: Account, refined: Account) -> GenMediaError:
    link = f"{emulator.url}/s3/prod/nothing/here.png?X-Amz-Signature=0123abcd"
    return await refusal(img2img(image=link), refined)


@pytest.mark.parametrize("variant", FAILING)
async def test_no_failure_tells_a_secret(
    emulator: Emulator, mine: Account, refined: Account, receiver: Receiver, records: Records,
    monkeypatch: pytest.MonkeyPatch, variant: str,
) -> None:  # fmt: skip
    monkeypatch.setenv("GENMEDIA_CALLBACK_WAIT_SECONDS", "0.1")
    monkeypatch.setenv("GENMEDIA_POLL_FAILURES", "2")
    error = await FAILING[variant](emulator, mine, refined)
    secrets = Secrets()
    secrets.words += [the_ledger().token(row.id) for row in the_ledger().rows()]
    secrets.assert_not_in(told(error), "the error")
    secrets.assert_not_in("\n".join(records.lines), "the log")
    secrets.assert_not_in(ledger_text(), "the ledger")
    for link in chain(error):
        assert isinstance(link, GenMediaError) or not type(link).__module__.startswith(("httpx", "httpcore"))
        held = [value for value in vars(link).values() if isinstance(value, httpx.Request | httpx.Response)]
        assert held == []
    assert emulator.requests()["key_on_foreign_request"] == 0


@pytest.mark.parametrize("status", [400, 401, 500])
async def test_a_provider_that_repeats_the_key_is_not_quoted(wire: Wire, status: int) -> None:
    """Some servers put the key that they refuse into their message."""

    def answer(seen: Seen) -> Say:
        return Say(status, {"code": status, "reason": "INVALID", "message": f"bad key {seen.headers['authorization']}"})

    wire.answer = answer
    error = await refusal(img2img(), novita_at(wire.url, NOVITA_KEY))
    assert "bad key" in told(error)
    assert NOVITA_KEY not in told(error)
    assert NOVITA_KEY not in ledger_text()


UUID = "b8bd3ff0-4349-4b71-8938-cf74ad38ff07"


@pytest.mark.parametrize(
    "spelt",
    [
        UUID.upper(),
        UUID.replace("-", ""),
        UUID.replace("-", "%2D"),
        UUID[:-3],
        UUID[4:],
        base64.b64encode(UUID.encode()).decode(),
        f"{UUID}{UUID}",
    ],
)
async def test_a_provider_that_spells_the_key_otherwise_is_not_quoted(wire: Wire, spelt: str) -> None:
    wire.answer = lambda seen: Say(400, {"code": 400, "reason": "INVALID", "message": f"bad key <{spelt}> of yours"})
    said = told(await refusal(img2img(), novita_at(wire.url, UUID)))
    assert "bad key <***> of yours" in said


def test_what_only_begins_like_the_key_is_shown() -> None:
    assert (
        quotable(f"key {UUID[:8]}… is blocked; job {UUID[-8:]}", UUID) == f"key {UUID[:8]}… is blocked; job {UUID[-8:]}"
    )


async def test_a_provider_that_repeats_the_picture_is_not_quoted(wire: Wire) -> None:
    """Nor the request as a whole, as some validators do."""
    wire.answer = lambda seen: Say(400, {"code": 400, "reason": "INVALID", "message": f"bad {seen.body.decode()}"})
    error = await refusal(img2img(), novita_at(wire.url, NOVITA_KEY))
    Secrets().assert_not_in(told(error), "the error")
    Secrets().assert_not_in(ledger_text(), "the ledger")


async def test_a_failed_jobs_reason_keeps_its_links_unsigned(wire: Wire) -> None:
    reason = "cannot write https://bucket.example/a.png?X-Amz-Signature=0123abcd"
    wire.answer = lambda seen: (
        Say(200, {"task_id": "job-1"})
        if seen.method == "POST"
        else Say(200, {"task": {"status": "TASK_STATUS_FAILED", "reason": reason}})
    )
    error = await refusal(img2img(), novita_at(wire.url, NOVITA_KEY))
    assert "cannot write" in str(error)
    Secrets().assert_not_in(told(error), "the error")
    Secrets().assert_not_in(ledger_text(), "the ledger")
    assert the_row().state == "FAILED"


@pytest.mark.parametrize("fault", [{}, {"kind": "download_redirect", "status": 307}], ids=["straight", "redirected"])
async def test_the_key_goes_to_the_providers_api_only(
    emulator: Emulator, mine: Account, refined: Account, fault: dict[str, Any]
) -> None:
    """Not with the downloads, and not to where they are redirected."""
    if fault:
        emulator.add_faults(fault)
    await buy(imagine(), mine)
    await buy(img2img(), refined)
    assert emulator.requests()["key_on_foreign_request"] == 0


async def test_the_key_does_not_go_with_an_input_picture(wire: Wire, emulator: Emulator, refined: Account) -> None:
    wire.answer = lambda seen: Say(200, PICTURE.read_bytes(), {"content-type": "image/png"})
    await buy(img2img(image=f"{wire.url}/cat.png"), refined)
    (seen,) = wire.seen
    assert NOVITA_KEY not in json.dumps(seen.headers)
    assert "authorization" not in seen.headers
