"""Measuring the search on labelled queries: how often a right answer is among the first ten."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from madang.assets.metadata.documents import json_of
from madang.assets.metadata.errors import UnreadableRecord
from madang.assets.search import service
from madang.assets.search.errors import UnreadableQueries
from madang.assets.search.service import Asked
from madang.kernel.authorizer import Principal
from madang.kernel.errors import FileMissing, FileTrouble
from madang.kernel.home import Home

FIRST = 10


@dataclass(frozen=True)
class Judged:
    """A query and the place of the first right answer; None where it is not among the first ten."""

    words: str
    place: int | None
    found: int


@dataclass(frozen=True)
class Evaluation:
    """hit_at_10: share of queries with a right answer among ten. mrr: mean of 1 / its place, 0 for none."""

    judged: tuple[Judged, ...]
    hit_at_10: float
    mrr: float


def evaluate(home: Home, actor: Principal, file: Path, source: str | None = None) -> Evaluation:
    """Ask each query as `actor`, of one source where one is named. A right answer is one whose remote id, or
    the name of its file without folder and ending, is among the relevant. UnreadableQueries, FileMissing,
    FileTrouble."""
    facets = {"source": (source,)} if source else {}
    judged = []
    for words, relevant in _queries(file):
        answer = service.search(home, actor, Asked(words, facets, limit=FIRST))
        names = [_names(found.what) for found in answer.found]
        places = [place for place, known in enumerate(names, start=1) if known & relevant]
        judged.append(Judged(words, places[0] if places else None, answer.count))
    places_found = [one.place for one in judged if one.place]
    n = max(1, len(judged))
    return Evaluation(tuple(judged), len(places_found) / n, sum(1 / place for place in places_found) / n)


def _names(what: object) -> set[str]:
    remote = str(getattr(what, "remote_id", getattr(what, "name", "")))
    return {remote, PurePosixPath(remote).stem, remote.rpartition("/")[2]}


def _queries(file: Path) -> Iterator[tuple[str, set[str]]]:
    try:
        lines = file.read_bytes().splitlines()
    except FileNotFoundError as error:
        raise FileMissing(file=str(file)) from error
    except OSError as error:
        raise FileTrouble(file=str(file), reason=error.strerror or type(error).__name__) from error
    if not any(line.strip() for line in lines):
        raise UnreadableQueries(file=str(file), line=1)
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            told = json_of(line)
            words = next(told[name] for name in ("query_ko", "query_en", "query") if name in told)
            yield str(words), {str(one) for one in told["relevant"]}
        except (UnreadableRecord, KeyError, TypeError, StopIteration) as error:
            raise UnreadableQueries(file=str(file), line=number) from error
