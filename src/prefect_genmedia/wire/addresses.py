"""Where a link of a provider may lead: not into our own network, unless the account is in it itself.

What counts is the address that is connected to, not the name in the link: a name may mean another address each time it
is asked for.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Iterable
from urllib.request import getproxies

import httpcore
import httpx

from prefect_genmedia.errors import MediaError
from prefect_genmedia.wire.connections import Network, over

_PRIVATE = [ipaddress.ip_network(net) for net in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")]
_PRIVATE_V6 = [ipaddress.ip_network(net) for net in ("fc00::/7", "fec0::/10")]
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def kind_of(address: str) -> str:
    """`loopback`, `link-local`, `private`, `reserved`; "" for an address of the public internet."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = (
            ip.ipv4_mapped or ip.sixtofour or (ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 else None)
        )
        if inner is not None:
            return kind_of(str(inner))
    if ip.is_loopback or ip.is_unspecified:
        return "loopback"  # 0.0.0.0 connects to ourselves
    if ip.is_link_local:
        return "link-local"
    if any(ip in net for net in (_PRIVATE if ip.version == 4 else _PRIVATE_V6)):
        return "private"
    return "" if ip.is_global and not ip.is_multicast else "reserved"


async def addresses_of(host: str) -> list[str]:
    """What a name means now, and what 2130706433 or 0x7f.1 mean: 127.0.0.1. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


async def refuse_private(host: str, base_host: str) -> list[str]:
    """The addresses of `host`, without those of our own network where `base_host` has none of their kind.

    Raises MediaError when none is left, OSError when the name means nothing.
    """
    addresses = await addresses_of(host)
    kinds = {address: kind_of(address) for address in addresses}
    near: set[str] = set()
    if any(kinds.values()):
        try:
            near = {kind_of(address) for address in await addresses_of(base_host)}
        except OSError:
            near = set()
    left = [address for address in addresses if not kinds[address] or kinds[address] in near]
    if addresses and not left:
        raise MediaError(
            f"the result link leads to a {kinds[addresses[0]]} address, and the account's base URL is not there",
            advice="If that is meant, set GENMEDIA_ALLOW_PRIVATE_LINKS=true.",
        )
    return left


class _Guard(Network):
    """Connects to what `refuse_private` leaves, and to nothing else."""

    def __init__(self, base_host: str) -> None:
        super().__init__()
        self._base_host = base_host

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the parameters are httpcore's
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            async with asyncio.timeout(timeout):
                addresses = await refuse_private(host, self._base_host)
        except TimeoutError:
            raise httpcore.ConnectTimeout("the name was not resolved in time") from None
        except OSError as failure:
            raise httpcore.ConnectError(str(failure)) from None
        failures: list[Exception] = [httpcore.ConnectError("the name means no address")]
        for address in addresses:
            try:
                return await super().connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as failure:
                failures.append(failure)
        raise failures[-1]


def guarded(client: httpx.AsyncClient, tls: ssl.SSLContext, most: int, base_host: str) -> httpx.AsyncClient:
    """The same client, kept out of our own network unless `base_host` is there; redirects included."""

    async def behind_a_proxy(request: httpx.Request) -> None:
        # A proxy connects for us: what can be told beforehand is told.
        try:
            await refuse_private(request.url.host, base_host)
        except OSError:
            return

    if getproxies():  # httpx has looked for them just now, too
        client.event_hooks["request"].append(behind_a_proxy)
    return over(_Guard(base_host), client, tls, most)
