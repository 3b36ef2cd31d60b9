"""Fetching what strangers offer: from public addresses only, within bounds.

A name is resolved once and the connection goes to an address that was looked at, so that no second answer of
a name server, no redirect and no odd spelling of an address leads into this machine or its network.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from madang.kernel.errors import Environment, Invalid
from madang.kernel.i18n import Message

LARGEST = 64 * 2**20
"""Bytes of an answer."""
SECONDS = 60.0
"""How long one answer may take in all."""
MOST_REDIRECTS = 5
_TRIES = 4
_LONGEST_WAIT = 60.0
_CHUNK = 2**16
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class AddressRefused(Invalid):
    """An address that is not one of the public internet. Facts: host, reason."""


class NotFetched(Environment):
    """Another machine did not answer as it should. Facts: url, reason."""


@dataclass(frozen=True)
class Answer:
    """What came: the body, decoded from its transfer's compression, and where it came from in the end."""

    status: int
    body: bytes
    media_type: str
    url: str


def networks(told: str) -> tuple[Network, ...]:
    """Networks of a comma-separated list in CIDR notation; ValueError where one is none."""
    return tuple(ipaddress.ip_network(one.strip()) for one in told.split(",") if one.strip())


def is_public(address: Address) -> bool:
    """Whether an address is one of the public internet, and none that stands for another inside it."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address.teredo:
            inner = address.teredo[1]
        if address in _TRANSLATED:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None and not is_public(inner):
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def _allowed(host: str, port: int, also: Sequence[Network]) -> str:
    """The first address of `host`, where all of its addresses may be connected to."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NotFetched(url=host, reason=Message("outbound.no-such-host")) from error
    addresses = [ipaddress.ip_address(str(one[4][0]).partition("%")[0]) for one in found]
    for address in addresses:
        if not is_public(address) and not any(address in network for network in also):
            raise AddressRefused(host=host, reason=str(address))
    return str(addresses[0])


def _transport(also: Sequence[Network]) -> Any:
    """httpx's transport over a pool whose connections are looked at."""
    import httpcore2
    import httpx2

    class Looking(httpcore2.SyncBackend):
        """Connects to an address that was looked at; TLS still asks for the name."""

        def connect_tcp(
            self,
            host: str,
            port: int,
            timeout: float | None = None,
            local_address: str | None = None,
            socket_options: Iterable[Any] | None = None,
        ) -> httpcore2.NetworkStream:
            return super().connect_tcp(
                _allowed(host, port, also), port, timeout, local_address, socket_options
            )

        def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore2.NetworkStream:
            raise AddressRefused(host="unix", reason="unix socket")

    class Transport(httpx2.HTTPTransport):
        """Never by a proxy: it would resolve the name itself."""

        def __init__(self) -> None:
            super().__init__(trust_env=False)
            self._pool = httpcore2.ConnectionPool(
                ssl_context=httpx2.create_ssl_context(trust_env=False), network_backend=Looking()
            )

    return Transport()


class Fetcher:
    """Fetches addresses, a few times where the other side is busy. Use as a context manager."""

    def __init__(
        self, also: Sequence[Network] = (), largest: int = LARGEST, seconds: float = SECONDS
    ) -> None:
        import httpx2

        self._largest, self._seconds = largest, seconds
        self._client = httpx2.Client(
            transport=_transport(also),
            follow_redirects=True,
            max_redirects=MOST_REDIRECTS,
            timeout=httpx2.Timeout(seconds / 2, connect=10.0),
            headers={"User-Agent": "madang", "Accept-Encoding": "gzip"},
            trust_env=False,
        )

    def __enter__(self) -> Fetcher:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def get(self, url: str, parameters: Mapping[str, str] | None = None) -> Answer:
        """GET an address. AddressRefused, or NotFetched for whatever else is not a good answer."""
        import httpx2

        if not url.startswith(("http://", "https://")):
            raise AddressRefused(host=url[:200], reason="http, https")
        for attempt in range(1, _TRIES + 1):
            try:
                answer, wait = self._once(url, parameters)
            except (httpx2.TooManyRedirects, httpx2.UnsupportedProtocol, httpx2.InvalidURL) as error:
                reason = Message("outbound.broken", detail=str(error)[:200])
                break
            except (httpx2.HTTPError, httpx2.StreamError) as error:
                answer, wait = None, 0.5 * attempt
                reason = Message("outbound.broken", detail=str(error)[:200] or type(error).__name__)
            if answer is not None and answer.status < 400:
                return answer
            if answer is not None:
                reason = Message("outbound.status", status=answer.status)
                if answer.status not in (429, 502, 503, 504):
                    break
            if attempt < _TRIES:
                time.sleep(min(wait, _LONGEST_WAIT))
        raise NotFetched(url=url[:500], reason=reason)

    def _once(self, url: str, parameters: Mapping[str, str] | None) -> tuple[Answer, float]:
        """(the answer, seconds after which the other side wants to be asked again)."""
        ends = time.monotonic() + self._seconds
        body = bytearray()
        with self._client.stream("GET", url, params=dict(parameters) if parameters else None) as response:
            for chunk in response.iter_bytes(_CHUNK):
                body += chunk
                if len(body) > self._largest:
                    raise NotFetched(url=url[:500], reason=Message("outbound.too-large", limit=self._largest))
                if time.monotonic() > ends:
                    raise NotFetched(
                        url=url[:500], reason=Message("outbound.too-slow", seconds=int(self._seconds))
                    )
            told = response.headers.get("retry-after", "")
            media = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            answer = Answer(response.status_code, bytes(body), media, str(response.url))
        return answer, float(told) if told.isascii() and told.isdecimal() else 1.0
