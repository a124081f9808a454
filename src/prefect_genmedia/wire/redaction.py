"""What a provider said, fit to be written down: without keys, signed links, callback tokens and picture bytes."""

from __future__ import annotations

import base64
import logging
import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import takewhile
from typing import Any
from urllib.parse import quote

from prefect_genmedia.quoting import shortened, shown, without_base64, without_signatures

__all__ = ["quotable", "without_signatures"]

LONGEST_SENTENCE = 600
SHORTEST_KEY = 6
# Characters; what is cut shorter is not taken for the key: providers say "sk_...1234" themselves.
LEAST_PART = 12
_QUERY = re.compile(r"(https?://[^\s?'\"]+)\?[^\s'\"]*")
_LOCATION = re.compile(r"(b'[Ll]ocation', b')[^']*")
_TOKEN = re.compile(r"(/(?:ttapi|novita)/)[0-9a-f]{32}\.[0-9a-f]+")


def quotable(text: str, api_key: str) -> str:
    """What a provider said, fit to be shown: without our key, signed links and encoded pictures, and not too long."""
    clean = shown(_starred(text, api_key))
    return shortened(without_base64(clean), LONGEST_SENTENCE)


def without_key(value: Any, api_key: str) -> Any:
    """The same JSON without our key, which an answer may repeat."""
    if isinstance(value, str):
        return _starred(value, api_key)
    if isinstance(value, dict):
        return {name: without_key(item, api_key) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_key(item, api_key) for item in value]
    return value


def _starred(text: str, api_key: str) -> str:
    """Without the key in any of its spellings, in capitals too, whole or cut at one of its ends."""
    if len(api_key) < SHORTEST_KEY:
        return text  # a key of a few letters is a word, and no real one
    folded = text.lower()
    if len(folded) != len(text):  # some capitals of other alphabets become two letters
        folded = text
    spans = sorted(span for spelling in _spellings(api_key) for span in _places(folded, spelling))
    kept: list[str] = []
    at = 0
    for start, end in spans:
        if start > at or not kept:
            kept.append(text[at:start])
        at = max(at, end)
    return "***".join([*kept, text[at:]]) if kept else text


@lru_cache(maxsize=64)
def _spellings(api_key: str) -> tuple[str, ...]:
    encoded = base64.b64encode(api_key.encode()).decode().rstrip("=")
    quoted = quote(api_key, safe="")
    spelt = (api_key, quoted, quoted.replace("-", "%2D"), api_key.replace("-", ""), encoded)
    return tuple(dict.fromkeys(each.lower() for each in spelt))


def _places(text: str, spelling: str) -> Iterator[tuple[int, int]]:
    """Where it stands, by its first signs or by its last, and as far as it goes."""
    yield from _begun(text, spelling)
    yield from ((len(text) - end, len(text) - start) for start, end in _begun(text[::-1], spelling[::-1]))


def _begun(text: str, spelling: str) -> Iterator[tuple[int, int]]:
    first = spelling[:LEAST_PART]
    at = text.find(first)
    while at >= 0:
        equal = takewhile(
            lambda signs: signs[0] == signs[1], zip(text[at : at + len(spelling)], spelling, strict=False)
        )
        end = at + sum(1 for _ in equal)
        yield at, end
        at = text.find(first, end)


class _Redact(logging.Filter):
    """Takes signed query strings and callback tokens out of what httpx and httpcore log."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = redact(record.getMessage())
        record.args = None
        return True


def redact(text: str) -> str:
    """`text` without query strings of URLs, redirect targets and callback tokens."""
    text = _TOKEN.sub(r"\1...", _LOCATION.sub(r"\1...", _QUERY.sub(r"\1?...", text)))
    return str(without_signatures(text))


def keep_logs_clean() -> None:
    """No signed link and no token in what httpx and httpcore log."""
    for name in ("httpx", "httpcore.connection", "httpcore.http11", "httpcore.proxy"):
        logging.getLogger(name).addFilter(_Redact())
