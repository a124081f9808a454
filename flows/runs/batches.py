"""Many pictures in one run: a few at a time, and a report of what became of each."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Annotated, Literal, Self, TypeVar

import prefect.runtime.flow_run
from prefect import get_run_logger
from prefect.artifacts import acreate_markdown_artifact
from pydantic import AfterValidator, BaseModel, ConfigDict

from prefect_genmedia.errors import GenMediaError
from prefect_genmedia.flows.pages.showing import Illustration
from prefect_genmedia.flows.runs.failing import run_failure, sentences_of
from prefect_genmedia.forecast import Forecast, Range, Wanted, forecast
from prefect_genmedia.jobs.buying import ledger_of
from prefect_genmedia.jobs.history.spending import perhaps_words
from prefect_genmedia.ledger import LedgerState
from prefect_genmedia.providers.facts import in_usd
from prefect_genmedia.quoting import counted, for_markdown, one_line, without_signatures
from prefect_genmedia.settings import read_settings
from prefect_genmedia.tasks.paying.prices import variable_prices

if TYPE_CHECKING:
    from prefect_genmedia.ledger import JobRow

X = TypeVar("X")
Y = TypeVar("Y")
MARKDOWN_BYTES = 280_000  # Prefect's pages get slow beyond
LONGEST_REASON = 700


async def a_few_at_a_time(work: Callable[[X], Awaitable[Y]], each: Iterable[X], at_once: int) -> list[Y]:
    """The results in the order of `each`, which is taken from only as there is room."""
    waiting = iter(enumerate(each))
    done: dict[int, Y] = {}

    async def worker() -> None:
        for number, one in waiting:
            done[number] = await work(one)

    async with asyncio.TaskGroup() as workers:
        for _ in range(at_once):
            workers.create_task(worker())
    return [done[number] for number in sorted(done)]


class Outcome(BaseModel):
    """What became of one wish."""

    model_config = ConfigDict(frozen=True)

    title: Annotated[str, AfterValidator(without_signatures)]
    state: Literal["bought", "already there", "failed"]
    files: list[str]
    """Where they are published."""
    jobs: list[str]
    """Their ids in the ledger."""
    bought: int
    """How many of the jobs were bought by this run."""
    quota: float = 0.0
    usd: float = 0.0
    """What the providers say that those cost."""
    silent: int = 0
    """Of how many of those no provider says it."""
    perhaps: int = 0
    """Sent by this run, and nobody knows whether they were bought: in none of the sums above."""
    perhaps_usd: float = 0.0
    """What those would cost,"""
    perhaps_untold: int = 0
    """and of how many nobody tells it."""
    error: str | None = None

    @classmethod
    def of(cls, title: str, made: Illustration, run: str, since: float) -> Self:
        """By the ledger's rows: bought now are those that `run` has sent since. Blocking. Raises LedgerError."""
        ledger = ledger_of(read_settings())
        ids = list(dict.fromkeys(job.id for job in [*(each.job for each in made.purchases), *made.failed_jobs]))
        rows = [row for row in map(ledger.get, ids) if row is not None]
        sent = [row for row in rows if row.run == run and (row.sent_at or 0.0) >= since]
        now = [row for row in sent if row.job_id is not None]
        doubtful = [row for row in sent if row.job_id is None and row.state == LedgerState.UNKNOWN]
        costs = [(_cost(row), row.unit) for row in now]
        return cls(
            title=title,
            state="failed" if made.error else "bought" if now else "already there",
            files=[file.uri for sizes in made.published for file in sizes],
            jobs=ids,
            bought=len(now),
            quota=sum(cost or 0.0 for cost, unit in costs if unit == "quota"),
            usd=sum(cost or 0.0 for cost, unit in costs if unit == "USD"),
            silent=sum(cost is None for cost, _ in costs),
            perhaps=len(doubtful),
            perhaps_usd=sum(in_usd(row.expected_cost or 0.0, row.unit) for row in doubtful),
            perhaps_untold=sum(row.expected_cost is None for row in doubtful),
            error=made.error,
        )

    @property
    def cost(self) -> str:
        return cost_words(
            self.quota, self.usd, self.silent, perhaps_words(self.perhaps, self.perhaps_usd, self.perhaps_untold)
        )


async def outcome_of(title: str, made: Illustration, run: str, since: float) -> Outcome:
    """As `Outcome.of`; a ledger that is away takes no other wish with it."""
    try:
        return await asyncio.to_thread(Outcome.of, title, made, run, since)
    except GenMediaError as failure:
        files = [file.uri for sizes in made.published for file in sizes]
        error = made.error or f"What it cost could not be read: {sentences_of(failure)}"
        return Outcome(title=title, state="failed", files=files, jobs=[], bought=0, error=error)


def _cost(row: JobRow) -> float | None:
    return 0.0 if row.refunded else row.quota


def cost_words(quota: float, usd: float, silent: int, perhaps: str = "") -> str:
    """Such as '12 quota (0.12 USD) + 3 jobs without a price'; what was perhaps bought stands apart, at the end."""
    said = [f"{quota:g} TTAPI quota ({in_usd(quota, 'quota'):.2f} USD)"] if quota else []
    said += [f"{usd:.4g} USD"] if usd else []
    said += [f"{silent} job{'s' if silent > 1 else ''} (price not told by the provider)"] if silent else []
    said += [perhaps] if perhaps else []
    return " + ".join(said) or "nothing"


def left_out_words(names: list[str]) -> str:
    more = ", …" if len(names) > 5 else ""
    listed = ", ".join(map(one_line, names[:5]))
    return f"{counted(len(names), 'picture')} left out, of kinds that are not read here: {listed}{more}."


class BatchReport(BaseModel):
    """What became of all of them."""

    model_config = ConfigDict(frozen=True)

    name: Annotated[str, AfterValidator(without_signatures)]
    outcomes: list[Outcome]
    seconds: float
    left_out: list[str] = []
    """Pictures that lay among the others, of kinds that are not read here."""

    @property
    def failed(self) -> list[Outcome]:
        return [each for each in self.outcomes if each.state == "failed"]

    @property
    def files(self) -> int:
        return sum(len(each.files) for each in self.outcomes)

    @property
    def sums(self) -> dict[str, str]:
        """Asked, delivered, bought now, already there, failed, cost."""
        states = [each.state for each in self.outcomes]
        quota, usd = sum(each.quota for each in self.outcomes), sum(each.usd for each in self.outcomes)
        jobs, silent = sum(each.bought for each in self.outcomes), sum(each.silent for each in self.outcomes)
        perhaps = perhaps_words(
            sum(each.perhaps for each in self.outcomes),
            sum(each.perhaps_usd for each in self.outcomes),
            sum(each.perhaps_untold for each in self.outcomes),
        )
        return {
            "asked": str(len(states)),
            "delivered": f"{len(states) - states.count('failed')} ({counted(self.files, 'file')})",
            "bought now": f"{states.count('bought')} ({counted(jobs, 'job')} in all)",
            "already there": str(states.count("already there")),
            "failed": str(states.count("failed")),
            "cost": cost_words(quota, usd, silent, perhaps),
            "time": f"{self.seconds:.0f} s",
        }

    @property
    def summary(self) -> str:
        """In one line, for logs and cards: what is nothing is not said."""
        sums = self.sums
        delivered, _, files = sums["delivered"].partition(" ")
        said = [f"{delivered} of {sums['asked']} delivered {files}"]
        said += [f"{name} {sums[name]}" for name in ("failed", "already there", "bought now") if sums[name][0] != "0"]
        return ", ".join([*said, f"cost {sums['cost']}", f"time {sums['time']}"])


def report_markdown(report: BatchReport) -> str:
    """For `create_markdown_artifact`, under 300 KB: the sums, the failures, then every row as far as there is room."""
    parts = [f"# {for_markdown(report.name)}\n\n| | |\n| --- | --- |\n"]
    parts += [f"| {name} | {for_markdown(value)} |\n" for name, value in report.sums.items()]
    if report.left_out:
        parts.append(f"\n{for_markdown(left_out_words(report.left_out), LONGEST_REASON)}\n")
    room = MARKDOWN_BYTES - sum(len(part.encode()) for part in parts)
    if report.failed:
        parts.append("\n## Failed\n\n")
        lines = [
            f"- **{for_markdown(each.title)}**: {for_markdown(each.error, LONGEST_REASON)}\n" for each in report.failed
        ]
        room -= _fill(parts, lines, room // 2)
    parts.append("\n## All\n\n| what | state | cost | files | jobs |\n| --- | --- | --- | --- | --- |\n")
    _fill(parts, map(_line, report.outcomes), room)
    return "".join(parts)


async def told(report: BatchReport, kind: str, what: str) -> BatchReport:
    """The report as the run's artifact `<kind>-report` and in its log. Raises GenMediaError where some failed."""
    await acreate_markdown_artifact(report_markdown(report), key=f"{kind}-report", description=report.summary)
    get_run_logger().info("%s: %s", report.name, report.summary)
    if report.failed:
        failed = ((each.title, each.error or "") for each in report.failed)
        raise run_failure(what, failed, len(report.outcomes), report.files)
    return report


async def forecast_of(name: str, requests: Iterable[Wanted], kind: str) -> Forecast:
    """What these will cost and take, shown by `foretold`. Nothing is bought."""
    prices = await variable_prices()
    expected = await asyncio.to_thread(forecast, list(requests), prices=prices)
    await foretold(name, expected, kind)
    return expected


async def foretold(name: str, expected: Forecast, kind: str, already_there: int = 0, given_up: int = 0) -> None:
    """The forecast as the run's artifact `<kind>-forecast`."""
    text = forecast_markdown(name, expected, already_there, given_up)
    await acreate_markdown_artifact(text, key=f"{kind}-forecast", description=_foretold_in_short(expected))


def _foretold_in_short(expected: Forecast) -> str:
    """For the artifact's card, such as `8 jobs to buy, 0.1 USD, 30 to 60 s`."""
    unknown = f", {counted(len(expected.unknown), 'figure')} not known" if expected.unknown else ""
    cost = f"{_range(expected.usd)} USD" if expected.usd.most or not expected.unknown else "price not known"
    return f"{counted(expected.jobs, 'job')} to buy, {cost}, {_seconds(expected.seconds)}{unknown}"


def this_run() -> tuple[str, float]:
    """What the ledger calls this run, and its clock's time: by these a run knows what it bought itself. Blocking."""
    return f"flow:{prefect.runtime.flow_run.root_flow_run_id}", ledger_of(read_settings()).now()


def _fill(parts: list[str], lines: Iterable[str], room: int) -> int:
    """Add what fits, and count what does not; how many bytes were taken."""
    taken = left_out = 0
    for line in lines:
        size = len(line.encode())
        if left_out or taken + size > room:
            left_out += 1
        else:
            parts.append(line)
            taken += size
    if left_out:
        parts.append(f"\n… and {left_out} more.\n")
    return taken


def _line(each: Outcome) -> str:
    # From the media store on: a whole address would push all else out of sight.
    files = f"{len(each.files)}: {each.files[0].rpartition('published/')[2]}" if each.files else "0"
    jobs = " ".join(job[:12] for job in each.jobs)
    return f"| {' | '.join(for_markdown(cell) for cell in (each.title, each.state, each.cost, files, jobs))} |\n"


def forecast_markdown(name: str, expected: Forecast, already_there: int = 0, given_up: int = 0) -> str:
    """What it would cost and take, figure by figure with its source; nothing is bought."""
    facts = {
        "jobs to buy": f"{expected.jobs}",
        "already there": f"{already_there}",
        **({"failed before, not bought again": f"{given_up} (advanced.attempts says how often)"} if given_up else {}),
        "cost": f"{_range(expected.usd)} USD" + (f" ({_range(expected.quota)} quota)" if expected.quota else ""),
        "time": _seconds(expected.seconds),
    }
    lines = [f"# Forecast: {for_markdown(name)}\n\n| | |\n| --- | --- |\n"]
    lines += [f"| {name} | {for_markdown(value)} |\n" for name, value in facts.items()]
    lines.append("\n| what | each | jobs | source | of |\n| --- | --- | --- | --- | --- |\n")
    for figure in expected.figures:
        kind = ", ".join(f"{field} {value}" for field, value in figure.kind.items())
        source = f"{figure.source}, {figure.date}" if figure.date else figure.source
        cells = (
            f"{figure.of} of {figure.operation}",
            _seconds(figure.each) if figure.unit == "seconds" else f"{_range(figure.each)} {figure.unit}",
            figure.jobs,
            source,
            kind,
        )
        lines.append(f"| {' | '.join(for_markdown(cell) for cell in cells)} |\n")
    if expected.unknown:
        lines.append("\nIn no sum:\n\n" + "".join(f"- {for_markdown(each)}\n" for each in expected.unknown))
    return "".join(lines)


def _seconds(of: Range) -> str:
    least, most = f"{of.least:.0f}", f"{of.most:.0f}"
    return f"{least} s" if least == most else f"{least} to {most} s"


def _range(of: Range) -> str:
    return f"{of.least:.4g}" if of.least == of.most else f"{of.least:.4g} to {of.most:.4g}"
