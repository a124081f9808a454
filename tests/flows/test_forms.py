"""The form of each shipped deployment in Prefect's UI: short, and every field says what it is."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
import yaml

from prefect_genmedia.deployments.shipped import FILE, form_of

DEPLOYMENTS = {each["name"]: each for each in yaml.safe_load(FILE.read_text())["deployments"]}


def form(name: str) -> dict[str, Any]:
    module, _, flow = DEPLOYMENTS[name]["entrypoint"].rpartition(".")
    return form_of(getattr(import_module(module), flow))


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_every_field_says_what_it_is(name: str) -> None:
    asked = form(name)
    models = {"": asked, **asked.get("definitions", {})}
    models.pop("MediaFile", None)  # what a task gives; nobody types it
    silent = [
        f"{model}.{field}"
        for model, fields in models.items()
        for field, said in fields.get("properties", {}).items()
        if field != "step" and not (said.get("description") and said.get("title"))  # the step's name is its tab
    ]
    assert not silent


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_what_may_be_left_out_is_an_empty_box_and_tabs_have_names(name: str) -> None:
    for field in form(name)["properties"].values():
        kinds = field.get("anyOf", [])
        assert all(kind["title"] for kind in kinds)
        is_simple = len(kinds) == 2 and kinds[0].get("type") in ("string", "integer", "number")
        assert not is_simple or field.get("default", "") is not None


def test_models_are_folded_until_they_are_set() -> None:
    schema = form("release-track")
    fields, folded = schema["properties"], schema["definitions"]["AdvancedTrack"]["properties"]
    assert fields["advanced"]["default"] == "usual"
    assert [kind["title"] for kind in folded["refinement"]["anyOf"]] == ["As usual", "Set", "None"]
    assert folded["refinement"]["default"] == folded["teaser"]["default"] == "usual"
    assert fields["lyrics"]["type"] == "string" and "default" not in fields["lyrics"]


def test_products_are_lines_of_text_or_models_and_no_json() -> None:
    """Prefect's form shows items of two kinds as JSON."""
    words, models = form("variants")["properties"]["products"]["anyOf"]
    assert words["items"]["type"] == "string" and words["minItems"] == models["minItems"] == 1
    assert models["items"] == {"$ref": "#/definitions/Product"}
