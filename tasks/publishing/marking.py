"""What a published file says of its origin: from its manifest, or from where the file lies in the media store."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from prefect_genmedia import quoting
from prefect_genmedia.media import MediaFile
from prefect_genmedia.provenance import Mark, is_generated, packet_for
from prefect_genmedia.settings import Settings

# Where a job's files are kept: operation, day, the job's id in the ledger.
_BOUGHT = re.compile(r"/([a-z0-9]+\.[a-z0-9_]+)/(\d{4}-\d\d-\d\d)/([0-9a-f]{32})-\d+[^/]*$")


def mark_for(
    sources: Sequence[MediaFile], manifest: Mapping[str, Any] | None, settings: Settings, *, laid_over: bool = False
) -> Mark | None:
    """The mark for a file made of these; None where nothing was bought for it, or none is wanted.

    `laid_over`: a text, a logo or another picture is in it too. What the files themselves brought is kept besides.
    """
    if not settings.mark:
        return None
    told: dict[str, Any] = quoting.without_signatures(dict(manifest or {}))
    jobs = [job for job in told.get("jobs") or [] if isinstance(job, dict)]
    bought = [place for file in sources if (place := _BOUGHT.search(file.uri))]
    if not jobs and not bought:
        return None
    systems = [str(job.get("operation") or "") for job in jobs] or [place[1] for place in bought]
    ids = [str(job.get("job_id") or job.get("ledger_id") or "") for job in jobs] or [place[3] for place in bought]
    composite = laid_over or bool(told.get("photograph_sha256"))
    return Mark.of(
        str(told.get("prompt") or ""),
        settings.mark_prompt,
        source_type="compositeWithTrainedAlgorithmicMedia" if composite else "trainedAlgorithmicMedia",
        system=", ".join(dict.fromkeys(filter(None, systems))),
        model=str(told.get("model") or ""),
        jobs=tuple(dict.fromkeys(filter(None, ids))),
        made_at=str(told.get("made_at") or (bought[0][2] if bought else datetime.now(UTC).date().isoformat())),
    )


def packet_for_several(sources: Sequence[MediaFile], contents: Sequence[bytes], settings: Settings) -> bytes | None:
    """The XMP packet for a file that shows several: it is put together, and says which is generated."""
    generated = next((content for content in contents if is_generated(content)), None)
    mark = mark_for(sources, None, settings, laid_over=True)
    if mark is None and generated is not None and settings.mark:
        mark = Mark(source_type="compositeWithTrainedAlgorithmicMedia")
    return packet_for(mark, generated or b"")
