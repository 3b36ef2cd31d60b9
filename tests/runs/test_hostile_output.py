"""A job may leave anything behind: its run ends, and the site goes on."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from madang.engines.local import LocalLauncher
from madang.interfaces.demo import cast
from madang.programme.verification import verify_home
from madang.runs import live, preparing, service
from madang.runs.launching import JobState
from madang.runs.supervisor import Supervisor, attempt_folder
from tests.conftest import Played
from tests.runs.test_runs import SHORT, order

FACTS = ['{"a": NaN}', '{"a": 1e400}', '{"a": 99999999999999999999}', '{"a": "\\ud800"}', "[" * 30_000, "{"]


def deep(folder: Path) -> None:
    here = Path.cwd()
    os.chdir(folder)
    for _ in range(300):
        Path("d").mkdir()
        os.chdir("d")
    os.chdir(here)


@pytest.mark.parametrize("plant", ["facts", "metrics", "name", "deep", "link", "nothing"])
def test_whatever_a_job_leaves_its_run_ends(
    copied: Played, monkeypatch: pytest.MonkeyPatch, plant: str
) -> None:
    """The job's process is left out: its folder is filled as a hostile job could have filled it."""
    run = order(copied, SHORT)
    supervisor = Supervisor(copied.home, copied.actor(cast.JUDGE, "operator"))
    supervisor._advance([run], None)
    with copied.home.database.read() as session:
        running = service.get(session, run.run_id)
    folder = attempt_folder(copied.home, running)
    preparing.lay_out(copied.home, running, folder)
    for name in ("version", "metrics", "facts"):
        (folder / "output" / name).mkdir()
    (folder / "output/version/policy.onnx").write_bytes(b"x")
    for number, facts in enumerate(FACTS if plant == "facts" else ["{}"]):
        (folder / "output/facts/facts.json").write_text(facts, "utf-8")
        if number < len(FACTS) - 1 and plant == "facts":
            from madang.runs.collecting import _facts

            json.dumps(_facts(folder / "output"), allow_nan=False)
    if plant == "metrics":
        lines = [
            '{"step": 1, "loss": 0.5}',
            '{"step": ' + "9" * 400 + "}",
            "[" * 100_000,
            '{"loss": Infinity}',
        ]
        (folder / "output/metrics/metrics.jsonl").write_text("\n".join(lines), "utf-8")
        assert live.metrics_of(copied.home, running) == [{"step": 1.0, "loss": 0.5}, {}, {}]
    elif plant == "name":
        (folder / "output/version").joinpath(os.fsdecode(b"\xff\xfe")).write_bytes(b"x")
    elif plant == "deep":
        deep(folder / "output/version")
    elif plant == "link":
        (folder / "output/version/key").symlink_to(copied.home.path / "keys/ledger.key")
    elif plant == "nothing":
        (folder / "output/version/policy.onnx").unlink()
    state = JobState("ended", 1.0, 0, "finished")
    monkeypatch.setattr(LocalLauncher, "poll", lambda _, folders: dict.fromkeys(folders, state))
    supervisor._advance([running], None)
    with copied.home.database.read() as session:
        ended = service.get(session, run.run_id)
    well = plant in ("facts", "metrics")
    assert ended.state == ("succeeded" if well else "failed")
    assert well or ended.reason.startswith("outputs-refused")
    assert verify_home(copied.home).holds
