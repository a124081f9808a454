"""An account that is called otherwise than before is the same account: what it bought is bought."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from prefect_genmedia.emulator import Emulator
from prefect_genmedia.jobs import Run, RunState
from prefect_genmedia.operation import Account
from prefect_genmedia.providers.ttapi.envelope import TTAPI
from tests.patience import a_until
from tests.shop import buy, imagine, the_ledger, the_row

DAILY = {"request_key": "daily"}


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def anywhere(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "postgresql":
        monkeypatch.setenv("GENMEDIA_LEDGER_URL", request.getfixturevalue("postgres_url"))


async def test_a_name_that_is_given_later_and_then_another_key(
    anywhere: None, emulator: Emulator, ttapi: Account
) -> None:
    bought = await buy(imagine(), ttapi, **DAILY)
    named = replace(ttapi, name="studio")
    assert (await buy(imagine(), named, **DAILY)).media == bought.media
    assert (await buy(imagine(), replace(named, api_key="the-next-key"), **DAILY)).media == bought.media
    assert emulator.billed() == 1


async def test_a_running_job_goes_on_under_the_name(emulator: Emulator, ttapi: Account) -> None:
    emulator.configure(hold=True)
    first = asyncio.ensure_future(buy(imagine(), ttapi, **DAILY))
    await a_until(lambda: emulator.billed() == 1)
    second = asyncio.ensure_future(buy(imagine(), replace(ttapi, name="studio"), **DAILY))
    emulator.configure(hold=False)
    emulator.release()
    assert (await first).media == (await second).media
    assert emulator.billed() == 1
    assert the_row().account == replace(ttapi, name="studio").fingerprint


async def test_what_a_run_never_got_is_adopted_under_the_name(emulator: Emulator, ttapi: Account) -> None:
    emulator.configure(hold=True)
    call = asyncio.ensure_future(buy(imagine(), ttapi, run_as=Run("flow:first")))
    await a_until(lambda: emulator.billed() == 1 and the_ledger().running(ttapi.fingerprint, ["midjourney.imagine"]))
    call.cancel()
    await asyncio.wait([call])
    emulator.configure(hold=False)
    emulator.release()

    async def ended(run: str) -> RunState:
        return "ended"

    await buy(imagine(), replace(ttapi, name="studio"), run_as=Run("flow:second", state_of=ended))
    assert emulator.billed() == 1


@pytest.mark.parametrize("other", ["studio ", " Studio", "ｓｔｕｄｉｏ", "stu\u200bdio"])
def test_a_name_is_what_a_person_reads(other: str) -> None:
    accounts = [Account(TTAPI, "https://api.ttapi.io", "k", name) for name in ("studio", other)]
    assert len({account.fingerprint for account in accounts}) == 1


def test_the_vendors_domains_for_acceleration_are_the_same_accounts() -> None:
    hosts = ("api.ttapi.io", "api.ttapi.org", "hold.ttapi.io")
    usual, fast, hold = (Account(TTAPI, f"https://{host}", "k") for host in hosts)
    assert usual.fingerprint == fast.fingerprint != hold.fingerprint
