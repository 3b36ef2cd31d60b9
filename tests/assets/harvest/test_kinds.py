"""Each kind of source: what its records are, and what it makes of answers that are none."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from madang.assets.catalogue import service as catalogue
from madang.assets.catalogue.errors import BadSource
from madang.assets.catalogue.model import record_id
from madang.assets.harvest import port, running
from madang.assets.harvest.errors import BadAnswer, NothingFound
from madang.engines.harvest.slices import members
from madang.kernel import home as homes
from madang.kernel import outbound
from madang.kernel.errors import NotPermitted
from madang.kernel.outbound import AddressRefused, NotFetched
from madang.programme.verification import verify_home
from tests.assets.harvest.catalogues import TURTLE, Catalogue
from tests.assets.harvest.desk import Desk, counts

OAI_SAMPLES = Path(__file__).parents[4] / "shared/data/science/metadata/oai-pmh"


def test_a_repository_is_asked_for_datacite_where_it_has_that(desk: Desk, served: Catalogue) -> None:
    served.fill(12)
    served.forms = ("oai_dc", "oai_datacite")
    served.records["oai:x:0003"].deleted = True
    desk.add("oai-pmh", f"{served.url}/oai")
    assert counts(desk.run()) == (11, 11, 0, 0, 0)
    with desk.home.database.read() as session:
        found = catalogue.record(session, desk.steward, record_id("source", "oai:x:0007"))
    told = found.description
    assert (found.format, told.title.ko, told.title.en, told.year) == ("datacite", "기온", "Record 7", 2026)
    assert told.identifiers[0].value == "10.5072/0007"
    assert catalogue.original(desk.home, found).decode() == served.record(
        "oai:x:0007", served.records["oai:x:0007"], "oai_datacite"
    )
    desk.add("oai-pmh", f"{served.url}/oai", "plain", prefix="oai_dc")
    assert desk.run("plain").made == 11
    assert {asked.get("metadataPrefix") for asked in served.asked} >= {"oai_dc", "oai_datacite"}


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


@pytest.mark.parametrize("folder", ["run/", ""])
def test_a_bucket_of_data_goes_on_within_a_folder(desk: Desk, served: Catalogue, folder: str) -> None:
    served.objects = {f"{folder}{number:03}.nc": "x" for number in range(35)}
    served.objects |= {"zz/zz.nc": "x", "zz/a.nc": "x"}
    desk.add("s3", f"{served.url}/bucket")
    served.fail_after, served.fail_with = 2, 404
    with pytest.raises(NotFetched):
        desk.run()
    served.fail_after = None
    assert counts(desk.run()) == (2, 2, 0, 0, 1)  # that it was cut off
    with desk.home.database.read() as session:
        sizes = {one.description.sizes[0] for one in catalogue.records_of(session, desk.steward, "source")}
    assert sizes == {"35 files", "2 files"}


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


def test_a_record_says_less_of_its_files_where_it_would_be_too_large(desk: Desk, served: Catalogue) -> None:
    files = [{"@id": f"{n}.nc", "name": f"{n}.nc", "description": "설명 " * 700} for n in range(200)]
    served.objects["c.json"] = {**in_schema_org("Rain"), "distribution": files}
    desk.add("s3", f"{served.url}/bucket")
    assert counts(desk.run()) == (1, 1, 0, 0, 0)


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


def test_names_and_documents_of_a_folder_of_data(desk: Desk, tmp_path: Path) -> None:
    """Names in older encodings, documents that only look like descriptions, and hidden ones."""
    folder = tmp_path / "open"
    for name, body in {
        "resources/data.json": '{"resources": [1], "v": 1}',
        "titles/data.json": '{"titles": 3}',
        "hidden/.git/package.json": json.dumps(in_schema_org("hidden")),
        "hidden/a.nc": "x",
        "torn/a.ttl": "@prefix dcat: <http://www.w3.org/ns/dcat#> . torn",
        "torn with data/a.ttl": "@prefix dcat: <http://www.w3.org/ns/dcat#> . torn",
        "torn with data/a.nc": "x",
        "<b>/a.nc": "x",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(body)
    old = Path(os.fsdecode(os.fsencode(folder) + "/관측".encode("cp949")))
    old.mkdir()
    (old / os.fsdecode("기온.csv".encode("cp949"))).write_text("x")
    (old / os.fsdecode(b"\xff\xfe.csv")).write_text("x")
    desk.add("folder", str(folder))
    desk.run()
    assert desk.titles() == ["<b>", "hidden", "hidden", "resources", "titles", "torn with data", "관측"]
    with desk.home.database.read() as session:
        found = catalogue.record(session, desk.steward, record_id("source", "관측/"))
    assert "기온.csv" in {file.name for file in found.description.files}


def test_many_folders_of_data_come_in_parts(tmp_path: Path) -> None:
    for number in range(450):
        (tmp_path / f"{number}").mkdir()
        (tmp_path / f"{number}" / "a.nc").write_text("x")
    walk = port.Walk(str(tmp_path), {}, outbound.Fetcher(), (tmp_path,))
    pages = list(port.harvester("folder").pages(walk))
    assert [len(page.found) for page in pages] == [200, 200, 50]


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


def test_stac_stays_on_its_host(desk: Desk, served: Catalogue) -> None:
    served.fill(4)
    desk.add("stac", f"{served.url}/stac/catalog.json")
    assert counts(desk.run()) == (4, 4, 0, 0, 0)


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
        ("document", "https://x.example", {"format": "pdf"}), ("folder", "data", {}),
        ("folder", str(tmp_path / "open"), {"format": "pdf"}), ("s3", "https://x.example", {"format": "pdf"}),
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
