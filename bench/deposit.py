"""Depositing many small files and a large one, beside `dvc add`, a plain read, a plain write and a hash.

    python bench/deposit.py [--files 20000] [--large 8] [--dvc PATH] [--folder DIR]

Each measurement is a process of its own on the same data; --dvc is the `dvc` of an environment of its own
(`python -m venv E; E/bin/pip install dvc`), left out without it. A deposit is what `madang asset deposit`
does on a home with SQLite until the version is on record: read, hash, seal, write, sync. Its check is apart.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SIZE = 4096
_CHUNK = 4 * 2**20


def small(folder: Path, count: int) -> None:
    """Files of 4 KB, a hundred in a folder."""
    for number in range(count):
        place = folder / f"{number // 100:05d}"
        if number % 100 == 0:
            place.mkdir(parents=True)
        (place / f"{number:07d}.bin").write_bytes(os.urandom(SIZE))


def large(folder: Path, gigabytes: int) -> None:
    """One file."""
    folder.mkdir(parents=True)
    with (folder / "large.bin").open("wb") as file:
        for _ in range(gigabytes * 1024 // 4):
            file.write(os.urandom(_CHUNK))


def opened(path: Path):  # type: ignore[no-untyped-def]
    """A new home in which `acme` may deposit, and its steward."""
    from madang.agreements import service as agreements
    from madang.agreements.model import AgreementDocument
    from madang.kernel import home as homes
    from madang.organizations import service as organizations
    from madang.programme import verification  # noqa: F401  (all tables)

    home = homes.create(path)
    with home.database.write() as session:
        token = organizations.found(session, "msit", "Ministry", "부처", "officer")
    with home.database.read() as session:
        officer = organizations.signed_in(session, token)
    with home.database.write() as session:
        organizations.register(session, officer, "acme", "company", "Acme", "에이크미")
    with home.database.write() as session:
        organizations.add_member(session, officer, "acme", "kim", ("steward",))
    with home.database.write() as session:
        token = organizations.issue_token(session, officer, "acme", "kim")
    with home.database.read() as session:
        actor = organizations.signed_in(session, token)
    with home.database.write() as session:
        agreements.draft(session, actor, AgreementDocument.model_validate(AGREEMENT))
    return home, actor


AGREEMENT = {
    "agreement": {
        "name": "terms", "title_en": "Terms", "title_ko": "조건", "mission": "rain",
        "parties": ["msit", "acme"], "ends_on": "2099-12-31",
    },
    "clause": [{"effect": "ending", "text_en": "Nothing survives.", "text_ko": "남는 것은 없다."}],
}  # fmt: skip


def deposit(folder: Path, scratch: Path) -> float:
    """Seconds that a deposit takes."""
    from madang.assets import service
    from madang.interfaces.cli.asset.versions import collecting_seldom

    home, actor = opened(scratch / "home")
    begun = time.perf_counter()
    with collecting_seldom():
        service.deposit(home, actor, folder, "data", "terms")
    return time.perf_counter() - begun


def plain_deposit(folder: Path, scratch: Path) -> float:
    """The same with nothing sealed: what encryption costs."""
    from madang.assets.content import sealing

    sealing.seal = lambda key, name, data: [bytes(sealing.HEAD_BYTES), data]  # type: ignore[assignment]
    return deposit(folder, scratch)


def read(folder: Path, scratch: Path) -> float:
    """Seconds that reading every file takes."""
    begun = time.perf_counter()
    for root, _, names in os.walk(folder):
        for name in names:
            with Path(root, name).open("rb") as file:
                while file.read(_CHUNK):
                    pass
    return time.perf_counter() - begun


def write(folder: Path, scratch: Path) -> float:
    """Seconds that writing as many bytes takes, synced once."""
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    piece = os.urandom(_CHUNK)
    begun = time.perf_counter()
    with (scratch / "written").open("wb", buffering=0) as file:
        for _ in range(size // _CHUNK):
            file.write(piece)
        os.fsync(file.fileno())
    return time.perf_counter() - begun


def digest(folder: Path, scratch: Path) -> float:
    """Seconds that reading and hashing (BLAKE3) takes."""
    import blake3

    begun = time.perf_counter()
    for file in folder.rglob("*"):
        if file.is_file():
            hasher = blake3.blake3()
            with file.open("rb", buffering=0) as source:
                while piece := source.read(_CHUNK):
                    hasher.update(piece)
    return time.perf_counter() - begun


def measured(what: str, folder: Path, scratch: Path, dvc: str | None) -> tuple[float, float]:
    """(seconds, peak MB) of a process that does it."""
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    os.sync()
    if what == "dvc":
        assert dvc is not None
        shutil.copytree(folder, scratch / "data")
        subprocess.run([dvc, "init", "-q", "--no-scm"], cwd=scratch, check=True)
        os.sync()
        begun = time.perf_counter()
        process = subprocess.Popen([dvc, "add", "-q", "data"], cwd=scratch, stdin=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        assert status == 0
        return time.perf_counter() - begun, used.ru_maxrss / 1024
    told = subprocess.run(
        [sys.executable, __file__, "do", what, str(folder), str(scratch)],
        capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    return float(told[0]), float(told[1])


def main() -> None:
    """Measure and print a Markdown table for each kind of data."""
    if sys.argv[1:2] == ["do"]:
        what, folder, scratch = sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4])
        seconds = globals()[what](folder, scratch)
        print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        return
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--large", type=int, default=8, help="gigabytes of the large file")
    parser.add_argument("--dvc", help="the program dvc, of an environment of its own")
    parser.add_argument("--folder", type=Path, help="where to work (default: a temporary folder)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        base = Path(name)
        small(base / "small", given.files)
        peers = ["dvc"] if given.dvc else []
        print(f"| {given.files:,} files of {SIZE} B | s | files/s | peak MB |\n|---|---|---|---|")
        for what in ("read", "deposit", "plain_deposit", *peers):
            seconds, peak = measured(what, base / "small", base / "scratch", given.dvc)
            print(f"| {what} | {seconds:.2f} | {given.files / seconds:,.0f} | {peak:.0f} |", flush=True)
        shutil.rmtree(base / "small")
        large(base / "large", given.large)
        print(f"\n| one file of {given.large} GB | s | MB/s | peak MB |\n|---|---|---|---|")
        for what in ("read", "write", "digest", "deposit", "plain_deposit", *peers):
            seconds, peak = measured(what, base / "large", base / "scratch", given.dvc)
            rate = given.large * 1024 * 1.048576 / seconds
            print(f"| {what} | {seconds:.2f} | {rate:,.0f} | {peak:.0f} |", flush=True)


if __name__ == "__main__":
    main()
