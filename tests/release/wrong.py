"""What a check raises."""

from __future__ import annotations


class Wrong(Exception):
    """Something that must not be released so."""
