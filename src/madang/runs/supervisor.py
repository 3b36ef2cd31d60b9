"""The supervisor: takes queued runs, has them executed, and ends them honestly.

It keeps nothing in memory that matters. Killed at any point, the next one reads the runs that it has
claimed and asks the launcher what became of each: the attempt's folder is the idempotency key.

    claim (row: waiting or running; an attempt) -> prepare folder -> launcher.start -> poll
        -> collect outputs -> end (row, books), or the next attempt where it was preempted
"""

from __future__ import annotations

import fcntl
import platform
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from math import ceil
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from madang.allocations import service as allocations
from madang.allocations.errors import AwardNotOpen, AwardTooSmall, NoSuchSite, QuotaDrift, TooManyUnits
from madang.allocations.quotas import service as quotas
from madang.assets import reads
from madang.assets import service as assets
from madang.assets.errors import StoreFailed
from madang.kernel import clock, extension
from madang.kernel.authorizer import Principal, Request, authorize
from madang.kernel.database import Session
from madang.kernel.errors import MadangError
from madang.kernel.home import Home
from madang.kernel.ids import check_slug
from madang.kernel.locks import is_held
from madang.runs import attempts, collecting, live, preparing, recipes, service
from madang.runs.collecting import End
from madang.runs.errors import JobRefused, SchedulerSilent, SupervisorRunning
from madang.runs.launching import Job, JobState, Launcher
from madang.runs.model import Run, runs

SWEEP_SECONDS = 30.0
_LOOKED_AT_SECONDS = 0.5
"""How long the lock may be held by somebody who only looks whether a supervisor is at work."""
_SILENCE_SECONDS = 5.0
"""How long a scheduler that does not answer is left alone."""

Trouble = Callable[[MadangError], None]


_SILENT = (SchedulerSilent, StoreFailed)
"""What does not answer just now: whatever needs it is tried again."""


class Supervisor:
    """A working supervisor; see the module's docstring.

    Several may share one database, each under a `name` of its own (this machine's, unless told): a
    queued run goes to the one that claims its row first, and only who claimed it takes it further.
    """

    def __init__(self, home: Home, actor: Principal, name: str | None = None) -> None:
        self._home = home
        self._actor = actor
        self._name = check_slug(name, "supervisor name") if name else this_machine()
        self._launchers: dict[str, Launcher] = {}
        self._launcher = self._launcher_of(home.values.run_engine)

    def _launcher_of(self, engine: str) -> Launcher:
        """The launcher of an engine: a run that was claimed is followed by the one that has its job."""
        if engine not in self._launchers:
            self._launchers[engine] = extension.engine("runs", engine)(self._home.values)
        return self._launchers[engine]

    def work(
        self,
        *,
        until_idle: bool = False,
        tell: Callable[[Run], None] | None = None,
        trouble: Trouble | None = None,
    ) -> None:
        """Work until interrupted; with `until_idle`, until no run is queued, waiting or running.

        tell: called with each run that took a step. trouble: called where the scheduler does not answer; the
        runs stay as they are, and it is asked again.

        Raises SupervisorRunning where another one works under this name, NotPermitted where the actor is
        no operator, NoSuchSite where the setting `site` names none.
        """
        with self._home.database.read() as session:
            self._authorize(session)
            if self._home.values.site and allocations.operator(session, self._home.values.site) is None:
                raise NoSuchSite(site=self._home.values.site)
        with _only_one(self._home, self._name):
            swept = 0.0
            while True:
                if time.monotonic() - swept > SWEEP_SECONDS:
                    self._sweep(trouble)
                    swept = time.monotonic()  # after it: a scheduler that does not answer takes its time
                live = self._live()
                if not live and until_idle:
                    return
                try:
                    moved = self._advance(live, tell, trouble)
                except _SILENT as error:
                    if trouble:
                        trouble(error)
                    time.sleep(_SILENCE_SECONDS)
                    continue
                if not moved:
                    time.sleep(self._launcher.poll_seconds)

    def _authorize(self, session: Session) -> None:
        owner = {"owner": self._actor.organization}
        authorize(session, Request(self._actor, "run.operate", "Home", "home", owner))

    def _live(self) -> list[Run]:
        """The runs to work on: those this supervisor has claimed, then the oldest queued, as many as the
        launcher takes at once."""
        mine = runs.c.state.in_(("waiting", "running")) & (runs.c.supervisor == self._name)
        order = (sa.case((runs.c.state == "queued", 1), else_=0), runs.c.queued_at, runs.c.run_id)
        with self._home.database.read() as session:
            found = self._ours(session, mine | (runs.c.state == "queued"), order)
            return list(islice(found, self._launcher.at_once))

    def _ours(
        self, session: Session, which: sa.ColumnElement[bool], order: Sequence[sa.ColumnElement[Any]]
    ) -> Iterator[Run]:
        """The runs among these that this home executes; others wait for one that has their pack."""
        known = recipes.every()
        query = sa.select(runs.c.run_id, runs.c.award_id, runs.c.recipe).where(which).order_by(*order)
        for row in session.rows(query):
            if row["recipe"] in known and self._is_ours(session, row["award_id"]):
                yield service.get(session, row["run_id"])

    def _is_ours(self, session: Session, award_id: str) -> bool:
        """Whether an award is of a site that this home executes for."""
        site, operator = allocations.site_of(session, award_id)
        return operator == self._actor.organization and self._home.values.site in ("", site)

    def _sweep(self, trouble: Trouble | None = None) -> None:
        """End queued runs that may not start any more: their agreement ended, and their lease is held.
        Have the scheduler follow the awards, where the settings name one."""
        if self._home.values.quota_engine:
            self._apply_quotas(trouble)
        with self._home.database.read() as session:
            queued = self._ours(session, runs.c.state == "queued", [runs.c.queued_at])
            stopped = [run for run in queued if preparing.no_longer_permitted(session, run) is not None]
        for run in stopped:
            self._claim(run)
        reads.record(self._home)

    def _apply_quotas(self, trouble: Trouble | None) -> int:
        """Have the scheduler follow the awards; whatever keeps that from happening, runs go on. How many
        changes that took."""
        changes = 0
        try:
            changes, drift = quotas.apply(self._home, self._actor)
            if drift:
                raise QuotaDrift(count=len(drift), first=drift[0].told)
        except MadangError as error:
            if trouble:
                trouble(error)
        return changes

    def _advance(
        self, live: Sequence[Run], tell: Callable[[Run], None] | None, trouble: Trouble | None = None
    ) -> bool:
        """Take the next step of each run; False where there was nothing to do for any. A step that the
        scheduler or the store does not answer to is told, and keeps no other run from its own."""
        states = self._states([run for run in live if run.state != "queued"])
        moved, silent = False, None
        for run in live:
            try:
                step = (
                    self._claim(run)
                    if run.state == "queued"
                    else self._step(run, states[run.run_id], trouble)
                )
            except _SILENT as error:
                silent = error
                continue
            moved = moved or step
            if step and tell:
                tell(run)
        if silent is not None and not moved:
            raise silent
        return moved

    def _states(self, claimed: Sequence[Run]) -> dict[str, JobState]:
        """What became of the job of each run, asked of the engine that has it."""
        found: dict[str, JobState] = {}
        for engine in sorted({run.engine for run in claimed}):
            folders = {attempt_folder(self._home, run): run for run in claimed if run.engine == engine}
            states = self._launcher_of(engine).poll(list(folders))
            found |= {run.run_id: states[folder] for folder, run in folders.items()}
        return found

    def _claim(self, run: Run) -> bool:
        with self._home.database.write() as session:
            self._authorize(session)
            if service.get(session, run.run_id).state != "queued":
                return True
            problem = preparing.no_longer_permitted(session, run)
            if problem is not None:
                _end_unstarted(session, self._actor, run, f"not-permitted:{problem.code}")
                return True
            isolation, engine = self._home.isolation.name, self._home.values.run_engine
            session.update(
                runs, run.run_id, state="waiting", isolation=isolation, engine=engine, supervisor=self._name
            )
            begun = attempts.begin(session, run, engine, self._name)
            session.record(
                "run.claimed", run.run_id, self._actor.as_fact(), attempt=begun.number, engine=engine,
                isolation=isolation, supervisor=self._name,
            )  # fmt: skip
        return True

    def _step(self, run: Run, state: JobState, trouble: Trouble | None) -> bool:
        """Take the next step of a run that was claimed; False where there is nothing to do yet."""
        if state.phase == "waiting":
            return self._launch(run, trouble)
        if state.phase in ("ended", "vanished"):
            self._end(run, state)
            return True
        if run.cancel_asked:
            self._launcher_of(run.engine).cancel(attempt_folder(self._home, run))
        return state.phase != "unknown" and self._note(run, state)

    def _note(self, run: Run, state: JobState) -> bool:
        """Write down that a run's job has begun, or what it waits for, where that is new."""
        held = state.phase == "held"
        phase, reason = ("waiting", f"held:{state.reason}") if held else ("running", "")
        if (run.state, run.reason) == (phase, reason):
            return False
        with self._home.database.write() as session:
            self._authorize(session)
            now = service.get(session, run.run_id)
            if now.state not in ("waiting", "running"):
                return False
            changes: dict[str, Any] = {"state": phase, "reason": reason}
            if not held:
                begun = clock.to_text(clock.now())
                changes["started_at"] = now.started_at or begun
                attempts.change(session, now, started_at=begun, job=state.job, borrowed=state.borrowed)
            session.update(runs, run.run_id, **changes)
            session.record(
                "run.held" if held else "run.started", run.run_id, self._actor.as_fact(),
                attempt=now.attempt, job=state.job, reason=state.reason,
            )  # fmt: skip
        return True

    def _launch(self, run: Run, trouble: Trouble | None) -> bool:
        """Prepare the folder, unless an earlier supervisor did, and start the job at most once."""
        folder = attempt_folder(self._home, run)
        launcher = self._launcher_of(run.engine)
        if run.cancel_asked:
            if not folder.exists() or launcher.absent(folder):
                self._end(run, JobState("ended", 0.0, None, "cancelled"))
            return True
        try:
            if not folder.exists():
                preparing.require_permitted(self._home, run)  # it may have been withdrawn since the claim
                preparing.lay_out(self._home, run, folder)
            job = preparing.job_of(self._home, run, folder)
        except StoreFailed:
            raise  # it is tried again
        except MadangError as error:
            if not folder.exists() or launcher.absent(folder):
                self._end(run, JobState("ended", 0.0, None, "not-prepared"), error)
            return True
        try:
            self._start(launcher, job, trouble)
        except JobRefused as refusal:
            if trouble:
                trouble(refusal)
            self._end(run, JobState("ended", 0.0, None, f"refused:{refusal.facts['reason']}"))
            return True
        return False

    def _start(self, launcher: Launcher, job: Job, trouble: Trouble | None) -> None:
        try:
            launcher.start(job)
        except JobRefused:
            # The award may be newer than what the scheduler was told; another may be telling it just now.
            if not self._home.values.quota_engine:
                raise
            self._apply_quotas(trouble)
            launcher.start(job)

    def _end(self, run: Run, state: JobState, error: MadangError | None = None) -> None:
        """Collect what a job left and write its end: outputs, usage, state, in one entry; or begin the next
        attempt, where it was not the job's own end."""
        folder = attempt_folder(self._home, run)
        end = collecting.collect(self._home, run, folder, state, error)
        with end.kept_or_destroyed(self._home), self._home.database.write() as session:
            self._authorize(session)
            now = service.get(session, run.run_id)
            if now.state not in ("waiting", "running"):
                return
            if end.again and now.cancel_asked:
                end = replace(end, outcome="cancelled", reason="cancelled")
            booked = self._book(session, now, end)
            problem = self._problem_again(session, now) if end.again else None
            if end.again and problem is None:
                self._begin_again(session, now, end, booked)
            else:
                reason = end.reason if problem is None else f"not-again:{end.reason}, {problem}"
                self._write_end(session, now, end, reason, booked)
        collecting.remove(folder)

    def _book(self, session: Session, run: Run, end: End) -> int:
        """Book what the attempt used; returns it in resource-seconds."""
        state = end.state
        seconds = ceil(state.seconds) if state.exact else min(ceil(state.seconds), run.wall_seconds)
        lost = end.outcome == "failed"
        used = seconds * (run.cores if state.units is None else state.units)
        booked = allocations.settle(session, run.award_id, run.run_id, used, lost=lost, exact=state.exact)
        attempts.change(
            session, run, ended_at=clock.to_text(clock.now()), reason=end.reason,
            used_resource_seconds=booked, log=end.kept["log"],
            **({"job": state.job, "borrowed": state.borrowed} if state.job else {}),
        )  # fmt: skip
        return booked

    def _problem_again(self, session: Session, run: Run) -> str | None:
        """Why a run is not executed again; None where it is."""
        if (run.attempt or 1) >= attempts.MOST:
            return "attempts-spent"
        problem = preparing.no_longer_permitted(session, run)
        if problem is not None:
            return problem.code
        held = self._launcher.lease_seconds(run.wall_seconds)
        try:
            allocations.check_lease(session, run.award_id, run.organization, run.mission, run.cores, held)
        except (AwardTooSmall, AwardNotOpen, TooManyUnits) as error:
            return error.code
        return None

    def _begin_again(self, session: Session, run: Run, end: End, booked: int) -> None:
        """The next attempt of a run, with a lease of its own; what the last one used is lost."""
        held = self._launcher.lease_seconds(run.wall_seconds)
        allocations.lease(session, run.award_id, run.run_id, run.organization, run.mission, run.cores, held)
        engine = self._home.values.run_engine
        number = attempts.begin(session, run, engine, self._name).number
        session.update(runs, run.run_id, state="waiting", reason=f"again:{end.reason}", engine=engine)
        session.record(
            "run.again", run.run_id, self._actor.as_fact(), attempt=number, award=run.award_id,
            reason=end.reason, job=end.state.job, used_resource_seconds=booked,
        )  # fmt: skip

    def _write_end(self, session: Session, run: Run, end: End, reason: str, booked: int) -> None:
        used = booked + attempts.used_before(session, run)
        ended = clock.now()
        began = ended - timedelta(seconds=end.state.seconds) if end.state.seconds else None
        session.update(
            runs, run.run_id, state=end.outcome, reason=reason, ended_at=clock.to_text(ended),
            started_at=run.started_at or (clock.to_text(began) if began else None),
            exit_code=end.state.exit_code, used_resource_seconds=used, **end.kept,
        )  # fmt: skip
        outputs = [assets.insert(session, *end.version)] if end.version else []
        session.record(
            "run.ended",
            run.run_id,
            self._actor.as_fact(),
            award=run.award_id,
            inputs=list(run.inputs),
            outputs=[{"version": v.version_id, "manifest": v.manifest} for v in outputs],
            reason=reason,
            state=end.outcome,
            used_resource_seconds=used,
        )


def _end_unstarted(session: Session, actor: Principal, run: Run, reason: str) -> None:
    allocations.settle(session, run.award_id, run.run_id, 0)
    ended = clock.to_text(clock.now())
    session.update(runs, run.run_id, state="failed", reason=reason, ended_at=ended, used_resource_seconds=0)
    session.record(
        "run.ended", run.run_id, actor.as_fact(), award=run.award_id, inputs=list(run.inputs), outputs=[],
        reason=reason, state="failed", used_resource_seconds=0,
    )  # fmt: skip


def attempt_folder(home: Home, run: Run) -> Path:
    """The working folder of a run's latest attempt."""
    return live.working_folder(home, run)


def this_machine() -> str:
    """This machine's name as a slug."""
    return re.sub("[^a-z0-9]+", "-", platform.node().lower()).strip("-")[:63].rstrip("-") or "machine"


def at_work(home: Home) -> bool:
    """Whether any supervisor works on this home just now, on this machine."""
    return any(map(is_held, home.runs_path.glob("supervisor-*.lock")))


@contextmanager
def _only_one(home: Home, name: str) -> Iterator[None]:
    with (home.runs_path / f"supervisor-{name}.lock").open("w") as lock:
        overdue = time.monotonic() + _LOOKED_AT_SECONDS
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > overdue:
                    raise SupervisorRunning(home=str(home.path), name=name) from error
                time.sleep(0.02)
        yield
