"""The manifest of a whole folder: what a release consists of, beside the manifest of each file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from prefect_genmedia import quoting
from prefect_genmedia.media import MediaFile, MediaStore
from prefect_genmedia.settings import read_settings

FACTS = ("role", "sha256", "media_type", "bytes", "width", "height", "remarks")


def keep_bundle(folder: str, name: str, files: Sequence[MediaFile], told: Mapping[str, Any]) -> str:
    """Write `<name>.json` into the folder: `told`, then each file with its facts. Its URI. Blocking. Raises MediaError.

    Links in it lose their queries.
    """
    listed = [
        {"file": PurePosixPath(file.uri).name, **file.model_dump(mode="json", include=set(FACTS))} for file in files
    ]
    said = json.dumps(quoting.without_signatures({**told, "files": listed}), indent=2, ensure_ascii=False)
    store = MediaStore(read_settings().media_store)
    with store.incoming() as incoming:
        written = incoming / "bundle"
        written.write_bytes(said.encode("utf-8", "replace") + b"\n")
        return store.keep(written, f"{folder}/{name}.json")
