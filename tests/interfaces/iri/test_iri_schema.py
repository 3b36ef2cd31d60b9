"""Schemathesis with the published specification: whatever is asked, the answer is the specification's.

Asked twice for each version: with identifiers that Schemathesis makes up, and with those of real things. What
is allowed beyond the published schemas' own word stands in ../schema/schemathesis.toml.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from madang.interfaces.demo import cast
from tests import records
from tests.conftest import Played
from tests.serving import serving

ROOT = Path(__file__).parents[3]
SPECIFICATIONS = ROOT.parent / "shared" / "data" / "interop" / "iri"
CONFIGURATION = ROOT / "tests" / "interfaces" / "schema" / "schemathesis.toml"

pytestmark = pytest.mark.skipif(
    not SPECIFICATIONS.is_dir(), reason="the published specifications are not here"
)


def identifiers(played: Played) -> str:
    """Identifiers of things that there are, in Schemathesis' own form."""
    run = played.stage.notes["run"]
    with played.home.database.read() as session:
        row = session.connection.exec_driver_sql(
            "SELECT runs.award_id, capacities.site, capacities.kind, runs.submitted_by, runs.mission "
            "FROM runs "
            "JOIN awards ON awards.award_id = runs.award_id "
            "JOIN capacities ON capacities.capacity_id = awards.capacity_id WHERE run_id = '" + run + "'"
        ).one()
    award, site, kind, member, mission = row
    compute = f"{site}.{kind}"
    whole = {
        "project_id": mission, "project_allocation_id": award, "user_allocation_id": f"{award}.{member}",
        "capability_id": kind, "site_id": site, "job_id": run, "resource_id": "~area",
    }  # fmt: skip
    lines = ["", "[parameters]"]
    lines += [f'"path.{name}" = {json.dumps(value)}' for name, value in whole.items()]
    lines += ["", "[[operations]]", 'include-path-regex = "/compute/"']
    lines += [f'parameters = {{ "path.resource_id" = "{compute}" }}', ""]
    return "\n".join(lines)


@pytest.mark.parametrize("known", [False, True], ids=["made-up", "known"])
@pytest.mark.parametrize("version", [1, 2])
def test_schemathesis_is_clean(copied: Played, tmp_path: Path, version: int, known: bool) -> None:
    if records.POSTGRES:
        pytest.skip("asked with SQLite")
    configuration = tmp_path / "schemathesis.toml"
    more = identifiers(copied) if known else ""
    configuration.write_text(CONFIGURATION.read_text("utf-8") + more, "utf-8")
    with serving(copied.home.path) as address:
        command = [str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(configuration)]
        command += ["run", str(SPECIFICATIONS / f"all_spec_v{version}.yaml"), "--url", f"{address}/iri"]
        command += ["--header", f"Authorization: Bearer {copied.stage.token(cast.LEAD)}"]
        command += ["--max-examples", "5", "--generation-database", "none"]
        done = subprocess.run(
            command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True,
            text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stdout[-8000:]
    assert f"Operations:       {45 if version == 1 else 47} selected" in done.stdout
