"""Runs, quotas and books on a real Slurm: nothing stands in for sbatch, squeue, sacct or sacctmgr."""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from madang.allocations import books
from madang.allocations import service as allocations
from madang.allocations.errors import AwardTooSmall, OtherSite
from madang.allocations.quotas import service as quotas
from madang.engines.slurm.launcher import SlurmLauncher
from madang.interfaces.demo import cast
from madang.kernel import clock
from madang.kernel.home import open_home
from madang.kernel.settings import Values
from madang.programme.verification import verify_home
from madang.runs import attempts, live, preparing, service
from madang.runs.errors import JobRefused, SchedulerMissing, SchedulerRefused
from madang.runs.launching import Job
from madang.runs.model import Attempt, Run
from madang.runs.reconciling import reconcile
from madang.runs.supervisor import Supervisor
from tests.engines.slurm.conftest import Center
from tests.runs.test_runs import start_supervisor, wait

COMPANY = cast.COMPANIES[0]
BIG = 200_000
"""GPU-seconds of an award that is not to run out."""


def work(center: Center) -> None:
    Supervisor(center.played.home, center.operator).work(until_idle=True)


@contextlib.contextmanager
def working(center: Center) -> Iterator[None]:
    """A supervisor at work beside the test."""
    supervisor = start_supervisor(center.played)
    try:
        yield
    finally:
        supervisor.kill()
        supervisor.wait()


def attempts_of(center: Center, run: Run) -> list[Attempt]:
    with center.played.home.database.read() as session:
        return attempts.of_run(session, run.run_id)


def cancel(center: Center, run: Run) -> None:
    with center.played.home.database.write() as session:
        service.cancel(session, center.played.actor(run.organization), run.run_id)


def why(run: Run) -> str:
    return str(run.why)


def agrees(center: Center) -> None:
    """Our books equal Slurm's to the second, balance, and the ledger covers them."""
    found = reconcile(center.played.home, center.operator)
    assert found.differences == []
    assert found.jobs > 0
    assert found.booked == found.accounted
    with center.played.home.database.read() as session:
        assert books.balanced(books.trial_balance(session))
    assert verify_home(center.played.home).holds


def test_a_training_run_in_quota_runs_in_the_sandbox(center: Center) -> None:
    run = center.order(center.award("national-projects", cast.LEAD, BIG), gpus=4)
    work(center)
    ended = center.get(run)
    assert (ended.state, ended.engine, ended.isolation) == ("succeeded", "slurm", "bubblewrap"), live.log_of(
        center.played.home, ended
    )
    (attempt,) = attempts_of(center, run)
    told = center.cluster.command(
        "sacct", "-n", "-P", "-X", "-j", str(attempt.job), "--format=JobName,State,ElapsedRaw,QOS,AllocTRES"
    )
    name, state, seconds, qos, tres = told.strip().split("|")
    assert (name, state, qos) == (run.run_id, "COMPLETED", "madang-national-projects")
    assert "gres/gpu:h200=4" in tres
    assert ended.used_resource_seconds == 4 * int(seconds)
    agrees(center)


def test_over_the_quota_is_refused_with_the_schedulers_reason(center: Center) -> None:
    award = center.award("national-projects", cast.LEAD, BIG)
    run = center.order(award, gpus=17)
    work(center)
    ended = center.get(run)
    assert (ended.state, ended.reason, ended.used_resource_seconds) == ("failed", "refused:QOSGrpGRES", 0)
    assert "QOSGrpGRES" in why(ended)
    with center.played.home.database.read() as session:
        assert books.balance(session, f"award:{award.award_id}") == BIG


def test_what_does_not_fit_now_is_held_with_the_schedulers_reason(center: Center) -> None:
    award = center.award("industry", COMPANY, BIG)
    first, second = center.order(award, gpus=8, long=True), center.order(award, gpus=8, long=True)
    with working(center):
        wait(lambda: center.get(first).state == "running" and center.get(second).reason.startswith("held"))
        wait(lambda: center.get(second).reason == "held:QOSGrpGRES")
        held = center.get(second)
        assert (held.state, held.started_at) == ("waiting", None)
        assert "QOSGrpGRES" in why(held)
        cancel(center, second)
        wait(lambda: center.get(second).state == "cancelled")
        cancel(center, first)
        wait(lambda: center.get(first).state == "cancelled")
    assert center.get(second).used_resource_seconds == 0
    assert (center.get(first).used_resource_seconds or 0) > 0
    agrees(center)


def test_without_an_award_there_nothing_is_taken(center: Center, monkeypatch: pytest.MonkeyPatch) -> None:
    """The scheduler was not told of the award: it knows no such account."""
    monkeypatch.setenv("MADANG_QUOTA_ENGINE", "")
    run = center.order(center.award("industry", COMPANY, BIG, enforce=False))
    with working(center):
        wait(lambda: not center.get(run).live)
    ended = center.get(run)
    assert ended.state == "failed"
    assert ended.reason.startswith("refused:Invalid account")


def test_a_borrower_gives_way_to_the_owner_and_is_executed_again(center: Center) -> None:
    borrower = center.order(
        center.award("industry", COMPANY, BIG), gpus=20, seconds=300, long=True, borrow=True
    )
    with working(center):
        wait(lambda: center.get(borrower).state == "running")
        assert attempts_of(center, borrower)[0].borrowed
        owner = center.order(center.award("national-projects", cast.LEAD, BIG), gpus=16, long=True)
        wait(lambda: center.get(owner).state == "running")
        assert not attempts_of(center, owner)[0].borrowed
        wait(lambda: len(attempts_of(center, borrower)) == 2)
        lost, following = attempts_of(center, borrower)
        assert (lost.reason, following.ended_at) == ("preempted", None)
        wait(lambda: center.get(borrower).reason.startswith("held:"))
        cancel(center, owner)
        wait(lambda: center.get(borrower).state == "running")
        cancel(center, borrower)
        wait(lambda: not center.get(borrower).live and not center.get(owner).live)
    with center.played.home.database.read() as session:
        assert books.balance(session, f"lost:{borrower.run_id}") == lost.used_resource_seconds
        assert books.balance(session, f"lease:{borrower.run_id}") == 0
    agrees(center)


def test_a_spent_budget_stops_the_next_job(center: Center) -> None:
    """17 GPU-minutes pay for one job of 16 GPUs and a minute; then Slurm itself has too few left."""
    award = center.award("national-projects", cast.LEAD, 17 * 60)
    first = center.order(award, gpus=16, seconds=8, long=True)
    work(center)
    ended = center.get(first)
    assert (ended.state, ended.reason) == ("failed", "time-limit")
    assert (ended.used_resource_seconds or 0) >= 16 * 8
    with pytest.raises(AwardTooSmall):  # by our books,
        center.order(award, gpus=16, seconds=8)
    words = (f"--account={award.award_id}", "--qos=madang-national-projects", "--gpus=h200:16", "--time=1")
    job = center.cluster.command("sbatch", "--parsable", *words, "--output=/dev/null", "--wrap=true").strip()
    wait(lambda: "AssocGrpGRESMinutes" in center.cluster.command("squeue", "-h", "-j", job, "-o", "%T %r"))
    assert (
        center.cluster.command("squeue", "-h", "-j", job, "-o", "%T").strip() == "PENDING"
    )  # and by Slurm's
    center.cluster.command("scancel", job)
    agrees(center)


def test_limits_set_beside_madang_are_told(center: Center) -> None:
    """The trap: a limit on the QOS silently replaces the award's budget on its account."""
    award = center.award("academia-research", cast.LEAD, 3600)
    sacctmgr = ("sacctmgr", "-i", "modify")
    qos = ("qos", "where", "name=madang-academia-research", "set")
    center.cluster.command(*sacctmgr, *qos, "GrpTRESMins=gres/gpu:h200=9999")
    try:
        _, drift = quotas.check(center.played.home, center.operator)
        told = {str(one.told) for one in drift}
        where = f"account {award.award_id} under qos madang-academia-research"
        assert f"{where}: GrpTRESMins in force, gres/gpu:h200 is 9999; it should be 60" in told
        assert "qos madang-academia-research: GrpTRESMins is gres/gpu:h200=9999; it should be not set" in told
    finally:
        center.cluster.command(*sacctmgr, *qos, "GrpTRESMins=gres/gpu:h200=-1")
    account = ("account", "where", f"name={award.award_id}", "set")
    center.cluster.command(*sacctmgr, *account, "GrpTRESMins=gres/gpu:h200=7")
    assert quotas.apply(center.played.home, center.operator) == (1, [])
    assert quotas.apply(center.played.home, center.operator) == (0, [])


BENT = {
    "qos madang-industry: UsageFactor": ("qos where name=madang-industry set UsageFactor=", "0", "1"),
    "qos madang-industry: GraceTime": ("qos where name=madang-industry set GraceTime=", "3600", "0"),
    "qos madang-borrow: PreemptExemptTime": (
        "qos where name=madang-borrow set PreemptExemptTime=",
        "1-00:00:00",
        "-1",
    ),
    "account root: GrpTRESMins": ("account where name=root set GrpTRESMins=gres/gpu:h200=", "5", "-1"),
}


@pytest.mark.parametrize("where", sorted(BENT))
def test_what_else_bends_a_budget_is_told(center: Center, where: str) -> None:
    what, bent, straight = BENT[where]
    center.award("industry", COMPANY, 3600)
    center.cluster.command("sacctmgr", "-i", "modify", *f"{what}{bent}".split())
    try:
        told = [str(one.told) for one in quotas.check(center.played.home, center.operator)[1]]
        assert any(one.startswith(where) for one in told), told
    finally:
        center.cluster.command("sacctmgr", "-i", "modify", *f"{what}{straight}".split())
    assert quotas.check(center.played.home, center.operator)[1] == []


def test_another_user_on_an_awards_account_is_told(center: Center) -> None:
    award = center.award("industry", COMPANY, 3600)
    user = ("user", "nobody", f"account={award.award_id}")
    center.cluster.command("sacctmgr", "-i", "add", *user)
    told = [str(one.told) for one in quotas.check(center.played.home, center.operator)[1]]
    assert any(f"account {award.award_id}: User is nobody" in one for one in told), told
    center.cluster.command("sacctmgr", "-i", "delete", "user", "name=nobody", f"account={award.award_id}")
    assert quotas.check(center.played.home, center.operator)[1] == []


def test_accounts_below_ours_are_told_and_what_they_used_is_reconciled(center: Center) -> None:
    """One below an award uses the award up; one below the account above all uses its shares."""
    award = center.award("industry", COMPANY, 3600)
    user = getpass.getuser()
    for name, parent in (("nested", award.award_id), ("rogue", "madang")):
        words = (f"parent={parent}", "cluster=lab", "qos=madang-industry", "defaultqos=madang-industry")
        center.cluster.command("sacctmgr", "-i", "add", "account", name, *words)
        center.cluster.command("sacctmgr", "-i", "add", "user", user, f"account={name}")
    told = [str(one.told) for one in quotas.check(center.played.home, center.operator)[1]]
    assert any(one.startswith(f"account nested: ParentName is {award.award_id}") for one in told), told
    assert any(one.startswith("account rogue: ParentName is madang") for one in told), told
    words = ("--account=nested", "--gpus=h200:2", "--job-name=below", "--output=/dev/null", "--wrap=sleep 2")
    job = center.cluster.command("sbatch", "--parsable", *words).strip()
    wait(lambda: len(reconcile(center.played.home, center.operator).differences) > 0)
    (found,) = reconcile(center.played.home, center.operator).differences
    assert (found.what, found.job, found.award_id) == ("not-ours", job, award.award_id)


@pytest.mark.parametrize(
    ("limit", "bent", "straight"), [("PreemptMode", "off", "requeue"), ("AllowAccounts", "root", "ALL")]
)
def test_a_partition_that_keeps_us_out_or_gives_nothing_back_is_told(
    center: Center, limit: str, bent: str, straight: str
) -> None:
    center.award("industry", COMPANY, 3600)
    center.cluster.command("scontrol", "update", "partitionname=gpu", f"{limit}={bent}")
    try:
        told = [str(one.told) for one in quotas.check(center.played.home, center.operator)[1]]
        assert any(one.startswith(f"partition gpu: {limit}") for one in told), told
    finally:
        center.cluster.command("scontrol", "update", "partitionname=gpu", f"{limit}={straight}")
    assert quotas.check(center.played.home, center.operator)[1] == []


def test_two_who_apply_at_once_each_end_well(center: Center) -> None:
    for share in ("industry", "academia-research", "national-projects"):
        center.award(share, COMPANY, 3600, enforce=False)
    with ThreadPoolExecutor(3) as pool:
        applied = [pool.submit(quotas.apply, center.played.home, center.operator) for _ in range(3)]
        found = [one.result() for one in applied]
    assert [drift for _, drift in found] == [[], [], []]
    assert sorted(changes for changes, _ in found)[:2] == [0, 0]


def test_a_run_while_another_tells_slurm_of_its_award(center: Center) -> None:
    """Refused, told of meanwhile by somebody else, and tried again: it must not end."""
    award = center.award("national-projects", cast.LEAD, BIG, enforce=False)
    run = center.order(award)
    supervisor = Supervisor(center.played.home, center.operator)
    supervisor._claim(run)
    launcher = supervisor._launcher
    started = launcher.start
    refused: list[str] = []

    def start(job: Job) -> None:
        try:
            started(job)
        except JobRefused as error:
            refused.append(str(error.facts["reason"]))
            quotas.apply(center.played.home, center.operator)  # the other one, just now
            raise

    launcher.start = start  # type: ignore[method-assign]
    assert supervisor._launch(center.get(run), None) is False
    assert len(refused) == 1
    work(center)
    assert center.get(run).state == "succeeded"


def test_another_sites_limits_never_replace_ours(center: Center, monkeypatch: pytest.MonkeyPatch) -> None:
    center.award("industry", COMPANY, 3600)
    first = clock.now().replace(microsecond=0) - timedelta(hours=1)
    with center.played.home.database.write() as session:
        end = first + timedelta(days=30)
        allocations.declare(session, center.operator, "center-c", "cpu-core", 4, first, end)
    with pytest.raises(OtherSite):
        quotas.apply(center.played.home, center.operator, "center-c")
    monkeypatch.setenv("MADANG_SITE", "")
    with pytest.raises(SchedulerRefused, match="gpu-center"):  # another home, the same Slurm
        quotas.apply(open_home(center.played.home.path), center.operator, "center-c")
    assert quotas.check(center.played.home, center.operator)[1] == []


def test_what_is_wrong_with_a_command_is_told_as_it_is(
    center: Center, monkeypatch: pytest.MonkeyPatch
) -> None:
    center.award("industry", COMPANY, 3600)
    monkeypatch.setenv("MADANG_SLURM_RESOURCES", "h200=gres/gpu:h100")
    with pytest.raises(SchedulerRefused, match="no TRES known"):
        quotas.apply(open_home(center.played.home.path), center.operator)
    with monkeypatch.context() as elsewhere, pytest.raises(SchedulerMissing):
        elsewhere.setenv("PATH", "/nowhere")
        quotas.check(center.played.home, center.operator)


def test_a_run_sooner_than_the_next_sweep_after_its_award(center: Center) -> None:
    """Slurm was not told of the award yet: it is told when it refuses the job."""
    busy = center.order(center.award("industry", COMPANY, BIG), long=True)
    with working(center):
        wait(lambda: center.get(busy).state == "running")
        run = center.order(center.award("national-projects", cast.LEAD, BIG, enforce=False))
        wait(lambda: not center.get(run).live)
        cancel(center, busy)
        wait(lambda: not center.get(busy).live)
    assert center.get(run).state == "succeeded"


def test_a_cancel_after_a_lost_note_stops_the_job_that_is_there(center: Center) -> None:
    """Submitted, and killed before the job's id was written down; then the user cancels."""
    award = center.award("industry", COMPANY, BIG)
    first, second = center.order(award, gpus=8, long=True), center.order(award, gpus=8, long=True)
    supervisor = Supervisor(center.played.home, center.operator)
    folder = center.played.home.runs_path / second.run_id
    for run in (first, second):
        supervisor._claim(run)
        supervisor._launch(center.get(run), None)
    wait(
        lambda: "QOSGrpGRES" in center.cluster.command("squeue", "-h", f"--name={second.run_id}", "-o", "%r")
    )
    (folder / "slurm.json").unlink()
    cancel(center, second)
    cancel(center, first)
    work(center)
    assert [center.get(run).state for run in (first, second)] == ["cancelled", "cancelled"]
    assert center.cluster.command("squeue", "-h", f"--name={second.run_id}") == ""
    agrees(center)


def test_of_two_jobs_of_a_name_the_one_that_took_the_folder_is_followed(
    center: Center, tmp_path: Path
) -> None:
    run = center.order(center.award("industry", COMPANY, BIG))
    Supervisor(center.played.home, center.operator)._claim(run)
    folder = tmp_path / "twice-submitted"
    preparing.lay_out(center.played.home, center.get(run), folder)
    job, launcher = preparing.job_of(center.played.home, center.get(run), folder), SlurmLauncher(Values())
    launcher.start(job)
    with (folder / "slurm.lock").open() as lock:
        other = launcher._submit(job, lock.fileno())
    noted = int(json.loads((folder / "slurm.json").read_text())["job"])
    assert other > noted
    (folder / "slurm.json").write_text(json.dumps({"job": other}))  # as if the wrong one had been noted
    wait(lambda: launcher.poll([folder])[folder].phase == "ended")
    state = launcher.poll([folder])[folder]
    assert (state.job, state.reason, state.exit_code) == (str(noted), "finished", 0)
    wait(lambda: center.cluster.command("squeue", "-h", "-t", "PD,R", f"--name={folder.name}") == "")
    (folder / "exit.json").unlink()
    assert launcher.poll([folder])[folder].job == str(noted)


def test_a_job_of_that_name_under_another_account_is_not_ours(center: Center) -> None:
    mine, other = center.award("industry", COMPANY, BIG), center.award("national-projects", cast.LEAD, BIG)
    run = center.order(mine)
    center.cluster.command(
        "sbatch", f"--account={other.award_id}", "--qos=madang-national-projects", "--gpus=h200:1",
        f"--job-name={run.run_id}", "--output=/dev/null", "--wrap=sleep 2",
    )  # fmt: skip
    work(center)
    assert center.get(run).state == "succeeded"


def test_a_lease_is_what_slurm_is_asked_for(center: Center) -> None:
    """An hour's award does not pay for an hour's job and its end; what it pays for, Slurm takes."""
    award = center.award("industry", COMPANY, 3600)
    with pytest.raises(AwardTooSmall):
        center.order(award, seconds=3600)
    run = center.order(award, seconds=3540)
    work(center)
    assert center.get(run).state == "succeeded"
    agrees(center)


def test_a_partition_that_is_not_there_is_the_operators_to_mend(
    center: Center, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = center.order(center.award("industry", COMPANY, BIG))
    monkeypatch.setenv("MADANG_SLURM_PARTITION", "no-such")
    wrong = open_home(center.played.home.path)
    told = [str(one.told) for one in quotas.check(wrong, center.operator)[1]]
    assert any(one.startswith("partition no-such: PartitionName is not set") for one in told), told
    supervisor = Supervisor(wrong, center.operator)
    supervisor._claim(run)
    with pytest.raises(SchedulerRefused, match="partition"):
        supervisor._launch(center.get(run), None)
    monkeypatch.delenv("MADANG_SLURM_PARTITION")
    work(center)
    assert center.get(run).state == "succeeded"


def test_a_run_of_another_engine_is_followed_to_its_end(
    center: Center, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The home changed to Slurm while a run was executed here."""
    run = center.order(center.award("industry", COMPANY, BIG), long=True)
    monkeypatch.setenv("MADANG_RUN_ENGINE", "local")
    with working(center):
        wait(lambda: center.get(run).state == "running")
    assert center.get(run).engine == "local"
    monkeypatch.setenv("MADANG_RUN_ENGINE", "slurm")
    with working(center):
        cancel(center, run)
        wait(lambda: not center.get(run).live)
    assert (center.get(run).state, center.get(run).engine) == ("cancelled", "local")
    assert (center.get(run).used_resource_seconds or 0) > 0


def test_a_job_beside_madang_is_found(center: Center) -> None:
    award = center.award("industry", COMPANY, BIG)
    job = center.cluster.command(
        "sbatch", "--parsable", f"--account={award.award_id}", "--qos=madang-industry", "--gpus=h200:2",
        "--job-name=stranger|of ours", "--output=/dev/null", "--wrap=sleep 2",
    ).strip()  # fmt: skip
    wait(lambda: len(reconcile(center.played.home, center.operator).differences) > 0)
    (found,) = reconcile(center.played.home, center.operator).differences
    assert (found.what, found.job, found.name, found.booked) == ("not-ours", job, "stranger|of ours", 0)
    assert found.accounted >= 4


_SUBMIT = """
import pickle, sys
from pathlib import Path
from madang.engines.slurm.launcher import SlurmLauncher
from madang.kernel.settings import Values
job = pickle.loads(Path(sys.argv[1]).read_bytes())
print("ready", flush=True)
sys.stdin.readline()
SlurmLauncher(Values()).start(job)
"""


@pytest.mark.parametrize("whole_group", [False, True])
def test_a_kill_in_the_middle_of_a_submit_yields_exactly_one_job(
    center: Center, tmp_path: Path, whole_group: bool
) -> None:
    """The submitter is killed at many instants, sbatch with it or not, and another one goes on."""
    import pickle

    run = center.order(center.award("industry", COMPANY, BIG))
    supervisor = Supervisor(center.played.home, center.operator)
    supervisor._claim(run)
    launcher, submitted = SlurmLauncher(Values()), []
    for number in range(8):
        folder = tmp_path / f"submit-{whole_group}-{number}".lower()
        preparing.lay_out(center.played.home, center.get(run), folder)
        job = preparing.job_of(center.played.home, center.get(run), folder)
        (tmp_path / "job").write_bytes(pickle.dumps(job))
        submitter = subprocess.Popen(
            [sys.executable, "-c", _SUBMIT, str(tmp_path / "job")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True, text=True,
        )  # fmt: skip
        assert submitter.stdin and submitter.stdout
        assert submitter.stdout.readline() == "ready\n"
        submitter.stdin.write("\n")
        submitter.stdin.flush()
        time.sleep(0.02 + 0.02 * number)
        kill = os.killpg if whole_group else os.kill
        kill(submitter.pid, signal.SIGKILL)
        submitter.wait()
        submitter.stdin.close()
        submitter.stdout.close()
        for _ in range(2):
            SlurmLauncher(Values()).start(job)
        submitted.append(folder)
    wait(lambda: all(state.phase == "ended" for state in launcher.poll(submitted).values()))
    for folder in submitted:
        words = ("-n", "-P", "-X", "-D", "-S", "now-1hour", f"--name={folder.name}")
        jobs = center.cluster.command("sacct", *words)
        assert len(jobs.splitlines()) == 1, jobs
        assert (folder / "exit.json").exists()
