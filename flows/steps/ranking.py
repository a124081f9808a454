"""Which of several pictures comes first: by what people said of them, then by what can be told without a model."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from prefect_genmedia.imaging.judging import NEAR, distance, faults, fingerprint, sharpness, small
from prefect_genmedia.imaging.workers import beside_the_loop
from prefect_genmedia.ledger import Ledger
from prefect_genmedia.media import MediaFile, local_copy

STARS = {"approved": 4, "changes": 2}
"""What a decision counts, where nobody gave stars."""
UNRATED = 3


@dataclass(frozen=True)
class Ranked:
    """One picture, and why it stands where it does."""

    file: MediaFile
    stars: int | None
    """What somebody gave it, or what a decision counts."""
    faults: tuple[str, ...]
    sharpness: float
    print: int

    @property
    def order(self) -> tuple[float, ...]:
        """The smaller comes first."""
        return (-(UNRATED if self.stars is None else self.stars), len(self.faults), -self.sharpness)


async def ranked(files: Sequence[MediaFile], ledger: Ledger) -> list[Ranked]:
    """The best first; without what somebody rejected, and without what looks like a better one. Free.

    By stars (approved counts 4, unrated 3, to be changed 2), then by faults (blank, blurred), then by sharpness.
    Raises LedgerError, MediaError.
    """
    digests = [file.sha256 for file in files]
    decisions = await asyncio.to_thread(ledger.decisions, digests)
    ratings = await asyncio.to_thread(ledger.ratings, digests)
    judged = []
    for file in files:
        row = decisions.get(file.sha256)
        said = row.decision if row is not None else None
        if said != "rejected":
            judged.append(await beside_the_loop(_judged, file, ratings.get(file.sha256, STARS.get(said or ""))))
    kept: list[Ranked] = []
    for each in sorted(judged, key=lambda one: one.order):
        if all(distance(each.print, better.print) > NEAR for better in kept):
            kept.append(each)
    return kept


def _judged(file: MediaFile, stars: int | None) -> Ranked:
    with local_copy(file) as path:
        picture = small(path)
    found = tuple(fault.kind for fault in faults(picture.image, None, picture.size))
    return Ranked(file, stars, found, sharpness(picture.image.convert("RGB")), fingerprint(picture.image))
