"""What a user sets by environment variables, each with the prefix GENMEDIA_."""

from __future__ import annotations

import difflib
import os
from functools import cache, lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from prefect_genmedia.errors import ConfigurationError

Seconds = Annotated[float, Field(gt=0, le=30 * 86400, allow_inf_nan=False)]


def home() -> Path:
    """Where the ledger and the media files are kept unless settings say otherwise."""
    return Path(os.environ.get("PREFECT_HOME", "~/.prefect")).expanduser() / "genmedia"


def _default_ledger_url() -> str:
    return f"sqlite:///{home() / 'ledger.db'}"


def _default_media_store() -> str:
    return str(home() / "media")


def _cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def _default_user_agent() -> str:
    try:
        return f"prefect-genmedia/{version('prefect-genmedia')}"
    except PackageNotFoundError:  # run from a checkout that is not installed
        return "prefect-genmedia"


class Settings(BaseSettings):
    """Read for every job, so a change needs no restart. What is shown of it has no address in it."""

    model_config = SettingsConfigDict(env_prefix="GENMEDIA_", extra="ignore", hide_input_in_errors=True, frozen=True)

    ledger_url: str = Field(default_factory=_default_ledger_url, repr=False)
    """An SQLAlchemy URL: SQLite or PostgreSQL. It may hold a password."""

    media_store: str = Field(default_factory=_default_media_store, repr=False, min_length=1)
    """A folder, an fsspec URL such as s3://bucket/prefix, or a Prefect filesystem block as block:TYPE/NAME."""

    media_public_url: str | None = Field(default=None, repr=False)
    """The address at which a browser sees the media store, such as https://media.example.com: links in the Prefect UI
    lead there. Kept in artifacts, so it holds no signature."""

    prices: str | None = Field(default=None, repr=False)
    """A YAML or JSON file of prices of your own, or variable:NAME for a Prefect variable of that name."""

    mark: bool = True
    """Is every published file to say that it is generated? A mark that a file brought stays either way."""

    mark_prompt: Literal["hash", "text", "none"] = "hash"
    """What a mark says of the prompt: its sha256, its text as well, or nothing."""

    signing_certificate: str | None = Field(default=None, min_length=1)
    """A block of the type GenMedia Signing Certificate, by its name: what published files say of their origin is signed
    with it (Content Credentials, C2PA; extra [c2pa])."""

    fonts: str = Field(default="", repr=False)
    """Font files for texts and labels, with a colon between (on Windows a semicolon): the first that has every sign of
    a text is taken. Without one, the small font that Pillow brings, for plain English."""

    presets: str | None = Field(default=None, repr=False)
    """A YAML or JSON file of sizes of your own by name, or variable:NAME for a Prefect variable of that name."""

    imaging_threads: int = Field(default_factory=_cores, ge=1, le=256)
    """How many pictures, or files of one, are worked on at once; by default one for each core."""

    upload_memory_mb: int = Field(default=256, ge=1, le=1_000_000)
    """How many megabytes the pictures that are sent along may take: one half, of all jobs of a process, until it is
    their turn (other files are read again then; what was downloaded is held), one half, of each event loop, on their
    way."""

    user_agent: str = Field(default_factory=_default_user_agent, pattern=r"^[!-~][ -~]*$")
    """What we call ourselves to providers and to the servers that files come from; some refuse unknown names."""

    allow_private_links: bool = False
    """May a provider's link lead to a loopback, link-local or private address where the base URL is not?"""

    callback_url: str | None = Field(default=None, repr=False)
    """The public address of `genmedia receiver`, for example https://hooks.example.com/callbacks."""

    submit_label: bool = True
    """Without a receiver, still send Midjourney a callback address on the reserved domain `.invalid`,
    so that a job whose reply was lost can be told apart in the provider's list."""

    witness_job_list: bool = True
    """May the provider's list of recent jobs settle an unknown submit?"""

    witness_frozen_quota: bool = True
    """May the account's frozen quota support the finding that a job was not accepted?"""

    witness_callback: bool = True
    """May a callback settle an unknown submit?"""

    reconcile_seconds: Seconds = 20.0
    """How long the job list is looked at again before a lost submit counts as not found there."""

    callback_wait_seconds: Seconds = 300.0
    """How long an unknown submit waits for its callback, where a receiver is configured."""

    max_in_progress: int | None = Field(default=None, ge=1, le=100_000)
    """How many jobs one account may have in progress in one of its queues, over all workers that share the ledger.
    By default what the provider's account page says, or its refusals teach."""

    poll_seconds: Annotated[Seconds, Field(ge=0.001, le=86400)] = 0.2
    """The shortest pause between two fetches of one job; most are far longer, by what such jobs took lately."""

    poll_max_seconds: Annotated[Seconds, Field(ge=0.001, le=86400)] = 300.0
    """The longest pause between two fetches of one job."""

    poll_failures: int = Field(default=8, ge=1, le=10_000)
    """How many fetches in a row may fail before the wait gives up (the job goes on)."""

    outage_seconds: Seconds = 1800.0
    """How long a run asks a provider that cannot be reached before it fails. What is bought stays bought."""

    low_balance_usd: Annotated[float, Field(ge=0, le=1e7, allow_inf_nan=False)] = 5.0
    """With less than this left, an account's balance is said to be low when a run begins."""

    submit_timeout_seconds: Annotated[Seconds, Field(ge=0.1, le=3600)] = 60.0
    """How long one submit may take; after that its outcome is unknown."""

    cancel_grace_seconds: Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)] = 10.0
    """How long a submit that is on its way is still waited for when its call is cancelled."""

    expired_after_seconds: Annotated[float, Field(ge=0, le=30 * 86400, allow_inf_nan=False)] = 6 * 3600.0
    """How long the provider must say that it does not know a job before the job counts as forgotten."""

    lease_seconds: Annotated[Seconds, Field(ge=0.1, le=86400)] = 60.0
    """How long a job stays with a worker on another machine that has gone silent."""

    @property
    def font_files(self) -> tuple[str, ...]:
        return tuple(path for path in map(str.strip, self.fonts.split(os.pathsep)) if path)

    @field_validator("callback_url", "media_public_url")
    @classmethod
    def _an_address(cls, value: str | None) -> str | None:
        if value is None or not value.strip():
            return None
        try:
            parts = urlsplit(value)
            usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            usable = False
        if not usable or not value.isprintable() or " " in value or "?" in value or "#" in value:
            raise ValueError("should be a plain http or https address, such as https://hooks.example.com/callbacks")
        return value


PREFIX = "GENMEDIA_"
ALSO_READ = ("GENMEDIA_NOVELAI_SUBMIT_PATH", "GENMEDIA_IMAGE")
"""Not of the settings: what one operation reads, and what the compose file does."""


def misspelt() -> dict[str, str | None]:
    """The variables of our prefix that nothing reads, each with the one that was probably meant."""
    known = [*ALSO_READ, *(PREFIX + name.upper() for name in Settings.model_fields)]
    strange = sorted(name for name in os.environ if name.upper().startswith(PREFIX) and name.upper() not in known)
    near = {name: difflib.get_close_matches(name.upper(), known, n=1, cutoff=0.7) for name in strange}
    return {name: (found[0] if found else None) for name, found in near.items()}


READ_OF = ("GENMEDIA_", "PREFECT_HOME", "HOME", "USERPROFILE")


def read_settings() -> Settings:
    """The settings as they are now. Raises ConfigurationError that names the variable, and does not show it."""
    try:
        return _settings_of(tuple(pair for pair in os.environ.items() if pair[0].upper().startswith(READ_OF)))
    except ValidationError as failure:
        wrong = failure.errors(include_url=False, include_input=False)[0]
        name = "GENMEDIA_" + "_".join(str(part) for part in wrong["loc"]).upper()
        error = ConfigurationError(f"{name} cannot be used: {wrong['msg']}")
    raise error


@lru_cache(maxsize=4)
def _settings_of(environment: tuple[tuple[str, str], ...]) -> Settings:
    """Checked once for each environment: a millisecond, which every job would pay."""
    return Settings()
