"""What must never be written down: keys, signed links, callback tokens, picture bytes."""

from __future__ import annotations

import re
from typing import Any

LONGEST_SENTENCE = 600
SHORTEST_KEY = 6

_QUERY = re.compile(r"(https?://[^\s?'\"]+)\?[^\s'\"]*")
_TOKEN = re.compile(r"\b[0-9a-f]{32}\.[0-9a-f]{32}\b")
_BASE64 = re.compile(r"[A-Za-z0-9+/=]{120,}")


def without_signatures(value: Any) -> Any:
    """The same JSON with the query strings of URLs and our callback tokens taken out."""
    if isinstance(value, str):
        return _TOKEN.sub("...", _QUERY.sub(r"\1", value))
    if isinstance(value, dict):
        return {name: without_signatures(item) for name, item in value.items()}
    if isinstance(value, list):
        return [without_signatures(item) for item in value]
    return value


def quotable(text: str, api_key: str) -> str:
    """What a provider said, fit to be shown: without our key, signed links and encoded pictures, and not too long."""
    # A key of a few letters is a word, and no real one.
    clean = without_signatures(text.replace(api_key, "***") if len(api_key) >= SHORTEST_KEY else text)
    clean = _BASE64.sub("...", clean)
    return clean if len(clean) <= LONGEST_SENTENCE else clean[: LONGEST_SENTENCE - 3] + "..."
