"""Operation: one paid API function, declared once, as a value. `provider` has the words it is declared with."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
    model_validator,
)

from prefect_genmedia import quoting
from prefect_genmedia.checking import refuse_controls
from prefect_genmedia.errors import ConfigurationError
from prefect_genmedia.provider import (
    Account,
    AtOnce,
    JobState,
    JobStatus,
    Link,
    Provider,
    QueueLimit,
    Route,
    Witness,
)

__all__ = [
    "Account",
    "AtOnce",
    "JobState",
    "JobStatus",
    "Link",
    "Operation",
    "Provider",
    "QueueLimit",
    "Request",
    "RequestT",
    "Result",
    "ResultT",
    "Route",
    "Witness",
    "fingerprint",
    "job_key",
]


class Request(BaseModel):
    """What we send: strict. A misspelt field is named, with what was probably meant."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        defer_build=True,  # at its first use: hundreds of models are imported, and a run uses a few
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _name_fields(cls, data: Any) -> Any:
        """The vendor's spelling of a field is taken for ours. Here and not by `validation_alias`: of a field with two
        names, pyrefly and ty take neither for required."""
        if not isinstance(data, dict):
            return data
        ours = {f.serialization_alias or name: name for name, f in cls.model_fields.items()}
        known = {*ours, *cls.model_fields}
        named: dict[str, Any] = {}
        for word, value in data.items():
            if word not in known:
                near = difflib.get_close_matches(str(word), sorted(known), n=1, cutoff=0.5)
                hint = f"; did you mean {near[0]!r}?" if near else f"; the fields are {', '.join(sorted(known))}"
                raise ValueError(f"there is no field {word!r} in {cls.__name__}{hint}")
            name = word if word in cls.model_fields else ours[word]
            if name in named:
                raise ValueError(f"{name!r} is given twice, once in the vendor's spelling")
            named[name] = value
        return named

    @field_validator("*")
    @classmethod
    def _can_be_written(cls, value: Any) -> Any:
        """No text with signs that nobody types: they come of broken files, and would be paid for."""
        refuse_controls(value)
        return value

    @property
    def title(self) -> str:
        """A few words that say what this request makes, for run names and lists: one line, links without queries.

        Made here for all requests; how one calls itself is said in `describe`.
        """
        return quoting.title(self.describe())

    def describe(self) -> str:
        """What this request makes, of any length: its prompt, where it has one."""
        return str(getattr(self, "prompt", "") or "")

    def body(self, pictures: dict[int, str]) -> dict[str, Any]:
        """The JSON that goes out. `pictures` holds the base64 text of each picture, by its identity."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True, context={"pictures": pictures})

    def canonical(self, digests: dict[int, str]) -> dict[str, Any]:
        """The request by its meaning: pictures by sha256, nothing that only says where to call back."""
        return self.model_dump(mode="json", exclude_none=True, context={"pictures": digests})


class Result(BaseModel):
    """What a provider answers: tolerant. Fields nobody told us of are kept in `extra`."""

    model_config = ConfigDict(extra="allow", frozen=True, populate_by_name=True, defer_build=True)

    @field_validator("*", mode="wrap")
    @classmethod
    def _odd_is_not_given(cls, value: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
        """A figure that cannot be read must not keep a paid picture back: it counts as not given."""
        try:
            return handler(value)
        except (ValueError, TypeError):
            field = cls.model_fields[info.field_name or ""]
            if field.is_required():
                raise ValueError("is not what it should be") from None
            return field.get_default(call_default_factory=True, validated_data={})

    @property
    def extra(self) -> dict[str, Any]:
        return self.model_extra or {}


RequestT = TypeVar("RequestT", bound=Request)
ResultT = TypeVar("ResultT", bound=Result)


@dataclass(frozen=True)
class Operation(Generic[RequestT, ResultT]):
    """One paid API function. `name` is stable: it is in the ledger, in keys and in logs."""

    name: str
    provider: Provider
    submit: Route
    fetch: Route | None
    """Where a job is read; None where its submit is answered with the files."""
    request: type[RequestT]
    result: type[ResultT]
    links: Callable[[ResultT, dict[str, Any]], list[Link]]
    """The files of a result; the second argument is the canonical request."""
    source: str
    """The vendor's page."""
    routes: Callable[[dict[str, Any]], tuple[Route, Route]] | None = None
    """Submit and fetch of this very request, from its canonical form; for endpoints named by the request."""
    callback: tuple[str, ...] = ()
    """Where in the submit's JSON the callback address goes."""
    callback_field: str = ""
    """The request's own field that says so instead, for endpoints named by the request."""
    callback_switch: str = ""
    """The request's own field that must be true for it, where no page says that a callback is taken."""
    at_once: AtOnce | None = None
    """For a submit that is answered with the files."""
    reading: tuple[str, ...] = ()
    """Fields of the request that say how its answer is read, and nothing of what is bought."""
    witness: Witness | None = None
    """How a lost submit can be found again without a callback; None where the provider has no such list."""
    queue_name: str = ""
    """Which of the account's queues its jobs stand in, where it is not the product's."""
    queue_limit: QueueLimit | None = None
    """Where the provider says how long that queue may be; without it, its refusals teach us."""
    files_due: Callable[[dict[str, Any]], int | None] = lambda canonical: None
    """How many files this request buys, where that is known."""
    unit: str = "quota"
    """What its prices are in; the figures are in providers/facts.yaml."""
    typical_seconds: float = 60.0
    deadline_seconds: float = 1800.0
    lifecycle: str = "current"

    @property
    def queue(self) -> str:
        """The queue that its jobs stand in: all of one account that name the same one share a limit."""
        return self.queue_name or self.name.partition(".")[0]

    def submit_route(self, canonical: dict[str, Any]) -> Route:
        return self.routes(canonical)[0] if self.routes else self.submit

    def callback_place(self, canonical: dict[str, Any]) -> tuple[str, ...]:
        if self.callback_switch and not canonical.get(self.callback_switch):
            return ()
        if not self.callback_field:
            return self.callback
        name = canonical.get(self.callback_field)
        return (name,) if name else ()

    def fetch_route(self, canonical: dict[str, Any]) -> Route:
        """Raises ConfigurationError where nothing can be asked of a job."""
        route = self.routes(canonical)[1] if self.routes else self.fetch
        if route is None:
            raise ConfigurationError(
                f"{self.name} answers its submit with the files, and {self.provider.name} has no page to ask later",
                advice="There is nothing to look up: what its answer named is in the ledger, or nowhere.",
            )
        return route


def fingerprint(operation: str, canonical: dict[str, Any], account: str) -> str:
    """The identity of what is asked for: equal for equal operation, request and account."""
    text = json.dumps([operation, canonical, account], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def job_key(request_hash: str, scope: str, copy: int) -> str:
    """The identity of one paid job: what is asked for, in which scope, which copy of it."""
    return hashlib.sha256(f"{request_hash}|{scope}|{copy}".encode()).hexdigest()
