"""Descriptions in eight formats, and what strangers send instead."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from madang.assets.metadata import reading, words
from madang.assets.metadata.errors import UnreadableRecord, UntitledRecord
from madang.assets.metadata.model import Description, Text
from madang.interfaces.demo.stage import example

SHARED = Path(__file__).parents[4] / "shared/data"
SCIENCE, HOSTILE = SHARED / "science/metadata", SHARED / "hostile"
KNOWN = (UnreadableRecord, UntitledRecord)


def one(data: bytes, form: str = "") -> Description:
    (told,) = reading.read(data, form)
    return told.description


def test_datacite_json_in_both_languages() -> None:
    told = one((example("catalogue") / "gripper-fatigue.json").read_bytes())
    assert (told.title.ko, told.title.en) == (
        "로봇 그리퍼 손가락의 피로 시험",
        "Fatigue tests of robot gripper fingers",
    )
    assert told.year == 2025
    assert told.rights[0].spdx == "CC-BY-4.0"
    assert (told.periods[0].begin, told.periods[0].end) == ("2024-03-02", "2024-11-29")
    assert told.identifiers[0].scheme == "DOI"


@pytest.mark.parametrize("kernel", ["kernel-2.2", "kernel-3", "kernel-4"])
def test_datacite_xml_of_every_kernel(kernel: str) -> None:
    parts = "<pointLongitude>127.0</pointLongitude><pointLatitude>37.5</pointLatitude>"
    point = f"<geoLocationPoint>{parts if kernel == 'kernel-4' else '37.5 127.0'}</geoLocationPoint>"
    told = one(
        f"""<?xml version="1.0"?><resource xmlns="http://datacite.org/schema/{kernel}">
        <identifier identifierType="DOI">10.5072/x</identifier>
        <creators><creator><creatorName>김철수</creatorName></creator></creators>
        <titles><title>서울 기온</title>
        <title xml:lang="en" titleType="TranslatedTitle">Air of Seoul</title></titles>
        <publisher>기상청</publisher><publicationYear>2019</publicationYear>
        <geoLocations><geoLocation>{point}</geoLocation></geoLocations></resource>""".encode()
    )
    assert told.title == Text("서울 기온", "Air of Seoul")
    assert told.publisher is not None
    assert told.publisher.name.ko == "기상청"
    assert told.places[0].box == (127.0, 37.5, 127.0, 37.5)


def test_dublin_core() -> None:
    told = one(
        b"""<oai_dc:dc xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/"
        xmlns:dc="http://purl.org/dc/elements/1.1/">
        <dc:title>Ice cores</dc:title><dc:creator>A. B</dc:creator>
        <dc:identifier>https://doi.org/10.5072/ice</dc:identifier><dc:date>2001-05</dc:date>
        <dc:rights>http://creativecommons.org/publicdomain/zero/1.0/</dc:rights></oai_dc:dc>"""
    )
    assert told.title.other == {"und": "Ice cores"}
    assert (told.identifiers[0].scheme, told.identifiers[0].value) == ("DOI", "10.5072/ice")
    assert (told.year, told.rights[0].spdx) == (2001, "CC0-1.0")


def test_dcat_in_turtle_and_the_same_in_json_with_its_own_context() -> None:
    import rdflib

    turtle = (example("catalogue") / "coast.ttl").read_bytes()
    found = reading.read(turtle)
    assert [told.identifier for told in found] == [
        "https://data.example/coast/divers",
        "https://data.example/coast/tides",
        "https://data.example/coast",
    ]
    assert [told.description.layer for told in found] == ["dataset", "dataset", "repository"]
    tides = found[1].description
    assert tides.places[0].box == (128.3, 35.0, 131.9, 38.6)
    assert (tides.files[0].size_bytes, tides.files[0].media_type) == (48211034, "application/netcdf")
    for form in ("json-ld", "xml"):
        graph = rdflib.Graph().parse(data=turtle, format="turtle")
        again = reading.read(graph.serialize(format=form).encode(), "dcat")
        assert [told.description for told in again] == [told.description for told in found]


def test_a_context_elsewhere_is_never_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    import urllib.request

    def asked(*_: object, **__: object) -> None:
        raise AssertionError("asked the network")

    monkeypatch.setattr(urllib.request.OpenerDirector, "open", asked)
    document = {
        "@context": "https://evil.invalid/context.jsonld",
        "dataset": [{"title": "Rain", "identifier": "r1", "distribution": [{"downloadURL": "https://x.example/a"}]}],
    }  # fmt: skip
    told = reading.read(json.dumps(document).encode(), "dcat")
    assert [one.description.title.in_language("en") for one in told] == ["Rain"]
    nested = {
        "@context": {"dcat": {"@id": "http://www.w3.org/ns/dcat#", "@context": "https://evil.invalid/c"}}
    }
    with pytest.raises(UnreadableRecord):
        reading.read(json.dumps(nested).encode(), "dcat")


def test_ckan_with_translations_and_inspire_extras() -> None:
    box = {"west-long": "126", "south-lat": "33", "east-long": "130", "north-lat": "39"}
    package = {
        "id": "p1", "name": "p1", "title": "x", "title_translated": {"ko": "대기질", "en": "Air quality"},
        "notes": "y", "tags": [{"name": "air"}],
        "resources": [{"url": "https://x.example/a.csv", "format": "CSV", "size": "12"}],
        "extras": [{"key": f"bbox-{side}", "value": value} for side, value in box.items()],
    }  # fmt: skip
    told = one(json.dumps(package).encode())
    assert told.title == Text("대기질", "Air quality")
    assert told.places[0].box == (126.0, 33.0, 130.0, 39.0)
    assert told.files[0].size_bytes == 12


def test_stac_croissant_and_ro_crate() -> None:
    item = {"type": "Feature", "stac_version": "1.1.0", "id": "a", "collection": "c", "bbox": [1, 2, 3, 4],
            "geometry": None, "properties": {"datetime": "2020-01-01T00:00:00Z"},
            "assets": {"x": {"href": "x.tif", "type": "image/tiff"}}, "links": []}  # fmt: skip
    (told,) = reading.read(json.dumps(item).encode())
    assert (told.identifier, told.description.part_of) == ("c/a", "c")
    cells = one((example("catalogue") / "battery-cells.json").read_bytes())
    first = cells.variables[0]
    assert (first.name, first.unit, first.minimum, first.maximum) == ("cell_temperature", "degC", -10, 45)
    crate = {"@context": "https://w3id.org/ro/crate/1.1/context", "@graph": [
        {"@id": "ro-crate-metadata.json", "@type": "CreativeWork", "about": {"@id": "./"}},
        {"@id": "./", "@type": "Dataset", "name": "Crate", "author": {"@id": "#k"},
         "hasPart": [{"@id": "a.csv"}]}, {"@id": "a.csv", "@type": "File", "name": "A"},
        {"@id": "#k", "@type": "Person", "name": "김"}]}  # fmt: skip
    told_of = one(json.dumps(crate).encode())
    assert (told_of.creators[0].name.ko, told_of.files[0].name) == ("김", "A")


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b"null", b"\xff\xfe", b"<a", b"<a/>", b"Name: x", b'{"titles": 3, "doi": []}',
     b'{"@context": {}, "@graph": 3, "x": "w3id.org/ro/crate"}',
     b'{"stac_version": "1", "type": "Feature", "links": 3}',
     b"[" * 50_000, b'{"doi": ' + b"[" * 50_000, b"Name: &a x\nDescription: *a\n",
     b'<!DOCTYPE r [<!ENTITY a "b">]><resource xmlns="http://datacite.org/schema/kernel-4">&a;</resource>',
     b"<x>" * 5000 + b"</x>" * 5000],
)  # fmt: skip
def test_what_is_no_description_is_told(data: bytes) -> None:
    for form in ("", *reading.FORMATS):
        try:
            reading.read(data, form)
        except KNOWN:
            continue
        else:
            pytest.fail(f"{form}: {data[:60]!r} was read")


def test_markup_and_hidden_signs_go_and_words_stay() -> None:
    assert words.clean("<p>A<br>B</p><script>alert(1)</script> &amp; C") == "A\nB & C"
    assert words.clean("a\u202eb\u200bc\U000e0041d\x00e") == "abcde"
    assert words.clean("가" * 30_000) == "가" * words.LONGEST
    assert words.clean("x < y and y > z") == "x < y and y > z"
    assert words.guessed("서울 temperature 기온 자료") == "ko"
    assert words.guessed("temperature of Seoul (서울)") == "und"


def test_a_description_is_kept_as_json_and_comes_back() -> None:
    for path in sorted(example("catalogue").iterdir()):
        if path.name != "unfinished.json":
            for told in reading.read(path.read_bytes()):
                assert Description.from_json(told.description.to_json()) == told.description


@pytest.mark.skipif(not SCIENCE.exists(), reason="no corpus here")
def test_the_corpus_is_read_or_told() -> None:
    read = 0
    for path in sorted(path for path in SCIENCE.rglob("*") if path.is_file() and path.suffix != ".zip"):
        try:
            found = reading.read(path.read_bytes())
        except KNOWN:
            continue
        read += 1
        for told in found:
            assert told.description.title
            assert Description.from_json(told.description.to_json()) == told.description
    assert read >= 65


@pytest.mark.skipif(not HOSTILE.exists(), reason="no corpus here")
def test_the_hostile_corpus_is_told() -> None:
    files = [
        *HOSTILE.glob("json/test_parsing/*"),
        *HOSTILE.glob("xml/xmltestdata/*"),
        *HOSTILE.glob("made/*.json"),
    ]
    assert len(files) > 100
    for path in files:
        for form in ("", "datacite", "dcat", "ckan", "croissant", "ro-crate", "oai_dc"):
            try:
                reading.read(path.read_bytes(), form)
            except KNOWN:
                continue


@pytest.mark.skipif(not HOSTILE.exists(), reason="no corpus here")
def test_naughty_strings_in_every_text() -> None:
    for text in json.loads((HOSTILE / "strings/blns.json").read_text("utf-8")):
        document = {"doi": text, "titles": [{"title": f"t {text}", "lang": text}],
                    "subjects": [{"subject": text}],
                    "creators": [{"name": text}], "publisher": text, "publicationYear": text, "version": text,
                    "geoLocations": [{"geoLocationPlace": text}],
                    "rightsList": [{"rightsUri": text}]}  # fmt: skip
        told = one(json.dumps(document).encode(), "datacite")
        assert Description.from_json(told.to_json()) == told
        assert "<script" not in told.title.in_language("en").lower()


@pytest.mark.parametrize(
    ("base", "identifier", "url"),
    [("", "rain", "rain.csv"),
     ("https://x.example/c/all.ttl", "https://x.example/c/rain", "https://x.example/c/rain.csv")],
)  # fmt: skip
def test_names_that_are_relative_to_the_document(base: str, identifier: str, url: str) -> None:
    turtle = b"""@prefix dcat: <http://www.w3.org/ns/dcat#> . @prefix dct: <http://purl.org/dc/terms/> .
    <rain> a dcat:Dataset ; dct:title "Rain" ; dcat:distribution [ dcat:downloadURL <rain.csv> ] ."""
    (told,) = reading.told_in(turtle, "", base)
    assert (told.identifier, told.description.files[0].url) == (identifier, url)


def test_names_of_licences() -> None:
    """Those of one address are one where each calls it in another language; two texts in one are two."""
    address = "https://example.org/terms"

    def names(*told: dict[str, str]) -> list[tuple[str, dict[str, str]]]:
        record = {"titles": [{"title": "a"}], "rightsList": [{"rightsUri": address, **one} for one in told]}
        (found,) = reading.read(json.dumps(record).encode())
        return [(one.spdx, dict(one.name.every())) for one in found.description.rights]

    korean, english = {"rights": "약관", "lang": "ko"}, {"rights": "Terms", "lang": "en"}
    assert names(korean, english, korean) == [("", {"ko": "약관", "en": "Terms"})]
    other = {"rights": "On request", "lang": "en"}
    assert [name for _, name in names(english, other)] == [{"en": "Terms"}, {"en": "On request"}]
    spdx = {"rightsIdentifier": "MIT", "rightsIdentifierScheme": "SPDX"}
    assert names(korean, {**english, **spdx}) == [("MIT", {"ko": "약관", "en": "Terms"})]


def test_rights_of_dublin_core_keep_their_language() -> None:
    (found,) = reading.read(
        b"""<oai_dc:dc xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/"
        xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>t</dc:title>
        <dc:rights xml:lang="en">Free</dc:rights><dc:rights>https://spdx.org/licenses/MIT</dc:rights></oai_dc:dc>"""
    )
    first, second = found.description.rights
    assert (first.name.en, second.spdx, bool(second.name)) == ("Free", "MIT", False)
