"""What people are asked, in Prefect's own form: a contact sheet, one decision for all, and what is to be otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from types import GenericAlias
from typing import Any, Literal
from urllib.parse import quote

from prefect.input import RunInput
from pydantic import BaseModel, Field, create_model

from prefect_genmedia import quoting
from prefect_genmedia.errors import MediaError
from prefect_genmedia.flows.steps.reviewing import Shown
from prefect_genmedia.imaging import thumbnail
from prefect_genmedia.ledger import Verdict
from prefect_genmedia.media import MediaStore, local_copy

Decision = Literal["approve", "reject", "ask for changes"]
WORDS: dict[str, Literal["approved", "rejected", "changes"]] = {
    "approve": "approved",
    "ask for changes": "changes",
    "reject": "rejected",
}
"""The stricter the later: of two that are said of one picture, the stricter counts."""
LARGE, SMALL = 120, 64
MOST_LARGE = 40
LONGEST_NAME = 12
ROW = 3  # Prefect shows them in a window 456 pixels wide


class OnePicture(BaseModel):
    """What is said of one picture."""

    decision: Decision = Field(default="reject", title="Decision", json_schema_extra={"position": 1})
    why: str = Field(default="", max_length=2000, title="Why", json_schema_extra={"position": 2})
    stars: int = Field(default=0, ge=0, le=5, title="Stars, 1 to 5", json_schema_extra={"position": 3})


class ReviewForm(RunInput):
    """What is said of all of them."""

    by: str = Field(
        min_length=1, max_length=200, title="Your name", description="Prefect does not tell who resumes a run.",
        json_schema_extra={"position": 0},
    )  # fmt: skip
    decision: Decision = Field(default="approve", title="All pictures", json_schema_extra={"position": 1})
    why: str = Field(default="", max_length=2000, title="Why", json_schema_extra={"position": 2})
    pictures: list[Any] = Field(default_factory=list)


def form_for(shown: Sequence[Shown], description: str) -> type[ReviewForm]:
    """The form for these pictures, each to be chosen by its label."""
    labels: Any = Literal[tuple(picture.label for picture in shown)]
    which = Field(title="Picture", json_schema_extra={"position": 0})
    one = create_model("OnePicture", __base__=OnePicture, picture=(labels, which))
    others: Any = Field(
        default=[], max_length=4 * len(shown), title="But these", description="Pictures that are decided otherwise.",
        json_schema_extra={"position": 3},
    )  # fmt: skip
    several: Any = GenericAlias(list, one)
    form = create_model("ReviewForm", __base__=ReviewForm, pictures=(several, others))
    form._description = description
    return form


def verdicts_of(shown: Sequence[Shown], answer: ReviewForm) -> dict[int, Verdict]:
    """What was said of each file, by its position."""
    order = list(WORDS)
    special: dict[str, Any] = {}
    for one in answer.pictures:
        before = special.get(one.picture)
        if before is None or order.index(one.decision) >= order.index(before.decision):
            special[one.picture] = one
    verdicts: dict[int, Verdict] = {}
    for picture in shown:
        one = special.get(picture.label)
        said = Verdict(
            WORDS[answer.decision if one is None else one.decision],
            answer.by,
            answer.why if one is None or not one.why else one.why,
            one.stars or None if one is not None else None,
        )
        verdicts |= dict.fromkeys(picture.files, said)
    return verdicts


def sheet(title: str, shown: Sequence[Shown], store: MediaStore, public: str | None, until: str) -> str:
    """The contact sheet as Markdown, under 300 KB. Blocking."""
    side = LARGE if len(shown) <= MOST_LARGE else SMALL
    cells = [_cell(picture, store, public, side) for picture in shown]
    cells += [""] * (-len(cells) % ROW)
    rows = [cells[start : start + ROW] for start in range(0, len(cells), ROW)]
    table = [[" "] * ROW, ["---"] * ROW, *rows]
    lines = ["| " + " | ".join(row) + " |" for row in table]
    head = f"**{quoting.for_markdown(title)}**, until {quoting.for_markdown(until)}"
    return f"{head}\n\n" + "\n".join(lines) + "\n"


def _cell(picture: Shown, store: MediaStore, public: str | None, side: int) -> str:
    file = picture.largest
    image = "no preview"
    with suppress(MediaError, OSError), local_copy(file) as path:  # a film, a file that is gone: named all the same
        image = f"![{picture.number}]({thumbnail(path, side)})"
    name = quoting.for_markdown(picture.name, LONGEST_NAME)  # a longer one pushes its neighbours out of sight
    key = store.key_of(file)
    if public and key is not None:  # not the picture: Prefect's pages show a picture in a link as its source
        name = f"[{name}]({public.rstrip('/')}/{quote(key)})"
    facts = [f"{file.width}×{file.height}" if file.width else file.media_type]
    facts += [f"{len(picture.files)} sizes"] if len(picture.files) > 1 else []
    return f"{image}<br>**{picture.number}** {name}<br>{'<br>'.join(facts)}"
