"""What tests share: an empty home with its ministry, and one whole mission, played once for all."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from madang.interfaces.demo import cast
from madang.interfaces.demo.stage import Stage
from madang.interfaces.demo.story import play, token_files
from madang.kernel.authorizer import Principal
from madang.kernel.home import Home, open_home
from madang.kernel.locks import alone
from madang.organizations import service as organizations
from madang.programme import verification  # noqa: F401  (all tables)
from tests import records

_WITHOUT_RECORDS = [
    "allocations/planner",
    "assets/content",
    "assets/metadata",
    "assets/probing",
    "assets/query",
    "assets/test_rights_matrix.py",
    "browser",
    "engines",
    "interfaces/iri",
    "interfaces/schema",
    "interfaces/test_cli.py",
    "interfaces/test_map.py",
    "interfaces/test_printing.py",
    "kernel/test_extension.py",
    "kernel/test_outbound.py",
    "packs",
    "runs/test_confinement.py",
    "runs/test_hostile_output.py",
    "sdk",
    "test_docs.py",
    "test_snippets.py",
]
collect_ignore = _WITHOUT_RECORDS if records.POSTGRES else []
"""What has little to do with where records are is tested once."""


@dataclass
class Office:
    """A home with a ministry; makes organizations and people on demand."""

    home: Home
    officer: Principal
    officer_token: str

    def join(self, organization: str, *roles: str, kind: str = "company", name: str = "kim") -> Principal:
        """Register an organization (once) and a person in it."""
        database = self.home.database
        with database.read() as session:
            known = {o.name for o in organizations.every(session)}
        if organization not in known:
            with database.write() as session:
                organizations.register(session, self.officer, organization, kind, organization, organization)
        with database.write() as session:
            organizations.add_member(session, self.officer, organization, name, roles)
        with database.write() as session:
            token = organizations.issue_token(session, self.officer, organization, name)
        with database.read() as session:
            return organizations.signed_in(session, token)


@pytest.fixture(scope="session", autouse=True)
def server() -> Iterator[None]:
    """The database server of the session, where the tests use one."""
    with records.server():
        yield


@pytest.fixture(autouse=True)
def left_behind() -> Iterator[None]:
    """Homes that a test opens are closed at its end, and their databases removed."""
    with records.left_behind():
        yield


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    home = records.new_home(tmp_path / "home")
    with home.database.write() as session:
        token = organizations.found(session, "msit", "Ministry", "부처", "officer")
    with home.database.read() as session:
        officer = organizations.signed_in(session, token)
    yield Office(home, officer, token)
    home.database.close()


@dataclass
class Played:
    """The demonstration as it went: its stage, and what it said."""

    stage: Stage
    said: list[str]

    @property
    def home(self) -> Home:
        return self.stage.home

    @property
    def text(self) -> str:
        return "\n".join(self.said)

    def actor(self, organization: str, name: str | None = None) -> Principal:
        return self.stage.actor(organization, name)


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """One whole mission, from agreement to score. Tests only read it; see `copied`."""
    folder = tmp_path_factory.mktemp("played")
    once = os.environ.get("MADANG_TEST_PLAYED")
    if not once or records.POSTGRES:
        made = _play(folder / "home")
    else:
        with alone(Path(once) / "lock"):
            made = _played_once(Path(once), folder)
    yield made
    made.home.database.close()


def _play(place: Path) -> Played:
    home = records.new_home(place)
    said: list[str] = []
    stage = play(home, "en", said.append)
    token_files(stage, home.path)
    return Played(stage, said)


def _played_once(once: Path, folder: Path) -> Played:
    """A copy of what the first of several sessions played."""
    told = once / "told.json"
    if not told.exists():
        shutil.rmtree(once / "home", ignore_errors=True)  # of one that was cut off
        made = _play(once / "home")
        tokens = [[*who, token] for who, token in made.stage.tokens.items()]
        told.write_text(json.dumps([tokens, made.stage.notes, made.said]))
        made.home.database.close()
    tokens, notes, said = json.loads(told.read_text())
    first = open_home(once / "home")
    home = records.copy_home(first, folder / "home")
    first.database.close()
    by_person = {(organization, name): token for organization, name, token in tokens}
    return Played(Stage(home, "en", folder, tokens=by_person, notes=notes), said)


@pytest.fixture
def copied(played: Played, tmp_path: Path) -> Iterator[Played]:
    """A copy of the played home that a test may change."""
    home = records.copy_home(played.home, tmp_path / "copy")
    stage = Stage(home, "en", tmp_path, tokens=dict(played.stage.tokens), notes=dict(played.stage.notes))
    yield Played(stage, played.said)
    home.database.close()


@pytest.fixture(scope="session")
def lead() -> str:
    return cast.LEAD
