"""One HTTP pool: keys go to the provider's own origin only, every failure becomes one of our errors.

Only this room touches httpx.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import httpx

from prefect_genmedia.errors import (
    ApiError,
    AuthenticationError,
    ConfigurationError,
    GenMediaError,
    MediaError,
    MediaInvalidError,
    NotDeliveredError,
    OperationRetiredError,
    ResponseFormatError,
    ServerError,
    SubmitOutcomeUnknown,
    TransportError,
)
from prefect_genmedia.operation import Account
from prefect_genmedia.settings import read_settings
from prefect_genmedia.wire.connections import Network, over
from prefect_genmedia.wire.downloads import MOST_AT_ONCE, Incoming, no_cookies, open_download, opened, pieces
from prefect_genmedia.wire.redaction import keep_logs_clean
from prefect_genmedia.wire.replies import Answer, Reply, answer_of, received, refusal_of, unless_it_names_a_job
from prefect_genmedia.wire.unpacking import ACCEPT_ENCODING, UnpackingError

FETCH_SECONDS = 60.0  # one free read, from its first byte to the answer's last
LONGEST_SILENCE = 30.0  # within it

# These failures happen before the first byte of the request is on its way.
_NOT_DELIVERED = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
    httpx.ProxyError,
)

keep_logs_clean()


class _NotBegun(Exception):
    """The submit was held back before its first byte."""


def encode_body(body: dict[str, Any]) -> bytes:
    """The JSON of a submit. Raises ConfigurationError when it cannot be written as JSON; nothing was sent."""
    try:
        return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    except UnicodeEncodeError:
        why = "it holds half a sign (a lone surrogate)"
    except (ValueError, TypeError) as failure:
        why = str(failure)
    except RecursionError:
        why = "it is nested too deeply"
    raise ConfigurationError(f"the request cannot be written as JSON: {why}")


def _is_a_gateways(refusal: ApiError, reply: Reply) -> bool:
    """Is it a page of something in between, and not in the provider's own words?"""
    if isinstance(refusal, AuthenticationError):
        return not isinstance(reply.body, dict)
    return isinstance(refusal, OperationRetiredError) and refusal.code is None


# httpcore looks through all its connections, and all who wait for one, at each start and end of a request: what is
# not needed costs. Sixteen reads at a time are hundreds a second.
MOST_FETCHES = 16
MOST_SUBMITS = 100


@dataclass
class Pool:
    """The connections of one event loop. `users` counts who still needs them."""

    api: httpx.AsyncClient
    submit: httpx.AsyncClient
    open_download: Callable[[str | None], httpx.AsyncClient]
    allow_private_links: bool = False
    users: int = 0
    _downloads: dict[str | None, httpx.AsyncClient] = field(default_factory=dict)
    _gates: defaultdict[bytes, asyncio.Semaphore] = field(
        default_factory=lambda: defaultdict(partial(asyncio.Semaphore, MOST_AT_ONCE))
    )
    _fetching: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MOST_FETCHES))
    _submitting: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MOST_SUBMITS))

    async def fetch(self, account: Account, path: str, params: dict[str, str], *, method: str = "GET") -> Answer:
        """One free read. Raises ApiError, TransportError or ResponseFormatError.

        A 403 or 404 that is not in the provider's own words is a gateway's: ServerError, for it may pass.
        """
        content = encode_body(params) if method == "POST" else None
        query = params if method == "GET" else None
        patience = httpx.Timeout(LONGEST_SILENCE, pool=None)
        async with self._fetching:
            reply = await self._call(self.api, account, method, path, query, content, patience, FETCH_SECONDS)
        refusal = refusal_of(account, reply)
        if refusal is not None and _is_a_gateways(refusal, reply):
            refusal = ServerError(
                f"HTTP {reply.status} from something in between, not in {account.provider.name}'s own words",
                provider=account.provider.name,
                http_status=reply.status,
                retry_after=refusal.retry_after,
            )
        if refusal is not None:
            raise refusal
        return answer_of(account, reply)

    async def post(
        self,
        account: Account,
        path: str,
        body: bytes,
        timeout_seconds: float,
        *,
        may_begin: Callable[[], bool] | None = None,
    ) -> Answer:
        """One paid submit, sent exactly once on a connection of its own. `body` is from `encode_body`.

        `timeout_seconds` runs from the moment it has its connection and goes out: then `may_begin` is asked, and not
        before; until then nothing was sent, and it waits for a place among our own connections as long as that takes.
        Raises NotDeliveredError when nothing was sent, ApiError when the provider refused or failed,
        SubmitOutcomeUnknown when no usable answer came back.
        """
        patience = httpx.Timeout(timeout_seconds, connect=min(10.0, timeout_seconds), pool=None)
        error: GenMediaError
        try:
            async with self._submitting:
                reply = await self._call(
                    self.submit, account, "POST", path, None, body, patience, timeout_seconds, may_begin
                )
            refusal = refusal_of(account, reply, submitted=True)
            if refusal is None:
                return answer_of(account, reply)
            error = unless_it_names_a_job(account, reply, refusal)
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
        content: bytes | None,
        patience: httpx.Timeout,
        seconds: float,
        may_begin: Callable[[], bool] | None = None,
    ) -> Reply:
        provider = account.provider
        limit = asyncio.timeout(None)
        sending = False

        async def watch(event: str, info: dict[str, Any]) -> None:
            nonlocal sending
            # A proxy's CONNECT comes before, and holds nothing of ours.
            if sending or not event.endswith("send_request_headers.started") or info["request"].method == b"CONNECT":
                return
            # The last moment before bytes are written: the connection is there.
            if may_begin is not None and not may_begin():
                raise _NotBegun
            sending = True
            limit.reschedule(asyncio.get_running_loop().time() + seconds)

        headers = {**provider.auth(account.api_key), "accept-encoding": ACCEPT_ENCODING}
        if content is not None:
            headers["content-type"] = "application/json"
        error: GenMediaError
        try:
            # Parsed once: with `params`, httpx does it twice.
            address = httpx.URL(account.base_url + path, **({"params": query} if query else {}))
            async with limit:
                request = client.build_request(
                    method,
                    address,
                    content=content,
                    headers=headers,
                    timeout=patience,
                    extensions={"trace": watch},
                )
                return await received(await client.send(request, stream=True))
        except _NotBegun:
            error = NotDeliveredError("the claim on the job ran out before the submit could begin")
        except _NOT_DELIVERED as failure:
            error = NotDeliveredError(f"could not reach {account.base_url}: {type(failure).__name__}")
        except TimeoutError:
            error = TransportError(f"no answer within {seconds:g} s")
        except httpx.HTTPError as failure:
            name = type(failure).__name__
            if not sending:
                error = NotDeliveredError(f"could not reach {account.base_url}: {name}")
            elif isinstance(failure, httpx.TimeoutException):
                error = TransportError(f"{provider.name} gave no answer in time ({name})")
            else:
                error = TransportError(f"the connection to {provider.name} broke ({name})")
        except (httpx.InvalidURL, UnicodeEncodeError):
            error = ConfigurationError(f"the base URL or the key for {provider.name} cannot be sent")
        error.provider = provider.name
        # Raised here and not in the except block: httpx errors hold the request, and so the key.
        raise error

    @asynccontextmanager
    async def stream(self, url: str, *, base_url: str | None = None) -> AsyncIterator[Incoming]:
        """A download without any key, redirects followed.

        With a `base_url` neither the link nor a redirect may lead into our own network, unless that is there itself;
        without one, for links that the user gave, they may lead anywhere. Raises MediaError when it cannot start,
        may not, or breaks; MediaInvalidError when it was packed and is cut.
        """
        host = None if base_url is None or self.allow_private_links else urlsplit(base_url).hostname
        if host not in self._downloads:
            self._downloads[host] = self.open_download(host)
        client = self._downloads[host]
        error: MediaError
        try:
            # Counted by the file's own server: one that drips holds up nobody else's files.
            address = httpx.URL(url)
            async with self._gates[address.netloc], opened(client, address) as response:
                yield Incoming(response.status_code, response.headers, pieces(response))
                return
        except UnpackingError as failure:
            error = MediaInvalidError(f"the file cannot be unpacked: {failure}")
        except httpx.UnsupportedProtocol:
            error = MediaError("the link is no web address")
        except httpx.HTTPError as failure:
            is_cut = isinstance(failure, httpx.RemoteProtocolError | httpx.ReadError | httpx.ReadTimeout)
            error = MediaError(f"the download broke ({type(failure).__name__})", is_cut=is_cut)
        except (httpx.InvalidURL, UnicodeError):
            error = MediaError("the link is no URL")
        raise error

    async def close(self) -> None:
        for client in (self.api, self.submit, *self._downloads.values()):
            await client.aclose()


@cache
def _ssl_context() -> ssl.SSLContext:
    # Loading the CA bundle costs tens of milliseconds: once a process, not once a client.
    return httpx.create_ssl_context()


def _open(user_agent: str, allow_private_links: bool) -> Pool:
    tls = _ssl_context()
    headers = {"user-agent": user_agent}

    return Pool(
        api=over(Network(), httpx.AsyncClient(verify=tls, headers=headers, cookies=no_cookies()), tls, MOST_FETCHES),
        # A kept-alive connection that the server has just closed looks like a lost reply.
        submit=httpx.AsyncClient(
            verify=tls,
            headers=headers,
            cookies=no_cookies(),
            limits=httpx.Limits(max_connections=MOST_SUBMITS, max_keepalive_connections=0),
        ),
        open_download=partial(open_download, tls, user_agent),
        allow_private_links=allow_private_links,
    )


# One pool an event loop: Prefect's .submit() gives each task a loop of its own.
_pools: WeakKeyDictionary[asyncio.AbstractEventLoop, Pool] = WeakKeyDictionary()


@asynccontextmanager
async def http_pool(user_agent: str | None = None) -> AsyncIterator[Pool]:
    """The pool of the running event loop, shared by all who are inside; closed by the last to leave.

    `user_agent` is what whoever opens it calls itself; GENMEDIA_USER_AGENT by default.
    """
    loop = asyncio.get_running_loop()
    pool = _pools.get(loop)
    if pool is None:
        settings = read_settings()
        pool = _pools[loop] = _open(user_agent or settings.user_agent, settings.allow_private_links)
    pool.users += 1
    try:
        yield pool
    finally:
        pool.users -= 1
        if pool.users == 0:
            del _pools[loop]
            await pool.close()
