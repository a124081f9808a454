"""compose.yaml and the Dockerfile as they are read here: each service's environment and command, at other addresses."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

DEPLOYMENTS = Path(__file__).parents[2] / "deployments"
PROGRAMS = {
    "python": [sys.executable],
    "prefect": [sys.executable, "-m", "prefect"],
    "genmedia": [sys.executable, "-m", "prefect_genmedia.cli"],
}
_VARIABLE = re.compile(r"\$\{(\w+)(?::?[?-]([^}]*))?\}")


@dataclass(frozen=True)
class Composed:
    """`env`: what stands in .env. `moved`: what stands in the file, in whole or in part, and what it is here."""

    env: Mapping[str, str]
    moved: Mapping[str, str]

    def environment(self, service: str) -> dict[str, str]:
        given = self._services()[service].get("environment", {})
        return {name: self._here(value) for name, value in given.items()}

    def command(self, service: str) -> list[str]:
        program, *arguments = self._services()[service].get("command") or said_by_dockerfile("CMD")
        return [*PROGRAMS[program], *map(self._here, arguments)]

    def _services(self) -> dict[str, Any]:
        text = _VARIABLE.sub(lambda found: self.env.get(found[1], found[2] or ""), compose())
        services: dict[str, Any] = yaml.safe_load(text)["services"]
        return services

    def _here(self, text: str) -> str:
        if text in self.moved:
            return self.moved[text]
        for there, here in self.moved.items():
            if not there.isalnum():  # a bare name or number is moved only where it stands alone
                text = text.replace(there, here)
        return text


def compose() -> str:
    return (DEPLOYMENTS / "compose.yaml").read_text()


def said_by_dockerfile(word: str) -> list[str]:
    """The last CMD of this line's form: `CMD [...]`, or `HEALTHCHECK ... CMD [...]` on the next."""
    lines = re.findall(r"^(\s*)CMD (\[.*\])$", (DEPLOYMENTS / "Dockerfile").read_text(), re.MULTILINE)
    said: list[str] = next(json.loads(line) for indent, line in lines if bool(indent) == (word == "HEALTHCHECK"))
    return said
