"""Search over 1,000,000 records beside SQLite FTS5: time of a question, with rights, in both languages.

The records are recombined from real ones (titles and sentences of the Registry of Open Data on AWS and of
datatoys' Korean data sets in ../shared): a record takes its title from one and its sentences from others, so
that words have their real frequencies. Rights: 50 owners, a fifth of the records for everyone; who asks
belongs to one owner.

"A person's search" is all of one: is the index level with the ledger, who asks and what may they know of, the
index with nine facets, and the twenty records found, read from a home that holds all of them.

    .venv/bin/python bench/search.py [RECORDS]
"""

from __future__ import annotations

import json
import random
import resource
import sqlite3
import statistics
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from madang.assets.catalogue.model import PRESENT, records, sources
from madang.assets.metadata import reading
from madang.assets.metadata.model import Description, Text
from madang.assets.search import asking, following, korean, service
from madang.assets.search.port import Entry, Query, open_index
from madang.kernel import home as homes
from madang.kernel.authorizer import Principal
from madang.kernel.home import Home
from madang.kernel.ledger import log
from madang.organizations import service as organizations
from madang.programme import verification  # noqa: F401  (all tables)

SCIENCE = Path(__file__).parents[2] / "shared/data/science"
KOREAN = [
    "기온과 강수량", "대기질 측정", "이차전지 수명", "위성 영상", "유전체 변이", "해수면 온도",
    "교통사고 통계", "학교 급식", "중환자실 임상 데이터", "자율주행 라이다", "지하철 승객",
    "인구 조사", "산림 생태계", "초전도 큐비트", "합성개구레이더",
]  # fmt: skip
ENGLISH = [
    "sea surface temperature", "genome variants", "satellite imagery", "air quality", "electricity load",
    "protein structure", "lidar elevation", "clinical records", "traffic accidents", "soil moisture",
    "weather forecast", "machine learning training data", "ocean buoys", "census population", "radar",
]  # fmt: skip


def real() -> tuple[list[tuple[str, list[str]]], list[tuple[str, list[str]]]]:
    """(title, sentences) of English and of Korean records."""
    english = []
    with zipfile.ZipFile(SCIENCE / "metadata/aws-open-data-registry-yaml.zip") as packed:
        for name in packed.namelist():
            if name.endswith(".yaml"):
                told = reading.read(packed.read(name))[0].description
                english.append((told.title.in_language("en"), told.description.in_language("en").split(". ")))
    toys = (SCIENCE / "metadata/korean/datatoys-records.jsonl").read_text("utf-8").splitlines()
    told = [json.loads(line) for line in toys]
    return english, [
        (one["title"], [one["description"], *(v["description"] for v in one["variables"])]) for one in told
    ]


def recombined(n: int) -> Iterator[tuple[int, str, list[str]]]:
    """(number, title, four sentences) of records; the odd ones are English."""
    draw = random.Random(7)
    both = real()
    for number in range(n):
        one = both[0 if number % 2 else 1]
        yield number, draw.choice(one)[0], [draw.choice(draw.choice(one)[1]) for _ in range(4)]


def entries(n: int) -> Iterator[Entry]:
    draw = random.Random(8)
    _, toys = real()
    terms = {text: " ".join(korean.terms(text)) for title, said in toys for text in (title, *said)}
    pairs = {text: " ".join(korean.pairs(text)) for text in terms}
    for number, title, said in recombined(n):
        owner = f"organization/o{number % 50}"
        seen = [owner, "everyone"] if number % 5 == 0 else [owner]
        facets = {
            "kind": ["record"],
            "owner": [f"o{number % 50}"],
            "format": [draw.choice(("CSV", "NetCDF", "JSON"))],
        }
        year = 1990 + number % 36
        if number % 2:
            yield Entry(f"rec-{number}", title, ". ".join(said), seen_by=seen, facets=facets, year=year)
        else:
            yield Entry(
                f"rec-{number}", title, " ".join(said), terms[title], " ".join(terms[one] for one in said),
                pairs[title], " ".join(pairs[one] for one in said), seen_by=seen, facets=facets, year=year,
            )  # fmt: skip


def fill(home: Home, n: int) -> None:
    """What harvests of those records leave in the tables; a mission nobody else joined hides what is not for
    everyone."""
    with home.database.write() as session:
        organizations.found(session, "ministry", "Ministry", "부처", "officer")
    officer = Principal("officer", "ministry", "ministry", frozenset({"officer"}))
    for number in range(50):
        with home.database.write() as session:
            organizations.register(session, officer, f"o{number}", "institute", "Institute", "연구원")
    with home.database.write() as session:
        put = session.connection.execute
        made = {"kind": "ckan", "url": "https://data.invalid", "options": {}, "since": None, "created_at": ""}
        for number in range(50):
            for name, mission in ((f"all-{number}", None), (f"own-{number}", f"m-{number}")):
                put(sources.insert(), {"name": name, "owner": f"o{number}", "mission": mission, **made})
        told = recombined(n)
        while part := [_row(*one) for one in islice(told, 10_000)]:
            put(records.insert(), part)


def _row(number: int, title: str, said: list[str]) -> dict[str, object]:
    language = "en" if number % 2 else "ko"
    texts = Text(**{language: title}), Text(**{language: ". ".join(said)})
    told = Description(title=texts[0], description=texts[1], year=1990 + number % 36)
    return {
        "record_id": f"rec-{number}",
        "source": f"{'own' if number % 5 else 'all'}-{number % 50}",
        "remote_id": str(number),
        "document": told.to_json(),
        "format": "CKAN",
        "digest": "",
        "original": "",
        "original_offset": 0,
        "original_bytes": 0,
        "state": PRESENT,
        "harvest": "",
        "changed_at": "",
    }


def timed(ask: Callable[[str], int], words: list[str]) -> tuple[float, float, float]:
    """(p50, p95 in ms, mean found) of every question asked 40 times in turn, after one round to warm up."""
    for one in words:
        ask(one)
    times, found = [], []
    for _ in range(40):
        for one in words:
            begun = time.perf_counter()
            found.append(ask(one))
            times.append((time.perf_counter() - begun) * 1000)
    times.sort()
    return statistics.median(times), times[int(0.95 * len(times))], statistics.mean(found)


def fts5(folder: Path, n: int) -> tuple[Callable[[str], int], float, float]:
    """SQLite with the same terms in one FTS5 table, ranked by BM25, rights as a join on a set of owners."""
    begun = time.perf_counter()
    database = sqlite3.connect(folder / "fts.db")
    database.execute("CREATE VIRTUAL TABLE found USING fts5(title, body, tokenize='porter unicode61')")
    database.execute("CREATE TABLE seen (id INTEGER PRIMARY KEY, owner TEXT, everyone INTEGER)")
    for number, one in enumerate(entries(n), start=1):
        texts = (f"{one.title} {one.title_korean}", f"{one.body} {one.body_korean}")
        database.execute("INSERT INTO found(rowid, title, body) VALUES (?, ?, ?)", (number, *texts))
        database.execute(
            "INSERT INTO seen VALUES (?, ?, ?)", (number, one.seen_by[0], "everyone" in one.seen_by)
        )
    database.commit()
    built = time.perf_counter() - begun

    def ask(words: str) -> int:
        terms = korean.terms(words) if korean.has_hangul(words) else words.split()
        asked = " OR ".join(f'"{term}"' for term in terms)
        rows = database.execute(
            "SELECT found.rowid FROM found JOIN seen ON seen.id = found.rowid WHERE found MATCH ? AND "
            "(seen.everyone OR seen.owner = 'organization/o7') ORDER BY bm25(found) LIMIT 20",
            (asked,),
        ).fetchall()
        return len(rows)

    return ask, built, (folder / "fts.db").stat().st_size / 1e6


def main() -> None:
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        home = homes.create(folder / "home")
        fill(home, n)
        with home.database.read() as session:
            place = following.place_at(session, log.size_of(session.connection))
        begun = time.perf_counter()
        index = open_index(home)
        index.replace(entries(n), (), place)
        built = time.perf_counter() - begun
        kept = (file for file in (home.path / "search").rglob("*") if file.is_file())
        size = sum(file.stat().st_size for file in kept) / 1e6
        rights = ("everyone", "organization/o7")

        def ask(words: str, *, facets: bool = False) -> int:
            return index.search(Query(asking.concepts(words), seen_by=rights), facets=facets).count

        person = Principal("researcher", "o7", "institute", frozenset({"researcher"}))

        def search(words: str) -> int:
            return len(service.search(home, person, service.Asked(words)).found)

        print(
            f"{n:,} records, peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB"
        )
        print(f"{'':34} {'built s':>8} {'MB':>6} {'ko p50':>8} {'ko p95':>8} {'en p50':>8} {'en p95':>8} ms")
        for title, one in (
            ("Madang, rights applied", ask),
            ("the same with nine facets counted", lambda w: ask(w, facets=True)),
            ("a person's search, all of it", search),
        ):
            figures = [*timed(one, KOREAN)[:2], *timed(one, ENGLISH)[:2]]
            print(f"{title:34} {built:8.0f} {size:6.0f} " + " ".join(f"{figure:8.2f}" for figure in figures))
        ask5, built5, size5 = fts5(folder, n)
        figures = [*timed(ask5, KOREAN[:5])[:2], *timed(ask5, ENGLISH[:5])[:2]]
        print(
            f"{'SQLite FTS5, BM25, rights joined':34} {built5:8.0f} {size5:6.0f} "
            + " ".join(f"{f:8.2f}" for f in figures)
        )


if __name__ == "__main__":
    main()
