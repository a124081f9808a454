"""What can go wrong, sorted by what the reader can do about it.

Every error says three things apart: what happened (`message`), what became of the money (`money`), and what to type
next (`advice`). Every error pickles, carries the JobRef of the paid job where there is one, and never holds a key,
a signed link, picture bytes or an object of the HTTP library. One file: the tree is read as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from prefect_genmedia.quoting import shown

NOTHING_BOUGHT = "Nothing was bought."
BOUGHT_ONCE = "It was bought once and is safe."
MAY_BE_BILLED = "It may be billed; it is not sent again by itself."
_REJECTED = re.compile(r"moderat|banned|nsfw|sensitive|prohibit|violat|inappropriate|content polic", re.IGNORECASE)


class GenMediaError(Exception):
    """The root. `job` is the JobRef of the paid job concerned, or None when nothing was bought."""

    money: str = ""
    money_once_bought: str = BOUGHT_ONCE
    advice: str = ""
    lasting: bool = False
    """Has it been tried for as long as the settings bear?"""

    def __init__(
        self,
        message: str,
        *,
        provider: str | None = None,
        operation: str | None = None,
        job: Any = None,
        advice: str | None = None,
        money: str | None = None,
        **details: Any,
    ) -> None:
        # Whoever raises it may quote a provider, a path or a link.
        super().__init__(shown(message))
        self.provider = provider
        self.operation = operation
        self.job = job
        if advice:
            self.advice = advice
        if money:
            self.money = money
        for name, value in details.items():
            setattr(self, name, value)

    @property
    def message(self) -> str:
        return str(self.args[0])

    @property
    def sentences(self) -> list[str]:
        """What happened; what became of the money; what to type. Those that there are."""
        return [_sentence(words) for words in self._said()]

    def _said(self) -> list[str]:
        where = f"{self.operation}: " if self.operation else ""
        job = f" [job {self.job}]" if self.job is not None else ""
        return [words for words in (f"{where}{self.message}{job}", self.money, self.advice) if words]

    def __str__(self) -> str:
        said = self._said()
        return said[0] if len(said) == 1 else " ".join(map(_sentence, said))

    def about(self, job: Any, provider: str) -> GenMediaError:
        """The same error, naming the paid job that it leaves behind."""
        self.job, self.operation, self.provider = job, job.operation, provider
        # Whatever it came from may hold a request, and so a key or a signed link.
        self.__context__ = self.__cause__ = None
        if job.job_id and "money" not in vars(self):
            self.money = self.money_once_bought
        if job.job_id and "advice" not in vars(self):
            # A wrong key has to be mended before anything is waited for.
            first = f"{self.advice} " if isinstance(self, AuthenticationError) else ""
            self.advice = first + resume_advice(job)
        return self


def _sentence(words: str) -> str:
    """Closed, so that the next can follow."""
    return words if words.endswith((".", "!", "?")) else f"{words}."


def resume_advice(job: Any) -> str:
    """What to type for a job that is bought and not yet here."""
    return f"Waiting for it again costs nothing: run again, or type: genmedia jobs resume {job.id[:12]}."


class ConfigurationError(GenMediaError):
    """A key is missing, a base URL is no URL, a store cannot be written. Nothing was sent."""

    money = NOTHING_BOUGHT
    advice = "Correct it, then run again."


class RecipeError(ConfigurationError):
    """A recipe cannot work: not at all, or not on the picture that will come. Nothing was bought for it."""


class MissingGlyphError(RecipeError):
    """No font that may be used has all the signs of a text."""

    missing: str = ""


class LedgerError(GenMediaError):
    """The ledger's database does not answer (`away`), or does not take this. Without it nothing is bought."""

    away: bool = True
    money = "Nothing new is bought without it."
    advice = "Run again when the database is back."


class TransportError(GenMediaError):
    """No usable answer came back."""

    advice = "Run again when it can be reached."


class NotDeliveredError(TransportError):
    """The request surely did not reach the provider: safe to send again."""

    money = NOTHING_BOUGHT


class SubmitOutcomeUnknown(TransportError):
    """The job may have been accepted and billed. Never sent again by itself."""

    money = money_once_bought = MAY_BE_BILLED
    advice = "See what is known: genmedia jobs list --state UNKNOWN."
    job_id: str | None = None
    """The provider's id of a job that the answer names all the same: to be looked at there."""

    @classmethod
    def of(
        cls, job: Any, provider: str, reason: str, finding: str, policy: str, *, has_page: bool = True
    ) -> SubmitOutcomeUnknown:
        """The end of a lost submit that no witness could settle; `has_page` where the provider can be asked for one."""
        name = job.id[:12]
        said_no = f"genmedia jobs adopt {name} --not-accepted."
        look = f"Look it up at the provider, then: genmedia jobs adopt {name} --job-id ID, or {said_no}"
        bill = f"If the account was not billed: {said_no} To buy it again all the same: on_unknown='resubmit'."
        wanted = "" if policy == "fail" else f"; asked for was on_unknown={policy!r}"
        return cls(
            f"no usable answer came to its submit: {reason}; {finding}{wanted}",
            advice=look if has_page else bill,
            provider=provider,
            operation=job.operation,
            job=job,
        )


class ApiError(GenMediaError):
    """The provider answered, and the answer is no."""

    money = NOTHING_BOUGHT
    advice = "Correct the request, then run again."

    http_status: int | None = None
    code: str | None = None
    retry_after: float | None = None


class AuthenticationError(ApiError):
    """The key is wrong, or may not do this."""

    advice = "Save the right key: genmedia setup --ttapi NAME, or --novita NAME; then run again."


class InsufficientCreditsError(ApiError):
    """The account has too little left."""

    advice = "Top up the account at the provider, then run again."


class InvalidRequestError(ApiError):
    """The provider refused the request as it is. Nothing was billed."""


class ContentRejectedError(InvalidRequestError):
    """The provider's moderation refused the prompt or the picture."""

    advice = "Change the prompt or the picture, then run again."


class RateLimitedError(ApiError):
    """Too many requests (HTTP 429). Nothing was billed."""

    advice = "Run again later."


class QueueFullError(ApiError):
    """Too many jobs are in progress for this account (TTAPI's 499). Nothing was billed."""

    advice = "Run again when some have ended, or give it longer to wait its turn: queue_deadline_seconds."


class OperationRetiredError(ApiError):
    """The provider has withdrawn this endpoint."""

    advice = "Choose another operation: genmedia price lists them."


class NotFoundError(ApiError):
    """The provider itself says that it does not know this job (or no longer)."""

    advice = "Is this the right id, and the account that bought it?"


class ServerError(ApiError):
    """The provider failed (HTTP 5xx), or something before it answered in its place."""

    advice = "Run again later."


class ResponseFormatError(GenMediaError):
    """The answer's status is fine and its body cannot be read, or is not the answer to what was asked."""

    advice = "Run again later; if it stays so, the provider has changed its answers."

    http_status: int | None = None


class JobError(GenMediaError):
    """A paid job came to a bad end, or to none in time."""


class JobFailedError(JobError):
    """The provider ran the job and says that it failed. Final for this attempt."""

    refunded: bool | None = None

    @classmethod
    def of(cls, job: Any, provider: str, reason: str, refunded: bool | None, attempt: int) -> JobFailedError:
        """The provider's own word that a job failed."""
        money = {True: "The quota was returned.", False: "The quota was kept.", None: "It may have been charged."}
        return cls(
            f"the provider says that it failed: {reason or 'no reason given'}",
            refunded=refunded,
            money=money[refunded],
            advice="Change the prompt or the picture: as it is, it would be refused again."
            if _REJECTED.search(reason)
            else f"Another attempt is another purchase: ask for attempts={attempt + 1}.",
            provider=provider,
            operation=job.operation,
            job=job,
        )


class JobExpiredError(JobError):
    """The provider has said for hours that it does not know the job any more."""

    money = money_once_bought = "It was bought once, and its files are gone at the provider."

    @classmethod
    def of(cls, job: Any, provider: str, reason: str) -> JobExpiredError:
        """A job that the provider has forgotten."""
        return cls(
            f"the provider no longer knows the job: {reason}",
            advice=f"Look once more: genmedia jobs resume {job.id[:12]}. To buy it again: on_expired='resubmit'.",
            provider=provider,
            operation=job.operation,
            job=job,
        )


class JobTimeoutError(JobError):
    """Our deadline passed; the job may still finish, and waiting for it again costs nothing."""

    money = BOUGHT_ONCE

    @classmethod
    def of(cls, job: Any, provider: str, last_word: str = "") -> JobTimeoutError:
        """Our deadline, and what the provider said last where that was strange."""
        said = f" ({last_word})" if last_word else ""
        return cls(
            f"our deadline passed; the job may still finish{said}",
            advice=resume_advice(job),
            provider=provider,
            operation=job.operation,
            job=job,
        )


class MediaError(GenMediaError):
    """A media file could not be read, fetched or kept."""

    is_cut: bool = False
    """Did the transfer end before all bytes had come that were announced?"""
    in_store: bool = False
    """Is it our store that could not take or give it?"""
    http_status: int | None = None
    retry_after: float | None = None


class MediaExpiredError(MediaError):
    """The result link is dead: its time is over, or it leads nowhere."""


class MediaInvalidError(MediaError):
    """The bytes are cut, or an error page in a file's place; for an input picture: not one that can be sent."""


class ModerationError(GenMediaError):
    """The moderation gate found something, and its policy is to stop here."""

    money = NOTHING_BOUGHT
    advice = "Look at the files (genmedia jobs show ID), or ask for another policy: quarantine or flag."


class BudgetExceededError(GenMediaError):
    """The budget does not allow this job. Nothing was sent."""

    money = NOTHING_BOUGHT
    advice = "Raise the limit or wait, then run again."


@contextmanager
def nothing_bought(advice: str) -> Iterator[None]:
    """Around what is done before a purchase: an error that says nothing of money says so, and what to type."""
    try:
        yield
    except GenMediaError as failure:
        failure.money = failure.money or NOTHING_BOUGHT
        failure.advice = failure.advice or advice
        raise
