"""The engine ``opensearch`` against a stand-in that keeps what it is told: what is sent to it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from madang.assets.search.errors import SearchSilent
from madang.assets.search.port import FACETS, Alternative, Concept, Entry, Measured, Query, Range
from madang.engines import opensearch
from madang.kernel.home import open_home
from tests.conftest import Office
from tests.serving import standing_in

ENTRY = Entry(
    "rec-1", "Sea temperature", "Buoys off Jeju", title_korean="해수면 온도", seen_by=("all",),
    below=("kma",), facets={"kind": ["record"], "source": ["kma"]}, year=2020,
    variables=(Measured("temperature 온도", "K", 270.0, 310.0),),
)  # fmt: skip
SEA = Concept(
    (Alternative("korean", ("해수면", "온도")), Alternative("english", ("sea", "temperature"), 0.8))
)


@dataclass
class Cluster:
    """An index: documents by id. `answer` is what a search gives."""

    url: str = ""
    there: bool = False
    held: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    total: int = 0
    refuse: str = ""

    def reply(self, method: str, path: str, body: bytes, _: Mapping[str, str]) -> tuple[int, Any]:
        part = path.partition("?")[0].strip("/").split("/")
        told = [json.loads(line) for line in body.splitlines()] if body else []
        self.asked.append((method, path, told))
        if part[-1] == "_bulk":
            lines = iter(told)
            for line in lines:
                ((what, where),) = line.items()
                if what == "delete":
                    self.held.pop(where["_id"], None)
                else:
                    self.held[where["_id"]] = next(lines)
            error = [{"index": {"error": self.refuse}}] if self.refuse else []
            return 200, {"errors": bool(error), "items": error}
        if part[-1] == "_search":
            hits = [{"_id": key, "_score": 1.5} for key in self.held if key != "position"]
            counted = {name: {"buckets": [{"key": "x", "doc_count": 2}]} for name in told[0].get("aggs", ())}
            return 200, {"hits": {"total": {"value": self.total}, "hits": hits}, "aggregations": counted}
        if len(part) == 3:
            found = self.held.get(part[2])
            return (200, {"found": True, "_source": found}) if found else (404, {"found": False})
        if method == "GET":
            return (200, {}) if self.there else (404, {})
        self.there = method == "PUT"
        self.held = {}
        return 200, {}


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    there = Cluster()
    with standing_in(there.reply) as there.url:
        yield there


def opened(office: Office, cluster: Cluster) -> opensearch.OpenSearch:
    return opensearch.OpenSearch(open_home(office.home.path, {"opensearch_url": cluster.url}))


def test_entries_go_there_and_the_position_last(office: Office, cluster: Cluster) -> None:
    index = opened(office, cluster)
    assert index.position() == ""
    index.replace([ENTRY], ["rec-9"], "5/abc")
    assert index.position() == "5/abc"
    assert [method for method, path, _ in cluster.asked if path == "/madang"] == ["GET", "PUT"]
    lines = next(told for _, path, told in cluster.asked if "_bulk" in path)
    assert lines[0] == {"delete": {"_id": "rec-9"}}
    assert lines[-2:] == [{"index": {"_id": "position"}}, {"said": "5/abc"}]
    held = cluster.held["rec-1"]
    assert set(held) <= set(opensearch.mapping()["mappings"]["properties"])
    assert held["seen_by"] == ["all"]
    assert held["variables"] == [
        {"names": "temperature 온도", "names_korean": "temperature 온도", "unit": "K",
         "minimum": 270.0, "maximum": 310.0}
    ]  # fmt: skip
    index.clear()
    assert index.position() == ""
    many = [Entry(f"rec-{number}", seen_by=("all",)) for number in range(1200)]
    index.replace(many, (), "6/x")
    assert len(cluster.held) == 1201


def test_rights_are_part_of_every_question_and_of_what_is_counted(office: Office, cluster: Cluster) -> None:
    index = opened(office, cluster)
    index.replace([ENTRY], (), "1/x")
    cluster.total = 3
    concepts = (
        SEA,
        Concept((Alternative("english", ("buoy",)),)),
        Concept((Alternative("english", ("jeju",)),)),
    )
    found = index.search(
        Query(concepts, seen_by=("all", "mission/rain"), not_below=("acme",), facets={"source": ("kma",)},
              years=(2000, None))
    )  # fmt: skip
    assert list(found.hits) == [("rec-1", 1.5)]
    assert (found.count, set(found.facets)) == (3, set(FACETS))
    sent = [told[0] for _, path, told in cluster.asked if path.endswith("_search")]
    assert len(sent) == 3  # all of it, half of it, any of it: too little was found
    for one in sent:
        narrowed = one["query"]["bool"]
        assert {"terms": {"seen_by": ["all", "mission/rain"]}} in narrowed["filter"]
        assert {"terms": {"source": ["kma"]}} in narrowed["filter"]
        assert {"range": {"year": {"gte": 2000}}} in narrowed["filter"]
        assert narrowed["must_not"] == [{"terms": {"below": ["acme"]}}]
    assert len(sent[0]["query"]["bool"]["must"]) == 3
    assert sent[1]["query"]["bool"]["must"][0]["bool"]["minimum_should_match"] == 2
    assert "해수면 온도" in json.dumps(sent[0], ensure_ascii=False)


def test_what_finds_enough_is_asked_once_and_ranges_of_one_variable(office: Office, cluster: Cluster) -> None:
    index = opened(office, cluster)
    cluster.total = 50
    temperature = Concept((Alternative("english", ("temperature",)),))
    index.search(Query((SEA,), (Range((temperature,), "K", 200.0, 400.0),), None), facets=False)
    (sent,) = [told[0] for _, path, told in cluster.asked if path.endswith("_search")]
    assert "aggs" not in sent
    (nested,) = [one["nested"] for one in sent["query"]["bool"]["filter"] if "nested" in one]
    assert nested["path"] == "variables"
    assert {"term": {"variables.unit": "K"}} in nested["query"]["bool"]["filter"]
    assert {"range": {"variables.maximum": {"gte": 200.0}}} in nested["query"]["bool"]["filter"]
    assert {"range": {"variables.minimum": {"lte": 400.0}}} in nested["query"]["bool"]["filter"]


def test_a_cluster_that_refuses_or_is_gone_is_told(office: Office, cluster: Cluster) -> None:
    index = opened(office, cluster)
    cluster.refuse = "mapper_parsing_exception"
    with pytest.raises(SearchSilent, match="mapper_parsing_exception"):
        index.replace([ENTRY], (), "1/x")
    cluster.url = "http://127.0.0.1:9"
    with pytest.raises(SearchSilent):
        opened(office, cluster).position()
