"""A bench: plain scripts that buy by the core alone, without Prefect, and the provider they buy from."""

from __future__ import annotations

import contextlib
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from prefect_genmedia.emulator import Emulator
from tests.chaos.rig import REPOSITORY, Stable, Worker
from tests.chaos.wire import Wire
from tests.patience import PATIENCE

LEASE_SECONDS = 0.5


@dataclass
class Bench:
    """Workers of one copy of the package, with a ledger and a store of their own."""

    emulator: Emulator
    stable: Stable
    folder: Path
    env: dict[str, str] = field(default_factory=dict)
    """Settings besides those of every bench."""
    url: str = ""
    """Where the provider is reached, if not directly: an account is known by its address, too."""

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger.db"

    @property
    def media(self) -> Path:
        return self.folder / "media"

    def worker(self, **order: Any) -> Worker:
        """One script; `order` is that of the role `buy`."""
        env = {
            "GENMEDIA_LEDGER_URL": f"sqlite:///{self.ledger}",
            "GENMEDIA_MEDIA_STORE": str(self.media),
            "GENMEDIA_POLL_SECONDS": "0.02",
            "GENMEDIA_POLL_MAX_SECONDS": "0.2",
            "GENMEDIA_RECONCILE_SECONDS": "0.5",
            "GENMEDIA_LEASE_SECONDS": str(LEASE_SECONDS),
            "GENMEDIA_CANCEL_GRACE_SECONDS": "0.5",
            **self.env,
        }
        return self.stable.start("buy", env, url=self.url or self.emulator.url, **order)

    def bought(self, **order: Any) -> dict[str, Any]:
        """What a worker that is left alone says at its end of the first thing it bought."""
        return self.all_bought(**order)[0]

    def all_bought(self, **order: Any) -> list[dict[str, Any]]:
        """The same of everything."""
        worker = self.worker(**order)
        assert worker.wait(2 * PATIENCE) == 0, worker.log.read_text()
        said: list[dict[str, Any]] = worker.report()["bought"]
        return said

    def rows(self, where: str = "successor IS NULL") -> list[dict[str, Any]]:
        """The latest attempt of every job; none where the ledger was never set up."""
        if not self.ledger.exists():
            return []
        with contextlib.closing(sqlite3.connect(f"file:{self.ledger}?mode=ro", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'genmedia_job'").fetchall():
                return []
            found = connection.execute(f"SELECT * FROM genmedia_job WHERE {where} ORDER BY title")
            return [dict(row) for row in found]

    def states(self) -> list[str]:
        return [row["state"] for row in self.rows()]

    @contextmanager
    def wire(self) -> Iterator[Wire]:
        """The wire to the provider, which all workers use from then on: a request or its reply can be struck there."""
        wire = Wire(self.emulator.url)
        self.url = wire.url
        try:
            yield wire
        finally:
            wire.close()


@dataclass
class Tally:
    """What became of many jobs, each wanted once, by the emulator's own bill."""

    what: str
    jobs: int = 0
    delivered: int = 0
    unknown: int = 0
    paid_twice: int = 0
    lost: list[str] = field(default_factory=list)

    def add(self, emulator: Emulator, prompts: list[str], said: list[dict[str, Any]]) -> None:
        """Count these, with what was said of each when it was asked for the last time."""
        billed = Counter(job["prompt"] for job in emulator.jobs()["jobs"] if job["billed"])
        for prompt, each in zip(prompts, said, strict=True):
            self.jobs += 1
            self.paid_twice += max(0, billed[prompt] - 1)
            if each.get("whole"):
                self.delivered += 1
            elif "SubmitOutcomeUnknown" in each["error"] and not billed[prompt]:
                self.unknown += 1
            else:
                self.lost.append(f"{prompt}: {each['error']}")

    def tell(self, capsys: pytest.CaptureFixture[str]) -> None:
        """The line of the README's table."""
        counts = (self.jobs, self.delivered, self.unknown, self.paid_twice, len(self.lost))
        said = f"| {self.what} | " + " | ".join(map(str, counts)) + " |"
        with capsys.disabled():
            print(f"\n{said}")
        (REPOSITORY / "build").mkdir(exist_ok=True)
        (REPOSITORY / "build" / f"chaos-{self.what.replace(' ', '-')}.md").write_text(said + "\n")

    def hold(self) -> None:
        """Nothing paid twice, nothing lost."""
        assert self.jobs and not self.lost and not self.paid_twice, self
