"""Who needs one product loads no other, and nothing of what only a purchase needs."""

from __future__ import annotations

import subprocess
import sys

LOADED = "import sys, prefect_genmedia.tasks.{}; print(*(name for name in sys.modules if name.startswith({!r})))"


def loaded(tasks: str, under: str) -> set[str]:
    code = LOADED.format(tasks, under)
    return set(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split())


def test_novitas_tasks_bring_novita_only() -> None:
    found = loaded("novita", "prefect_genmedia.")
    assert "prefect_genmedia.providers.novita.images" in found
    assert not {name for name in found if name.startswith("prefect_genmedia.providers.ttapi.")} - {
        "prefect_genmedia.providers.ttapi.envelope",  # the credentials blocks know both providers' ways
        "prefect_genmedia.providers.ttapi.words",
    }
    assert "prefect_genmedia.ledger.models" not in found  # and SQLAlchemy with it
