"""A facility as its interface has it: requests of version 1 or 2, and answers that are checked."""

from __future__ import annotations

import base64
import json
import re
import time
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlsplit

import httpx2

from madang.engines.iri.errors import BadFacility, FacilitySilent
from madang.engines.iri.parcels import TAKEN
from madang.kernel.settings import Values
from madang.runs.errors import JobRefused

_CONNECT_SECONDS, _ANSWER_SECONDS, _TASK_SECONDS = 10.0, 60.0, 60.0
_MOST_ANSWER = 32 * 2**20
_PAGE, _MOST_JOBS = 200, 100_000
STATES = ("new", "queued", "held", "active", "completed", "failed", "canceled")


class TaskFailed(Exception):
    """A task upon the file system failed, for a reason that the facility tells."""


@dataclass(frozen=True)
class FacilityJob:
    """A job as the facility tells of it. time: in seconds since 1970, when it came to this state."""

    identity: str
    state: str
    time: float | None
    message: str
    exit_code: int | None
    name: str | None


class Facility:
    """A facility. Every method raises FacilitySilent where it does not answer, or not as specified."""

    def __init__(self, values: Values) -> None:
        self._base = _checked_url(values)
        self.version = 1 if self._base.endswith("/v1") else 2
        for key in ("iri_token", "iri_compute", "iri_storage", "iri_directory"):
            if not getattr(values, key):
                raise BadFacility(key=key, reason="It is empty.")
        self._compute, self._storage = values.iri_compute, values.iri_storage
        self._headers = {"Authorization": f"Bearer {values.iri_token}", "Accept": "application/json"}

    @cached_property
    def _http(self) -> httpx2.Client:
        """Connections, made when they are first needed and closed with this object."""
        timeout = httpx2.Timeout(_ANSWER_SECONDS, connect=_CONNECT_SECONDS)
        made = httpx2.Client(headers=self._headers, timeout=timeout, follow_redirects=False)
        weakref.finalize(self, made.close)
        return made

    def launch(self, spec: Mapping[str, Any], key: str) -> FacilityJob:
        """Submit a job; with version 2 once for a key. Raises JobRefused where it can never start so."""
        headers = {"Idempotency-Key": key} if self.version == 2 else {}
        told = self._ask(
            "POST", f"compute/job/{_part(self._compute)}", json=spec, headers=headers, final=True
        )
        return _job(told)

    def job(self, identity: str) -> FacilityJob | None:
        """A job; None where the facility knows none of that id."""
        path = f"compute/status/{_part(self._compute)}/{_part(identity)}"
        told = self._ask("GET", path, params={"historical": "true"}, absent=True)
        return None if told is None else _job(told, identity)

    def named(self, name: str) -> FacilityJob | None:
        """A job of a name, running or past: one that has begun sooner than one that has not. Other people's
        jobs that cannot be read are passed over."""
        path, offset = f"compute/status/{_part(self._compute)}", 0
        found: list[FacilityJob] = []
        seen: set[str] = set()
        while offset < _MOST_JOBS:
            params = {"historical": "true", "include_spec": "true", "offset": offset, "limit": _PAGE}
            page = self._ask("POST", path, params=params)
            if not isinstance(page, list):
                raise FacilitySilent(command=f"POST {path}", reason="It answered with no list.")
            readable = [job for job in map(_readable, page) if job]
            fresh = [job for job in readable if job.identity not in seen]
            if not page or (readable and not fresh):
                break  # the end; or a facility that has no notion of an offset
            seen |= {job.identity for job in fresh}
            found += [job for job in fresh if job.name == name]
            offset += len(page)
        return min(
            found, key=lambda job: (job.exit_code == TAKEN, job.time or 0.0, job.identity), default=None
        )

    def cancel(self, identity: str) -> None:
        """Have a job stopped; one that has ended, or is not known, stays as it is."""
        path = f"compute/cancel/{_part(self._compute)}/{_part(identity)}"
        self._ask("DELETE", path, absent=True)

    def make_folder(self, path: str) -> None:
        """Make a folder and those above it."""
        self._task("mkdir", {"path": path, "parent": True}, method="POST")

    def upload(self, path: str, data: bytes) -> None:
        """Put a file at a path. Raises TaskFailed."""
        address = f"filesystem/upload/{_part(self._storage)}"
        told = self._ask("POST", address, params={"path": path}, files={"file": ("part", data)})
        self._result(address, told)

    def download(self, path: str) -> list[bytes]:
        """A file, as each of the forms that facilities give it in may be read: base64, or text. Raises
        TaskFailed, also where it is not there."""
        output = self._task("download", {"path": path})
        if not isinstance(output, str):
            raise FacilitySilent(command=f"download {path}", reason="The task's output is no text.")
        forms = [output.encode("utf-8", "replace")]
        with suppress(ValueError):
            forms.insert(0, base64.b64decode(output, validate=True))
        return forms

    def require_storage(self, path: str) -> None:
        """FacilitySilent where not even a folder that is there can be listed: then what is missing is not
        known to be missing."""
        try:
            self._task("ls", {"path": path})
        except TaskFailed as error:
            raise FacilitySilent(command=f"ls {path}", reason=str(error)) from error

    def remove(self, path: str) -> None:
        """Remove a folder and all that is in it. Raises TaskFailed."""
        self._task("rm", {"path": path}, method_1="DELETE")

    def _task(
        self, command: str, asked: Mapping[str, Any], *, method: str = "", method_1: str = "GET"
    ) -> Any:
        """Have something done in the file system; its output."""
        path = f"filesystem/{command}/{_part(self._storage)}"
        if self.version == 1 and not method:
            told = self._ask(method_1, path, params=asked)
        else:
            told = self._ask("POST", path, json=asked)
        return self._result(path, told)

    def _result(self, path: str, submitted: Any) -> Any:
        """Wait for a task's end. Where it is asked after we know ourselves: an address that comes from
        outside would be given our token."""
        identity = submitted.get("task_id") if isinstance(submitted, dict) else None
        if not isinstance(identity, str) or not identity or not identity.isprintable():
            raise FacilitySilent(command=path, reason="It answered with no task.")
        overdue, pause = time.monotonic() + _TASK_SECONDS, 0.05
        while True:
            task = self._ask("GET", f"task/{_part(identity)}")
            status = task.get("status") if isinstance(task, dict) else None
            result = task.get("result") if isinstance(task, dict) else None
            if status == "completed":
                return result.get("output") if isinstance(result, dict) else result
            if status in ("failed", "canceled"):
                raise TaskFailed(_short(json.dumps(result)))
            if status not in ("pending", "active"):
                raise FacilitySilent(command=path, reason="Its task is in no state of the specification.")
            if time.monotonic() > overdue:
                raise FacilitySilent(
                    command=path, reason=f"Its task is not done after {_TASK_SECONDS:.0f} s."
                )
            time.sleep(pause)
            pause = min(2 * pause, 1.0)

    def _ask(self, method: str, path: str, *, absent: bool = False, final: bool = False, **sent: Any) -> Any:
        """An answer's JSON. absent: None for what is not there (404) or over (409). final: a refusal is the
        job's own fault, and told as JobRefused; 409 is not one, it tells of the same request under way."""
        command = f"{method} {path}"
        if "params" in sent:
            words = {True: "true", False: "false"}
            sent["params"] = {k: words[v] if isinstance(v, bool) else v for k, v in sent["params"].items()}
        try:
            with self._http.stream(method, f"{self._base}/{path}", **sent) as response:
                body = _read(response, command)
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            raise FacilitySilent(
                command=command, reason=_short(f"{type(error).__name__}: {error}")
            ) from error
        if absent and response.status_code in (404, 409):
            return None
        if final and response.status_code in (400, 403, 422):
            raise JobRefused(reason=f"facility-{response.status_code}", told=_short(_detail(body)))
        if response.status_code not in (200, 201, 204):
            reason = f"It answered {response.status_code}: {_short(_detail(body))}"
            raise FacilitySilent(command=command, reason=reason)
        try:
            return None if response.status_code == 204 else json.loads(body)
        except (ValueError, RecursionError) as error:
            raise FacilitySilent(command=command, reason="It answered with no JSON.") from error


def _checked_url(values: Values) -> str:
    url = values.iri_url.rstrip("/")
    parts = urlsplit(url)
    loopback = parts.hostname in ("127.0.0.1", "localhost", "::1")
    if not re.search("/v[12]$", parts.path):
        raise BadFacility(
            key="iri_url", reason="It ends with /v1 or /v2, the version that the facility speaks."
        )
    if parts.scheme != "https" and not (parts.scheme == "http" and loopback):
        raise BadFacility(key="iri_url", reason="It begins with https://: a token is sent there.")
    return url


def _read(response: httpx2.Response, command: str) -> bytes:
    """The body: not more than what any answer has, and not drop by drop for ever."""
    data, overdue = bytearray(), time.monotonic() + _ANSWER_SECONDS
    for piece in response.iter_bytes():
        data += piece
        if len(data) > _MOST_ANSWER:
            raise FacilitySilent(command=command, reason=f"It answered with more than {_MOST_ANSWER} bytes.")
        if time.monotonic() > overdue:
            raise FacilitySilent(command=command, reason=f"It still answered after {_ANSWER_SECONDS:.0f} s.")
    return bytes(data)


def _part(identity: str) -> str:
    return quote(identity, safe="~.-_")


def _detail(body: bytes) -> str:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return body[:200].decode("utf-8", "replace")
    if not isinstance(told, dict):
        return str(told)
    return " ".join(str(told[key]) for key in ("title", "detail") if told.get(key))


def _short(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)[:300]


def _readable(told: Any) -> FacilityJob | None:
    """A job's document, where it is one."""
    try:
        return _job(told)
    except FacilitySilent:
        return None


def _job(told: Any, identity: str | None = None) -> FacilityJob:
    """A job's document; FacilitySilent where it is none, or another's than was asked for."""
    given = told if isinstance(told, dict) else {}
    status = given.get("status") or {}
    spec = given.get("job_spec") or {}
    found = given.get("id")
    state = status.get("state", "new") if isinstance(status, dict) else None
    if not isinstance(found, str) or not found.isprintable() or not 0 < len(found) <= 500:
        raise FacilitySilent(command="job", reason="It told of a job without its id.")
    if identity not in (None, found):
        raise FacilitySilent(command="job", reason="It told of another job.")
    if state not in STATES or not isinstance(spec, dict):
        raise FacilitySilent(
            command="job", reason=f"Job {_short(found)} is in no state of the specification."
        )
    name = spec.get("name")
    return FacilityJob(
        found,
        state,
        _number(status.get("time"), _LATEST),
        _short(str(status.get("message") or "")),
        None if (code := _number(status.get("exit_code"), 2**31)) is None else int(code),
        name if isinstance(name, str) else None,
    )


_LATEST = 2.0**33
"""Instants beyond it (the year 2242) are none, or in other units."""


def _number(value: Any, most: float) -> float | None:
    """A number between -most and most; None for anything else."""
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if plain and -most < value < most else None


def parts_of(data: Sequence[bytes], wanted: Any) -> bytes | None:
    """The form of a download that `wanted` takes."""
    return next((form for form in data if wanted(form)), None)
