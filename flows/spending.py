"""What was spent: one HTML page that stands alone, a Prefect artifact, and the flow that makes both."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from prefect import flow, get_run_logger
from prefect.artifacts import acreate_markdown_artifact
from pydantic import BaseModel, ConfigDict, Field

from prefect_genmedia.checking import Whole
from prefect_genmedia.flows.runs.batches import cost_words
from prefect_genmedia.flows.runs.parameters import Given
from prefect_genmedia.jobs.history.spending import Spending, Sum, perhaps_words, spending_since
from prefect_genmedia.media import MediaStore
from prefect_genmedia.quoting import counted, for_markdown, one_line
from prefect_genmedia.settings import read_settings

Days = Given[Annotated[Whole, Field(ge=1, le=3660)]]
COLUMNS = ("charged", "estimated", "price not told", "jobs", "bought", "failed")  # a phone shows the first ones
MOST_LINES = 200  # of one table; the CSV has them all
PAGE = "reports/spending.html"


class SpendReport(BaseModel):
    """What a report says, in short."""

    model_config = ConfigDict(frozen=True)

    summary: str
    page: str
    """The HTML page's URI."""
    jobs: int
    bought: int
    failed: int
    usd: float
    """Charged and estimated; quota at the vendor's own rate."""


@flow(name="spend_report", flow_run_name="spending of the last {days} days")
async def spend_report(days: Days = 30) -> SpendReport:
    """Say what was spent, by day, operation, account and tag; what failed and why; how long jobs took. Never buys.

    As an artifact of the run, and as a page in the media store, reports/spending.html. The same by hand, also as CSV:
    genmedia report.

        await spend_report(days=7)

    Args:
        days: How far back to count.
    """
    spending = await asyncio.to_thread(spending_since, days)
    page = await asyncio.to_thread(_keep, spending_html(spending))
    summary = summary_of(spending)
    await acreate_markdown_artifact(spending_markdown(spending), key="genmedia-spending", description=summary)
    get_run_logger().info("Spending: %s. %s", summary, page)
    total = spending.total
    return SpendReport(
        summary=summary, page=page, jobs=total.jobs, bought=total.bought, failed=total.failed, usd=total.all_usd
    )


def _keep(html: str) -> str:
    store = MediaStore(read_settings().media_store)
    with store.incoming() as incoming:
        file = incoming / "spending.html"
        file.write_text(html, encoding="utf-8")
        return store.keep(file, PAGE)


def summary_of(spending: Spending) -> str:
    total = spending.total
    estimated = f", estimated beside it {total.estimated_usd:.2f} USD" if total.estimated_usd else ""
    charged = cost_words(total.quota, total.usd, total.untold)
    perhaps = perhaps_words(total.perhaps, total.perhaps_usd, total.perhaps_untold)
    counts = [counted(total.jobs, "job"), f"{total.bought} bought", perhaps, f"{total.failed} failed"]
    return f"{', '.join(filter(None, counts))}; charged {charged}{estimated}"


def spending_html(spending: Spending) -> str:
    """The page: everything in it, and it needs no network."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    tables = []
    for by, sums in spending.groups.items():
        most = max((each.all_usd for each in sums.values()), default=0.0)
        lines = [
            (one_line(name), _cells(each), round(100 * each.all_usd / most) if most else 0)
            for name, each in list(sums.items())[:MOST_LINES]
        ]
        tables.append((by, lines, max(0, len(sums) - MOST_LINES)))
    return environment.get_template("spending.html").render(
        title=_title(spending),
        summary=summary_of(spending),
        columns=COLUMNS,
        tables=tables,
        failures=[(one_line(name), one_line(why), times) for name, why, times in spending.failures[:MOST_LINES]],
        times=[(one_line(name), *_seconds(each)) for name, each in spending.times.items()],
    )


def spending_markdown(spending: Spending) -> str:
    """The same as markdown for `create_markdown_artifact`."""
    parts = [f"# {_title(spending)}\n"]  # the artifact's description says the sums above it
    for by, sums in spending.groups.items():
        lines = [(name, *_cells(each)) for name, each in list(sums.items())[:MOST_LINES]]
        parts.append(_table(f"By {by}", (by, *COLUMNS), lines))
    parts.append(_table("Failures", ("operation", "reason", "times"), spending.failures[:MOST_LINES]))
    times = [(name, *_seconds(each)) for name, each in spending.times.items()]
    parts.append(
        _table("Seconds from acceptance to end", ("operation", "jobs", "half within", "nine of ten within"), times)
    )
    return "".join(parts)


def _table(title: str, head: Iterable[str], lines: Iterable[Iterable[object]]) -> str:
    rows = [f"| {' | '.join(for_markdown(cell) for cell in line)} |\n" for line in lines]
    if not rows:
        return ""
    names = list(head)
    return f"\n## {title}\n\n| {' | '.join(names)} |\n|{' --- |' * len(names)}\n" + "".join(rows)


def _title(spending: Spending) -> str:
    return f"Spending, {spending.since:%Y-%m-%d} to {spending.until:%Y-%m-%d} (UTC)"


def _cells(each: Sum) -> tuple[str, ...]:
    charged = [f"{each.quota:g} quota"] if each.quota else []
    charged += [f"{each.usd:.4g} USD"] if each.usd else []
    estimated = f"{each.estimated_usd:.4g} USD" if each.estimated_usd else ""
    bought = f"{each.bought} + {each.perhaps} perhaps" if each.perhaps else str(each.bought)
    counts = (str(each.jobs), bought, str(each.failed))
    return (" + ".join(charged), estimated, str(each.untold or ""), *counts)


def _seconds(each: tuple[int, float, float]) -> tuple[str, str, str]:
    jobs, half, most = each
    return str(jobs), f"{half:.1f}", f"{most:.1f}"
