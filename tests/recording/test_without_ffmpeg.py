"""Without ffmpeg it is said, before anything is bought."""

from __future__ import annotations

from pathlib import Path

import pytest

from prefect_genmedia.errors import ConfigurationError
from prefect_genmedia.recording import measure, probe, require_ffmpeg, require_platform
from prefect_genmedia.recording.process import encoders

SAMPLES = Path(__file__).parent.parent / "media" / "samples"


def test_without_ffmpeg_it_is_said_before_anything_begins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    encoders.cache_clear()
    for begin in (
        require_ffmpeg,
        lambda: require_platform("youtube"),
        lambda: probe(SAMPLES / "film.mov"),
        lambda: measure(SAMPLES / "tone.mp3"),
    ):
        with pytest.raises(ConfigurationError, match="is not on the PATH") as refused:
            begin()
        assert "Nothing was bought" in str(refused.value) and "Install it" in str(refused.value)
