"""What a provider said, fit to be written down: without keys, signed links, callback tokens and picture bytes."""

from __future__ import annotations

import logging
import re
from typing import Any

from prefect_genmedia.quoting import shortened, shown, without_base64, without_signatures

__all__ = ["quotable", "without_signatures"]

LONGEST_SENTENCE = 600
SHORTEST_KEY = 6
_QUERY = re.compile(r"(https?://[^\s?'\"]+)\?[^\s'\"]*")
_LOCATION = re.compile(r"(b'[Ll]ocation', b')[^']*")
_TOKEN = re.compile(r"(/(?:ttapi|novita)/)[0-9a-f]{32}\.[0-9a-f]+")


def quotable(text: str, api_key: str) -> str:
    """What a provider said, fit to be shown: without our key, signed links and encoded pictures, and not too long."""
    # A key of a few letters is a word, and no real one.
    clean = shown(text.replace(api_key, "***") if len(api_key) >= SHORTEST_KEY else text)
    return shortened(without_base64(clean), LONGEST_SENTENCE)


def without_key(value: Any, api_key: str) -> Any:
    """The same JSON without our key, which an answer may repeat."""
    if len(api_key) < SHORTEST_KEY:
        return value
    if isinstance(value, str):
        return value.replace(api_key, "***")
    if isinstance(value, dict):
        return {name: without_key(item, api_key) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_key(item, api_key) for item in value]
    return value


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
