"""A facility of our own making, for tests: it is no real one, and says so here.

It speaks what the engine needs of both versions of the IRI Facility API, keeps its state while it lives, has
a real file system (one folder) and executes jobs as real processes. What it does not have: a scheduler,
accounts, other users. Its `fault` makes it slow, wrong or dead, request by request.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

TOKEN, COMPUTE, STORAGE = "facility-token", "gpus", "scratch"


@dataclass
class Work:
    """A job: its specification and its process."""

    identity: str
    spec: dict[str, Any]
    process: subprocess.Popen[bytes] | None = None
    begun: float = 0.0
    ended: float | None = None
    cancelled: bool = False

    def document(self, with_spec: bool) -> dict[str, Any]:
        code = None if self.process is None else self.process.poll()
        if self.process is None:
            state = "canceled" if self.cancelled else "queued"
        elif code is None:
            state = "active"
        else:
            self.ended = self.ended or time.time()
            state = "canceled" if self.cancelled else "completed" if code == 0 else "failed"
        status = {"state": state, "time": self.ended or self.begun, "message": None, "exit_code": code}
        return {"id": self.identity, "status": status, "job_spec": self.spec if with_spec else None}


@dataclass
class Facility:
    """The facility's state. fault: called with (method, path) before a request is worked on; the name of a
    fault below, or None. hold: jobs are queued and not begun."""

    root: Path
    version: int
    jobs: dict[str, Work] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    fault: Callable[[str, str], str | None] = lambda method, path: None
    hold: bool = False
    as_text: bool = False
    server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        assert self.server is not None
        return f"http://127.0.0.1:{self.server.server_address[1]}/api/v{self.version}"

    def start(self) -> None:
        handler = type("Handler", (Handler,), {"facility": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        assert self.server is not None
        self.server.shutdown()
        self.server.server_close()
        for work in self.jobs.values():
            if work.process is not None and work.process.poll() is None:
                os.killpg(work.process.pid, signal.SIGKILL)
                work.process.wait()

    def begin(self, work: Work) -> None:
        spec = work.spec
        with Path(spec["stdout_path"]).open("wb") as out, Path(spec["stderr_path"]).open("wb") as err:
            work.process = subprocess.Popen(
                [spec["executable"], *spec["arguments"]], cwd=spec["directory"], stdin=subprocess.DEVNULL,
                stdout=out, stderr=err, start_new_session=True,
            )  # fmt: skip
        work.begun = time.time()

    def place(self, path: str) -> Path:
        place = Path(os.path.normpath(path))
        if not place.is_relative_to(self.root):
            raise PermissionError(path)
        return place


class Handler(BaseHTTPRequestHandler):
    """Answers a request; one handler a request."""

    facility: Facility
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments: Any) -> None:
        pass

    def do_GET(self) -> None:
        self.answer()

    def do_POST(self) -> None:
        self.answer()

    def do_DELETE(self) -> None:
        self.answer()

    def answer(self) -> None:
        url = urlsplit(self.path)
        path = unquote(url.path).removeprefix(f"/api/v{self.facility.version}/")
        self.facility.asked.append((self.command, path))
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self.facility.fault(self.command, path)
        if fault and self.fail(fault):
            return
        try:
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                raise Refused(401, "no such token")
            made = self.work(path, dict(parse_qsl(url.query)), body)
        except Refused as refusal:
            problem = {
                "type": "about:blank",
                "status": refusal.status,
                "title": "Refused",
                "detail": refusal.why,
            }
            self.send(refusal.status, {**problem, "instance": url.path})
            return
        if fault == "lost":
            self.close_connection = True  # it was done, and nobody hears of it
            self.connection.close()
            return
        self.send(204 if made is None else 200, made)

    def fail(self, fault: str) -> bool:
        """Misbehave; False where the request is to be worked on all the same."""
        if fault == "lost":
            return False
        if fault == "silent":
            time.sleep(3)
            self.close_connection = True
        elif fault == "dead":
            self.close_connection = True
            self.connection.close()
        elif fault == "drip":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            for _ in range(30):
                self.wfile.write(b" ")
                self.wfile.flush()
                time.sleep(0.1)
        elif fault == "html":
            self.send(200, b"<html>Maintenance on Tuesday</html>")
        elif fault == "redirect":
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1:9/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif fault == "flood":
            self.send(200, b'"' + b"x" * 40 * 2**20 + b'"')
        elif fault.isdecimal():
            self.send(int(fault), {"title": "Trouble", "detail": "of the facility's own"})
        else:
            self.send(200, json.loads(fault))
        return True

    def send(self, status: int, body: Any) -> None:
        data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        if status != 204:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        try:
            self.wfile.write(data)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def work(self, path: str, query: dict[str, str], body: bytes) -> Any:
        group, command, *rest = path.split("/")
        if group == "compute":
            return self.compute(command, rest, query, body)
        if group == "task":
            return self.facility.tasks.get(command) or self.refuse(404, command)
        if group == "filesystem" and rest == [STORAGE]:
            return self.file_system(command, query, body)
        return self.refuse(404, path)

    def refuse(self, status: int, why: str) -> Any:
        raise Refused(status, why)

    def compute(self, command: str, rest: list[str], query: dict[str, str], body: bytes) -> Any:
        jobs = self.facility.jobs
        if rest[0] != COMPUTE:
            return self.refuse(404, rest[0])
        if command == "job":
            return self.submit(json.loads(body))
        if len(rest) == 1:
            whole = [one.document(query.get("include_spec") == "true") for one in jobs.values()]
            begin = int(query.get("offset", 0))
            return whole[begin : begin + int(query.get("limit", 100))]
        work = jobs.get(rest[1]) or self.refuse(404, rest[1])
        if command == "cancel":
            work.cancelled = True
            if work.process is not None and work.process.poll() is None:
                work.process.terminate()
            return None
        return work.document(query.get("include_spec") == "true")

    def submit(self, spec: dict[str, Any]) -> Any:
        key = self.headers.get("Idempotency-Key")
        if key is not None and key in self.facility.keys:
            return self.facility.jobs[self.facility.keys[key]].document(False)
        if spec["attributes"]["account"] == "spent":
            return self.refuse(422, "the account is spent")
        work = Work(f"job/{uuid.uuid4()}", spec)
        self.facility.jobs[work.identity.replace("/", "%2F")] = work
        work.identity = work.identity.replace("/", "%2F")
        if key is not None:
            self.facility.keys[key] = work.identity
        if not self.facility.hold:
            self.facility.begin(work)
        return work.document(False)

    def file_system(self, command: str, query: dict[str, str], body: bytes) -> Any:
        first = self.facility.version == 1
        in_query = command == "upload" or (first and command in ("download", "ls", "rm"))
        wanted = {"download": ("GET", "POST"), "ls": ("GET", "POST"), "rm": ("DELETE", "POST")}.get(
            command, ("POST", "POST")
        )
        if self.command != wanted[0 if first else 1]:
            return self.refuse(405, self.command)
        asked = query if in_query else json.loads(body)
        try:
            output = getattr(self, f"do_{command}")(self.facility.place(asked["path"]), body)
            task: dict[str, Any] = {"status": "completed", "result": {"output": output}}
        except OSError as error:
            task = {"status": "failed", "result": {"error": str(error)}}
        identity = str(uuid.uuid4())
        self.facility.tasks[identity] = {"id": identity, **task}
        return {"task_id": identity, "task_uri": f"http://127.0.0.1:9/{identity}"}

    def do_mkdir(self, place: Path, _: bytes) -> None:
        place.mkdir(parents=True, exist_ok=True)

    def do_ls(self, place: Path, _: bytes) -> list[str]:
        return sorted(one.name for one in place.iterdir())

    def do_rm(self, place: Path, _: bytes) -> str:
        shutil.rmtree(place)
        return "removed"

    def do_upload(self, place: Path, body: bytes) -> None:
        boundary = self.headers["Content-Type"].partition("boundary=")[2].encode()
        part = body.split(b"--" + boundary)[1]
        data = part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n")
        assert len(data) <= 5_242_880
        place.write_bytes(data)

    def do_download(self, place: Path, _: bytes) -> str:
        data = place.read_bytes()
        if len(data) > 5_242_880:
            raise OSError("too large")
        return data.decode() if self.facility.as_text else base64.b64encode(data).decode()


class Refused(Exception):
    """A refusal of the facility's."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status, self.why = status, why


def settings_for(facility: Facility) -> dict[str, str]:
    """The engine's settings for a facility."""
    return {
        "iri_url": facility.url, "iri_token": TOKEN, "iri_compute": COMPUTE, "iri_storage": STORAGE,
        "iri_directory": f"{facility.root}/madang", "iri_python": sys.executable,
    }  # fmt: skip


def once(wanted: str, fault: str, times: int = 1) -> Callable[[str, str], str | None]:
    """A fault for the first requests whose "METHOD path" has `wanted` in it."""
    left = [times]

    def choose(method: str, path: str) -> str | None:
        if left[0] and re.search(wanted, f"{method} {path}"):
            left[0] -= 1
            return fault
        return None

    return choose
