"""Files that people decide on: which they are, which are one picture, and what becomes of them. All of it blocks."""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect_genmedia import quoting
from prefect_genmedia.errors import ConfigurationError, MediaError
from prefect_genmedia.imaging import header
from prefect_genmedia.jobs.moderation import refuse_quarantined
from prefect_genmedia.jobs.values import media_file_of
from prefect_genmedia.ledger import Asked
from prefect_genmedia.media import MediaFile, MediaStore, open_media
from prefect_genmedia.media.kinds import EXTENSIONS, UNKNOWN, binary_kind, extension
from prefect_genmedia.media.names import check_place
from prefect_genmedia.media.references import tidy
from prefect_genmedia.provenance import Signer, credentials_seen, marked
from prefect_genmedia.settings import read_settings
from prefect_genmedia.tasks.publishing.marking import mark_for
from prefect_genmedia.tasks.publishing.signing import sign_content

if TYPE_CHECKING:
    from prefect_genmedia.ledger import DecisionRow, Ledger

MOST_PICTURES = 150
MOST_FILES = 2000
KINDS = {
    "jpeg",
    "tiff",
    *(end for kind, end in EXTENSIONS.items() if kind.split("/")[0] in ("image", "video", "audio")),
}
MARKED = ("image/jpeg", "image/png", "image/webp", "image/avif")
BESIDE = ".json"


@dataclass(frozen=True)
class Shown:
    """One picture as it is shown: by its number, with all its sizes."""

    number: int
    name: str
    files: Mapping[int, MediaFile]
    """By their positions in the run."""

    @property
    def label(self) -> str:
        return f"{self.number} {self.name}"

    @property
    def largest(self) -> MediaFile:
        return max(self.files.values(), key=lambda file: (file.width or 0) * (file.height or 0))


def files_below(store: MediaStore, folder: str) -> list[MediaFile]:
    """The pictures, films and sounds of a folder of the store and below it. Raises ConfigurationError, MediaError."""
    folder = folder.strip("/")
    check_place(folder)
    keys = sorted(key for key, _ in store.files(folder) if key.rpartition(".")[2].lower() in KINDS)
    if len(keys) > MOST_FILES:
        raise ConfigurationError(f"{folder} has {len(keys)} files; the limit is {MOST_FILES}", advice="Review parts.")
    return [file_at(store, key) for key in keys]


def file_at(store: MediaStore, key: str) -> MediaFile:
    """A file that lies in the store, as it is now. Raises MediaError."""
    content = store.read(key)
    file = MediaFile(
        uri=store.uri_of(key),
        sha256=hashlib.sha256(content).hexdigest(),
        media_type=binary_kind(content) or UNKNOWN,
        bytes=len(content),
        role=str(manifest_of(store, key).get("role") or "image"),
    )
    with suppress(MediaError):
        found = header(content)
        file = file.model_copy(update={"width": found.width, "height": found.height})
    return file


def key_in(store: MediaStore, reference: str) -> str | None:
    """Under which key of the store a path or an address lies; None for one that is elsewhere."""
    uri = tidy(reference)
    if "://" not in uri:
        uri = Path(uri).expanduser().absolute().as_uri()
    key = store.key_of(MediaFile(uri=uri, sha256="", media_type="", bytes=0))
    return key if key is not None and store.holds(key) else None


def files_of_run(ledger: Ledger, run: str) -> list[MediaFile]:
    """All files of a flow run's jobs, in the order in which they were asked for. Raises LedgerError."""
    rows = ledger.rows(run=f"flow:{run.removeprefix('flow:')}", limit=MOST_FILES)
    return [media_file_of(file) for row in reversed(rows) for file in ledger.media(row.id)]


def asked_about(store: MediaStore, files: Sequence[MediaFile]) -> list[Asked]:
    """The files in order, those of one picture with one number. Raises ConfigurationError where there are too many."""
    numbers: dict[tuple[str, str], int] = {}
    asked = []
    for file in {file.uri: file for file in files}.values():
        told = manifest_of(store, key) if (key := store.key_of(file)) is not None else {}
        source = _source_of(told)
        number = numbers.setdefault(
            (posixpath.dirname(file.uri), source) if source else (file.uri, ""), len(numbers) + 1
        )
        sized = source if "rendition" in told else None  # what a recipe has made may be something else
        asked.append(Asked(0, number, file.sha256, file.model_dump(mode="json"), sized))
    if not asked:
        raise ConfigurationError("there is nothing to review", advice="Give a folder that has files, a list or a run.")
    if len(numbers) > MOST_PICTURES:
        raise ConfigurationError(
            f"there are {len(numbers)} pictures; one form shows {MOST_PICTURES} at most", advice="Review them in parts."
        )
    asked.sort(key=lambda each: each.picture)
    return [each._replace(position=position) for position, each in enumerate(asked)]


def _source_of(told: Mapping[str, Any]) -> str | None:
    """The sha256 of the picture that a file is one of the sizes of: these lie in one folder, and are shown as one."""
    parents = told.get("parents")
    made = "rendition" in told or "recipe_sha256" in told
    if made and isinstance(parents, list) and len(parents) == 1 and isinstance(parents[0], dict):
        return str(parents[0].get("sha256") or "") or None
    return None


def shown_of(rows: Sequence[DecisionRow]) -> list[Shown]:
    """What a run asked about, picture by picture."""
    files: dict[int, dict[int, MediaFile]] = {}
    for row in rows:
        if row.position is not None and row.picture is not None:
            files.setdefault(row.picture, {})[row.position] = MediaFile.model_validate(row.file)
    return [Shown(number, _name(next(iter(each.values()))), each) for number, each in files.items()]


def _name(file: MediaFile) -> str:
    """What its files are called, without the size."""
    return quoting.title(posixpath.splitext(posixpath.basename(file.uri))[0].removesuffix(f"-{file.role}"), 40)


@dataclass(frozen=True)
class Settling:
    """Where the decisions of one run go."""

    store: MediaStore
    folder: str
    """Where approved files are copied to."""
    rows: Mapping[int, DecisionRow]
    """What was decided, by the files' positions."""
    names: Mapping[int, str]
    """What their copies are called."""
    signer: Signer | None = None

    def settle(self, position: int, file: MediaFile) -> list[str]:
        """Say it in the manifest beside the file, and copy the file where it is approved: where to.

        Raises MediaError where the file is gone, is another than was shown, or is in quarantine.
        """
        content = open_media(file)
        row = self.rows[position]
        key = self.store.key_of(file)
        told = manifest_of(self.store, key) if key is not None else {}
        told = {"file": posixpath.basename(file.uri), **file.model_dump(exclude={"uri"}, mode="json"), **told}
        told["review"] = _said(row)
        if key is not None:
            self._write(f"{key}{BESIDE}", _manifest(told))
        if row.decision != "approved":
            return []
        refuse_quarantined(file, self.store)
        mark = mark_for([file], None, read_settings()) if file.media_type in MARKED else None
        made = marked(content, mark)
        if made != content or not credentials_seen(content):  # a file that is signed is published as it is
            made, _ = sign_content(made, self.signer, [content])
        if made != content:  # it came from a provider as it is: what is published says that it is generated, signed
            parents = [{"sha256": file.sha256, "role": file.role}]
            told |= {"sha256": hashlib.sha256(made).hexdigest(), "bytes": len(made), "parents": parents}
        target = f"{self.folder}/{self.names[position]}"
        self._write(f"{target}{BESIDE}", _manifest({**told, "file": posixpath.basename(target)}))
        return [self._write(target, made)]

    def _write(self, key: str, content: bytes) -> str:
        with self.store.incoming() as incoming:
            part = incoming / "part"
            part.write_bytes(content)
            return self.store.keep(part, key)


def _said(row: DecisionRow) -> dict[str, Any]:
    at = datetime.fromtimestamp(row.decided_at or 0.0, UTC).isoformat(timespec="seconds")
    return {"decision": row.decision, "by": row.who, "why": row.why, "stars": row.rating, "at": at, "run": row.run}


def names_of(shown: Sequence[Shown]) -> dict[int, str]:
    """What the copy of each file is called; of two with one name the later gets its position."""
    names: dict[int, str] = {}
    taken: set[str] = set()
    for picture in shown:
        for position, file in picture.files.items():
            stem = posixpath.splitext(posixpath.basename(file.uri))[0]
            end = extension(file.media_type, file.uri)
            name = f"{stem}.{end}" if f"{stem}.{end}".lower() not in taken else f"{stem}-{position}.{end}"
            taken.add(name.lower())
            names[position] = name
    return names


def manifest_of(store: MediaStore, key: str) -> dict[str, Any]:
    """What the JSON beside a file says; {} where there is none."""
    try:
        said = json.loads(store.read(f"{key}{BESIDE}"))
    except (MediaError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}


def _manifest(facts: Mapping[str, Any]) -> bytes:
    said = quoting.without_signatures(dict(facts))
    return json.dumps(said, indent=2, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
