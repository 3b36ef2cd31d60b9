"""The launcher: an attempt of a run is one job at the facility, whoever is killed when.

A folder of ours holds, beside what the supervisor laid out::

    sending/          the parcel, until it is there; sent.json: how many of its parts are
    submitting.json   written before the job is submitted
    iri.json          the job's id, and since when it is active
    returned/         parts of the parcel that comes back
    exit.json         how the job ended, as the keeper at the facility wrote it
    ended.json        how the attempt ended, as it is booked
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from madang.engines.iri.client import Facility, FacilityJob
from madang.engines.iri.errors import FacilitySilent
from madang.engines.iri.moving import Mover, Patience, log
from madang.engines.iri.parcels import TAKEN, Parcel
from madang.engines.keeper import read
from madang.kernel.archives import ArchiveRefused
from madang.kernel.errors import Environment
from madang.kernel.extension import Engine
from madang.kernel.home import write_durably
from madang.kernel.locks import alone
from madang.kernel.settings import Values
from madang.runs.errors import JobRefused
from madang.runs.launching import Job, JobState

ENGINE = Engine("iri", "runs", "madang.engines.iri.launcher:IriLauncher")

_GRACE_SECONDS = 300
"""For unpacking and packing at the facility, beside the job's own time."""
_SETTLE_SECONDS, _AGAIN_SECONDS = 3.0, 0.5
_REASONS = ("finished", "time-limit", "cancelled", "terminated", "not-started", "outputs-not-copied")
"""What our keeper says of an end. What comes from elsewhere may say anything."""
_ODD = (
    ArchiveRefused,
    OSError,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    RecursionError,
    ArithmeticError,
)
"""What reading something strange may come to."""


class IriLauncher:
    """See the module's docstring."""

    at_once = 100
    poll_seconds = 2.0

    def __init__(self, values: Values) -> None:
        self._values = values
        self._patience = Patience()

    @cached_property
    def facility(self) -> Facility:
        """The facility of the settings; whoever submits a run needs no token of it. Raises BadFacility."""
        return Facility(self._values)

    @cached_property
    def _mover(self) -> Mover:
        return Mover(self.facility, self._values.iri_directory, self._patience)

    @property
    def most(self) -> None:
        """The facility knows."""
        return

    def lease_seconds(self, wall_seconds: int) -> int:
        """The limit, and what unpacking and packing may take."""
        return wall_seconds + _GRACE_SECONDS

    def start(self, job: Job) -> None:
        """Send what the job needs, some seconds a call; once it is there, submit the job at most once.

        Where the submission was not answered, the job is looked for by its name; with version 2 the facility
        takes the same key once; and a second job of one folder finds it taken.
        """
        with alone(job.folder / "iri.lock"):
            if read(job.folder / "iri.json") is not None:
                return
            if not self._mover.send(job, self.lease_seconds(job.wall_seconds)):
                return
            tried = read(job.folder / "submitting.json") is not None
            found = self._look_up(job.folder, _SETTLE_SECONDS) if tried else None
            if found is None:
                write_durably(job.folder / "submitting.json", b"{}", 0o600)
                found = self._submit(job, tried)
            _note(job.folder, {"job": found.identity})

    def _submit(self, job: Job, tried: bool) -> FacilityJob:
        """Submit the job. A refusal ends the run, unless an earlier submission may come to something yet."""
        try:
            return self.facility.launch(self._spec(job), _key(job.folder))
        except JobRefused as refusal:
            if tried and not self._patience.spent(job.folder, "submission"):
                told = str(refusal.facts["told"])
                raise FacilitySilent(command="POST compute/job", reason=told) from refusal
            (job.folder / "submitting.json").unlink()
            self._mover.clear(job.folder)
            raise

    def _spec(self, job: Job) -> dict[str, Any]:
        """The job as the specification has it."""
        grounds, there = job.grounds, self._mover.there
        unit = "cpu_cores_per_process" if grounds.kind == "cpu-core" else "gpu_cores_per_process"
        return {
            "name": job.name,
            "executable": self._values.iri_python,
            "arguments": ["-m", "madang.engines.iri.there", there(job.folder)],
            "directory": there(job.folder),
            "stdout_path": there(job.folder, "stdout.txt"),
            "stderr_path": there(job.folder, "stderr.txt"),
            "resources": {"node_count": 1, "process_count": 1, unit: grounds.count},
            "attributes": {
                "duration": self.lease_seconds(job.wall_seconds),
                "account": self._values.iri_account or grounds.award_id,
            },
        }

    def _look_up(self, folder: Path, seconds: float) -> FacilityJob | None:
        """The job of a folder's name; it is looked for during some seconds."""
        overdue = time.monotonic() + seconds
        while True:
            found = self.facility.named(folder.name)
            if found is not None or time.monotonic() >= overdue:
                return found
            time.sleep(_AGAIN_SECONDS)

    def poll(self, folders: Sequence[Path]) -> Mapping[Path, JobState]:
        """Ask after each job; bring back what an ended one left. After the first question that is not
        answered no more is asked; that is raised where nothing is known of any of them."""
        states: dict[Path, JobState] = {}
        silent: FacilitySilent | None = None
        for folder in folders:
            try:
                states[folder] = self._here(folder) or (
                    JobState("unknown") if silent else self._asked(folder)
                )
            except FacilitySilent as error:
                states[folder], silent = JobState("unknown"), error
        if silent is not None and all(state.phase == "unknown" for state in states.values()):
            raise silent
        return states

    def _here(self, folder: Path) -> JobState | None:
        """What our own folder tells; None where the facility must be asked."""
        ended = read(folder / "ended.json")
        if ended is not None:
            self._mover.clear(folder)
            return JobState(**ended)
        return JobState("waiting") if read(folder / "iri.json") is None else None

    def _asked(self, folder: Path) -> JobState:
        """What the facility tells. Whatever is strange about it ends this run, and no other."""
        noted = read(folder / "iri.json")
        told = self.facility.job(str(noted["job"]))
        try:
            return self._state(folder, told, noted)
        except (FacilitySilent, Environment):
            raise
        except _ODD as error:
            log(folder, str(error) or type(error).__name__)
            code = told.exit_code if told else None
            end = JobState("ended", _spent(folder, noted, told), code, "outputs-not-copied", job=noted["job"])
            return self._write_end(folder, end)

    def _state(self, folder: Path, told: FacilityJob | None, noted: Mapping[str, Any]) -> JobState:
        job = str(noted["job"])
        if told is None:
            if not self._patience.spent(folder, "job"):
                return JobState("unknown", job=job)
            with suppress(FacilitySilent):
                self.facility.cancel(job)
            return self._write_end(folder, JobState("vanished", _spent(folder, noted, None), job=job))
        self._patience.restored(folder, "job")
        if told.state in ("new", "queued", "held"):
            return JobState("held", reason=told.state, job=job)
        if told.state == "active":
            if "since" not in noted:
                _note(folder, {**noted, "since": told.time or time.time()})
            return JobState("running", job=job)
        parcel = self._mover.index(folder)
        if parcel is None:
            return self._nothing_returned(folder, told, noted)
        if not self._mover.fetch(folder, parcel):
            return JobState("unknown", job=job)
        return self._returned(folder, parcel, told)

    def _returned(self, folder: Path, parcel: Parcel, told: FacilityJob) -> JobState:
        """How a job ended, by what came back. Its time there counts whether that can be used or not."""
        lease = float(read(folder / "limits.json")["lease"])
        seconds = float(parcel.facts["seconds"])
        seconds = min(seconds, lease) if seconds >= 0 else lease
        try:
            self._mover.unpack(folder, parcel)
            kept = read(folder / "exit.json")
            code, reason = kept["exit_code"], kept["reason"]
        except _ODD as error:
            log(folder, str(error) or type(error).__name__)
            code, reason = told.exit_code, "outputs-not-copied"
        if (folder / "cancel").exists() and reason == "terminated":
            reason = "cancelled"
        reason = reason if reason in _REASONS else "not-started"
        code = code if isinstance(code, int) and abs(code) < 2**31 else None
        return self._write_end(folder, JobState("ended", seconds, code, reason, True, told.identity))

    def _nothing_returned(self, folder: Path, told: FacilityJob, noted: Mapping[str, Any]) -> JobState:
        """The end of a job of which no parcel is there. One that was begun has a while to pack it."""
        if told.exit_code == TAKEN:
            other = self.facility.named(folder.name)
            if other is not None and other.identity != told.identity:
                _note(folder, {"job": other.identity})
                return JobState("unknown", job=other.identity)
        begun = "since" in noted or told.state == "completed" or self._mover.came(folder)
        if begun and not self._patience.spent(folder, "parcel"):
            return JobState("unknown", job=told.identity)
        self._mover.fetch_log(folder, told.message)
        phase, reason = _end_without_parcel(folder, told, begun)
        spent = _spent(folder, noted, told)
        return self._write_end(folder, JobState(phase, spent, told.exit_code, reason, job=told.identity))

    def _write_end(self, folder: Path, state: JobState) -> JobState:
        """Keep how it ended, and clear up at the facility."""
        write_durably(folder / "ended.json", json.dumps(vars(state)).encode(), 0o600)
        self._mover.clear(folder)
        return state

    def cancel(self, folder: Path) -> None:
        """Leave a mark, and have the facility stop the job."""
        (folder / "cancel").touch()
        noted = read(folder / "iri.json")
        if noted is not None:
            self.facility.cancel(str(noted["job"]))

    def absent(self, folder: Path) -> bool:
        """Whether no job of this folder is there, or can still come of an unanswered submission; one that is
        there is noted."""
        if read(folder / "iri.json") is not None:
            return False
        if not (folder / "submitting.json").exists():
            if (folder / "limits.json").exists():
                self._mover.clear(folder)
            return True
        with alone(folder / "iri.lock"):
            found = self._look_up(folder, _SETTLE_SECONDS)
            if found is not None:
                _note(folder, {"job": found.identity})
            else:
                self._mover.clear(folder)
        return found is None


def _end_without_parcel(
    folder: Path, told: FacilityJob, begun: bool
) -> tuple[Literal["ended", "vanished"], str]:
    """(phase, reason) of a job that returned nothing."""
    if (folder / "cancel").exists():
        return "ended", "cancelled"
    if told.state == "canceled":
        return "ended", "terminated"
    if told.state == "completed" or told.exit_code == TAKEN:
        return "ended", "outputs-not-copied"
    return ("vanished", "") if begun else ("ended", "not-started")


def _spent(folder: Path, noted: Mapping[str, Any], told: FacilityJob | None) -> float:
    """For how long a job was active, by the facility's times as far as it tells them, and within its lease;
    what it did before it was first asked after is not known."""
    since = noted.get("since")
    if since is None:
        return 0.0
    until = told.time if told is not None and told.time is not None else time.time()
    lease = float(read(folder / "limits.json")["lease"])
    return min(max(0.0, float(until) - float(since)), lease)


def _key(folder: Path) -> str:
    """The key under which a facility takes this attempt once."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"urn:madang:attempt:{folder.name}"))


def _note(folder: Path, facts: Mapping[str, Any]) -> None:
    write_durably(folder / "iri.json", json.dumps(facts).encode(), 0o600)
