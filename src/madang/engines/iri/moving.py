"""A run's files on their way: there before its job is submitted, back once it has ended.

Some seconds at a time, so that other runs have their turn; what has arrived is not sent again.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

from madang.engines.iri import parcels, there
from madang.engines.iri.client import Facility, TaskFailed, parts_of
from madang.engines.iri.errors import FacilitySilent
from madang.engines.iri.parcels import Parcel
from madang.engines.keeper import read, write_job
from madang.kernel.archives import ArchiveRefused
from madang.kernel.home import full_disk_told, write_durably
from madang.runs.errors import JobRefused
from madang.runs.launching import Job

TURN_SECONDS = 5.0
"""For how long one run's files are moved before the next run has its turn."""
LOST_SECONDS = 60.0
"""How long anything may be missing, or wrong, before that is believed."""
_MORE_BYTES, _MORE_FILES = 2**24, 64
"""What comes back beside the output: how it ended, and the end of its log."""


class Patience:
    """For how long which thing of which folder was missing."""

    def __init__(self) -> None:
        self._since: dict[tuple[Path, str], float] = {}

    def spent(self, folder: Path, what: str) -> bool:
        """Whether it was missing for a while; called each time that it is."""
        return time.monotonic() - self._since.setdefault((folder, what), time.monotonic()) >= LOST_SECONDS

    def restored(self, folder: Path, what: str) -> None:
        """It is there."""
        self._since.pop((folder, what), None)


class Mover:
    """Moves what the folders of runs hold. Every method raises FacilitySilent."""

    def __init__(self, facility: Facility, directory: str, patience: Patience) -> None:
        self._facility, self._directory, self._patience = facility, directory.rstrip("/"), patience

    def there(self, folder: Path, *names: str) -> str:
        """The path of a folder's counterpart at the facility."""
        return "/".join((self._directory, folder.name, *names))

    def send(self, job: Job, lease_seconds: int) -> bool:
        """Send the parcel; False where more is left. Raises JobRefused where it is not taken, DiskFull."""
        folder, sending = job.folder, job.folder / "sending"
        progress = read(folder / "sent.json") or {"parts": 0, "whole": False}
        if progress["whole"]:
            return True
        if not (sending / parcels.INDEX).exists():
            with full_disk_told(folder):
                _pack(job, sending, lease_seconds)
        index = (sending / parcels.INDEX).read_bytes()
        parcel = parcels.read_index(index)
        begun = time.monotonic()
        try:
            self._facility.make_folder(self.there(folder, "sent"))
            for number, part in enumerate(parcel.parts[progress["parts"] :], progress["parts"] + 1):
                self._facility.upload(
                    self.there(folder, "sent", part.name), (sending / part.name).read_bytes()
                )
                write_durably(folder / "sent.json", _progress(number, whole=False))
                if time.monotonic() - begun > TURN_SECONDS:
                    return False
            self._facility.upload(self.there(folder, "sent", parcels.INDEX), index)
        except TaskFailed as error:
            self.clear(folder)
            raise JobRefused(reason="not-staged", told=str(error)) from error
        write_durably(folder / "sent.json", _progress(len(parcel.parts), whole=True))
        shutil.rmtree(sending)
        return True

    def index(self, folder: Path) -> Parcel | None:
        """What the parcel that came back holds; None where there is none (yet). Raises ArchiveRefused where
        it says nothing sensible for a while."""
        kept = folder / "returned" / parcels.INDEX
        if kept.exists():
            return parcels.read_index(kept.read_bytes())
        try:
            forms = self._facility.download(self.there(folder, "returned", parcels.INDEX))
        except TaskFailed:
            self._facility.require_storage(self._directory)
            return None
        data = parts_of(forms, _is_index)
        if data is None:
            self._bear(folder, "its index says nothing sensible")
            return None
        kept.parent.mkdir(exist_ok=True)
        write_durably(kept, data)
        self._patience.restored(folder, "parts")
        return parcels.read_index(data)

    def fetch(self, folder: Path, parcel: Parcel) -> bool:
        """Bring parts back; False where more is left. Raises ArchiveRefused where the facility does not
        give one as it was written, or they are more than the job may leave; DiskFull."""
        limits, begun = read(folder / "limits.json"), time.monotonic()
        if sum(part.size for part in parcel.parts) > 2 * (limits["bytes"] + _MORE_BYTES):
            raise ArchiveRefused("more came back than the job may leave")
        for part in parcel.parts:
            kept = folder / "returned" / part.name
            if kept.exists():
                continue
            try:
                forms = self._facility.download(self.there(folder, "returned", part.name))
                data = parts_of(forms, partial(parcels.fits, part))
                problem = f"part {part.name} is not what was written"
            except TaskFailed as error:
                data, problem = None, f"part {part.name} is not given: {error}"
            if data is None:
                self._bear(folder, problem)
                return False
            write_durably(kept, data)
            self._patience.restored(folder, "parts")
            if time.monotonic() - begun > TURN_SECONDS:
                return False
        return True

    def _bear(self, folder: Path, problem: str) -> None:
        """Put up with a problem for a while; then ArchiveRefused."""
        if self._patience.spent(folder, "parts"):
            raise ArchiveRefused(problem)

    def unpack(self, folder: Path, parcel: Parcel) -> None:
        """Put what came back in its place: output, log, exit.json. Raises ArchiveRefused, DiskFull."""
        limits, room = read(folder / "limits.json"), folder / "unpacking"
        shutil.rmtree(room, ignore_errors=True)
        room.mkdir()
        try:
            with full_disk_told(folder):
                parcels.unpack(
                    parcel, folder / "returned", room, limits["bytes"] + _MORE_BYTES,
                    limits["files"] + _MORE_FILES,
                )  # fmt: skip
        finally:
            if (room / "log" / "log.txt").is_file():
                (folder / "log").mkdir(exist_ok=True)
                (room / "log" / "log.txt").replace(folder / "log" / "log.txt")
        if not (room / "exit.json").is_file():
            raise ArchiveRefused("it does not tell how the job ended")
        (room / "exit.json").replace(folder / "exit.json")
        if (room / "output").is_dir():
            shutil.rmtree(folder / "output", ignore_errors=True)
            (room / "output").rename(folder / "output")

    def came(self, folder: Path) -> bool:
        """Whether our program came to this folder there."""
        try:
            self._facility.download(self.there(folder, "taken"))
        except TaskFailed:
            self._facility.require_storage(self._directory)
            return False
        return True

    def fetch_log(self, folder: Path, message: str) -> None:
        """What a job that returned nothing has said, for whoever reads the run's log."""
        log(folder, message)
        for name in ("stdout.txt", "stderr.txt"):
            with suppress(TaskFailed, FacilitySilent):
                said = self._facility.download(self.there(folder, name))[0]
                log(folder, said.decode("utf-8", "replace"))

    def clear(self, folder: Path) -> None:
        """Remove what lies there, unless that was done; where the facility is silent, another time."""
        if (folder / "cleared").exists():
            return
        with suppress(FacilitySilent):
            with suppress(TaskFailed):
                self._facility.remove(self.there(folder))
            (folder / "cleared").touch()


def log(folder: Path, text: str) -> None:
    """Add to a run's log."""
    (folder / "log").mkdir(exist_ok=True)
    with (folder / "log" / "log.txt").open("a", encoding="utf-8", errors="replace") as file:
        file.write(f"{text}\n" if text else "")


def _pack(job: Job, sending: Path, lease_seconds: int) -> None:
    """Make the parcel: inputs, exchange, and the job with its paths left open. JobRefused where it is too
    large."""
    shutil.rmtree(sending, ignore_errors=True)
    write_job(job)
    text = (job.folder / "job.json").read_text("utf-8")
    open_text = text.replace(json.dumps(sys.executable), json.dumps(there.PYTHON))
    inner = json.dumps(str(job.folder))[1:-1]
    (job.folder / "open.json").write_text(open_text.replace(inner, there.FOLDER), "utf-8")
    limits = {"bytes": job.output_bytes, "files": job.output_files, "lease": lease_seconds}
    write_durably(job.folder / "limits.json", json.dumps(limits).encode(), 0o600)
    names = {"sent.json": "open.json", "input": "input", "exchange": "exchange"}
    made = parcels.pack({name: job.folder / path for name, path in names.items()}, sending, text=False)
    if len(made.parts) > parcels.MOST_PARTS:
        shutil.rmtree(sending)
        most = parcels.MOST_PARTS * parcels.PART_BYTES
        raise JobRefused(reason="too-large", told=f"its inputs are more than {most} bytes")


def _progress(parts: int, *, whole: bool) -> bytes:
    return json.dumps({"parts": parts, "whole": whole}).encode()


def _is_index(data: bytes) -> bool:
    try:
        parcels.read_index(data)
    except ArchiveRefused:
        return False
    return True
