"""What the pack takes for granted of each provider and could not verify, and what to change where it is not so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from prefect_genmedia.cli.live.candidates import Candidate, candidates
from prefect_genmedia.providers.ttapi.novelai import SETTING

Outcome = Literal["held", "did not hold", "not tried"]


@dataclass(frozen=True)
class Assumption:
    key: str
    says: str
    setting: str
    """What to change where it does not hold."""


ACCOUNT = Assumption(
    "account",
    "the account page says what is left and what is frozen",
    "GENMEDIA_WITNESS_FROZEN_QUOTA=false; no minimum_balance in budgets",
)
LIST = Assumption("list", "the job list answers for each of its states", "GENMEDIA_WITNESS_JOB_LIST=false")
UNKNOWN = Assumption(
    "unknown job",
    "a job that is not known is refused in words that say so",
    "none: a forgotten job stays open; settle it with genmedia jobs adopt --not-accepted",
)
PATHS = Assumption("fetch paths", "every fetch path is there", "ttapi.job with fetch_path reaches any other")
WORDS = Assumption("word check", "midjourney.prompt_check is answered", "leave midjourney.prompt_check out")
SERVICE = Assumption("service", "midjourney.status is answered", "leave midjourney.status out")
LABEL = Assumption("label", "a callback address on callback.invalid is taken", "GENMEDIA_SUBMIT_LABEL=false")
UNFINISHED = Assumption(
    "unfinished",
    "an unfinished job's fetch has a known status and the job's own id",
    "none: an unknown status is waited on",
)
REPEATS = Assumption("repeats", "a fetch repeats the callback address of its job", "GENMEDIA_WITNESS_JOB_LIST=false")
LISTED = Assumption(
    "listed",
    "a new job is in the job list within GENMEDIA_RECONCILE_SECONDS",
    "GENMEDIA_RECONCILE_SECONDS: more; or GENMEDIA_WITNESS_JOB_LIST=false",
)
FROZEN = Assumption(
    "frozen", "while a job runs its quota is frozen on the account page", "GENMEDIA_WITNESS_FROZEN_QUOTA=false"
)
BALANCE = Assumption("balance", "the balance page says what is available", "no minimum_balance in budgets")
MODELS = Assumption("models", "the list of models is answered", "give model names by hand")
SIZE = Assumption(
    "size",
    "a picture is as large as asked for, to a multiple of 64 at most",
    "strict=False, the default, keeps it with a remark",
)

FREE = {"ttapi": (ACCOUNT, LIST, UNKNOWN, PATHS, WORDS, SERVICE), "novita": (BALANCE, MODELS, UNKNOWN)}
BOUGHT = {"ttapi": (LABEL, UNFINISHED, REPEATS, LISTED, FROZEN), "novita": (UNFINISHED, SIZE)}


def submit_of(candidate: Candidate) -> Assumption:
    instead = f"{candidate.operation.provider.name}.job sends any body to any path"
    if candidate.operation.name == "novelai.text_to_image":
        instead = f"{SETTING}; {instead}"
    return Assumption(f"{candidate.label}: submit", "its submit is taken as its page has it", instead)


def files_of(candidate: Candidate) -> Assumption:
    instead = f"{candidate.operation.provider.name}.job with `results` reads any answer"
    return Assumption(f"{candidate.label}: files", "its answer names whole files, as many as were bought", instead)


def price_of(candidate: Candidate) -> Assumption:
    return Assumption(f"{candidate.label}: price", "it costs what is expected", "GENMEDIA_PRICES")


def callback_of(candidate: Candidate) -> Assumption:
    instead = "GENMEDIA_WITNESS_CALLBACK=false"
    if switch := candidate.operation.callback_switch:
        instead = f"leave {switch} out"
    return Assumption(f"{candidate.label}: callback", "its callback comes to GENMEDIA_CALLBACK_URL", instead)


def of_purchase(candidate: Candidate) -> list[Assumption]:
    """What buying this tells."""
    made = [submit_of(candidate), files_of(candidate), price_of(candidate)]
    return [*made, callback_of(candidate)] if candidate.operation.callback else made


def assumptions(provider: str) -> list[Assumption]:
    """All of a provider's, in the order in which they are tried."""
    of_each = [part for each in candidates(provider) for part in of_purchase(each)]
    return [*FREE[provider], *BOUGHT[provider], *of_each]


@dataclass(frozen=True)
class Finding:
    """What became of an assumption."""

    assumption: Assumption
    outcome: Outcome = "not tried"
    seen: str = ""


class Findings:
    """One finding for each assumption. What was once seen not to hold is not mended by a later look."""

    def __init__(self, provider: str) -> None:
        self._found = {each.key: Finding(each) for each in assumptions(provider)}

    def held(self, assumption: Assumption, seen: str = "") -> None:
        if self._found[assumption.key].outcome == "not tried":
            self._found[assumption.key] = Finding(assumption, "held", seen)

    def failed(self, assumption: Assumption, seen: str) -> None:
        self._found[assumption.key] = Finding(assumption, "did not hold", seen)

    def left(self, assumption: Assumption, why: str) -> None:
        """Why it could not be tried."""
        if self._found[assumption.key].outcome == "not tried":
            self._found[assumption.key] = Finding(assumption, "not tried", why)

    def outcome(self, assumption: Assumption) -> Outcome:
        return self._found[assumption.key].outcome

    def rows(self) -> list[Finding]:
        return list(self._found.values())
