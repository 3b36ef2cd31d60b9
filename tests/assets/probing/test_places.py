"""Where data lie: longitudes that go on over the date line, and coordinates that no place has."""

from __future__ import annotations

from pathlib import Path

import pytest

from madang.assets.metadata import reading
from madang.assets.metadata.model import Description, Place, Text
from madang.assets.metadata.writing import dcat
from madang.assets.probing import measuring
from madang.assets.probing.notes import Notes
from madang.assets.probing.service import _around
from tests.assets.probing.looking import odd, one

Box = tuple[float, float, float, float]


@pytest.mark.parametrize(
    ("longitudes", "told"),
    [
        ((120, 290), (120, -70)), ((355, 365), (-5, 5)), ((0, 359), (-180, 180)), ((200, 220), (-160, -140)),
        ((-20, 30), (-20, 30)), ((-180, 180), (-180, 180)), ((0, 725), None), ((-9999, 3), None),
    ],
)  # fmt: skip
def test_longitudes_go_on_over_the_date_line(
    longitudes: tuple[float, float], told: tuple[float, float] | None
) -> None:
    found = measuring.box_of(longitudes, (-5, 5))
    assert found == ((told[0], -5, told[1], 5) if told else None)


@pytest.mark.parametrize(
    ("boxes", "told"),
    [
        ([(1, 2, 3, 4), (-5, 3, 2, 9)], [-5, 2, 3, 9]),
        ([(170, 0, -170, 1), (-175, -3, -160, 0)], [170, -3, -160, 1]),
        ([(170, 0, -170, 1), (150, 0, 160, 1)], [150, 0, -170, 1]),
        ([(170, 0, -170, 1), (-180, 0, 180, 1)], [-180, 0, 180, 1]),
        ([], None),
    ],
)
def test_the_box_around_boxes(boxes: list[Box], told: list[float] | None) -> None:
    assert _around(boxes) == told


def test_a_box_over_the_date_line_comes_back_from_dcat() -> None:
    box = (170.0, -5.0, -170.0, 5.0)
    written = dcat.to_turtle(Description(Text(en="Pacific"), places=(Place(box=box),)), "https://x.example/1")
    assert b"190.0" in written
    (again,) = reading.read(written)
    assert [place.box for place in again.description.places] == [box]


@pytest.mark.parametrize(
    ("head", "value", "found"),
    [
        ("lat", "-9999", True), ("위도(도)", "-999", True), ("경도", "725", True), ("lon", "290", False),
        ("lat (m)", "4100000", False), ("위도", "37.5", False),
    ],
)  # fmt: skip
def test_a_coordinate_that_no_place_has(tmp_path: Path, head: str, value: str, found: bool) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"{head},v\n37.5,1\n{value},2\n")
    assert ("coordinate-beyond" in odd(one(path))) == found


@pytest.mark.parametrize(
    ("head", "kept"),
    [("기온(℃)", "기온(℃)"), ("기온", ""), ("a\0b", ""), ("a\ud83d(m)", ""), ("풍속  평균", "풍속  평균")],
)
def test_the_head_of_a_column_is_kept_where_its_name_is_another(head: str, kept: str) -> None:
    notes = Notes("a", "table", 1, 5)
    notes.variable(measuring.named(head)[0], "number", head=head)
    (probed,) = notes.report().variables
    assert probed.variable.head == kept
