"""Variables by their ranges, in whatever unit and words they are asked for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from madang.assets.harvest import running
from madang.assets.metadata import units
from madang.assets.metadata.model import Description, Variable
from madang.assets.search import asking, entries, following
from madang.assets.search.port import Entry, Measured, Query, open_index
from madang.engines.tantivy import index as tantivy
from madang.kernel.authorizer import Principal
from madang.kernel.home import Home
from tests.assets.search.conftest import found

CELLS = {
    "@context": {"@vocab": "https://schema.org/"}, "@type": "Dataset",
    "name": "Ageing of cells", "description": "Charge and discharge", "url": "https://x.example/cells",
    "variableMeasured": [
        {"name": "cell_temperature", "unitText": "degC", "minValue": -10, "maxValue": 45},
        {"name": "pressure", "unitText": "hPa", "minValue": 900, "maxValue": 1100},
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("words", "there"),
    [("temperature between 200 and 400 K", True), ("temperature between 400 and 500 K", False),
     ("기온 40~60 ℃", True), ("온도 50 ℃ 이상", False), ("온도 40 ℃ 이상", True),
     ("temperature < 0 degC", True), ("temperature < 200 K", False),
     ("pressure between 95000 and 96000 Pa", True),
     ("temperature between 95000 and 96000 Pa", False), ("humidity between 200 and 400 K", False)],
)  # fmt: skip
def test_a_variable_by_its_range_in_any_unit(
    desk: tuple[Home, Principal], tmp_path: Path, words: str, there: bool
) -> None:
    """Name, unit and range are asked of one variable."""
    (tmp_path / "records/cells.json").write_text(json.dumps(CELLS))
    running.run(*desk, "ours")
    assert found(*desk, words) == (["cells"] if there else [])


@pytest.mark.parametrize(
    ("words", "ends"),
    [
        ("temperature between 200 and 400 K", (200, 400, "K")),
        ("200 K에서 400 K 사이 온도", (200, 400, "K")),
        ("온도가 200 K와 400 K 사이", (200, 400, "K")),
        ("temperature from 0 °C to 100 °C", (273.15, 373.15, "K")),
        ("temperature between 400 and 200 K", (200, 400, "K")),
        ("pressure 900 hPa to 101325 Pa", (9e4, 101325, "kg/m/s**2")),
        ("wind speed between 5 m/s and 10 m/s", (5, 10, "m/s")),
        ("수심 10~20m", (10, 20, "m")),
        ("between 1 and 2 bananas", None),
        ("CO2 and 3 K", None),
        ("5 m and 3 kg", None),
    ],
)
def test_a_range_may_bear_its_unit_at_both_ends(words: str, ends: tuple[float, float, str] | None) -> None:
    _, found = asking.ranges(words)
    if ends is None:
        assert not [one for one in found if None not in (one.low, one.high)]
        return
    (one,) = found
    assert (one.low, one.high) == (pytest.approx(ends[0]), pytest.approx(ends[1]))
    assert one.unit == ends[2]


def test_units_as_people_write_them() -> None:
    same = [("m s-1", "m/s"), ("µg/m3", "㎍/㎥"), ("deg C", "℃"), ("hPa", "mbar"), ("W m-2", "W/m^2")]
    for one, other in same:
        assert units.base(one) == units.base(other) is not None
    assert units.base("mJy/beam") is not None
    assert units.is_known("mag")
    assert not units.is_known("furlongs of nothing")
    celsius = units.base("degC")
    assert celsius is not None
    assert (celsius.unit, round(celsius.of(20), 2)) == ("K", 293.15)
    for none in (
        "foo",
        "10**9 m",
        "1e99",
        "dB",
        "__import__('os')",
        "9^9^9",
        "m**9**9**9",
        "m" * 500,
        "",
        "((",
        "가",
    ):
        assert units.base(none) is None or none == ""


def test_hidden_variables_push_nothing_out(
    desk: tuple[Home, Principal], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tantivy, "_MOST_OF_VARIABLES", 5)
    index = following.level(desk[0])
    variable = Measured("temperature", "K", 200, 300)
    hidden = [Entry(f"rec-h{n}", seen_by=["organization/x"], variables=[variable]) for n in range(50)]
    index.replace([*hidden, Entry("rec-seen", seen_by=["everyone"], variables=[variable])], [], "x")
    words, ranges = asking.ranges("temperature 250~260 K")
    assert index.search(Query((), ranges, seen_by=("everyone",))).hits[0][0] == "rec-seen"
    assert words.strip() == "temperature"


@pytest.mark.parametrize(
    ("words", "left", "unit", "low", "high"),
    [
        ("습도 50% 이상", "습도", "1", 0.5, None),
        ("염분 30 ‰ 이하인", "염분", "1", None, 0.03),
        ("온도가 300K보다 낮은", "온도가", "K", None, 300),
        ("풍속이 1m/s를 넘는", "풍속이", "m/s", 1, None),
        ("수온 0에서 1도 사이의", "수온", "K", 273.15, 274.15),
        ("영하 5도 이하 기온", "기온", "K", None, 268.15),
        ("위도 30도 이상", "위도", "rad", 0.5235987755982988, None),
        ("시각별 기온 30도 이상", "시각별 기온", "K", 303.15, None),
        ("풍속 30~50 m/s 사이클론", "풍속   사이클론", "m/s", 30, 50),
        ("기온 10도부터 20도까지", "기온", "K", 283.15, 293.15),
        ("기온 10도와 20도 사이", "기온", "K", 283.15, 293.15),
        ("수온 10~20도의", "수온", "K", 283.15, 293.15),
        ("영하 5~10도 기온", "기온", "K", 263.15, 268.15),
    ],
)
def test_ranges_as_koreans_say_them(
    words: str, left: str, unit: str, low: float | None, high: float | None
) -> None:
    told, (found,) = asking.ranges(words)
    assert (told.strip(), found.unit) == (left, unit)
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))


@pytest.mark.parametrize("words", ["서해 5도 해양", '"영하 20도" 관측', "영하 50도"])
def test_what_is_no_range_stays_as_it_was_typed(words: str) -> None:
    assert asking.ranges(words) == (words, ())


def test_a_share_is_found_by_its_range(desk: tuple[Home, Principal]) -> None:
    index = open_index(desk[0])
    held = Variable("humidity", unit="1", minimum=0.55, maximum=0.6)
    (measured,) = entries._measured(Description(variables=(held,)))
    index.replace([Entry("rec-humid", seen_by=["everyone"], variables=[measured])], [], "x")
    for words, count in (("humidity 50% 이상", 1), ("humidity 70~80 %", 0)):
        found = index.search(Query((), asking.ranges(words)[1], seen_by=("everyone",)))
        assert found.count == count
