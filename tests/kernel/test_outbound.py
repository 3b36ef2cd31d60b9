"""Nothing that a stranger names leads into this machine or its network."""

from __future__ import annotations

import contextlib
import http.server
import ipaddress
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from madang.kernel import outbound
from madang.kernel.outbound import AddressRefused, Fetcher, NotFetched, is_public, networks

HOSTILE = Path(__file__).parents[3] / "shared/data/hostile/made/ssrf_urls.json"
LOOPBACK = networks("127.0.0.0/8")


class Server(http.server.BaseHTTPRequestHandler):
    """Answers by its path."""

    asked: list[str]

    def do_GET(self) -> None:
        type(self).asked.append(self.path)
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to/"))
            self.end_headers()
            return
        if self.path == "/busy" and type(self).asked.count("/busy") < 3:
            self.send_response(503)
            self.send_header("Retry-After", "0")
            self.end_headers()
            return
        if self.path.startswith("/drip"):
            self._drip()
            return
        self.send_response(404 if self.path == "/none" else 200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.end_headers()
        self.wfile.write(b"x" * (10_000 if self.path == "/large" else 10))

    def _drip(self) -> None:
        """A byte every tenth of a second, for ten seconds: of a header or of the body."""
        head = b"HTTP/1.0 200 OK\r\n" + (b"X: " if self.path == "/drip-head" else b"\r\n")
        with contextlib.suppress(OSError):
            self.wfile.write(head)
            for _ in range(100):
                self.wfile.write(b"x")
                time.sleep(0.1)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving() -> Iterator[tuple[str, list[str]]]:
    Server.asked = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", Server.asked
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.0.0.1", "169.254.169.254", "192.168.1.1", "0.0.0.0", "224.0.0.1", "100.64.0.1", "::1",
     "::", "fe80::1", "fd00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::",
     "2001:0:0:0:0:0:80ff:fffe", "fec0::1", "168.63.129.16", "192.0.0.192"],
)  # fmt: skip
def test_an_inner_address_is_none_of_the_internet(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111"])
def test_a_public_address_is(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


def test_what_is_here_is_not_asked() -> None:
    with serving() as (url, asked), Fetcher() as fetcher:
        for host in ("127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "[::ffff:127.0.0.1]"):
            with pytest.raises((AddressRefused, NotFetched)):
                fetcher.get(url.replace("127.0.0.1", host))
        assert asked == []


def test_a_redirect_leads_nowhere_else() -> None:
    with serving() as (url, _), Fetcher(LOOPBACK) as fetcher:
        assert fetcher.get(f"{url}/to/{url}/there").url == f"{url}/there"
        for inner in (
            "http://169.254.169.254/latest/",
            "http://10.1.2.3/",
            "file:///etc/passwd",
            "ftp://127.0.0.1/",
        ):
            with pytest.raises((AddressRefused, NotFetched)):
                fetcher.get(f"{url}/to/{inner}")
        with pytest.raises(NotFetched):  # round and round
            fetcher.get(f"{url}/to//to//to//to//to//to//to//to//to/x")


def test_a_name_is_resolved_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name server that gives a public address first and this machine's next."""
    answers = iter(["93.184.216.34", "127.0.0.1", "127.0.0.1"])
    connected = []

    def getaddrinfo(host: str, port: int, **_: object) -> list[object]:
        return [
            (
                socket.AF_INET,
                socket.SOCK_STREAM,
                6,
                "",
                (next(answers) if host == "two.example" else host, port),
            )
        ]

    def connect(address: tuple[str, int], *_: object, **__: object) -> socket.socket:
        connected.append(address[0])
        raise OSError("not today")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(socket, "create_connection", connect)
    monkeypatch.setattr(outbound.time, "sleep", lambda _: None)
    with Fetcher() as fetcher, pytest.raises(AddressRefused):
        fetcher.get("http://two.example/")
    assert connected == ["93.184.216.34"]


def test_bounds() -> None:
    with serving() as (url, asked):
        with Fetcher(LOOPBACK, largest=5000) as fetcher:
            with pytest.raises(NotFetched, match="5000 bytes"):
                fetcher.get(f"{url}/large")
            with pytest.raises(NotFetched, match="404"):
                fetcher.get(f"{url}/none")
            assert fetcher.get(f"{url}/busy").body == b"x" * 10
        assert asked.count("/busy") == 3


def test_a_byte_now_and_then_keeps_no_one_waiting() -> None:
    with serving() as (url, _), Fetcher(LOOPBACK, seconds=1) as fetcher:
        for path in ("/drip", "/drip-head"):
            begun = time.monotonic()
            with pytest.raises(NotFetched, match="1 seconds"):
                fetcher.get(url + path)
            assert time.monotonic() - begun < 8  # the server drips for ten


@pytest.mark.skipif(not HOSTILE.exists(), reason="no hostile corpus here")
def test_the_corpus_of_addresses() -> None:
    told = json.loads(HOSTILE.read_text("utf-8"))
    urls = [
        one if isinstance(one, str) else one["url"]
        for one in (told if isinstance(told, list) else told["urls"])
    ]
    assert len(urls) > 5
    with Fetcher() as fetcher:
        for url in urls:
            with pytest.raises((AddressRefused, NotFetched)):
                fetcher.get(url)
