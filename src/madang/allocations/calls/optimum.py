"""The advisory optimum: the grants with the most score-weighted GPU-hours that the supply allows.

A mixed-integer program for each site and kind, solved by HiGHS through SciPy: a binary y says whether an
application is granted, x its GPU-hours of each month::

    max  sum score_i x_im      0 <= x_im <= request_im y_i      sum_i x_im <= supply_m
                               sum_m x_im >= minimum_i y_i

Score times hours favours the large, which is why the ranked cut-off decides and this is only shown beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from madang.allocations.calls.ranking import Entry, Hours, Inputs, Ranked, objective
from madang.kernel.errors import ExtraMissing

GAP = 1e-6
"""Relative difference from the best bound at which the search ends."""
_SECONDS = 60.0


@dataclass(frozen=True)
class Optimum:
    """granted: application -> GPU-hours. value: score-weighted hours. proven: within GAP of the bound."""

    granted: dict[str, int]
    value: float
    proven: bool


@dataclass(frozen=True)
class Difference:
    """The default policy beside the optimum; applications that only one of them grants."""

    value: int
    best: float
    proven: bool
    only_ranked: tuple[str, ...]
    only_optimal: tuple[str, ...]

    @property
    def share(self) -> float:
        """The default policy's value as a part of the optimum's; 1 where there is nothing to grant."""
        return self.value / self.best if self.best else 1.0


def solve(inputs: Inputs) -> Optimum:
    """The optimum over all places. Raises ExtraMissing where SciPy is not installed."""
    granted: dict[str, int] = {}
    value, proven = 0.0, True
    for place, supply in sorted(inputs.supply.items()):
        asking = [
            one
            for one in inputs.entries
            if one.place == place and one.score is not None and one.score >= inputs.minimum_score
        ]
        if asking and any(supply):
            hours, best, certain = _solve_place(asking, supply)
            granted |= {one.application: got for one, got in zip(asking, hours, strict=True) if got}
            value, proven = value + best, proven and certain
    return Optimum(granted, value, proven)


def _solve_place(asking: Sequence[Entry], supply: Hours) -> tuple[list[int], float, bool]:
    """(GPU-hours of each application, the value, whether it is proven).

    Columns: y of each application, then what it is given in each month as a part of what it asks for there.
    """
    try:
        import numpy as np
        from scipy.optimize import Bounds, LinearConstraint, milp
    except ModuleNotFoundError as error:
        raise ExtraMissing(module=error.name, extra="planner") from error
    count = len(asking)
    request = np.array([one.request for one in asking], dtype=float)
    score = np.array([one.score for one in asking], dtype=float)
    gain = np.concatenate([np.zeros(count), (score[:, None] * request).ravel()])
    scale = gain.max()
    found = milp(
        -gain / scale,
        constraints=LinearConstraint(*_constraints(asking, supply)),
        bounds=Bounds(0, 1),
        integrality=np.arange(len(gain)) < count,
        options={"mip_rel_gap": GAP, "time_limit": _SECONDS},
    )
    if found.x is None:
        return [0] * count, 0.0, False
    hours = (found.x[count:].reshape(request.shape) * request).sum(axis=1)
    return [round(one) for one in hours], -found.fun * scale, found.status == 0


def _constraints(asking: Sequence[Entry], supply: Hours) -> tuple[Any, Any, Any]:
    """(matrix, lower, upper): the supply of each month; nothing to whom y is 0; the minimum where y is 1."""
    import numpy as np
    from scipy.sparse import coo_array

    count, months = len(asking), len(supply)
    request = np.array([one.request for one in asking], dtype=float)
    minimum = np.array([one.minimum for one in asking], dtype=float)
    one, month = np.divmod(np.arange(count * months), months)
    given = count + np.arange(count * months)
    granted, enough = months + np.arange(count * months), months + count * months
    parts = (
        (month, given, request.ravel()),
        (granted, given, np.ones(len(given))),
        (granted, one, -np.ones(len(given))),
        (enough + one, given, request.ravel() / minimum[one]),
        (enough + np.arange(count), np.arange(count), -np.ones(count)),
    )
    rows, columns, values = (np.concatenate(found) for found in zip(*parts, strict=True))
    matrix = coo_array((values, (rows, columns)), shape=(enough + count, count + len(given))).tocsr()
    lower = np.concatenate([np.full(enough, -np.inf), np.zeros(count)])
    upper = np.concatenate([np.array(supply, dtype=float), np.zeros(len(given)), np.full(count, np.inf)])
    return matrix, lower, upper


def compare(outcome: Sequence[Ranked], best: Optimum) -> Difference:
    """The default policy beside the optimum."""
    ranked = {one.entry.application for one in outcome if one.won}
    return Difference(
        objective(outcome),
        best.value,
        best.proven,
        tuple(sorted(ranked - set(best.granted))),
        tuple(sorted(set(best.granted) - ranked)),
    )
