"""`genmedia doctor`: everything that a night needs, looked at, each with what to do. Costs nothing."""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections.abc import Awaitable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal

import typer

from prefect_genmedia.cli.terminal import patiently, say
from prefect_genmedia.errors import AuthenticationError, ConfigurationError, GenMediaError
from prefect_genmedia.imaging.drawing.fonts import Face
from prefect_genmedia.jobs import open_store
from prefect_genmedia.jobs.buying import ledger_of
from prefect_genmedia.jobs.history.inventory import ANOTHER_LEDGERS, ANOTHER_LEDGERS_ADVICE, of_another_ledger
from prefect_genmedia.jobs.turns.balance import read_account
from prefect_genmedia.ledger import Database, Ledger
from prefect_genmedia.quoting import one_line
from prefect_genmedia.recording import require_ffmpeg
from prefect_genmedia.settings import Settings, misspelt, read_settings

LONGEST_LOOK = 15.0  # seconds that a provider or a server may take to answer
SKEW_SECONDS = 30.0
# What is installed beside us and is known to break: the first version that does, and how.
TRAPS = {
    "sqlalchemy": ((2, 1), "Prefect's scheduler dies with it, and no schedule ever comes due"),
    "fastapi": ((0, 151), "Prefect's server does not start with it"),
    "prefect": ((3, 9), "this version was never tried with it"),
}
COLOURS = {"ok": "green", "warn": "bold yellow", "bad": "bold red"}


@dataclass(frozen=True)
class Finding:
    """One line of what was looked at."""

    level: Literal["ok", "warn", "bad"]
    what: str
    says: str
    advice: str = ""


def examine() -> None:
    """Print every finding; exit code 1 when one is bad."""
    bad = warned = 0
    for found in _findings():
        say((f"{found.level:<5}", COLOURS[found.level]), (f"{found.what:<13}", "bold"), one_line(found.says))
        if found.advice:
            say(f"{'':<18}{one_line(found.advice)}")
        bad, warned = bad + (found.level == "bad"), warned + (found.level == "warn")
    say(f"{bad} bad, {warned} to look at. Nothing was paid." if bad or warned else "All is well. Nothing was paid.")
    if bad:
        raise typer.Exit(1)


def _findings() -> Iterator[Finding]:
    yield from _versions()
    yield from _misspelt()
    try:
        settings = read_settings()
    except ConfigurationError as failure:
        yield _of(failure, "settings")
        return
    yield from _ledger_and_store(settings)
    yield _fonts(settings)
    yield _ffmpeg()
    yield from _at_prefect()


def _misspelt() -> Iterator[Finding]:
    for name, meant in misspelt().items():
        advice = f"Did you mean {meant}?" if meant else "The settings are listed in the documentation."
        yield Finding("warn", "settings", f"{name} is no setting, and nothing reads it", advice)


def _of(failure: GenMediaError, what: str, level: Literal["warn", "bad"] = "bad") -> Finding:
    return Finding(level, what, failure.message, failure.advice)


def _versions() -> Iterator[Finding]:
    python = ".".join(map(str, sys.version_info[:3]))
    said = [f"prefect-genmedia {_version('prefect-genmedia')}", f"Python {python}"]
    for name, (first_bad, how) in TRAPS.items():
        has = _version(name)
        said.append(f"{name} {has}")
        if tuple(map(int, re.findall(r"\d+", has)[:2])) >= first_bad:
            below = f"{name}<{'.'.join(map(str, first_bad))}"
            yield Finding("bad" if name != "prefect" else "warn", "versions", f"{name} {has}: {how}",
                          f'pip install "{below}"')  # fmt: skip
    yield Finding("ok", "versions", ", ".join(said))


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "(not installed)"


def _ledger_and_store(settings: Settings) -> Iterator[Finding]:
    try:
        with patiently("Opening the ledger"):
            database = Database(settings.ledger_url)
            schema = database.schema()
            ledger = ledger_of(settings)
            ledger.set_fact("doctor", f"{time.time():.0f}")  # written, and not only read
            clock = ledger.now()
    except GenMediaError as failure:
        yield _of(failure, "ledger")
        yield Finding("warn", "media store", "not looked at: it is known by the ledger")
        return
    new = ", made just now" if schema is None else ""
    yield Finding("ok", "ledger", f"{database.name}, schema {database.schema()}{new}, can be written")
    yield from _skew("the ledger's database", time.time() - clock)
    yield from _unsettled(ledger)
    try:
        with patiently("Writing to the media store"):
            store = open_store(settings, ledger)
    except GenMediaError as failure:
        yield _of(failure, "media store")
    else:
        yield Finding("ok", "media store", f"{store.root}, can be written")
        with patiently("Looking whether another ledger has used the media store"):
            another = of_another_ledger(ledger, store)
        if another:
            yield Finding("warn", "ledger", ANOTHER_LEDGERS, ANOTHER_LEDGERS_ADVICE)


def _unsettled(ledger: Ledger) -> Iterator[Finding]:
    if unknown := len(ledger.rows(["UNKNOWN"])):
        yield Finding("warn", "jobs", f"of {unknown} nobody knows whether they were bought",
                      "genmedia jobs list --state UNKNOWN")  # fmt: skip


def _skew(whose: str, ahead: float | None) -> Iterator[Finding]:
    if ahead is not None and abs(ahead) > SKEW_SECONDS:
        side = "ahead of" if ahead > 0 else "behind"
        yield Finding("warn", "clock", f"this machine's clock is {abs(ahead):.0f} s {side} {whose}'s",
                      "Let both keep time by NTP. Money is safe; times in lists may be wrong.")  # fmt: skip


def _fonts(settings: Settings) -> Finding:
    try:
        for name in settings.font_files:
            Face.of(name).at(12)
    except GenMediaError as failure:
        return _of(failure, "fonts")
    own = ", ".join(settings.font_files)
    return Finding("ok", "fonts", own or "the one that Pillow brings, for plain English (GENMEDIA_FONTS names others)")


def _ffmpeg() -> Finding:
    try:
        require_ffmpeg()
    except GenMediaError as failure:
        return Finding("warn", "ffmpeg", failure.message, failure.advice)
    return Finding("ok", "ffmpeg", "is there")


def _at_prefect() -> Iterator[Finding]:
    """The server, and by it the keys. One loop for all of it."""
    from prefect_genmedia.blocks.server import require_server, saved_blocks, server_url, workers_online

    if (url := server_url()) is None:
        yield Finding("warn", "Prefect", "no server is set: each run starts one of its own, and no schedule runs",
                      "prefect server start, and: prefect config set PREFECT_API_URL=http://127.0.0.1:4200/api",
                      )  # fmt: skip
        with patiently("Starting a temporary Prefect server, for the keys"):
            asyncio.run(require_server())
        url = "the temporary server"
    try:
        with patiently(f"Asking Prefect at {url}"):
            asyncio.run(_in_time(require_server()))
            blocks, pools = asyncio.run(_in_time(saved_blocks())), asyncio.run(_in_time(workers_online()))
    except (GenMediaError, TimeoutError) as failure:
        advice = getattr(failure, "advice", "Is it the right address? prefect config view")
        yield Finding("bad", "Prefect", f"{url} does not answer", advice)
        return
    yield Finding("ok", "Prefect", f"{url} answers")
    yield from _signing()
    yield _worker(pools)
    if not blocks:
        yield Finding("bad", "keys", "no credentials block is saved", "genmedia setup --ttapi ttapi --novita novita")
    for name, block in blocks:
        yield from _key(name, block)


def _signing() -> Iterator[Finding]:
    from prefect_genmedia.tasks.publishing.signing import check_signing

    name = read_settings().signing_certificate
    if name is None:
        return
    try:
        with patiently("Signing a picture"):
            asyncio.run(_in_time(check_signing()))
    except GenMediaError as failure:
        yield _of(failure, "signing")
    except TimeoutError:
        yield Finding("bad", "signing", f"nothing was signed within {LONGEST_LOOK:g} s",
                      "Does the time stamp authority of the block answer?")  # fmt: skip
    else:
        yield Finding("ok", "signing", f"with the certificate of the block {name!r}")


async def _in_time(asked: Awaitable[Any]) -> Any:
    async with asyncio.timeout(LONGEST_LOOK):
        return await asked


def _worker(pools: dict[str, int]) -> Finding:
    if "genmedia" not in pools:
        return Finding("warn", "worker", "there is no work pool 'genmedia': no deployment of the pack can run",
                       "genmedia setup")  # fmt: skip
    if not pools["genmedia"]:
        return Finding("warn", "worker", "no worker of the work pool 'genmedia' is online: nothing scheduled will run",
                       "prefect worker start --pool genmedia")  # fmt: skip
    return Finding("ok", "worker", f"{pools['genmedia']} online in the work pool 'genmedia'")


def _key(name: str, block: Any) -> Iterator[Finding]:
    if isinstance(block, Exception):
        said = block.message if isinstance(block, GenMediaError) else type(block).__name__
        yield Finding("bad", "keys", f"the block {name!r} cannot be read: {said}", "Save it anew: genmedia setup")
        return
    account = block.get_client()
    provider = account.provider.name
    what = f"{provider} {name!r} at {account.base_url}"
    again = f"genmedia setup --{block.get_block_type_slug().partition('-')[0]} {name}"
    try:
        with patiently(f"Asking {what}"):
            found = asyncio.run(_in_time(read_account(account)))
    except AuthenticationError as refusal:
        yield Finding("bad", "keys", f"{what}: not accepted: {refusal.message}", f"Save the right key: {again}")
        return
    except (GenMediaError, TimeoutError) as away:
        said = away.message if isinstance(away, GenMediaError) else f"no answer within {LONGEST_LOOK:g} s"
        yield Finding("warn", "keys", f"{what}: cannot be asked: {said}",
                      f"Runs wait for it. If it stays so: is the address right? {again}")  # fmt: skip
        return
    unit = "quota" if block.get_block_type_slug().startswith("ttapi") else "USD"
    level: Literal["ok", "warn"] = "ok" if found.left > 0 else "warn"
    advice = "" if found.left > 0 else f"Top it up at {provider}: until then it buys nothing."
    yield Finding(level, "keys", f"{what}: accepted, {found.left:g} {unit} left", advice)
    yield from _skew(provider, found.ahead_seconds)
