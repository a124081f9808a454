"""What may be bought: the request with its pictures read, and the body that goes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prefect_genmedia.errors import NOTHING_BOUGHT, ConfigurationError, MediaInvalidError
from prefect_genmedia.jobs.turns.uploads import KEPT
from prefect_genmedia.jobs.values import Run, Terms
from prefect_genmedia.ledger import Former, Want
from prefect_genmedia.media.pictures import LoadedPicture, load_pictures, pictures_in
from prefect_genmedia.operation import Account, Operation, Request, fingerprint, job_key
from prefect_genmedia.providers.facts import VARIABLE, Price, expected_cost, prices_in_file
from prefect_genmedia.settings import Settings
from prefect_genmedia.wire.http import Pool, encode_body
from prefect_genmedia.wire.redaction import without_signatures

LABEL_URL = "https://callback.invalid/genmedia"  # leads nowhere, but tells the job apart in the provider's list
LONGEST_TITLE = 255  # characters; a prompt may be thousands


@dataclass(eq=False)
class Purchase:
    """A request that is checked, its pictures read and identified, and not yet known to be needed."""

    want: Want
    request: Request
    pictures: dict[int, LoadedPicture]
    """Those whose bytes are held."""
    identities: Mapping[int, str]
    picture_bytes: int
    callback_place: tuple[str, ...]
    callback_base: str | None
    _kept: bool = False
    _counted: int = 0

    def keep(self, most: float) -> None:
        """Hold the pictures until they are sent, where there is room."""
        self._kept = KEPT.take(self.picture_bytes, most)
        if self._kept:
            self._counted = self.picture_bytes
            return
        self.spare()
        self._counted = sum(len(picture.content) for picture in self.pictures.values())
        KEPT.add(self._counted)

    def spare(self) -> None:
        """Where there is no room, hold what was downloaded alone: it may not be there again."""
        if not self._kept:
            for _, picture, _ in pictures_in(self.request):
                if picture.web_address is None:
                    self.pictures.pop(id(picture), None)

    def let_go(self, *, but_downloads: bool = False) -> None:
        """They are sent, or need not be; who sends again reads again."""
        self._kept = False
        self.spare()
        if not but_downloads:
            self.pictures.clear()
        held = sum(len(picture.content) for picture in self.pictures.values())
        KEPT.give_back(self._counted - held)
        self._counted = held

    async def read_again(self, pool: Pool) -> None:
        """Raises MediaError, MediaInvalidError also for a picture that is another now; nothing was bought."""
        lacking = self.identities.keys() - self.pictures.keys()
        if not lacking:
            return
        found = await load_pictures(self.request, pool, self.want.operation, lacking)
        if any(picture.identity != self.identities[key] for key, picture in found.items()):
            raise MediaInvalidError(
                "a picture that is to be sent along has changed since the job was asked for",
                operation=self.want.operation,
                advice="Run again: the picture as it is now makes another job.",
                money=NOTHING_BOUGHT,
            )
        self.pictures.update(found)

    def encoded(self, token: str) -> bytes:
        """The JSON that goes out, our callback address in it. Blocking. Raises InvalidRequestError."""
        body = self.request.body({key: picture.base64 for key, picture in self.pictures.items()})
        if self.want.labelled and self.callback_base is not None:
            holder = body
            for name in self.callback_place[:-1]:
                holder = holder.setdefault(name, {})
            holder[self.callback_place[-1]] = f"{self.callback_base}/{token}"
        return encode_body(body)


def purchase(
    operation: Operation[Any, Any],
    request: Request,
    pictures: dict[int, LoadedPicture],
    account: Account,
    run: Run,
    terms: Terms,
    settings: Settings,
    prices: Sequence[Price] = (),
) -> Purchase:
    """Name what is asked for; `prices` are the user's own."""
    digests = {key: picture.identity for key, picture in pictures.items()}
    canonical = request.canonical(digests)
    place = operation.callback_place(canonical)
    if terms.budget is not None:
        terms.budget.require_unit(operation.unit)
    base = _callback_base(operation, place, account, settings)
    scope = run.scope(terms.request_key)
    (request_hash, key), *former = identities(operation, canonical, account, scope, terms.copy)
    want = Want(
        key=key,
        request_hash=request_hash,
        scope=scope,
        copy=terms.copy,
        operation=operation.name,
        base_url=account.base_url,
        account=account.fingerprint,
        title=without_signatures(request.title)[:LONGEST_TITLE],
        request=without_signatures(canonical),
        expected_cost=expected_cost(operation, canonical, prices),
        unit=operation.unit,
        queue=operation.queue,
        labelled=base is not None and not _has_callback(place, request.body(digests)),
        run=run.name,
        task_run=run.task_run,
        attempts=terms.attempts,
        on_expired=terms.on_expired,
        tags=run.tags,
        budget=terms.budget,
        priority=terms.priority,
        former=tuple(Former(key, request_hash) for request_hash, key in former),
    )
    size = sum(len(picture.content) for picture in pictures.values())
    return Purchase(want, request, pictures, digests, size, place, base)


def own_prices(terms: Terms, settings: Settings) -> Sequence[Price]:
    """The user's own prices. Blocking. Raises ConfigurationError."""
    if terms.prices is not None or not settings.prices:
        return terms.prices or ()
    if settings.prices.startswith(VARIABLE):
        raise ConfigurationError(
            "GENMEDIA_PRICES names a Prefect variable, which only the tasks read", advice="Here, name a file."
        )
    return prices_in_file(settings.prices)


def identities(
    operation: Operation[Any, Any], canonical: dict[str, Any], account: Account, scope: str, copy: int
) -> list[tuple[str, str]]:
    """The request's hash and the job's key; then those under the names that the account had before."""
    bought = {name: value for name, value in canonical.items() if name not in operation.reading}
    hashes = [fingerprint(operation.name, bought, each) for each in account.fingerprints]
    return [(request_hash, job_key(request_hash, scope, copy)) for request_hash in hashes]


def _callback_base(
    operation: Operation[Any, Any], place: tuple[str, ...], account: Account, settings: Settings
) -> str | None:
    """Where callbacks are asked for: the receiver, or a label that leads nowhere."""
    if not place:
        return None
    if settings.callback_url:
        return f"{settings.callback_url.rstrip('/')}/{account.provider.name}"
    return f"{LABEL_URL}/{account.provider.name}" if operation.witness is not None and settings.submit_label else None


def _has_callback(place: tuple[str, ...], body: dict[str, Any]) -> bool:
    """Has the caller set a callback address of their own?"""
    value: Any = body
    for name in place:
        value = value.get(name) if isinstance(value, dict) else None
    return value is not None
