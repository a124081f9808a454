"""What a live check heard, fit to be shown: keys, links, prompts and whoever's words taken out, the shape left.

A contract test reads it back through the same parsers: statuses, figures, links and ids are still where they were.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from prefect_genmedia.errors import ConfigurationError

GONE = "..."
LINK = re.compile(r"(?:https?:)?//\S+", re.IGNORECASE)
# A figure, a date, a percentage: nothing that anybody wrote.
FIGURE = re.compile(r"[-+]?\d[\d.,:/ TZ+-]{0,31}%?")
WORD = re.compile(r"[A-Z][A-Z0-9_]{1,39}")  # TASK_STATUS_SUCCEED
# Fields whose words are the provider's own vocabulary.
SAFE = frozenset(
    {"action", "actions", "components", "code", "image_type", "mode", "model", "mv", "reason", "size", "status",
     "task_type", "type", "video_type", "audio_type"}
)  # fmt: skip
# Fields that hold somebody's words, whatever these look like.
WORDY = re.compile(r"prompt|title|tags|text|mail|message|lyric|name|description|sound|key|token|secret", re.IGNORECASE)
SHORT = re.compile(r"[A-Za-z0-9_.:+-]{1,40}")
IDS = re.compile(r"(?:job|task|clip|music|video|request)_?ids?|id", re.IGNORECASE)


class Redaction:
    """The same JSON without what is somebody's. The same id is the same word wherever it stands."""

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self._ids: dict[str, str] = {}

    def of(self, value: Any, name: str = "") -> Any:
        if isinstance(value, dict):
            return {self._name(str(key)): self.of(inner, str(key)) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.of(inner, name) for inner in value]
        if isinstance(value, int | float) and not isinstance(value, bool) and IDS.fullmatch(name):
            return self._id(str(value))
        return self._text(value, name) if isinstance(value, str) else value

    def _name(self, name: str) -> str:
        return name if SHORT.fullmatch(name) and self._secret not in name else GONE

    def _text(self, text: str, name: str) -> str:
        if not text:
            return text
        if self._secret in text or WORDY.search(name):
            return GONE
        if IDS.fullmatch(name):
            return self._id(text)
        if LINK.fullmatch(text.strip()):
            return self._link(text.strip())
        if FIGURE.fullmatch(text) or WORD.fullmatch(text) or (name in SAFE and SHORT.fullmatch(text)):
            return text
        return GONE

    def _id(self, text: str) -> str:
        return self._ids.setdefault(text, f"id-{len(self._ids) + 1}")

    def _link(self, link: str) -> str:
        """A link that leads nowhere, of the same kind."""
        try:
            ending = Path(urlsplit(link).path).suffix
        except ValueError:
            ending = ""
        return f"https://link.invalid/{self._id(link)}{ending if re.fullmatch(r'[.][a-z0-9]{1,5}', ending) else ''}"


def write(path: Path, recording: dict[str, Any]) -> None:
    path.write_text(json.dumps(recording, indent=2, ensure_ascii=True) + "\n", encoding="utf-8")


def make_room(path: Path) -> None:
    """A new, empty file, so that nothing is bought whose recording could not be kept. Raises ConfigurationError."""
    try:
        path.open("x").close()
    except OSError as failure:
        why = "it is there already" if isinstance(failure, FileExistsError) else type(failure).__name__
    else:
        return
    raise ConfigurationError(f"the recording cannot be written to {path}: {why}", advice="Name another: --to FILE.")
