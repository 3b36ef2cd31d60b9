"""A run at a facility of our own making: to its end, through its faults, and once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from madang.allocations import books
from madang.assets import lineage
from madang.engines.iri import client, moving, parcels
from madang.engines.iri.client import Facility as Client
from madang.engines.iri.client import TaskFailed
from madang.engines.iri.errors import BadFacility, FacilitySilent
from madang.engines.iri.launcher import IriLauncher
from madang.kernel.errors import MadangError
from madang.kernel.settings import Values
from madang.programme.verification import verify_home
from madang.runs import attempts, live, service
from madang.runs.errors import JobRefused
from madang.runs.model import Run
from tests.engines.iri.conftest import Lender
from tests.engines.iri.facility import Work, once

BOTH = pytest.mark.parametrize("facility", [1, 2], ids=["v1", "v2"], indirect=True)


def wait(what: Callable[[], bool], seconds: float = 30) -> None:
    overdue = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < overdue
        time.sleep(0.05)


def work(lender: Lender) -> list[MadangError]:
    """Have the supervisor work until nothing is left; what it was told of trouble."""
    trouble: list[MadangError] = []
    lender.supervisor().work(until_idle=True, trouble=trouble.append)
    return trouble


def succeeded(lender: Lender, run: Run) -> Run:
    """The run, which succeeded, was booked, and left nothing at the facility."""
    ended = lender.get(run)
    home = lender.played.home
    assert (ended.state, ended.reason) == ("succeeded", "finished"), live.log_of(home, ended)
    with home.database.read() as session:
        assert books.balanced(books.trial_balance(session))
        made = lineage.get(session, f"{run.organization}/lent@1")
        (attempt,) = attempts.of_run(session, run.run_id)
    assert made.made_by == run.run_id
    assert attempt.job in lender.facility.jobs
    assert verify_home(home).holds
    assert list((lender.facility.root / "madang").iterdir()) == []
    return ended


@BOTH
def test_a_run_goes_there_and_what_it_made_comes_back(lender: Lender) -> None:
    run = lender.order()
    assert work(lender) == []
    ended = succeeded(lender, run)
    (job,) = lender.facility.jobs.values()
    assert job.ended is not None
    assert ended.engine == "iri" and ended.used_resource_seconds is not None
    # The job's own clock, from its first instruction to its last, in whole seconds.
    assert 1 <= ended.used_resource_seconds <= job.ended - job.begun + 1
    assert job.spec["attributes"]["account"] == run.award_id
    assert live.metrics_of(lender.played.home, ended)


def test_files_that_a_facility_gives_as_text_come_back_too(lender: Lender) -> None:
    lender.facility.as_text = True
    run = lender.order()
    work(lender)
    succeeded(lender, run)


def test_large_inputs_go_in_parts_and_other_runs_have_their_turn(
    lender: Lender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parcels, "PART_BYTES", 50_000)
    monkeypatch.setattr(moving, "TURN_SECONDS", 0.02)
    run = lender.order()
    work(lender)
    succeeded(lender, run)
    uploads = [path for method, path in lender.facility.asked if path.startswith("filesystem/upload")]
    assert len(uploads) > 3


def test_a_run_that_is_cancelled_while_its_files_are_sent_leaves_nothing_there(
    lender: Lender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parcels, "PART_BYTES", 10_000)
    monkeypatch.setattr(moving, "TURN_SECONDS", 0.0)
    run = lender.order()
    supervising = threading.Thread(target=work, args=(lender,))
    supervising.start()
    wait(lambda: any("upload" in path for _, path in lender.facility.asked))
    with lender.played.home.database.write() as session:
        service.cancel(session, lender.played.actor(run.organization), run.run_id)
    supervising.join(30)
    assert (lender.get(run).state, lender.get(run).used_resource_seconds) == ("cancelled", 0)
    assert lender.facility.jobs == {}
    assert list((lender.facility.root / "madang").iterdir()) == []


def test_a_job_waits_there_and_is_cancelled(lender: Lender) -> None:
    lender.facility.hold = True
    run = lender.order()
    supervising = threading.Thread(target=work, args=(lender,))
    supervising.start()
    wait(lambda: lender.get(run).reason == "held:queued")
    with lender.played.home.database.write() as session:
        service.cancel(session, lender.played.actor(run.organization), run.run_id)
    supervising.join(30)
    ended = lender.get(run)
    assert (ended.state, ended.used_resource_seconds) == ("cancelled", 0)


def test_a_running_job_is_cancelled_and_what_it_used_is_booked(lender: Lender) -> None:
    run = lender.order(steps=1_000_000)
    supervising = threading.Thread(target=work, args=(lender,))
    supervising.start()
    wait(lambda: lender.get(run).state == "running")
    time.sleep(1.5)
    with lender.played.home.database.write() as session:
        service.cancel(session, lender.played.actor(run.organization), run.run_id)
    supervising.join(60)
    ended = lender.get(run)
    assert ended.state == "cancelled" and (ended.used_resource_seconds or 0) >= 1


FAULTS = {
    "while files are sent": [
        ("POST filesystem/mkdir", "dead"), ("POST filesystem/upload", "500"),
        ("POST filesystem/upload", "silent"), ("POST filesystem/upload", '{"task": 1}'), ("GET task", "drip"),
        ("GET task", "html"), ("GET task", '{"status": "perhaps"}'), ("GET task", "[]"),
    ],
    "while the job is submitted": [
        ("POST compute/job", "503"), ("POST compute/job", "html"), ("POST compute/job", '{"id": ""}'),
        ("POST compute/status", "html"), ("POST compute/status", "{}"), ("POST compute/job", "silent"),
        ("POST compute/job", "lost"),
    ],
    "while it is asked after": [
        ("GET compute/status", "dead"), ("GET compute/status", "429"), ("GET compute/status", "redirect"),
        ("GET compute/status", '{"id": "another", "status": {"state": "completed"}}'),
        ("GET compute/status", '{"id": 1}'), ("GET compute/status", "flood"),
    ],
    "while it comes back": [
        ("filesystem/download", "500"), ("filesystem/download", '{"task_id": "unheard"}'),
        ("filesystem/download", "dead"), ("GET task", "404"), ("filesystem/rm", "500"),
    ],
}  # fmt: skip


@BOTH
@pytest.mark.parametrize("when", FAULTS)
def test_a_facility_that_fails_costs_nothing(lender: Lender, when: str) -> None:
    """Each fault comes once; all of them in the course of one run."""
    left = [once(request, fault) for request, fault in FAULTS[when]]
    lender.facility.fault = lambda method, path: next((f for one in left if (f := one(method, path))), None)
    run = lender.order()
    trouble = work(lender)
    assert lender.get(run).state == "succeeded", [str(one) for one in trouble]
    assert len([one for one in lender.facility.jobs.values() if one.process]) == 1
    assert trouble
    for one in trouble:
        assert isinstance(one, FacilitySilent) and one.in_language("ko").next


@BOTH
def test_a_submission_whose_answer_was_lost_is_found_by_its_name(lender: Lender) -> None:
    lender.facility.fault = once("POST compute/job", "lost")
    run = lender.order()
    trouble = work(lender)
    succeeded(lender, run)
    assert trouble
    assert [path for method, path in lender.facility.asked if "compute/job" in path] == ["compute/job/gpus"]


@pytest.mark.parametrize("fault", ["dead", "500", "html", "401"])
def test_a_facility_that_is_gone_leaves_the_run_as_it_is(lender: Lender, fault: str) -> None:
    lender.facility.fault = lambda method, path: fault
    run = lender.order()
    trouble: list[MadangError] = []

    class Enough(Exception):
        pass

    def tell(error: MadangError) -> None:
        trouble.append(error)
        if len(trouble) == 3:
            raise Enough

    with pytest.raises(Enough):
        lender.supervisor().work(until_idle=True, trouble=tell)
    assert lender.get(run).state == "waiting"
    lender.facility.fault = lambda method, path: None
    work(lender)
    succeeded(lender, run)


def test_what_the_facility_will_never_take_ends_the_run(
    lender: Lender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MADANG_IRI_ACCOUNT", "spent")
    run = Lender.order(lender)
    trouble = work(with_settings(lender))
    ended = lender.get(run)
    assert (ended.state, ended.reason, ended.used_resource_seconds) == ("failed", "refused:facility-422", 0)
    assert any(isinstance(one, JobRefused) and "spent" in str(one) for one in trouble)


def with_settings(lender: Lender) -> Lender:
    """The same home, with the settings that hold now."""
    from madang.kernel.home import open_home

    lender.played.stage.home = open_home(lender.played.home.path)
    return lender


def test_a_job_that_never_comes_to_our_program_fails_with_its_words(
    lender: Lender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MADANG_IRI_PYTHON", "/bin/ls")
    run = lender.order()
    work(with_settings(lender))
    ended = lender.get(run)
    assert (ended.state, ended.reason) == ("failed", "not-started")
    assert b"madang.engines.iri.there" in live.log_of(lender.played.home, ended)


def test_a_job_that_is_gone_and_one_that_returned_nothing(lender: Lender) -> None:
    run = lender.order()
    lender.facility.hold = True
    supervising = threading.Thread(target=work, args=(lender,))
    supervising.start()
    wait(lambda: lender.get(run).reason == "held:queued")
    lender.facility.jobs.clear()
    supervising.join(30)
    assert (lender.get(run).state, lender.get(run).reason) == ("failed", "vanished")
    lender.facility.hold = False
    lender.facility.fault = once("filesystem/download", '{"task_id": "none"}', times=1000)
    lender.facility.tasks["none"] = {"id": "none", "status": "failed", "result": None}
    run = lender.order()
    work(lender)
    assert (lender.get(run).state, lender.get(run).reason) == ("failed", "outputs-not-copied")


def test_parts_that_are_not_what_was_written_are_not_taken(lender: Lender) -> None:
    wrong = {"id": "wrong", "status": "completed", "result": {"output": "QUJD"}}
    lender.facility.tasks["wrong"] = wrong
    seen: list[str] = []

    def fault(method: str, path: str) -> str | None:
        if "filesystem/download" in path:
            seen.append(path)
            return '{"task_id": "wrong"}' if len(seen) > 1 else None  # the index is right, the parts are not
        return None

    lender.facility.fault = fault
    run = lender.order()
    work(lender)
    ended = lender.get(run)
    assert (ended.state, ended.reason) == ("failed", "outputs-not-copied")
    assert b"not what was written" in live.log_of(lender.played.home, ended)


def test_a_second_job_of_a_folder_does_nothing(lender: Lender, monkeypatch: pytest.MonkeyPatch) -> None:
    """A facility may begin a job twice (a requeue, a key that was forgotten): it is executed once."""
    monkeypatch.setattr(moving, "LOST_SECONDS", 30.0)  # longer than the first job takes
    run = lender.order()
    lender.facility.hold = True
    supervising = threading.Thread(target=work, args=(lender,))
    supervising.start()
    wait(lambda: lender.get(run).reason == "held:queued")
    (job,) = lender.facility.jobs.values()
    lender.facility.begin(job)
    first = job.process
    lender.facility.begin(job)
    assert first is not None and job.process is not None
    wait(lambda: job.process.poll() is not None or first.poll() is not None)
    supervising.join(60)
    assert sorted(one.wait() for one in (first, job.process)) == [0, 75]


def values_of(lender: Lender, **changes: str) -> Values:
    return Values(**{**lender.played.home.values.model_dump(), **changes})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("iri_url", ""), ("iri_url", "https://facility.example/api"), ("iri_url", "http://facility.example/v2"),
        ("iri_url", "ftp://127.0.0.1/v2"), ("iri_token", ""), ("iri_directory", ""),
    ],
)  # fmt: skip
def test_settings_that_cannot_work_are_told(lender: Lender, key: str, value: str) -> None:
    with pytest.raises(BadFacility) as refusal:
        assert IriLauncher(values_of(lender, **{key: value})).facility
    assert key in str(refusal.value) and refusal.value.exit_code == 2


def test_the_token_stays_with_the_facility_and_out_of_what_is_shown(lender: Lender) -> None:
    """Neither a redirect nor a task's address is followed."""
    asking = Client(values_of(lender))
    lender.facility.fault = once("compute/status", "redirect")
    with pytest.raises(FacilitySilent) as refusal:
        asking.job("any")
    assert "302" in str(refusal.value) and "facility-token" not in str(refusal.value)
    (lender.facility.root / "file").write_bytes(b"content")
    assert asking.download(f"{lender.facility.root}/file")[0] == b"content"
    with pytest.raises(TaskFailed):
        asking.download(f"{lender.facility.root}/../secret")


def test_answers_are_waited_for_no_longer_than_is_said(lender: Lender) -> None:
    asking = Client(values_of(lender))
    for fault in ("silent", "drip"):
        lender.facility.fault = once("compute/status", fault)
        begun = time.monotonic()
        with pytest.raises(FacilitySilent):
            asking.job("any")
        assert time.monotonic() - begun < 2 * client._ANSWER_SECONDS + 1


def test_of_two_jobs_of_a_name_the_one_that_executes_is_followed(lender: Lender) -> None:
    run = lender.order()
    lender.facility.hold = True
    supervising = threading.Thread(target=work, args=(lender,))
    supervising.start()
    wait(lambda: lender.get(run).reason == "held:queued")
    (noted,) = lender.facility.jobs.values()
    twin = Work("twin", noted.spec)
    lender.facility.jobs["twin"] = twin
    lender.facility.begin(twin)
    wait(lambda: (Path(noted.spec["directory"]) / "taken").exists())
    lender.facility.begin(noted)
    supervising.join(60)
    succeeded(lender, run)
    with lender.played.home.database.read() as session:
        (attempt,) = attempts.of_run(session, run.run_id)
    assert attempt.job == "twin"


def test_a_job_that_is_not_found_now_and_then_is_not_given_up(lender: Lender) -> None:
    asked: list[str] = []

    def fault(method: str, path: str) -> str | None:
        if "compute/status" in path and method == "GET":
            asked.append(path)
            time.sleep(0.4)
            return "404" if len(asked) % 2 else None
        return None

    lender.facility.fault = fault
    run = lender.order(steps=2_000)
    work(lender)
    succeeded(lender, run)
