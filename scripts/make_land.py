"""Draw the land of the maps: `src/madang/interfaces/web/land.path`, a path in degrees (east, north).

From GLOBE, the elevation model of the National Centers for Environmental Information (NOAA, public domain,
ngdc.noaa.gov/mgg/topo/globe.html), as the mask of land that the package global-land-mask holds. Half a degree
is land where most of it is; outlines are simplified (Douglas and Peucker, 1973), small islands left out.

    pip install global-land-mask rasterio; python scripts/make_land.py
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from global_land_mask import globe
from rasterio.features import shapes
from rasterio.transform import from_origin

TARGET = Path(__file__).parents[1] / "src/madang/interfaces/web/land.path"
CELL, TOLERANCE, LEAST_AREA = 0.5, 0.6, 1.5
"""Degrees of a cell; degrees by which an outline may be off; square degrees of the smallest island."""
_FINE = 12
"""Looks at each cell so many times either way."""

Point = tuple[float, float]


def land() -> np.ndarray:
    """(360, 720) cells from north to south and west to east: whether each is land."""
    step = CELL / _FINE
    latitudes = 90 - step * (np.arange(180 / step) + 0.5)
    longitudes = -180 + step * (np.arange(360 / step) + 0.5)
    there = np.array([globe.is_land(np.full(longitudes.shape, one), longitudes) for one in latitudes])
    return there.reshape(360, _FINE, 720, _FINE).mean(axis=(1, 3)) >= 0.5


def simplified(points: Sequence[Point]) -> list[Point]:
    """The points of a line from which no left out one is farther than TOLERANCE."""
    (x0, y0), (x1, y1) = points[0], points[-1]
    length = math.hypot(x1 - x0, y1 - y0)

    def away(one: Point) -> float:
        if not length:
            return math.hypot(one[0] - x0, one[1] - y0)
        return abs((x1 - x0) * (y0 - one[1]) - (x0 - one[0]) * (y1 - y0)) / length

    at = max(range(len(points)), key=lambda place: away(points[place]))
    if away(points[at]) <= TOLERANCE:
        return [points[0], points[-1]]
    return [*simplified(points[: at + 1])[:-1], *simplified(points[at:])]


def area(ring: Sequence[Point]) -> float:
    """Square degrees inside a closed ring."""
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise(ring))) / 2


def main() -> None:
    mask = land()
    rings = [
        ring
        for shape, _ in shapes(mask.astype(np.uint8), mask, transform=from_origin(-180, 90, CELL, CELL))
        for ring in shape["coordinates"]
        if area(ring) >= LEAST_AREA
    ]
    drawn = []
    for ring in sorted(rings, key=area, reverse=True):
        middle = len(ring) // 2  # a ring is two lines
        points = [*simplified(ring[: middle + 1])[:-1], *simplified(ring[middle:])[:-1]]
        if len(points) >= 3:
            drawn.append("M" + "L".join(f"{x:g} {y:g}" for x, y in points) + "Z")
    TARGET.write_text("".join(drawn) + "\n")
    print(f"{TARGET}: {len(drawn)} outlines, {TARGET.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
