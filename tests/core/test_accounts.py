"""A key at a provider's address: mistakes are told before anything is sent, and the key is never shown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from prefect_genmedia.emulator import Emulator
from prefect_genmedia.errors import ConfigurationError
from prefect_genmedia.operation import Account
from prefect_genmedia.providers.ttapi.envelope import TTAPI
from tests.shop import imagine, novita, refusal, ttapi

URL = "https://api.ttapi.io"


@pytest.mark.parametrize(
    "url",
    ["", "   ", "api.ttapi.io", "//api.ttapi.io", "ftp://api.ttapi.io", "https://", "https:///path", "file:///etc",
     "javascript:alert(1)", "http://[::1", "http://host:nonsense", "http://host:99999999", "https://ho st"],
)  # fmt: skip
def test_a_base_url_that_is_none_is_told(url: str) -> None:
    with pytest.raises(ConfigurationError, match="base_url"):
        Account(TTAPI, url, "key")


@pytest.mark.parametrize(
    "url", ["https://user:secret@host", "https://secret@host", "https://host?key=secret", "https://host#secret"]
)
def test_a_base_url_with_a_key_in_it_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(ConfigurationError, match="base_url") as caught:
        Account(TTAPI, url, "key")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", [f"{URL}/", f"{URL}//"])
def test_a_slash_at_the_end_does_no_harm(url: str) -> None:
    """The same account, so the same jobs."""
    account = Account(TTAPI, url, "key")
    assert account.base_url == URL
    assert account.fingerprint == Account(TTAPI, URL, "key").fingerprint


@pytest.mark.parametrize("url", [f" {URL}", f"{URL} ", f"\n{URL}/\n"])
def test_blanks_around_a_base_url_are_taken_off(url: str) -> None:
    """People paste it with its line end; it is the same account, so the same jobs."""
    assert Account(TTAPI, url, "key").base_url == URL


@pytest.mark.parametrize("key", ["", " ", "\n", '""', "''", ' "" '])
def test_an_empty_key_is_told(key: str) -> None:
    with pytest.raises(ConfigurationError, match="api_key"):
        Account(TTAPI, URL, key)


@pytest.mark.parametrize("key", ["two words", "line\nbreak", "tab\tbed", "schlüssel", "ke\x00y", "k\u200bey", "key…"])
def test_a_key_that_no_header_can_hold_is_told_and_not_shown(key: str) -> None:
    with pytest.raises(ConfigurationError, match="api_key") as caught:
        Account(TTAPI, URL, key)
    assert key not in str(caught.value)


@pytest.mark.parametrize("key", ["key", " key ", '"key"', "'key'", ' "key"\n', "key\r\n"])
def test_quotes_and_blanks_around_a_key_are_taken_off(key: str) -> None:
    """The vendor's quick start shows the key in quotes, and people paste it so."""
    account = Account(TTAPI, URL, key)
    assert account.api_key == "key"
    assert account.fingerprint == Account(TTAPI, URL, "key").fingerprint


def test_a_key_is_never_shown() -> None:
    for account in (ttapi(URL, "the-KEY-itself"), novita(URL, "the-KEY-itself")):
        assert "the-KEY-itself" not in f"{account!r} {account} {[account]} {account.fingerprint}"


def test_an_account_is_a_provider_an_address_and_a_key() -> None:
    """Jobs of one are never taken for jobs of another."""
    base = Account(TTAPI, URL, "key")
    others = [
        Account(TTAPI, URL, "another"),
        Account(TTAPI, "https://mirror.example", "key"),
        novita(URL, "key"),
        Account(TTAPI, URL, "key", name="main"),
    ]
    assert len({account.fingerprint for account in [base, *others]}) == 5


def test_a_name_keeps_the_account_when_its_key_changes() -> None:
    named = Account(TTAPI, URL, "old", name="main")
    assert replace(named, api_key="new").fingerprint == named.fingerprint


async def test_the_key_goes_out_as_the_provider_wants_it(emulator: Emulator) -> None:
    emulator.configure(api_key="the-key")
    quoted = Account(TTAPI, emulator.url, '"the-key"')
    assert (await refusal(imagine("forbidden-by-emulator"), quoted)).provider == "ttapi"
    assert emulator.requests()["statuses"] == {"400": 1}  # let in, and refused for its prompt


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GENMEDIA_LEDGER_URL", "nonsense"),
        ("GENMEDIA_LEDGER_URL", "mysql://user:secret@host/database"),
        ("GENMEDIA_LEDGER_URL", "sqlite://"),
        ("GENMEDIA_LEDGER_URL", "sqlite:///:memory:"),
        ("GENMEDIA_MEDIA_STORE", "nosuch://bucket"),
        ("GENMEDIA_POLL_SECONDS", "often"),
        ("GENMEDIA_WITNESS_CALLBACK", "perhaps"),
    ],
)
async def test_a_setting_that_cannot_be_is_told_before_anything_is_sent(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    error = await refusal(imagine(), ttapi(emulator.url))
    assert isinstance(error, ConfigurationError)
    assert name in str(error) or "ledger" in str(error)
    assert "secret" not in str(error)
    assert emulator.requests()["requests"] == {}
