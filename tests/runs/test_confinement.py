"""What a job can reach: nothing of another's, no network, and no trace of the sealed benchmark."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from madang.assets import ingest
from madang.assets.content.drafts import Limits as Bounds
from madang.assets.errors import TooLarge, UnsafeFile
from madang.interfaces.demo import cast
from madang.kernel import extension, isolation
from madang.kernel.errors import IsolationMissing, UnknownEngine
from madang.kernel.home import Home
from madang.kernel.isolation import Confinement, Limits
from tests import records
from tests.conftest import Played
from tests.reopening import reopened

BUBBLEWRAP = extension.engine("isolation", "bubblewrap")()
needs_bubblewrap = pytest.mark.skipif(
    BUBBLEWRAP.unavailable() is not None, reason="bubblewrap does not work on this machine"
)

SEARCH = r"""
import json, os, re, socket, sys
canaries = [c.encode() for c in json.loads(sys.argv[1])]
pattern = re.compile(b"|".join(canaries))
tokens = json.loads(sys.argv[2])
places, found = 0, []
def look(name, data):
    global places
    places += 1
    if pattern.search(data):
        found.append(name)
for key, value in os.environ.items():
    look("env " + key, (key + value).encode())
for pid in [p for p in os.listdir("/proc") if p.isdigit()]:
    for file in ("environ", "cmdline", "maps"):
        try: look(f"/proc/{pid}/{file}", open(f"/proc/{pid}/{file}", "rb").read())
        except OSError: pass
for root, folders, names in os.walk("/"):
    # Read-only and not Madang's: the system and the installed libraries.
    folders[:] = [f for f in folders if os.path.join(root, f) not in ("/proc", "/usr", sys.base_prefix)]
    if "site-packages" in folders: folders.remove("site-packages")
    for name in names:
        path = os.path.join(root, name)
        try:
            if os.path.isfile(path) and os.path.getsize(path) < 50_000_000:
                look(path, open(path, "rb").read())
        except OSError: pass
reached = []
for port in json.loads(sys.argv[3]):
    try:
        connection = socket.create_connection(("127.0.0.1", port), timeout=1)
        for token in tokens:
            for address in ("/missions", "/versions", "/runs", "/missions/manipulation-10"):
                connection = socket.create_connection(("127.0.0.1", port), timeout=2)
                connection.sendall(f"GET {address} HTTP/1.0\r\nCookie: madang_token={token}\r\n\r\n".encode())
                look(f"http {address}", connection.makefile("rb").read())
        reached.append(port)
    except OSError: pass
abstract = []
for name in json.loads(sys.argv[4]):
    try:
        connection = socket.socket(socket.AF_UNIX); connection.connect("\0" + name); abstract.append(name)
    except OSError: pass
print(json.dumps({"places": places, "found": found, "reached": reached, "abstract": abstract}))
"""


@pytest.fixture
def servers() -> Iterator[tuple[int, str]]:
    """Something that listens on loopback, and on an abstract socket, of this machine."""
    with socket.socket() as tcp, socket.socket(socket.AF_UNIX) as local:
        tcp.bind(("127.0.0.1", 0))
        name = f"madang-test-{os.getpid()}"
        local.bind("\0" + name)
        for listening in (tcp, local):
            listening.listen()
            threading.Thread(target=_accept, args=(listening,), daemon=True).start()
        yield tcp.getsockname()[1], name
        for listening in (tcp, local):
            listening.shutdown(socket.SHUT_RDWR)


def _accept(listening: socket.socket) -> None:
    while True:
        try:
            listening.accept()[0].close()
        except OSError:
            return


def confined(home: Home, code: str, *arguments: str, limits: Limits | None = None) -> subprocess.Popen[bytes]:
    folder = home.path / "runs" / "confined"
    (folder / "in").mkdir(parents=True, exist_ok=True)
    (folder / "out").mkdir(exist_ok=True)
    confinement = Confinement(
        {"/input": folder / "in"}, {"/output": folder / "out"}, limits=limits or Limits(2**32, 60)
    )
    command = [sys.executable, "-c", code, *arguments]
    return BUBBLEWRAP.start(command, confinement, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def answer(process: subprocess.Popen[bytes]) -> str:
    out, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors.decode()
    return out.decode()


@needs_bubblewrap
def test_a_job_with_every_token_but_the_evaluators_finds_no_canary(
    played: Played, servers: tuple[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed = played.home.evaluator_path / f"{cast.MISSION}.sealed.json"
    content = json.loads(sealed.read_text())["final"]
    canaries = [str(item["seed"]) for item in content["items"][:50]] + [content["salt"]]
    monkeypatch.setenv("MADANG_CANARY", canaries[0])
    tokens = [token for (_, name), token in played.stage.tokens.items() if name != "evaluator"]
    port, abstract = servers
    # Each canary is cut in two on its way in: the job's own command line must not hold what it looks for.
    joined = f"canaries = [a + b for a, b in zip({[c[:7] for c in canaries]}, {[c[7:] for c in canaries]})]\n"
    code = SEARCH.replace(
        "canaries = [c.encode() for c in json.loads(sys.argv[1])]",
        joined + "canaries = [c.encode() for c in canaries]",
    )
    told = json.loads(
        answer(
            confined(played.home, code, "[]", json.dumps(tokens), json.dumps([port]), json.dumps([abstract]))
        )
    )
    assert told["places"] > 100
    assert told["found"] == []
    assert told["reached"] == []
    assert told["abstract"] == []


def test_the_canaries_are_nowhere_in_the_home_but_with_the_evaluator(copied: Played) -> None:
    reopened(copied)  # the demonstration publishes them in the end
    needles: list[bytes] = []
    for half in ("feedback", "final"):
        sealed = copied.home.evaluator_path / f"{cast.MISSION}.sealed.json"
        content = json.loads(sealed.read_text())[half]
        needles += [str(item["seed"]).encode() for item in content["items"]] + [content["salt"].encode()]
    for path in copied.home.path.rglob("*"):
        if path.is_file() and not path.is_relative_to(copied.home.evaluator_path):
            data = path.read_bytes()
            assert not any(needle in data for needle in needles), path
    assert not any(needle in records.everything(copied.home) for needle in needles)
    assert not any(needle.decode() in copied.text for needle in needles)


@needs_bubblewrap
def test_a_job_sees_no_other_process_no_home_and_no_environment(
    played: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MADANG_TOKEN", "secret-token")
    code = (
        "import json, os; print(json.dumps([dict(os.environ), "
        "[p for p in os.listdir('/proc') if p.isdigit()], "
        f"os.path.exists({str(played.home.path / 'madang.db')!r}), os.getuid(), "
        "[l for l in open('/proc/self/status') if l.startswith('CapEff')]]))"
    )
    environment, processes, database, uid, capabilities = json.loads(answer(confined(played.home, code)))
    assert "secret-token" not in str(environment)
    assert set(environment) <= {
        "PATH", "LANG", "HOME", "PWD", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "LC_CTYPE",
        "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "LD_LIBRARY_PATH",
        "OMP_NUM_THREADS", "OMP_WAIT_POLICY", "GOMP_SPINCOUNT",
    }  # fmt: skip
    assert len(processes) <= 4
    assert database is False
    assert uid == 65534
    assert capabilities == ["CapEff:\t0000000000000000\n"]


@needs_bubblewrap
@pytest.mark.parametrize("target", ["/input/x", "/usr/x", "/etc/x"])
def test_a_job_writes_only_to_its_output(played: Played, target: str) -> None:
    process = confined(played.home, f"open({target!r}, 'w')")
    _, errors = process.communicate(timeout=60)
    assert process.returncode != 0
    assert b"Read-only file system" in errors or b"Permission denied" in errors


@pytest.mark.parametrize(
    ("code", "limits"),
    [
        ("bytearray(2**31)", Limits(2**30, 60)),
        ("\nwhile True: pass", Limits(2**32, 1)),
        ("open('/output/x', 'wb').write(bytes(2**24))", Limits(2**32, 60, file_bytes=2**20)),
        ("[open('/dev/null') for _ in range(100)]", Limits(2**32, 60, open_files=32)),
    ],
)
@needs_bubblewrap
def test_limits_hold(played: Played, code: str, limits: Limits) -> None:
    process = confined(played.home, code, limits=limits)
    process.communicate(timeout=60)
    assert process.returncode != 0


def test_planted_links_and_floods_are_not_collected(tmp_path: Path, played: Played) -> None:
    (tmp_path / "version").mkdir()
    (tmp_path / "version/key").symlink_to(played.home.path / "keys/ledger.key")
    with pytest.raises(UnsafeFile):
        ingest.store_folder(played.home, tmp_path / "version")
    (tmp_path / "version/key").unlink()
    (tmp_path / "version/big").write_bytes(bytes(2_000_000))
    with pytest.raises(TooLarge):
        ingest.store_folder(played.home, tmp_path / "version", limits=Bounds("version", 1_000_000))


def test_choosing_an_isolation(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isolation.choose("process").name == "process"
    with pytest.raises(UnknownEngine) as caught:
        isolation.choose("prayer")
    assert "bubblewrap, process" in str(caught.value)
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(IsolationMissing):
        isolation.choose("bubblewrap")
    with pytest.raises(IsolationMissing) as nothing:
        isolation.choose("auto")
    assert 'isolation = "process"' in str(nothing.value)
