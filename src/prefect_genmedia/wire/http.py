"""One HTTP pool: keys go to the provider's own origin only, every failure becomes one of our errors.

Only this module and media.py's downloads (through `Pool.stream`) touch httpx.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

import httpx

from prefect_genmedia.errors import (
    ConfigurationError,
    GenMediaError,
    InvalidRequestError,
    MediaError,
    NotDeliveredError,
    ResponseFormatError,
    SubmitOutcomeUnknown,
    TransportError,
)
from prefect_genmedia.operation import Account
from prefect_genmedia.wire.redaction import quotable, without_signatures
from prefect_genmedia.wire.retry import parse_retry_after


class _NotBegun(Exception):
    """The submit was held back before its first byte."""


def _fenced(may_begin: Callable[[], bool]) -> Callable[[str, dict[str, Any]], Awaitable[None]]:
    async def trace(event: str, info: dict[str, Any]) -> None:
        # The last moment before bytes are written: the connection is there.
        if event in ("http11.send_request_headers.started", "http2.send_request_headers.started") and not may_begin():
            raise _NotBegun

    return trace


def encode_body(body: dict[str, Any]) -> bytes:
    """The JSON that goes out. Raises InvalidRequestError for what JSON cannot say."""
    try:
        return json.dumps(body, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode()
    except (ValueError, TypeError, RecursionError):
        pass
    raise InvalidRequestError("the request holds a value that JSON cannot say")


MAX_ANSWER_BYTES = 32 * 1024 * 1024

# These failures happen before the first byte of the request is on its way.
_NOT_DELIVERED = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
    httpx.ProxyError,
)

_LOCATION = re.compile(r"(b'[Ll]ocation', b')[^']*")
_TOKEN = re.compile(r"(/(?:ttapi|novita)/)[0-9a-f]{32}\.[0-9a-f]+")


class _Redact(logging.Filter):
    """Takes signed query strings and callback tokens out of what httpx and httpcore log."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = redact(record.getMessage())
        record.args = None
        return True


def redact(text: str) -> str:
    """`text` without query strings of URLs, redirect targets and callback tokens."""
    return _TOKEN.sub(r"\1...", _LOCATION.sub(r"\1...", without_signatures(text)))


for _name in ("httpx", "httpcore.connection", "httpcore.http11", "httpcore.proxy"):
    logging.getLogger(_name).addFilter(_Redact())


@dataclass(frozen=True)
class Answer:
    """A 2xx answer of a provider: its parsed JSON."""

    status: int
    body: Any


@dataclass
class Pool:
    """The connections of one event loop. `users` counts who still needs them."""

    api: httpx.AsyncClient
    submit: httpx.AsyncClient
    download: httpx.AsyncClient
    users: int = 0

    async def fetch(self, account: Account, path: str, params: dict[str, str], *, method: str = "GET") -> Answer:
        """One free read. Raises ApiError, TransportError or ResponseFormatError."""
        body = json.dumps(params).encode() if method == "POST" else None
        query = params if method == "GET" else None
        return await self._call(self.api, account, method, path, query, body, httpx.Timeout(30, pool=None))

    async def post(
        self, account: Account, path: str, body: bytes, timeout_seconds: float, may_begin: Callable[[], bool]
    ) -> Answer:
        """One paid submit, sent exactly once on a connection of its own, if `may_begin` still says so by then.

        Raises NotDeliveredError when nothing was sent, ApiError when the provider refused or failed,
        SubmitOutcomeUnknown when no usable answer came back.
        """
        patience = httpx.Timeout(timeout_seconds, connect=min(10.0, timeout_seconds))
        error: GenMediaError
        try:
            async with asyncio.timeout(timeout_seconds):
                return await self._call(self.submit, account, "POST", path, None, body, patience, may_begin)
        except TimeoutError:
            error = SubmitOutcomeUnknown(f"no answer within {timeout_seconds:g} s")
        except NotDeliveredError as undelivered:
            error = undelivered
        except (TransportError, ResponseFormatError) as lost:
            error = SubmitOutcomeUnknown(lost.message)
        raise error

    async def _call(
        self,
        client: httpx.AsyncClient,
        account: Account,
        method: str,
        path: str,
        query: dict[str, str] | None,
        body: bytes | None,
        patience: httpx.Timeout,
        may_begin: Callable[[], bool] | None = None,
    ) -> Answer:
        provider = account.provider
        error: GenMediaError
        try:
            response = await client.request(
                method,
                account.base_url + path,
                params=query,
                content=body,
                headers={**provider.auth(account.api_key), **({"content-type": "application/json"} if body else {})},
                timeout=patience,
                extensions={} if may_begin is None else {"trace": _fenced(may_begin)},
            )
        except _NotBegun:
            error = NotDeliveredError("the claim on the job ran out before the submit could begin")
        except _NOT_DELIVERED as failure:
            error = NotDeliveredError(f"could not reach {account.base_url}: {type(failure).__name__}")
        except httpx.TimeoutException as failure:
            error = TransportError(f"{provider.name} gave no answer in time ({type(failure).__name__})")
        except httpx.HTTPError as failure:
            error = TransportError(f"the connection to {provider.name} broke ({type(failure).__name__})")
        except (httpx.InvalidURL, UnicodeEncodeError):
            error = ConfigurationError(f"the base URL or the key for {provider.name} cannot be sent")
        else:
            return _read(account, response)
        error.provider = provider.name
        # Raised here and not in the except block: httpx errors hold the request, and so the key.
        raise error

    @asynccontextmanager
    async def stream(self, url: str) -> AsyncIterator[httpx.Response]:
        """A download without any key, redirects followed. Raises MediaError when it cannot start or breaks."""
        error: MediaError
        try:
            async with self.download.stream("GET", url) as response:
                yield response
                return
        except httpx.HTTPError as failure:
            error = MediaError(f"the download broke ({type(failure).__name__})")
        except httpx.InvalidURL:
            error = MediaError("the link is no URL")
        raise error

    async def close(self) -> None:
        for client in (self.api, self.submit, self.download):
            await client.aclose()


def _read(account: Account, response: httpx.Response) -> Answer:
    provider = account.provider
    try:
        body = _parse(response.content) if len(response.content) <= MAX_ANSWER_BYTES else None
        readable = body is not None
    except (ValueError, RecursionError):
        body, readable = None, False
    if response.is_redirect:
        raise ConfigurationError(
            f"{account.base_url} answers with a redirect; set base_url to the address it leads to",
            provider=provider.name,
        )
    if not response.is_success:
        retry_after = parse_retry_after(response.headers.get("retry-after"), response.headers.get("date"))
        error = provider.error(response.status_code, body, retry_after)
        error.args = (quotable(error.message, account.api_key),)
        raise error
    if not readable or not isinstance(body, dict):
        kind = response.headers.get("content-type", "no content type").split(";")[0]
        raise ResponseFormatError(
            f"{account.base_url} answered with {kind} where JSON was due",
            provider=provider.name,
            http_status=response.status_code,
        )
    return Answer(response.status_code, body)


def _parse(content: bytes) -> Any:
    """The JSON of an answer. Half a surrogate pair, which JSON allows and no database takes, becomes "?"."""
    text = content.decode("utf-8", "replace")
    body = json.loads(text)
    return _whole(body) if "\\ud" in text.lower() else body


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_whole(name): _whole(item) for name, item in value.items()}
    return [_whole(item) for item in value] if isinstance(value, list) else value


@cache
def _ssl_context() -> ssl.SSLContext:
    # Loading the CA bundle costs tens of milliseconds: once a process, not once a client.
    return httpx.create_ssl_context()


def _open() -> Pool:
    tls = _ssl_context()
    return Pool(
        api=httpx.AsyncClient(verify=tls, limits=httpx.Limits(max_connections=200)),
        # A kept-alive connection that the server has just closed looks like a lost reply.
        submit=httpx.AsyncClient(verify=tls, limits=httpx.Limits(max_connections=100, max_keepalive_connections=0)),
        download=httpx.AsyncClient(
            verify=tls,
            follow_redirects=True,
            timeout=httpx.Timeout(60, connect=10, pool=None),
            limits=httpx.Limits(max_connections=32),
        ),
    )


# One pool an event loop: Prefect's .submit() gives each task a loop of its own.
_pools: WeakKeyDictionary[asyncio.AbstractEventLoop, Pool] = WeakKeyDictionary()


@asynccontextmanager
async def http_pool() -> AsyncIterator[Pool]:
    """The pool of the running event loop, shared by all who are inside; closed by the last to leave."""
    loop = asyncio.get_running_loop()
    pool = _pools.get(loop)
    if pool is None:
        pool = _pools[loop] = _open()
    pool.users += 1
    try:
        yield pool
    finally:
        pool.users -= 1
        if pool.users == 0:
            del _pools[loop]
            await pool.close()
