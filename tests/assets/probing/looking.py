"""Probing in tests: one look at a folder, by path, and readers that misbehave."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from madang.assets.probing import running
from madang.assets.probing.model import Report
from madang.kernel.isolation import Confinement, Isolation, choose

PATIENT = running.Bounds(seconds=20)
"""For tests beside others: what is measured there is not the machine's load."""


def look(
    root: Path, bounds: running.Bounds = PATIENT, isolation: Isolation | None = None
) -> dict[str, Report]:
    """The reports on everything below a folder (or the file) by path."""
    chosen = isolation or choose("auto")
    return {one.path: one for one in running.probe(root, list(running.items(root)), chosen, bounds)}


def one(path: Path) -> Report:
    """The report on a file."""
    (report,) = look(path).values()
    return report


def odd(report: Report) -> set[str]:
    """The checks that found something."""
    return {finding.check for finding in report.findings}


def variables(report: Report) -> dict[str, Any]:
    """Variables by name."""
    return {probed.variable.name: probed.variable for probed in report.variables}


class WithReaders:
    """An isolation in which readers of the tests can be imported."""

    confines = True
    name = "with-readers"

    def __init__(self, folder: Path) -> None:
        self._inner, self._folder = choose("auto"), folder

    def start(
        self, command: Sequence[str], confinement: Confinement, **streams: Any
    ) -> subprocess.Popen[bytes]:
        """As the sandbox does, with the folder of readers beside."""
        wider = replace(
            confinement,
            read_only={**confinement.read_only, "/readers": self._folder},
            environment={**confinement.environment, "PYTHONPATH": "/readers"},
        )
        return self._inner.start(command, wider, **streams)

    def inside(self, confinement: Confinement, path: str) -> str:
        """As the sandbox says."""
        return self._inner.inside(confinement, path)


def require(report: Report, form: str, expected: Mapping[str, Mapping[str, Any]], found: set[str]) -> None:
    """A report is of that format, its variables have what is expected, and just that is odd (minor things
    aside that nobody asked for)."""
    assert report.format == form, report.findings
    known = variables(report)
    for variable, told in expected.items():
        for field, value in told.items():
            assert getattr(known[variable], field) == (
                pytest.approx(value) if isinstance(value, float) else value
            )
    minor = {finding.check for finding in report.findings if finding.severity == "info"}
    assert odd(report) - (minor - found) == found, report.findings
