"""Concepts × products: every one bought once, near-duplicates dropped, and what people said of them comes first."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from prefect_genmedia.cli import main
from prefect_genmedia.errors import ConfigurationError, GenMediaError
from prefect_genmedia.flows import variants
from prefect_genmedia.flows.steps.ranking import ranked
from prefect_genmedia.imaging import Rendition
from prefect_genmedia.jobs.buying import ledger_of
from prefect_genmedia.ledger import Asked, Verdict
from prefect_genmedia.settings import Settings, read_settings
from prefect_genmedia.tasks import imaging
from tests.orchestration.saving import save

SIZES = [Rendition(name="square", width=96, height=96)]
CONCEPTS = [{"name": "Snow", "prompt": "{product} on fresh snow"}, {"name": "night", "prompt": "{product} at night"}]


@pytest.fixture
async def asked(ttapi, novita, photos) -> dict[str, Any]:
    await save(ttapi, "t")
    await save(novita, "n")
    products = [{"name": "boots", "words": "red rubber boots"}, {"name": "cup", "picture": str(photos / "coffee.png")}]
    return {
        "concepts": CONCEPTS,
        "products": products,
        "renditions": SIZES,
        "collection": "winter",
        "advanced": {"style": {"longest_side": 128}, "ttapi_credentials": "t", "novita_credentials": "n"},
    }


def published() -> dict[str, dict[str, Any]]:
    folder = Path(Settings().media_store) / "published" / "winter"
    return {
        path.relative_to(folder).as_posix(): json.loads(Path(f"{path}.json").read_text())
        for path in folder.rglob("*.jpg")
    }


def say(sha256: str, decision: Any, stars: int | None = None) -> None:
    ledger = ledger_of(read_settings())
    ledger.ask(f"flow:{sha256}", [Asked(0, 1, sha256, {})])
    ledger.decide(f"flow:{sha256}", {0: Verdict(decision, "Ana", rating=stars)})


async def test_every_concept_of_every_product_once_and_in_peoples_order(emulator, asked):
    report = await variants(**asked)
    files = published()
    assert sorted(files) == [
        f"{concept}/{product}-1-square.jpg" for concept in ("night", "snow") for product in ("boots", "cup")
    ]
    assert emulator.jobs()["counts"] == {"midjourney.imagine": 2, "novita.img2img": 2} and report.files == 4
    snow = files["snow/boots-1-square.jpg"]
    assert snow["prompt"] == "red rubber boots on fresh snow"
    assert snow["variant"] == {"concept": "Snow", "product": "boots", "place": 1, "stars": None}
    # Somebody rejects the first in a review of what is published, and likes another of its grid.
    say(snow["parents"][0]["sha256"], "rejected")
    ledger = ledger_of(read_settings())
    (row,) = (row for row in ledger.rows() if row.operation == "midjourney.imagine" and "snow" in row.title)
    others = [file for file in ledger.media(row.id)[1:] if file.sha256 != snow["parents"][0]["sha256"]]
    with pytest.raises(SystemExit, match=r"^0$"):
        main(["rate", others[1].uri.removeprefix("file://"), "--stars", "5", "--by", "Ben"])
    again = await variants(**asked, best=2)
    assert [each.state for each in again.outcomes] == ["already there"] * 4 and emulator.billed() == 4
    places = [published()[f"snow/boots-{place}-square.jpg"] for place in (1, 2)]
    assert [each["variant"]["stars"] for each in places] == [5, None]
    first, second = (each["parents"][0]["sha256"] for each in places)
    assert first == others[1].sha256 and second != snow["parents"][0]["sha256"]


async def test_stars_then_faults_then_sharpness_and_of_two_that_are_alike_the_better(photos):
    ledger = ledger_of(read_settings())
    cat, cup = [await imaging.take_in(str(photos / f"{name}.png")) for name in ("chelsea", "coffee")]
    (worse,) = await imaging.render(cat, [Rendition(name="worse", width=120, height=80)])
    files = [worse, cat, cup]
    first = await ranked(files, ledger)
    assert len(first) == 2 and {each.stars for each in first} == {None}
    low = first[-1].file
    ledger.rate("flow:1", low.sha256, 4, "Ana")
    assert (await ranked(files, ledger))[0].file == low
    say(low.sha256, "rejected")
    assert low not in [each.file for each in await ranked(files, ledger)]


@pytest.mark.slow
async def test_one_that_fails_is_told_apart_and_what_cannot_be_asked_buys_nothing(emulator, asked):
    for words, wrong in {
        "has no {product}": {"concepts": [{"name": "a", "prompt": "boots"}]},
        "two products are called the same": {"products": [{"name": "Cup"}, {"name": "cup"}]},
        "no TTAPI Credentials block": {"advanced": {"ttapi_credentials": "none"}},
    }.items():
        with pytest.raises(ConfigurationError, match=words):
            await variants(**{**asked, **wrong})
    expected = await variants(**asked, dry_run=True)
    assert expected.jobs == 4 and emulator.submits() == 0
    emulator.add_faults({"kind": "job_fails", "operation": "novita.img2img", "times": 1, "message": "[Internal]"})
    with pytest.raises(GenMediaError, match=r"1 of 4 variants failed: .* × cup: "):
        await variants(**asked)
    assert len(published()) == 3


async def test_a_slot_that_nothing_fills_is_refused_and_the_vendors_own_braces_are_not(emulator, asked):
    misspelt = [{"name": "snow", "prompt": "{product} with a {colour} ribbon"}]
    with pytest.raises(ConfigurationError, match=r"a prompt has \{colour\}; only \{product\} is filled in"):
        await variants(**{**asked, "concepts": misspelt})
    permuted = [{"name": "snow", "prompt": "{product} in {red, green} light"}]
    await variants(**{**asked, "concepts": permuted, "dry_run": True})
    assert emulator.billed() == 0


@pytest.mark.parametrize("words", ["boots\nred", "a\x00b", "", "b" * 81])
async def test_a_product_in_words_that_is_no_name_is_refused_by_its_place(emulator, asked, words):
    with pytest.raises(ConfigurationError, match=r"products\.0"):
        await variants(**{**asked, "products": [words]})
    assert emulator.submits() == 0


async def test_a_product_may_be_given_in_words_alone(emulator, asked):
    await variants(**{**asked, "concepts": asked["concepts"][:1], "products": ["red boots"]})
    assert emulator.jobs()["counts"] == {"midjourney.imagine": 1}
    assert [name.rpartition("/")[2] for name in published()] == ["red-boots-1-square.jpg"]
