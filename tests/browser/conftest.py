"""A real browser (Debian's chromium) and a served home."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests import records
from tests.conftest import Played
from tests.serving import serving


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
    with serving(played.home.path) as address:
        yield address
