"""A real browser (Debian's chromium) and a served home."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests import records
from tests.conftest import Played


@pytest.fixture(autouse=True)
def once() -> None:
    """A page is the same over either database: the browser looks at it once."""
    if records.POSTGRES:
        pytest.skip("looked at with SQLite")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("chromium is not installed")
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        opened = playwright.chromium.launch(executable_path=program, args=flags)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def served(played: Played) -> Iterator[str]:
    """The address of a server over the demonstration's home."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    home = str(played.home.path)
    command = [
        sys.executable,
        "-m",
        "madang.interfaces.cli.main",
        "--home",
        home,
        "serve",
        "--port",
        str(port),
    ]
    server = subprocess.Popen(command, env=dict(os.environ), stdout=subprocess.DEVNULL)
    overdue = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            break
        except OSError:
            assert time.monotonic() < overdue, "the server did not start"
            time.sleep(0.1)
    yield f"http://127.0.0.1:{port}"
    server.send_signal(signal.SIGINT)
    server.wait(timeout=20)
