"""What a run can know is said before its first purchase: the emulator has not been asked for one."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from prefect_genmedia.blocks import Budget, NovitaCredentials, TTAPICredentials
from prefect_genmedia.errors import AuthenticationError, ConfigurationError, GenMediaError
from prefect_genmedia.flows import Photograph, Refinement, clip, content_calendar, illustrate, restyle
from prefect_genmedia.imaging import Rendition
from tests.orchestration.keys import NOVITA_KEY, TTAPI_KEY
from tests.orchestration.saving import save
from tests.orchestration.test_events import arrived

SMALL = {"refinement": Refinement(longest_side=128), "renditions": [Rendition(name="square", width=96, height=96)]}
A_NOVITA = {"novita_credentials": "money-n"}
NAMES: dict[str, Any] = {"advanced": {"ttapi_credentials": "money-t", "novita_credentials": "money-n"}}


@pytest.fixture
async def blocks(ttapi: TTAPICredentials, novita: NovitaCredentials) -> None:
    await save(ttapi, "money-t")
    await save(novita, "money-n")


async def refusal(flow: Any, **asked: Any) -> list[str]:
    """The sentences of the error with which a run ends."""
    with pytest.raises(GenMediaError) as caught:
        await flow(**asked)
    assert isinstance(caught.value, (ConfigurationError, AuthenticationError)), caught.value
    return caught.value.sentences


async def test_a_wrong_key_of_either_provider_stops_every_flow_with_what_to_type(emulator, blocks, photos):
    """Also that of the second provider, which would show only when the first has been paid."""
    emulator.configure(api_key=TTAPI_KEY)
    happened, money, advice = await refusal(illustrate, prompts=["a kite"], **SMALL, **NAMES)
    assert "the key of the Novita AI Credentials block 'money-n' is not accepted" in happened
    assert (money, advice) == (
        "Nothing was bought.", "Save the right key: genmedia setup --novita money-n; then run again.",
    )  # fmt: skip
    rows = [{"prompt": "a kite"}]
    assert "'money-n'" in (await refusal(content_calendar, rows=rows, **SMALL, **NAMES))[0]
    asked = {"photographs": [str(photos / "coffee.png")], "advanced": {"novita_credentials": "money-n"}}
    assert "'money-n'" in (await refusal(restyle, prompt="in oil", **asked))[0]
    emulator.configure(api_key=NOVITA_KEY)
    assert "genmedia setup --ttapi money-t" in (await refusal(illustrate, prompts=["a kite"], **SMALL, **NAMES))[2]
    assert emulator.submits() == 0 == emulator.billed()


async def test_what_cannot_be_read_is_said_with_what_became_of_the_money(emulator, blocks, tmp_path):
    (tmp_path / "empty.jpg").touch()
    for flow, asked, says in (
        (illustrate, {}, "there is nothing to make."),
        (restyle, {"prompt": "in oil", "folder": str(tmp_path / "away")}, "cannot be listed"),
        (content_calendar, {"source": str(tmp_path / "away.csv")}, "cannot read"),
        (clip, {"still": str(tmp_path / "empty.jpg"), "prompt": "the boats rock", "advanced": A_NOVITA}, "is empty"),
    ):
        with pytest.raises(GenMediaError) as said:
            await flow(**asked)
        happened, money, advice = said.value.sentences
        assert says in happened and money == "Nothing was bought." and "run again" in advice
    assert emulator.submits() == 0 == emulator.billed()


@pytest.mark.slow
async def test_a_budget_that_cannot_count_what_it_will_be_asked_is_said_first(emulator, blocks, ttapi, novita, photos):
    guarded = novita.model_copy(update={"budget": Budget(per_day=5.0)})
    await save(guarded, "money-n")
    happened, money, advice = await refusal(illustrate, prompts=["a kite"], **SMALL, **NAMES)
    assert "the budget of the Novita AI Credentials block 'money-n' cannot count novita.img2img" in happened
    assert money == "Nothing was bought." and "unknown_cost" in advice and "GENMEDIA_PRICES" in advice
    assert emulator.submits() == 0 == emulator.billed()
    # With an assumption, or of what has a price, it is no reason to stop.
    await save(novita.model_copy(update={"budget": Budget(per_day=5.0, unknown_cost=0.01)}), "money-n")
    await save(ttapi.model_copy(update={"budget": Budget(per_day=50.0)}), "money-t")
    await illustrate(prompts=["a kite"], **SMALL, **NAMES)
    assert emulator.billed() == 2


@pytest.mark.parametrize(
    ("asked", "env", "says"),
    [
        ({}, {"GENMEDIA_MEDIA_STORE": "/proc/nope"}, "cannot be written"),
        ({}, {"GENMEDIA_MEDIA_STORE": "abfs://container/media"}, "needs a library that is not installed"),
        ({}, {"GENMEDIA_FONTS": "/nowhere/sans.ttf"}, "sans.ttf"),
        ({"recipe": "steps: [{step: crop, width: 4000, height: 4000}]"}, {}, "the recipe cannot work"),
        ({"advanced": {"chooser": "no_such_module:choose"}}, {}, "chooser"),
        ({"advanced": {"chooser": "os:sep"}}, {}, "is no function"),
        (
            {"advanced": {"moderation_policy": "block", "moderation_check": "no_such_module:look"}},
            {},
            "moderation_check",
        ),
        ({"advanced": {"ttapi_credentials": "nowhere"}}, {}, "no TTAPI Credentials block called 'nowhere'"),
    ],
    ids=["store", "extra", "fonts", "recipe", "chooser", "no function", "check", "block"],
)
@pytest.mark.sampled(3)
async def test_what_cannot_be_kept_made_or_chosen_is_said_first(emulator, blocks, monkeypatch, asked, env, says):
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    label = {"recipe": "steps: [{step: label, text: gull}]"} if "GENMEDIA_FONTS" in env else {}
    asked = {**asked, "advanced": {**NAMES["advanced"], **asked.get("advanced", {})}}
    happened, money, advice = await refusal(illustrate, prompts=["a kite"], **{**SMALL, **label, **asked})
    assert says in happened and money == "Nothing was bought." and advice
    assert emulator.submits() == 0 == emulator.billed()


async def test_a_provider_that_is_away_is_waited_for_and_an_empty_account_is_said(emulator, blocks, photos, caplog):
    """A run that may last all night is not ended by a minute's outage; an account may be topped up meanwhile."""
    emulator.add_faults({"kind": "answer_endless", "at": "account", "times": 1})
    photographs = [Photograph(picture=str(photos / "coffee.png"), prompt="in ink")]
    await illustrate(photographs=photographs, **SMALL, **NAMES)
    assert "cannot be asked now" in caplog.text and emulator.billed() == 1
    emulator.configure(start_balance=0.0)
    await save(NovitaCredentials(api_key="another", base_url=emulator.url), "money-n")
    with pytest.raises(GenMediaError, match="1 of 1 pictures failed"):
        await illustrate(photographs=photographs, **SMALL, **NAMES)
    assert "the Novita AI Credentials block 'money-n' has 0 USD left" in caplog.text
    assert emulator.billed() == 1


@pytest.mark.slow
async def test_a_low_balance_and_a_budget_that_is_nearly_gone_are_events(emulator, blocks, ttapi, caplog):
    """For the automations of genmedia setup --notify."""
    emulator.configure(start_balance=300.0)
    guarded = ttapi.model_copy(update={"budget": Budget(per_day=4.0), "api_key": SecretStr("poor")})
    await save(guarded, "money-t")
    asked = {"refinement": None, "renditions": SMALL["renditions"], **NAMES}
    await illustrate(prompts=["a kite", "a drum"], **asked)
    assert "has 300 quota left" in caplog.text and "left today" not in caplog.text
    with pytest.raises(GenMediaError, match="1 of 1 pictures failed"):
        await illustrate(prompts=["a bell"], **asked)
    assert "the budget of the TTAPI Credentials block 'money-t' has 0 of 4 quota left today" in caplog.text
    assert emulator.billed() == 2
    account = f"genmedia.account.{guarded.get_client().fingerprint}"
    for name in ("genmedia.balance.low", "genmedia.budget.low"):
        event = await arrived(name, account)
        assert "money-t" in event["payload"]["says"] and "poor" not in str(event)
