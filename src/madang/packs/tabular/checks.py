"""Checks of tables: what is wrong in itself, and what differs from the other contributors'."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from madang.assets.model import Finding
from madang.packs.tabular import tables
from madang.packs.tabular.tables import BrokenTable, Table

MOST_MISSING = 0.5
MOST_REPEATED = 0.5
LEAKED = 0.9999
LEAST_OTHERS = 2
SCALE = 5.0
"""How many times larger or smaller a column's typical size must be than all others' to be in another unit."""


class TableChecker:
    """See the module's docstring. Implements ``assets.checking.Checker``."""

    examine = "madang.packs.tabular.checks:examine"

    def recognizes(self, paths: Collection[str]) -> bool:
        """A declaration is among them."""
        return tables.recognizes(list(paths))

    def compare(
        self, profile: Mapping[str, Any], others: Mapping[str, Sequence[Mapping[str, Any]]]
    ) -> list[Finding] | None:
        """The same columns as the others', in the same units. With few others a table is taken as it is."""
        known = [one for profiles in others.values() for one in profiles if one.get("columns")]
        if len(others) < LEAST_OTHERS or not known:
            return [Finding("table-not-compared", "info", "", {"others": len(others)})]
        found = []
        named = [[name, unit] for name, unit in profile["columns"]]
        if all([[n, u] for n, u in one["columns"]] != named for one in known):
            theirs = {(n, u) for one in known for n, u in one["columns"]}
            odd = sorted({(n, u) for n, u in named} ^ theirs)
            first = str(odd[0][0]) if odd else "-"
            return [Finding("columns-differ", "block", first, {"column": first, "differing": len(odd)})]
        for name, size in profile["sizes"].items():
            sizes = [one["sizes"][name] for one in known if one["sizes"].get(name)]
            if not size or len(sizes) < LEAST_OTHERS:
                continue
            low, high = min(sizes), max(sizes)
            if size > SCALE * high or size * SCALE < low:
                evidence = {
                    "column": name, "measured": _short(size), "others_low": _short(low),
                    "others_high": _short(high),
                }  # fmt: skip
                found.append(Finding("unit-suspect", "block", name, evidence))
        return found


CHECKER = TableChecker()


def _short(value: float) -> float:
    return float(f"{value:.3g}")


def examine(folder: Path) -> dict[str, Any]:
    """Examine the table in `folder`: findings, a profile for comparison, facts, a fingerprint a row."""
    try:
        table = tables.read(folder)
    except BrokenTable as error:
        row = ["table-broken", "block", "", {"reason": str(error)[:300]}]
        return {"findings": [row], "profile": {}, "facts": {}}
    document = table.document
    findings = [*_missing(table), *_constant(table), *_leaked(table), *_repeated(table)]
    profile = {
        "columns": [[column.name, column.unit] for column in document.column],
        "sizes": {name: _size(table.values[:, place]) for place, name in enumerate(document.names)},
        "target": [document.target.name, list(document.target.classes)],
    }
    facts: dict[str, Any] = {
        "rows": len(table.values), "columns": len(document.names), "target": document.target.name[:200],
        "task": document.task,
    }  # fmt: skip
    prints = [tables.fingerprint(row) for row in table.values]
    return {"findings": findings, "profile": profile, "facts": facts, "fingerprints": prints}


def _size(column: NDArray[np.float64]) -> float:
    """Typical size: the median of absolute values that are not zero."""
    sizes = np.abs(column[np.isfinite(column) & (column != 0)])
    return float(np.median(sizes)) if len(sizes) else 0.0


def _missing(table: Table) -> list[list[Any]]:
    found = []
    for place, name in enumerate(table.document.names):
        share = float(np.mean(~np.isfinite(table.values[:, place])))
        if share > 0:
            severity = "block" if share > MOST_MISSING else "warn"
            found.append(["values-missing", severity, name, {"column": name, "percent": _short(100 * share)}])
    return found


def _constant(table: Table) -> list[list[Any]]:
    found = []
    for place, name in enumerate(table.document.names):
        column = table.values[:, place]
        finite = column[np.isfinite(column)]
        if len(finite) > 1 and np.ptp(finite) == 0:
            found.append(["column-constant", "warn", name, {"column": name, "value": _short(finite[0])}])
    return found


def _leaked(table: Table) -> list[list[Any]]:
    """A column that is the target under another name."""
    found = []
    for place, name in enumerate(table.document.names):
        column = table.values[:, place]
        known = np.isfinite(column)
        if known.sum() < 10 or np.ptp(column[known]) == 0 or np.ptp(table.target[known]) == 0:
            continue
        correlation = abs(float(np.corrcoef(column[known], table.target[known])[0, 1]))
        if correlation > LEAKED:
            evidence = {"column": name, "correlation": round(correlation, 5)}
            found.append(["target-leaked", "block", name, evidence])
    return found


def _repeated(table: Table) -> list[list[Any]]:
    distinct = len(np.unique(table.values.astype("<f4"), axis=0, equal_nan=True))
    share = 1 - distinct / len(table.values)
    if share <= 0:
        return []
    severity = "block" if share > MOST_REPEATED else "warn"
    return [["rows-repeated", severity, "", {"percent": _short(100 * share), "rows": len(table.values)}]]
