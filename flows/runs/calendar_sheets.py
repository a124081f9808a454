"""A calendar's sheet as it is read: CSV as spreadsheets write it, or JSON. Its rows are not checked yet."""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from prefect_genmedia.checking import strict_json
from prefect_genmedia.errors import ConfigurationError
from prefect_genmedia.media import MediaFile, open_media
from prefect_genmedia.media.references import read_reference
from prefect_genmedia.quoting import title

MOST_BYTES = 50_000_000
MORE_CELLS = "more cells than the heading"
"""Under this name a row has the cells that stand under no column."""
_SEPARATOR = re.compile(r"\s*sep=([^\w\s\"]|\t)[,;\t ]*[\r\n]", re.IGNORECASE)
_COUNT = re.compile(r"\s*(\d{1,9})(\.0{1,2})?\s*")  # 1.000 may be a thousand


def read_source(source: str | MediaFile) -> list[Any]:
    """The rows of a CSV or JSON file, not checked yet. Blocking. Raises MediaError, ConfigurationError."""
    content = open_media(source) if isinstance(source, MediaFile) else read_reference(source, MOST_BYTES)
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))  # a spreadsheet's "Unicode text"
    try:
        text = content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigurationError("the calendar is not UTF-8", advice="Save it as CSV UTF-8.") from None
    begins = text.lstrip()[:1]
    if begins == "[":
        return _json_list(text)
    return list(_json_lines(text) if begins == "{" else _csv(text))


def _json_list(text: str) -> list[Any]:
    try:
        return list(strict_json(text))
    except (RecursionError, json.JSONDecodeError):
        advice = "Give a list of objects, or one object in each line."
        raise ConfigurationError("the calendar begins as a JSON list, and is no JSON", advice=advice) from None
    except ValueError as failure:
        raise ConfigurationError(f"the calendar: {failure}") from None


def _json_lines(text: str) -> Iterator[Any]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield strict_json(line)
            except (RecursionError, json.JSONDecodeError):
                raise ConfigurationError(f"line {number} of the calendar is no JSON") from None
            except ValueError as failure:
                raise ConfigurationError(f"line {number} of the calendar: {failure}") from None


def _csv(text: str) -> Iterator[Any]:
    """Rows without anything in them are none, above the head as well. A spreadsheet's `sep=;` may stand before it."""
    separator = _SEPARATOR.match(text)
    delimiter = separator[1] if separator is not None else _delimiter(text)
    # Strict: else a quote that is never closed makes one cell of all that follows.
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    columns: list[str] | None = None
    number, line = 0, 1
    try:
        for cells in lines:
            if not any(map(str.strip, cells)):
                pass
            elif separator is not None:
                separator = None
            elif columns is None:
                columns = [_column(name) for name in cells]
                _refuse_twice(columns)
            else:
                number += 1
                yield _row(columns, cells)
            line = lines.line_num + 1
    except csv.Error as failure:
        where = f"row {number + 1} (line {line})" if columns is not None else "the head"
        said = "a quote is opened, and never closed" if "end of data" in str(failure) else failure
        raise ConfigurationError(f"{where} of the calendar is no CSV: {said}") from None


def _delimiter(text: str) -> str:
    """What the head is split by: spreadsheets write commas, semicolons or tabs."""
    lines = (found[0] for found in re.finditer(r"[^\r\n]+", text))
    head = next((line for line in lines if line.strip(' \t,;"')), "")
    return max(",;\t", key=head.count)


def _refuse_twice(columns: Sequence[str]) -> None:
    """Raises ConfigurationError where two columns have one name: one would be left out. Some are without any."""
    if twice := [name for name, times in Counter(columns).items() if name and times > 1]:
        raise ConfigurationError(f"two columns of the calendar are called {title(twice[0])}")


def _row(columns: Sequence[str], cells: Sequence[str]) -> dict[str, Any]:
    """The cells that are not empty, by their columns."""
    row = {column: _cell(column, cell) for column, cell in zip(columns, cells, strict=False) if cell.strip()}
    more = [cell for cell in cells[len(columns) :] if cell.strip()]
    return {**row, MORE_CELLS: more} if more else row


def _column(name: str) -> str:
    return re.sub(r"[\s-]+", "_", name.strip().lower())


def _cell(column: str, cell: str) -> Any:
    if column == "count" and (number := _COUNT.fullmatch(cell)):
        return int(number[1])
    return [name.strip() for name in cell.split(",") if name.strip()] if column == "renditions" else cell.strip()
