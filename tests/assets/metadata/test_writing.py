"""Descriptions written in the forms that others read, and read again."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from madang.assets.metadata import reading
from madang.assets.metadata.documents import Told
from madang.assets.metadata.errors import UnreadableRecord, UntitledRecord
from madang.assets.metadata.model import (
    Agent,
    Date,
    Description,
    FileTold,
    Funding,
    Identifier,
    Period,
    Place,
    Relation,
    Rights,
    Subject,
    Text,
    Variable,
)
from madang.assets.metadata.writing import card, datacite, dcat, schema_org

SHARED = Path(__file__).parents[4] / "shared/data/science/metadata"
VALIDATORS = Path(__file__).parents[3] / ".venv-validators/bin/python"
ADDRESS = "https://madang.example/versions/company-b/weather@1"
WHOLE = Description(
    title=Text("서울 기온", "Air temperature of Seoul"),
    description=Text("관측소 <b>열 곳</b>", 'Ten stations | with "quotes" & <signs>'),
    identifiers=(Identifier("DOI", "10.5072/abc"), Identifier("ARK", "ark:/12345/x")),
    creators=(
        Agent(
            Text("김철수"), "person", identifiers=(Identifier("ORCID", "https://orcid.org/0000-0001"),),
            affiliations=(Text("기상연구소", "Weather Institute"),),
        ),
        Agent(Text(en="Weather Institute"), "organization"),
    ),
    publisher=Agent(Text(en="Weather Institute"), "organization"),
    year=2026,
    dates=(Date("Issued", "2026-03-01"),),
    subjects=(Subject(Text("기온", "air temperature")),),
    languages=("ko",),
    rights=(
        Rights(
            Text("저작자 표시 4.0", "CC BY 4.0"), "https://creativecommons.org/licenses/by/4.0/", "CC-BY-4.0",
        ),
    ),
    places=(Place(Text(other={"und": "Seoul"}), (126.8, 37.4, 127.2, 37.7)),),
    periods=(Period("2025-01-01", "2025-12-31"),),
    sizes=("12 MB",),
    formats=("CSV",),
    version="1",
    relations=(Relation("IsDerivedFrom", Identifier("URL", "https://madang.example/versions/a/b@1")),),
    funding=(Funding(Text("과기정통부", "MSIT"), "A-1", Text("제네시스", "Genesis")),),
    files=(
        FileTold(
            "a b.csv", Text(), Text("열 곳의 기온", "Temperatures of ten stations"),
            "https://madang.example/a%20b.csv", "text/csv", 12, "0" * 64,
        ),
    ),
    variables=(
        Variable(
            "기온", Text("기온", "air temperature"), "number", "degC", "air_temperature", (), -5.0, 35.0,
            "a b.csv",
        ),
    ),
    page=ADDRESS,
)  # fmt: skip
BARE = Description(Text(en="Bare"))
WRITERS: dict[str, tuple[str, Callable[[Description], bytes]]] = {
    "datacite-json": ("datacite", datacite.to_json),
    "datacite-xml": ("datacite", datacite.to_xml),
    "dcat": ("dcat", lambda told: dcat.to_turtle(told, ADDRESS)),
    "croissant": ("croissant", lambda told: schema_org.to_croissant(told, ADDRESS)),
    "ro-crate": ("ro-crate", lambda told: schema_org.to_crate(told, ADDRESS)),
}


def _again(name: str, told: Description) -> Description:
    form, write = WRITERS[name]
    (found,) = reading.read(write(told), form)
    assert reading.recognize(write(told)) == form
    return found.description


@pytest.mark.parametrize("name", ["datacite-json", "datacite-xml"])
def test_datacite_keeps_all_that_it_has_a_place_for(name: str) -> None:
    """DataCite has no files and no variables, and one name an agent."""
    again = _again(name, WHOLE)
    kept = replace(WHOLE, files=(), variables=())
    if name == "datacite-xml":
        kept = replace(kept, page="")
    assert again.title == kept.title
    assert again.description.ko == "관측소 열 곳"
    assert set(again.identifiers) == set(kept.identifiers)
    assert [one.name for one in again.creators] == [one.name for one in kept.creators]
    assert again.creators[0].identifiers == kept.creators[0].identifiers
    fields = "year subjects languages rights places periods sizes formats version relations funding page kind"
    assert again.layer == kept.layer
    for field in fields.split():
        found, expected = getattr(again, field), getattr(kept, field)
        if field == "subjects":  # a term in two languages is two subjects there
            found = {word for one in found for _, word in one.term.every()}
            expected = {"기온", "air temperature"}
        if field == "funding":  # names there have one language
            expected = (Funding(Text(other={"und": "MSIT"}), "A-1", Text(other={"und": "Genesis"})),)
        assert found == expected, field


@pytest.mark.parametrize("name", ["datacite-json", "datacite-xml", "dcat"])
def test_a_collection_stays_one(name: str) -> None:
    for layer in ("repository", "collection"):
        assert _again(name, replace(WHOLE, layer=layer)).layer == layer
    assert _again(name, WHOLE).layer == "dataset"


@pytest.mark.parametrize("name", ["dcat", "croissant", "ro-crate"])
def test_the_others_keep_what_matters(name: str) -> None:
    again = _again(name, WHOLE)
    assert "Seoul" in again.title.in_language("en")
    assert any(one.value in ("10.5072/abc",) for one in again.identifiers)
    assert again.places[0].box == pytest.approx((126.8, 37.4, 127.2, 37.7))
    assert again.periods == WHOLE.periods
    assert {one.name.in_language("ko") for one in again.creators} == {"김철수", "Weather Institute"}
    assert again.rights[0].spdx == "CC-BY-4.0"
    assert again.files[0].url == "https://madang.example/a%20b.csv"
    assert again.files[0].description == WHOLE.files[0].description
    assert again.relations == WHOLE.relations
    assert again.rights[0].name == WHOLE.rights[0].name
    if name != "dcat":
        assert "기온" in {one.name for one in again.variables}
        (paid,) = again.funding
        assert paid == WHOLE.funding[0]
        assert again.creators[0].affiliations == WHOLE.creators[0].affiliations
    assert again.title == WHOLE.title
    assert again.description == Text("관측소 열 곳", 'Ten stations | with "quotes" &')  # no markup


def test_a_file_keeps_its_title_in_both_languages() -> None:
    told = replace(WHOLE, files=(replace(WHOLE.files[0], title=Text("시간별 값", "Hourly values")),))
    assert _again("dcat", told).files[0].title == Text("시간별 값", "Hourly values")
    assert _again("dcat", WHOLE).files[0].title == Text()


def test_a_licence_without_an_address_keeps_its_identifier() -> None:
    told = replace(WHOLE, rights=(Rights(Text(en="MIT License"), "", "MIT"), Rights()))
    for name in ("dcat", "datacite-json"):
        again = _again(name, told).rights
        assert ("MIT", "MIT License") in {(one.spdx, one.name.en) for one in again}, name
    assert all(one["rights"] for one in datacite.attributes(told)["rightsList"])


def test_descriptions_on_file_from_before_names_had_languages() -> None:
    old = {
        "title": {"en": "Old"},
        "rights": [{"name": "CC BY", "uri": "https://x.example"}],
        "funding": [{"funder": "MSIT", "award": "1"}],
        "creators": [{"affiliations": ["KIST"]}],
    }
    told = Description.from_json(old)
    assert told.rights[0].called("ko") == "CC BY"
    assert told.funding[0].funder.in_language("en") == "MSIT"
    assert told.creators[0].affiliations[0].in_language("en") == "KIST"
    assert Description.from_json(told.to_json()) == told


@pytest.mark.parametrize("name", sorted(WRITERS))
def test_what_is_not_known_is_told_as_that(name: str) -> None:
    again = _again(name, BARE)
    assert again.title.in_language("en") == "Bare"


@pytest.mark.parametrize("name", sorted(WRITERS))
@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared records are not here")
def test_real_records_are_written_and_read_again(name: str) -> None:
    """Whatever a real record told is told again, in every form: its title, years and places."""
    count = 0
    for path, records in _real():
        for told in records[:5]:
            again = _again(name, told.description)
            assert again.title.in_language("en")
            if name.startswith("datacite"):
                assert again.year == told.description.year, path
                assert len(again.creators) == max(1, len(told.description.creators)), path
            count += 1
    assert count > 25


def _real() -> Iterator[tuple[Path, Sequence[Told]]]:
    """What is in each of the real files that can be read; nothing where they are not here."""
    for path in sorted(SHARED.rglob("*")):
        if not path.is_file() or path.stat().st_size > 2**20:
            continue
        if path.suffix not in (".json", ".jsonld", ".xml", ".ttl", ".rdf", ".yaml"):
            continue
        try:
            records = reading.read(path.read_bytes())
        except (UnreadableRecord, UntitledRecord):
            continue
        yield path, records


def test_croissant_holds_to_its_own_validator(tmp_path: Path) -> None:
    mlcroissant = pytest.importorskip("mlcroissant")
    for number, told in enumerate((WHOLE, BARE)):
        path = tmp_path / f"{number}.json"
        path.write_bytes(schema_org.to_croissant(told, ADDRESS))
        dataset = mlcroissant.Dataset(jsonld=str(path))
        assert not dataset.metadata.ctx.issues.errors, dataset.metadata.ctx.issues.report()
    fields = mlcroissant.Dataset(jsonld=str(tmp_path / "0.json")).metadata.record_sets[0].fields
    assert [one.name for one in fields] == ["기온"]


@pytest.mark.skipif(not VALIDATORS.exists(), reason="`make validators` was not run")
def test_datacite_holds_to_its_schema() -> None:
    """Of the descriptions here and, where they are, of every real record."""
    told = [WHOLE, BARE, replace(WHOLE, subjects=WHOLE.subjects * 2, places=WHOLE.places * 2)]
    told.append(replace(WHOLE, dates=(Date("StartDate", "2026"),), kind="Spreadsheet", relations=(
        Relation("seeAlso", Identifier("", "https://madang.example/x")),
    )))  # fmt: skip
    told += [record.description for _, records in _real() for record in records]
    lines = "\n".join(json.dumps(datacite.attributes(one)) for one in told)
    script = Path(__file__).with_name("datacite_validation.py")
    done = subprocess.run([VALIDATORS, script], input=lines, capture_output=True, text=True, check=True)
    assert done.stdout == ""
    assert done.stderr.split()[-1] == str(len(told))


@pytest.mark.skipif(not VALIDATORS.exists(), reason="`make validators` was not run")
def test_a_crate_holds_to_its_own_validator(tmp_path: Path) -> None:
    script = Path(__file__).with_name("crate_validation.py")
    for number, told in enumerate((WHOLE, BARE)):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "ro-crate-metadata.json").write_bytes(schema_org.to_crate(told, ADDRESS))
        done = subprocess.run([VALIDATORS, script, folder], capture_output=True, text=True, check=True)
        assert done.stdout == ""
        assert int(done.stderr.split()[-1]) > 20  # so many checks were made


def test_a_card_is_read_again() -> None:
    told = replace(WHOLE, title=Text("서울 -- 기온 -->", "Air <b>--> of Seoul"))
    written = card.to_markdown(told, ADDRESS, card.Beside(), "ko")
    assert written.count(b"-->") == 1
    assert reading.recognize(written) == "card"
    (again,) = reading.read(written)
    assert again.description.title == Text("서울 -- 기온 -->", "Air --> of Seoul")  # no markup
    kept = replace(told, title=again.description.title, description=again.description.description)
    assert again.description == kept
    assert (again.identifier, again.description.description.ko) == ("10.5072/abc", "관측소 열 곳")


@pytest.mark.parametrize(
    "said",
    [
        '{"title": 1}', '{"title": {"en": "a"}, "places": [{"box": [NaN, 1, 2, 3]}]}',
        "{" * 3000 + "}" * 3000,
        '{"title": {"en": "a"}, "unknown": {"x": ' + "[" * 900 + "]" * 900 + "}}", "{}", '{"year": "x"}',
    ],
)  # fmt: skip
def test_a_card_that_somebody_else_wrote(said: str) -> None:
    data = f"# Card\n\n<!-- madang-description {said} -->\n".encode()
    try:
        (told,) = reading.read(data)
    except (UnreadableRecord, UntitledRecord):
        return
    assert told.description.title.en == "a"
    odd_one = b'{"title": {"en": "a"}, "layer": "x", "places": [{"box": [900, 1, 2, 3]}]}'
    (odd,) = reading.read(b"<!-- madang-description " + odd_one + b" -->")
    assert (odd.description.layer, odd.description.places) == ("dataset", ())


def test_a_card_is_text_and_nothing_else() -> None:
    """What somebody wrote is no markup in it."""
    told = replace(WHOLE, title=Text(en="A | B [x](javascript:y) <script>"))
    beside = card.Beside([card.Use("train", ["institute-a"], ["agreement/x/1"])], ["odd | thing"], ["a/b@1"])
    for language in ("en", "ko"):
        written = card.to_markdown(told, ADDRESS, beside, language).decode()
        assert "<script" not in written.replace("\\<", "")
        assert "\\[x\\](javascript:y)" in written
        assert "agreement/x/1" in written
        assert "10.5072/abc" in written
        assert written.count("\n## ") >= 8
    assert "## 변수" in card.to_markdown(told, ADDRESS, beside, "ko").decode()
    assert json.loads(datacite.to_json(told))["titles"][0]["title"] == "A | B [x](javascript:y) <script>"
