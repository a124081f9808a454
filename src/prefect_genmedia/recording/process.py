"""ffmpeg and ffprobe: whether they are there, and one run of them."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

from prefect_genmedia.errors import ConfigurationError, MediaError, MediaInvalidError
from prefect_genmedia.quoting import one_line, shortened

LONGEST_SECONDS = 1800.0
LONGEST_REASON = 300
# A playlist called film.mp4 would be opened as one, and read what files and addresses it names.
_FORMATS = "mov,matroska,avi,mpegts,mp3,wav,flac,ogg,aac,aiff"
_CAREFULLY = ("-protocol_whitelist", "file", "-format_whitelist", _FORMATS)


def require_ffmpeg() -> None:
    """Raises ConfigurationError where ffmpeg or ffprobe is not on the PATH: to be called before money is spent."""
    for program in ("ffmpeg", "ffprobe"):
        _found(program)


def _found(program: str) -> str:
    if path := shutil.which(program):
        return path
    raise ConfigurationError(
        f"{program} is not on the PATH, and films and sounds are worked on with it",
        advice="Install it (apt-get install ffmpeg, brew install ffmpeg), then run again.",
    )


def given(source: Path) -> tuple[str, ...]:
    """The options that open `source`, as a file whatever its name looks like."""
    return (*_CAREFULLY, "-i", named(source))


def shown(picture: Path, frames_per_second: int) -> tuple[str, ...]:
    """The options that open one picture as a film of one frame; a percent sign in its name is no pattern."""
    carefully = ("-protocol_whitelist", "file", "-format_whitelist", "image2")
    still = ("-f", "image2", "-pattern_type", "none", "-framerate", str(frames_per_second))
    return (*carefully, *still, "-i", named(picture))


def named(path: Path) -> str:
    return f"file:{path.absolute()}"


def ffprobe(*options: str) -> str:
    """What it prints. Raises ConfigurationError, MediaError, MediaInvalidError."""
    return _run("ffprobe", "-v", "error", *options).stdout


@cache
def encoders() -> frozenset[str]:
    """What this ffmpeg can encode to. Raises ConfigurationError, MediaError."""
    lines = _run("ffmpeg", "-hide_banner", "-v", "error", "-encoders").stdout.splitlines()
    return frozenset(line.split()[1] for line in lines if len(line.split()) > 1)


def ffmpeg(*options: str, says: str = "error") -> str:
    """What it says, to which level. Raises ConfigurationError, MediaError, MediaInvalidError."""
    return _run("ffmpeg", "-nostdin", "-hide_banner", "-nostats", "-v", says, "-y", *options).stderr


def _run(program: str, *options: str) -> subprocess.CompletedProcess[str]:
    # No keys of this process: it gets a path and a language.
    env = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"}
    try:
        done = subprocess.run(  # noqa: S603  (a list, no shell; file names with a scheme)
            [_found(program), *options],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=LONGEST_SECONDS,
            env=env,
        )
    except subprocess.TimeoutExpired:
        error = MediaError(f"{program} did not end within {LONGEST_SECONDS:g} seconds")
    except OSError as failure:
        error = MediaError(f"{program} cannot be run: {failure.strerror}")
    else:
        if done.returncode == 0:
            return done
        said = [one_line(line) for line in done.stderr.splitlines() if line.strip()]
        why = shortened(said[-1] if said else f"code {done.returncode}", LONGEST_REASON)
        error = MediaInvalidError(f"{program} cannot work on it: {why}")
    raise error
