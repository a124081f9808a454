"""Sizes by name: presets.yaml, and a user's own from a file or a Prefect variable (`GENMEDIA_PRESETS`)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date as Day
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from prefect_genmedia.checking import refusal
from prefect_genmedia.errors import ConfigurationError
from prefect_genmedia.imaging.renditions import Format, Rendition

VARIABLE = "variable:"
USUAL = ("portrait", "square", "story", "link", "pin", "wide", "product", "thumb")
"""What `illustrate` publishes unless it is told otherwise."""


class Preset(BaseModel):
    """A size with a name. `source` and `date` say who asks for it, and when that was read."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    width: int | None = None
    height: int | None = None
    fit: Literal["cover", "contain", "inside"] = "cover"
    format: Format = "jpeg"
    quality: int | None = None
    max_bytes: int | None = None
    ssim: float | None = None
    background: str = "#ffffff"
    focus: tuple[float, float] = (0.5, 0.5)
    attention: bool = False
    enlarge: bool = True
    use: str = ""
    source: str = "yours"
    date: Day | None = None

    @model_validator(mode="after")
    def _is_a_rendition(self) -> Self:
        self.rendition("preset")
        return self

    def rendition(self, name: str) -> Rendition:
        return Rendition(name=name, **self.model_dump(exclude={"use", "source", "date"}))


@cache
def shipped_presets() -> Mapping[str, Preset]:
    """Those that come with the pack, by name."""
    text = files("prefect_genmedia.imaging.recipes").joinpath("presets.yaml").read_text("utf-8")
    return read_presets(yaml.safe_load(text), "presets.yaml")


def read_presets(rows: Any, where: str) -> dict[str, Preset]:
    """Presets by name: {name: {width: ..., height: ...}}. Raises ConfigurationError that names the row."""
    if not isinstance(rows, Mapping):
        raise ConfigurationError(f"{where} should hold presets by name, such as banner: {{width: 1500, height: 500}}")
    found = {}
    error: ConfigurationError
    for name, row in rows.items():
        try:
            found[str(name)] = Preset.model_validate(row)
            found[str(name)].rendition(str(name))
            continue
        except ValidationError as failure:
            error = ConfigurationError(f"{where}: {refusal(failure, within=str(name)).message}")
        raise error
    return found


def presets_in_file(path: str) -> dict[str, Preset]:
    """A user's own. Raises ConfigurationError."""
    try:
        rows = yaml.safe_load(Path(path).expanduser().read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as failure:
        said = getattr(failure, "strerror", None) or "it is no text"
        raise ConfigurationError(f"the presets {path} cannot be read: {said}", advice="See GENMEDIA_PRESETS.") from None
    except yaml.YAMLError:
        raise ConfigurationError(f"the presets {path} are no YAML") from None
    return read_presets(rows, path)
