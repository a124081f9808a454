"""A calendar's rows, each refused by its number; what they publish; and which of them are one shard's."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError
from slugify import slugify

from prefect_genmedia.checking import Whole, refusal
from prefect_genmedia.errors import ConfigurationError, GenMediaError
from prefect_genmedia.flows.runs.calendar_sheets import MORE_CELLS
from prefect_genmedia.flows.runs.failing import MOST_NAMED
from prefect_genmedia.flows.runs.parameters import GivenRecipe, Renditions
from prefect_genmedia.media.names import MOST_OWN_BYTES, check_file, check_folder
from prefect_genmedia.providers.ttapi.prompt import autocorrected
from prefect_genmedia.quoting import one_line, title
from prefect_genmedia.tasks import midjourney

MOST_ROWS = 100_000
ERRORS = ("#REF!", "#N/A", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!")


def _plain(value: Any) -> Any:
    """A text as every program would save it: another computer's line ends, letters or blanks are no other wish."""
    if not isinstance(value, str):
        return value
    lines = re.sub(r"\r\n?", "\n", value)
    return unicodedata.normalize("NFC", lines).replace("\N{NO-BREAK SPACE}", " ").strip()


def _undamaged(prompt: str) -> str:
    """Raises ValueError for what a spreadsheet has made of a prompt: it would be bought like any other words."""
    if prompt in ERRORS:
        raise ValueError(f"it is {prompt}, an error of the spreadsheet")
    if prompt.startswith("="):
        raise ValueError("it begins with =, so it is a formula: put its words in its place")
    if found := autocorrected(prompt):
        dash, name = found
        raise ValueError(
            f"{dash}{name} is no parameter: write --{name}, with two plain hyphens; or, where it is none, "
            "a blank behind the dash"
        )
    return prompt


PLAIN, UNDAMAGED = BeforeValidator(_plain), AfterValidator(_undamaged)
Line = Annotated[str, StringConstraints(max_length=1000, pattern=r"^[^\x00-\x1f\x7f]*$")]
Cell = Annotated[Line, PLAIN]
Shard = Annotated[str, StringConstraints(pattern=r"^[1-9]\d{0,4}/[1-9]\d{0,4}$")]


class CalendarRow(BaseModel):
    """One wish of a calendar. All that is wrong with it is told at once."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    prompt: Annotated[str, PLAIN, UNDAMAGED] = Field(min_length=1, max_length=8192, description="A Midjourney prompt.")
    count: Whole = Field(default=1, ge=1, le=100, description="How many grids of it; each is bought.")
    folder: Cell | None = Field(default=None, description="The folder below the calendar's.")
    file: Cell | None = Field(default=None, description="What its files are called, without a suffix.")
    recipe: GivenRecipe | None = Field(default=None, description="Instead of the calendar's.")
    renditions: Renditions | None = Field(default=None, description="Sizes instead of the calendar's.")
    request_key: Cell | None = Field(
        default=None, min_length=1, description="Whoever gives the same key and prompt shares the picture."
    )
    mode: midjourney.Mode | None = Field(default=None, description="Midjourney's speed, instead of the calendar's.")


@dataclass(frozen=True)
class Wish:
    """One grid of one row, each with the identity that a later run finds it by."""

    number: int
    row: CalendarRow
    request_key: str | None
    copy: int
    nth: int
    """Which of its row's grids this is, from 1."""

    @property
    def title(self) -> str:
        of = f" ({self.nth} of {self.row.count})" if self.row.count > 1 else ""
        return f"row {self.number}{of}: {title(self.row.prompt)}"

    @property
    def stem(self) -> str:
        """What its files are called: as the row says, or else by the row's number and words."""
        if not self.row.file:
            words = slugify(title(self.row.prompt), max_length=40) or "picture"
            return f"{self.number:05d}-{self.nth}-{words}"
        return f"{self.row.file}-{self.nth}" if self.row.count > 1 else self.row.file

    def names(self, pictures: int, sizes: Sequence[str]) -> Iterator[str]:
        """What may be published of it, where a grid gives this many pictures; as a disk compares names."""
        folder, first = self.row.folder or "", self.stem
        for number in range(1, pictures + 1):
            stem = first if number == 1 else f"{first}-{number}"
            for size in sizes:
                yield f"{folder}/{stem}-{size}".casefold()


def checked_rows(given: Sequence[Any]) -> list[CalendarRow]:
    """Raises ConfigurationError that names each wrong row by its number."""
    if not given:
        raise ConfigurationError("the calendar has no rows")
    if len(given) > MOST_ROWS:
        raise ConfigurationError(f"the calendar has {len(given)} rows; the limit is {MOST_ROWS}")
    rows: list[CalendarRow] = []
    wrong: list[str] = []
    for number, each in enumerate(given, 1):
        if not isinstance(each, dict | CalendarRow):
            wrong.append(f'row {number}: it is no object, such as {{"prompt": "a lighthouse"}}')
            continue
        if isinstance(each, dict) and MORE_CELLS in each:
            wrong.append(f"row {number}: it has more cells than the heading")
            continue
        try:
            row = CalendarRow.model_validate(each)
            if row.folder:
                check_folder(row.folder, MOST_OWN_BYTES)
            if row.file:
                check_file(row.file)
            rows.append(row)
        except ValidationError as failure:
            wrong.append(f"row {number}: {refusal(failure).message}")
        except GenMediaError as failure:
            wrong.append(f"row {number}: {failure.message}")
    refuse(wrong)
    return rows


def refuse(wrong: Sequence[str]) -> None:
    """Raises ConfigurationError where there is something wrong."""
    if wrong:
        more = f"; and {len(wrong) - MOST_NAMED} more" if len(wrong) > MOST_NAMED else ""
        said = "; ".join(one_line(each) for each in wrong[:MOST_NAMED])
        raise ConfigurationError(f"the calendar cannot be bought as it is: {said}{more}")


def wishes(rows: Iterable[CalendarRow], shared: str | None, mode: midjourney.Mode) -> list[Wish]:
    """Every grid wanted. A row moves without becoming another wish: it is told by its words, not by its place.

    Equal rows are wanted each, in their order: those that ask for the same, with `mode` where a row names none.
    `shared` is the request_key of the calendar; a row that has one of its own is that wish wherever it stands.
    """
    seen: Counter[tuple[str, midjourney.Mode]] = Counter()
    wanted = []
    for number, row in enumerate(rows, 1):
        first = 0
        if row.request_key is None:
            asked = row.prompt, row.mode or mode
            first = seen[asked]
            seen[asked] += row.count
        key = row.request_key or shared
        wanted += [Wish(number, row, key, first + nth, nth + 1) for nth in range(row.count)]
    return wanted


def refuse_equal_names(wanted: Sequence[Wish], pictures: int, sizes_of: Callable[[CalendarRow], Sequence[str]]) -> None:
    """Raises ConfigurationError where a file would replace another row's; `pictures` is how many a grid may give."""
    first: dict[str, int] = {}
    wrong: dict[int, str] = {}
    # Rows without a name of their own are told apart by their numbers: looked up, and not kept.
    for wish in sorted(wanted, key=lambda wish: not wish.row.file):
        if not wish.row.file and not first:
            break
        for name in wish.names(pictures, sizes_of(wish.row)):
            other = first.setdefault(name, wish.number) if wish.row.file else first.get(name, wish.number)
            if other != wish.number:
                said = f"row {wish.number}: its files would be called as those of row {other}"
                wrong.setdefault(wish.number, f"{said}: {name.lstrip('/')}")
    refuse([wrong[number] for number in sorted(wrong)])


def of_shard(wanted: Iterable[Wish], shard: str | None) -> list[Wish]:
    """With '2/5' every fifth row, from the second on. Raises ConfigurationError."""
    if shard is None:
        return list(wanted)
    part, parts = map(int, shard.split("/"))
    if part > parts:
        raise ConfigurationError(f"there is no shard {shard}", advice=f"Give 1/{parts} to {parts}/{parts}.")
    return [wish for wish in wanted if wish.number % parts == part % parts]
