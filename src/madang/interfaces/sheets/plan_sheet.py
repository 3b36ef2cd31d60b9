"""A capacity plan as one page of A4: figures, a chart, the months, and what is assumed.

Typeset by Typst (the extra ``pdf``); the letters come from this machine's fonts.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any

from madang.allocations.plans.apportionment import Month, by_month
from madang.allocations.plans.model import PlanDocument
from madang.interfaces.web import plan_chart
from madang.kernel import i18n
from madang.kernel.errors import Environment, ExtraMissing

i18n.register_catalogue("madang.interfaces.sheets")
_KOREAN = ("Pretendard Variable", "Pretendard", "Noto Sans KR", "Noto Sans CJK KR")


class FontMissing(Environment):
    """No font with Korean letters is installed. Facts: fonts."""


def render(plan: PlanDocument, language: str, reference: str = "") -> bytes:
    """A sound plan as PDF. Raises ExtraMissing without Typst, FontMissing without a Korean font."""
    try:
        import typst
    except ModuleNotFoundError as error:
        raise ExtraMissing(module=error.name, extra="pdf") from error
    if not set(_KOREAN) & _families():
        raise FontMissing(fonts=", ".join(_KOREAN))
    source = resources.files(__package__).joinpath("plan.typ").read_bytes()
    told = json.dumps(_told(plan, language, reference), ensure_ascii=False)
    made = typst.compile(source, sys_inputs={"told": told}, format="pdf")
    assert isinstance(made, bytes)
    return made


@cache
def _families() -> frozenset[str]:
    import typst

    return frozenset(typst.Fonts().families())


def _told(plan: PlanDocument, language: str, reference: str) -> dict[str, Any]:
    def text(message: str, /, **values: object) -> str:
        return i18n.text(f"sheets.plan.{message}", language, **values)

    months = by_month(plan)
    shares = plan.leaves()
    titles = plan.titles(language)
    return {
        "language": language,
        "kicker": text("kicker"),
        "reference": reference or plan.plan.name,
        "title": plan.plan.title(language),
        "says": plan.plan.source(language),
        "figures": _figures(plan, months, language),
        "chart_title": text("chart"),
        "chart": plan_chart.printed(plan, months, language, text("chart")),
        "heads": [text("month"), text("gpus"), *(titles[share.name] for share in shares), text("all")],
        "rows": [_row(one, [share.name for share in shares]) for one in months],
        "marks": text("marks"),
        "notes": list(dict.fromkeys(filter(None, (line.note(language) for line in plan.capacity)))),
    }


def _row(month: Month, shares: Sequence[str]) -> list[str]:
    cells = [marked(*month.of_share(share)) for share in shares]
    whole = [marked(figure, month.assumed_hours) for figure in (month.count, month.hours)]
    return [month.month, whole[0], *cells, whole[1]]


def marked(hours: int, assumed: int) -> str:
    """GPU-hours with a mark where any of them are assumed."""
    return f"{'~' if assumed else ''}{hours:,}"


def _millions(hours: int, assumed: int) -> str:
    return f"{'~' if assumed else ''}{hours / 1e6:,.1f}"


def _figures(plan: PlanDocument, months: Sequence[Month], language: str) -> list[dict[str, str]]:
    """All the hours, and each top share's part of them."""

    def text(message: str, /, **values: object) -> str:
        return i18n.text(f"sheets.plan.{message}", language, **values)

    total = sum(one.hours for one in months)
    assumed = sum(one.assumed_hours for one in months)
    found = [
        {
            "label": text("in-all"),
            "value": _millions(total, assumed),
            "unit": text("million-hours"),
            "says": text("assumed-part", percent=f"{100 * assumed / total:.0f}"),
        }
    ]
    for top in plan.children_of(""):
        hours, doubtful = (sum(one.of_share(top.name)[part] for one in months) for part in (0, 1))
        found.append(
            {
                "label": top.title(language),
                "value": _millions(hours, doubtful),
                "unit": text("million-hours"),
                "says": text("share-part", percent=f"{100 * hours / total:.0f}", split=f"{top.percent:g}"),
            }
        )
    return found
