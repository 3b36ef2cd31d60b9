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
from urllib.parse import urlsplit

from madang.kernel.errors import Environment, Invalid
from madang.kernel.i18n import Message

LARGEST = 64 * 2**20
"""Bytes of an answer."""
SECONDS = 60.0
"""How long one answer may take in all."""
MOST_REDIRECTS = 5
_TRIES = 4
_LONGEST_WAIT = 60.0
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")

_HERE = frozenset({"127.0.0.1", "::1", "localhost"})

_SPECIAL = tuple(
    map(
        ipaddress.ip_network,
        (
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32", "169.254.0.0/16",
            "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16",
            "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3", "::/8", "64:ff9b:1::/48",
            "100::/64", "2001:db8::/32", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10",
            "ff00::/8",
        ),
    )
)  # fmt: skip
"""Networks of special purpose (IANA's registries for IPv4 and IPv6), and Azure's host: Python's own list
differs from version to version."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def is_confidential(url: str) -> bool:
    """Whether nobody on the way reads what is sent to an address: HTTPS, or this machine."""
    try:
        told = urlsplit(url)
        return "@" not in told.netloc and bool(told.hostname) and (
            told.scheme == "https" or (told.scheme == "http" and told.hostname in _HERE)
        )  # fmt: skip
    except ValueError:
        return False


class AddressRefused(Invalid):
    """An address that is not one of the public internet. Facts: host, reason."""


class NotFetched(Environment):
    """Another machine did not answer as it should. Facts: url, reason."""


@dataclass(frozen=True)
class Answer:
    """What came: the body, decoded from its transfer's compression, and where it came from in the end."""

    status: int
    body: bytes
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
        if inner is not None:
            return is_public(inner)
    if any(address in network for network in _SPECIAL):
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


class _Deadline:
    """Until when the answer that is under way may take, its redirects and headers included."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._ends, self._url = seconds, 0.0, "-"

    def begin(self, url: str) -> None:
        """An answer is asked for."""
        self._url = url[:500]
        self._ends = time.monotonic() + self._seconds

    def left(self) -> float:
        """Seconds that are left; NotFetched where none are."""
        left = self._ends - time.monotonic()
        if left <= 0:
            raise NotFetched(url=self._url, reason=Message("outbound.too-slow", seconds=int(self._seconds)))
        return left


def _transport(also: Sequence[Network], deadline: _Deadline) -> Any:
    """httpx's transport over a pool whose connections are looked at, and watched."""
    import httpcore2
    import httpx2

    class Watched(httpcore2.NetworkStream):
        """A connection that is read only while there is time: a byte now and then keeps no one waiting."""

        def __init__(self, inner: httpcore2.NetworkStream) -> None:
            self._inner = inner

        def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
            left = deadline.left()
            try:
                return self._inner.read(max_bytes, min(timeout or left, left))
            except httpcore2.ReadTimeout:
                deadline.left()  # tells it, where it was the whole answer's time that ran out
                raise

        def write(self, buffer: bytes, timeout: float | None = None) -> None:
            left = deadline.left()
            self._inner.write(buffer, min(timeout or left, left))

        def close(self) -> None:
            self._inner.close()

        def start_tls(
            self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
        ) -> httpcore2.NetworkStream:
            return Watched(self._inner.start_tls(ssl_context, server_hostname, timeout))

        def get_extra_info(self, info: str) -> Any:
            return self._inner.get_extra_info(info)

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
            address = _allowed(host, port, also)
            made = super().connect_tcp(address, port, timeout, local_address, socket_options)
            return Watched(made)

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

        self._largest, self._deadline = largest, _Deadline(seconds)
        self._client = httpx2.Client(
            transport=_transport(also, self._deadline),
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
        self._deadline.begin(url)
        body = bytearray()
        with self._client.stream("GET", url, params=dict(parameters) if parameters else None) as response:
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > self._largest:
                    raise NotFetched(url=url[:500], reason=Message("outbound.too-large", limit=self._largest))
            told = response.headers.get("retry-after", "")
            answer = Answer(response.status_code, bytes(body), str(response.url))
        return answer, float(told) if told.isascii() and told.isdecimal() else 1.0
