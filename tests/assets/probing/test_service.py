"""A version's files, looked into: variables for all who know of it, values for those who may download it."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest

from madang.assets import checking, service
from madang.assets.model import Version
from madang.assets.probing import service as probing
from madang.assets.probing.errors import NotADeposit
from madang.assets.search import service as finding
from madang.interfaces.demo import cast
from madang.kernel.authorizer import OUTSIDER, Principal
from madang.kernel.errors import MadangError, NotPermitted
from madang.programme.verification import verify_home
from tests.conftest import Played

_ROWS = (
    "지점,위도,경도,기온(℃),일시\n서울,37.5,127.0,20,2026-05-01 09:00\n부산,35.1,129.0,30,2026-05-02 09:00\n"
)


def _deposit(played: Played, folder: Path, owner: str = "company-b", name: str = "weather") -> Version:
    return service.deposit(played.home, played.actor(owner), folder, name, cast.AGREEMENT)


@pytest.fixture
def weather(copied: Played, tmp_path: Path) -> Version:
    folder = tmp_path / "weather"
    folder.mkdir()
    (folder / "a.csv").write_text(_ROWS, "cp949")
    (folder / "b.csv").write_text(_ROWS.replace("30", "-10"), "utf-8")
    return _deposit(copied, folder)


def test_a_check_looks_into_a_version_and_its_variables_go_on_record(
    copied: Played, weather: Version
) -> None:
    checking.check(copied.home, copied.actor("company-b"), weather.name)
    with copied.home.database.read() as session:
        found = probing.probed(session, weather.version_id)
        named = {one.name: one for one in probing.quantities_of(session, weather.version_id)}
    assert found is not None
    assert (found.files, found.opened, found.probe) == (2, 2, 1)
    assert found.box == [127.0, 35.1, 129.0, 37.5]
    assert found.period == ["2026-05-01T09:00:00", "2026-05-02T09:00:00"]
    air = named["기온"]
    assert (air.unit, air.base_unit, air.standard_name, air.files) == ("℃", "K", "air_temperature", 2)
    assert (air.minimum, air.maximum) == pytest.approx((263.15, 303.15))
    assert verify_home(copied.home).holds


def test_data_that_no_pack_knows_are_taken_by_what_is_in_them(copied: Played, weather: Version) -> None:
    """With what is odd in them told; nobody is there to compare with."""
    (outcome,) = checking.check(copied.home, copied.actor("company-b"), weather.name)
    assert (outcome.version.state, outcome.version.facts) == ("accepted", {"formats": "table"})
    assert verify_home(copied.home).holds


def test_a_program_among_data_is_blocked(copied: Played, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "data.csv").write_text("a,b\n1,2\n")
    (folder / "model.pkl").write_bytes(pickle.dumps(print))
    version = _deposit(copied, folder, name="mixed")
    (outcome,) = checking.check(copied.home, copied.actor("company-b"), version.name)
    assert outcome.version.state == "quarantined"
    assert [(one.check, one.severity, one.place) for one in outcome.findings] == [
        ("program", "block", "model.pkl")
    ]


def test_values_are_for_those_who_may_download(copied: Played, weather: Version) -> None:
    home = copied.home
    probing.probe(home, copied.actor("company-b"), weather.name)
    (first, _) = probing.reports(home, copied.actor("company-b"), weather.name)
    assert first.preview.rows[0][0] == "서울"
    with pytest.raises(NotPermitted) as refused:
        probing.reports(home, copied.actor("company-c"), weather.name)
    assert cast.AGREEMENT in str(refused.value)
    with pytest.raises(MadangError):
        probing.reports(home, OUTSIDER, weather.name)


def test_only_its_steward_has_it_looked_into(copied: Played, weather: Version) -> None:
    with pytest.raises(NotPermitted):
        probing.probe(copied.home, copied.actor("company-c"), weather.name)


def test_again_holds_from_then_on(copied: Played, weather: Version, monkeypatch: pytest.MonkeyPatch) -> None:
    actor = copied.actor("company-b")
    probing.probe(copied.home, actor, weather.name)
    values = copied.home.values.model_copy(update={"probe_files": 1})
    monkeypatch.setattr(type(copied.home), "values", property(lambda _: values))
    again = probing.probe(copied.home, actor, weather.name)
    assert (again.probe, again.opened) == (2, 1)
    with copied.home.database.read() as session:
        assert {one.files for one in probing.quantities_of(session, weather.version_id)} == {1}
    assert verify_home(copied.home).holds


def test_it_is_found_by_a_variable_and_its_range(copied: Played, weather: Version) -> None:
    actor = copied.actor("company-c")
    asked = finding.Asked("기온 260 K 이상")
    assert weather.name not in _names(copied, actor, asked)
    probing.probe(copied.home, copied.actor("company-b"), weather.name)
    assert weather.name in _names(copied, actor, asked)
    assert weather.name in _names(copied, actor, finding.Asked("air temperature between 270 and 290 K"))
    assert weather.name not in _names(copied, actor, finding.Asked("air temperature above 400 K"))


def _names(played: Played, actor: Principal, asked: finding.Asked) -> list[str]:
    answer = finding.search(played.home, actor, asked)
    return [one.what.name for one in answer.found if isinstance(one.what, Version)]


def test_of_many_files_some_spread_over_all_are_opened(copied: Played, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(120):
        (folder / f"{number:03}.csv").write_text(f"column {number}\n{number}\n")
    version = _deposit(copied, folder, name="many")
    probe = probing.probe(copied.home, copied.actor("company-b"), version.name)
    assert (probe.files, probe.opened) == (120, 50)
    with copied.home.database.read() as session:
        named = [int(one.name.split()[1]) for one in probing.quantities_of(session, version.version_id)]
    assert (named[0], len(named), named[-1] > 110) == (0, 50, True)


def test_a_finding_quotes_nothing_of_the_data(copied: Played, tmp_path: Path) -> None:
    """It is told to all who may know of the version; the report that quotes is for who may download."""
    folder = tmp_path / "phones"
    folder.mkdir()
    (folder / "a.csv").write_text("지역,전화,수\n서울,+82-10-1234-5678,1\n")
    actor = copied.actor("company-b")
    version = _deposit(copied, folder, name="phones")
    (outcome,) = checking.check(copied.home, actor, version.name)
    assert [one.check for one in outcome.findings] == ["cell-formula"]
    assert "1234" not in json.dumps([dict(one.evidence) for one in outcome.findings])
    (report,) = probing.reports(copied.home, actor, version.name)
    assert "1234" in json.dumps(report.to_json())


def test_a_first_row_that_may_be_a_person_is_no_name(copied: Played, tmp_path: Path) -> None:
    folder = tmp_path / "people"
    folder.mkdir()
    (folder / "a.csv").write_text("홍길동,서울\n김철수,부산\n")
    version = _deposit(copied, folder, name="people")
    probing.probe(copied.home, copied.actor("company-b"), version.name)
    with copied.home.database.read() as session:
        names = [one.name for one in probing.quantities_of(session, version.version_id)]
    assert names == ["column 1", "column 2"]


def test_what_json_cannot_hold_does_not_stop_a_check(copied: Played, tmp_path: Path) -> None:
    folder = tmp_path / "huge"
    folder.mkdir()
    array = json.dumps({"shape": [2**53 + 1], "dtype": "<f4"})
    (folder / "k.json").write_text(json.dumps({".zgroup": "{}", "a/.zarray": array}))
    (folder / "far.csv").write_text("dist(km),v\n1e308,1\n2,3\n")
    actor = copied.actor("company-b")
    version = _deposit(copied, folder, name="huge")
    assert checking.check(copied.home, actor, version.name)[0].version.state == "accepted"
    with copied.home.database.read() as session:
        ends = {one.name: one.maximum for one in probing.quantities_of(session, version.version_id)}
    assert ends["dist"] == 2000.0
    assert verify_home(copied.home).holds


def test_a_program_is_seen_among_many_files(copied: Played, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(63):
        (folder / f"{number:03}.csv").write_text("a,b\n1,2\n")
    (folder / "004.bin").write_bytes(pickle.dumps(print))
    version = _deposit(copied, folder, name="hidden")
    (outcome,) = checking.check(copied.home, copied.actor("company-b"), version.name)
    assert outcome.version.state == "quarantined"


def test_pools_and_models_are_not_looked_into(copied: Played) -> None:
    lead = copied.actor(cast.LEAD)
    for name in (copied.stage.notes["pool"], f"{cast.LEAD}/policy@1"):
        with pytest.raises(NotADeposit):
            probing.probe(copied.home, lead, name)
