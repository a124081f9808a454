"""The JSON beside a published file: what it is, what it was made of, how, by which jobs, at what cost."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from prefect_genmedia import quoting
from prefect_genmedia.media import MediaFile


def manifest_bytes(
    name: str, made: MediaFile, source: MediaFile | Sequence[MediaFile], told: Mapping[str, Any], **step: Any
) -> bytes:
    """The manifest of the file `name`, made of one file or of several; `told` is the caller's own, `step` how it was
    made. Links lose their queries."""
    sources = [source] if isinstance(source, MediaFile) else source
    own: dict[str, Any] = {"file": name, **made.model_dump(exclude={"uri"})}
    own["parents"] = [{"sha256": each.sha256, "role": each.role} for each in sources]
    facts = quoting.without_signatures({**own, **step, **told})
    return json.dumps(facts, indent=2, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
