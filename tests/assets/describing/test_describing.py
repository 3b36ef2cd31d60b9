"""What a steward writes of a version, what is computed beside, and how it is handed on."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from madang.assets import checking, reads, service
from madang.assets.catalogue import service as catalogue
from madang.assets.catalogue.errors import NoSuchRecord
from madang.assets.describing import exporting, meaning, whole
from madang.assets.describing import service as describing
from madang.assets.describing.errors import UnknownForm, Untitled
from madang.assets.errors import NoSuchVersion
from madang.assets.metadata import reading
from madang.assets.metadata.model import Description, Text, Variable
from madang.assets.model import Finding, Version
from madang.assets.probing import service as probing
from madang.assets.probing.model import Report
from madang.assets.search import service as finding
from madang.interfaces.demo import cast
from madang.interfaces.operations import Caller, descriptions
from madang.kernel.authorizer import OUTSIDER
from madang.kernel.errors import BadValue, NotPermitted
from madang.programme import uses
from madang.programme.verification import verify_home
from madang.sdk import documents
from tests.conftest import Played
from tests.interfaces.commands import here, refused

SAID = Description(Text("부산 기온", "Air of Busan"), Text("열 곳의 관측", "Ten stations"))
ROWS = "지점,위도,경도,기온(℃)\n부산,35.1,129.0,30\n"


@pytest.fixture
def weather(copied: Played, tmp_path: Path) -> Version:
    folder = tmp_path / "weather"
    folder.mkdir()
    (folder / "a.csv").write_text(ROWS)
    actor = copied.actor("company-b")
    version = service.deposit(copied.home, actor, folder, "weather", cast.AGREEMENT)
    return checking.check(copied.home, actor, version.name)[0].version


def _describe(played: Played, name: str, told: Description = SAID, who: str = "company-b") -> None:
    with played.home.database.write() as session:
        describing.describe(session, played.actor(who), name, told)


@pytest.mark.filterwarnings("ignore:The inplace keyword")
def test_others_read_the_rows_by_the_croissant_document(copied: Played, tmp_path: Path) -> None:
    """mlcroissant finds each table's columns by their heads; what it would misread has no records."""
    mlcroissant = pytest.importorskip("mlcroissant")
    folder = tmp_path / "tables"
    folder.mkdir()
    (folder / "a.csv").write_text("지점,기온(℃)\n부산,30\n")
    (folder / "b.csv").write_text("곳\t습도(%)\n부산\t55\n")
    (folder / "old.csv").write_text("옛 지점,강수량(mm)\n부산,1\n", "cp949")
    (folder / "other.csv").write_text("a;b\n1;2\n3;4\n")
    parquet.write_table(pa.table({"풍속(m/s)": [1.5, 2.5]}), folder / "c.parquet")
    actor = copied.actor("company-b")
    version = service.deposit(copied.home, actor, folder, "tables", cast.AGREEMENT)
    checking.check(copied.home, actor, version.name)
    document = json.loads(exporting.export(copied.home, actor, version.name, "croissant.json", "en"))
    media = {one["name"]: one["encodingFormat"] for one in document["distribution"]}
    assert (media["a.csv"], media["b.csv"]) == ("text/csv", "text/tab-separated-values")
    assert (media["old.csv"], media["other.csv"]) == ("text/csv; charset=windows-949", "text/plain")
    for one in document["distribution"]:
        one["contentUrl"] = str(folder / one["name"])
    (tmp_path / "croissant.json").write_text(json.dumps(document))
    dataset = mlcroissant.Dataset(jsonld=str(tmp_path / "croissant.json"))
    rows = {
        tuple(str(value.decode() if isinstance(value, bytes) else value) for value in row.values())
        for one in dataset.metadata.record_sets
        for row in dataset.records(one.uuid)
    }
    assert rows == {("부산", "30.0"), ("부산", "55.0"), ("1.5",), ("2.5",)}


def test_a_part_that_was_looked_into_is_told_as_one(
    copied: Played, weather: Version, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = exporting.export(copied.home, copied.actor("company-b"), weather.name, "card.md", "en").decode()
    assert "in part" not in card
    report = Report("a.csv", findings=(Finding("not-whole", "info", "", {"rows": 1}),))
    monkeypatch.setattr(probing, "_look", lambda *_: [report])
    made = probing.probe(copied.home, copied.actor("company-b"), weather.name)
    assert (made.opened, made.parts, made.whole) == (1, 1, False)
    card = exporting.export(copied.home, copied.actor("company-b"), weather.name, "card.md", "ko").decode()
    assert "그중 1개는 일부만 읽었습니다" in card


def test_what_is_known_is_put_together(copied: Played, weather: Version) -> None:
    _describe(copied, weather.name)
    found, told = whole.describe(copied.home, copied.actor("company-b"), weather.name)
    assert found.name == weather.name
    assert told.title == SAID.title
    assert told.description == SAID.description
    assert told.creators[0].name.en
    assert f"blake3:{weather.manifest}" in {one.value for one in told.identifiers}
    assert told.places[0].box == (129.0, 35.1, 129.0, 35.1)
    assert {(one.name, one.unit, one.maximum) for one in told.variables} >= {("기온", "℃", 30.0)}
    (file,) = told.files
    assert (file.name, file.media_type) == ("a.csv", "text/csv")
    assert file.sha256 == hashlib.sha256(ROWS.encode()).hexdigest()
    assert any(cast.AGREEMENT in one.uri for one in told.rights)
    # Whoever may not have the contents learns no digest of theirs, and a list of files is on record.
    (listed,) = whole.describe(copied.home, copied.actor("company-c"), weather.name)[1].files
    assert (listed.name, listed.sha256) == ("a.csv", "")
    reads.record(copied.home)
    with copied.home.database.read() as session:
        told_uses = uses.of(session, copied.actor("company-b"), weather)
    assert ("company-c", "look") in {(one.organization, one.action) for one in told_uses}
    assert verify_home(copied.home).holds


def test_a_later_version_has_the_last_description_until_its_own(
    copied: Played, weather: Version, tmp_path: Path
) -> None:
    _describe(copied, weather.name)
    (tmp_path / "weather/a.csv").write_text(ROWS + "서울,37.5,127,20\n")
    actor = copied.actor("company-b")
    second = service.deposit(copied.home, actor, tmp_path / "weather", "weather", cast.AGREEMENT)
    assert whole.describe(copied.home, actor, second.name)[1].title == SAID.title
    relations = whole.describe(copied.home, actor, second.name)[1].relations
    assert [(one.kind, one.identifier.value.rpartition("/")[2]) for one in relations] == [
        ("IsNewVersionOf", "weather@1")
    ]
    _describe(copied, second.name, Description(Text(en="Two cities")))
    assert whole.describe(copied.home, actor, second.name)[1].title.en == "Two cities"
    assert whole.describe(copied.home, actor, weather.name)[1].title == SAID.title
    _describe(copied, second.name, Description(Text(en="Two cities, again")))
    assert verify_home(copied.home).holds


def test_who_may_describe_and_who_may_know(copied: Played, weather: Version) -> None:
    with pytest.raises(NotPermitted):
        _describe(copied, weather.name, who="company-c")
    with pytest.raises(Untitled):
        _describe(copied, weather.name, Description())
    for form in exporting.MEDIA:
        with pytest.raises(NoSuchVersion):
            exporting.export(copied.home, OUTSIDER, weather.name, form, "en")
    with pytest.raises(NoSuchRecord):
        exporting.export(copied.home, copied.actor("company-c"), "rec-nothing", "card.md", "en")
    with pytest.raises(UnknownForm):
        exporting.export(copied.home, copied.actor("company-c"), weather.name, "x.pdf", "en")


@pytest.mark.parametrize("form", [name for name in exporting.MEDIA if name != exporting.CARD])
def test_every_form_is_read_again(copied: Played, weather: Version, form: str) -> None:
    """Of a version of one's own, and of a harvested record."""
    _describe(copied, weather.name)
    actor = copied.actor("company-c")
    (told,) = reading.read(exporting.export(copied.home, actor, weather.name, form, "en"))
    assert told.description.title.in_language("en") == "Air of Busan"
    record = copied.stage.notes["record"]
    (again,) = reading.read(exporting.export(copied.home, actor, record, form, "en"))
    assert again.description.title


def test_croissant_tells_the_columns_of_tables(copied: Played, weather: Version) -> None:
    actor = copied.actor("company-b")
    told = json.loads(exporting.export(copied.home, actor, weather.name, "croissant.json", "en"))
    (records,) = told["recordSet"]
    assert [one["source"]["extract"]["column"] for one in records["field"]][-1] == "기온(℃)"
    assert told["distribution"][0]["sha256"] == hashlib.sha256(ROWS.encode()).hexdigest()


def test_a_card_tells_terms_and_lineage(copied: Played) -> None:
    card = exporting.export(copied.home, copied.actor(cast.LEAD), copied.stage.notes["pool"], "card.md", "ko")
    words = card.decode()
    assert "무엇을 할 수 있는가" in words
    assert f"agreement/{cast.AGREEMENT}/1" in words
    assert "company-b/push@1" in words


def test_an_ark_is_the_same_for_ever(
    copied: Played, weather: Version, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = copied.home.values.model_copy(
        update={"ark_naan": "12345", "public_url": "https://madang.example/"}
    )
    monkeypatch.setattr(type(copied.home), "values", property(lambda _: values))
    told = whole.describe(copied.home, copied.actor("company-b"), weather.name)[1]
    assert told.identifiers[0].value == f"ark:/12345/{weather.version_id.removeprefix('ver-')}"
    assert told.page == f"https://madang.example/versions/{weather.name}"


def test_it_is_found_by_what_was_written(copied: Played, weather: Version) -> None:
    actor = copied.actor("company-c")

    def found(words: str) -> list[str]:
        answer = finding.search(copied.home, actor, finding.Asked(words))
        return [one.what.name for one in answer.found if isinstance(one.what, Version)]

    assert weather.name not in found("부산")
    _describe(copied, weather.name)
    assert weather.name in found("부산")
    assert weather.name in found('"ten stations"')


def test_the_command_line(copied: Played, weather: Version, tmp_path: Path) -> None:
    home, token = ("--home", copied.home.path), copied.stage.token("company-b")
    told = here(*home, "describe", weather.name, "--title-ko", "부산 기온", "--keyword", "기온", token=token)
    assert told.returncode == 0, told.stderr
    assert "부산 기온" in told.stdout
    for form in ("datacite-json", "datacite-xml", "dcat", "croissant", "ro-crate", "card"):
        out = tmp_path / form
        assert (
            here(*home, "export", weather.name, "--format", form, "--out", out, token=token).returncode == 0
        )
        assert "부산 기온" in out.read_text()
    source = tmp_path / "from.json"
    source.write_bytes((tmp_path / "datacite-json").read_bytes())
    assert here(*home, "describe", weather.name, "--from", source, token=token).returncode == 0
    refused(here(*home, "describe", weather.name, token=token), "no title")
    refused(here(*home, "describe", weather.name, "--from", tmp_path / "absent", token=token), "absent")
    (tmp_path / "bad.json").write_text("{")
    refused(here(*home, "describe", weather.name, "--from", tmp_path / "bad.json", token=token))
    refused(here(*home, "export", "nothing@1", token=token), "nothing@1")


def test_what_files_and_variables_mean(copied: Played, weather: Version, tmp_path: Path) -> None:
    """In both languages, by hand or by a document; searched, shown and handed on."""
    home, token = ("--home", copied.home.path), copied.stage.token("company-b")
    told = here(
        *home, "describe", weather.name, "--title-en", "Air of Busan", "--variable-ko", "기온=대기 온도",
        "--variable-en", "기온=air temperature", "--file-ko", "a.csv=열 곳", "--file-en", "b.csv=gone",
        token=token,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    actor = copied.actor("company-b")
    _, description = whole.describe(copied.home, actor, weather.name)
    titles = {one.name: one.title for one in description.variables}
    assert titles["기온"] == Text("대기 온도", "air temperature")
    assert not titles["위도"]
    (file,) = description.files
    assert (file.description, file.size_bytes) == (Text("열 곳"), len(ROWS.encode()))
    answer = finding.search(copied.home, copied.actor("company-c"), finding.Asked('"air temperature"'))
    assert weather.name in [one.what.name for one in answer.found if isinstance(one.what, Version)]
    croissant = json.loads(exporting.export(copied.home, actor, weather.name, "croissant.json", "en"))
    assert croissant["distribution"][0]["description"] == {"ko": "열 곳"}
    card = tmp_path / "card.md"
    card.write_bytes(exporting.export(copied.home, actor, weather.name, "card.md", "ko"))
    assert "대기 온도" in card.read_text() and "a.csv, " in card.read_text()
    assert here(*home, "describe", weather.name, "--from", card, token=token).returncode == 0
    assert whole.describe(copied.home, actor, weather.name)[1].variables == description.variables
    refused(here(*home, "describe", weather.name, "--variable-ko", "기온", token=token), "key=value")


def test_a_meaning_stands_beside_what_was_found() -> None:
    found = [
        Variable("x", Text(en="Air"), file="a.csv"),
        Variable("x", file="b.csv"),
        Variable("y", file="b.csv"),
    ]
    said = [
        Variable("x", Text(ko="기온"), file="a.csv"),
        Variable("y", Text(ko="비")),
        Variable("z", Text(ko="눈")),
    ]
    told = meaning.of_variables(found, said)
    assert [one.title for one in told] == [Text("기온", "Air"), Text(), Text("비")]
    moved = [replace(one, file="c.csv") for one in found[:1]]
    assert meaning.of_variables(moved, said)[0].title == Text("기온", "Air")


def test_a_document_of_several_things_says_which(copied: Played, weather: Version) -> None:
    caller = Caller(copied.home, copied.actor("company-b"))
    several = json.dumps(
        {"dataset": [{"title": "Rain", "identifier": "a"}, {"title": "Snow", "identifier": "b"}]}
    )
    with pytest.raises(BadValue, match="2 things"):
        descriptions.write(caller, documents.NewDescription(version=weather.name, document=several))


def test_what_is_typed_is_kept_as_it_is(copied: Played, weather: Version) -> None:
    caller = Caller(copied.home, copied.actor("company-b"))
    new = documents.NewDescription(
        version=weather.name, title_en="Fe<sub>2</sub>O<sub>3</sub> at T<Tc, x>0.5", keywords=["a<b>c"]
    )
    told = descriptions.write(caller, new).description
    assert told["title"]["en"] == "Fe<sub>2</sub>O<sub>3</sub> at T<Tc, x>0.5"
    assert told["subjects"][0]["term"]["other"]["und"] == "a<b>c"
    both = documents.NewDescription(version=weather.name, title_en="x", document="{}")
    with pytest.raises(BadValue):
        descriptions.write(caller, both)


def test_the_card_of_a_record_tells_where_it_is_from(copied: Played) -> None:
    actor = copied.actor("company-c")
    with copied.home.database.read() as session:
        (record, *_) = catalogue.records_of(session, actor, "example-catalogue")
    written = exporting.export(copied.home, actor, record.record_id, exporting.CARD, "en").decode()
    assert "Harvested from the source example-catalogue" in written
    assert "deposited" not in written
    assert "Nothing odd" not in written
