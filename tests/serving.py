"""A home served by a process of its own, as `madang serve` does it; and stand-ins for others' servers."""

from __future__ import annotations

import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Reply = Callable[[str, str, bytes, Mapping[str, str]], tuple[int, Any]]
"""(method, path, body, headers) -> (status, what the answer holds as JSON)."""


@contextmanager
def serving(home: Path, *options: str) -> Iterator[str]:
    """The address of a server over a home."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    command = [sys.executable, "-m", "madang.interfaces.cli.main", "--home", str(home)]
    command += ["serve", "--port", port, *options]
    server = subprocess.Popen(command, env=dict(os.environ), stdout=subprocess.DEVNULL)
    overdue = time.monotonic() + 30
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", int(port)), timeout=1).close()
                break
            except OSError:
                assert time.monotonic() < overdue, "the server did not start"
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.send_signal(signal.SIGINT)
        try:
            server.wait(timeout=10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


@contextmanager
def standing_in(reply: Reply) -> Iterator[str]:
    """The address of a server on loopback whose every answer is what `reply` gives."""

    class Answers(http.server.BaseHTTPRequestHandler):
        def _do(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, told = reply(self.command, self.path, body, self.headers)
            data = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_GET(self) -> None:
            self._do()

        def do_POST(self) -> None:
            self._do()

        def do_PUT(self) -> None:
            self._do()

        def do_DELETE(self) -> None:
            self._do()

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
