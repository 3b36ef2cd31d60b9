"""Readers that hang, swell, break or lie are stopped, told, and do no harm to the next file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from madang.assets.probing import formats, running
from madang.assets.probing.model import Report
from madang.kernel.isolation import choose
from tests.assets.probing.looking import WithReaders, look, odd

_READERS = """
import os, sys, time
from pathlib import Path

def by_name(path, notes):
    {"loops": loops, "swells": swells, "dies": dies, "shouts": shouts, "writes": writes, "reads": reads,
     "sockets": sockets, "good": good}[Path(notes.path).stem.split("-")[0]](path, notes)

def loops(path, notes):
    while True:
        pass

def swells(path, notes):
    held = []
    while True:
        held.append(bytearray(2**24))

def dies(path, notes):
    os._exit(3)

def shouts(path, notes):
    print("not an answer")
    os.write(1, b"nor this\\n")
    notes.fact("shouted", "yes")

def writes(path, notes):
    for place in (path, Path("/outside"), Path("/usr/outside"), path.parent / "new"):
        try:
            place.write_bytes(b"changed")
            notes.fact(f"wrote {place}", "yes")
        except OSError:
            notes.fact(f"no {place}", "refused")

def reads(path, notes):
    for place in (Path("/etc/passwd"), Path("/etc/shadow"), Path(path.read_text())):
        try:
            place.read_bytes()
            notes.fact(f"read {place}", "yes")
        except OSError:
            notes.fact(f"no {place}", "refused")

def sockets(path, notes):
    import socket
    try:
        socket.create_connection(("127.0.0.1", int(path.read_text())), timeout=2)
        notes.fact("connected", "yes")
    except OSError:
        notes.fact("connected", "no")

def good(path, notes):
    notes.fact("text", path.read_text())
"""


@pytest.fixture
def readers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WithReaders:
    folder = tmp_path / "readers"
    folder.mkdir()
    (folder / "misbehaving.py").write_text(_READERS)
    monkeypatch.setattr(formats, "READERS", {"text": formats.Reader("misbehaving:by_name")})
    return WithReaders(folder)


def _probe(readers: WithReaders, tmp_path: Path, *names: str) -> dict[str, Report]:
    root = tmp_path / "files"
    root.mkdir()
    for name in names:
        (root / name).write_text(f"{name}\n")
    return look(root, running.Bounds(seconds=1), readers)


def test_each_is_stopped_and_told(readers: WithReaders, tmp_path: Path) -> None:
    found = _probe(
        readers, tmp_path, "dies.txt", "good-1.txt", "good-2.txt", "loops.txt", "shouts.txt", "swells.txt"
    )
    assert odd(found["loops.txt"]) == {"too-slow"}
    assert odd(found["swells.txt"]) == {"too-much-memory"}
    assert odd(found["dies.txt"]) == {"reader-broke"}
    (broke,) = found["dies.txt"].findings
    assert broke.evidence["code"] == 3
    assert found["shouts.txt"].facts == {"shouted": "yes"}  # what a library prints is no answer
    assert found["good-1.txt"].facts["text"] == "good-1.txt"
    assert found["good-2.txt"].facts["text"] == "good-2.txt"


def test_what_may_not_be_opened_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may read everything here, so a file that its disk does not give stands for both."""
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    (tmp_path / "b.csv").write_text("x,y\n1,2\n")
    real = Path.open

    def opened(self: Path, *given: Any, **more: Any) -> Any:
        if self.name == "a.csv":
            raise OSError(5, "Input/output error", str(self))
        return real(self, *given, **more)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", opened)
        items = list(running.items(tmp_path))
    assert [(one.path, one.format) for one in items] == [("a.csv", "closed"), ("b.csv", "table")]
    found = {one.path: one for one in running.probe(tmp_path, items, choose("auto"))}
    assert odd(found["a.csv"]) == {"closed"}
    assert found["b.csv"].variables


def test_nothing_outside_is_read_written_or_reached(readers: WithReaders, tmp_path: Path) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        root = tmp_path / "files"
        root.mkdir()
        (root / "sockets.txt").write_text(str(server.getsockname()[1]))
        (root / "writes.txt").write_text("as it was")
        (tmp_path / "secret").write_text("secret")
        (root / "reads.txt").write_text(str(tmp_path / "secret"))
        found = look(root, isolation=readers)
    assert found["sockets.txt"].facts == {"connected": "no"}
    assert not [name for name in found["writes.txt"].facts if name.startswith("wrote")]
    assert not [name for name in found["reads.txt"].facts if name.startswith("read")]
    assert (root / "writes.txt").read_text() == "as it was"
    assert sorted(one.name for one in root.iterdir()) == ["reads.txt", "sockets.txt", "writes.txt"]


def test_what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a,b\n1,2\n")
    root = tmp_path / "files"
    root.mkdir()
    (root / "link.csv").symlink_to(secret)
    (root / "out").symlink_to(tmp_path)
    os.mkfifo(root / "pipe.csv")
    (root / "empty.nc").touch()
    found = look(root)
    assert {path: odd(report) for path, report in found.items()} == {
        "link.csv": {"no-file"},
        "pipe.csv": {"no-file"},
        "empty.nc": {"file-empty"},
    }


def test_a_name_that_is_no_utf8_is_read(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode("기온.csv".encode("cp949"))).write_text("a,b\n1,2\n")
    (report,) = look(tmp_path).values()
    assert (report.format, report.findings) == ("table", ())
    assert {one.variable.name for one in report.variables} == {"a", "b"}
    report.path.encode()  # as text everywhere
