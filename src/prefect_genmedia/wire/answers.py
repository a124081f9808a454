"""The one door for answers: what providers and callbacks send becomes JSON that can be kept anywhere, or a typed error.

Read leniently, for the job behind an answer may be paid: byte order marks, NaN, numbers that no database takes, NUL,
half surrogate pairs, JSON inside a JSON text. Bounded in size, depth and number of parts.
"""

from __future__ import annotations

import json
import math
from typing import Any

from prefect_genmedia.errors import ResponseFormatError

MAX_ANSWER_BYTES = 32 * 1024 * 1024
MOST_PARTS = 1_000_000
"""Commas and brackets of one answer. A real one has hundreds; ten millions of empty lists take a gigabyte."""

DEEPEST = 100
"""What is nested deeper counts as not given: neither database takes any depth."""

LONGEST_NUMBER = 300
"""Digits. A double, and so PostgreSQL's and everybody's JSON, ends at 308."""

# Where an object or a list is due, and some gateways send its JSON as a text.
_PARTS = frozenset({"data", "payload", "result", "task", "extra", "images", "videos", "audios"})


def read_json(content: bytes) -> Any:
    """The JSON of an answer, fit for `json.dumps(allow_nan=False)`, SQLite and PostgreSQL. Raises ResponseFormatError.

    A number that is none, or that no double holds, is None; an integer of more than 64 bits is its digits as text.
    """
    if len(content) > MAX_ANSWER_BYTES:
        raise ResponseFormatError(f"the answer is larger than {MAX_ANSWER_BYTES // 1024**2} MiB")
    text = content.decode(json.detect_encoding(content), "replace").lstrip("\ufeff \t\r\n\0")
    return clean(_unfolded(_parsed(text)))


def clean(value: Any, deepest: int = DEEPEST) -> Any:
    """Parsed JSON with nothing in it that a database refuses."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, dict | list | tuple):
        if deepest == 0:
            return None
        if isinstance(value, dict):
            return {_text(str(name)): clean(item, deepest - 1) for name, item in value.items()}
        return [clean(item, deepest - 1) for item in value]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return _integer(value) if isinstance(value, int) else None


def _text(value: str) -> str:
    if value.isascii():
        return value.replace("\0", "")
    # Half a surrogate pair, which JSON allows, becomes "?".
    return value.replace("\0", "").encode("utf-8", "replace").decode()


def _integer(value: int) -> int | str | None:
    if -(2**63) <= value < 2**63:
        return value
    return str(value) if value.bit_length() < 3 * LONGEST_NUMBER else None


def _parse_integer(digits: str) -> int | None:
    return int(digits) if len(digits) <= LONGEST_NUMBER else None


_DECODER = json.JSONDecoder(parse_int=_parse_integer, parse_constant=lambda name: None, strict=False)


def _parsed(text: str) -> Any:
    """The JSON that `text` begins with; what a careless server writes behind an object or a list is left."""
    if sum(text.count(sign) for sign in "[{,:") > MOST_PARTS:
        raise ResponseFormatError("the answer has too many parts")
    try:
        value, end = _DECODER.raw_decode(text)
    except RecursionError:
        deep = True
    except ValueError:
        deep = False
    else:
        if isinstance(value, dict | list) or not text[end:].strip(" \t\r\n\0"):
            return value
        deep = False
    raise ResponseFormatError("the answer is nested too deeply" if deep else "the answer is no JSON")


def _unfolded(value: Any, levels: int = 3) -> Any:
    """The same with JSON inside JSON texts read, where an object or a list is due."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            inner = _parsed(value.lstrip())
        except ResponseFormatError:
            return value
        return _unfolded(inner, levels - 1) if levels else inner
    if isinstance(value, dict) and levels:
        return {name: _unfolded(item, levels - 1) if name in _PARTS else item for name, item in value.items()}
    return value
