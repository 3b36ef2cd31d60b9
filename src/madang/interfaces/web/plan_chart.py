"""The chart of a capacity plan: a column a month, its shares from the bottom up, site by site.

What the plan's source gives is solid; what is assumed is dotted; a site beside the first is outlined and
named, so that a machine for some shares only can be seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from madang.allocations.plans.apportionment import Month
from madang.allocations.plans.model import PlanDocument
from madang.interfaces.web.charts import COMPACT, Frame

_PRINTED = Frame(720, 210, left=34, right=220, top=10, bottom=22)
_PAGE = Frame(720, 260, left=40, right=210)
_COLOURS = ("#0b6b61", "#d07a1f", "#3b6fb6", "#a8477f", "#7a8a3c", "#8a949e")
_STYLE = (
    "text{font:11px 'Noto Sans CJK KR','Noto Sans KR',sans-serif;fill:#4a5755}"
    ".grid{stroke:#e7ecea;stroke-width:1}.outline{fill:none;stroke:#16201f;stroke-width:1}"
    + "".join(f".f{number}{{fill:{colour}}}" for number, colour in enumerate(_COLOURS))
)


def drawn(plan: PlanDocument, months: Sequence[Month], language: str, title: str) -> Markup:
    """The chart for a page: wide, and compact for phones."""
    parts = [
        _svg(plan, months, language, title, frame, kind, "")
        for frame, kind in ((_PAGE, "wide"), (COMPACT, "compact"))
    ]
    return Markup("".join(parts))  # noqa: S704  (texts are escaped where they enter)


def printed(plan: PlanDocument, months: Sequence[Month], language: str, title: str) -> str:
    """The chart as a picture of its own, with its colours."""
    return _svg(plan, months, language, title, _PRINTED, "printed", f"<style>{_STYLE}</style>")


@dataclass(frozen=True)
class _Block:
    """A part of a column, in GPU-hours from the bottom."""

    site: int
    share: int
    low: int
    high: int
    assumed: bool


def _blocks(plan: PlanDocument, month: Month) -> Iterator[_Block]:
    """Stated parts below assumed ones, share by share, the sites one above the other."""
    at = 0
    for site_number, site in enumerate(plan.site):
        for share_number, share in enumerate(plan.leaves()):
            whole, assumed = month.parts.get((site.name, share.name), (0, 0))
            for hours, marked in ((whole - assumed, False), (assumed, True)):
                if hours:
                    yield _Block(site_number, share_number, at, at + hours, marked)
                at += hours


def _svg(
    plan: PlanDocument,
    months: Sequence[Month],
    language: str,
    title: str,
    frame: Frame,
    kind: str,
    style: str,
) -> str:
    most = max(one.hours for one in months)
    step = _step(most)
    top = -(-most // step) * step
    columns = "".join(
        _column(_blocks(plan, month), months, place, frame, kind, top) for place, month in enumerate(months)
    )
    labels = "" if kind == "compact" else "".join(_labels(plan, months, frame, top, language))
    box = f"0 0 {frame.width} {frame.height}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart {kind}" viewBox="{box}" role="img"'
        f' aria-label="{escape(title)}">{style}<defs>{_patterns(kind)}</defs>'
        f"{_axis(frame, top, step)}{columns}{labels}</svg>"
    )


def _patterns(kind: str) -> str:
    return "".join(
        f'<pattern id="dots-{kind}-{number}" width="5" height="5" patternUnits="userSpaceOnUse">'
        f'<circle class="f{number}" cx="1.6" cy="1.6" r="1.35"/></pattern>'
        for number in range(len(_COLOURS))
    )


def _step(most: int) -> int:
    """The step of the axis: 1, 2 or 5 times a power of ten, so that three to seven of them hold the most."""
    power = int("1" + "0" * max(len(str(most)) - 2, 0))
    return next(power * times for times in (1, 2, 5, 10, 20, 50) if power * times * 6 >= most)


def _axis(frame: Frame, top: int, step: int) -> str:
    body = []
    for value in range(0, top + 1, step):
        y = frame.y(value / top)
        body.append(
            f'<line class="grid" x1="{frame.left}" x2="{frame.width - frame.right}" y1="{y}" y2="{y}"/>'
        )
        body.append(f'<text x="{frame.left - 6}" y="{y + 4}" text-anchor="end">{value / 1e6:.3g}</text>')
    return "".join(body)


def _column(
    blocks: Iterator[_Block], months: Sequence[Month], place: int, frame: Frame, kind: str, top: int
) -> str:
    left, right = frame.x((place + 0.14) / len(months)), frame.x((place + 0.86) / len(months))
    width = round(right - left, 1)
    body = []
    for one in blocks:
        y, height = frame.y(one.high / top), round(frame.y(one.low / top) - frame.y(one.high / top), 2)
        box = f'x="{left}" y="{y}" width="{width}" height="{height}"'
        colour = one.share % len(_COLOURS)
        fill = f'fill="url(#dots-{kind}-{colour})"' if one.assumed else f'class="f{colour}"'
        body.append(f"<rect {box} {fill}/>")
        if one.site:
            body.append(f'<rect class="outline" {box}/>')
    middle, month = (left + right) / 2, int(months[place].month[5:])
    body.append(f'<text x="{middle:.1f}" y="{frame.height - 6}" text-anchor="middle">{month}</text>')
    return "".join(body)


def _labels(
    plan: PlanDocument, months: Sequence[Month], frame: Frame, top: int, language: str
) -> Iterator[str]:
    """Beside the last column: what each block of it is."""
    last, shares = months[-1], plan.leaves()
    floor = float(frame.height)
    for one in _blocks(plan, last):
        words = shares[one.share].title(language)
        if one.site:
            words = f"{plan.site[one.site].title(language)}: {words}"
        y = min(frame.y((one.low + one.high) / 2 / top) + 4, floor - 13)
        floor = y
        yield f'<text x="{frame.width - frame.right + 6}" y="{y:.1f}">{escape(words)}</text>'
