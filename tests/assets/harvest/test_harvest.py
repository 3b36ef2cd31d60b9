"""Harvests: idempotent, resumable, incremental; nothing vanishes by a fault; problems are listed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from madang.assets.catalogue import service as catalogue
from madang.assets.catalogue.errors import BadSource, NoSuchRecord, NoSuchSource
from madang.assets.catalogue.model import Harvest, Source, record_id
from madang.assets.harvest import port, running
from madang.assets.harvest.errors import BadAnswer, HarvestBusy, NothingFound, TooManyVanished
from madang.assets.harvest.journal import Journal
from madang.engines.harvest.slices import members
from madang.kernel import home as homes
from madang.kernel import outbound
from madang.kernel.authorizer import Principal
from madang.kernel.errors import NotPermitted
from madang.kernel.home import Home
from madang.kernel.outbound import AddressRefused, NotFetched
from madang.programme.verification import verify_home
from tests.assets.harvest import catalogues
from tests.assets.harvest.catalogues import Catalogue, Held, serving
from tests.conftest import Office

OAI_SAMPLES = Path(__file__).parents[4] / "shared/data/science/metadata/oai-pmh"


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Catalogue]:
    monkeypatch.setattr(outbound.time, "sleep", lambda _: None)
    with serving() as made:
        yield made


@pytest.fixture
def desk(office: Office, tmp_path: Path) -> Iterator[Desk]:
    flags = {"outbound_networks": "127.0.0.0/8", "harvest_folders": str(tmp_path / "open")}
    home = homes.open_home(office.home.path, flags | {"database_url": office.home.values.database_url})
    yield Desk(home, office.join("institute", "steward", kind="institute"), office)
    home.database.close()


class Desk:
    """A steward with sources."""

    def __init__(self, home: Home, steward: Principal, office: Office) -> None:
        self.home, self.steward, self.office = home, steward, office

    def add(self, kind: str, url: str, name: str = "source", **options: str) -> None:
        port.check(name, kind, url, options, running.folders(self.home))
        with self.home.database.write() as session:
            catalogue.add(session, self.steward, name, kind, url, options)

    def run(self, name: str = "source", **options: bool) -> Harvest:
        return running.run(self.home, self.steward, name, **options)

    def titles(self, name: str = "source") -> list[str]:
        with self.home.database.read() as session:
            found = catalogue.records_of(session, self.steward, name)
        return sorted(record.description.title.in_language("en") for record in found)

    def last(self, name: str = "source") -> Harvest:
        with self.home.database.read() as session:
            return catalogue.harvests_of(session, name)[0]

    def problems(self, harvest: Harvest) -> list[str]:
        with self.home.database.read() as session:
            return [one.what["en"] for _, one in catalogue.problems_of(session, harvest.harvest_id)]


def counts(harvest: Harvest) -> tuple[int, int, int, int, int]:
    return (harvest.seen, harvest.made, harvest.changed, harvest.gone, harvest.problems)


def test_a_repository_in_parts_then_only_what_changed(desk: Desk, served: Catalogue) -> None:
    served.fill(25)
    desk.add("oai-pmh", f"{served.url}/oai")
    first = desk.run()
    assert (first.whole, counts(first)) == (True, (25, 25, 0, 0, 0))
    served.records["oai:x:0003"] = Held("Record 3, mended", "2026-02-02T00:00:00Z")
    served.records["oai:x:0004"] = Held("", "2026-02-02T00:00:00Z", deleted=True)
    served.records["oai:x:0099"] = Held("Record 99", "2026-02-02T00:00:00Z")
    served.now = "2026-02-03T00:00:00Z"
    second = desk.run()
    assert (second.whole, counts(second)) == (False, (2, 1, 1, 1, 0))
    assert served.asked[-2]["from"] == "2026-01-31T23:00:00Z"  # an hour is asked for twice
    assert len(desk.titles()) == 25
    assert "Record 3, mended" in desk.titles()
    assert counts(desk.run()) == (0, 0, 0, 0, 0)  # nothing changed since: no error
    assert verify_home(desk.home).holds


def in_schema_org(title: str) -> dict[str, str]:
    return {"@context": "https://schema.org/", "@type": "Dataset", "name": title, "description": title}


def test_a_bucket_that_anyone_may_list(desk: Desk, served: Catalogue) -> None:
    served.objects = {f"met/{number:02}/기온 &.json": in_schema_org(f"Set {number}") for number in range(23)}
    served.objects |= {"met/data.nc": {}, "other/a.json": in_schema_org("elsewhere")}
    served.listed_only = {"met/gone.json"}
    desk.add("s3", f"{served.url}/bucket", prefix="met/")
    first = desk.run()
    assert counts(first) == (24, 23, 0, 0, 2)  # one that is not there, and that so not all could be had
    assert desk.titles() == sorted(
        f"Set {number}" for number in range(23)
    )  # data.nc: what is not there may tell
    assert "404" in desk.problems(first)[0]
    del served.objects["met/03/기온 &.json"]
    served.objects["met/04/기온 &.json"] = in_schema_org("Set 4, mended")
    served.listed_only = set()
    second = desk.run()
    assert (second.whole, counts(second)) == (True, (23, 1, 1, 1, 0))
    assert "Set 3" not in desk.titles()
    assert "met" in desk.titles()  # what lies beside the folders
    assert verify_home(desk.home).holds


UNDESCRIBED = {
    "described/deep/rain.json": in_schema_org("Rain"),
    "described/rain.csv": "mm\n1\n",
    "관측 2024/부산/기온.csv": "시각,기온\n0,1.5\n",
    "관측 2024/settings.json": "{}",
    **{f"관측 2024/서울/{number:02}.nc": "x" * number for number in range(24)},
    "관측 2024/.hidden": "x",
    "loose.csv": "a\n1\n",
}


@pytest.mark.parametrize("kind", ["folder", "s3"])
def test_data_that_nobody_described_are_known_by_their_listing(
    desk: Desk, served: Catalogue, tmp_path: Path, kind: str
) -> None:
    served.objects = dict(UNDESCRIBED)
    folder = tmp_path / "open"
    for name, body in UNDESCRIBED.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(body if isinstance(body, str) else json.dumps(body))
    desk.add(kind, str(folder) if kind == "folder" else f"{served.url}/bucket")
    assert counts(desk.run()) == (4, 3, 0, 0, 1)  # settings.json describes nothing
    assert desk.titles() == ["Rain", "open" if kind == "folder" else "bucket", "관측 2024"]
    assert counts(desk.run()) == (4, 0, 0, 0, 1)
    with desk.home.database.read() as session:
        found = catalogue.record(session, desk.steward, record_id("source", "관측 2024/"))
    told = found.description
    assert (told.title.ko, told.formats) == ("관측 2024", ("nc", "csv", "json"))
    assert told.sizes[0] == "26 files"
    assert {"부산/기온.csv", "settings.json", "서울/23.nc"} <= {file.name for file in told.files}
    assert [date.kind for date in told.dates] == ["Updated"]
    original = json.loads(catalogue.original(desk.home, found))
    assert (original["folder"], original["count"], len(original["files"])) == ("관측 2024", 26, 26)

    described = json.dumps(in_schema_org("Observations"))  # now somebody describes it
    served.objects["관측 2024/about.json"] = described
    (folder / "관측 2024/about.json").write_text(described)
    (folder / "loose.csv").unlink()
    del served.objects["loose.csv"]
    assert counts(desk.run()) == (3, 1, 0, 2, 1)
    assert desk.titles() == ["Observations", "Rain"]


def test_a_bucket_of_data_goes_on_within_a_folder(desk: Desk, served: Catalogue) -> None:
    served.objects = {f"run/{number:03}.nc": "x" for number in range(35)} | {"zz.nc": "x", "a.nc": "x"}
    desk.add("s3", f"{served.url}/bucket")
    served.fail_after, served.fail_with = 2, 404
    with pytest.raises(NotFetched):
        desk.run()
    served.fail_after = None
    assert counts(desk.run()) == (2, 2, 0, 0, 1)  # that it was cut off
    with desk.home.database.read() as session:
        sizes = {one.description.sizes[0] for one in catalogue.records_of(session, desk.steward, "source")}
    assert sizes == {"35 files", "2 files"}


TURTLE = """@prefix dcat: <http://www.w3.org/ns/dcat#> . @prefix dct: <http://purl.org/dc/terms/> .
<urn:a> a dcat:Dataset ; dct:title "Rain"@en, "비"@ko . <urn:b> a dcat:Dataset ; dct:title "Snow"@en ."""
RDF = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
  xmlns:dcat="http://www.w3.org/ns/dcat#" xmlns:dct="http://purl.org/dc/terms/">
  <dcat:Dataset rdf:about="urn:a"><dct:title xml:lang="en">Rain</dct:title></dcat:Dataset>
  <dcat:Dataset rdf:about="urn:b"><dct:title xml:lang="en">Snow</dct:title></dcat:Dataset></rdf:RDF>"""
JSON_LD = {
    "@context": {"dcat": "http://www.w3.org/ns/dcat#", "dct": "http://purl.org/dc/terms/"},
    "@graph": [
        {"@id": "urn:a", "@type": "dcat:Dataset", "dct:title": {"@value": "Rain", "@language": "en"}},
        {"@id": "urn:b", "@type": "dcat:Dataset", "dct:title": {"@value": "Snow", "@language": "en"}},
    ],
}
CROISSANT = {
    "@context": {"@vocab": "https://schema.org/", "cr": "http://mlcommons.org/croissant/"},
    "@type": "Dataset", "dct:conformsTo": "http://mlcommons.org/croissant/1.1", "name": "Rain",
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "body", "titles"),
    [("c.ttl", TURTLE, ["Rain", "Snow"]), ("c.rdf", RDF, ["Rain", "Snow"]),
     ("c.jsonld", JSON_LD, ["Rain", "Snow"]), ("croissant.json", CROISSANT, ["Rain"])],
)  # fmt: skip
def test_a_document_of_each_form(
    desk: Desk, served: Catalogue, name: str, body: object, titles: list[str]
) -> None:
    served.objects[name] = body
    desk.add("document", f"{served.url}/bucket/{name}")
    assert counts(desk.run()) == (len(titles), len(titles), 0, 0, 0)
    assert desk.titles() == titles
    assert counts(desk.run()) == (len(titles), 0, 0, 0, 0)
    with desk.home.database.read() as session:
        found = catalogue.records_of(session, desk.steward, "source")
    whole = body if isinstance(body, str) else json.dumps(body)
    assert {catalogue.original(desk.home, one).decode() for one in found} == {whole}


def test_a_catalogue_in_parts_goes_on_where_it_was_cut_off(desk: Desk, served: Catalogue) -> None:
    following = "<> <http://www.w3.org/ns/hydra/core#next> <{}> ."
    for number, title in enumerate(("Rain", "Snow", "Hail")):
        told = TURTLE.replace("Rain", title).replace("urn:a", f"urn:{number}").partition("<urn:b>")[0]
        served.objects[f"{number}.ttl"] = told + following.format(f"{number + 1}.ttl")
    served.objects["3.ttl"] = TURTLE.replace("urn:a", "urn:3").replace("Rain", "Fog")
    desk.add("document", f"{served.url}/bucket/0.ttl")
    served.fail_after = 2
    with pytest.raises(NotFetched):
        desk.run()
    served.fail_after = None
    served.asked.clear()
    done = desk.run()
    assert counts(done) == (5, 5, 0, 0, 1)  # that it was cut off
    assert len(served.asked) == 2
    assert desk.titles() == ["Fog", "Hail", "Rain", "Snow", "Snow"]


@pytest.mark.parametrize("kind", ["folder", "s3"])
def test_a_document_of_many_that_cannot_be_had_takes_none_with_it(
    desk: Desk, served: Catalogue, tmp_path: Path, kind: str
) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    for name, body in (("a.ttl", TURTLE), ("b.json", in_schema_org("Fog"))):
        served.objects[name] = body
        (folder / name).write_text(body if isinstance(body, str) else json.dumps(body))
    desk.add(kind, str(folder) if kind == "folder" else f"{served.url}/bucket")
    assert counts(desk.run()) == (3, 3, 0, 0, 0)
    (folder / "a.ttl").unlink()
    os.mkfifo(folder / "a.ttl")
    del served.objects["a.ttl"]
    served.listed_only = {"a.ttl"}
    done = desk.run()
    assert (done.gone, done.state) == (0, "finished")
    assert desk.titles() == ["Fog", "Rain", "Snow"]
    assert desk.run(accept_vanished=True).gone == 2
    assert desk.titles() == ["Fog"]


def test_what_is_no_bucket(desk: Desk, served: Catalogue) -> None:
    with pytest.raises(BadSource):
        desk.add("s3", f"{served.url}/bucket?list-type=2")
    desk.add("s3", f"{served.url}/oai")
    with pytest.raises(BadAnswer):
        desk.run()
    served.listed_only = {"large.json"}
    served.objects = {"small.json": in_schema_org("small")}
    desk.add("s3", f"{served.url}/bucket", "bucket")
    harvest = desk.run("bucket")
    assert counts(harvest) == (2, 1, 0, 0, 2)
    assert "99000000" in desk.problems(harvest)[0]


def test_the_original_is_kept_byte_for_byte(desk: Desk, served: Catalogue) -> None:
    served.records = {"oai:x:1": Held("기온 & 강수 <한반도>"), "oai:x:2": Held("x")}
    desk.add("oai-pmh", f"{served.url}/oai")
    desk.run()
    with desk.home.database.read() as session:
        found = catalogue.record(session, desk.steward, record_id("source", "oai:x:1"))
    assert catalogue.original(desk.home, found).decode() == served._record(
        "oai:x:1", served.records["oai:x:1"]
    )
    assert found.description.title.ko == "기온 & 강수 <한반도>"


def test_what_is_harvested_again_changes_nothing(desk: Desk, served: Catalogue) -> None:
    served.fill(12)
    desk.add("ckan", f"{served.url}/ckan")
    assert counts(desk.run()) == (12, 12, 0, 0, 0)
    assert counts(desk.run()) == (12, 0, 0, 0, 0)
    del served.records["oai:x:0005"]
    assert counts(desk.run()) == (11, 0, 0, 1, 0)
    served.records["oai:x:0005"] = Held("Record 5")
    assert counts(desk.run()) == (12, 0, 1, 0, 0)  # it is back
    assert len(desk.titles()) == 12


def test_an_interrupted_walk_goes_on_where_it_was(desk: Desk, served: Catalogue) -> None:
    served.fill(35)
    desk.add("oai-pmh", f"{served.url}/oai")
    served.fail_after, served.fail_with = 5, 404  # formats, a part, Identify, two parts
    with pytest.raises(NotFetched):
        desk.run()
    stopped = desk.last()
    assert (stopped.state, stopped.made) == ("interrupted", 30)
    assert "404" in desk.problems(stopped)[0]
    served.fail_after = None
    served.asked.clear()
    again = desk.run()
    assert again.harvest_id == stopped.harvest_id
    assert (again.state, again.made, again.gone) == ("finished", 35, 0)
    assert [asked.get("resumptionToken") for asked in served.asked] == ["30|"]


def test_a_token_that_expired_begins_anew(desk: Desk, served: Catalogue) -> None:
    served.fill(25)
    desk.add("oai-pmh", f"{served.url}/oai")
    served.forget_tokens = True
    done = desk.run()
    assert (done.state, done.made, len(desk.titles())) == ("finished", 25, 25)


def test_many_that_vanish_at_once_are_held_back(desk: Desk, served: Catalogue) -> None:
    served.fill(40)
    desk.add("ckan", f"{served.url}/ckan")
    desk.run()
    for number in range(20):
        del served.records[f"oai:x:{number:04}"]
    served.records["oai:x:0900"] = Held("New")
    with pytest.raises(TooManyVanished) as told:
        desk.run()
    assert (told.value.facts["vanished"], told.value.facts["present"]) == (20, 40)
    assert (desk.last().state, desk.last().made, desk.last().gone) == ("held-back", 1, 0)
    assert len(desk.titles()) == 41
    accepted = desk.run(whole=True, accept_vanished=True)
    assert (accepted.gone, len(desk.titles())) == (20, 21)


def test_a_repository_that_says_all_is_deleted_is_held_back(desk: Desk, served: Catalogue) -> None:
    served.fill(30)
    desk.add("oai-pmh", f"{served.url}/oai")
    desk.run()
    for held in served.records.values():
        held.deleted, held.at = True, "2026-02-02T00:00:00Z"
    with pytest.raises(TooManyVanished):
        desk.run()
    assert len(desk.titles()) == 30


def test_nothing_where_there_was_something_is_an_error(desk: Desk, served: Catalogue) -> None:
    served.fill(3)
    desk.add("ckan", f"{served.url}/ckan")
    desk.run()
    served.records.clear()
    with pytest.raises(NothingFound):
        desk.run(accept_vanished=True)
    assert (desk.last().state, len(desk.titles())) == ("interrupted", 3)


def test_stac_stays_on_its_host(desk: Desk, served: Catalogue) -> None:
    served.fill(4)
    desk.add("stac", f"{served.url}/stac/catalog.json")
    assert counts(desk.run()) == (4, 4, 0, 0, 0)


def test_what_cannot_be_read_is_listed_and_stops_nothing(desk: Desk, tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    (folder / "good.json").write_text('{"doi": "10.5072/a", "titles": [{"title": "Good"}]}')
    (folder / "bad.json").write_text("{")
    (folder / "untitled.json").write_text('{"doi": "10.5072/b", "titles": []}')
    (folder / "link.json").symlink_to("/etc/passwd")
    os.mkfifo(folder / "pipe.json")
    desk.add("folder", str(folder))
    done = desk.run()
    assert counts(done) == (5, 1, 0, 0, 5)  # the last: not everything could be had
    assert desk.titles() == ["Good"]
    (folder / "bad.json").unlink()
    assert desk.run().gone == 0  # what could not be read was never there


def test_one_document_of_many_records(desk: Desk, tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    turtle = """@prefix dcat: <http://www.w3.org/ns/dcat#> . @prefix dct: <http://purl.org/dc/terms/> .
    <urn:a> a dcat:Dataset ; dct:title "A"@en ; dct:publisher [ dct:title "P" ] .
    <urn:b> a dcat:Dataset ; dct:title "%s"@en ."""
    (folder / "catalog.ttl").write_text(turtle % "B")
    desk.add("folder", str(folder))
    assert counts(desk.run()) == (2, 2, 0, 0, 0)
    (folder / "catalog.ttl").write_text(turtle % "C")
    assert counts(desk.run()) == (2, 0, 1, 0, 0)
    (folder / "twin.ttl").write_text(turtle % "D")
    twice = desk.run()
    assert twice.problems == 1
    assert "identifier" in desk.problems(twice)[0]


def test_sources_that_cannot_be(desk: Desk, tmp_path: Path) -> None:
    for kind, url, options in (
        ("folder", "/etc", {}), ("folder", str(tmp_path / "open/../.."), {}),
        ("oai-pmh", "file:///etc/passwd", {}), ("oai-pmh", "https://x.example", {"frmo": "2020"}),
        ("document", "https://x.example", {"format": "pdf"}),
    ):  # fmt: skip
        with pytest.raises(BadSource):
            desk.add(kind, url, **options)
    other = desk.office.join("company", "researcher")
    with desk.home.database.write() as session, pytest.raises(NotPermitted):
        catalogue.add(session, other, "mine", "ckan", "https://x.example", {})


def test_a_source_of_this_machine_is_refused(desk: Desk, served: Catalogue) -> None:
    closed = homes.open_home(desk.home.path, {"database_url": desk.home.values.database_url})
    desk.add("oai-pmh", f"{served.url}/oai")
    with pytest.raises(AddressRefused):
        running.run(closed, desk.steward, "source")
    assert served.asked == []
    closed.database.close()


@pytest.mark.parametrize("body", ["<a/>", "not xml", "<!DOCTYPE a [<!ENTITY b 'c'>]><OAI-PMH>&b;</OAI-PMH>"])
def test_an_answer_that_is_none(
    desk: Desk, served: Catalogue, body: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.add("oai-pmh", f"{served.url}/oai", prefix="oai_dc")
    monkeypatch.setattr(Catalogue, "oai", lambda *_: body)
    with pytest.raises(BadAnswer):
        desk.run()
    assert desk.last().state == "interrupted"


@pytest.mark.skipif(not OAI_SAMPLES.exists(), reason="no corpus here")
def test_recorded_answers_of_repositories(
    desk: Desk, served: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every file of the corpus as the answer to everything: a result or an error in three parts."""
    made: dict[str, int] = {}
    for number, path in enumerate(sorted(OAI_SAMPLES.iterdir())):
        body = path.read_text("utf-8")
        monkeypatch.setattr(Catalogue, "oai", lambda *_, body=body: body)
        desk.add("oai-pmh", f"{served.url}/oai", f"sample-{number}", prefix="oai_dc")
        try:
            made[path.name] = desk.run(f"sample-{number}").made
        except (BadAnswer, NotFetched):
            made[path.name] = -1
    refused = {"badArgument.xml", "badResumptionToken.xml", "idDoesNotExist.xml", "ListRecordsBroken.xml"}
    assert {name for name in refused if made[name] == -1} == refused
    assert made["ListRecords4.xml"] == 1
    assert made["noRecordsMatch.xml"] == 0


def test_who_may_know_of_what_a_source_describes(desk: Desk, served: Catalogue) -> None:
    served.fill(2)
    desk.add("ckan", f"{served.url}/ckan")
    desk.run()
    member, record = desk.office.join("company", "researcher"), record_id("source", "oai:x:0001")
    outsider = Principal("", "", "outsider", frozenset())
    with desk.home.database.read() as session:
        assert catalogue.record(session, member, record).remote_id == "oai:x:0001"
        with pytest.raises(NoSuchRecord):
            catalogue.record(session, outsider, record)
        with pytest.raises(NoSuchSource):
            catalogue.see(session, outsider, "source")
        assert catalogue.visible_to(session, outsider) == []
    with pytest.raises(NotPermitted):
        running.run(desk.home, member, "source")


def test_no_list_is_cut(desk: Desk, served: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogues, "PAGE", 2000)
    served.fill(1500)
    desk.add("oai-pmh", f"{served.url}/oai")
    assert desk.run().made == 1500


def test_one_bad_data_set_takes_no_other_with_it(desk: Desk, tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    head = "@prefix dcat: <http://www.w3.org/ns/dcat#> . @prefix dct: <http://purl.org/dc/terms/> .\n"
    sets = [f'<urn:{n}> a dcat:Dataset ; dct:title "{n}"@en .\n' for n in range(5)]
    (folder / "c.ttl").write_text(head + "".join(sets))
    desk.add("folder", str(folder))
    assert desk.run().made == 5
    (folder / "c.ttl").write_text(head + "".join(sets[:4]) + "<urn:4> a dcat:Dataset .\n")
    assert counts(desk.run()) == (5, 0, 0, 0, 1)
    (folder / "c.ttl").write_text(head + "".join(sets[:2]) + "torn")
    with pytest.raises(NothingFound):
        desk.run()
    (folder / "other.json").write_text('{"doi": "10.5072/o", "titles": [{"title": "Other"}]}')
    assert desk.run().gone == 0
    assert len(desk.titles()) == 6


def test_what_could_not_be_had_is_not_gone(
    desk: Desk, served: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.fill(20)
    desk.add("stac", f"{served.url}/stac/catalog.json")
    desk.run()
    stac = Catalogue.stac
    monkeypatch.setattr(
        Catalogue, "stac", lambda self, path: "broken" if "0003" in path else stac(self, path)
    )
    del served.records["oai:x:0009"]
    assert desk.run().gone == 0
    assert "not whole" in desk.problems(desk.last())[-1]
    monkeypatch.setattr(Catalogue, "stac", stac)
    assert desk.run().gone == 1


@pytest.mark.parametrize("link", ["http://[", "\ud800", "%zz", "javascript:x", "//", "", "x" * 5000])
def test_odd_links_stop_nothing(
    desk: Desk, served: Catalogue, monkeypatch: pytest.MonkeyPatch, link: str
) -> None:
    served.fill(2)
    stac = Catalogue.stac

    def answer(self: Catalogue, path: str) -> str:
        told = json.loads(stac(self, path))
        told.get("links", []).append({"rel": "item", "href": link})
        return json.dumps(told)

    monkeypatch.setattr(Catalogue, "stac", answer)
    desk.add("stac", f"{served.url}/stac/catalog.json")
    assert desk.run().made == 2


def test_a_portal_that_ends_early_or_moves(
    desk: Desk, served: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.fill(250)
    desk.add("ckan", f"{served.url}/ckan")
    desk.run()
    ckan = Catalogue.ckan
    empty = json.dumps({"result": {"count": 250, "results": []}})
    monkeypatch.setattr(
        Catalogue, "ckan", lambda self, asked: empty if asked["start"] == "200" else ckan(self, asked)
    )
    with pytest.raises(BadAnswer):
        desk.run()

    def removed(self: Catalogue, asked: dict[str, str]) -> str:
        if asked["start"] == "100":
            self.records.pop("oai:x:0005", None)  # and so 0100 slips into the part that is past
        return ckan(self, asked)

    monkeypatch.setattr(Catalogue, "ckan", removed)
    assert desk.run(whole=True).gone == 0
    assert desk.run().gone == 1


def test_a_place_that_is_no_more_is_given_up(
    desk: Desk, served: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token that has expired, and a repository that says so in a way of its own."""
    served.fill(25)
    desk.add("oai-pmh", f"{served.url}/oai")
    oai = Catalogue.oai
    broken = '<OAI-PMH><error code="badArgument">?</error></OAI-PMH>'
    monkeypatch.setattr(
        Catalogue, "oai", lambda self, asked: broken if "resumptionToken" in asked else oai(self, asked)
    )
    for _ in range(2):
        with pytest.raises(BadAnswer):
            desk.run()
    monkeypatch.setattr(Catalogue, "oai", oai)
    assert (desk.run().state, len(desk.titles())) == ("finished", 25)


def test_tokens_that_go_round(desk: Desk, served: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    served.fill(25)
    desk.add("oai-pmh", f"{served.url}/oai")
    oai = Catalogue.oai
    monkeypatch.setattr(Catalogue, "oai", lambda self, asked: oai(self, asked).replace("20|", "0|"))
    with pytest.raises(BadAnswer):
        desk.run()
    assert len(served.asked) < 20


def test_the_brake_counts_what_was_there_before(desk: Desk, served: Catalogue) -> None:
    served.fill(50)
    desk.add("ckan", f"{served.url}/ckan")
    desk.run()
    served.records = {f"new:{number:04}": Held(f"New {number}") for number in range(600)}
    with pytest.raises(TooManyVanished):
        desk.run()


def test_one_identifier_in_two_parts(desk: Desk, served: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    served.fill(25)
    record = Catalogue._record
    monkeypatch.setattr(
        Catalogue, "_record", lambda self, name, held: record(self, name.replace("0015", "0003"), held)
    )
    desk.add("oai-pmh", f"{served.url}/oai")
    first = desk.run(whole=True)
    assert (first.made, first.problems) == (24, 1)
    again = desk.run(whole=True)
    assert (again.changed, again.problems) == (0, 1)


def test_a_clock_in_the_future_and_a_promise_taken_back(desk: Desk, served: Catalogue) -> None:
    served.fill(3)
    served.now = "2999-01-01T00:00:00.123Z"
    desk.add("oai-pmh", f"{served.url}/oai")
    desk.run()
    since = _source(desk).since
    assert since is not None
    assert since < "2998"
    assert "." not in since
    served.keeps_deletions = False
    desk.run(whole=True)
    assert _source(desk).since is None
    assert desk.run().whole


def test_long_and_odd_identifiers(desk: Desk, served: Catalogue) -> None:
    served.records = {"가" * 3000: Held("Long"), "가" * 3000 + "나": Held("Longer"), "a\u0001b": Held("Odd")}
    desk.add("ckan", f"{served.url}/ckan")
    assert desk.run().made == 3
    assert counts(desk.run()) == (3, 0, 0, 0, 0)


def test_two_harvests_of_a_source_do_not_run_at_once(desk: Desk, served: Catalogue) -> None:
    desk.add("ckan", f"{served.url}/ckan")
    with running._alone(desk.home, _source(desk)), pytest.raises(HarvestBusy):
        desk.run()


def _source(desk: Desk) -> Source:
    with desk.home.database.read() as session:
        return catalogue.get(session, "source")


_KILLED = """
import sys
from pathlib import Path
from madang.assets.harvest import running
from madang.kernel import home
from madang.kernel.authorizer import Principal
opened = home.open_home(Path(sys.argv[1]), {"outbound_networks": "127.0.0.0/8"})
actor = Principal(*sys.argv[2:5], frozenset({"steward"}))
running.run(opened, actor, "source", progress=lambda _: print("part", flush=True))
"""


def test_a_killed_harvest_goes_on(desk: Desk, served: Catalogue) -> None:
    served.fill(300)
    desk.add("oai-pmh", f"{served.url}/oai")
    who = (desk.steward.member, desk.steward.organization, desk.steward.kind)
    for parts in (1, 4, 9):
        environment = os.environ | {"MADANG_DATABASE_URL": desk.home.values.database_url}
        words = [sys.executable, "-c", _KILLED, str(desk.home.path), *who]
        with subprocess.Popen(words, stdout=subprocess.PIPE, env=environment) as worker:
            assert worker.stdout is not None
            for _ in range(parts):
                worker.stdout.readline()
            worker.send_signal(signal.SIGKILL)
    done = desk.run()
    assert (done.state, done.made, done.changed, done.gone) == ("finished", 300, 0, 0)
    assert done.seen >= 300  # a part whose place was not moved on comes twice, and changes nothing
    assert len(desk.titles()) == 300
    assert verify_home(desk.home).holds


def test_marks_of_a_journal(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    names = [f"id-{number}" for number in range(1000)]
    journal.note(names, ["gone"])
    with (tmp_path / "j/seen").open("ab") as file:
        file.write(b"torn")  # a killed process
    journal.note(["later"], [])
    seen = journal.seen()
    assert len(seen) == 1001
    assert seen.holds(["id-0", "id-999", "later", "gone", "id-1000"]) == [True, True, True, False, False]
    assert journal.deleted().holds(["gone", "id-0"]) == [True, False]


def test_members_of_a_list_stand_as_they_came() -> None:
    document = '{"a": {"x": [1, {"b" : [ ]}, "가",  true ,-2.5e3] , "y": 1}}'.encode()
    assert [one.decode() for one in members(document, "a", "x")] == [
        "1",
        '{"b" : [ ]}',
        '"가"',
        "true",
        "-2.5e3",
    ]
    for bad in (b"[", b"[1 2]", b"[1,", b"{", b'{"a"}', b'{"a": 1}', b""):
        with pytest.raises((ValueError, json.JSONDecodeError)):
            members(bad, *(["a"] if bad.startswith(b"{") else []))
    started = time.monotonic()
    assert len(members(json.dumps(["x" * 10] * 100_000).encode())) == 100_000
    assert time.monotonic() - started < 20  # no figure: that it is not quadratic
