"""CPU of the server for a listing, beside Datasette's for the same rows; then 200 clients at once.

    python bench/api_listing.py [--rows 10000] [--requests 1000] [--clients 200] [--datasette PROGRAM]

Both servers run on this machine, each in its own environment and with one worker; rounds alternate, over
a table of versions with the same columns and rows; both give 100 of them a request, as JSON, ordered by
time. CPU is user and system time of the server's processes between the first and the last request, from
/proc. Madang besides knows who asks (a token), what they may see (participants), and gives an entity tag;
Datasette serves a file that anyone may read. Datasette is installed anew from PyPI where none is named.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import httpx2

from madang.agreements import service as agreements
from madang.agreements.model import AgreementDocument
from madang.assets.model import versions
from madang.kernel.authorizer import Principal
from madang.kernel.home import Home, create
from madang.organizations import service as organizations
from madang.programme import verification  # noqa: F401  (all tables)

TICKS = os.sysconf("SC_CLK_TCK")
_ROUNDS = 10
_PLAIN = ("--setting", "suggest_facets", "off", "--setting", "allow_facet", "off")
"""What Datasette does besides for people who browse, and the listing does not need."""
AGREEMENT = {
    "agreement": {
        "name": "pact", "title_en": "Pact", "title_ko": "협약", "mission": "rain", "parties": ["msit", "lab"],
        "ends_on": "2099-12-31",
    },
    "clause": [{"effect": "ending", "text_en": "Nothing survives.", "text_ko": "남는 것은 없다."}],
}  # fmt: skip


def filled(folder: Path, rows: int) -> tuple[Home, str]:
    """A home with so many versions of one owner, and the token of that owner's steward."""
    home = create(folder)
    with home.database.write() as session:
        token = organizations.found(session, "msit", "Ministry", "부처", "officer")
    with home.database.read() as session:
        officer = organizations.signed_in(session, token)
    steps = (
        lambda session: organizations.register(session, officer, "lab", "institute", "Lab", "연구소"),
        lambda session: organizations.add_member(session, officer, "lab", "kim", ("steward", "researcher")),
    )
    for step in steps:
        with home.database.write() as session:
            step(session)
    with home.database.write() as session:
        token = organizations.issue_token(session, officer, "lab", "kim")
    with home.database.read() as session:
        lab = organizations.signed_in(session, token)
    _insert(home, lab, rows)
    return home, token


def _insert(home: Home, lab: Principal, rows: int) -> None:
    with home.database.write() as session:
        agreements.draft(session, lab, AgreementDocument.model_validate(AGREEMENT))
    with home.database.write() as session:
        for number in range(rows):
            session.insert(
                versions,
                {
                    "version_id": f"ver-{number:026d}", "owner": "lab", "asset": f"set-{number % 50}",
                    "number": number, "kind": "dataset", "mission": "rain", "agreement": "pact",
                    "format": "tabular/table", "manifest": f"{number:064x}", "size_bytes": number * 1000,
                    "files": 3, "facts": {"episodes": 20, "frames": number, "robot": "sawyer"},
                    "state": "accepted", "made_by": None,
                    "created_at": f"2026-11-{1 + number % 28:02d}T00:00:{number % 60:02d}.000Z",
                },
            )  # fmt: skip
        session.record("bench", "versions", lab.as_fact())


def beside(home: Home, file: Path) -> None:
    """The same rows in a database of Datasette's, with the index that its order needs."""
    with home.database.read() as session, closing(sqlite3.connect(file)) as target, target:
        rows = session.rows(versions.select())
        names = list(rows[0])
        target.execute(f"CREATE TABLE versions ({', '.join(names)}, PRIMARY KEY (version_id))")
        marks = ", ".join("?" * len(names))
        plain = [[str(v) if isinstance(v, dict) else v for v in row.values()] for row in rows]
        target.executemany(f"INSERT INTO versions VALUES ({marks})", plain)
        target.execute("CREATE INDEX by_time ON versions (created_at)")


@contextmanager
def server(command: list[str], port: int) -> Iterator[int]:
    """A server's process id, from when it answers until it ends."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(300):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        yield process.pid
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)


def cpu_seconds(pid: int) -> float:
    """User and system seconds of a process and its children."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(stat.parent.name)] = (int(fields[1]), (int(fields[11]) + int(fields[12])) / TICKS)
    family, grown = {pid}, True
    while grown:
        more = {one for one, (parent, _) in parents.items() if parent in family} - family
        family |= more
        grown = bool(more)
    return sum(parents[one][1] for one in family)


def alone(client: httpx2.Client, url: str, pid: int, count: int) -> tuple[float, list[float]]:
    """(CPU milliseconds of a request, wall milliseconds of each), one after the other."""
    walls, begun = [], cpu_seconds(pid)
    for _ in range(count):
        start = time.perf_counter()
        client.get(url).raise_for_status()
        walls.append(1000 * (time.perf_counter() - start))
    return 1000 * (cpu_seconds(pid) - begun) / count, walls


async def crowd(url: str, headers: dict[str, str], clients: int, each: int) -> tuple[int, float, float]:
    """(errors, requests a second, the 99th percentile in ms) of so many clients at once."""
    limits = httpx2.Limits(max_connections=clients, max_keepalive_connections=clients)
    errors, walls = 0, []

    async def one(client: httpx2.AsyncClient) -> None:
        nonlocal errors
        for _ in range(each):
            start = time.perf_counter()
            try:
                answer = await client.get(url)
                errors += answer.status_code != 200
            except httpx2.HTTPError:
                errors += 1
            walls.append(time.perf_counter() - start)

    async with httpx2.AsyncClient(headers=headers, limits=limits, timeout=60) as client:
        begun = time.perf_counter()
        await asyncio.gather(*(one(client) for _ in range(clients)))
        seconds = time.perf_counter() - begun
    return errors, clients * each / seconds, 1000 * statistics.quantiles(walls, n=100)[98]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def datasette(folder: Path) -> str:
    """Datasette in an environment of its own."""
    venv.create(folder, with_pip=True)
    subprocess.run([folder / "bin" / "pip", "install", "--quiet", "datasette"], check=True)
    return str(folder / "bin" / "datasette")


def main() -> None:
    """Print a Markdown table."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("--rows", 10_000), ("--requests", 1000), ("--clients", 200), ("--each", 10)):
        asked.add_argument(name, type=int, default=default)
    asked.add_argument("--datasette")
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        program = given.datasette or datasette(folder / "venv")
        home, token = filled(folder / "home", given.rows)
        beside(home, folder / "versions.sqlite")
        ours, theirs = free_port(), free_port()
        madang = [sys.executable, "-m", "madang.interfaces.cli.main", "--home", str(home.path), "serve"]
        table = (
            ("Madang", [*madang, "--port", str(ours)], ours,
             f"http://127.0.0.1:{ours}/api/v1/versions?limit=100", {"Authorization": f"Bearer {token}"}),
            ("Datasette", [program, str(folder / "versions.sqlite"), *_PLAIN, "--port", str(theirs)], theirs,
             f"http://127.0.0.1:{theirs}/versions/versions.json?_size=100&_sort_desc=created_at"
             "&_shape=objects&_nocount=1", {}),
        )  # fmt: skip
        version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
        print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
              f"{version.stdout.strip()}; {given.rows} rows, 100 a request\n")  # fmt: skip
        print("| server | CPU a request | wall, median | clients | errors | requests/s | p99 |")
        print("|---|---|---|---|---|---|---|")
        with ExitStack() as stack:
            pids = {who: stack.enter_context(server(command, port)) for who, command, port, _, _ in table}
            spent: dict[str, list[float]] = {who: [] for who in pids}
            walls: dict[str, list[float]] = {who: [] for who in pids}
            for turn in range(_ROUNDS + 1):
                for who, _, _, url, headers in table:
                    with httpx2.Client(headers=headers) as client:
                        cpu, taken = alone(client, url, pids[who], given.requests // _ROUNDS)
                    if turn:  # the first round warms up
                        spent[who].append(cpu)
                        walls[who] += taken
            for who, _, _, url, headers in table:
                errors, rate, p99 = asyncio.run(crowd(url, headers, given.clients, given.each))
                crowded = f"{given.clients} | {errors} | {rate:.0f} | {p99:.0f} ms"
                alone_told = (
                    f"{statistics.median(spent[who]):.2f} ms | {statistics.median(walls[who]):.2f} ms"
                )
                print(f"| {who} | {alone_told} | {crowded} |")


if __name__ == "__main__":
    main()
