"""Where data lies: boxes on a plain world map (equirectangular), drawn on the server.

The land is made by ``scripts/make_land.py``, to half a degree. Lines stand every thirty degrees.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from markupsafe import Markup, escape

Box = tuple[float, float, float, float]

_WIDTH, _HEIGHT, _LEFT, _TOP = 720, 360, 40, 14
_LEAST = 5.0
"""Units of the view box: what is smaller is drawn as large as this, with its place in the middle."""


def _x(longitude: float) -> float:
    return round(_LEFT + (longitude + 180) * 2, 1)


def _y(latitude: float) -> float:
    return round(_TOP + (90 - latitude) * 2, 1)


def world(boxes: Sequence[Box], title: str) -> Markup:
    """Boxes (west, south, east, north in degrees) on the world. One that crosses the antimeridian is two."""
    body = [f'<rect class="sea" x="{_LEFT}" y="{_TOP}" width="{_WIDTH}" height="{_HEIGHT}"/>', _land()]
    for longitude in range(-180, 181, 30):
        body.append(
            f'<line class="grid" x1="{_x(longitude)}" y1="{_TOP}" x2="{_x(longitude)}" y2="{_y(-90)}"/>'
        )
        if longitude % 60 == 0:
            told = f"{abs(longitude)}°{'E' if longitude > 0 else 'W' if longitude < 0 else ''}"
            body.append(f'<text x="{_x(longitude)}" y="{_y(-90) + 16}" text-anchor="middle">{told}</text>')
    for latitude in range(-60, 90, 30):
        kind = "target" if latitude == 0 else "grid"
        body.append(
            f'<line class="{kind}" x1="{_LEFT}" y1="{_y(latitude)}" x2="{_x(180)}" y2="{_y(latitude)}"/>'
        )
        told = f"{abs(latitude)}°{'N' if latitude > 0 else 'S' if latitude < 0 else ''}"
        body.append(f'<text x="{_LEFT - 6}" y="{_y(latitude) + 4}" text-anchor="end">{told}</text>')
    for box in boxes:
        body += [_rectangle(part) for part in _parts(box)]
    shape = f"0 0 {_WIDTH + _LEFT + 24} {_HEIGHT + _TOP + 24}"
    drawn = (
        f'<svg class="chart" viewBox="{shape}" role="img" aria-label="{escape(title)}">{"".join(body)}</svg>'
    )
    return Markup(drawn)  # noqa: S704  (the title is escaped, the rest are numbers)


@cache
def _land() -> str:
    """The outlines, which are in degrees, at their place."""
    path = (files("madang.interfaces.web") / "land.path").read_text("ascii").strip()
    return f'<path class="land" transform="translate({_x(0)} {_y(0)}) scale(2 -2)" d="{path}"/>'


def _parts(box: Box) -> list[Box]:
    west, south, east, north = box
    if west <= east:
        return [box]
    return [(west, south, 180.0, north), (-180.0, south, east, north)]


def _rectangle(box: Box) -> str:
    west, south, east, north = box
    x, y = _x(west), _y(north)
    width, height = _x(east) - x, _y(south) - y
    x, y = x - max(0.0, _LEAST - width) / 2, y - max(0.0, _LEAST - height) / 2
    size = f'width="{max(width, _LEAST):.1f}" height="{max(height, _LEAST):.1f}"'
    return f'<rect class="place" x="{x:.1f}" y="{y:.1f}" {size}/>'
