"""``madang search``: find data, and measure how well it is found."""

from __future__ import annotations

import json as to_json
import sys
from pathlib import Path

from cyclopts import App

from madang.assets.model import GONE
from madang.interfaces.cli import context
from madang.interfaces.operations import catalogue, programme
from madang.kernel.errors import BadValue
from madang.sdk import documents

app = App(name="search")


@app.default
def search(
    *words: str,
    facet: tuple[str, ...] = (),
    may: str | None = None,
    mission: str | None = None,
    years: str | None = None,
    limit: context.Whole = 20,
    offset: context.Whole = 0,
    json: context.Json = False,
) -> None:
    """Find data that you may know of: records of harvested catalogues and versions, best first.

    Korean words find English records and the other way round. What a name or title begins with (missions,
    agreements, organizations, versions, whole ids) stands before them.

    Examples: madang search 해수면 온도
              madang search "sea surface temperature" --facet format=NetCDF --years 2010..
              madang search --may train --mission manipulation-10

    Parameters
    ----------
    words
        What is sought; between quotation marks: together, as it stands.
    facet
        NAME=VALUE, any number: kind, source, owner, mission, layer, format, licence, language, state.
    may
        Only versions with which you may do this: pool, train, evaluate, query or download.
    mission
        Only of this mission.
    years
        Of publication: 2010, 2010..2015, 2010.. or ..2015.
    limit
        How many at most (100).
    offset
        How many to pass over.
    """
    told = " ".join(words)
    narrowed = _facets(facet, mission)
    first, last = _years(years)
    named = context.call(programme.search, q=told).items if told and not (narrowed or may or years) else []
    answer = context.call(
        catalogue.find,
        q=told,
        facets=to_json.dumps(narrowed, ensure_ascii=False),
        from_year=first,
        to_year=last,
        may=may,
        limit=limit,
        offset=offset,
    )
    if json:
        shown = {"named": [one.model_dump(mode="json") for one in named], **answer.model_dump(mode="json")}
        context.print_json(shown)
        return
    _print(list(named) if not offset else [], answer)


def _print(named: list[documents.Hit], answer: documents.Answer) -> None:
    titles = {one.name: _title(one) for one in answer.found}
    rows = [
        {"kind": one.kind, "name": one.name, "title": context.said(one.title) or titles.get(one.name, "")}
        for one in named
    ]
    known = {one.name for one in named}
    rows += [
        {"kind": one.kind, "name": one.name if one.kind != "record" else one.id, "title": _title(one)}
        for one in answer.found
        if one.name not in known
    ]
    context.print_rows(rows, {name: name for name in ("kind", "name", "title")}, False)
    print(context.text("cli.found", n=answer.count))


def _title(one: documents.Found) -> str:
    title = context.said(one.title)
    if one.kind != "record":
        state = f" ({context.text(f'assets.state.{one.state}')})" if one.state in GONE else ""
        return f"{title if title != one.name else ''}{state}".strip()
    where = f"{one.source}, {one.year}" if one.year else str(one.source)
    return f"{title} ({where})"


def _facets(told: tuple[str, ...], mission: str | None) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {"mission": [mission]} if mission else {}
    for one in told:
        name, value = context.pair("--facet", one)
        found.setdefault(name, []).append(value)
    return found


def _years(told: str | None) -> tuple[int | None, int | None]:
    if told is None:
        return None, None
    begin, dots, end = told.partition("..")
    try:
        first = int(begin) if begin else None
        return first, (int(end) if end else None) if dots else first
    except ValueError as error:
        raise BadValue(
            file="--years", key=told, reason="It is not a year, nor two with .. between."
        ) from error


@app.command
def evaluate(
    queries: Path,
    *,
    source: str | None = None,
    json: context.Json = False,
) -> None:
    """Measure the search on labelled queries: how often a right answer is among the first ten.

    Example: madang search evaluate queries.jsonl --source registry

    Parameters
    ----------
    queries
        A line a query: {"query_ko": "...", "relevant": ["remote id, or its file's name without ending"]}.
    source
        Ask only for records of this source.
    """
    from madang.assets.search import evaluation

    home = context.home()
    made = evaluation.evaluate(home, context.actor(home), queries, source)
    judged = [{"place": one.place or "-", "query": one.words, "found": one.found} for one in made.judged]
    if json:
        told = [vars(one) for one in made.judged]
        context.print_json({"hit_at_10": made.hit_at_10, "mrr": made.mrr, "queries": told})
        return
    context.print_rows(judged, {name: name for name in ("place", "query", "found")}, False)
    print(f"hit@10 {made.hit_at_10:.2f}   MRR {made.mrr:.2f}   n {len(made.judged)}")


@app.command
def index(*, json: context.Json = False) -> None:
    """Make the search index of this home anew from its records (after a fault, or of an older home).

    Example: madang search index
    """
    from madang.assets.search import following

    home = context.home()
    context.actor(home)
    count = following.make(home, _progress if sys.stderr.isatty() else None)
    context.print_facts({"entries": count}, json)


@app.command
def embed(*, json: context.Json = False) -> None:
    """Have the model of the setting `embedder` make vectors of what can be found, for finding by meaning.

    Only what is new or has changed is made; what was cut off goes on. Say it after a harvest, or each night.
    Texts of everything in this home, private ones too, go to that model.

    Example: madang search embed
    """
    from madang.assets.search.meaning import making

    home = context.home()
    context.actor(home)
    made = making.make(home, _progress if sys.stderr.isatty() else None)
    context.print_facts(vars(made), json)


def _progress(count: int) -> None:
    print(f"\r{count}", end="", file=sys.stderr)
