"""May a picture be published? What the provider's check said of it, and the user's own. Everything here blocks.

A gate fails closed: a file that nobody could look at counts as found.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict

from prefect_genmedia.errors import BOUGHT_ONCE, MediaError, ModerationError
from prefect_genmedia.jobs.values import JobResult
from prefect_genmedia.media import MediaFile, MediaStore, local_copy
from prefect_genmedia.media.kinds import EXTENSIONS
from prefect_genmedia.quoting import title

if TYPE_CHECKING:
    from prefect_genmedia.ledger import Ledger

Policy = Literal["block", "quarantine", "flag"]
Check = Callable[[Path], Any]
"""The user's own: it gets a path, and gives nothing where the file is fine, else why it is not (a text, or True)."""
FOLDER = "quarantine"
CONFIDENCE = 50.0
"""From which confidence on, of 100, Novita's finding counts. A choice of ours: Novita's page names none."""


class Moderated(BaseModel):
    """What came through the gate, and what is kept apart."""

    model_config = ConfigDict(frozen=True)

    passed: list[MediaFile]
    """With policy flag all files; what was found is in their remarks."""
    quarantined: list[MediaFile] = []
    """Copies in the store's `quarantine/`, with what was found as remarks."""


def judge(
    judged: JobResult[Any] | MediaFile, policy: Policy, check: Check | None, confidence: float, store: MediaStore
) -> Moderated:
    """Look at each file. Raises ModerationError with policy block, and MediaError."""
    files = [judged] if isinstance(judged, MediaFile) else judged.media
    passed: list[MediaFile] = []
    quarantined: list[MediaFile] = []
    found: list[str] = []
    for file in files:
        reasons = reasons_against(file, None if isinstance(judged, MediaFile) else judged, check, confidence)
        told = (*file.remarks, *(f"moderation: {said}" for said in reasons))
        marked = file.model_copy(update={"remarks": told}) if reasons else file
        found += [f"{file.role or 'file'} {file.position}: {said}" for said in reasons]
        if reasons and policy == "quarantine":
            quarantined.append(_set_apart(marked, reasons, store))
        else:
            passed.append(marked)
    if found and policy == "block":
        job = None if isinstance(judged, MediaFile) else judged.job
        money = BOUGHT_ONCE if job is not None else "Nothing more was bought."
        raise ModerationError(f"{len(found)} found by moderation: {'; '.join(found)}", job=job, money=money)
    return Moderated(passed=passed, quarantined=quarantined)


def reasons_against(
    file: MediaFile, result: JobResult[Any] | None, check: Check | None, confidence: float
) -> list[str]:
    """Why this file should not be published; empty where somebody looked at it and found nothing."""
    said = None if result is None else _novita_confidence(result, file.position)
    reasons = []
    if said is not None and said >= confidence:
        reasons.append(f"Novita's NSFW check is {said:g} % sure")
    if check is not None:
        reasons += _asked(check, file)
    elif said is None:
        reasons.append("nobody looked at it: no NSFW result came with it, and no check of your own is given")
    return reasons


def _novita_confidence(result: JobResult[Any], position: int) -> float | None:
    """None where no check was asked for, or it did not work."""
    images = getattr(result.result, "images", ())
    finding = getattr(images[position], "nsfw_detection_result", None) if position < len(images) else None
    if finding is None or finding.valid is False:
        return None
    confidence: float | None = finding.confidence
    return confidence


def _asked(check: Check, file: MediaFile) -> list[str]:
    with local_copy(file) as path:
        try:
            said = check(path)
        except Exception as failure:  # whatever a user's own code raises: what was not looked at does not pass
            return [f"your check failed ({type(failure).__name__})"]
    if said is None or said is False or said == "":
        return []
    return [title(said, 200) if isinstance(said, str) else "your check refused it"]


def _set_apart(file: MediaFile, reasons: list[str], store: MediaStore) -> MediaFile:
    """A copy of it in quarantine, and its record, by which publishing knows it."""
    key = f"{FOLDER}/{file.sha256}.{EXTENSIONS.get(file.media_type, 'bin')}"
    with local_copy(file) as path, store.incoming() as incoming:
        record = incoming / "record"
        record.write_text(json.dumps({"sha256": file.sha256, "reasons": reasons}, ensure_ascii=False), encoding="utf-8")
        store.keep(record, _record(file))  # first: from here on it is not published
        copy = incoming / "copy"
        copy.write_bytes(path.read_bytes())
        return file.model_copy(update={"uri": store.keep(copy, key)})


def _record(file: MediaFile) -> str:
    return f"{FOLDER}/{file.sha256}.json"


def refuse_quarantined(file: MediaFile, store: MediaStore) -> None:
    """Raises MediaError for a file with the bytes of a quarantined one."""
    if store.holds(_record(file)):
        raise MediaError(
            f"{file.sha256[:16]} is in quarantine, and is not published",
            advice=f"Look at it in {store.root}/{FOLDER}; to let it go, delete {file.sha256[:16]}….json there.",
        )


def refuse_rejected(file: MediaFile, ledger: Ledger) -> None:
    """Raises MediaError for a file with bytes that somebody has rejected, and nobody approved since."""
    row = ledger.decisions([file.sha256]).get(file.sha256)
    if row is not None and row.decision == "rejected":
        why = f": {row.why}" if row.why else ""
        raise MediaError(
            f"{file.sha256[:16]} was rejected by {row.who}{why}, and is not published",
            advice="To let it go, approve it in another review.",
        )
