"""`genmedia lineage`: why a file exists, and what it cost."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from prefect_genmedia.cli.reading import require_ledger
from prefect_genmedia.cli.terminal import errors, say, say_json
from prefect_genmedia.errors import ConfigurationError, MediaError
from prefect_genmedia.flows.pages.ancestry import cost_of, lineage_html, lineage_svg
from prefect_genmedia.jobs.buying import ledger_of
from prefect_genmedia.jobs.history.lineage import Job, Lineage, Origin
from prefect_genmedia.media import MediaStore
from prefect_genmedia.media.places import sha256_of
from prefect_genmedia.quoting import one_line
from prefect_genmedia.settings import read_settings

KINDS = {
    "bought": "bought",
    "made": "made here",
    "taken in": "taken in by a run: not generated here",
    "unknown": "neither the ledger nor the media store knows it",
}


def show_lineage(file: Path, as_json: bool, html: Path | None = None, svg: Path | None = None) -> None:
    """Raises MediaError, LedgerError, ConfigurationError. Ends the process with 1 when nobody knows the file."""
    settings = read_settings()
    try:
        sha256, size = sha256_of(file), file.stat().st_size
    except OSError as failure:
        raise MediaError(f"{file} cannot be read: {failure.strerror or failure}") from None
    require_ledger()
    store = MediaStore(settings.media_store)
    origin = Lineage(ledger_of(settings), store).of(sha256, size=size)
    for target, draw in ((html, lineage_html), (svg, lineage_svg)):
        if target is not None:
            _write(target, draw(origin, file.name, store))
    if as_json:
        say_json({"file": str(file), **asdict(origin), "cost": origin.cost, "jobs_not_told": origin.jobs_not_told})
    elif html is None and svg is None:
        _show(origin, str(file), 0)
        say(f"Cost: {cost_of(origin)}")
    if origin.kind == "unknown":
        sys.exit(1)


def _write(target: Path, text: str) -> None:
    try:
        target.write_text(text, encoding="utf-8")
    except OSError as failure:
        raise ConfigurationError(f"{target} cannot be written: {failure.strerror or failure}") from None
    say(("Written", "bold"), f" {target.absolute().as_uri()}", to=errors)


def _show(origin: Origin, name: str, depth: int) -> None:
    space = "  " * depth
    say(f"{space}{one_line(name)}: ", (KINDS[origin.kind], "bold"))
    lines = [("sha256", origin.sha256), *(("at", place) for place in origin.where)]
    lines += [(title.replace("_", " "), json.dumps(fact)) for title, fact in origin.step.items()]
    if origin.prompt:
        lines.append(("prompt", origin.prompt))
    if origin.job:
        lines += _lines(origin.job)
    for title, fact in lines:
        say(f"{space}  {title}: {one_line(fact)}")
    for parent in origin.parents:
        _show(parent, f"of {parent.role or 'a file'}", depth + 1)


def _lines(job: Job) -> list[tuple[str, str]]:
    charged = "not told" if job.charged is None else f"{job.charged:g} {job.unit}"
    if job.charged is None and job.expected is not None:
        charged += f" ({job.expected:g} {job.unit} was expected)"
    return [
        ("job", f"{job.id[:12]} {job.operation} ({job.job_id or 'no provider id'}), {job.state}"),
        ("asked by", f"{job.run}, {datetime.fromtimestamp(job.bought_at):%Y-%m-%d %H:%M:%S}"),
        ("request", json.dumps(job.request, ensure_ascii=False)),
        ("charged", charged),
    ]
