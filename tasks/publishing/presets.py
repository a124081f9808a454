"""All sizes that have a name: the pack's, and before them a user's own (`GENMEDIA_PRESETS`)."""

from __future__ import annotations

from typing import Any

import yaml
from prefect.variables import Variable

from prefect_genmedia.errors import ConfigurationError
from prefect_genmedia.imaging.recipes.presets import VARIABLE, Preset, presets_in_file, read_presets, shipped_presets
from prefect_genmedia.settings import read_settings


async def known_presets() -> dict[str, Preset]:
    """By name. Raises ConfigurationError when a user's own cannot be read."""
    setting = (read_settings().presets or "").strip()
    if not setting:
        return dict(shipped_presets())
    if not setting.startswith(VARIABLE):
        return {**shipped_presets(), **presets_in_file(setting)}
    name = setting.removeprefix(VARIABLE).strip()
    error: ConfigurationError
    try:
        value: Any = await Variable.aget(name)
    except Exception as away:  # whatever Prefect's client says
        error = ConfigurationError(f"the Prefect variable {name!r} cannot be read ({type(away).__name__})")
    else:
        if value is not None:
            return {**shipped_presets(), **read_presets(_parsed(value), f"the Prefect variable {name!r}")}
        error = ConfigurationError(f"there is no Prefect variable {name!r}", advice="prefect variable set")
    raise error


def _parsed(value: Any) -> Any:
    """A variable is JSON; or text, from a command line."""
    try:
        return yaml.safe_load(value) if isinstance(value, str) else value
    except yaml.YAMLError:
        return None
