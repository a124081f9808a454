"""How a provider speaks, and an account there: the words that an operation is declared with."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Literal
from urllib.parse import SplitResult, urlsplit

from prefect_genmedia.errors import ApiError, ConfigurationError


class JobState(StrEnum):
    """Where a job stands with its provider. The provider's own word is kept beside it."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    EXPIRED = "expired"


@dataclass(frozen=True)
class JobStatus:
    """One answer to one fetch, in our words."""

    state: JobState
    provider_state: str
    percent: float | None = None
    eta_seconds: float | None = None
    message: str = ""
    quota: float | None = None
    refunded: bool | None = None
    is_vague: bool = False
    """A failure that names no job: perhaps of the question, and not of the job."""
    remark: str = ""
    """What in this answer cannot be, and so counts as not given."""


@dataclass(frozen=True)
class Link:
    """Where one result file can be downloaded, and what it should be. Never stored: it may be signed."""

    url: str
    role: str
    kind: Literal["image", "video", "audio", "file"] = "image"
    width: int | None = None
    height: int | None = None
    tolerance: int = 0  # pixels by which width and height may differ
    optional: bool = False  # dead or no such file after all: nobody waits for it
    others: tuple[str, ...] = ()  # where the same file can be had as well
    place: int | None = None  # which of the job's files it is, where the answer may leave some out

    def nth(self, tries: int) -> Link:
        """The link for this try: where a file can be had at several places, each in its turn."""
        return replace(self, url=(self.url, *self.others)[tries % (1 + len(self.others))])


@dataclass(frozen=True)
class Route:
    """A path of a provider's API. `job_id` names the query parameter of a fetch."""

    method: Literal["GET", "POST"]
    path: str
    job_id: str = ""


@dataclass(frozen=True)
class Provider:
    """How one provider speaks: its key header, its errors, its submit and fetch answers."""

    name: str
    auth: Callable[[str], dict[str, str]]
    error: Callable[[int, Any, float | None], ApiError]
    accepted: Callable[[dict[str, Any]], str | None]
    """The job id in a submit's answer; None when there is none; ApiError when the answer is a refusal."""
    status: Callable[[dict[str, Any]], JobStatus]
    """Where the job of a fetch's answer stands. ApiError when the answer is a refusal and says nothing of the job."""
    job_id_of: Callable[[dict[str, Any]], str | None]
    """Which job a fetch's answer says that it is about; None when it does not say."""
    payload: Callable[[dict[str, Any]], dict[str, Any]]
    callback_url_of: Callable[[dict[str, Any]], str | None]
    """The callback address that a fetch's answer names; None for none. Where the provider is known to repeat
    it, ResponseFormatError when the answer does not say."""
    refuses_full_queues: bool
    """Does it refuse a job because of those in progress?"""
    balance_path: str
    balance: Callable[[dict[str, Any]], float]
    """What the account has left, in the unit of the provider's prices. Raises ResponseFormatError."""
    same_place: Mapping[str, str] = field(default_factory=dict)
    """Addresses at which the provider's same accounts and jobs are found as at another, and that other."""


@dataclass(frozen=True)
class Witness:
    """A provider's list of recent jobs, and its account page: two witnesses of a submit without an answer.

    It counts on a fetched job repeating the callback address it was submitted with.
    """

    list_path: str
    statuses: tuple[str, ...]
    """The list hides running jobs unless each status is asked for."""
    running: frozenset[str]
    """Those of the statuses whose jobs are in progress, and so have quota frozen."""
    job_ids: Callable[[dict[str, Any]], list[str]]
    account_path: str
    frozen: Callable[[dict[str, Any]], float | None]


@dataclass(frozen=True)
class AtOnce:
    """A submit that is answered with the files themselves, after a while: there is nothing to fetch later.

    What the answer says is written down with its acceptance; a reply that is lost cannot be found again.
    """

    seconds: float
    """How long such a submit may take."""


@dataclass(frozen=True)
class QueueLimit:
    """A provider's page that says how many jobs an account may have in progress at once."""

    path: str
    read: Callable[[dict[str, Any]], int | None]


@dataclass(frozen=True)
class Account:
    """A key at one provider's origin."""

    provider: Provider
    base_url: str
    api_key: str = field(repr=False)
    name: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "base_url", self.base_url.strip())
        origin = _origin(self.base_url)
        if origin is None:
            raise ConfigurationError(
                "base_url is no URL; it should look like https://host", provider=self.provider.name
            )
        if any(sign in self.base_url for sign in "@?#\\") or not self.base_url.isprintable():
            raise ConfigurationError(
                "base_url holds more than a host and a path; give the key as api_key",
                provider=self.provider.name,
            )
        object.__setattr__(self, "base_url", self.base_url.rstrip("/"))
        key = self.api_key.strip().strip("\"'")
        if not key:
            raise ConfigurationError("api_key is empty", provider=self.provider.name)
        if not key.isascii() or not key.isprintable() or any(c.isspace() for c in key):
            raise ConfigurationError(
                "api_key holds characters that no key has; was it copied whole?", provider=self.provider.name
            )
        object.__setattr__(self, "api_key", key)

    @property
    def fingerprint(self) -> str:
        """Names this account in keys and in the ledger without giving the key away."""
        return self.fingerprints[0]

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """`fingerprint`, and then those under which the same account may have bought before it was called so."""
        key = hashlib.sha256(self.api_key.encode()).hexdigest()
        names = [_tidy(self.name), self.name, key] if self.name and _tidy(self.name) else [key]
        places = [self.provider.same_place.get(self.base_url, self.base_url), self.base_url]
        said = [f"{self.provider.name}|{place}|{name}" for name in names for place in places]
        return tuple(hashlib.sha256(each.encode()).hexdigest()[:16] for each in dict.fromkeys(said))


def _tidy(name: str) -> str:
    """A name as it is meant: blanks, capitals and signs that nobody sees make no other account."""
    seen = (sign for sign in unicodedata.normalize("NFKC", name) if unicodedata.category(sign) != "Cf")
    return " ".join("".join(seen).split()).casefold()


def _origin(base_url: str) -> SplitResult | None:
    """The address in its parts; None when it is no web address."""
    try:
        origin = urlsplit(base_url)
        usable = origin.scheme in ("http", "https") and bool(origin.hostname) and origin.port != 0
    except ValueError:
        return None
    return origin if usable and not any(sign.isspace() for sign in base_url) else None
