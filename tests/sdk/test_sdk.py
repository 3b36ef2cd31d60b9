"""The SDK: made from the operations, the same with and without coroutines, whole over broken lines."""

from __future__ import annotations

import asyncio
import inspect
import io
import os
import socket
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import httpx2
import pytest

from madang import sdk
from madang.interfaces import operations
from madang.interfaces.demo import cast
from madang.sdk import AsyncClient, Client
from tests.conftest import Played
from tests.serving import serving

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def served(played: Played) -> Iterator[str]:
    with serving(played.home.path) as address:
        yield address


def test_what_is_made_is_up_to_date() -> None:
    command = [sys.executable, "scripts/make_sdk.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_operation_has_a_method_in_both_clients() -> None:
    for client in (Client("http://x"), AsyncClient("http://x")):
        for operation in operations.every():
            method = getattr(getattr(client, operation.noun), operation.name)
            assert inspect.getdoc(method) == inspect.getdoc(operation.function)


def test_documents_alone_import_no_http_library() -> None:
    code = "import sys, madang.sdk.documents; print('httpx2' in sys.modules, 'sqlalchemy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False False"


def test_the_two_clients_say_the_same(played: Played, served: str) -> None:
    token, pool = played.stage.token(cast.LEAD), played.stage.notes["pool"]

    async def with_coroutines() -> list[object]:
        async with AsyncClient(served, token) as client:
            versions = [one.name async for one in client.versions.list(page_size=2)]
            shown = await client.versions.show(pool)
            return [versions, shown, await client.runs.log(played.stage.notes["run"]),
                    await client.missions.board(cast.MISSION), await client.ledger.checkpoint()]  # fmt: skip

    with Client(served, token) as client:
        plainly = [
            [one.name for one in client.versions.list(page_size=2)], client.versions.show(pool),
            client.runs.log(played.stage.notes["run"]), client.missions.board(cast.MISSION),
            client.ledger.checkpoint(),
        ]  # fmt: skip
    # In a thread: a browser of other tests may have a loop in this one.
    with ThreadPoolExecutor(1) as aside:
        assert aside.submit(lambda: asyncio.run(with_coroutines())).result() == plainly
    assert plainly[0]


@pytest.mark.parametrize(
    ("token", "error"), [(None, sdk.NotSignedIn), ("madang_wrong", sdk.NotSignedIn), ("lead", sdk.NotFound)]
)
def test_errors_are_typed_and_in_three_parts(
    played: Played, served: str, token: str | None, error: type[sdk.ApiError]
) -> None:
    given = played.stage.token(cast.LEAD) if token == "lead" else token
    with Client(served, given, language="ko") as client, pytest.raises(error) as caught:
        client.versions.show("nobody/nothing@1")
    assert all((caught.value.what, caught.value.why, caught.value.next))
    assert "습니다" in caught.value.what


def test_nobody_answers() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with Client(f"http://127.0.0.1:{port}", retries=1) as client, pytest.raises(sdk.NotReached):
        client.missions.show("x")
    with Client("not an address") as client, pytest.raises(sdk.NotReached):
        client.missions.show("x")


class Flaky(threading.Thread):
    """Stands before a server and breaks the line: each connection but every third, after so many bytes."""

    def __init__(self, address: str, most: int) -> None:
        super().__init__(daemon=True)
        host, _, port = address.removeprefix("http://").partition(":")
        self._behind, self._most = (host, int(port)), most
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.broken = 0
        self._count = 0
        self._open: list[socket.socket] = []

    def close(self) -> None:
        """Let the server's connections go."""
        for one in (self._socket, *self._open):
            one.close()

    def run(self) -> None:
        while True:
            try:
                front, _ = self._socket.accept()
            except OSError:
                return
            self._count += 1
            limit = None if self._count % 3 == 0 else self._most
            threading.Thread(target=self._carry, args=(front, limit), daemon=True).start()

    def _carry(self, front: socket.socket, limit: int | None) -> None:
        back = socket.create_connection(self._behind)
        self._open += [front, back]
        threading.Thread(target=self._pipe, args=(back, front, None), daemon=True).start()
        self._pipe(front, back, limit)

    def _pipe(self, source: socket.socket, target: socket.socket, limit: int | None) -> None:
        carried = 0
        try:
            while data := source.recv(65536):
                carried += len(data)
                if limit is not None and carried > limit:
                    self.broken += 1
                    break
                target.sendall(data)
        except OSError:
            pass
        finally:
            for one in (source, target):
                one.close()


def test_a_deposit_and_a_download_over_a_line_that_breaks(
    copied: Played, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "data"
    (folder / "inside").mkdir(parents=True)
    for name, size in (("inside/large.bin", 20 * 2**20), ("small.txt", 10), ("가나.txt", 0)):
        (folder / name).write_bytes(os.urandom(size))
    for number in range(60):  # on both sides of the large one, and more than comes before the line breaks
        (folder / f"inside/{'abz'[number % 3]}{number}").write_bytes(os.urandom(90_000))
    with serving(copied.home.path) as address:
        flaky = Flaky(address, most=3 * 2**20)
        flaky.start()
        with Client(flaky.url, copied.stage.token("company-a"), retries=8) as client:
            made = client.deposit(folder, asset="broken", agreement=cast.AGREEMENT)
            assert made.name == "company-a/broken@1"
            again = client.deposit(folder, asset="broken", agreement=cast.AGREEMENT)
            assert again.version_id == made.version_id
            client.download(made.name, tmp_path / "home")
        flaky.close()
        assert flaky.broken > 1
    for file in folder.rglob("*"):
        if file.is_file():
            assert (tmp_path / "home" / file.relative_to(folder)).read_bytes() == file.read_bytes()
    assert not list((tmp_path / "cache").rglob("*.jsonl"))


def test_small_files_come_together(copied: Played, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "data"
    folder.mkdir()
    for number in range(300):
        (folder / f"{number}.bin").write_bytes(os.urandom(number))
    (folder / "150 large").write_bytes(os.urandom(3_000_000))
    asked: list[str] = []
    with serving(copied.home.path) as address, Client(address, copied.stage.token("company-a")) as client:
        made = client.deposit(folder, asset="many", agreement=cast.AGREEMENT)
        real = client.stream

        def counted(path: str, *more: Any) -> Any:
            asked.append(path.rpartition("/")[2])
            return real(path, *more)

        monkeypatch.setattr(client, "stream", counted)

        came: list[int] = []

        def stop(done: int, _: int) -> None:
            came.append(done)
            if len(came) > 150:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            client.download(made.name, tmp_path / "home", progress=stop)
        (begun,) = tmp_path.glob(".home.*.part")
        there = [file for file in begun.iterdir() if not file.name.endswith("large")]
        assert 100 < len(there) < 300
        asked.clear()
        client.download(made.name, tmp_path / "home")
    assert asked.count("archive") <= 4
    assert asked.count("content") <= 3
    for file in folder.iterdir():
        assert (tmp_path / "home" / file.name).read_bytes() == file.read_bytes()


def _zip(method: int, content: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for number in range(9):
            archive.writestr(f"{number}.bin", content)
    return made.getvalue()


def _endless() -> Iterator[bytes]:
    for _ in range(1000):
        yield b"x" * 2**20
    pytest.fail("more was taken than can be right")


@pytest.mark.parametrize(
    "answer",
    [_endless, lambda: [_zip(zipfile.ZIP_BZIP2, bytes(1000))],
     lambda: [_zip(zipfile.ZIP_STORED, b"y" * 100).replace(b"y" * 100, b"z" * 100)],
     lambda: [_zip(zipfile.ZIP_STORED, b"other")], lambda: [b"no zip"], list],
)  # fmt: skip
def test_what_comes_instead_of_the_files_is_not_taken(
    copied: Played, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: Callable[[], Iterable[bytes]]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "data"
    folder.mkdir()
    for number in range(9):
        (folder / f"{number}.bin").write_bytes(os.urandom(100))

    class Odd:
        status_code = 200

        def iter_bytes(self) -> Iterable[bytes]:
            return answer()

    with serving(copied.home.path) as address, Client(address, copied.stage.token("company-a")) as client:
        made = client.deposit(folder, asset="many", agreement=cast.AGREEMENT)
        real = client.stream
        monkeypatch.setattr(
            client,
            "stream",
            lambda path, *more: nullcontext(Odd()) if path.endswith("archive") else real(path, *more),
        )
        client.download(made.name, tmp_path / "home")
    for file in folder.iterdir():
        assert (tmp_path / "home" / file.name).read_bytes() == file.read_bytes()


def test_a_deposit_that_was_cut_off_goes_on(
    copied: Played, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "data"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.bin").write_bytes(os.urandom(2_000_000))
    for number in range(300):
        (folder / f"small-{number}").write_bytes(os.urandom(50))
    with serving(copied.home.path) as address, Client(address, copied.stage.token("company-a")) as client:

        def cut(sent: int, _: int) -> None:
            if sent >= 4_000_000:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            client.deposit(folder, asset="cut", agreement=cast.AGREEMENT, progress=cut)
        there = len(list((copied.home.path / "uploads" / "company-a").glob("upl-*.json")))
        assert 2 <= there <= 4  # three large files, and one bundle of the small ones
        (folder / "1.bin").write_bytes(b"changed" * 200_000)  # not what was sent: it goes anew
        begun: list[str] = []
        real = client.send

        def counted(method: str, path: str, **more: Any) -> httpx2.Response:
            begun.extend([path] if (method, path) == ("POST", "/uploads") else [])
            return real(method, path, **more)

        monkeypatch.setattr(client, "send", counted)
        made = client.deposit(folder, asset="cut", agreement=cast.AGREEMENT)
        assert len(begun) <= 4 - there + 1
        sizes = {file.path: file.size_bytes for file in client.versions.files(made.name)}
        assert (sizes["0.bin"], sizes["1.bin"], sizes["2.bin"]) == (2_000_000, 1_400_000, 2_000_000)
        assert len(sizes) == 303
        client.download(made.name, tmp_path / "home")
    for file in folder.iterdir():
        assert (tmp_path / "home" / file.name).read_bytes() == file.read_bytes()


def test_links_are_not_sent(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "link").symlink_to("/etc/passwd")
    with Client("http://127.0.0.1:9") as client, pytest.raises(sdk.Unsafe):
        client.deposit(tmp_path / "data", asset="x", agreement="y")


class Losing(httpx2.HTTPTransport):
    """Loses the answer to each method's first request."""

    def __init__(self, *methods: str) -> None:
        super().__init__()
        self._left = set(methods)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        answer = super().handle_request(request)
        if request.method in self._left:
            self._left.remove(request.method)
            answer.close()
            raise httpx2.ReadError("lost")
        return answer


def test_a_lost_answer_is_asked_for_again(
    copied: Played, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "large.bin").write_bytes(os.urandom(9 * 2**20))
    with serving(copied.home.path) as address:
        token = copied.stage.token("company-a")
        with Client(address, token, transport=Losing("PATCH")) as client:
            assert client.deposit(folder, asset="lost", agreement=cast.AGREEMENT).files == 1
        officer = copied.stage.token(cast.MINISTRY, "officer")
        with Client(address, officer, transport=Losing("POST", "GET")) as client:
            assert client.organizations.register("acme", kind="company").name == "acme"
            assert client.organizations.whoami().organization == cast.MINISTRY


@pytest.mark.parametrize("name", ["../whoami", "a/../../runs", "", ".", "a//b"])
def test_names_lead_nowhere_else(name: str) -> None:
    with Client("http://127.0.0.1:9") as client, pytest.raises(sdk.Unsafe):
        client.versions.show(name)


def test_another_kind_of_server_is_not_a_bug(played: Played, served: str) -> None:
    with Client(f"{served}/missions#") as client, pytest.raises(sdk.ApiError):
        client.organizations.whoami()
