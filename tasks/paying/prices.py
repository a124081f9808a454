"""Prices of a user's own in a Prefect variable: `GENMEDIA_PRICES=variable:NAME`."""

from __future__ import annotations

from typing import Any

import yaml
from prefect.variables import Variable

from prefect_genmedia.errors import ConfigurationError
from prefect_genmedia.providers.facts import VARIABLE, Price, read_prices
from prefect_genmedia.settings import read_settings

_last: dict[str, tuple[Price, ...]] = {}  # what a variable held when it could last be read


async def variable_prices() -> tuple[Price, ...] | None:
    """The prices of the variable that the setting names; None where it names none. Raises ConfigurationError."""
    setting = read_settings().prices or ""
    if not setting.startswith(VARIABLE):
        return None
    name = setting.removeprefix(VARIABLE).strip()
    where = f"the Prefect variable {name!r}"
    try:
        value: Any = await Variable.aget(name)
    except Exception as away:  # whatever Prefect's client says: paid work does not wait for its API
        if name in _last:
            return _last[name]
        why = type(away).__name__
    else:
        if value is None:
            raise ConfigurationError(f"there is no {where.removeprefix('the ')}", advice="prefect variable set")
        _last[name] = read_prices(_parsed(value), where)
        return _last[name]
    raise ConfigurationError(f"{where} cannot be read ({why})")


def _parsed(value: Any) -> Any:
    """A variable is JSON; or text, from an older Prefect or a command line."""
    try:
        return yaml.safe_load(value) if isinstance(value, str) else value
    except yaml.YAMLError:
        return None
