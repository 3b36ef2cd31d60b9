"""A whole mission over tables: from deposits to a final score, with rows that only the evaluator has."""

from __future__ import annotations

import json
import random
import shutil
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from madang.agreements import service as agreements
from madang.agreements.model import AgreementDocument
from madang.allocations import service as allocations
from madang.assets import checking, lineage
from madang.assets import service as assets
from madang.assets.errors import NotAccepted
from madang.assets.query import keeping
from madang.assets.query.errors import BadQuery, NoSuchTable, QueryTooLarge
from madang.assets.withdrawing import service as withdrawing
from madang.kernel import clock
from madang.kernel.authorizer import Principal
from madang.kernel.errors import NotPermitted
from madang.missions import service as missions
from madang.missions.model import MissionDocument
from madang.packs.tabular import tables
from madang.packs.tabular.commands import sample
from madang.packs.tabular.scorer import SCORER
from madang.programme import line
from madang.programme.verification import verify_home
from madang.runs import service as runs
from madang.runs.supervisor import Supervisor
from madang.scores import opening, recompute
from madang.scores import service as scores
from madang.scores.errors import BadMaterial
from madang.scores.evaluator import Evaluator
from madang.scores.model import Feedback, Score
from tests.conftest import Office

COMPANIES = ("clinic-a", "clinic-b", "clinic-c")
PARTIES = (*COMPANIES, "lab", "judge")


@dataclass
class Mission:
    office: Office
    people: dict[str, Principal]
    folder: Path
    award: str = ""

    def submit_and_judge(self, version: str) -> Feedback:
        with self.office.home.database.write() as session:
            made = scores.submit(session, self.people["lab"], "cells", version)
        ((_, told),) = self.evaluator.work()
        assert isinstance(told, Feedback), scores_problem(self, made.submission_id)
        return told

    @property
    def evaluator(self) -> Evaluator:
        return Evaluator(self.office.home, self.people["judge"])

    def deposit(self, owner: str, folder: Path) -> str:
        home = self.office.home
        version = assets.deposit(home, self.people[owner], folder, "cells", "cells-data")
        (outcome, *_) = checking.check(home, self.people[owner], version.name)
        assert outcome.version.state == "accepted", outcome.findings
        return version.name

    def train(self, version: str, output: str, **parameters: Any) -> str:
        home = self.office.home
        order = runs.Order("cells", "tabular/supervised", [version], self.award, output, parameters)
        run = runs.submit(home, self.people["lab"], order)
        Supervisor(home, self.people["judge"]).work(until_idle=True)
        with home.database.read() as session:
            assert runs.get(session, run.run_id).state == "succeeded"
        return f"lab/{output}@1"


def scores_problem(mission: Mission, submission: str) -> str:
    with mission.office.home.database.read() as session:
        return scores.get_submission(session, submission).problem


@pytest.fixture
def mission(office: Office, tmp_path: Path) -> Mission:
    roles = {"judge": ("evaluator", "operator", "steward")}
    kinds = {"lab": "institute", "judge": "institute"}
    people = {
        name: office.join(name, *roles.get(name, ("steward", "researcher")), kind=kinds.get(name, "company"))
        for name in PARTIES
    }
    sample("breast-cancer", tmp_path / "tables", contributors=3, held_out=0.5)
    made = Mission(office, people, tmp_path / "tables")
    _agree(made)
    _open(made)
    return made


def _agree(mission: Mission) -> None:
    clause = {"effect": "permit", "text_en": "t", "text_ko": "t", "owners": COMPANIES}
    document = AgreementDocument.model_validate(
        {
            "agreement": {
                "name": "cells-data", "title_en": "Cells", "title_ko": "세포", "mission": "cells",
                "parties": PARTIES, "ends_on": (clock.now() + timedelta(days=99)).date(),
            },
            "clause": [
                {**clause, "actions": ["pool", "train", "query"], "by": ["lab"]},
                {**clause, "actions": ["evaluate"], "of": ["model"], "by": ["judge"]},
                {**clause, "actions": ["download"], "of": ["model"], "by": ["lab"]},
            ],
        }
    )  # fmt: skip
    database = mission.office.home.database
    with database.write() as session:
        agreements.draft(session, mission.people["lab"], document)
    for name in PARTIES:
        with database.write() as session:
            agreements.sign(session, mission.people[name], "cells-data")


def charter(folder: Path, **changes: Any) -> MissionDocument:
    document = tables.read(folder / "held-out").document
    parameters = {"table": "cells", "columns": document.names, "classes": list(document.target.classes)}
    return MissionDocument.model_validate(
        {
            "mission": {
                "name": "cells", "title_en": "Cells", "title_ko": "세포", "lead": "lab", "evaluator": "judge",
                "organizations": PARTIES, "agreement": "cells-data",
                "deadline": (clock.now() + timedelta(days=60)).date(),
            },
            "objective": {
                "metric": "accuracy", "title_en": "Accuracy", "title_ko": "정확도", "baseline": 0.6,
                "target": 0.75, "n": 150, "feedback_n": 100, **changes,
            },
            "benchmark": {"scorer": "tabular/held-out", "parameters": parameters},
            "guardrail": [
                {
                    "metric": "overconfident", "title_en": "Sure and wrong", "title_ko": "확신한 오답",
                    "at_most": 0.2,
                }
            ],
        }
    )  # fmt: skip


def _open(mission: Mission) -> None:
    office, people = mission.office, mission.people
    with office.home.database.write() as session:
        missions.open_mission(session, people["lab"], charter(mission.folder))
    now = clock.now()
    with office.home.database.write() as session:
        later = now + timedelta(days=9)
        capacity = allocations.declare(session, people["judge"], "site", "cpu-core", 2, now, later)
    with office.home.database.write() as session:
        allocations.split(session, office.officer, capacity.capacity_id)
    with office.home.database.write() as session:
        share = "academia-research"
        made = allocations.award(session, office.officer, "cells", "lab", capacity.capacity_id, share, 2.0)
        mission.award = made.award_id


def seal(mission: Mission) -> None:
    material = mission.office.home.evaluator_path / "material"
    material.mkdir(parents=True)
    shutil.copytree(mission.folder / "held-out", material / "cells")
    mission.evaluator.seal("cells")


def test_ordinary_tables_reach_a_sealed_score(mission: Mission) -> None:
    seal(mission)
    home = mission.office.home
    for number, company in enumerate(COMPANIES, start=1):
        mission.deposit(company, mission.folder / f"contributor-{number}")
    pool = assets.pool(home, mission.people["lab"], "cells", "all")
    model = mission.train(pool.name, "model", model="forest", trees=60)
    told = mission.submit_and_judge(model)
    assert told.released
    assert told.value > 0.85
    for person in (mission.office.officer, mission.people["judge"]):
        with home.database.write() as session:
            opening.approve(session, person, "cells")
    ((submission, score),) = mission.evaluator.work()
    assert isinstance(score, Score)
    assert score.outcome == "reached", score.statement
    assert score.statement["guards"]["overconfident"]["holds"]
    assert score.statement["left_out"] == 0
    assert recompute.repeat(home, mission.people["lab"], submission.submission_id).value == score.value
    with home.database.read() as session:
        held = line.follow(line.collect(session, submission.submission_id))
    assert len(held.versions) == 3
    assert verify_home(home).holds


def test_the_answer_of_a_query_is_trained_on_and_its_line_is_whole(mission: Mission) -> None:
    seal(mission)
    home, lab = mission.office.home, mission.people["lab"]
    names = [
        mission.deposit(company, mission.folder / f"contributor-{number}")
        for number, company in enumerate(COMPANIES, start=1)
    ]
    declared = (mission.folder / "contributor-1/table.toml").read_text()
    file = tables.read(mission.folder / "contributor-1").document.file
    asked = " UNION ALL BY NAME ".join(f'SELECT * FROM "{name}/{file}"' for name in names[:2])
    kept = keeping.keep(
        home, lab, asked, "two-of-three", {tables.DECLARATION: declared.replace(file, keeping.TABLE)}
    )
    again = keeping.keep(
        home, lab, asked, "two-of-three", {tables.DECLARATION: declared.replace(file, keeping.TABLE)}
    )
    assert again.version_id == kept.version_id
    rows = [len(tables.read(mission.folder / f"contributor-{number}").target) for number in (1, 2)]
    assert kept.facts["rows"] == sum(rows)
    assert (kept.format, kept.state, kept.mission) == ("tabular/table", "accepted", "cells")
    with home.database.read() as session:
        assert [one.name for one in lineage.parents_of(session, kept.version_id)] == sorted(names[:2])
    model = mission.train(kept.name, "from-a-query", model="forest", trees=60)
    assert mission.submit_and_judge(model).value > 0.85
    for person in (mission.office.officer, mission.people["judge"]):
        with home.database.write() as session:
            opening.approve(session, person, "cells")
    ((submission, _),) = mission.evaluator.work()
    with home.database.read() as session:
        held = line.follow(line.collect(session, submission.submission_id))
    assert {entry.facts["name"] for entry in held.versions} == set(names[:2])
    with home.database.write() as session:
        withdrawing.withdraw(session, mission.people["clinic-a"], names[0], "a wrong scanner")
    with home.database.read() as session, pytest.raises(NotAccepted):
        lineage.authorize_use(session, lab, "train", lineage.get(session, kept.name))
    assert verify_home(home).holds


@pytest.mark.parametrize(
    ("sql", "beside", "error"),
    [
        ("SELECT 1", {}, BadQuery),
        ('SELECT * FROM "clinic-a/cells@1"', {"../x": "x"}, BadQuery),
        ('SELECT * FROM "clinic-a/cells@1"', {keeping.TABLE: "x"}, BadQuery),
        ('SELECT * FROM "clinic-a/cells@1"', {"model.pkl": "cos"}, BadQuery),
        ('SELECT * FROM "clinic-a/cells@1"', {"x.txt": "x" * 2_000_000}, QueryTooLarge),
        ('SELECT * FROM "clinic-a/cells@9"', {}, NoSuchTable),
    ],
)
def test_what_cannot_be_kept(
    mission: Mission, sql: str, beside: dict[str, str], error: type[Exception]
) -> None:
    mission.deposit("clinic-a", mission.folder / "contributor-1")
    with pytest.raises(error):
        keeping.keep(mission.office.home, mission.people["lab"], sql, "kept", beside)
    with pytest.raises(NotPermitted):
        table = 'SELECT * FROM "clinic-a/cells@1"'
        keeping.keep(mission.office.home, mission.people["clinic-b"], table, "kept")


def test_rows_that_training_has_seen_do_not_count(mission: Mission) -> None:
    seal(mission)
    held, own = (tables.read(mission.folder / name) for name in ("held-out", "contributor-1"))
    stolen = mission.folder / "stolen"
    tables.write(
        stolen, held.document, np.concatenate([own.values, held.values[:100]]),
        np.concatenate([own.target, held.target[:100]]),
    )  # fmt: skip
    name = mission.deposit("clinic-a", stolen)
    model = mission.train(name, "thief", trees=30)
    told = mission.submit_and_judge(model)
    assert told.n < 100  # about a third of the feedback half was among the stolen rows
    assert told.n > 30


def test_the_halves_share_no_row_and_material_must_suffice(mission: Mission) -> None:
    with pytest.raises(BadMaterial):
        mission.evaluator.seal("cells")
    seal(mission)
    sealed = json.loads((mission.office.home.evaluator_path / "cells.sealed.json").read_text())
    marks = [
        [tables.fingerprint(item["features"]) for item in sealed[half]["items"]]
        for half in ("feedback", "final")
    ]
    assert [len(half) for half in marks] == [100, 150]
    assert not set(marks[0]) & set(marks[1])
    material = mission.office.home.evaluator_path / "material"
    parameters = charter(mission.folder).benchmark.parameters
    with pytest.raises(BadMaterial, match="complete and distinct"):
        SCORER.draw(parameters, 100_000, random.Random(1), material)
    with pytest.raises(BadMaterial, match="not those of the charter"):
        SCORER.draw({**parameters, "columns": ["x"]}, 10, random.Random(1), material)


def test_a_value_within_the_tolerance_counts_as_right(tmp_path: Path) -> None:
    sample("diabetes", tmp_path / "material", contributors=1, held_out=0.5)
    document = tables.read(tmp_path / "material" / "held-out").document
    parameters = {"table": "held-out", "columns": document.names, "tolerance": 50.0}
    items = SCORER.draw(parameters, 100, random.Random(3), tmp_path / "material")
    truth = {tuple(np.float32(item["features"]).tolist()): item["target"] for item in items}

    def off_by(distance: float) -> float:
        def predict(batch: Any) -> Any:
            return np.array([[truth[tuple(row.tolist())] + distance] for row in batch], np.float32)

        return float(np.mean([result.value for result in SCORER.judge(parameters, items, predict)]))

    assert off_by(0) == off_by(49.0) == 1.0
    assert off_by(51.0) == 0.0
    assert SCORER.signature(parameters).outputs[0].name == "value"


def test_lineage_of_the_pool_is_what_the_evaluator_looks_at(mission: Mission) -> None:
    name = mission.deposit("clinic-b", mission.folder / "contributor-2")
    with mission.office.home.database.read() as session:
        version = lineage.get(session, name)
        found = checking.fingerprints_below(mission.office.home, session, version)
    rows = tables.read(mission.folder / "contributor-2").values
    assert found == {tables.fingerprint(row) for row in rows}
