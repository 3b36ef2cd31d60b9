"""The advisory optimum: the grants with the most score-weighted GPU-hours that the supply allows.

A mixed-integer program for each site and kind, solved by HiGHS through SciPy: a binary y says whether an
application is granted, x its GPU-hours of each month::

    max  sum score_i x_im      0 <= x_im <= request_im y_i      sum_i x_im <= supply_m
                               sum_m x_im >= minimum_i y_i

Score times hours favours the large, which is why the ranked cut-off decides and this is only shown beside it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from madang.allocations.calls.ranking import Entry, Hours, Inputs, Ranked, decide, objective
from madang.kernel.errors import ExtraMissing

GAP = 1e-6
"""Relative difference from the best bound at which the search ends early."""
SECONDS = 5.0
"""What the search may take over all places; then the best found is told, with the bound."""


@dataclass(frozen=True)
class Optimum:
    """granted: application -> GPU-hours. value: score-weighted hours. bound: no grants have more."""

    granted: dict[str, int]
    value: float
    bound: float


def solve(inputs: Inputs, seconds: float = SECONDS) -> Optimum | None:
    """The optimum over all places, or the best found in that time; None where the solver gives nothing.

    Raises ExtraMissing where SciPy is not installed.
    """
    granted: dict[str, int] = {}
    value = bound = 0.0
    places = [(hours, asking) for hours, asking in _asked(inputs) if asking]
    for supply, asking in places:
        found = _solve_place(asking, supply, seconds / len(places))
        if found is None:
            return None
        hours, best, most = found
        granted |= {one.application: got for one, got in zip(asking, hours, strict=True) if got}
        value, bound = value + best, bound + most
    return Optimum(granted, value, bound)


def _asked(inputs: Inputs) -> Iterator[tuple[Hours, list[Entry]]]:
    """(supply, who may be granted anything) of each place with any supply."""
    for place, supply in sorted(inputs.supply.items()):
        if any(supply):
            scored = (one for one in inputs.entries if one.place == place and one.score)
            yield supply, [one for one in scored if (one.score or 0) >= inputs.minimum_score]


def _solve_place(
    asking: Sequence[Entry], supply: Hours, seconds: float
) -> tuple[list[int], float, float] | None:
    """(GPU-hours of each application, the value, its bound), or None.

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
        options={"mip_rel_gap": GAP, "time_limit": seconds},
    )
    if found.x is None:
        return None
    hours = (found.x[count:].reshape(request.shape) * request).sum(axis=1)
    return [round(one) for one in hours], -found.fun * scale, -found.mip_dual_bound * scale


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


def compare(outcome: Sequence[Ranked], best: Optimum) -> dict[str, Any]:
    """The default policy beside the optimum, as JSON.

    share: its value as a part of the bound, so that it is at least that part of the optimum; 1 where there is
    nothing to grant. gap: how far the best found may be from the optimum, as a part of the bound.
    """
    ranked = {one.entry.application for one in outcome if one.won}
    value = objective(outcome)
    return {
        "share": round(value / best.bound, 6) if best.bound else 1.0,
        "gap": round(1 - best.value / best.bound, 6) if best.bound else 0.0,
        "only_ranked": sorted(ranked - set(best.granted)),
        "only_optimal": sorted(set(best.granted) - ranked),
    }


def advise(inputs: Inputs) -> dict[str, Any] | None:
    """The comparison, computed in a process of its own: HiGHS prints where it likes, and is ended in time.

    None where SciPy is not installed or the search gives nothing; a decision never waits for advice.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-m", "madang.allocations.calls.optimum"],
            input=json.dumps(inputs.document()),
            capture_output=True,
            text=True,
            timeout=4 * SECONDS,
            check=True,
        )
        told = json.loads(done.stdout.splitlines()[-1])
    except (subprocess.SubprocessError, OSError, ValueError, IndexError):
        return None
    return told if isinstance(told, dict) else None


def _main() -> None:
    """Read inputs, write the comparison as the last line."""
    inputs = Inputs.of(json.load(sys.stdin))
    best = solve(inputs)
    sys.stdout.write("\n" + json.dumps(compare(decide(inputs), best) if best else None) + "\n")


if __name__ == "__main__":
    _main()
