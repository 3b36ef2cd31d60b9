"""Runs end honestly, whoever is killed; outputs are collected as regular files only."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from madang.allocations import books
from madang.assets import lineage
from madang.engines.local import LocalLauncher
from madang.interfaces.demo import cast
from madang.kernel.errors import NotPermitted, UnknownEngine
from madang.kernel.home import Home, open_home
from madang.kernel.isolation import Confinement, Limits
from madang.kernel.ledger import log
from madang.programme.verification import verify_home
from madang.runs import attempts, live, service
from madang.runs.errors import (
    BadParameters,
    NoSuchRun,
    NotCancellable,
    SchedulerSilent,
    SupervisorRunning,
    TooManyCores,
)
from madang.runs.launching import Grounds, Job, JobState
from madang.runs.model import Run
from madang.runs.supervisor import Supervisor, attempt_folder
from tests.conftest import Played

LONG = {"steps": 200_000}
SHORT = {"steps": 20, "width": 16, "layers": 1}


def order(played: Played, parameters: dict[str, int], output: str = "model", seconds: int = 60) -> Run:
    made = service.Order(
        cast.MISSION,
        "physical/behaviour-cloning",
        [played.stage.notes["deposit:company-a"]],
        played.stage.notes["award:company-a"],
        output,
        parameters,
        wall_seconds=seconds,
    )
    return service.submit(played.home, played.actor("company-a"), made)


def get(home: Home, run_id: str) -> Run:
    with home.database.read() as session:
        return service.get(session, run_id)


def wait(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)


def start_supervisor(played: Played, *flags: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "madang.interfaces.cli.main", "--home", str(played.home.path)]
    return subprocess.Popen(
        [*command, "run", "work", "--until-idle", *flags],
        env={**os.environ, "MADANG_TOKEN": played.stage.token(cast.JUDGE, "operator")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def work(played: Played) -> None:
    Supervisor(played.home, played.actor(cast.JUDGE, "operator")).work(until_idle=True)


def keeper_of(home: Home, run_id: str) -> int:
    started = attempt_folder(home, get(home, run_id)) / "started.json"
    wait(lambda: started.exists() and started.read_text() != "")
    return int(json.loads(started.read_text())["keeper"])


def children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in listed.read_text().split()] if listed.exists() else []


@pytest.fixture
def running(copied: Played) -> Iterator[tuple[Played, Run, subprocess.Popen[bytes]]]:
    """A long run in the middle of its work, and its supervisor."""
    run = order(copied, LONG)
    supervisor = start_supervisor(copied)
    wait(lambda: len(live.metrics_of(copied.home, get(copied.home, run.run_id))) > 3)
    yield copied, run, supervisor
    supervisor.kill()
    supervisor.wait()
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        started = attempt_folder(copied.home, get(copied.home, run.run_id)) / "started.json"
        os.kill(json.loads(started.read_text())["keeper"], signal.SIGKILL)


def settled(played: Played, run: Run) -> None:
    """The books and the ledger agree with how the run ended."""
    with played.home.database.read() as session:
        assert books.balance(session, f"lease:{run.run_id}") == 0
        account = "lost" if run.state == "failed" else "usage"
        assert books.balance(session, f"{account}:{run.run_id}") == run.used_resource_seconds
        assert books.balanced(books.trial_balance(session))
    assert verify_home(played.home).holds


def test_the_job_is_killed(running: tuple[Played, Run, subprocess.Popen[bytes]]) -> None:
    played, run, _ = running
    keeper = keeper_of(played.home, run.run_id)
    for job in children(keeper):
        os.kill(job, signal.SIGKILL)
    wait(lambda: not get(played.home, run.run_id).live)
    ended = get(played.home, run.run_id)
    assert (ended.state, ended.reason) == ("failed", "job-failed")
    assert ended.used_resource_seconds
    settled(played, ended)


def test_the_keeper_is_killed_and_the_run_is_not_executed_again(
    running: tuple[Played, Run, subprocess.Popen[bytes]],
) -> None:
    played, run, _ = running
    keeper = keeper_of(played.home, run.run_id)
    job = children(keeper)[0]
    os.kill(keeper, signal.SIGKILL)
    wait(lambda: not get(played.home, run.run_id).live)
    ended = get(played.home, run.run_id)
    assert (ended.state, ended.reason) == ("failed", "vanished")
    assert ended.used_resource_seconds
    wait(lambda: not Path(f"/proc/{job}").exists())
    settled(played, ended)


def test_the_supervisor_is_killed_and_the_next_one_takes_over(copied: Played) -> None:
    run = order(copied, {"steps": 1500}, seconds=240)
    first = start_supervisor(copied)
    keeper = keeper_of(copied.home, run.run_id)
    first.kill()
    first.wait()
    assert get(copied.home, run.run_id).state in ("waiting", "running")
    assert Path(f"/proc/{keeper}").exists()
    work(copied)
    ended = get(copied.home, run.run_id)
    assert ended.state == "succeeded"
    assert b"wrote policy.onnx" in live.log_of(copied.home, ended)
    assert live.log_of(copied.home, ended).count(b"20 episodes") == 1
    with copied.home.database.read() as session:
        assert lineage.get(session, "company-a/model@1").made_by == run.run_id
    settled(copied, ended)


def test_cancelling_a_running_and_a_queued_run(running: tuple[Played, Run, subprocess.Popen[bytes]]) -> None:
    played, run, _ = running
    queued = order(played, SHORT, "other")
    for run_id in (run.run_id, queued.run_id):
        with played.home.database.write() as session:
            service.cancel(session, played.actor("company-a"), run_id)
    wait(lambda: not get(played.home, run.run_id).live)
    assert get(played.home, run.run_id).state == "cancelled"
    assert get(played.home, queued.run_id).used_resource_seconds == 0
    settled(played, get(played.home, run.run_id))
    with pytest.raises(NotCancellable), played.home.database.write() as session:
        service.cancel(session, played.actor("company-a"), run.run_id)


def test_the_time_limit_stops_a_run(copied: Played) -> None:
    run = order(copied, LONG, seconds=4)
    work(copied)
    ended = get(copied.home, run.run_id)
    assert (ended.state, ended.reason) == ("failed", "time-limit")
    assert ended.used_resource_seconds == 4 * run.cores
    settled(copied, ended)


def test_one_supervisor_serves_a_home(running: tuple[Played, Run, subprocess.Popen[bytes]]) -> None:
    played, _, _ = running
    with pytest.raises(SupervisorRunning):
        work(played)


def test_several_supervisors_share_the_work_and_execute_each_run_once(copied: Played) -> None:
    ordered = [order(copied, SHORT, f"shared-{number}", seconds=40) for number in range(6)]
    supervisors = [start_supervisor(copied, "--name", name) for name in ("one", "two", "three")]
    for supervisor in supervisors:
        assert supervisor.wait(timeout=120) == 0
    ended = [get(copied.home, run.run_id) for run in ordered]
    assert {run.state for run in ended} == {"succeeded"}
    assert len({run.supervisor for run in ended}) > 1
    with copied.home.database.read() as session:
        for run in ended:
            claims = log.find_all(session.connection, "run.claimed", run.run_id)
            assert [claim.facts["supervisor"] for claim in claims] == [run.supervisor]
            assert live.log_of(copied.home, run).count(b"20 episodes") == 1
    settled(copied, ended[-1])


def test_a_folder_is_executed_at_most_once(tmp_path: Path, copied: Played) -> None:
    folder = tmp_path / "attempt"
    folder.mkdir()
    (tmp_path / "out").mkdir()
    confinement = Confinement({}, {"/out": tmp_path / "out"}, limits=Limits(2**31, 10))
    inside = copied.home.isolation.inside(confinement, "/out")
    code = f"open({inside + '/count'!r}, 'a').write('x')"
    command, grounds = [sys.executable, "-c", code], Grounds("awd-1", "industry", "cpu-core", 1)
    isolation = copied.home.isolation.name
    job = Job(folder, "job", command, isolation, confinement, 10, 2**20, 100, grounds)
    launcher = LocalLauncher()
    assert launcher.poll([folder])[folder].phase == "waiting"
    for _ in range(3):
        launcher.start(job)
    wait(lambda: launcher.poll([folder])[folder].phase == "ended")
    assert launcher.poll([folder])[folder].exit_code == 0
    assert (tmp_path / "out/count").read_text() == "x"


def test_what_cannot_be_submitted(copied: Played) -> None:
    def submit(**changes: object) -> None:
        given: dict[str, object] = {
            "mission": cast.MISSION,
            "recipe": "physical/behaviour-cloning",
            "inputs": [copied.stage.notes["deposit:company-a"]],
            "award_id": copied.stage.notes["award:company-a"],
            "output_asset": "model",
            "parameters": {},
        }
        service.submit(copied.home, copied.actor("company-a"), service.Order(**{**given, **changes}))  # type: ignore[arg-type]

    with pytest.raises(UnknownEngine) as unknown:
        submit(recipe="physical/magic")
    assert "physical/behaviour-cloning" in str(unknown.value)
    with pytest.raises(BadParameters):
        submit(parameters={"steps": "many"})
    with pytest.raises(BadParameters):
        submit(parameters={"stepz": 1})
    with pytest.raises(TooManyCores):
        submit(cores=10_000)
    with pytest.raises(NotPermitted):
        submit(inputs=[copied.stage.notes["deposit:company-b"]])
    with copied.home.database.read() as session, pytest.raises(NoSuchRun):
        service.get(session, "run-none")
    assert verify_home(copied.home).holds


def claimed(played: Played, run: Run) -> Supervisor:
    supervisor = Supervisor(played.home, played.actor(cast.JUDGE, "operator"))
    supervisor._claim(run)
    return supervisor


PREEMPTED = JobState("ended", 7.0, None, "preempted", exact=True, job="41", units=2)


def test_a_preempted_run_is_executed_again_and_what_it_used_is_lost(copied: Played) -> None:
    run = order(copied, SHORT)
    supervisor = claimed(copied, run)
    with copied.home.database.read() as session:
        before = books.balance(session, f"award:{run.award_id}")
    supervisor._end(get(copied.home, run.run_id), PREEMPTED)
    again = get(copied.home, run.run_id)
    assert (again.state, again.attempt, again.reason) == ("waiting", 2, "again:preempted")
    with copied.home.database.read() as session:
        assert books.balance(session, f"lost:{run.run_id}") == 14
        assert books.balance(session, f"lease:{run.run_id}") == run.cores * run.wall_seconds
        assert books.balance(session, f"award:{run.award_id}") == before - 14
    work(copied)
    ended = get(copied.home, run.run_id)
    assert ended.state == "succeeded"
    with copied.home.database.read() as session:
        first, second = attempts.of_run(session, run.run_id)
        assert (first.used_resource_seconds, first.job, first.reason) == (14, "41", "preempted")
        assert ended.used_resource_seconds == 14 + (second.used_resource_seconds or 0)
        assert books.balance(session, f"usage:{run.run_id}") == second.used_resource_seconds
        assert books.balanced(books.trial_balance(session))
    assert verify_home(copied.home).holds


def test_a_cancelled_run_that_is_preempted_is_cancelled(copied: Played) -> None:
    run = order(copied, SHORT)
    supervisor = claimed(copied, run)
    with copied.home.database.write() as session:
        service.cancel(session, copied.actor(run.organization), run.run_id)
    supervisor._end(get(copied.home, run.run_id), PREEMPTED)
    ended = get(copied.home, run.run_id)
    assert (ended.state, ended.reason, ended.used_resource_seconds) == ("cancelled", "cancelled", 14)
    settled(copied, ended)


def test_a_run_that_its_award_no_longer_pays_for_ends(copied: Played) -> None:
    run = order(copied, SHORT)
    supervisor = claimed(copied, run)
    with copied.home.database.read() as session:
        left = books.balance(session, f"award:{run.award_id}")
    seconds = (left + run.cores * run.wall_seconds) / 2
    used = JobState("ended", seconds, None, "node-failed", exact=True, units=2)
    supervisor._end(get(copied.home, run.run_id), used)
    ended = get(copied.home, run.run_id)
    assert (ended.state, ended.reason) == ("failed", "not-again:node-failed, award-too-small")
    assert "award-too-small" in str(ended.why)
    settled(copied, ended)


def test_a_scheduler_that_cannot_be_told_of_quotas_keeps_no_run_from_running(
    copied: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MADANG_QUOTA_ENGINE", "slurm")

    def silent(*_: object) -> None:
        raise SchedulerSilent(command="sacctmgr", reason="no answer")

    monkeypatch.setattr("madang.allocations.quotas.service.apply", silent)
    home = open_home(copied.home.path)
    run, told = order(copied, SHORT), list[str]()
    supervisor = Supervisor(home, copied.actor(cast.JUDGE, "operator"))
    supervisor.work(until_idle=True, trouble=lambda error: told.append(error.code))
    assert get(copied.home, run.run_id).state == "succeeded"
    assert "scheduler-silent" in told
    home.database.close()
