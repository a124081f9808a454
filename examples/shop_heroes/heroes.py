"""Hero pictures for a shop: a CSV of products to pictures in every size, in the shop's bucket, each bought once."""

import asyncio
import csv
from pathlib import Path

from prefect import flow

from prefect_genmedia.flows import AdvancedCalendar, BatchReport, CalendarRow, content_calendar
from prefect_genmedia.forecast import Forecast

HERE = Path(__file__).parent
LOOK = "product photograph, soft daylight, plain background --ar 3:2"


def wishes(products: Path) -> list[CalendarRow]:
    """The shop's own columns as rows of a calendar: what to draw, and where it goes."""
    with products.open(encoding="utf-8-sig", newline="") as sheet:
        return [
            CalendarRow(prompt=f"{product['scene']}, {LOOK}", folder=product["category"], file=product["sku"])
            for product in csv.DictReader(sheet)
        ]


@flow  # without retries: the next night's run buys what this one could not
async def shop_heroes(
    products: str = str(HERE / "products.csv"), dry_run: bool = False, ttapi_credentials: str = "ttapi"
) -> BatchReport | Forecast:
    """Make the heroes that are missing.

    Args:
        products: The CSV: sku, category, scene.
        dry_run: Only say what it will cost and take.
        ttapi_credentials: The name of a saved TTAPI Credentials block.
    """
    # A hero is found again by its words and the calendar's name: whatever else changes in the CSV, a run buys only
    # products that are new and scenes that read differently.
    return await content_calendar(
        rows=await asyncio.to_thread(wishes, Path(products)),
        calendar="heroes",
        recipe=str(HERE / "recipe.yaml"),
        dry_run=dry_run,
        advanced=AdvancedCalendar(ttapi_credentials=ttapi_credentials),
    )


if __name__ == "__main__":
    asyncio.run(shop_heroes())  # its log says what became of each
