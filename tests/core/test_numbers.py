"""A number that cannot be meant is refused by its name before anything begins, and is not shown."""

from __future__ import annotations

from typing import Any

import pytest

from prefect_genmedia.budget import Budget
from prefect_genmedia.errors import ConfigurationError
from prefect_genmedia.jobs import Terms, run
from prefect_genmedia.operation import Account
from prefect_genmedia.providers.novita.envelope import NOVITA
from prefect_genmedia.providers.novita.images import TXT2IMG, Txt2ImgRequest
from prefect_genmedia.settings import Settings, read_settings

HUGE = 10**400
THOUSANDS = 10**5000  # more digits than Python writes down
ABSURD: dict[str, Any] = {
    "nan": float("nan"), "inf": float("inf"), "-inf": -float("inf"), "-1": -1, "1e300": 1e300, "400 digits": HUGE,
    "-400 digits": -HUGE, "5000 digits": THOUSANDS, "True": True, "text": "5", "a list": [5],
}  # fmt: skip
NUMBERS = [
    name for name, field in Settings.model_fields.items() if "float" in str(field.annotation) or field.annotation is int
]


def test_every_number_of_the_settings_is_here() -> None:
    assert {"poll_seconds", "poll_failures", "lease_seconds", "submit_timeout_seconds"} <= set(NUMBERS)


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "-1", "1e300", "9" * 400, "9" * 5000, "true", "often", ""])
@pytest.mark.parametrize("name", NUMBERS)
def test_a_setting_that_cannot_be_meant_names_its_variable(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"GENMEDIA_{name.upper()}", value)
    with pytest.raises(ConfigurationError, match=f"GENMEDIA_{name.upper()} cannot be used") as caught:
        read_settings()
    assert "999" not in str(caught.value)


@pytest.mark.parametrize("name", ["poll_seconds", "poll_max_seconds", "lease_seconds", "submit_timeout_seconds"])
def test_nought_is_no_pause_no_lease_and_no_time_to_answer(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"GENMEDIA_{name.upper()}", "0")
    with pytest.raises(ConfigurationError, match=name.upper()):
        read_settings()


@pytest.mark.parametrize(
    "url", ["hooks.example.com", "ftp://h/callbacks", "https://", "https://h/c?a=1", "https://h/a b", "https://h:0/c"]
)
def test_a_callback_address_that_is_none_is_named(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENMEDIA_CALLBACK_URL", url)
    with pytest.raises(ConfigurationError, match="GENMEDIA_CALLBACK_URL"):
        read_settings()


def test_settings_that_are_shown_have_no_address_in_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENMEDIA_LEDGER_URL", "postgresql://user:s3cr3t@host/ledger")
    monkeypatch.setenv("GENMEDIA_MEDIA_STORE", "sftp://user:s3cr3t@host/media")
    settings = read_settings()
    assert settings.ledger_url.endswith("@host/ledger")
    assert "s3cr3t" not in f"{settings} {settings!r}"


@pytest.mark.parametrize("value", ABSURD.values(), ids=ABSURD)
@pytest.mark.parametrize("name", ["copy", "attempts", "deadline_seconds"])
def test_terms_refuse_what_cannot_be_meant(name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"^{name} must be a"):
        Terms(**{name: value})


@pytest.mark.parametrize(
    "given",
    [
        {"copy": 2**31}, {"copy": 1.0}, {"attempts": 0}, {"attempts": 101}, {"request_key": ""}, {"request_key": "  "},
        {"request_key": "k" * 1001}, {"request_key": 5}, {"on_unknown": "pray"},
    ],
)  # fmt: skip
def test_terms_refuse_what_is_out_of_range_or_no_word(given: dict[str, Any]) -> None:
    (name,) = given
    with pytest.raises(ConfigurationError, match=name):
        Terms(**given)


def test_terms_take_what_can_be_meant() -> None:
    Terms(copy=2**31 - 1, attempts=5, deadline_seconds=0, request_key="sku 4711, 2026-11-28", on_unknown="wait")


@pytest.mark.parametrize("value", ABSURD.values(), ids=ABSURD)
@pytest.mark.parametrize("name", ["per_run", "per_day", "unknown_cost", "minimum_balance", "per_tag"])
def test_a_budget_that_could_not_guard_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match="must be a number"):
        Budget(**{name: {"spring": value} if name == "per_tag" else value})


def test_a_job_that_would_count_nothing_is_no_assumption() -> None:
    with pytest.raises(ConfigurationError, match="unknown_cost"):
        Budget(per_day=5, unknown_cost=0)
    with pytest.raises(ConfigurationError, match="quota or USD"):
        Budget(per_day=5, unit="EUR")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("budget", "says"),
    [
        (Budget(unit="quota", per_run=0), "counts in quota"),
        (Budget(per_run=0), "price is not known"),
        (Budget(per_run=0, unknown_cost=0.01), "0 of 0 USD left"),
        (Budget(minimum_balance=1e9, unknown_cost=0.01), "USD left"),
    ],
)
async def test_a_budget_of_nothing_lets_nothing_through_whatever_the_provider_counts_in(
    budget: Budget, says: str
) -> None:
    from prefect_genmedia.emulator import Emulator

    request = Txt2ImgRequest(model_name="m", prompt="a moth", width=256, height=256)
    with Emulator(job_seconds=0.1) as emulator:
        account = Account(NOVITA, emulator.url, "key-0123456789")
        with pytest.raises(Exception, match=says):
            await run(TXT2IMG, request, account, terms=Terms(budget=budget))
        assert emulator.billed() == 0 and not emulator.requests()["requests"].get("POST /v3/async/txt2img")
