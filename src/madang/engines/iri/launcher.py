"""The launcher: an attempt of a run is one job at the facility, whoever is killed when.

A folder of ours holds, beside what the supervisor laid out::

    sending/          the parcel, until it is there; sent.json: how many of its parts are
    submitting.json   written before the job is submitted
    iri.json          the job's id, and since when it is active
    returned/         parts of the parcel that comes back
    exit.json         how the job ended, as the keeper at the facility wrote it

Work that takes long is done some seconds at a time, so that other runs have their turn.
"""

from __future__ import annotations

import fcntl
import json
import shutil
import sys
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from madang.engines.iri import parcels, there
from madang.engines.iri.client import Facility, FacilityJob, TaskFailed, parts_of
from madang.engines.iri.errors import FacilitySilent
from madang.engines.keeper import read, write_job
from madang.kernel.archives import ArchiveRefused
from madang.kernel.extension import Engine
from madang.kernel.home import write_durably
from madang.kernel.settings import Values
from madang.runs.errors import JobRefused
from madang.runs.launching import Job, JobState

ENGINE = Engine("iri", "runs", "madang.engines.iri.launcher:IriLauncher")

_TURN_SECONDS = 5.0
"""For how long one run's files are moved before the next run has its turn."""
_GRACE_SECONDS = 300
"""For unpacking and packing at the facility, beside the job's own time."""
_SETTLE_SECONDS, _AGAIN_SECONDS = 3.0, 0.5
_LOST_SECONDS = 60.0
"""How long a parcel, or a job, may be missing before it counts as lost."""


class IriLauncher:
    """See the module's docstring."""

    at_once = 100
    poll_seconds = 2.0

    def __init__(self, values: Values) -> None:
        self._values = values
        self._facility = Facility(values)
        self._missed: dict[Path, float] = {}

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
        with _alone(job.folder):
            if read(job.folder / "iri.json") is not None or not self._send(job):
                return
            spec = self._spec(job)
            tried = read(job.folder / "submitting.json") is not None
            found = self._look_up(job.folder, _SETTLE_SECONDS) if tried else None
            if found is None:
                write_durably(job.folder / "submitting.json", b"{}", 0o600)
                try:
                    found = self._facility.launch(spec, _key(job.folder))
                except JobRefused:
                    (job.folder / "submitting.json").unlink()  # answered: nothing will come of it
                    raise
            _note(job.folder, {"job": found.identity})

    def _there(self, folder: Path, *names: str) -> str:
        return "/".join((self._values.iri_directory.rstrip("/"), folder.name, *names))

    def _send(self, job: Job) -> bool:
        """Send the parcel; False where more is left. Raises JobRefused where it is not taken."""
        folder, sending = job.folder, job.folder / "sending"
        progress = read(folder / "sent.json") or {"parts": 0, "whole": False}
        if progress["whole"]:
            return True
        if not (sending / parcels.INDEX).exists():
            _pack(job, sending)
        parcel = parcels.read_index((sending / parcels.INDEX).read_bytes())
        begun = time.monotonic()
        try:
            if progress["parts"] == 0:
                self._facility.make_folder(self._there(folder, "sent"))
            for number, part in enumerate(parcel.parts[progress["parts"] :], progress["parts"] + 1):
                if time.monotonic() - begun > _TURN_SECONDS:
                    return False
                self._facility.upload(
                    self._there(folder, "sent", part.name), (sending / part.name).read_bytes()
                )
                write_durably(folder / "sent.json", json.dumps({"parts": number, "whole": False}).encode())
            index = (sending / parcels.INDEX).read_bytes()
            self._facility.upload(self._there(folder, "sent", parcels.INDEX), index)
        except TaskFailed as error:
            raise JobRefused(reason="not-staged", told=str(error)) from error
        write_durably(folder / "sent.json", json.dumps({"parts": len(parcel.parts), "whole": True}).encode())
        shutil.rmtree(sending)
        return True

    def _spec(self, job: Job) -> dict[str, Any]:
        """The job as the specification has it."""
        grounds = job.grounds
        unit = "cpu_cores_per_process" if grounds.kind == "cpu-core" else "gpu_cores_per_process"
        directory = self._there(job.folder)
        return {
            "name": job.name,
            "executable": self._values.iri_python,
            "arguments": ["-m", "madang.engines.iri.there", directory],
            "directory": directory,
            "stdout_path": f"{directory}/stdout.txt",
            "stderr_path": f"{directory}/stderr.txt",
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
            found = self._facility.named(folder.name)
            if found is not None or time.monotonic() >= overdue:
                return found
            time.sleep(_AGAIN_SECONDS)

    def poll(self, folders: Sequence[Path]) -> Mapping[Path, JobState]:
        """Ask after each job; bring back what an ended one left. What the facility does not answer about one
        keeps no other from its turn."""
        states, silent = {}, None
        for folder in folders:
            try:
                states[folder] = self._state(folder)
            except FacilitySilent as error:
                states[folder], silent = JobState("unknown"), error
        if silent is not None and all(state.phase == "unknown" for state in states.values()):
            raise silent
        return states

    def _state(self, folder: Path) -> JobState:
        noted = read(folder / "iri.json")
        if noted is None:
            return JobState("waiting")
        job = str(noted["job"])
        ended = read(folder / "ended.json")
        if ended is not None:
            return JobState(**ended)
        told = self._facility.job(job)
        if told is None:
            return self._missing(folder, JobState("vanished", _spent(noted, None), job=job))
        if told.state in ("new", "queued", "held"):
            return JobState("held", reason=told.state, job=job)
        if told.state == "active":
            if "since" not in noted:
                _note(folder, {**noted, "since": told.time or time.time()})
            return JobState("running", job=job)
        return self._ended(folder, told, noted)

    def _missing(self, folder: Path, state: JobState) -> JobState:
        """`state`, once what is missing was missing for a while; until then nothing is known."""
        since = self._missed.setdefault(folder, time.monotonic())
        if time.monotonic() - since < _LOST_SECONDS:
            return JobState("unknown", job=state.job)
        del self._missed[folder]
        return self._write_end(folder, state)

    def _ended(self, folder: Path, told: FacilityJob, noted: Mapping[str, Any]) -> JobState:
        """How a job ended: by what it returned, where it did; else by what the facility says."""
        seconds, job = _spent(noted, told), told.identity
        index = self._index(folder)
        if index is None:
            if told.state == "canceled" or (folder / "cancel").exists():
                reason = "cancelled" if (folder / "cancel").exists() else "terminated"
                return self._write_end(folder, JobState("ended", seconds, told.exit_code, reason, job=job))
            if told.state == "failed" and told.exit_code != there.TAKEN:
                self._fetch_log(folder, told)
                return self._write_end(
                    folder, JobState("ended", seconds, told.exit_code, "not-started", job=job)
                )
            lost = JobState("ended", seconds, told.exit_code, "outputs-not-copied", job=job)
            return self._missing(folder, lost)
        try:
            parcel = parcels.read_index(index)
            if not self._fetch(folder, parcel):
                return JobState("unknown", job=job)
            return self._write_end(folder, _unpacked(folder, parcel, job))
        except ArchiveRefused as error:
            _log(folder, str(error))
            return self._write_end(
                folder, JobState("ended", seconds, told.exit_code, "outputs-not-copied", job=job)
            )

    def _index(self, folder: Path) -> bytes | None:
        """The index of the parcel that came back; None where there is none (yet)."""
        kept = folder / "returned" / parcels.INDEX
        if not kept.exists():
            try:
                forms = self._facility.download(self._there(folder, "returned", parcels.INDEX))
            except TaskFailed:
                return None
            kept.parent.mkdir(exist_ok=True)
            write_durably(kept, parts_of(forms, _is_json) or forms[-1])
        return kept.read_bytes()

    def _fetch(self, folder: Path, parcel: parcels.Parcel) -> bool:
        """Bring parts back, some seconds a call; False where more is left. Raises ArchiveRefused where the
        facility does not give one as it was written, or they are more than the job may leave."""
        begun, returned = time.monotonic(), folder / "returned"
        limits = read(folder / "limits.json") or {}
        if sum(part.size for part in parcel.parts) > 2 * limits.get("bytes", 0) + 2**26:
            raise ArchiveRefused("more came back than the job may leave")
        for part in parcel.parts:
            kept = returned / part.name
            if kept.exists():
                continue
            if time.monotonic() - begun > _TURN_SECONDS:
                return False
            try:
                forms = self._facility.download(self._there(folder, "returned", part.name))
                data = parts_of(forms, partial(parcels.fits, part))
                problem = f"part {part.name} is not what was written"
            except TaskFailed as error:
                data, problem = None, f"part {part.name} is not given: {error}"
            if data is None:
                self._bear(folder, problem)
                return False
            write_durably(kept, data)
            self._missed.pop(folder, None)
        return True

    def _bear(self, folder: Path, problem: str) -> None:
        """Put up with a problem for a while; then ArchiveRefused."""
        since = self._missed.setdefault(folder, time.monotonic())
        if time.monotonic() - since >= _LOST_SECONDS:
            del self._missed[folder]
            raise ArchiveRefused(problem)

    def _fetch_log(self, folder: Path, told: FacilityJob) -> None:
        """What a job that never came to our keeper has said, for whoever reads the run's log."""
        _log(folder, told.message)
        for name in ("stdout.txt", "stderr.txt"):
            with suppress(TaskFailed, FacilitySilent):
                _log(folder, self._facility.download(self._there(folder, name))[0].decode("utf-8", "replace"))

    def _write_end(self, folder: Path, state: JobState) -> JobState:
        """Keep how it ended, and clear up at the facility."""
        write_durably(folder / "ended.json", json.dumps(vars(state)).encode(), 0o600)
        with suppress(TaskFailed, FacilitySilent):
            self._facility.remove(self._there(folder))
        return state

    def cancel(self, folder: Path) -> None:
        """Leave a mark, and have the facility stop the job."""
        (folder / "cancel").touch()
        noted = read(folder / "iri.json")
        if noted is not None:
            self._facility.cancel(str(noted["job"]))

    def absent(self, folder: Path) -> bool:
        """Whether no job of this folder is there, or can still come of an unanswered submission; one that is
        there is noted."""
        if read(folder / "iri.json") is not None:
            return False
        if not (folder / "submitting.json").exists():
            return True
        with _alone(folder):
            found = self._look_up(folder, _SETTLE_SECONDS)
            if found is not None:
                _note(folder, {"job": found.identity})
        return found is None


def _pack(job: Job, sending: Path) -> None:
    """Make the parcel: inputs, exchange, and the job with its paths left open."""
    shutil.rmtree(sending, ignore_errors=True)
    write_job(job)
    text = (job.folder / "job.json").read_text("utf-8")
    open_text = text.replace(json.dumps(sys.executable), json.dumps(there.PYTHON))
    inner = json.dumps(str(job.folder))[1:-1]
    (job.folder / "open.json").write_text(open_text.replace(inner, there.FOLDER), "utf-8")
    limits = {"bytes": job.output_bytes, "files": job.output_files}
    write_durably(job.folder / "limits.json", json.dumps(limits).encode(), 0o600)
    names = {"sent.json": "open.json", "input": "input", "exchange": "exchange"}
    parcels.pack({name: job.folder / path for name, path in names.items()}, sending, text=False)


def _unpacked(folder: Path, parcel: parcels.Parcel, job: str) -> JobState:
    """Put what came back in its place, and how the job ended. Raises ArchiveRefused."""
    limits, room = read(folder / "limits.json"), folder / "unpacking"
    shutil.rmtree(room, ignore_errors=True)
    room.mkdir()
    byte_limit = limits["bytes"] + 2**26  # the log comes with it
    try:
        parcels.unpack(parcel, folder / "returned", room, byte_limit, limits["files"] + 64)
    finally:
        if (room / "log").is_dir():
            shutil.rmtree(folder / "log", ignore_errors=True)
            (room / "log").rename(folder / "log")
    kept = read(room / "exit.json")
    seconds = parcel.facts.get("seconds")
    if not isinstance(kept, dict) or not isinstance(seconds, int | float) or not 0 <= seconds < 2**31:
        raise ArchiveRefused("it does not tell how the job ended")
    code, reason = kept.get("exit_code"), str(kept.get("reason", ""))[:100]
    if (room / "output").is_dir():
        shutil.rmtree(folder / "output", ignore_errors=True)
        (room / "output").rename(folder / "output")
    if (folder / "cancel").exists() and reason == "terminated":
        reason = "cancelled"
    return JobState(
        "ended", float(seconds), code if isinstance(code, int) else None, reason or "not-started", True, job
    )


def _spent(noted: Mapping[str, Any], told: FacilityJob | None) -> float:
    """For how long a job was active, by the facility's own times; what it did before it was first asked after
    is not known."""
    since, until = noted.get("since"), told.time if told else time.time()
    return max(0.0, until - since) if since is not None and until is not None else 0.0


def _is_json(data: bytes) -> bool:
    try:
        json.loads(data)
    except ValueError:
        return False
    return True


def _log(folder: Path, text: str) -> None:
    (folder / "log").mkdir(exist_ok=True)
    with (folder / "log" / "log.txt").open("a", encoding="utf-8") as log:
        log.write(f"{text}\n" if text else "")


def _key(folder: Path) -> str:
    """The key under which a facility takes this attempt once."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"urn:madang:attempt:{folder.name}"))


def _note(folder: Path, facts: Mapping[str, Any]) -> None:
    write_durably(folder / "iri.json", json.dumps(facts).encode(), 0o600)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Alone with a folder's submission."""
    with (folder / "iri.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
