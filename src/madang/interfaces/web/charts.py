"""Charts as SVG, drawn on the server. Colours are classes; every chart has a text beside it that says it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape


@dataclass(frozen=True)
class Frame:
    """The plane a chart is drawn on, in view-box units."""

    width: int
    height: int
    left: int = 40
    right: int = 76
    top: int = 14
    bottom: int = 26

    def x(self, share: float) -> float:
        """Horizontal place of a share of the width, 0 to 1."""
        return round(self.left + share * (self.width - self.left - self.right), 1)

    def y(self, share: float) -> float:
        """Vertical place of a share of the height, 0 (bottom) to 1."""
        return round(self.height - self.bottom - share * (self.height - self.top - self.bottom), 1)


WIDE = Frame(720, 240)
COMPACT = Frame(340, 220, left=34, right=50)


def _svg(frame: Frame, kind: str, title: str, body: list[str]) -> str:
    return (
        f'<svg class="chart {kind}" viewBox="0 0 {frame.width} {frame.height}" role="img" '
        f'aria-label="{escape(title)}">{"".join(body)}</svg>'
    )


def _both(title: str, draw: object) -> Markup:
    """The chart twice: for wide screens and, with a compact view box, for phones."""
    assert callable(draw)
    parts = [_svg(frame, kind, title, draw(frame)) for frame, kind in ((WIDE, "wide"), (COMPACT, "compact"))]
    return Markup("".join(parts))  # noqa: S704  (texts are escaped where they enter)


def _text(x: float, y: float, words: str, kind: str = "tick", anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{x}" y="{y}" text-anchor="{anchor}">{escape(words)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>'


@dataclass(frozen=True)
class Mark:
    """A scored submission: value and interval in [0, 1], its organization's colour, a label."""

    value: float
    lower: float
    upper: float
    colour: int
    label: str


def scores(marks: Sequence[Mark], target: float, target_label: str, title: str) -> Markup:
    """Scores in the order of submission with their intervals; the best lower bound so far as a step."""

    def draw(frame: Frame) -> list[str]:
        body = []
        for tick in (0, 20, 40, 60, 80, 100):
            y = frame.y(tick / 100)
            body += [_line(frame.left, y, frame.width - frame.right, y, "grid")]
            body += [_text(frame.left - 8, y + 4, str(tick), anchor="end")]
        y = frame.y(target)
        body += [_line(frame.left, y, frame.width - frame.right, y, "target")]
        body += [_text(frame.width - frame.right + 8, y + 4, target_label, "label")]
        for place, mark in enumerate(marks):
            x = frame.x((place + 0.5) / len(marks))
            colour = f"c{mark.colour % 6}"
            body += [_line(x, frame.y(mark.lower), x, frame.y(mark.upper), f"interval {colour}")]
            body += [f'<circle class="dot {colour}" cx="{x}" cy="{frame.y(mark.value)}" r="4.5"/>']
            body += [_text(x + 10, frame.y(mark.value) + 4, f"{100 * mark.value:.1f}", "label strong")]
            body += [_text(x, frame.height - 8, mark.label, anchor="middle")]
        return body

    return _both(title, draw)


def curve(points: Sequence[tuple[float, float]], title: str, unit: str) -> Markup:
    """One line, from the origin of y; the last value is written at its end."""
    if len(points) < 2:
        return Markup("")
    top = max(y for _, y in points) * 1.05 or 1.0
    first, last = points[0][0], points[-1][0]

    def draw(frame: Frame) -> list[str]:
        body = []
        for part in range(5):
            y = frame.y(part / 4)
            body += [_line(frame.left, y, frame.width - frame.right, y, "grid")]
            body += [_text(frame.left - 8, y + 4, f"{top * part / 4:.2g}", anchor="end")]
        place = [(frame.x((x - first) / max(last - first, 1e-9)), frame.y(y / top)) for x, y in points]
        body += [f'<polyline class="curve" points="{" ".join(f"{x},{y}" for x, y in place)}"/>']
        body += [_text(place[-1][0] + 8, place[-1][1] + 4, f"{points[-1][1]:.3g}", "label strong")]
        for share in (0.0, 0.5, 1.0):
            step = first + share * (last - first)
            body += [_text(frame.x(share), frame.height - 8, f"{step:,.0f} {unit}", anchor="middle")]
        return body

    return _both(title, draw)


def loss(rows: Sequence[Mapping[str, float]], title: str, unit: str) -> Markup:
    """The loss curve of a run's reported rows: those that have "step" and "loss"."""
    return curve([(row["step"], row["loss"]) for row in rows if "step" in row and "loss" in row], title, unit)


def interval(lower: float, value: float, upper: float, target: float | None, title: str) -> Markup:
    """A small bar for a table: the interval, its value, and the target as a tick."""
    frame = Frame(120, 16, left=2, right=2, top=0, bottom=0)
    body = [_line(frame.left, 8, frame.width - frame.right, 8, "grid")]
    body += [_line(frame.x(lower), 8, frame.x(upper), 8, "interval wideline c0")]
    if target is not None:
        body += [_line(frame.x(target), 1, frame.x(target), 15, "target")]
    body += [f'<circle class="dot c0" cx="{frame.x(value)}" cy="8" r="3.5"/>']
    return Markup(_svg(frame, "mini", title, body))  # noqa: S704


def histogram(bins: Sequence[int], title: str) -> Markup:
    """How many values lie in each of equally wide parts: bars as high as the fullest part's share of them."""
    most = max(bins, default=0) or 1
    width = round(400 / max(len(bins), 1), 2)
    body = ['<rect class="empty" x="0" y="0" width="400" height="60"/>']
    for place, count in enumerate(bins):
        height = round(58 * count / most, 1) if count else 0.0
        if count:
            x, y = round(place * width, 2), round(60 - max(height, 1.0), 1)
            size = f'width="{max(width - 1, 1)}" height="{max(height, 1.0)}"'
            body.append(f'<rect class="used" x="{x}" y="{y}" {size}/>')
    return Markup(  # noqa: S704
        f'<svg class="chart histogram" viewBox="0 0 400 60" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(title)}">{"".join(body)}</svg>'
    )


def bar(parts: Mapping[str, float], whole: float, title: str) -> Markup:
    """A horizontal bar: class of each part -> amount, out of `whole`."""
    body = ['<rect class="empty" x="0" y="0" width="400" height="10"/>']
    at = 0.0
    for kind, amount in parts.items():
        width = round(400 * amount / whole, 1) if whole else 0.0
        if amount > 0:
            body.append(f'<rect class="{kind}" x="{at}" y="0" width="{max(width, 1.0)}" height="10"/>')
        at += width
    return Markup(  # noqa: S704
        f'<svg class="chart bar" viewBox="0 0 400 10" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(title)}">{"".join(body)}</svg>'
    )


def lines(series: Mapping[str, Sequence[float]], ticks: Sequence[str], title: str) -> Markup:
    """A line for each name over the same ticks, from the origin of y; names stand at the lines' ends."""
    most = max((max(values) for values in series.values() if values), default=0.0) or 1.0
    step_y = _round_step(most)
    steps = math.ceil(most / step_y)
    top = steps * step_y
    count = max(len(ticks) - 1, 1)

    def draw(frame: Frame) -> list[str]:
        body = []
        for part in range(steps + 1):
            y = frame.y(part / steps)
            body += [_line(frame.left, y, frame.width - frame.right, y, "grid")]
            body += [_text(frame.left - 8, y + 4, _short(step_y * part), anchor="end")]
        ends = []
        for colour, (name, values) in enumerate(series.items()):
            place = [(frame.x(at / count), frame.y(value / top)) for at, value in enumerate(values)]
            kind = f"c{colour % 6}"
            body += [f'<polyline class="curve {kind}" points="{" ".join(f"{x},{y}" for x, y in place)}"/>']
            body += [f'<circle class="dot {kind}" cx="{x}" cy="{y}" r="2.5"/>' for x, y in place]
            ends.append((place[-1][1], name))
        body += _ends(frame, ends)
        step = max(1, len(ticks) * 60 // (frame.width - frame.left - frame.right))
        for at, tick in enumerate(ticks):
            if at % step == 0:
                body.append(_text(frame.x(at / count), frame.height - 8, tick, anchor="middle"))
        return body

    return _both(title, draw)


def _ends(frame: Frame, ends: Sequence[tuple[float, str]]) -> list[str]:
    """Names beside their lines' last points, moved apart where those are close."""
    body, floor = [], float(frame.top)
    for y, name in sorted(ends):
        floor = max(y + 4, floor + 12)
        body.append(_text(frame.width - frame.right + 8, round(floor, 1), name[:14], "label"))
    return body


def _short(value: float) -> str:
    for unit, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= unit:
            return f"{value / unit:.3g}{letter}"
    return f"{value:.3g}"


def _round_step(most: float) -> float:
    """1, 2 or 5 times a power of ten, so that three to six of them hold the most."""
    power = 10.0 ** math.floor(math.log10(most / 6))
    return next(power * times for times in (1, 2, 5, 10) if power * times * 6 >= most)


def difference(lower: float, value: float, upper: float, title: str) -> Markup:
    """A small bar for a table: an interval around a difference, with zero as a tick in the middle."""
    frame = Frame(120, 16, left=4, right=4, top=0, bottom=0)
    span = max(abs(lower), abs(upper), abs(value)) * 1.05 or 1.0

    def x(of: float) -> float:
        return frame.x(0.5 + of / span / 2)

    body = [_line(frame.left, 8, frame.width - frame.right, 8, "grid")]
    body += [_line(x(lower), 8, x(upper), 8, "interval wideline c0"), _line(x(0), 1, x(0), 15, "target")]
    body += [f'<circle class="dot c0" cx="{x(value)}" cy="8" r="3.5"/>']
    return Markup(_svg(frame, "mini", title, body))  # noqa: S704
