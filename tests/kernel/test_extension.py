"""Packs and engines are listed where none of their libraries is installed."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import packages_distributions, requires

import pytest

from madang.kernel import extension
from madang.kernel.errors import ExtraMissing

_LISTS = """
import sys
for name in {missing!r}:
    sys.modules[name] = None
from importlib.metadata import entry_points
for group in ("madang.packs", "madang.engines"):
    for point in entry_points(group=group):
        point.load()
import madang.interfaces.cli.main, madang.sdk
"""


def _optional() -> list[str]:
    """Top-level modules that only extras bring."""
    told = [(re.match(r"[\w.-]+", line), "extra ==" in line) for line in requires("madang") or ()]
    plain, of_extras = (
        {
            re.sub(r"[-_.]+", "-", name.group()).lower()
            for name, optional in told
            if name and optional is which
        }
        for which in (False, True)
    )
    return sorted(
        module for module, owners in packages_distributions().items()
        if {re.sub(r"[-_.]+", "-", owner).lower() for owner in owners} & (of_extras - plain)
    )  # fmt: skip


def test_listing_imports_nothing_of_an_extra() -> None:
    missing = _optional()
    assert {"obstore", "torch", "ray", "psycopg"} & set(missing), "the list of optional modules is wrong"
    ran = subprocess.run(
        [sys.executable, "-c", _LISTS.format(missing=missing)], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr


def test_an_engine_whose_library_is_missing_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "madang.engines.s3.bucket", raising=False)
    monkeypatch.setitem(sys.modules, "obstore", None)
    with pytest.raises(ExtraMissing) as told:
        extension.engine("content", "s3")
    assert told.value.facts == {"module": "obstore", "extra": "s3"}
