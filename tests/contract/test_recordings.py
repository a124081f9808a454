"""What was recorded of a real provider is read as it was read then. Put recordings into tests/contract/recordings/."""

from __future__ import annotations

import json
from pathlib import Path

from tests.contract.recordings import read_back


def test_every_recording_is_read_back() -> None:
    for file in sorted((Path(__file__).parent / "recordings").glob("*.json")):
        assert read_back(json.loads(file.read_text())), file.name
