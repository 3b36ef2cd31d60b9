"""Plays a mission with the minimal pack in a process of its own (entry points are read once a process)."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path

from madang.agreements import service as agreements
from madang.agreements.model import AgreementDocument
from madang.allocations import service as allocations
from madang.assets import checking, lineage
from madang.assets import service as assets
from madang.kernel import clock
from madang.kernel.authorizer import Principal
from madang.kernel.home import Home
from madang.missions import service as missions
from madang.missions.model import MissionDocument
from madang.organizations import service as organizations
from madang.programme import verification
from madang.runs import service as runs
from madang.runs.supervisor import Supervisor
from madang.scores import service as scores
from madang.scores.evaluator import Evaluator
from madang.scores.model import Feedback
from tests import records
from tests.conftest import Office


def main(folder: Path) -> None:
    """Deposit, check, train, submit, judge; print what came of it."""
    with records.server():
        home = records.new_home(folder / "home")
        with home.database.write() as session:
            token = organizations.found(session, "msit", "Ministry", "부처", "officer")
        with home.database.read() as session:
            officer = organizations.signed_in(session, token)
        office = Office(home, officer, token)
        lab = office.join("lab", "steward", "researcher", kind="institute")
        judge = office.join("judge", "steward", "evaluator", "operator", kind="institute")
        agree(home, lab, judge)
        award = supply(office, judge)
        told = play(home, lab, judge, folder / "rain", award)
        home.database.close()
    print(json.dumps(told))


def agree(home: Home, lab: Principal, judge: Principal) -> None:
    """An agreement, a mission, its sealed benchmark."""
    day = (clock.now() + timedelta(days=30)).date()
    clause = {
        "effect": "permit", "text_en": "t", "text_ko": "t", "actions": ["evaluate"], "owners": ["lab"],
        "of": ["model"], "by": ["judge"],
    }  # fmt: skip
    header = {
        "name": "pact", "title_en": "P", "title_ko": "P", "mission": "rain", "parties": ["lab", "judge"],
        "ends_on": day,
    }  # fmt: skip
    document = AgreementDocument.model_validate({"agreement": header, "clause": [clause]})
    with home.database.write() as session:
        agreements.draft(session, lab, document)
    for person in (lab, judge):
        with home.database.write() as session:
            agreements.sign(session, person, "pact")
    charter = {
        "mission": {
            "name": "rain", "title_en": "R", "title_ko": "R", "lead": "lab", "evaluator": "judge",
            "organizations": ["lab", "judge"], "agreement": "pact", "deadline": day,
        },
        "objective": {
            "metric": "hits", "title_en": "H", "title_ko": "H", "baseline": 0, "target": 0.9, "n": 50,
        },
        "benchmark": {"scorer": "rain/tomorrow"},
    }  # fmt: skip
    with home.database.write() as session:
        missions.open_mission(session, lab, MissionDocument.model_validate(charter))
    Evaluator(home, judge).seal("rain")


def supply(office: Office, judge: Principal) -> str:
    """Capacity, split, and an award to the lab; returns the award's id."""
    database, now = office.home.database, clock.now()
    with database.write() as session:
        capacity = allocations.declare(session, judge, "site", "core", 1, now, now + timedelta(days=1))
    with database.write() as session:
        allocations.split(session, office.officer, capacity.capacity_id)
    with database.write() as session:
        where = (capacity.capacity_id, "academia-research", 1.0)
        return allocations.award(session, office.officer, "rain", "lab", *where).award_id


def play(home: Home, lab: Principal, judge: Principal, data: Path, award: str) -> dict[str, object]:
    """From the deposit to the board."""
    version = assets.deposit(home, lab, data, "days", "pact")
    (outcome,) = checking.check(home, lab, version.name)
    assert outcome.version.state == "accepted", outcome
    runs.submit(home, lab, runs.Order("rain", "rain/climate", [version.name], award, "climate", {}))
    Supervisor(home, judge).work(until_idle=True)
    with home.database.read() as session:
        model = lineage.get(session, "lab/climate@1")
    with home.database.write() as session:
        scores.submit(session, lab, "rain", model.name)
    ((_, told),) = Evaluator(home, judge).work()
    assert isinstance(told, Feedback)
    verdict = verification.verify_home(home)
    assert verdict.holds, verdict
    return {"facts": dict(model.facts), "released": told.released, "n": told.n, "value": told.value}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
