"""What can go wrong, sorted by what the reader can do about it.

Every error pickles, carries the JobRef of the paid job where there is one, and never holds a key,
a signed link, picture bytes or an object of the HTTP library.
"""

from __future__ import annotations

from typing import Any

from prefect_genmedia.quoting import shown


class GenMediaError(Exception):
    """The root. `job` is the JobRef of the paid job concerned, or None when nothing was bought."""

    # Said after the message: what the reader can do now.
    advice: str = ""

    def __init__(
        self,
        message: str,
        *,
        provider: str | None = None,
        operation: str | None = None,
        job: Any = None,
        advice: str | None = None,
        **details: Any,
    ) -> None:
        # Whoever raises it may quote a provider, a path or a link.
        super().__init__(shown(message))
        self.provider = provider
        self.operation = operation
        self.job = job
        if advice is not None:
            self.advice = advice
        for name, value in details.items():
            setattr(self, name, value)

    @property
    def message(self) -> str:
        return str(self.args[0])

    def __str__(self) -> str:
        where = f"{self.operation}: " if self.operation else ""
        job = f" [job {self.job}]" if self.job is not None else ""
        advice = f" {self.advice}" if self.advice else ""
        return f"{where}{self.message}{job}{advice}"


class ConfigurationError(GenMediaError):
    """A key is missing, a base URL is no URL, a store cannot be written. Nothing was sent."""


class LedgerError(GenMediaError):
    """The ledger's database does not answer. Without it nothing is bought."""

    advice = "Nothing new is bought without it; run again when the database is back."


class TransportError(GenMediaError):
    """No usable answer came back."""


class NotDeliveredError(TransportError):
    """The request surely did not reach the provider: safe to send again."""


class SubmitOutcomeUnknown(TransportError):
    """The job may have been accepted and billed. Never sent again by itself."""


class ApiError(GenMediaError):
    """The provider answered, and the answer is no."""

    http_status: int | None = None
    code: str | None = None
    retry_after: float | None = None


class AuthenticationError(ApiError):
    """The key is wrong, or may not do this."""


class InsufficientCreditsError(ApiError):
    """The account has too little left."""


class InvalidRequestError(ApiError):
    """The provider refused the request as it is. Nothing was billed."""


class ContentRejectedError(InvalidRequestError):
    """The provider's moderation refused the prompt or the picture."""


class RateLimitedError(ApiError):
    """Too many requests (HTTP 429). Nothing was billed."""


class QueueFullError(ApiError):
    """Too many jobs are in progress for this account (TTAPI's 499). Nothing was billed."""


class OperationRetiredError(ApiError):
    """The provider has withdrawn this endpoint."""


class NotFoundError(ApiError):
    """The provider does not know this job (or no longer)."""


class ServerError(ApiError):
    """The provider failed (HTTP 5xx)."""


class ResponseFormatError(GenMediaError):
    """The answer's status is fine and its body cannot be read."""

    http_status: int | None = None


class JobError(GenMediaError):
    """A paid job came to a bad end, or to none in time."""


class JobFailedError(JobError):
    """The provider ran the job and says that it failed. Final for this attempt."""

    refunded: bool | None = None


class JobExpiredError(JobError):
    """The provider no longer knows the job."""


class JobTimeoutError(JobError):
    """Our deadline passed; the job may still finish, and waiting for it again costs nothing."""


class MediaError(GenMediaError):
    """A media file could not be read, fetched or kept."""


class MediaExpiredError(MediaError):
    """The result link is dead."""


class MediaInvalidError(MediaError):
    """The bytes are not the picture, video or sound that they should be."""


class BudgetExceededError(GenMediaError):
    """The budget does not allow this job. Nothing was sent."""
