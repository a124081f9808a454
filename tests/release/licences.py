"""The licences of all that an installation brings, by what the distributions say of themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.release.wrong import Wrong

US = "prefect-genmedia"
EXTRAS = ("postgres", "s3", "gcs", "redis")
REASONS = {
    "psycopg": "LGPL-3.0, optional: a library of its own that is imported as it is, and not part of the wheel",
    "psycopg-binary": "LGPL-3.0, optional: as psycopg; it is psycopg's compiled part",
    "text-unidecode": "Artistic License or GPL, as one likes: taken under the Artistic License; Prefect brings it too",
}
"""Copyleft that is allowed, each by name."""
COPYLEFT = re.compile(r"\b[AL]?GPL|GNU|Affero|SSPL|EUPL", re.IGNORECASE)


def look_at(site_packages: Path) -> str:
    """Every distribution that we ask for, and that those ask for, with the extras that a user may want."""
    installed = {canonicalize_name(each.metadata["Name"]): each for each in distributions(path=[str(site_packages)])}
    wanted = set(_closure(installed))
    missing = sorted(wanted - installed.keys())
    wrong, named = [], []
    for name in sorted(wanted & installed.keys()):
        said = licence_of(installed[name])
        if not said:
            wrong.append(f"{name} names no licence")
        elif COPYLEFT.search(said) and name in REASONS:
            named.append(f"{name}: {REASONS[name]}")
        elif COPYLEFT.search(said):
            wrong.append(f"{name}: {said}")
    if wrong:
        raise Wrong("; ".join(wrong))
    unseen = f"; not installed here, so not seen: {', '.join(missing)}" if missing else ""
    return "\n    ".join([f"{len(wanted) - len(missing)} distributions, none GPL or AGPL{unseen}", *named])


def licence_of(distribution: Distribution) -> str:
    """Its expression, else its classifiers, else the first line of its text."""
    about = distribution.metadata
    classified = [line for line in about.get_all("Classifier") or () if line.startswith("License ::")]
    return about.get("License-Expression") or "; ".join(classified) or (about.get("License") or "").partition("\n")[0]


def _closure(installed: dict[str, Distribution]) -> Iterator[str]:
    todo: list[tuple[str, tuple[str, ...]]] = [(US, EXTRAS)]
    seen = set(todo)
    while todo:
        name, extras = todo.pop()
        yield name
        for line in (installed[name].requires or ()) if name in installed else ():
            asked = Requirement(line)
            environments = [{"extra": extra} for extra in ("", *extras)]
            if asked.marker is None or any(asked.marker.evaluate(each) for each in environments):
                more = (str(canonicalize_name(asked.name)), tuple(sorted(asked.extras)))
                if more not in seen:
                    seen.add(more)
                    todo.append(more)
