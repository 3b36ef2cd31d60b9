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
        day = (clock.now() + timedelta(days=30)).date()
        agreement = {
            "agreement": {
                "name": "pact", "title_en": "P", "title_ko": "P", "mission": "rain",
                "parties": ["lab", "judge"], "ends_on": day,
            },
            "clause": [
                {
                    "effect": "permit", "text_en": "t", "text_ko": "t", "actions": ["evaluate"],
                    "owners": ["lab"], "of": ["model"], "by": ["judge"],
                }
            ],
        }  # fmt: skip
        with home.database.write() as session:
            agreements.draft(session, lab, AgreementDocument.model_validate(agreement))
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
        now = clock.now()
        with home.database.write() as session:
            capacity = allocations.declare(session, judge, "site", "core", 1, now, now + timedelta(days=1))
        with home.database.write() as session:
            allocations.split(session, officer, capacity.capacity_id)
        with home.database.write() as session:
            share = "academia-research"
            award = allocations.award(session, officer, "rain", "lab", capacity.capacity_id, share, 1.0)
        version = assets.deposit(home, lab, folder / "rain", "days", "pact")
        (outcome,) = checking.check(home, lab, version.name)
        assert outcome.version.state == "accepted", outcome
        order = runs.Order("rain", "rain/climate", [version.name], award.award_id, "climate", {})
        runs.submit(home, lab, order)
        Supervisor(home, judge).work(until_idle=True)
        with home.database.read() as session:
            model = lineage.get(session, "lab/climate@1")
        with home.database.write() as session:
            scores.submit(session, lab, "rain", model.name)
        ((_, told),) = Evaluator(home, judge).work()
        assert isinstance(told, Feedback)
        verdict = verification.verify_home(home)
        assert verdict.holds, verdict
        facts = {"facts": dict(model.facts), "released": told.released, "n": told.n, "value": told.value}
        home.database.close()
    print(json.dumps(facts))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
