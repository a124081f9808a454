"""Why a file exists, as a picture: one SVG, or one HTML page around it, that stands alone. All of it blocks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from prefect_genmedia.errors import MediaError
from prefect_genmedia.imaging import thumbnail
from prefect_genmedia.imaging.workers import work_on_each
from prefect_genmedia.jobs.history.lineage import Job, Origin
from prefect_genmedia.media import MediaStore
from prefect_genmedia.media.references import read_reference
from prefect_genmedia.quoting import counted, one_line, shown

MOST_BOXES = 200
LARGEST_PICTURE = 200_000_000  # bytes of a file that is read for its thumbnail
WIDTH, HEIGHT, ACROSS, DOWN, MARGIN = 300, 112, 56, 24, 16  # of a box, between two, around all
_LETTERS = 28  # of a line in a box
KINDS = {"bought": "bought", "made": "made here", "taken in": "taken in", "unknown": "not known"}


@dataclass(frozen=True)
class Box:
    """One file as it is drawn. Texts are not yet escaped."""

    x: int
    y: int
    kind: str
    thumbnail: str
    """A data: URI, "" where none can be made."""
    lines: tuple[str, ...]
    says: str
    """All of it, for who does not see it."""
    last: bool
    """Is it the file that was asked for?"""


@dataclass(frozen=True)
class Drawing:
    """All boxes, and the lines from parents to children as SVG paths."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    paths: tuple[str, ...]
    left_out: int


def lineage_svg(origin: Origin, name: str, store: MediaStore) -> str:
    """One SVG file: each file a box with its thumbnail, operation, cost and time; parents lead to children.

    It needs no network, follows light and dark, and is read by keyboard and aloud. A file that is no picture, or is
    gone, has no thumbnail.
    """
    return _templates().get_template("lineage.svg").render(_told(origin, name, store))


def lineage_html(origin: Origin, name: str, store: MediaStore) -> str:
    """The same as a page, with each job's request below."""
    jobs = [
        (f"{job.operation}, job {job.job_id or job.id[:12]}", _cost(job), shown(_indented(job)))
        for job in origin.jobs.values()
    ]
    return _templates().get_template("lineage.html").render(**_told(origin, name, store), jobs=jobs)


def cost_of(origin: Origin) -> str:
    """What a file cost in all, in words."""
    said = [f"{amount:g} {unit}" for unit, amount in origin.cost.items()]
    if silent := origin.jobs_not_told:
        said.append(f"{counted(silent, 'job')} of which the provider does not say it")
    return " + ".join(said) or "nothing"


def _templates() -> Environment:
    folder = FileSystemLoader(Path(__file__).parent)
    return Environment(loader=folder, autoescape=True, undefined=StrictUndefined, trim_blocks=True)


def _told(origin: Origin, name: str, store: MediaStore) -> dict[str, object]:
    return {"name": one_line(name), "cost": cost_of(origin), "drawing": drawn(origin, name, store)}


def drawn(origin: Origin, name: str, store: MediaStore) -> Drawing:
    """Where everything stands: what a file was made of is left of it, each file once."""
    places = _columns(origin)
    kept = dict(list(places.items())[:MOST_BOXES])
    deepest = max(column for _, column in kept.values())
    rows: dict[int, int] = {}
    spots: dict[str, tuple[int, int]] = {}
    for sha256, (_, column) in kept.items():
        row = rows[column] = rows.get(column, -1) + 1
        spots[sha256] = (MARGIN + (deepest - column) * (WIDTH + ACROSS), MARGIN + row * (HEIGHT + DOWN))
    tallest = max(rows.values())
    for sha256, (_, column) in kept.items():  # each column in the middle
        x, y = spots[sha256]
        spots[sha256] = x, y + (tallest - rows[column]) * (HEIGHT + DOWN) // 2
    files = [found for found, _ in kept.values()]
    pictures = work_on_each(lambda each: _thumbnail(each, store), files)
    return Drawing(
        width=2 * MARGIN + (deepest + 1) * WIDTH + deepest * ACROSS,
        height=2 * MARGIN + (tallest + 1) * HEIGHT + tallest * DOWN,
        boxes=tuple(
            _box(each, *spots[each.sha256], picture, name if each is origin else "")
            for each, picture in zip(files, pictures, strict=True)
        ),
        paths=tuple(
            _path(spots[parent.sha256], spots[each.sha256])
            for each in files
            for parent in {parent.sha256: parent for parent in each.parents}.values()
            if parent.sha256 in spots
        ),
        left_out=len(places) - len(kept),
    )


def _columns(origin: Origin) -> dict[str, tuple[Origin, int]]:
    """Each file once, with how many steps it is away at most; the file that was asked for first."""
    found: dict[str, tuple[Origin, int]] = {}

    def look(file: Origin, away: int) -> None:
        if file.sha256 in found and found[file.sha256][1] >= away:
            return
        found[file.sha256] = found.get(file.sha256, (file, 0))[0], away
        for parent in file.parents:
            look(parent, away + 1)

    look(origin, 0)
    return found


def _path(start: tuple[int, int], end: tuple[int, int]) -> str:
    left, right = start[0] + WIDTH, end[0] - 6
    above, below, half = start[1] + HEIGHT // 2, end[1] + HEIGHT // 2, (end[0] - start[0] - WIDTH) // 2
    return f"M{left} {above}C{left + half} {above} {right - half} {below} {right} {below}"


def _box(file: Origin, x: int, y: int, picture: str, name: str) -> Box:
    facts = list(_facts(file))
    title = name or file.role or "a file"
    lines = [_short(one_line(fact)) for fact in (title, *facts)]
    says = ", ".join(one_line(fact) for fact in (title, KINDS[file.kind], *facts, f"sha256 {file.sha256}"))
    return Box(x, y, KINDS[file.kind], picture, tuple(lines[:4]), says, bool(name))


def _facts(file: Origin) -> Iterator[str]:
    if file.job is not None:
        yield file.job.operation
        yield _cost(file.job)
        yield f"{datetime.fromtimestamp(file.job.bought_at):%Y-%m-%d %H:%M:%S}"
    elif file.step:
        yield ", ".join(_step(name, fact) for name, fact in file.step.items() if name != "steps")
    else:
        yield file.sha256[:12]
    if file.prompt:
        yield file.prompt


def _step(name: str, fact: object) -> str:
    if name == "recipe_sha256":
        return f"recipe {str(fact)[:12]}"
    if isinstance(fact, dict):
        size = "×".join(str(fact[side]) for side in ("width", "height") if side in fact)
        words = " ".join(str(word) for word in (fact.get("name"), size, fact.get("format")) if word)
        return f"{name} {words}" if words else name
    return f"{name} {fact}"


def _cost(job: Job) -> str:
    if job.charged is not None:
        return f"{job.charged:g} {job.unit}"
    return "price not told" + (f", {job.expected:g} {job.unit} expected" if job.expected is not None else "")


def _indented(job: Job) -> str:
    return json.dumps(job.request, indent=2, ensure_ascii=False)


def _short(text: str) -> str:
    return text if len(text) <= _LETTERS else f"{text[: _LETTERS - 1]}…"


def _thumbnail(file: Origin, store: MediaStore) -> str:
    for place in file.where:
        key = place.removeprefix(f"{store.root}/")
        try:
            content = store.read(key) if "://" not in key else read_reference(place, LARGEST_PICTURE)
            return thumbnail(content, 160)
        except MediaError:  # no picture, or gone
            continue
    return ""
