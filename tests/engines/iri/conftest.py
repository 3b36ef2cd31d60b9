"""A home whose runs go to a facility."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from madang.engines.iri import client, launcher, moving
from madang.interfaces.demo import cast
from madang.runs import service
from madang.runs.model import Run
from madang.runs.supervisor import Supervisor
from tests import records
from tests.conftest import Played
from tests.engines.iri.facility import Facility, settings_for


@pytest.fixture
def facility(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Facility]:
    """A facility that speaks version 2, or the one that a test is parametrized with."""
    if records.POSTGRES:
        pytest.skip("facilities are tested with records in SQLite")
    made = Facility(tmp_path / "facility", getattr(request, "param", 2))
    made.root.mkdir()
    made.start()
    yield made
    made.stop()


@dataclass
class Lender:
    """A home and its facility."""

    played: Played
    facility: Facility

    def order(self, steps: int = 20, seconds: int = 60) -> Run:
        """A training run of the lead's, under the demonstration's award."""
        made = service.Order(
            cast.MISSION, "physical/behaviour-cloning",
            [self.played.stage.notes[f"deposit:{cast.COMPANIES[0]}"]],
            self.played.stage.notes[f"award:{cast.COMPANIES[0]}"], "lent",
            {"steps": steps, "width": 16, "layers": 1}, 1, seconds,
        )  # fmt: skip
        return service.submit(self.played.home, self.played.actor(cast.COMPANIES[0]), made)

    def supervisor(self) -> Supervisor:
        return Supervisor(self.played.home, self.played.actor(cast.JUDGE, "operator"))

    def get(self, run: Run) -> Run:
        with self.played.home.database.read() as session:
            return service.get(session, run.run_id)


@pytest.fixture
def lender(
    facility: Facility, played: Played, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Lender:
    for name, value in {**settings_for(facility), "run_engine": "iri"}.items():
        monkeypatch.setenv(f"MADANG_{name.upper()}", value)
    monkeypatch.setattr(launcher, "_GRACE_SECONDS", 30)
    monkeypatch.setattr(moving, "LOST_SECONDS", 1.0)
    monkeypatch.setattr(launcher.IriLauncher, "poll_seconds", 0.1)
    monkeypatch.setattr(client, "_ANSWER_SECONDS", 1.0)
    monkeypatch.setattr("madang.runs.supervisor._SILENCE_SECONDS", 0.2)
    return Lender(request.getfixturevalue("copied"), facility)
