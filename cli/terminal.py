"""What the command prints. Others' words are text here: no markup, no orders to the terminal, no signed links."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.text import Text

from prefect_genmedia.quoting import escaped, one_line, shown, without_signatures

console = Console(markup=False, highlight=False, emoji=False)
errors = Console(stderr=True, markup=False, highlight=False, emoji=False)


def styled(*parts: str | tuple[str, str]) -> Text:
    """A line of texts, each alone or with its style: `styled(("Files", "bold"), " below")`."""
    pairs = ((part, "") if isinstance(part, str) else part for part in parts)
    return Text.assemble(*((shown(text), style) for text, style in pairs))


def say(*parts: str | tuple[str, str], to: Console = console) -> None:
    """Print one line, never broken by us: it may be a path to copy."""
    to.print(styled(*parts), soft_wrap=True)


def cell(words: object, style: str = "") -> Text:
    """One cell of a table, or one fact in a line."""
    return Text(one_line(words), style)


def say_json(value: Any) -> None:
    """Print JSON to read: each letter as it is, and what could not be seen as its number."""
    say(escaped(json.dumps(without_signatures(value), indent=2, ensure_ascii=False)))


QUIET_SECONDS = 1.5  # nothing is silent for longer,
TOLD_SECONDS = 10.0  # and says again that it goes on


@contextmanager
def patiently(what: str) -> Iterator[None]:
    """What takes longer than a moment says what it waits for: by a spinner on a terminal, else by a line."""
    if console.is_terminal:
        with console.status(styled(what)):
            yield
        return
    done = threading.Event()

    def tell() -> None:
        pause = QUIET_SECONDS
        while not done.wait(pause):
            say(f"{what} …", to=errors)
            pause = TOLD_SECONDS

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield
    finally:
        done.set()
        teller.join()


async def require_prefect() -> None:
    """What needs Prefect's API says so before it waits. Raises ConfigurationError when it does not answer."""
    from prefect_genmedia.blocks.server import require_server, server_url

    if server_url() is None:
        say("No Prefect server is set (PREFECT_API_URL): starting a temporary one, which takes some seconds")
    with patiently(f"Asking Prefect at {server_url() or 'the temporary server'}"):
        await require_server()
