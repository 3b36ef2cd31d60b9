"""kill -9 at a hundred random points of deposit, run and score: nothing acknowledged is lost.

Each round starts the real command as a process, kills its whole process group at a random moment, and
then asks: does the ledger hold, is every acknowledged version whole, do the books balance, and does
the work go on from there? `MADANG_KILL_SEED` repeats a campaign.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from madang.allocations import books
from madang.assets import service as assets
from madang.assets.content import blobs
from madang.assets.content.reading import content_of
from madang.assets.model import Version, versions
from madang.interfaces.demo import cast
from madang.programme.verification import verify_home
from madang.runs import service as runs
from madang.runs.supervisor import Supervisor
from madang.scores import opening
from madang.scores import service as scores
from tests.conftest import Played
from tests.reopening import reopened

pytestmark = pytest.mark.long

SEED = int(os.environ.get("MADANG_KILL_SEED", random.SystemRandom().randrange(10**6)))
SHORT = {"steps": 30, "width": 16, "layers": 1}
ENDINGS = ("finished", "vanished", "job-failed", "not-started", "time-limit")
"""How a run may end here; a machine that does much else may be too slow for one."""


def command(played: Played, *arguments: str, token: str) -> subprocess.Popen[str]:
    line = [sys.executable, "-m", "madang.interfaces.cli.main", "--home", str(played.home.path), *arguments]
    return subprocess.Popen(
        line,
        env={**os.environ, "MADANG_TOKEN": token},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def kill_after(process: subprocess.Popen[str], seconds: float) -> str:
    """Kill the whole group after a while; what it had printed (acknowledged) until then."""
    try:
        out, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, _ = process.communicate()
    return out


def finished(process: subprocess.Popen[str]) -> None:
    """Let it end by itself, well."""
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors


def whole(played: Played) -> None:
    """The ledger holds, every version's bytes are intact, and the books balance."""
    verdict = verify_home(played.home)
    assert verdict.holds, (SEED, verdict.disagreements)
    with played.home.database.read() as session:
        assert books.balanced(books.trial_balance(session)), SEED
        found = [Version(**row) for row in session.rows(sa.select(versions))]
    assert all(content_of(played.home, one).manifest.files for one in found), SEED


def test_deposits_killed_at_random_points(copied: Played, tmp_path: Path) -> None:
    chance = random.Random(SEED)
    actor, token = copied.actor("company-b"), copied.stage.token("company-b")
    folder = tmp_path / "files"
    assets.download(copied.home, actor, copied.stage.notes["deposit:company-b"], folder)
    acknowledged = []
    for turn in range(40):
        (folder / "turn.bin").write_bytes(chance.randbytes(2_000_000) + str(turn).encode())
        arguments = ("asset", "deposit", str(folder), "--name", "killed", "--agreement", cast.AGREEMENT)
        out = kill_after(command(copied, *arguments, token=token), chance.uniform(0.2, 2.0))
        acknowledged += [line.split()[0] for line in out.splitlines() if line.startswith("company-b/killed@")]
        whole(copied)
    with copied.home.database.read() as session:
        have = {version.name for version in assets.visible_to(session, actor)}
    assert set(acknowledged) <= have
    with copied.home.database.read() as session:
        mine = [v for v in assets.visible_to(session, actor) if v.asset == "killed"]
    for version in mine:
        content = content_of(copied.home, version)
        assert all(content.intact(file.digest) for file in content.manifest.files)
    finished(command(copied, *arguments, token=token))


def test_runs_killed_at_random_points(copied: Played) -> None:
    chance = random.Random(SEED + 1)
    token = copied.stage.token(cast.JUDGE, "operator")
    submitted = []
    for turn in range(30):
        order = runs.Order(
            cast.MISSION,
            "physical/behaviour-cloning",
            [copied.stage.notes["deposit:company-a"]],
            copied.stage.notes["award:company-a"],
            f"killed-{turn}",
            SHORT,
            cores=1,
            wall_seconds=60,  # a job takes seconds; on a machine that does much else, half a minute
        )
        submitted.append(runs.submit(copied.home, copied.actor("company-a"), order).run_id)
        supervisor = command(copied, "run", "work", "--until-idle", token=token)
        time.sleep(chance.uniform(0.3, 4.0))
        _kill_something(copied, supervisor, chance)
        whole(copied)
    Supervisor(copied.home, copied.actor(cast.JUDGE, "operator")).work(until_idle=True)
    whole(copied)
    with copied.home.database.read() as session:
        ended = [runs.get(session, run_id) for run_id in submitted]
        made = [v.made_by for v in assets.visible_to(session, copied.actor(cast.LEAD)) if v.made_by]
    assert all(not run.live for run in ended), SEED
    assert len(made) == len(set(made)), SEED
    for run in ended:
        assert (run.state == "succeeded") == (run.run_id in made), SEED
        assert run.reason in ENDINGS, (SEED, run.reason)


def _kill_something(played: Played, supervisor: subprocess.Popen[str], chance: random.Random) -> None:
    """The supervisor always; often a keeper or a job of this home as well."""
    os.killpg(supervisor.pid, signal.SIGKILL)
    supervisor.communicate()
    ours = str(played.home.path / "runs")
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or chance.random() < 0.5:
            continue
        try:
            line = (entry / "cmdline").read_bytes().decode("utf-8", "replace")
        except OSError:
            continue
        if ours in line:
            os.kill(int(entry.name), signal.SIGKILL)


def test_evaluations_killed_at_random_points(copied: Played, tmp_path: Path) -> None:
    chance = random.Random(SEED + 2)
    token = copied.stage.token(cast.JUDGE, "evaluator")
    from tests.scores.test_evaluation import made, policy, submit

    reopened(copied)
    waiting = []
    for turn in range(20):
        if turn % 5 == 0:
            model = policy(value=chance.uniform(-1, 1))
            waiting.append(submit(copied, made(copied, {"policy.onnx": model}, tmp_path / f"m{turn}")))
        kill_after(command(copied, "score", "work", token=token), chance.uniform(0.3, 6.0))
        whole(copied)
    finished(command(copied, "score", "work", token=token))
    for person in (copied.actor(cast.MINISTRY, "officer"), copied.actor(cast.JUDGE, "evaluator")):
        with copied.home.database.write() as session:
            opening.approve(session, person, cast.MISSION)
    for _ in range(10):
        kill_after(command(copied, "score", "work", token=token), chance.uniform(0.3, 6.0))
        whole(copied)
    finished(command(copied, "score", "work", token=token))
    with copied.home.database.read() as session:
        for submission in waiting:
            assert scores.feedback_of(session, submission.submission_id) is not None, SEED
        for finalist, _ in opening.finalists(session, cast.MISSION):
            assert scores.score_of(session, finalist) is not None, SEED
        opened = opening.published(session, copied.actor(cast.LEAD), cast.MISSION)
    assert opened is not None and blobs.read(copied.home, opened), SEED
    whole(copied)
    shutil.rmtree(tmp_path, ignore_errors=True)
