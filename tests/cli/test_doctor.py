"""What `genmedia doctor` finds without Prefect and without a provider."""

from __future__ import annotations

import pytest

from prefect_genmedia.cli.doctor import _misspelt
from prefect_genmedia.settings import ALSO_READ


def test_a_misspelt_setting_is_named_with_the_one_that_was_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    before = {found.says for found in _misspelt()}  # what the tests themselves are told by
    for name in ("GENMEDIA_MAX_IN_PROGESS", "GENMEDIA_OUTAGE_SECOND", "GENMEDIA_ZZZ", "genmedia_max_in_progress"):
        monkeypatch.setenv(name, "1")
    for name in ALSO_READ:
        monkeypatch.setenv(name, "/x")
    found = {each.says.partition(" ")[0]: each.advice for each in _misspelt() if each.says not in before}
    assert set(found) == {"GENMEDIA_MAX_IN_PROGESS", "GENMEDIA_OUTAGE_SECOND", "GENMEDIA_ZZZ"}
    assert "GENMEDIA_MAX_IN_PROGRESS" in found["GENMEDIA_MAX_IN_PROGESS"]
    assert "GENMEDIA_OUTAGE_SECONDS" in found["GENMEDIA_OUTAGE_SECOND"]
