"""The ledger's appends and proofs, and the authorizer's decisions, at the sizes the programme needs.

    python bench/ledger_and_rights.py [--entries 1000000] [--agreements 10000]

Ledger: one entry a commit, and entries in groups, each with its row, durable (fsync at every commit);
then a tree of --entries entries, the size of a proof's link and the time to make one.
Rights: a decision over a fresh request with 2,000 clauses on record, warm; then with --agreements
agreements in force (one clause each for one owner of ten thousand).
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from madang.agreements import service as agreements
from madang.agreements.model import AgreementDocument, parties
from madang.kernel import clock
from madang.kernel.authorizer import Principal, Request, authorize
from madang.kernel.home import Home, create
from madang.kernel.ledger import log, proof
from madang.organizations import service as organizations
from madang.organizations.model import organizations as table
from madang.programme import verification  # noqa: F401  (all tables)

BY = {"member": "mem-bench", "organization": "msit"}


def row(name: str) -> dict[str, str]:
    """An organization's row."""
    return {"name": name, "kind": "company", "title_en": name, "title_ko": name, "registered_at": "2026"}


def appends(home: Home, total: int, group: int) -> float:
    """Durable appends a second in groups of `group`."""
    begun = time.perf_counter()
    for start in range(0, total, group):
        with home.database.write(grouped=group > 1) as session:
            for number in range(start, min(total, start + group)):
                name = f"b{group}-{number}"
                session.insert(table, row(name))
                session.record("bench", name, BY)
    return total / (time.perf_counter() - begun)


def links(home: Home, entries: int) -> tuple[int, float]:
    """(bytes of a link's path in base64 JSON, microseconds to make a proof of one link) in a large tree."""
    with home.database.read() as session:
        size = log.size_of(session.connection)
    while size < entries:
        some = min(20_000, entries - size)
        with home.database.write(grouped=True) as session:
            for number in range(some):
                session.record("bench", f"e{size + number}", BY)
        size += some
    with home.database.read() as session:
        taken, sizes = [], []
        for position in range(0, size, max(1, size // 200)):
            entry = log.find(session.connection, "bench", f"e{position}")
            if entry is None:
                continue
            begun = time.perf_counter()
            made = proof.make(session.connection, home.database.keys, [proof.Link("bench", entry)])
            taken.append(time.perf_counter() - begun)
            sizes.append(len(json.dumps(made["links"][0]["path"])))
    return max(sizes), statistics.median(taken) * 1e6


def fill(home: Home, lab: Principal, first: int, count: int, clauses: int) -> None:
    """`count` agreements in force, each with `clauses` clauses about an owner of its own.

    Drafted past the services' checks of parties (ten thousand organizations would have to sign): what a
    decision costs depends on the rows, and these are the services' own.
    """
    clause = {"effect": "permit", "text_en": "t", "text_ko": "t", "actions": ["train"], "by": ["lab"]}
    ends = (clock.now() + timedelta(days=365)).date()
    for start in range(first, first + count, 1000):
        with home.database.write(grouped=True) as session:
            for number in range(start, min(first + count, start + 1000)):
                header = {
                    "name": f"pact-{number}", "title_en": "P", "title_ko": "P",
                    "mission": f"m-{number % 100}", "parties": ["lab"], "ends_on": ends,
                }  # fmt: skip
                content = {
                    "agreement": header,
                    "clause": [{**clause, "owners": [f"owner-{number}"]}] * clauses,
                }
                agreements._insert(session, lab, AgreementDocument.model_validate(content), "digest")
                session.update(parties, (header["name"], "lab"), signed_at="2026")
                session.record("bench", str(header["name"]), BY)


def decisions(home: Home, lab: Principal, owners: int, asked: int) -> tuple[float, float]:
    """(median, 99th percentile) in milliseconds of warm decisions."""
    taken = []
    with home.database.read() as session:
        for number in range(asked + 200):
            owner = (number * 7919) % owners if number >= 200 else number % 50
            attributes = {"owner": f"owner-{owner}", "kind": "dataset", "mission": f"m-{owner % 100}"}
            request = Request(lab, "train", "Version", f"v{number}", attributes, {"of": "dataset"})
            begun = time.perf_counter()
            authorize(session, request)
            if number >= 200:
                taken.append((time.perf_counter() - begun) * 1000)
    return statistics.median(taken), statistics.quantiles(taken, n=100)[98]


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--agreements", type=int, default=10_000)
    given = parser.parse_args()
    print(f"{time.strftime('%Y-%m-%d')}  Python {platform.python_version()}  {platform.machine()}")
    with tempfile.TemporaryDirectory(prefix="bench-", dir=Path.cwd()) as name:
        home = create(Path(name) / "home")
        with home.database.write() as session:
            token = organizations.found(session, "msit", "M", "M", "officer")
        with home.database.read() as session:
            officer = organizations.signed_in(session, token)
        with home.database.write() as session:
            organizations.register(session, officer, "lab", "institute", "Lab", "Lab")
        lab = Principal("mem-lab", "lab", "institute", frozenset({"steward", "researcher"}))
        for group, total in ((1, 400), (50, 10_000), (500, 20_000)):
            print(f"durable appends in groups of {group:>3}: {appends(home, total, group):>8,.0f} /s")
        fill(home, lab, 0, 200, 10)
        middle, late = decisions(home, lab, 200, 3000)
        print(f"decisions, 2,000 clauses:          median {middle:.3f} ms, p99 {late:.3f} ms")
        fill(home, lab, 200, given.agreements - 200, 1)
        middle, late = decisions(home, lab, given.agreements, 10_000)
        print(f"decisions, {given.agreements:,} agreements:     median {middle:.3f} ms, p99 {late:.3f} ms")
        size, micros = links(home, given.entries)
        print(f"proof at {given.entries:,} entries: {size} bytes of path a link, {micros:,.0f} us to make")
        home.database.close()


if __name__ == "__main__":
    main()
