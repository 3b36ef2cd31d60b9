"""Tasks: what was asked of an area, done beside the request, and what came of it.

``tasks/<id>.json`` is the task as it stands, ``tasks/<id>.result`` what came of it; ``tasks/<id>.lock`` is
held by the server that works on it, so that a task whose server was killed is known for what it is. The
latest thousand are kept, and of their results 256 MiB.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import re
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from madang.areas.errors import NoSuchTask, TaskInterrupted, TooManyTasks
from madang.areas.model import Area
from madang.kernel.errors import Defect, MadangError
from madang.kernel.home import write_durably
from madang.kernel.ids import new_id
from madang.kernel.locks import is_held

_logger = logging.getLogger(__name__)
_ID = re.compile(r"tsk-[0-9a-z]{20}")
_MOST, _MOST_BYTES = 1000, 256 * 2**20
_AT_ONCE, _WAITING = 2, 100
UNFINISHED = ("pending", "active")

Work = Callable[[], Any]


@dataclass(frozen=True)
class Task:
    """status: pending, active, completed, failed or canceled. result: ``{"output": ...}``, or an error in its
    parts. command: (router, command, args) as it was asked for."""

    task_id: str
    status: str
    result: Mapping[str, Any] | None
    command: Mapping[str, Any]


class Tasks:
    """The tasks that this process works on, two at a time."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_AT_ONCE, "area")
        self._live: dict[str, Future[None]] = {}

    def submit(
        self,
        area: Area,
        command: Mapping[str, Any],
        work: Work,
        *,
        language: str = "en",
        patience: float = 1.0,
    ) -> Task:
        """Have something done; waits a moment for its end. language: of an error. TooManyTasks where a
        hundred wait already."""
        self._live = {name: future for name, future in self._live.items() if not future.done()}
        if len(self._live) >= _WAITING:
            raise TooManyTasks(most=_WAITING)
        _sweep(area)
        made = Task(new_id("tsk"), "pending", None, command)
        lock = os.open(area.tasks / f"{made.task_id}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            _write(area, made)
            future = self._live[made.task_id] = self._pool.submit(_done, area, made, work, language)
        except BaseException:
            os.close(lock)
            raise
        future.add_done_callback(lambda _: os.close(lock))
        with contextlib.suppress(TimeoutError, CancelledError):
            future.result(patience)
        with contextlib.suppress(NoSuchTask):
            return see(area, made.task_id)
        return replace(made, status="canceled")  # removed meanwhile

    def remove(self, area: Area, task_id: str) -> str:
        """Forget a task; one that has not begun is not done. Returns what it was: canceled, or its status."""
        found = see(area, task_id)
        future = self._live.get(task_id)
        status = "canceled" if future is not None and future.cancel() else found.status
        for suffix in ("json", "result", "lock"):
            (area.tasks / f"{task_id}.{suffix}").unlink(missing_ok=True)
        return status

    def close(self) -> None:
        """Let what is being done end, and begin nothing more."""
        self._pool.shutdown(cancel_futures=True)


def _done(area: Area, task: Task, work: Work, language: str) -> None:
    if not (area.tasks / f"{task.task_id}.json").exists():
        return  # called off, perhaps by another server
    _write(area, replace(task, status="active"))
    try:
        ended = replace(task, status="completed", result={"output": work()})
    except MadangError as error:
        ended = replace(task, status="failed", result=_error(error, language))
    except Exception:
        _logger.exception("a task upon an area failed")
        ended = replace(task, status="failed", result=_error(Defect(), language))
    if (area.tasks / f"{task.task_id}.json").exists():  # else it was removed meanwhile
        _write(area, ended)


def _error(error: MadangError, language: str) -> dict[str, Any]:
    told = error.in_language(language)
    return {"code": error.code, "what": told.what, "why": told.why, "next": told.next}


def see(area: Area, task_id: str) -> Task:
    """A task of an area with its result; NoSuchTask."""
    found = _known(area, task_id)
    with contextlib.suppress(FileNotFoundError):
        kept = json.loads((area.tasks / f"{task_id}.result").read_bytes())
        return replace(found, result=kept)
    return found


def _known(area: Area, task_id: str) -> Task:
    """A task of an area, without what came of it."""
    if not _ID.fullmatch(task_id):
        raise NoSuchTask(task=task_id)
    found = _read(area, task_id)
    if found.status in UNFINISHED and not _worked_on(area, task_id):
        found = _read(area, task_id)  # it may have ended meanwhile
        if found.status in UNFINISHED:
            return replace(found, status="failed", result=_error(TaskInterrupted(), "en"))
    return found


def _read(area: Area, task_id: str) -> Task:
    try:
        return Task(**json.loads((area.tasks / f"{task_id}.json").read_bytes()))
    except FileNotFoundError as error:
        raise NoSuchTask(task=task_id) from error


def every(area: Area) -> list[Task]:
    """The tasks of an area, oldest first; without what came of them."""
    found = []
    for path in sorted(area.tasks.glob("tsk-*.json")):
        with contextlib.suppress(NoSuchTask):  # removed while we look
            found.append(_known(area, path.stem))
    return found


def _worked_on(area: Area, task_id: str) -> bool:
    """Whether a server holds the lock of a task."""
    return is_held(area.tasks / f"{task_id}.lock")


def _write(area: Area, task: Task) -> None:
    if task.result is not None:
        write_durably(area.tasks / f"{task.task_id}.result", json.dumps(task.result).encode(), 0o600)
    bare = json.dumps(asdict(replace(task, result=None))).encode()
    write_durably(area.tasks / f"{task.task_id}.json", bare, 0o600)


def _sweep(area: Area) -> None:
    """Forget the oldest tasks beyond what is kept."""
    kept: list[Path] = sorted(area.tasks.glob("tsk-*.json"), reverse=True)
    held = 0
    for number, path in enumerate(kept):
        with contextlib.suppress(FileNotFoundError):
            result = path.with_suffix(".result")
            held += path.stat().st_size + (result.stat().st_size if result.exists() else 0)
            if (number >= _MOST or held > _MOST_BYTES) and not _worked_on(area, path.stem):
                path.unlink()
                for suffix in (".lock", ".result"):
                    path.with_suffix(suffix).unlink(missing_ok=True)
