"""Repositories: the layer above data sets, told by what holds them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from madang.assets.catalogue import service as catalogue
from madang.assets.catalogue.model import record_id
from madang.assets.harvest.errors import NothingFound
from madang.assets.search import service as finding
from tests.assets.harvest.catalogues import TURTLE, Catalogue
from tests.assets.harvest.desk import Desk, counts

REPOSITORIES = {"oai-pmh": "/oai", "ckan": "/ckan", "stac": "/stac/catalog.json"}


@pytest.mark.parametrize("kind", REPOSITORIES)
def test_a_repository_that_tells_its_name_is_a_record_of_the_layer_above(
    desk: Desk, served: Catalogue, kind: str
) -> None:
    served.fill(12)
    served.title = "해양 자료 저장소"
    address = served.url + REPOSITORIES[kind]
    desk.add(kind, address)
    assert counts(desk.run()) == (13, 13, 0, 0, 0)
    assert counts(desk.run(whole=True)) == (13, 0, 0, 0, 0)
    with desk.home.database.read() as session:
        found = catalogue.record(session, desk.steward, record_id("source", address))
    told = found.description
    assert (told.layer, told.title.ko) == ("repository", "해양 자료 저장소")
    if kind == "oai-pmh":
        original = catalogue.original(desk.home, found).decode()
        assert original.startswith("<Identify>") and original.endswith("</Identify>")
    served.title = "저장소"
    assert counts(desk.run(whole=True)) == (13, 0, 1, 0, 0)
    asked = finding.Asked(facets={"layer": ["repository"]})
    assert finding.search(desk.home, desk.steward, asked).count == 1
    held = dict(served.records)
    served.records.clear()  # the repository alone is nothing found
    with pytest.raises(NothingFound):
        desk.run(whole=True)
    if kind == "oai-pmh":
        served.records = {name: replace(one, deleted=True) for name, one in held.items()}
        with pytest.raises(NothingFound):
            desk.run(whole=True)
    served.title = ""  # it says nothing of itself any more
    served.records = held
    assert counts(desk.run(whole=True)) == (12, 0, 0, 1, 0)


def test_an_empty_repository_is_no_error(desk: Desk, served: Catalogue) -> None:
    served.title = "빈 저장소"
    desk.add("ckan", f"{served.url}/ckan")
    assert [counts(desk.run()) for _ in range(2)] == [(1, 1, 0, 0, 0), (1, 0, 0, 0, 0)]


def test_a_portal_that_hiccups_is_not_gone(desk: Desk, served: Catalogue) -> None:
    served.fill(3)
    served.title = "시 포털"
    desk.add("ckan", f"{served.url}/ckan")
    assert counts(desk.run()) == (4, 4, 0, 0, 0)
    served.hiccups = True
    assert counts(desk.run()) == (4, 0, 0, 0, 2)  # that it could not be had, and that so not all was seen
    served.hiccups = False
    assert counts(desk.run()) == (4, 0, 0, 0, 0)


CATALOGUE = """<urn:c> a dcat:Catalog ; dct:title "Weather"@en, "날씨"@ko ; dcat:dataset <urn:a>, <urn:b> ."""


@pytest.mark.parametrize("kind", ["document", "s3"])
def test_a_dcat_catalogue_is_a_repository(desk: Desk, served: Catalogue, kind: str) -> None:
    """Beside its data sets; of one data set alone, that is known by its document's name still."""
    alone = TURTLE.partition("<urn:b>")[0]
    served.objects["c.ttl"] = alone + CATALOGUE
    desk.add(kind, f"{served.url}/bucket" + ("/c.ttl" if kind == "document" else ""))
    assert counts(desk.run()) == (2, 2, 0, 0, 0)
    assert desk.titles() == ["Rain", "Weather"]
    with desk.home.database.read() as session:
        found = {one.remote_id: one for one in catalogue.records_of(session, desk.steward, "source")}
    assert set(found) == {"urn:c", "urn:a" if kind == "document" else "c.ttl"}
    assert found["urn:c"].description.layer == "repository"
    served.objects["c.ttl"] = TURTLE + CATALOGUE.replace("Weather", "The weather")
    desk.run()
    assert desk.titles() == ["Rain", "Snow", "The weather"]


def test_one_catalogue_in_many_documents_is_one(desk: Desk, served: Catalogue) -> None:
    """And known by one name where it has none of its own."""
    for number in range(3):
        served.objects[f"{number}.ttl"] = (
            TURTLE.partition("<urn:b>")[0].replace("urn:a", f"urn:{number}") + CATALOGUE
        )
    named = {"title": "City", "dataset": [{"title": "Rain"}]}
    served.objects["z.json"] = named
    desk.add("s3", f"{served.url}/bucket")
    assert counts(desk.run()) == (6, 6, 0, 0, 0)
    assert counts(desk.run()) == (6, 0, 0, 0, 0)
    named["dataset"] = [{"title": "Rain", "identifier": "r"}, {"title": "Snow", "identifier": "s"}]
    desk.run(accept_vanished=True)
    with desk.home.database.read() as session:
        found = catalogue.record(session, desk.steward, record_id("source", "z.json#repository"))
    assert found.description.title.in_language("en") == "City"
