"""A server that says what a case wants, and settings under which nothing is added to what a request says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.wire import Wire


@pytest.fixture
def wire(prepared: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    monkeypatch.setenv("GENMEDIA_SUBMIT_LABEL", "false")
    monkeypatch.setenv("GENMEDIA_POLL_SECONDS", "0.001")  # no callback comes here: the safety look follows this
    wire = Wire()
    yield wire
    wire.close()
