"""Why a file exists: made of what, by which job and request, at what cost. By its sha256, from any copy of it.

What was bought is in the ledger; what was made of it says so in the manifest beside it. Everything here blocks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from prefect_genmedia.errors import MediaError
from prefect_genmedia.jobs.values import media_file_of
from prefect_genmedia.ledger import JobRow, Ledger
from prefect_genmedia.media import MediaStore
from prefect_genmedia.quoting import without_signatures

MOST_GENERATIONS = 20
STEPS = (
    "rendition", "recipe_sha256", "steps", "cut", "poster", "trim", "level", "sheet", "teaser", "tag", "platform"
)  # fmt: skip
"""What a manifest may say of how its file was made."""
_LONGEST_MANIFEST = 1_000_000
_LONGEST_ID = 255
_SHA256 = re.compile(r"\b[0-9a-f]{64}\b")
_NO_MANIFESTS = ("recipes/", ".incoming/")
Kind = Literal["bought", "made", "taken in", "unknown"]


@dataclass(frozen=True)
class Job:
    """One job on the way to a file."""

    id: str
    """Its id in the ledger."""
    operation: str
    job_id: str | None
    state: str
    title: str
    request: dict[str, Any]
    run: str
    bought_at: float
    """Seconds since 1970."""
    unit: str
    charged: float | None
    """What the provider says it charged, in `unit`; None where it does not say."""
    expected: float | None
    """What it was expected to cost before it was bought."""


@dataclass(frozen=True)
class Origin:
    """Where one file comes from; `parents` are what it was made of."""

    sha256: str
    kind: Kind
    role: str = ""
    where: tuple[str, ...] = ()
    """All places at which these bytes are kept, as URIs or keys of the store."""
    step: dict[str, Any] = field(default_factory=dict)
    """How it was made of its parents: the rendition, or the recipe and its sha256."""
    prompt: str = ""
    job: Job | None = None
    parents: tuple[Origin, ...] = ()

    @property
    def jobs(self) -> dict[str, Job]:
        """All jobs that it took, by their ids; each once."""
        found = {self.job.id: self.job} if self.job else {}
        for parent in self.parents:
            found |= parent.jobs
        return found

    @property
    def cost(self) -> dict[str, float]:
        """What the providers say they charged in all, by unit."""
        told: dict[str, float] = {}
        for job in self.jobs.values():
            if job.charged is not None:
                told[job.unit] = told.get(job.unit, 0.0) + job.charged
        return told

    @property
    def jobs_not_told(self) -> int:
        """How many jobs' prices are not in `cost`: the provider did not say."""
        return sum(job.charged is None for job in self.jobs.values())


class Lineage:
    """Looks files up in a ledger and in the media store. The store's list of files is read once."""

    def __init__(self, ledger: Ledger, store: MediaStore) -> None:
        self._ledger = ledger
        self._store = store
        self._read_before: dict[str, dict[str, Any]] = {}

    def of(self, sha256: str, *, size: int | None = None) -> Origin:
        """Why the file with this sha256 exists. `size` in bytes spares reading other files' manifests.

        What neither the ledger nor the store knows is of kind "unknown". Raises LedgerError, MediaError.
        """
        return self._of(sha256, size, MOST_GENERATIONS)

    def _of(self, sha256: str, size: int | None, generations: int) -> Origin:
        bought = self._ledger.media_with(sha256)
        if bought:
            row = self._ledger.get(bought[0].job)
            assert row is not None  # the database holds a file's job
            where = tuple(media_file_of(each).uri for each in bought)
            parents = self._parents_of(row, generations) if generations else ()
            return Origin(sha256, "bought", bought[0].role, where, job=_job_of(row), parents=parents)
        found = list(self._manifests(sha256, size))
        if found:
            _, manifest = found[0]
            step: dict[str, Any] = {name: manifest[name] for name in STEPS if name in manifest}
            parents = self._made_of(manifest, generations) if generations else ()
            where = tuple(key for key, _ in found)
            return Origin(
                sha256, "made", _text(manifest, "role"), where, step, _text(manifest, "prompt"), parents=parents
            )
        taken_in = tuple(key for key in self._sizes if key.startswith(f"inputs/{sha256[:32]}."))
        return Origin(sha256, "taken in" if taken_in else "unknown", where=taken_in)

    def _parents_of(self, row: JobRow, generations: int) -> tuple[Origin, ...]:
        """The pictures in a job's request, and the files of the earlier jobs that it names."""
        texts = dict.fromkeys(text for text in _texts(row.request) if len(text) <= _LONGEST_ID)
        digests = dict.fromkeys(digest for text in texts for digest in _SHA256.findall(text))
        parents = [self._of(digest, None, generations - 1) for digest in digests]
        earlier = [
            self._ledger.media(job.id)
            for job in self._ledger.called_at_provider(row.account, list(texts))
            if job.id != row.id
        ]
        return tuple(parents + [self._of(files[0].sha256, None, generations - 1) for files in earlier if files])

    def _made_of(self, manifest: dict[str, Any], generations: int) -> tuple[Origin, ...]:
        named = manifest.get("parents")
        digests = [_text(each, "sha256") for each in named if isinstance(each, dict)] if isinstance(named, list) else []
        digests = digests or [_text(manifest, "source_sha256")]  # manifests were once without parents
        return tuple(self._of(digest, None, generations - 1) for digest in digests if _SHA256.fullmatch(digest))

    @cached_property
    def _sizes(self) -> dict[str, int]:
        return dict(self._store.files())

    def _manifests(self, sha256: str, size: int | None) -> Iterator[tuple[str, dict[str, Any]]]:
        """Manifests of files with these bytes: each with the file's key."""
        for key, length in self._sizes.items():
            beside = f"{key}.json"
            if beside not in self._sizes or size not in (None, length) or key.startswith(_NO_MANIFESTS):
                continue
            if self._sizes[beside] > _LONGEST_MANIFEST:
                continue
            manifest = self._read(beside)
            # One without these says what people decided of a file, and not how it was made.
            if manifest.get("sha256") == sha256 and ("parents" in manifest or "source_sha256" in manifest):
                yield key, manifest

    def _read(self, key: str) -> dict[str, Any]:
        """A manifest; an empty one where there is none that can be read."""
        if key not in self._read_before:
            try:
                said = json.loads(self._store.read(key))
            except (MediaError, ValueError):
                said = None
            self._read_before[key] = said if isinstance(said, dict) else {}
        return self._read_before[key]


def _job_of(row: JobRow) -> Job:
    return Job(
        id=row.id,
        operation=row.operation,
        job_id=row.job_id,
        state=row.state,
        title=row.title,
        request=without_signatures(row.request),
        run=row.run,
        bought_at=row.sent_at or row.created_at,
        unit=row.unit,
        charged=row.quota,
        expected=row.expected_cost,
    )


def _texts(value: Any) -> Iterator[str]:
    """Every text in some JSON."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


def _text(facts: dict[str, Any], name: str) -> str:
    value = facts.get(name)
    return value if isinstance(value, str) else ""
