"""A forecast against what the emulator then bills; and the ledger's own figures, once there are some."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import Any

import pytest

from prefect_genmedia.budget import Budget
from prefect_genmedia.cli import main
from prefect_genmedia.emulator import Emulator
from prefect_genmedia.errors import BudgetExceededError, ConfigurationError
from prefect_genmedia.forecast import GUESSED, Forecast, forecast
from prefect_genmedia.jobs import Terms, run
from prefect_genmedia.operation import Account
from prefect_genmedia.providers import OPERATIONS
from prefect_genmedia.providers.facts import Price
from prefect_genmedia.tasks import midjourney, novelai, novita, suno, ttapi
from tests import shop

LINK = "https://example.com/a.png"
SMALL = {"model_name": "dreamshaper_8_93211.safetensors", "prompt": "a kite", "width": 128, "height": 128}
TINY: dict[str, Any] = {"width": 64, "height": 64}
KINDS: list[tuple[str, int, Any]] = [
    ("midjourney.describe", 10, lambda n: midjourney.DescribeRequest(url=f"{LINK}?{n}")),
    ("novelai.text_to_image", 8, lambda n: novelai.TextToImageRequest(prompt=f"{n}girl", n_samples=2, **TINY)),
    ("ttapi.gpt_image", 8, lambda n: ttapi.GptImageRequest(prompt=f"draw {n}", model="gpt-4o-image")),
    ("ttapi.flux_image", 8, lambda n: ttapi.FluxImageRequest(prompt=f"a {n}", mode="flux1-dev")),
    ("novita.txt2img", 13, lambda n: novita.Txt2ImgRequest(**SMALL, seed=n, image_num=2)),
    ("suno.music", 3, lambda n: suno.MusicRequest(gpt_description_prompt=f"rain {n}")),
]  # fmt: skip
FIFTY = [(name, make(n)) for name, count, make in KINDS for n in range(1, count + 1)]


def account_of(emulator: Emulator, name: str) -> Account:
    return (shop.novita if name.startswith("novita.") else shop.ttapi)(emulator.url)


async def buy(emulator: Emulator, *wanted: tuple[str, Any], **terms: Any) -> None:
    accounts = {name: account_of(emulator, name) for name, _ in wanted}
    await asyncio.gather(
        *(run(OPERATIONS[name], request, accounts[name], terms=Terms(**terms)) for name, request in wanted)
    )


def billed(emulator: Emulator, unit: str) -> float:
    """What the emulator charged, in the unit of the prices."""
    jobs = [job for job in emulator.jobs()["jobs"] if job["operation"].startswith("novita.") is (unit == "USD")]
    return float(sum(job["quota"] for job in jobs)) / (10_000 if unit == "USD" else 1)


def figures(made: Forecast, of: str) -> dict[str, Any]:
    return {figure.operation: figure for figure in made.figures if figure.of == of}


@pytest.mark.slow
async def test_fifty_mixed_requests_against_the_bill(emulator: Emulator, tmp_path: Any) -> None:
    emulator.configure(max_jobs=100)
    assert len(FIFTY) == 50
    own = [Price(operation="novita.txt2img", price=0.0015, times="image_num", source="my invoice")]
    made = forecast(FIFTY, prices=own)
    assert made.jobs == 50 and emulator.submits() == 0
    prices, times = figures(made, "price"), figures(made, "time")
    assert set(times) == {name for name, _, _ in KINDS}
    assert {figure.source for figure in times.values()} == {GUESSED}
    assert set(prices) == set(times) - {"midjourney.describe"}
    assert prices["novita.txt2img"].source == "my invoice"
    assert all(
        figure.source.startswith("https://") and figure.date for name, figure in prices.items() if name[0] != "n"
    )
    assert [said for said in made.unknown if "price" in said] == [
        "the price of 10 x midjourney.describe: no source names one"
    ]

    known = [wanted for wanted in FIFTY if wanted[0] != "midjourney.describe"]
    await buy(emulator, *known)
    quota, usd = billed(emulator, "quota"), billed(emulator, "USD")
    assert made.quota and made.quota.least <= quota <= made.quota.most
    assert made.usd.least - 1e-9 <= usd + quota / 100 <= made.usd.most + 1e-9

    # Now the ledger knows what a description costs, too.
    describe = [(name, make(n)) for name, _, make in KINDS[:1] for n in (101, 102, 103)]
    await buy(emulator, *describe)
    before = Counter(quota=billed(emulator, "quota"))
    again = forecast(FIFTY, prices=own)
    assert all(figure.source.startswith("the ledger: the last") for figure in figures(again, "time").values())
    assert figures(again, "price")["midjourney.describe"].source == "the ledger: the last 3 jobs of this kind"
    assert [said for said in again.unknown if "price" in said] == []
    await buy(emulator, *FIFTY, copy=1)
    spent = billed(emulator, "quota") - before["quota"]
    assert again.quota and again.quota.least <= spent <= again.quota.most


def test_times_by_the_limits_of_each_queue(ledger: Any) -> None:
    sixty = forecast([(f"midjourney.{verb}", request) for verb, request in [
        ("imagine", midjourney.ImagineRequest(prompt=f"a {n}", mode="fast")) for n in range(60)]])  # fmt: skip
    typical = OPERATIONS["midjourney.imagine"].typical_seconds
    # Ten at a time, as the vendor says; a guess may be five times off.
    assert sixty.seconds.least == pytest.approx(60 * typical / 5 / 10)
    assert sixty.seconds.most == pytest.approx((60 * typical / 10 + typical) * 5)
    assert sixty.quota and sixty.quota.most == 120 and sixty.usd.most == pytest.approx(1.2)
    pictures = forecast([novita.Txt2ImgRequest(**SMALL, image_num=8, seed=n) for n in range(10)])
    assert pictures.seconds.least == pytest.approx(180)  # 80 pictures, 20 a minute
    one = forecast([ttapi.GrokVideoRequest(prompt="a kite", video_length=30)] * 3, at_once=1)
    assert one.seconds.least == pytest.approx(3 * 180 / 5)
    assert "how many of ttapi.grok_video may run at once: taken as 1" in one.unknown
    empty = forecast([])
    assert (empty.jobs, empty.quota, empty.usd.most, empty.seconds.most) == (0, None, 0, 0)


def test_a_request_of_two_operations_is_named(ledger: Any) -> None:
    kling = novita.KlingV30I2VRequest(prompt="a kite", image=LINK)
    with pytest.raises(ConfigurationError, match=r"novita\.kling_v30_std_i2v, novita\.kling_v30_pro_i2v"):
        forecast([kling])
    assert forecast([("novita.kling_v30_pro_i2v", kling)]).jobs == 1
    with pytest.raises(ConfigurationError, match="is no operation of"):
        forecast([("midjourney.imagine", kling)])


async def test_after_some_jobs_a_budget_counts_what_they_cost(
    emulator: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    emulator.add_faults({"kind": "answer_quota", "quota": 7, "at": "fetch", "times": None})
    flux = [("ttapi.flux_image", ttapi.FluxImageRequest(prompt=f"a {n}", mode="flux1-dev")) for n in range(5)]
    budget = Budget(per_day=27)
    await buy(emulator, flux[0], budget=budget)  # counted by the page's example, 1, and then by what was charged, 7
    await buy(emulator, *flux[1:3])
    with pytest.raises(BudgetExceededError, match="6 of 27 quota left; this job counts 7"):
        await buy(emulator, flux[3], budget=budget)
    own = [Price(operation="ttapi.flux_image", price=2)]
    await buy(emulator, flux[4], budget=budget, prices=own)  # a price of the user's own goes before

    other = forecast([ttapi.FluxImageRequest(prompt="a kite", mode="flux1-pro")])  # of another kind
    assert not figures(other, "price") and figures(other, "time")["ttapi.flux_image"].source == GUESSED

    with pytest.raises(SystemExit) as ended:
        main(["price", "ttapi.flux_image", "--json"])
    assert ended.value.code == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["said"], row["source"].partition(" ")[0]) for row in rows] == [
        ("7 quota", "the"),
        ("1 quota", "https://docs.ttapi.io/api/en/flux/fetch"),
    ]
