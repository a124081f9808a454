"""What became of a case, by the emulator's counts and the ledger's rows; and the tables of many."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from tests.chaos.points import IMAGINE, IMG2IMG, WAYS, WITNESSES, Case


@dataclass(frozen=True)
class Verdict:
    """What became of one case. The counts of what was paid are the emulator's."""

    case: Case
    struck: bool
    delivered: bool
    unknown: bool
    unsettled: list[str]  # operations whose row says UNKNOWN
    paid: dict[str, int]
    silent: list[str]  # operations whose outcome was unknown and that were sent again all the same
    lost: str  # why nothing was delivered and nothing reported; or what was paid, witnessed and still not delivered
    seconds: float
    said: str

    @property
    def paid_twice(self) -> int:
        return sum(count - 1 for count in self.paid.values() if count > 1)

    @property
    def wrong(self) -> str:
        faults = []
        if not self.struck:
            faults.append("the point was not reached")
        if self.paid_twice:
            faults.append(f"paid {self.paid}")
        if self.silent:
            faults.append(f"sent again in silence: {self.silent}")
        if self.lost:
            faults.append(f"lost: {self.lost}")
        return "; ".join(faults)

    def __str__(self) -> str:
        return f"{self.case}\n    {self.wrong}\n    {self.said[-1500:]}"


def rows_of(ledger: Path) -> list[dict[str, Any]]:
    """The latest attempt of every job; none where the ledger was never set up."""
    if not ledger.exists():
        return []
    with contextlib.closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'genmedia_job'").fetchall():
            return []
        query = "SELECT id, operation, state, job_id FROM genmedia_job WHERE successor IS NULL"
        rows = [dict(row) for row in connection.execute(query)]
        for row in rows:
            query = "SELECT uri, sha256 FROM genmedia_media WHERE job = ?"
            row["media"] = [dict(file) for file in connection.execute(query, (row["id"],))]
    return rows


def all_there(folder: Path, rows: list[dict[str, Any]]) -> bool:
    """Both jobs stored, their files whole, and the picture published."""
    files = [file for row in rows for file in row["media"]]
    whole = all(
        hashlib.sha256(Path(unquote(file["uri"].removeprefix("file://"))).read_bytes()).hexdigest() == file["sha256"]
        for file in files
    )
    published = list((folder / "media" / "published" / "chaos").glob("*.jpg"))
    done = sorted(row["operation"] for row in rows if row["state"] == "STORED") == [IMAGINE, IMG2IMG]
    return done and whole and len(files) == 6 and len(published) == 1


def table(verdicts: Iterable[Verdict]) -> str:
    """One line for each way to run again and each witness."""
    verdicts = list(verdicts)
    lines = [
        "| Run again by | Witness | Points | Delivered | Reported UNKNOWN | Paid twice | Lost |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]

    for way in WAYS:
        for witness in WITNESSES:
            those = [each for each in verdicts if each.case.way == way and each.case.witness == witness]
            if those:
                lines.append(line(f"{way} | {witness}", those))
    lines.append(line("**all** | ", verdicts))
    return "\n".join(lines)


def line(name: str, those: list[Verdict]) -> str:
    """One line of a table: how many points, and what became of them."""
    counts = (
        len(those),
        sum(each.delivered for each in those),
        sum(each.unknown for each in those),
        sum(each.paid_twice for each in those),
        sum(bool(each.lost) for each in those),
    )
    return f"| {name} | " + " | ".join(map(str, counts)) + " |"
