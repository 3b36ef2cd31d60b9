"""The map of where data lies: the land where it is, and boxes over it."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from madang.interfaces.web import map_chart

RINGS = [
    [tuple(map(float, point.split())) for point in ring.split("L")]
    for ring in (files("madang.interfaces.web") / "land.path").read_text().strip("M\nZ").split("ZM")
]


def on_land(longitude: float, latitude: float) -> bool:
    """By counting the outlines that a line to the east crosses."""
    crossed = 0
    for ring in RINGS:
        for (x0, y0), (x1, y1) in zip(ring, ring[1:] + ring[:1], strict=True):
            if (y0 > latitude) != (y1 > latitude):
                crossed += longitude < x0 + (latitude - y0) / (y1 - y0) * (x1 - x0)
    return crossed % 2 == 1


@pytest.mark.parametrize(
    ("place", "there"),
    [((127.5, 37.0), True), ((36.8, -1.3), True), ((-105.0, 39.7), True), ((134.0, -25.0), True),
     ((100.0, 60.0), True), ((0.0, -85.0), True), ((-150.0, 0.0), False), ((-40.0, 30.0), False),
     ((132.0, 39.5), False), ((80.0, -30.0), False)],
)  # fmt: skip
def test_land_is_where_it_is(place: tuple[float, float], there: bool) -> None:
    assert on_land(*place) is there


def test_a_box_stands_in_degrees_over_the_land() -> None:
    drawn = map_chart.world([(120.0, 30.0, 150.0, 45.0)], "Where")
    scale = 'class="land" transform="translate(400 194) scale(2 -2)"'
    assert scale in drawn
    place = re.search(r'class="place" x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"', drawn)
    assert place is not None
    assert [float(one) for one in place.groups()] == [400 + 2 * 120, 194 - 2 * 45, 60, 30]


def test_a_box_over_the_antimeridian_is_two() -> None:
    assert map_chart.world([(170.0, -10.0, -170.0, 10.0)], "Where").count('class="place"') == 2
