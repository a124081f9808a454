"""What is typed after a command, checked: a wrong value is one sentence."""

from __future__ import annotations

import math
import re

import typer


def number(value: float) -> float:
    if math.isnan(value):  # it passes every range
        raise typer.BadParameter("nan is no number of seconds.")
    return value


def name(value: str | None) -> str | None:
    return value if value is None else names([value])[0]


def names(value: list[str] | None) -> list[str]:
    for name in value or []:
        if not name.strip() or len(name) > 255 or not name.isprintable():
            raise typer.BadParameter("it must be one line of 1 to 255 characters.")
    return value or []


def age(value: str) -> str:
    """As seconds."""
    found = re.fullmatch(r"([1-9][0-9]{0,4})([hd])", value)
    if found is None:
        raise typer.BadParameter("it is a number of days or hours, such as 90d or 12h.")
    return str(int(found[1]) * {"h": 3600, "d": 86_400}[found[2]])


def new_block(value: str | None) -> str | None:
    if value is not None and not re.fullmatch(r"[a-z0-9-]{1,255}", value):
        raise typer.BadParameter("a block's name has small letters, digits and dashes.")
    return value
