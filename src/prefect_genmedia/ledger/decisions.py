"""What people decided of files: asked for by a run, given by somebody, found again by a file's bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import select, update

from prefect_genmedia.ledger.models import DecisionRow
from prefect_genmedia.ledger.rows import Rows, changed, table_of
from prefect_genmedia.ledger.values import Asked, Verdict

_AT_ONCE = 80  # rows in one statement: older SQLites take no more values
_MOST_FILES = 500  # in one question


class Decisions(Rows):
    """Decisions and ratings, of files and of what they are sizes of. The newest counts; none is ever changed."""

    def ask(self, run: str, files: Sequence[Asked]) -> None:
        """Write down what a run asks people about. Asked again, what is there stays."""
        with self.database.write() as session:
            for some in _parts(files, _AT_ONCE):
                rows = [{"run": run, **each._asdict(), "asked_at": self.clock()} for each in some]
                self.insert(session, DecisionRow, *({"who": "", "why": "", **row} for row in rows))

    def asked(self, run: str) -> list[DecisionRow]:
        """What a run asked about, in its order."""
        with self.database.read() as session:
            return list(
                session.scalars(select(DecisionRow).where(DecisionRow.run == run).order_by(DecisionRow.position))
            )

    def decide(self, run: str, verdicts: Mapping[int, Verdict]) -> None:
        """What somebody said, by each file's position. What a run was told before stays."""
        undecided = update(table_of(DecisionRow)).where(DecisionRow.run == run, DecisionRow.decided_at.is_(None))
        with self.database.write() as session:
            for position, verdict in verdicts.items():
                values = {**verdict._asdict(), "decided_at": self.clock()}
                changed(session, undecided.where(DecisionRow.position == position).values(**values))

    def rate(self, run: str, sha256: str, rating: int, who: str, why: str = "", source: str | None = None) -> None:
        """Stars for a file that no run asked about, and for the picture that it is a size of."""
        moment = {"asked_at": self.clock(), "decided_at": self.clock()}
        with self.database.write_once() as session:
            row = {"run": run, "sha256": sha256, "source": source, "rating": rating, "who": who, "why": why, **moment}
            self.insert(session, DecisionRow, row)

    def decisions(self, sha256s: Iterable[str]) -> dict[str, DecisionRow]:
        """The newest decision on each of these files."""
        return self._newest(sha256s, DecisionRow.decision.is_not(None))

    def ratings(self, sha256s: Iterable[str]) -> dict[str, int]:
        """The newest rating of each of these files."""
        found = self._newest(sha256s, DecisionRow.rating.is_not(None))
        return {sha256: row.rating for sha256, row in found.items() if row.rating is not None}

    def _newest(self, sha256s: Iterable[str], said: Any) -> dict[str, DecisionRow]:
        wanted = list(dict.fromkeys(sha256s))
        order = (DecisionRow.decided_at, DecisionRow.id)
        decided = select(DecisionRow).where(DecisionRow.decided_at.is_not(None), said).order_by(*order)
        found: dict[str, DecisionRow] = {}
        with self.database.read() as session:
            for some in _parts(wanted, _MOST_FILES):
                # Two questions, so that each has its index.
                rows = {
                    (row.decided_at, row.id): row
                    for column in (DecisionRow.sha256, DecisionRow.source)
                    for row in session.scalars(decided.where(column.in_(some)))
                }
                for _, row in sorted(rows.items()):  # of several the last
                    found |= {each: row for each in (row.sha256, row.source) if each is not None}
        return {each: found[each] for each in wanted if each in found}


def _parts(all_of_them: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(all_of_them), size):
        yield all_of_them[start : start + size]
