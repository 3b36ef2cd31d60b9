"""The attack suite: hostile jobs that every engine that runs jobs must withstand.

Each attack is a small program, run through a run engine in a confining isolation. It prints BREACH where
it gets what it must not; what only shows from outside is looked at from outside.
"""

from __future__ import annotations

import os
import secrets
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from madang.assets import ingest
from madang.assets.errors import UnsafeFile
from madang.kernel import extension
from madang.kernel.errors import FileMissing, FileTrouble
from madang.kernel.isolation import Confinement, Limits
from madang.runs.launching import Grounds, Job, JobState, Launcher
from tests.conftest import Office
from tests.engines.conftest import AWARD, KIND

MIB = 2**20
LIMITS = Limits(
    memory_bytes=1024 * MIB, cpu_seconds=20, file_bytes=8 * MIB, processes=64, scratch_bytes=16 * MIB
)
OUTPUT_BYTES, OUTPUT_FILES = 32 * MIB, 200

ISOLATIONS = [
    name for name in extension.engines("isolation") if extension.engine("isolation", name)().confines
]
PAIRS = [(run, isolation) for run in sorted(extension.engines("runs")) for isolation in sorted(ISOLATIONS)]
NEAR = [pair for pair in PAIRS if pair[0] != "iri"]
"""Without what executes elsewhere: what its jobs write is seen once they have ended (iri/test_iri.py)."""

ATTACKS = {
    "another partner's file": """
for path in (SECRET, HOME + "/keys/ledger.key", HOME + "/madang.toml", "/proc/1/root" + SECRET):
    try: breach(path, open(path).read(1))
    except OSError: pass
system = ("/proc", "/dev", "/usr", sys.base_prefix, sys.prefix)
for root, folders, names in os.walk("/"):
    folders[:] = [f for f in folders if os.path.join(root, f) not in system]
    for name in names:
        try:
            if MARK in open(os.path.join(root, name), errors="ignore").read(100_000): breach(root, name)
        except OSError: pass
""",
    "the launcher's environment": """
if MARK in str(os.environ): breach("environ")
for pid in os.listdir("/proc"):
    for name in ("environ", "cmdline"):
        try:
            if MARK in open(f"/proc/{pid}/{name}").read(): breach(pid, name)
        except OSError: pass
""",
    "the network": """
import socket
for host in ("127.0.0.1", "::1", "localhost"):
    try: socket.create_connection((host, PORT), 1); breach(host)
    except OSError: pass
if [name for _, name in socket.if_nameindex() if name != "lo"]: breach(socket.if_nameindex())
""",
    "abstract sockets": """
import socket
try: socket.socket(socket.AF_UNIX).connect("\\0" + ABSTRACT); breach("abstract")
except OSError: pass
""",
    "a fork bomb": """
import time
made = 0
for _ in range(1000):
    try: child = os.fork()
    except OSError: break
    if child == 0: time.sleep(30); os._exit(0)
    made += 1
if made > PROCESSES: breach(made)
""",
    "a memory bomb of many processes": """
import time
children = []
for _ in range(8):
    child = os.fork()
    if child == 0:
        hold = bytearray(400 * 2**20)
        for at in range(0, len(hold), 4096): hold[at] = 1
        open(f"/tmp/full-{os.getpid()}", "w").close(); time.sleep(20); os._exit(0)
    children.append(child)
for _ in range(80):
    time.sleep(0.1)
    alive = [c for c in children if os.path.exists(f"/proc/{c}") and os.waitpid(c, os.WNOHANG) == (0, 0)]
    full = [c for c in alive if os.path.exists(f"/tmp/full-{c}")]
    if len(full) * 400 * 2**20 > MEMORY: breach(len(full))
    children = alive
    if len(full) == len(alive): break
""",
    "a memory bomb of one process": "hold = bytearray(2 * MEMORY); breach(len(hold))",
    "a bomb in temporary files": """
for folder in ("/tmp", "/dev/shm", "/dev", "/run", "/var/tmp"):
    written = 0
    try:
        for number in range(64):
            with open(f"{folder}/{number}", "wb", 0) as file:
                written += file.write(bytes(2**20))
    except OSError: pass
    if written > SCRATCH: breach(folder, written)
""",
    "a disk bomb": """
written = 0
try:
    for number in range(100):
        with open(f"{OUTPUT}/{number}", "wb", 0) as file:
            for _ in range(7): written += file.write(bytes(2**20))
except OSError: pass
if written > OUTPUT_BYTES: breach(written)
""",
    "a disk bomb of unlinked files": """
written, kept = 0, []
try:
    for number in range(100):
        file = open(f"{OUTPUT}/{number}", "wb", 0); os.unlink(file.name); kept.append(file)
        for _ in range(7): written += file.write(bytes(2**20))
except OSError: pass
if written > OUTPUT_BYTES: breach(written)
""",
    "a disk bomb of hard links": """
with open(f"{OUTPUT}/big", "wb", 0) as file: file.write(bytes(7 * 2**20))
for number in range(150): os.link(f"{OUTPUT}/big", f"{OUTPUT}/{number}")
""",
    "links swapped while it is collected": """
import time
os.makedirs(f"{OUTPUT}/version/d")
open(f"{OUTPUT}/version/d/partner.csv", "w").write("mine")
os.symlink(os.path.dirname(SECRET), f"{OUTPUT}/version/l")
for _ in range(20):
    if os.fork() == 0:
        end = time.time() + 20
        while time.time() < end:
            try:
                os.rename(f"{OUTPUT}/version/d", f"{OUTPUT}/version/x")
                os.rename(f"{OUTPUT}/version/l", f"{OUTPUT}/version/d")
                os.rename(f"{OUTPUT}/version/d", f"{OUTPUT}/version/l")
                os.rename(f"{OUTPUT}/version/x", f"{OUTPUT}/version/d")
            except OSError: pass
""",
    "one file too large": """
try:
    import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with open(f"{OUTPUT}/big", "wb", 0) as file: breach(file.truncate(100 * 2**20))
except OSError: pass
""",
    "an inode bomb": """
made = 0
try:
    for number in range(5000):
        os.mkdir(f"{OUTPUT}/d{number}"); made += 1
except OSError: pass
if made > OUTPUT_FILES: breach(made)
""",
    "nested namespaces": """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
for flag in (0x10000000, 0x00020000, 0x20000000, 0x40000000, 0x10020000):
    if libc.unshare(flag) == 0: breach(hex(flag))
if libc.mount(b"none", b"/tmp", b"tmpfs", 0, None) == 0: breach("mount")
""",
    "its own limits": """
import resource
for which in (resource.RLIMIT_NPROC, resource.RLIMIT_AS, resource.RLIMIT_FSIZE, resource.RLIMIT_CPU):
    try: resource.setrlimit(which, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)); breach(which)
    except (OSError, ValueError): pass
for root, _, names in os.walk("/sys"):
    for name in names:
        if name in ("memory.max", "pids.max"): breach(root)
""",
    "its inputs and the system": """
for path in (INPUT + "/data", "/usr/x", "/etc/x", "/x", sys.prefix + "/x", "/proc/sys/kernel/hostname"):
    try: open(path, "r+" if path.endswith("data") else "w").write("x"); breach(path)
    except OSError: pass
try: os.chmod(INPUT + "/data", 0o777); breach("chmod")
except OSError: pass
own = {"/proc/self", "/proc/thread-self", f"/proc/{os.getpid()}"}
for root, folders, names in os.walk("/proc"):
    folders[:] = [f for f in folders if not f.isdigit() and os.path.join(root, f) not in own]
    for name in names:
        path = os.path.join(root, name)
        if not os.path.islink(path) and os.access(path, os.W_OK): breach(path)
""",
    "other processes": """
import signal
others = [p for p in os.listdir("/proc") if p.isdigit()]
if len(others) > 4: breach(others)
try: os.kill(LAUNCHER, 0)
except OSError: pass
else:
    if "pytest" in open(f"/proc/{LAUNCHER}/cmdline").read(): breach(LAUNCHER)
""",
    "devices and set-user-id": """
for path, mode in ((OUTPUT + "/sda", 0o60666), (OUTPUT + "/kmem", 0o20666)):
    try: os.mknod(path, mode, os.makedev(8, 0)); breach(path)
    except OSError: pass
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
if int(status["NoNewPrivs"]) != 1: breach("privileges")
if any(int(value, 16) for name, value in status.items() if name.startswith("Cap")): breach("capabilities")
""",
    "what outlives it": """
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        code = "import time; time.sleep(60)"
        os.execv(sys.executable, [sys.executable, "-c", code, "outlives-" + TAG])
    os._exit(0)
""",
}


@pytest.fixture
def servers() -> Iterator[tuple[int, str]]:
    """Something that listens on loopback, and on an abstract socket, of this machine."""
    with socket.socket() as tcp, socket.socket(socket.AF_UNIX) as local:
        tcp.bind(("127.0.0.1", 0))
        name = f"madang-attacked-{os.getpid()}"
        local.bind("\0" + name)
        tcp.listen()
        local.listen()
        yield tcp.getsockname()[1], name


def finish(launcher: Launcher, folder: Path, seconds: float = 60) -> JobState:
    overdue = time.monotonic() + seconds
    while (state := launcher.poll([folder])[folder]).phase != "ended":
        assert time.monotonic() < overdue
        time.sleep(0.02)
    return state


def job(folder: Path, isolation: str, code: str) -> Job:
    for name in ("input", "output"):
        (folder / name).mkdir(parents=True)
    (folder / "input" / "data").write_text("data")
    (folder / "input" / "data").chmod(0o444)
    confinement = Confinement(
        {"/input": folder / "input"}, {"/output": folder / "output"}, {"OMP_NUM_THREADS": "1"}, LIMITS
    )
    command = [sys.executable, "-c", code]
    grounds = Grounds(AWARD, "industry", KIND, 1)
    return Job(folder, folder.name, command, isolation, confinement, 30, OUTPUT_BYTES, OUTPUT_FILES, grounds)


def living(mark: str) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if mark.encode() in path.read_bytes():
                found.append(path.parent.name)
        except OSError:
            continue
    return found


def occupied(folder: Path) -> tuple[int, int]:
    """(bytes on disk, files) below a folder."""
    paths = list(folder.rglob("*"))
    return sum(p.lstat().st_blocks * 512 for p in paths), len(paths)


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize(("launcher", "isolation_engine"), PAIRS, indirect=["launcher"])
def test_no_attack_succeeds(
    office: Office,
    tmp_path: Path,
    servers: tuple[int, str],
    monkeypatch: pytest.MonkeyPatch,
    launcher: Launcher,
    isolation_engine: str,
    attack: str,
) -> None:
    isolation = extension.engine("isolation", isolation_engine)()
    if isolation.unavailable():
        pytest.skip(str(isolation.unavailable()))
    if "many processes" in attack and "isolation.cgroups" in isolation.told()[1]:
        pytest.skip("no control groups on this machine: doctor says so")
    mark, tag = secrets.token_hex(16), secrets.token_hex(8)
    secret = tmp_path / "partner.csv"
    secret.write_text(mark)
    monkeypatch.setenv("MADANG_TOKEN", mark)
    # The mark is put together inside, so that the attack's own command line does not hold it.
    facts = {
        "SECRET": str(secret), "HOME": str(office.home.path), "PORT": servers[0], "ABSTRACT": servers[1],
        "PROCESSES": LIMITS.processes, "MEMORY": LIMITS.memory_bytes, "SCRATCH": LIMITS.scratch_bytes,
        "INPUT": "/input", "OUTPUT": "/output",
        "OUTPUT_BYTES": OUTPUT_BYTES, "OUTPUT_FILES": OUTPUT_FILES,
        "LAUNCHER": os.getpid(), "TAG": tag,
    }  # fmt: skip
    head = f"import os, sys\nMARK = {mark[:16]!r} + {mark[16:]!r}\n"
    head += "".join(f"{name} = {value!r}\n" for name, value in facts.items())
    head += "def breach(*what): print('BREACH', *what, flush=True)\nprint('begun', flush=True)\n"
    folder = office.home.runs_path / f"attack-{secrets.token_hex(8)}"
    launcher.start(job(folder, isolation_engine, head + ATTACKS[attack]))
    assert finish(launcher, folder).reason in ("finished", "outputs-not-copied")
    log = (folder / "log" / "log.txt").read_text()
    assert "begun" in log, log
    assert "BREACH" not in log
    for path in (folder / "output").rglob("*"):
        assert not path.is_file() or path.is_symlink() or mark.encode() not in path.read_bytes()
    used, files = occupied(folder / "output")
    assert used <= OUTPUT_BYTES + MIB
    assert files <= OUTPUT_FILES
    assert living(f"outlives-{tag}") == []


@pytest.mark.parametrize(("launcher", "isolation_engine"), PAIRS, indirect=["launcher"])
@pytest.mark.parametrize(
    "code",
    [
        "import os; os.symlink('/etc', '/output/version')",
        "import os; os.mkdir('/output/version'); os.symlink('/proc/self/environ', '/output/version/x')",
        "import os; os.mkdir('/output/version'); os.mkfifo('/output/version/x')",
    ],
)
def test_planted_things_are_not_collected(
    office: Office, launcher: Launcher, isolation_engine: str, code: str
) -> None:
    folder = office.home.runs_path / f"attack-{secrets.token_hex(8)}"
    launcher.start(job(folder, isolation_engine, code))
    assert finish(launcher, folder).exit_code == 0
    with pytest.raises((UnsafeFile, FileMissing, FileTrouble)):
        ingest.store_folder(office.home, folder / "output" / "version")


@pytest.mark.parametrize(("launcher", "isolation_engine"), NEAR, indirect=["launcher"])
def test_what_a_job_writes_comes_back_and_what_is_watched_is_seen_before(
    office: Office, launcher: Launcher, isolation_engine: str
) -> None:
    folder = office.home.runs_path / f"honest-{secrets.token_hex(8)}"
    code = (
        "import os, time; os.makedirs('/output/a/b'); open('/output/a/b/c', 'w').write('kept')\n"
        "open('/output/live', 'w').write('seen'); time.sleep(1.5)"
    )
    made = job(folder, isolation_engine, code)
    launcher.start(Job(**{**made.__dict__, "watched": ["live"]}))
    seen: list[bool] = []

    def watch() -> None:
        while launcher.poll([folder])[folder].phase in ("held", "running"):
            seen.append((folder / "output" / "live").exists())
            time.sleep(0.05)

    watcher = threading.Thread(target=watch)
    watcher.start()
    finish(launcher, folder)
    watcher.join()
    assert any(seen)
    assert (folder / "output/a/b/c").read_text() == "kept"
