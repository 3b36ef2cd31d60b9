"""Schemathesis: whatever is asked of the API, it answers as its description says, and never with a fault."""

from __future__ import annotations

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
OFFICER, TRAINER = (cast.MINISTRY, "officer"), (cast.LEAD, None)


def ask(played: Played, token: str, examples: int) -> subprocess.CompletedProcess[str]:
    with serving(played.home.path) as address:
        command = [str(Path(sys.executable).with_name("schemathesis"))]
        command += ["--config-file", str(Path(__file__).with_name("schemathesis.toml"))]
        command += ["run", f"{address}/api/v1/openapi.json", "--url", f"{address}/api/v1"]
        command += ["--header", f"Authorization: Bearer {token}", "--max-examples", str(examples)]
        command += ["--generation-database", "none"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        # It leaves a folder of its own where it runs.
        folder = played.home.path.parent
        return subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )


def test_schemathesis_is_clean(copied: Played) -> None:
    if records.POSTGRES:
        pytest.skip("asked with SQLite; in the long campaign with either")
    done = ask(copied, copied.stage.token(*OFFICER), examples=5)
    assert done.returncode == 0, done.stdout[-8000:]


@pytest.mark.long
@pytest.mark.parametrize("who", [OFFICER, TRAINER], ids=["officer", "researcher"])
def test_schemathesis_is_clean_for_long(copied: Played, who: tuple[str, str | None]) -> None:
    done = ask(copied, copied.stage.token(*who), examples=30)
    assert done.returncode == 0, done.stdout[-8000:]
