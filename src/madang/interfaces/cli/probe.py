"""``madang probe``: what is in files, without a home and without sending anything anywhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

from madang.assets.model import Finding
from madang.assets.probing import running
from madang.assets.probing.model import Probed, Report
from madang.assets.probing.notes import line
from madang.interfaces.cli import context
from madang.kernel import extension, isolation
from madang.kernel.errors import BadValue, FileMissing, IsolationMissing
from madang.kernel.settings import Values, load


def probe(path: Path, *, most: context.Whole = 200, json: context.Json = False) -> None:
    """Say what is in a file, or in every file below a folder.

    Format, variables with their units, shapes, extent in time and space, statistics, a preview, what is odd.
    The files are read in a sandbox with limits of time and memory; nothing is changed, kept or sent.

    Examples: madang probe stations.csv
              madang probe ./campaign-2026 --json
              madang probe ./campaign-2026 --most 5000

    Parameters
    ----------
    path
        The file or folder.
    most
        How many files of a folder are opened.
    """
    if not path.exists() and not path.is_symlink():
        raise FileMissing(file=str(path))
    if most < 1:
        raise BadValue(file="the command", key="most", reason="one at least")
    values = load(context.home_path()).values
    bounds = running.Bounds(values.probe_seconds, values.probe_memory_bytes)
    found = list(islice(running.items(path), most))
    files = len(found) if len(found) < most else sum(1 for _ in running.items(path))
    reports = list(_told(running.probe(path.resolve(), found, _isolation(values), bounds), len(found)))
    if files > len(found):
        print(context.text("probing.more", left=files - len(found), files=files), file=sys.stderr)
    if json:
        context.print_json([report.to_json() for report in reports])
    elif len(reports) == 1:
        _print_one(reports[0])
    else:
        _print_many(reports)


def _isolation(values: Values) -> isolation.Isolation:
    """The sandbox; where none works, a process with limits, for a person's own files."""
    try:
        return isolation.choose(values.isolation)
    except IsolationMissing:
        print(context.text("probing.unconfined"), file=sys.stderr)
        chosen: isolation.Isolation = extension.engine("isolation", "process")()
        return chosen


def _told(reports: Iterator[Report], files: int) -> Iterator[Report]:
    shown = sys.stderr.isatty() and files > 1
    for done, report in enumerate(reports, 1):
        if shown:
            print("\r" + context.text("probing.looked", done=done, files=files), end="", file=sys.stderr)
        yield report
    if shown:
        print(file=sys.stderr)


def _print_one(report: Report) -> None:
    box = " ".join(f"{one:g}" for one in report.box) if report.box else None
    period = " / ".join(report.period) if report.period else None
    facts: dict[str, object] = {
        "file": line(report.path or ".", 300),
        "format": report.format,
        "bytes": report.size_bytes,
    }
    facts |= report.facts
    facts |= {name: value for name, value in (("west south east north", box), ("period", period)) if value}
    context.print_facts(facts, False)
    if report.variables:
        print()
        columns = (
            "variable",
            "unit",
            "in base units",
            "standard name",
            "shape",
            "minimum",
            "maximum",
            "missing",
        )
        context.print_rows(
            [_row(one) for one in report.variables], dict(zip(columns, columns, strict=True)), False
        )
    _print_preview(report)
    if report.findings:
        print()
        _print_findings(report.findings)


def _row(one: Probed) -> Mapping[str, object]:
    told, seen = one.variable, one.statistics
    missing = f"{seen.missing} of {seen.counted}" if seen.counted else None
    common = ", ".join(f"{text} ({count})" for text, count in seen.common[:3])
    return {
        "variable": told.name,
        "unit": told.unit or None,
        "in base units": one.base_unit or None,
        "standard name": told.standard_name or None,
        "shape": "x".join(map(str, told.shape)) or None,
        "minimum": f"{told.minimum:.6g}" if told.minimum is not None else common or None,
        "maximum": f"{told.maximum:.6g}" if told.maximum is not None else None,
        "missing": missing,
    }


def _print_preview(report: Report) -> None:
    seen = report.preview
    if seen.rows:
        names = {str(place): name for place, name in enumerate(seen.header[:8])}
        print()
        rows = [{str(place): cell for place, cell in enumerate(row[:8])} for row in seen.rows[:5]]
        context.print_rows(rows, names, False)
    elif seen.text:
        print("\n" + "\n".join(line[:110] for line in seen.text.splitlines()[:8]))


def _print_findings(findings: Sequence[Finding]) -> None:
    for one in findings:
        place = f"  {one.place}" if one.place else ""
        print(f"{one.severity:<5} {one.check}{place}")
        for part in ("what", "remedy"):
            print(f"      {context.text(f'finding.{one.check}.{part}', **one.evidence)}")


def _print_many(reports: Sequence[Report]) -> None:
    rows = [
        {
            "file": line(report.path, 300),
            "format": report.format,
            "bytes": report.size_bytes,
            "variables": len(report.variables),
            "odd": ", ".join(dict.fromkeys(one.check for one in report.findings)) or None,
        }
        for report in reports
    ]
    context.print_rows(rows, {name: name for name in ("file", "format", "bytes", "variables", "odd")}, False)
