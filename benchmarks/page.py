"""docs/speed.md and its plots, and the README's table, from benchmarks/results: `python -m benchmarks.page`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from benchmarks import goals
from benchmarks.imaging import table as imaging_table
from benchmarks.run import SCENARIOS, table

HERE = Path(__file__).parent
ROOT = HERE.parent
BEGIN, END = "<!-- speed: made by benchmarks/page.py -->", "<!-- /speed -->"
NAMES = {
    "raw": "raw httpx at its best",
    "core": "this core, SQLite",
    "core-postgres": "this core, PostgreSQL",
    "core-called": "this core, with callbacks (its receiver's CPU included)",
    "tasks": "these tasks in Prefect",
    "mapped": "Prefect's .map of one shared client",
    "novita_core": "this core",
    "novita_client": "novita-client with threads",
}
PLOTTED = {"wall": "wall, s", "cpu_ms": "client CPU a job, ms", "requests": "API requests a job"}
OURS = ("core", "core-postgres", "core-called", "tasks", "novita_core")
HEAD = """# Speed

Made by `python -m benchmarks.page` from `benchmarks/results/`, which `make bench` writes. In each round every party
runs once, in another order, in a process of its own; the provider is a process of its own and counts. Of jobs of a
minute three parties run at the same time, of five minutes six: nearly all of it is waiting. The figures are the
medians. Compare within a table, not between machines.

Raw httpx has no ledger, keeps no history and pays again for a reply that is lost; it is here as the floor. Where
another is ahead the table shows it.
"""
GOALS = """
## What was aimed at

What is not reached is not bought with a guarantee: the ledger is written before and after each step that may cost
money, and each file that is paid for is read whole.

Where hundreds of jobs end at once, one process of Python is the limit: a job holds its lock for most of its
processor time (see "Where a job's processor time goes"), so a thousand take that a thousand times, whatever the
provider does, and their ends are noticed late by as much. A calendar cut into shards shares that out over processes.
Raw httpx takes less than half of it, and keeps nothing. Fewer threads for the ledger and the files were tried, one or
two on two cores: a tenth less of a processor there, and three times the memory, in files that wait to be looked at.

With callbacks an end is noticed sooner, and a job takes a request less. Of a processor they take more where few jobs
wait: the receiver's server wakes ten times a second, and who waits on SQLite looks four times a second whether anybody
has written, which for a hundred jobs is more than the look that is saved. Where jobs do not end at once, this core is
done before raw httpx, for it asks at better moments.

Of a picture that was sent along nothing is held while its job is waited for; what is resident all the same is memory
that was given back to the C library, and that it keeps for the next.

Of the round trips to PostgreSQL a quarter begins and ends transactions, and a seventh reads a row anew that has just
been written; to fold these into the statements that write is not done.

What an import takes beyond Prefect's own is the request models: pydantic reads each field's words from the source,
a third of it, and builds a schema for each.
"""
PROFILE = """
## Where a job's processor time goes

`python -m benchmarks.profile`: 100 jobs of 3 s, five pictures each, by the room of the package in which it is spent.
The loop's share is about what raw httpx takes in all.
"""
LEDGER = """
## A ledger of a million rows

`python -m benchmarks.ledger --rows 1000000`: medians, in milliseconds.
"""
IMAGING = """
## Pictures in eight sizes

`python -m benchmarks.imaging`: both cores, each party in a process of its own. The machine's load and each round are
in `benchmarks/results/imaging.json`.
"""


def results() -> dict[str, dict[str, Any]]:
    """What was measured, by scenario; in the order of the scenarios."""
    found = {}
    for scenario in SCENARIOS:
        path = HERE / "results" / f"{scenario.name.replace(',', '').replace(' ', '-')}.json"
        if path.exists():
            found[scenario.name] = json.loads(path.read_text())
    return found


def tables() -> str:
    parts, found = [], results()
    for scenario in SCENARIOS:
        if (facts := found.get(scenario.name)) is not None:
            medians = {NAMES[name]: figures for name, figures in facts["medians"].items()}
            rounds = len(next(iter(facts["rounds"].values())))
            loads = [run["load"] for runs in facts["rounds"].values() for run in runs]
            said = f"{facts['machine']}; rounds: {rounds}; load {min(loads):.1f} to {max(loads):.1f}"
            plot = f"![{scenario.name}](images/speed-{SCENARIOS.index(scenario) + 1}.svg)"
            parts.append(f"{table(scenario, medians)}\n\n({said})\n\n{plot}\n")
    return "\n".join(parts)


def simulated() -> str:
    """The table of benchmarks/simulation.py; empty where it has not run."""
    path = HERE / "results" / "simulation.json"
    if not path.exists():
        return ""
    found = json.loads(path.read_text())
    lines = [
        "\n## A million jobs a day\n",
        "`python -m benchmarks.simulation`: the real ledger, its admission and the real pace on a clock of its own;",
        "jobs of about 60 s, some of 240. The ledger holds a million older rows. Its share of a second says when it",
        "gives way: at 1 it is always at work; on SQLite, where one writes at a time, jobs would wait for it then.\n",
        "| ledger | jobs a day | jobs a second | ledger, ms a job | share of a second | looks a job | late, median s |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for database, told in found.items():
        for name, day in told["days"].items() if isinstance(told, dict) else ():
            took = sum(day["ledger_ms_a_job"].values())
            cells = (day["jobs_a_second"], f"{took:.1f}", f"{day['ledger_busy']:.2f}", day["looks_a_job"])
            shown = " | ".join(map(str, cells))
            lines.append(f"| {database} | {name.removesuffix(' a day')} | {shown} | {day['late_median']} |")
    return "\n".join([*lines, f"\n({found['machine']})\n"])


def profiled() -> str:
    found = goals.read("profile")
    lines = ["| | ms a job | calls a job |", "| --- | ---: | ---: |"]
    for room, took in sorted(found["ms_a_job"].items(), key=lambda item: -item[1]):
        lines.append(f"| {room} | {took} | {found['calls_a_job'].get(room, '')} |")
    return "\n".join([PROFILE, *lines, f"| **in all** | {found['whole_ms_a_job']} | |", f"\n({found['machine']})\n"])


def of_the_ledger() -> str:
    found = goals.read("ledger")
    lines = [f"| step | {' | '.join(found)} |", f"| --- |{' ---: |' * len(found)}"]
    each = next(iter(found.values()))
    lines += [
        f"| {step} | {' | '.join(str(each['median_ms'][step]) for each in found.values())} |"
        for step in each["median_ms"]
    ]
    return "\n".join([LEDGER, *lines, f"\n({each['machine']}; {each['rows']:,} rows)\n"])


def of_pictures() -> str:
    found = goals.read("imaging")
    parts = [imaging_table(each["scenario"], each["medians"]) for each in found["scenarios"]]
    return "\n".join([IMAGING, "\n\n".join(parts), f"\n({found['machine']})\n"])


def page() -> str:
    parts = [HEAD, GOALS, f"\n{goals.table()}\n\n## The rounds\n\n", tables()]
    return "".join([*parts, profiled(), of_the_ledger(), simulated(), of_pictures()])


def plot(medians: dict[str, dict[str, float]]) -> str:
    """Bars, ours filled and the others' outlined; readable on light and dark pages."""
    left, wide, high = 230, 360, 22
    y, parts = 0, []
    for key, label in PLOTTED.items():
        most = max(figures[key] for figures in medians.values()) or 1.0
        parts.append(f'<text x="0" y="{y + 16}" font-weight="bold">{label}</text>')
        y += high
        for name, figures in medians.items():
            width = max(1.0, wide * figures[key] / most)
            fill = "#2f7ed8" if name in OURS else "none"
            parts.append(f'<text x="0" y="{y + 15}">{escape(NAMES[name])}</text>')
            parts.append(
                f'<rect x="{left}" y="{y + 3}" width="{width:.0f}" height="{high - 8}" fill="{fill}" stroke="#2f7ed8"/>'
            )
            parts.append(f'<text x="{left + width + 6:.0f}" y="{y + 15}">{figures[key]:.1f}</text>')
            y += high
        y += 8
    style = "text{font:13px system-ui,sans-serif;fill:#777}"
    size = f'viewBox="0 0 660 {y}" width="660" height="{y}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {size}><style>{style}</style>{"".join(parts)}</svg>\n'


def in_readme(text: str) -> str:
    """The README with its table made anew: the first scenario's, wall and cost."""
    before, _, rest = text.partition(BEGIN)
    scenario = SCENARIOS[0]
    medians = results()[scenario.name]["medians"]
    lines = [f"| {scenario.name} (ideal {scenario.ideal:g} s) | {' | '.join(PLOTTED.values())} | noticed late, s |"]
    lines.append("| --- | ---: | ---: | ---: | ---: |")
    for name, figures in medians.items():
        cells = " | ".join(f"{figures[key]:.1f}" for key in PLOTTED)
        lines.append(f"| {NAMES[name]} | {cells} | {figures['late']:.2f} |")
    return "\n".join([before + BEGIN, *lines, END]) + rest.partition(END)[2]


def main() -> None:
    (ROOT / "docs" / "speed.md").write_text(page())
    found = results()
    for number, scenario in enumerate(SCENARIOS, 1):
        if (facts := found.get(scenario.name)) is not None:
            (ROOT / "docs" / "images" / f"speed-{number}.svg").write_text(plot(facts["medians"]))
    readme = ROOT / "README.md"
    readme.write_text(in_readme(readme.read_text()))


if __name__ == "__main__":
    main()
