"""What a provider said, fit to be written down: without keys, signed links, callback tokens and picture bytes."""

from __future__ import annotations

from prefect_genmedia.quoting import shortened, shown, without_base64, without_signatures

__all__ = ["quotable", "without_signatures"]

LONGEST_SENTENCE = 600
SHORTEST_KEY = 6


def quotable(text: str, api_key: str) -> str:
    """What a provider said, fit to be shown: without our key, signed links and encoded pictures, and not too long."""
    # A key of a few letters is a word, and no real one.
    clean = shown(text.replace(api_key, "***") if len(api_key) >= SHORTEST_KEY else text)
    return shortened(without_base64(clean), LONGEST_SENTENCE)
