"""A key that is given in a wrong way is refused without being shown; and what a budget must be to be one."""

from __future__ import annotations

import json
import traceback
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from prefect_genmedia.blocks import Budget, NovitaCredentials, SigningCertificate, TTAPICredentials
from prefect_genmedia.errors import ConfigurationError

KEY = "k3y-s3cr3t-0123456789"
Block = type[TTAPICredentials] | type[NovitaCredentials]


class Holder(BaseModel):
    """A user's model, or a flow's parameters, with credentials in it."""

    credentials: TTAPICredentials | NovitaCredentials


WAYS: dict[str, Callable[[Block], Any]] = {
    "a misspelt field": lambda block: block(api_kee=KEY),
    "a field too many": lambda block: block(api_key="k-123456", api_kee=KEY),
    "the key as a field's name": lambda block: block(api_key="k-123456", **{KEY: "x"}),
    "a list": lambda block: block(api_key=[KEY]),
    "a dict": lambda block: block(api_key={"key": KEY}),
    "a number": lambda block: block(api_key=KEY.encode() + b"\xff"),
    "JSON": lambda block: block.model_validate_json(json.dumps({"api_kee": KEY})),
    "JSON of another kind": lambda block: block.model_validate_json(json.dumps([KEY])),
    "no JSON": lambda block: block.model_validate_json('{"api_key": "' + KEY),
    "bytes that are no JSON": lambda block: block.model_validate_json(b'{"api_key": "' + KEY.encode()),
    "no JSON, as pydantic 1 read it": lambda block: block.parse_raw('{"api_key": "' + KEY),
    "the key alone": lambda block: block.model_validate(KEY),
    "a set": lambda block: block.model_validate({KEY}),
    "texts": lambda block: block.model_validate_strings({"api_kee": KEY}),
    "an adapter's JSON": lambda block: TypeAdapter(block).validate_json(json.dumps({"api_key": [KEY]})),
    "a field of a model": lambda block: Holder(credentials={"api_kee": KEY}),
    "a model's wrong field": lambda block: Holder(credentials=KEY),
    "a signed address": lambda block: block(api_key="k-123456", base_url=f"https://h?key={KEY}"),
    "a password alone": lambda block: block(api_key="k-123456", base_url=f"https://:{KEY}@h"),
    "a user alone": lambda block: block(api_key="k-123456", base_url=f"https://{KEY}@h"),
    "a user and a password": lambda block: block(api_key="k-123456", base_url=f"https://user:{KEY}@h"),
    "a fragment": lambda block: block(api_key="k-123456", base_url=f"https://h#{KEY}"),
    "a list of addresses": lambda block: block(api_key="k-123456", base_url=[f"https://:{KEY}@h"]),
    "a key with a letter that none has": lambda block: block(api_key=KEY + "ü"),
    "a budget": lambda block: block(api_key="k-123456", budget=KEY),
    "a budget's limit": lambda block: block(api_key="k-123456", budget={"per_day": KEY}),
    "a budget's zone": lambda block: block(api_key="k-123456", budget={"per_day": 5, "timezone": KEY}),
    "set afterwards": lambda block: setattr(block(api_key="k-123456"), "api_key", [KEY]),
    "set under another name": lambda block: setattr(block(api_key="k-123456"), "api_kee", KEY),
    "a copy": lambda block: block(api_key="k-123456").model_copy(update={"api_kee": KEY}),
    "a positional argument": lambda block: block(KEY),
}


@pytest.mark.parametrize("block", [TTAPICredentials, NovitaCredentials])
@pytest.mark.parametrize("way", WAYS)
def test_a_key_given_in_a_wrong_way_is_refused_and_not_shown(block: Block, way: str) -> None:
    with pytest.raises((ValidationError, ConfigurationError, TypeError)) as caught, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # parse_raw is deprecated
        WAYS[way](block)
    error = caught.value
    said = "".join(traceback.format_exception(error)) + repr(error) + str(error.args)
    if isinstance(error, ValidationError):
        said += f"{error.errors()} {error.json()}"
    assert KEY not in said and "k3y-s3" not in said


def test_a_misspelt_field_is_named_with_what_was_meant() -> None:
    with pytest.raises(ValidationError, match="no field 'api_kee'; did you mean 'api_key'"):
        TTAPICredentials(api_kee=KEY)
    with pytest.raises(ValidationError, match="api_key\n  Field required"):
        TTAPICredentials()
    with pytest.raises(ValidationError, match=r"budget\.per_day"):
        TTAPICredentials(api_key=KEY, budget={"per_day": -1})


@pytest.mark.parametrize(
    "make",
    [
        lambda: TTAPICredentials(api_key=KEY),
        lambda: TTAPICredentials.model_construct(api_key=KEY, base_url=f"https://:{KEY}@h"),
        lambda: TTAPICredentials(api_key="k-123456").model_copy(update={"api_key": KEY}),
        lambda: TTAPICredentials.model_validate(TTAPICredentials(api_key=KEY).model_dump()),
        lambda: Holder(credentials=NovitaCredentials(api_key=KEY)),
        lambda: Holder(credentials={"api_key": KEY, "block_type_slug": "novita-credentials"}),
        lambda: TTAPICredentials(api_key=KEY).get_client(),
    ],
    ids=["made", "made unchecked", "copied", "read back", "in a model", "in a model by its slug", "the account"],
)
def test_what_is_made_with_a_key_does_not_show_it(make: Callable[[], Any]) -> None:
    made = make()
    assert KEY not in f"{made} {made!r}"


def test_a_key_set_afterwards_is_a_key() -> None:
    credentials = TTAPICredentials(api_key="k-123456")
    credentials.api_key = KEY  # type: ignore[assignment]  # as users do
    assert KEY not in repr(credentials) and credentials.get_client().api_key == KEY


@pytest.mark.parametrize(
    "given",
    [
        {"private_kee": KEY},
        {"private_key": [KEY]},
        {"private_key": KEY},
        {"certificate": "x", "private_key": KEY, "time_stamp_url": KEY},
        {"certificate": "x", "private_key": KEY, "passphrase": {"is": KEY}},
    ],
    ids=str,
)
def test_a_private_key_given_in_a_wrong_way_is_not_shown(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        SigningCertificate(**given)
    assert KEY not in f"{caught.value} {caught.value.errors()}"


def test_a_signing_certificate_shows_nothing_also_when_it_cannot_sign() -> None:
    block = SigningCertificate(certificate=KEY, private_key=KEY, passphrase=KEY)
    with pytest.raises(ConfigurationError) as caught:
        block.get_signer()
    said = "".join(traceback.format_exception(caught.value))
    assert KEY not in f"{block} {block!r} {block.model_dump_json()} {said}"


# -- budgets ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "limits",
    [
        {},
        {"unknown_cost": 4},
        {"per_tag": {}},
        {"per_tag": {"spring": -5}},
        {"per_tag": {"": 5}},
        {"per_day": -1},
        {"per_day": float("nan")},
        {"per_day": float("inf")},
        {"per_day": True},
        {"per_day": 1e300},
        {"per_day": 10**400},
        {"per_day": 5, "unknown_cost": 0},
        {"per_day": 5, "unit": "EUR"},
        {"per_day": 5, "per_flow_rum": 5},
    ],
    ids=str,
)
def test_a_budget_that_could_not_guard_is_refused_when_it_is_made(limits: dict[str, Any]) -> None:
    with pytest.raises((ValidationError, ConfigurationError)):
        Budget(**limits)


def test_a_limit_that_is_changed_afterwards_is_checked_too() -> None:
    budget = Budget(per_day=5)
    with pytest.raises(ValidationError):
        budget.per_day = -5
    with pytest.raises(ValidationError):
        budget.per_dey = 5
    with pytest.raises(ValidationError):
        budget.model_copy(update={"per_tag": {"spring": float("nan")}})


@pytest.mark.parametrize(("block", "other"), [(TTAPICredentials, "USD"), (NovitaCredentials, "quota")])
def test_a_budget_counts_in_what_the_provider_counts_in(block: Block, other: Any) -> None:
    assert block(api_key=KEY, budget=Budget(per_day=5)).budget.limits().unit is None
    wrong = Budget(per_day=5, unit=other)
    with pytest.raises(ConfigurationError, match=f"counts in {other}"):
        block(api_key=KEY, budget=wrong)
    with pytest.raises(ConfigurationError, match=f"counts in {other}"):
        block(api_key=KEY).model_copy(update={"budget": wrong})
    credentials = block(api_key=KEY)
    with pytest.raises(ConfigurationError, match=f"counts in {other}"):
        credentials.budget = wrong
