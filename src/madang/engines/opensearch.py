"""The search engine ``opensearch``: the index in an OpenSearch cluster. Rendered, not run.

No OpenSearch was at hand: what is sent is written after its REST API (docs.opensearch.org: create index,
bulk, query DSL) and looked at by tests with a stand-in; a cluster has never answered it. What a question
means is the engine ``tantivy``'s: the same fields, the same ways to say a concept, rights as part of the
question. A variable is a nested document, so that name, unit and range are asked of one and the same one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import httpx2

from madang.assets.search.errors import SearchSilent
from madang.assets.search.port import FACETS, Alternative, Concept, Entry, Query, Range, Result
from madang.kernel.extension import Engine
from madang.kernel.home import Home
from madang.kernel.settings import Values

ENGINE = Engine("opensearch", "search", "madang.engines.opensearch:OpenSearch")

_FIELDS = {"english": "text", "korean": "text_korean", "pairs": "pairs", "sounds_english": "sounds_english",
           "sounds_korean": "sounds_korean"}  # fmt: skip
_NAMES = {"english": "variables.names", "korean": "variables.names_korean"}
_POSITION = "position"
_ENOUGH, _FACET_VALUES, _BULK = 10, 30, 500
_SECONDS = 60.0


def mapping() -> dict[str, Any]:
    """The index: English stemmed, Korean as terms that come ready, everything else as keywords."""
    words = {"type": "text", "analyzer": "madang_english"}
    terms = {"type": "text", "analyzer": "whitespace"}
    keyword = {"type": "keyword"}
    nested = {
        "names": words, "names_korean": terms, "unit": keyword,
        "minimum": {"type": "double"}, "maximum": {"type": "double"},
    }  # fmt: skip
    fields: dict[str, Any] = {"text": words, "title": words, "seen_by": keyword, "below": keyword}
    fields |= dict.fromkeys(("text_korean", "title_korean", *list(_FIELDS.values())[2:]), terms)
    fields |= dict.fromkeys(FACETS, keyword)
    fields |= {"year": {"type": "integer"}, "said": {"type": "keyword", "index": False}}
    fields["variables"] = {"type": "nested", "properties": nested}
    analyzer = {
        "type": "custom",
        "tokenizer": "standard",
        "filter": ["lowercase", "asciifolding", "madang_english"],
    }
    return {
        "settings": {
            "analysis": {
                "filter": {"madang_english": {"type": "stemmer", "language": "english"}},
                "analyzer": {"madang_english": analyzer},
            }
        },
        "mappings": {"dynamic": "strict", "properties": fields},
    }


def document(entry: Entry) -> dict[str, Any]:
    """A thing as it is kept."""
    told: dict[str, Any] = {
        "title": entry.title,
        "text": f"{entry.title} {entry.body}".strip(),
        "title_korean": entry.title_korean,
        "text_korean": f"{entry.title_korean} {entry.body_korean}".strip(),
        "pairs": f"{entry.title_pairs} {entry.body_pairs}".strip(),
        "sounds_english": entry.sounds_english,
        "sounds_korean": entry.sounds_korean,
        "seen_by": list(entry.seen_by),
        "below": list(entry.below),
        "year": entry.year,
        **{name: list(entry.facets.get(name, ())) for name in FACETS},
        "variables": [
            {"names": one.names, "names_korean": one.names, "unit": one.unit or None,
             "minimum": one.minimum, "maximum": one.maximum}
            for one in entry.variables
        ],
    }  # fmt: skip
    return {name: value for name, value in told.items() if value not in (None, "", [])}


def questions(query: Query, *, facets: bool = True) -> Iterator[dict[str, Any]]:
    """Requests for `query`, the strictest first: all concepts, half of them, any. Filters are in each."""
    filters = list(_filters(query))
    forbidden = [{"terms": {"below": list(query.not_below)}}] if query.not_below else []
    counted = {name: {"terms": {"field": name, "size": _FACET_VALUES}} for name in FACETS} if facets else {}
    for wanted in _wanted(query.concepts):
        yield {
            "from": query.offset,
            "size": query.limit,
            "track_total_hits": True,
            "_source": False,
            "query": {"bool": {"filter": filters, "must_not": forbidden, **wanted}},
            **({"aggs": counted} if counted else {}),
        }


def counting(asked: Mapping[str, Any], also: Sequence[str]) -> dict[str, Any]:
    """A question as one for how many fit it or are one of `also` and pass its filters."""
    told = dict(asked["query"]["bool"])
    kept = {name: told.pop(name) for name in ("filter", "must_not")}
    either = {"should": [{"bool": told}, {"ids": {"values": list(also)}}], "minimum_should_match": 1}
    return {**asked, "from": 0, "size": 0, "query": {"bool": {**kept, **either}}}


def _filters(query: Query) -> Iterator[dict[str, Any]]:
    yield {"exists": {"field": "kind"}}  # not the position
    if query.keys is not None:
        yield {"ids": {"values": list(query.keys)}}
    if query.seen_by is not None:
        yield {"terms": {"seen_by": list(query.seen_by)}}
    for name, values in query.facets.items():
        yield {"terms": {name: list(values)}}
    if query.years != (None, None):
        low, high = query.years
        yield {"range": {"year": _open_range(low, high)}}
    for one in query.ranges:
        yield _with_variable(one)


def _open_range(low: float | None, high: float | None) -> dict[str, float]:
    return {name: value for name, value in (("gte", low), ("lte", high)) if value is not None}


def _with_variable(one: Range) -> dict[str, Any]:
    must: list[dict[str, Any]] = []
    if one.concepts:
        said = [_best(_ways(concept, _NAMES)) for concept in one.concepts]
        must.append({"bool": {"should": said, "minimum_should_match": 1}})
    if one.unit:
        must.append({"term": {"variables.unit": one.unit}})
    if one.low is not None:
        must.append({"range": {"variables.maximum": {"gte": one.low}}})
    if one.high is not None:
        must.append({"range": {"variables.minimum": {"lte": one.high}}})
    return {"nested": {"path": "variables", "query": {"bool": {"filter": must}}}}


def _wanted(concepts: Sequence[Concept]) -> Iterator[dict[str, Any]]:
    if not concepts:
        yield {"must": [{"match_all": {}}]}
        return
    strong = [one for one in concepts if one.weight >= 1.0] or list(concepts)
    weak = [_best(_ways(one, _FIELDS)) for one in concepts if one not in strong]
    ways = [_best(_ways(one, _FIELDS)) for one in strong]
    yield {"must": ways}
    if len(strong) > 2:
        half = {"bool": {"should": ways, "minimum_should_match": (len(strong) + 1) // 2}}
        yield {"must": [half], "should": weak}
    yield {"must": [{"bool": {"should": [*ways, *weak], "minimum_should_match": 1}}]}


def _best(ways: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {"dis_max": {"queries": list(ways), "tie_breaker": 0.1}} if ways else {"match_none": {}}


def _ways(concept: Concept, fields: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        _words(fields[one.language], one, concept.weight * one.weight)
        for one in concept.alternatives
        if one.language in fields and one.words
    ]


def _words(field: str, one: Alternative, weight: float) -> dict[str, Any]:
    """Words together, or anywhere for less; a title's count once more."""
    said = " ".join(one.words)
    if len(one.words) > 1 and (one.exact or one.language == "pairs"):
        return {"match_phrase": {field: {"query": said, "boost": weight}}}
    every = {"match": {field: {"query": said, "operator": "and", "boost": 0.6 * weight}}}
    if len(one.words) == 1:
        every["match"][field]["boost"] = weight
    title = {"text": "title", "text_korean": "title_korean"}.get(field)
    more = [{"match": {title: {"query": said, "operator": "and", "boost": weight}}}] if title else []
    if len(one.words) > 1:
        more.append({"match_phrase": {field: {"query": said, "slop": 1, "boost": weight}}})
    return {"bool": {"must": [every], "should": more}}


class OpenSearch:
    """See the module's docstring. Implements ``assets.search.port.SearchIndex``."""

    def __init__(self, home: Home) -> None:
        values: Values = home.values
        self._url, self._index = values.opensearch_url.rstrip("/"), values.opensearch_index
        self._signed_in = (
            (values.opensearch_user, values.opensearch_password) if values.opensearch_user else None
        )

    def position(self) -> str:
        """What the entry `position` holds; empty where there is no index."""
        told = self._asked("GET", f"{self._index}/_doc/{_POSITION}", absent=True)
        return str(told["_source"]["said"]) if told and told.get("found") else ""

    def clear(self) -> None:
        """Make the index anew."""
        self._asked("DELETE", self._index, absent=True)
        self._asked("PUT", self._index, mapping())

    def replace(self, entries: Iterable[Entry], forget: Iterable[str], position: str) -> None:
        """In parts of 500, the position last: what is cut off before it is done again."""
        if self._asked("GET", self._index, absent=True) is None:
            self._asked("PUT", self._index, mapping())
        lines: list[Any] = []
        for key in forget:
            lines.append({"delete": {"_id": key}})
        for entry in entries:
            lines += [{"index": {"_id": entry.key}}, document(entry)]
            if len(lines) >= 2 * _BULK:
                self._bulk(lines)
                lines = []
        self._bulk([*lines, {"index": {"_id": _POSITION}}, {"said": position}], refresh=True)

    def search(self, query: Query, *, facets: bool = True) -> Result:
        """The first question that finds enough, else the last."""
        told: dict[str, Any] = {}
        for asked in questions(query, facets=facets):
            told = self._asked("POST", f"{self._index}/_search", asked) or {}
            if told["hits"]["total"]["value"] >= _ENOUGH:
                break
        hits = [(str(one["_id"]), float(one["_score"] or 0.0)) for one in told["hits"]["hits"]]
        if query.also:
            told = self._asked("POST", f"{self._index}/_search", counting(asked, query.also)) or {}
        counted = {
            name: [(str(one["key"]), int(one["doc_count"])) for one in found["buckets"]]
            for name, found in told.get("aggregations", {}).items()
        }
        return Result(hits, int(told["hits"]["total"]["value"]), counted)

    def _bulk(self, lines: Sequence[Any], *, refresh: bool = False) -> None:
        body = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        told = self._asked("POST", f"{self._index}/_bulk?refresh={str(refresh).lower()}", body)
        if told and told.get("errors"):
            first = next(one for item in told["items"] for one in item.values() if one.get("error"))
            raise SearchSilent(address=self._url, reason=str(first["error"])[:300])

    def _asked(self, method: str, path: str, body: Any = None, *, absent: bool = False) -> Any:
        """An answer as JSON; None for 404 where that is allowed."""
        lines = isinstance(body, str)
        headers = {"Content-Type": "application/x-ndjson" if lines else "application/json"}
        content = (body if lines else json.dumps(body, ensure_ascii=False)).encode() if body else None
        try:
            with httpx2.Client(auth=self._signed_in, timeout=_SECONDS) as client:
                answer = client.request(method, f"{self._url}/{path}", content=content, headers=headers)
            if absent and answer.status_code == 404:
                return None
            answer.raise_for_status()
            return answer.json()
        except (httpx2.HTTPError, ValueError) as error:
            raise SearchSilent(address=self._url, reason=str(error)[:300]) from error
