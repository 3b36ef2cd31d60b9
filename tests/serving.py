"""A home served by a process of its own, as `madang serve` does it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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
