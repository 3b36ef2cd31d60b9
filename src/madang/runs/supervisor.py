"""The supervisor: takes queued runs, has them executed, and ends them honestly.

It keeps nothing in memory that matters. Killed at any point, the next one reads the runs that are
"running" and asks the launcher what became of each: the attempt's folder is the idempotency key.

    claim (row: running) -> prepare folder -> launcher.start -> poll -> collect outputs -> end (row, books)
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import math
import platform
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from math import ceil
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from madang.allocations import service as allocations
from madang.assets import ingest, lineage, reads
from madang.assets import service as assets
from madang.assets.errors import NotAccepted, UnsafeFile
from madang.assets.store import Manifest, open_store, place_all
from madang.kernel import clock, extension
from madang.kernel.authorizer import Principal, Request, authorize
from madang.kernel.canonical import parse_json
from madang.kernel.database import Session
from madang.kernel.errors import Environment, MadangError, NotPermitted, UserError
from madang.kernel.home import Home
from madang.kernel.ids import check_slug
from madang.kernel.isolation import Confinement, Limits
from madang.organizations import service as organizations
from madang.runs import live, recipes, service
from madang.runs.errors import SupervisorRunning
from madang.runs.launching import Job, JobState, Launcher
from madang.runs.model import Run, runs

POLL_SECONDS = 0.2
SWEEP_SECONDS = 30.0
_DRAFT = "draft-"


class Supervisor:
    """A working supervisor; see the module's docstring.

    Several may share one database, each under a `name` of its own (this machine's, unless told): a
    queued run goes to the one that claims its row first, and only who claimed it takes it further.
    """

    def __init__(self, home: Home, actor: Principal, name: str | None = None) -> None:
        self._home = home
        self._actor = actor
        self._name = check_slug(name, "supervisor name") if name else this_machine()
        self._launcher: Launcher = extension.engine("runs", home.values.run_engine)()

    def work(self, *, until_idle: bool = False, tell: Callable[[Run], None] | None = None) -> None:
        """Work until interrupted; with `until_idle`, until no run is queued or running.

        Raises SupervisorRunning where another one works under this name, NotPermitted where the actor is
        no operator.
        """
        with self._home.database.read() as session:
            self._authorize(session)
        with _only_one(self._home, self._name):
            swept = 0.0
            while True:
                if time.monotonic() - swept > SWEEP_SECONDS:
                    self._sweep()
                    swept = time.monotonic()
                live = self._live()
                if not live and until_idle:
                    return
                moved = [run for run in live if self._advance(run)]
                for run in moved:
                    if tell:
                        tell(run)
                if not moved:
                    time.sleep(POLL_SECONDS)

    def _authorize(self, session: Session) -> None:
        owner = {"owner": self._actor.organization}
        authorize(session, Request(self._actor, "run.operate", "Home", "home", owner))

    def _live(self) -> list[Run]:
        """The run to work on: the one this supervisor has claimed, else the oldest queued.

        One run at a time uses the machine's cores.
        """
        mine = (runs.c.state == "running") & (runs.c.supervisor == self._name)
        query = sa.select(runs.c.run_id, runs.c.award_id).where(mine | (runs.c.state == "queued"))
        with self._home.database.read() as session:
            for row in session.rows(query.order_by(runs.c.state.desc(), runs.c.queued_at, runs.c.run_id)):
                run = service.get(session, row["run_id"])
                here = run.recipe in recipes.every()  # else it waits for a supervisor that has the pack
                if here and allocations.operator_of(session, row["award_id"]) == self._actor.organization:
                    return [run]
        return []

    def _sweep(self) -> None:
        """End queued runs that may not start any more: their agreement ended, and their lease is held."""
        with self._home.database.read() as session:
            query = sa.select(runs.c.run_id, runs.c.award_id).where(runs.c.state == "queued")
            queued = [
                service.get(session, row["run_id"])
                for row in session.rows(query.order_by(runs.c.queued_at))
                if allocations.operator_of(session, row["award_id"]) == self._actor.organization
            ]
            queued = [run for run in queued if run.recipe in recipes.every()]
            stopped = [run for run in queued if _no_longer_permitted(session, run) is not None]
        for run in stopped:
            self._claim(run)
        reads.record(self._home)

    def _advance(self, run: Run) -> bool:
        """Take the next step of a run; False where there is nothing to do yet."""
        if run.state == "queued":
            self._claim(run)
            return True
        folder = attempt_folder(self._home, run.run_id)
        state = self._launcher.poll(folder)
        if state.phase == "waiting":
            return self._launch(run)
        if state.phase == "running":
            if run.cancel_asked:
                self._launcher.cancel(folder)
            return False
        self._end(run, state)
        return True

    def _claim(self, run: Run) -> None:
        with self._home.database.write() as session:
            self._authorize(session)
            if service.get(session, run.run_id).state != "queued":
                return
            problem = _no_longer_permitted(session, run)
            if problem is not None:
                _end_unstarted(session, self._actor, run, f"not-permitted:{problem.code}")
                return
            isolation = self._home.isolation.name
            started = clock.to_text(clock.now())
            session.update(
                runs, run.run_id, state="running", started_at=started, isolation=isolation,
                supervisor=self._name,
            )  # fmt: skip
            session.record(
                "run.claimed", run.run_id, self._actor.as_fact(), isolation=isolation, supervisor=self._name
            )

    def _launch(self, run: Run) -> bool:
        """Prepare the folder, unless an earlier supervisor did, and start the job at most once."""
        folder = attempt_folder(self._home, run.run_id)
        try:
            if not folder.exists():
                self._prepare(run, folder)
            recipe = recipes.find(run.recipe)
        except MadangError as error:
            self._end(run, JobState("ended", 0.0, None, "not-prepared"), error)
            return True
        home, (inside, output, exchange) = self._home, recipes.job_folders(folder)
        values = home.values
        limits = Limits(values.job_memory_bytes, run.wall_seconds * run.cores, values.job_output_bytes)
        confinement = Confinement(
            {"/input": inside, "/exchange": exchange},
            {"/output": output},
            {"OMP_NUM_THREADS": str(run.cores)},
            limits,
        )
        paths = [home.isolation.inside(confinement, p) for p in ("/input", "/exchange", "/output")]
        command = [sys.executable, "-m", "madang.runs.job", recipe.main, run.recipe, *paths]
        name = home.isolation.name
        self._launcher.start(
            Job(
                folder, command, name, confinement, run.wall_seconds,
                values.job_output_bytes, values.job_output_files + _OWN_FILES, [live.METRICS_FILE],
            )
        )  # fmt: skip
        return False

    def _prepare(self, run: Run, folder: Path) -> None:
        """Lay the inputs out under a temporary name; the rename makes the folder whole or absent."""
        draft = folder.with_name(f"{_DRAFT}{run.run_id}")
        shutil.rmtree(draft, ignore_errors=True)
        inside, output, exchange = recipes.job_folders(draft)
        for path in (inside, output, exchange):
            path.mkdir(parents=True)
        store = open_store(self._home)
        links = self._home.isolation.confines
        with self._home.database.read() as session:
            pinned = [lineage.get(session, version_id) for version_id in run.inputs]
        for number, version in enumerate(pinned):
            manifest = Manifest.from_bytes(store.read(version.manifest))
            place_all(store, manifest, inside / f"{number:03d}", link=links)
        (exchange / "parameters.json").write_text(json.dumps(run.parameters), "utf-8")
        draft.rename(folder)

    def _end(self, run: Run, state: JobState, error: MadangError | None = None) -> None:
        """Collect what a finished job left and write its end: outputs, usage, state, in one entry."""
        folder = attempt_folder(self._home, run.run_id)
        outcome, reason = _judge(state)
        collected = None
        if outcome == "succeeded":
            try:
                collected = self._collect(run, folder)
            except Environment:
                raise  # a full disk is the site's matter: the run stays, and its end is tried again
            except (MadangError, OSError, ValueError, RecursionError) as problem:
                # Whatever a job leaves, its run ends and the next one starts.
                outcome, reason = "failed", "outputs-refused"
                error = (
                    problem if isinstance(problem, MadangError) else UnsafeFile(file=type(problem).__name__)
                )
        kept = {name: self._keep(folder / path) for name, path in _KEPT.items()}
        if error is not None:
            reason = f"{reason}:{error.code}"
        seconds = min(ceil(state.seconds), run.wall_seconds)
        with self._home.database.write() as session:
            self._authorize(session)
            if service.get(session, run.run_id).state != "running":
                return
            used = allocations.settle(
                session, run.award_id, run.run_id, seconds * run.cores, lost=outcome == "failed"
            )
            session.update(
                runs, run.run_id, state=outcome, reason=reason, ended_at=clock.to_text(clock.now()),
                exit_code=state.exit_code, used_resource_seconds=used, **kept,
            )  # fmt: skip
            outputs = [assets.insert(session, *collected)] if collected else []
            session.record(
                "run.ended",
                run.run_id,
                self._actor.as_fact(),
                award=run.award_id,
                inputs=list(run.inputs),
                outputs=[{"version": v.version_id, "manifest": v.manifest} for v in outputs],
                reason=reason,
                state=outcome,
                used_resource_seconds=used,
            )
        _remove(folder)

    def _collect(self, run: Run, folder: Path) -> tuple[assets.NewVersion, Manifest, Any]:
        output = recipes.job_folders(folder)[1]
        values = self._home.values
        manifest, blob = ingest.store_folder(
            open_store(self._home),
            output / "version",
            byte_limit=values.job_output_bytes,
            file_limit=values.job_output_files,
        )
        recipe = recipes.find(run.recipe)
        new = assets.NewVersion(
            run.organization, run.output_asset, recipe.produces, run.mission, "accepted",
            format=recipe.output_format, made_by=run.run_id, facts=_facts(output), parents=run.inputs,
        )  # fmt: skip
        return new, manifest, blob

    def _keep(self, path: Path) -> str | None:
        """Store a regular file the job wrote beside its output; None where there is none."""
        data = live.tail_of(path)
        return open_store(self._home).put(BytesIO(data)).digest if data else None


_OWN_FILES = 16
"""Files and folders in a job's output beside the version: its metrics, its facts."""
_KEPT = {"log": live.LOG, "metrics": live.METRICS}
"""What the job printed, and the numbers it reported."""


def _facts(output: Path) -> dict[str, Any]:
    """Facts a job states about its output: numbers and short texts only."""
    try:
        content = parse_json(live.tail_of(output / "facts" / "facts.json")[:65536])
    except (ValueError, RecursionError):
        return {}
    if not isinstance(content, dict):
        return {}
    return {_word(key): value for key, value in content.items() if _plain(value)}


def _word(text: str) -> str:
    return text.encode("utf-8", "replace").decode()[:64]


def _plain(value: Any) -> bool:
    """A number that JSON keeps exactly, or a short text without lone surrogates."""
    if isinstance(value, str):
        return len(value) <= 1000 and value == value.encode("utf-8", "replace").decode()
    return isinstance(value, int | float) and math.isfinite(value) and abs(value) < 2**53


def _no_longer_permitted(session: Session, run: Run) -> UserError | None:
    """Why a queued run may not start now, where an agreement ended or a right changed meanwhile."""
    body = organizations.get(session, run.organization)
    submitter = Principal(run.submitted_by, body.name, body.kind, frozenset())
    try:
        for version_id in run.inputs:
            version = lineage.get(session, version_id)
            lineage.authorize_use(session, submitter, recipes.find(run.recipe).action, version)
    except (NotPermitted, NotAccepted) as error:
        return error
    return None


def _end_unstarted(session: Session, actor: Principal, run: Run, reason: str) -> None:
    allocations.settle(session, run.award_id, run.run_id, 0)
    ended = clock.to_text(clock.now())
    session.update(runs, run.run_id, state="failed", reason=reason, ended_at=ended, used_resource_seconds=0)
    session.record(
        "run.ended", run.run_id, actor.as_fact(), award=run.award_id, inputs=list(run.inputs), outputs=[],
        reason=reason, state="failed", used_resource_seconds=0,
    )  # fmt: skip


def _remove(folder: Path) -> None:
    """Remove a working folder; a tree too deep for that is left for the operator, and the run ends."""
    with contextlib.suppress(RecursionError):
        shutil.rmtree(folder, ignore_errors=True)


def _judge(state: JobState) -> tuple[str, str]:
    if state.phase == "vanished":
        return "failed", "vanished"
    if state.reason == "cancelled":
        return "cancelled", "cancelled"
    if state.reason != "finished":
        return "failed", state.reason
    return ("succeeded", "finished") if state.exit_code == 0 else ("failed", "job-failed")


def attempt_folder(home: Home, run_id: str) -> Path:
    """The working folder of a run."""
    return home.runs_path / run_id


def this_machine() -> str:
    """This machine's name as a slug."""
    return re.sub("[^a-z0-9]+", "-", platform.node().lower()).strip("-")[:63].rstrip("-") or "machine"


@contextmanager
def _only_one(home: Home, name: str) -> Iterator[None]:
    with (home.runs_path / f"supervisor-{name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise SupervisorRunning(home=str(home.path), name=name) from error
        yield
