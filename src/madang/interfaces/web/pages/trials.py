"""Policies that were tried on a plan: beside one another, with charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Response
from markupsafe import Markup

from madang.interfaces.web import charts
from madang.interfaces.web.viewer import PART, Looking, render
from madang.kernel.ledger import log
from madang.kernel.paging import parted, slice_of
from madang.organizations import service as organizations
from madang.organizations.service import require_signed_in
from madang.programme import trials

router = APIRouter()
_QUANTILES = ("50", "95", "99")


@router.get("/trials")
def index(viewer: Looking, cursor: str | None = None) -> Response:
    """Kept trials, the latest first."""
    require_signed_in(viewer.actor)
    with viewer.home.database.read() as session:
        rows = trials.every(session, slice_of(PART, cursor))
        bodies = organizations.by_name(session)
    shown, following = parted(rows, PART, lambda row: (row.position,))
    return render(viewer, "trials.html", trials=shown, following=following, bodies=bodies)


@router.get("/trials/{trial_id}")
def show(trial_id: str, viewer: Looking) -> Response:
    """One trial: each kind's policies in figures and charts, their differences, who lent to whom."""
    require_signed_in(viewer.actor)
    with viewer.home.database.read() as session:
        trial = trials.find(session, trial_id)
        body = organizations.get(session, trial.organization)
        entries = log.find_all(session.connection, trials.KIND, trial_id)
    results = trials.results(viewer.home, trial)
    kinds = sorted({kind for reports in results["reports"].values() for kind in reports})
    return render(
        viewer,
        "trial.html",
        trial=trial,
        body=body,
        results=results,
        kinds=[_kind(kind, results, viewer) for kind in kinds],
        entries=entries,
        few=len(results["seeds"]) < trials.ENOUGH_SEEDS,
        cut=_offered(results) < trials.NEAR_LOAD * results["load"],
    )


def _offered(results: Mapping[str, Any]) -> float:
    """The least load that any simulation was really offered."""
    made = [one for kinds in results["reports"].values() for some in kinds.values() for one in some]
    return min(float(one["offered_load"]) for one in made)


@dataclass(frozen=True)
class Policy:
    """A policy's figures on a kind: means over the seeds. wait: hours; colour: of its line."""

    name: str
    colour: int
    runs: float
    offered_load: float
    utilisation: float
    goodput: float
    wait: Mapping[str, float]
    slowdown: Mapping[str, float]
    mean_queue: float
    longest_queue: int
    preempted: float
    failed: float
    lent: Sequence[tuple[str, str, float]]
    cells: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Kind:
    """A kind of GPU: its policies, what the others differ by from the first, and its charts."""

    name: str
    policies: Sequence[Policy]
    contrasts: Sequence[tuple[str, Sequence[tuple[Mapping[str, Any], Markup]]]]
    queue: Markup
    used: Markup
    left_out: Mapping[str, int]


def _kind(kind: str, results: Mapping[str, Any], viewer: Looking) -> Kind:
    named = [one["name"] for one in results["policies"]]  # the first is what the others are compared with
    reports = {name: made for name in named if (made := results["reports"][name].get(kind))}
    policies = [_policy(name, place, made) for place, (name, made) in enumerate(reports.items())]
    months = sorted({cell["month"] for one in policies for cell in one.cells})

    def chart(figure: str, title: str) -> Markup:
        series = {
            one.name: [sum(c[figure] for c in one.cells if c["month"] == month) for month in months]
            for one in policies
        }
        return charts.lines(series, months, viewer.text(title))

    contrasts = [
        (one["second"], [(figure, _difference(figure)) for figure in one["figures"]])
        for one in results["contrasts"]
        if one["kind"] == kind
    ]
    return Kind(
        kind,
        policies,
        contrasts,
        chart("mean_queue", "web.trial.queue"),
        chart("used_hours", "web.trial.used"),
        {why: count for why, count in results["left_out"].get(kind, {}).items() if count},
    )


def _policy(name: str, colour: int, reports: Sequence[Mapping[str, Any]]) -> Policy:
    def mean(figure: str) -> float:
        return float(sum(one[figure] for one in reports) / len(reports))

    def spread(figure: str, unit: float) -> dict[str, float]:
        return {
            part: sum(one[figure][place] for one in reports) / len(reports) / unit
            for place, part in enumerate(_QUANTILES)
        }

    shares = reports[0]["shares"]
    lent = [
        (owner, borrower, sum(one["lent"][place][other] for one in reports) / len(reports))
        for place, owner in enumerate(shares)
        for other, borrower in enumerate(shares)
        if place != other
    ]
    return Policy(
        name, colour, mean("runs"), mean("offered_load"), mean("utilisation"), mean("goodput"),
        spread("wait", 3600), spread("slowdown", 1), mean("mean_queue"),
        max(one["longest_queue"] for one in reports), mean("preempted"), mean("failed"),
        [one for one in lent if one[2] > 0], _cells(reports),
    )  # fmt: skip


def _cells(reports: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A month's and share's figures, as means over the seeds."""
    found = []
    for places in zip(*(one["months"] for one in reports), strict=True):
        first, count = places[0], len(places)
        cell: dict[str, Any] = {"month": first["month"], "share": first["share"]}
        for figure in ("runs", "used_hours", "lost_hours", "preempted", "failed", "mean_queue"):
            cell[figure] = sum(one[figure] for one in places) / count
        for figure, unit in (("wait", 3600), ("slowdown", 1)):
            cell[figure] = [sum(one[figure][q] for one in places) / count / unit for q in range(3)]
        found.append(cell)
    return found


def _difference(figure: Mapping[str, Any]) -> Markup:
    lower, middle, upper = figure["lower"], figure["difference"], figure["upper"]
    told = f"{middle:+,.4g} [{lower:,.4g}, {upper:,.4g}]"
    return charts.difference(lower, middle, upper, told)
