"""Novita's list of models."""

from __future__ import annotations

from typing import Any

from tests.emulator.clients import Novita


def test_models_page_by_page(novita: Novita) -> None:
    def page(**query: Any) -> dict[str, Any]:
        named = {name.replace("__", "."): value for name, value in query.items()}
        return dict(novita.http.get("/v3/model", params=named).json())

    everything = page(pagination__limit="100")
    assert everything["pagination"]["next_cursor"] == ""
    names = [model["sd_name"] for model in everything["models"]]
    assert len(names) == len(set(names)) > 30
    walked, cursor = [], "c_0"
    while cursor:
        part = page(pagination__limit="7", pagination__cursor=cursor)
        walked += [model["sd_name"] for model in part["models"]]
        cursor = part["pagination"]["next_cursor"]
    assert walked == names
    offset = page(pagination__cursor="c_10")["models"]
    assert [model["sd_name"] for model in offset] == names[10:]
    first = page(pagination__limit="5")["pagination"]["next_cursor"]
    twice = page(pagination__cursor="c_" + first)["models"]
    assert [model["sd_name"] for model in twice] == names[5:]


def test_models_filtered(novita: Novita) -> None:
    def found(**query: str) -> list[dict[str, Any]]:
        return list(novita.http.get("/v3/model", params=query).json()["models"])

    loras = found(**{"filter.types": "lora"})
    assert loras == found(**{"filter.type": "lora"}) == found(**{"filter[types]": "lora"})
    assert {model["type"]["name"] for model in loras} == {"lora"}
    assert all(model["sd_name"] == f"{model['sd_name_in_api']}.safetensors" for model in loras)
    assert {model["is_sdxl"] for model in found(**{"filter.is_sdxl": "True"})} == {True}
    assert {model["source"] for model in found(**{"filter.visibility": "private"})} == {"training"}
    plain = found(**{"filter.types": "checkpoint", "filter.is_inpainting": "False"})
    masks = found(**{"filter.types": "checkpoint", "filter.is_inpainting": "true"})
    assert plain
    assert masks
    assert not {model["id"] for model in plain} & {model["id"] for model in masks}
    assert [model["sd_name"] for model in found(**{"filter.query": "juggernaut"})] == [
        "juggernautXL_v9_240840.safetensors"
    ]
    for wrong in ({"filter.types": "odd"}, {"pagination.limit": "0"}, {"pagination.cursor": "c_%%"}):
        assert novita.http.get("/v3/model", params=wrong).status_code == 400
