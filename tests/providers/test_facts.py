"""What is known beside paths and fields: prices by the fields that move them, limits; and a user's own prices."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from prefect_genmedia.errors import ConfigurationError
from prefect_genmedia.jobs.purchase import own_prices
from prefect_genmedia.jobs.values import Terms
from prefect_genmedia.providers import OPERATIONS
from prefect_genmedia.providers.facts import (
    Price,
    expected_cost,
    gives,
    limit_of,
    limits,
    read_prices,
    shipped_prices,
)
from prefect_genmedia.settings import read_settings
from prefect_genmedia.tasks import midjourney, novita, suno, ttapi

COSTS: list[tuple[Any, float | None]] = [
    (midjourney.ImagineRequest(prompt="a kite"), 2),
    (midjourney.ImagineRequest(prompt="a kite", mode="relax"), None),
    (suno.MusicRequest(gpt_description_prompt="rain"), 6),
    (suno.ConcatRequest(music_id="m"), 0),
    (suno.ExtendRequest(custom=True, music_id="m", continue_at=1), None),
    (ttapi.GrokVideoRequest(prompt="a kite", video_length=30), 9),
    (ttapi.GrokVideoRequest(prompt="a kite", video_length=10), None),
    (ttapi.GrokVideoRequest(prompt="a kite", video_length=30, resolution_name="480p"), None),
    (ttapi.SoraVideoRequest(prompt="a kite"), 3),
    (ttapi.SoraVideoRequest(prompt="a kite", duration=15), None),
    (ttapi.SoraPartnerVideoRequest(prompt="a kite", seconds=8), None),
    (novita.KlingV21T2VMasterRequest(prompt="a kite"), None),
]


def operation_of(request: Any) -> Any:
    return next(each for each in OPERATIONS.values() if each.request is type(request))


def cost(request: Any, *own: Price) -> float | None:
    return expected_cost(operation_of(request), request.canonical({}), own)


@pytest.mark.parametrize(("request_", "quota"), COSTS)
def test_a_price_is_for_the_fields_that_its_source_shows(request_: Any, quota: float | None) -> None:
    assert cost(request_) == quota


def test_no_figure_without_source_and_date() -> None:
    for fact in (*shipped_prices(), *limits()):
        assert fact.source.startswith("https://") and fact.date is not None
    for price in shipped_prices():
        assert set(price.fields) <= set(OPERATIONS[price.operation].request.model_fields), price
    read_prices([price.model_dump(mode="json") for price in shipped_prices()], "the pack's own file")


def test_every_operation_says_what_it_gives_and_where_its_limits_are() -> None:
    assert list(gives()) == list(OPERATIONS)
    assert {limit_of(name).source for name in OPERATIONS} == {limit.source for limit in limits()}


def test_a_price_of_your_own_goes_first_where_it_fits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rows = [
        {"operation": "midjourney.imagine", "when": {"mode": ["relax", "fast"]}, "price": 1.5},
        {"operation": "novita.minimax_hailuo_02", "when": {"resolution": "768p"}, "price": 0.05, "times": "duration"},
        {"operation": "ttapi.veo_video", "price": 7},  # a former name
    ]
    file = tmp_path / "prices.yaml"
    file.write_text(json.dumps(rows))
    monkeypatch.setenv("GENMEDIA_PRICES", str(file))
    own = own_prices(Terms(), read_settings())
    assert cost(midjourney.ImagineRequest(prompt="a kite", mode="relax"), *own) == 1.5
    assert cost(midjourney.ImagineRequest(prompt="a kite"), *own) == 1.5
    assert cost(midjourney.ImagineRequest(prompt="a kite", mode="turbo"), *own) is None
    assert cost(novita.MinimaxHailuo02Request(prompt="a kite", duration=10), *own) == pytest.approx(0.5)
    assert cost(ttapi.GeminiVideoRequest(prompt="a kite", aspect_ratio="16:9"), *own) == 7
    assert cost(suno.MusicRequest(gpt_description_prompt="rain"), *own) == 6
    file.write_text(json.dumps({"prices": []}))
    assert own_prices(Terms(), read_settings()) == ()
    assert own_prices(Terms(prices=own), read_settings()) is own


WRONG: list[tuple[Any, str]] = [
    ("nonsense", "holds no list"),
    ([{"operation": "midjourney.imagine"}], "price 1 of here cannot be read: price"),
    ([{"operation": "midjourney.imagine", "price": -1}], "greater than or equal to 0"),
    ([{"operation": "midjourney.imagine", "price": float("nan")}], "finite"),
    ([{"operation": "midjourney.imagine", "price": 1, "prise": 2}], "prise"),
    ([{"operation": "midjourney.imagin", "price": 1}], "names no operation"),
    (
        [{"operation": "midjourney.imagine", "price": 1, "when": {"speed": 1}}],
        "a field that midjourney.imagine does not",
    ),
    ([{"operation": "midjourney.imagine", "price": 1, "times": "pictures"}], "a field that"),
]


@pytest.mark.parametrize(("rows", "said"), WRONG, ids=[said for _, said in WRONG])
def test_a_wrong_price_is_refused_before_anything_is_bought(rows: Any, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        read_prices(rows, "here")


@pytest.mark.parametrize(
    ("setting", "said"),
    [("none.yaml", "cannot be read"), ("variable:prices", "only the tasks read"), ("bad.yaml", "holds no list")],
)
def test_prices_that_cannot_be_had_are_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, setting: str, said: str
) -> None:
    (tmp_path / "bad.yaml").write_text("[}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GENMEDIA_PRICES", setting)
    with pytest.raises(ConfigurationError, match=said):
        own_prices(Terms(), read_settings())
