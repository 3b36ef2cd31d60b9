"""The evaluator: what it refuses to score, and who may not score."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from madang.assets import checking, ingest, lineage
from madang.assets import service as assets
from madang.assets.content.reading import attach
from madang.assets.model import Version
from madang.interfaces.demo import cast
from madang.kernel.canonical import canonical_bytes
from madang.kernel.errors import NotPermitted
from madang.missions import service as missions
from madang.missions.model import Mission, MissionDocument
from madang.packs.physical.policy import FEATURES, to_onnx
from madang.programme.verification import verify_home
from madang.scores import judging, service
from madang.scores.errors import (
    AlreadySealed,
    AlreadySubmitted,
    EvaluatorNotSetUp,
    ForgedScore,
    NotAModel,
    SealBroken,
    SubmissionsSpent,
)
from madang.scores.evaluator import Evaluator
from madang.scores.model import Feedback, Submission
from madang.scores.scorers import Result
from tests import records
from tests.conftest import Played
from tests.reopening import reopened


def policy(features: int = FEATURES, actions: int = 4, value: float = 0.0) -> bytes:
    weight = np.full((actions, features), 0.0)
    return to_onnx([(weight, np.full(actions, value))], np.zeros(features), np.ones(features), actions // 4)


def made(played: Played, files: dict[str, bytes], folder: Path) -> Version:
    """A model version of company-a whose content is ours, as if a run had left it."""
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    stored = ingest.store_folder(played.home, folder)
    actor = played.actor("company-a")
    with played.home.database.write() as session:
        parent = lineage.get(session, played.stage.notes["deposit:company-a"])
        new = assets.NewVersion(
            "company-a", "made", "model", cast.MISSION, "accepted", parents=[parent.version_id]
        )
        version = assets.insert(session, new, stored)
        session.record("test", version.version_id, actor.as_fact())
    return version


def submit(played: Played, version: Version) -> Submission:
    with played.home.database.write() as session:
        return service.submit(session, played.actor("company-a"), cast.MISSION, version.name)


def evaluator(played: Played) -> Evaluator:
    return Evaluator(played.home, played.actor(cast.JUDGE, "evaluator"))


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"policy.onnx": b"not a model"}, "cannot be loaded as ONNX"),
        ({"policy.onnx": b""}, "cannot be loaded as ONNX"),
        ({"policy.onnx": policy(features=10)}, "inputs do not fit"),
        ({"policy.pkl": b"x"}, "exactly one .onnx file"),
        ({"a.onnx": policy(), "b.onnx": policy()}, "exactly one .onnx file"),
        ({"policy.onnx": policy(value=float("nan"))}, "not finite"),
    ],
    ids=["garbage", "empty", "shape", "no-onnx", "two", "nan"],
)
def test_what_cannot_be_scored_is_refused_with_its_reason(
    copied: Played, tmp_path: Path, files: dict[str, bytes], words: str
) -> None:
    reopened(copied)
    submission = submit(copied, made(copied, files, tmp_path / "model"))
    assert evaluator(copied).work() == [(submission, None)]
    with copied.home.database.read() as session:
        told = service.get_submission(session, submission.submission_id)
        assert service.score_of(session, submission.submission_id) is None
    assert told.state == "refused"
    assert words in told.problem
    assert verify_home(copied.home).holds


def test_a_policy_that_does_nothing_does_not_move_the_board(copied: Played, tmp_path: Path) -> None:
    reopened(copied)
    version = made(copied, {"policy.onnx": policy()}, tmp_path / "model")
    submission = submit(copied, version)
    with pytest.raises(AlreadySubmitted):
        submit(copied, version)
    with copied.home.database.read() as session:
        before = service.shown(session, cast.MISSION, "company-a")
    ((_, answer),) = evaluator(copied).work()
    assert before is not None
    assert isinstance(answer, Feedback)
    assert not answer.released
    assert (answer.value, answer.n) == (before[1].value, before[1].n)
    # Nothing that leaves the evaluator tells how it did.
    statement = dict(answer.statement)
    assert set(statement) == {
        "benchmark", "half", "manifest", "mission", "n", "n_sealed", "released", "scorer", "sealed",
        "shown", "submission", "version",
    }  # fmt: skip
    again = submit(copied, version)
    assert again.submission_id != submission.submission_id
    with copied.home.database.read() as session:
        (row,) = [r for r in service.board(session, mission_of(copied)) if r.organization == "company-a"]
    assert row.used == 3
    assert verify_home(copied.home).holds


def test_reruns_and_refused_submissions_are_counted(copied: Played, tmp_path: Path) -> None:
    reopened(copied)
    records.tamper(
        copied.home.database,
        "UPDATE missions SET document = replace(CAST(document AS TEXT), '\"submissions\": 20', "
        "'\"submissions\": 3')" + ("::json" if records.POSTGRES else ""),
    )
    version = made(copied, {"policy.onnx": b"no model"}, tmp_path / "model")
    for _ in range(2):
        assert evaluator_refuses(copied, submit(copied, version))
    with pytest.raises(SubmissionsSpent) as spent:
        submit(copied, version)
    assert "company-a" in str(spent.value)


def test_a_lineage_has_a_budget_whoever_submits(copied: Played, tmp_path: Path) -> None:
    reopened(copied)
    records.tamper(
        copied.home.database,
        "UPDATE missions SET document = replace(CAST(document AS TEXT), "
        "'\"submissions_per_lineage\": 20', '\"submissions_per_lineage\": 1')"
        + ("::json" if records.POSTGRES else ""),
    )
    with pytest.raises(SubmissionsSpent) as spent:  # company-a's own data was submitted in step 6
        submit(copied, made(copied, {"policy.onnx": policy()}, tmp_path / "model"))
    assert "lineage" in str(spent.value)


def evaluator_refuses(played: Played, submission: Submission) -> bool:
    return evaluator(played).work() == [(submission, None)]


def mission_of(played: Played) -> Mission:
    with played.home.database.read() as session:
        return missions.get(session, cast.MISSION)


def test_items_that_training_has_seen_are_left_out(copied: Played, tmp_path: Path) -> None:
    reopened(copied)
    sealed = copied.home.evaluator_path / f"{cast.MISSION}.sealed.json"
    items = json.loads(sealed.read_text())["feedback"]["items"]
    chosen = [index for index, item in enumerate(items) if item["task"] == "reach-v3"][:2]
    seen = [_start(items[index]) for index in chosen]
    version = made(copied, {"policy.onnx": policy()}, tmp_path / "model")
    with copied.home.database.read() as session:
        (root,) = lineage.roots_of(session, version.version_id)
    digest = attach(copied.home, root.version_id, canonical_bytes(seen))
    records.tamper(
        copied.home.database,
        f"UPDATE profiles SET fingerprints = '{digest}' WHERE version_id = '{root.version_id}'",
    )
    submission = submit(copied, version)
    evaluator(copied).work()
    detail = json.loads(
        (copied.home.evaluator_path / f"{submission.submission_id}.feedback.json").read_text()
    )
    assert detail["left_out_items"] == chosen
    assert detail["n"] == len(items) - len(chosen)


def _start(item: dict[str, Any]) -> str:
    from madang.packs.physical.episodes import fingerprint
    from madang.packs.physical.simulation import Simulation

    return fingerprint(item["task"], Simulation(item["task"]).reset(item["seed"]))


def test_the_training_data_of_the_demonstration_is_fingerprinted(played: Played) -> None:
    with played.home.database.read() as session:
        version = lineage.get(session, played.stage.notes["pool"])
        found = checking.fingerprints_below(played.home, session, version)
    assert len(found) == 10 * cast.EPISODES


def test_a_broken_guardrail_keeps_a_mission_from_being_reached() -> None:
    document = MissionDocument.model_validate(
        {
            "mission": {
                "name": "m", "title_en": "M", "title_ko": "M", "lead": "a", "evaluator": "b",
                "organizations": ["a"], "agreement": "x", "deadline": "2027-01-01",
            },
            "objective": {
                "metric": "m", "title_en": "M", "title_ko": "M", "target": 0.5, "baseline": 0, "n": 300,
            },
            "benchmark": {"scorer": "x/y"},
            "guardrail": [{"metric": "harm", "title_en": "H", "title_ko": "H", "at_most": 0.1}],
        }
    )  # fmt: skip

    def judged(harm: float) -> dict[str, Any]:
        results = (Result(item, "g", 1.0, {"harm": harm}) for item in range(300))
        told = judging.judge_until_decided(results, frozenset(), document, lambda _: None)
        return judging.findings(told, document)

    safe, harmful = judged(0.0), judged(0.5)
    assert safe["outcome"] == "reached"
    assert safe["guards"]["harm"]["holds"]
    assert harmful["outcome"] == "not-reached"
    assert harmful["lower"] >= 0.5
    assert not harmful["guards"]["harm"]["holds"]


def test_nobody_types_a_score(copied: Played, tmp_path: Path) -> None:
    reopened(copied)
    submission = submit(copied, made(copied, {"policy.onnx": policy()}, tmp_path / "model"))
    with copied.home.database.read() as session:
        genuine = service.feedback_of(session, copied.stage.notes["submission:pooled"])
    assert genuine is not None
    statement = {
        **genuine.statement,
        "submission": submission.submission_id,
        "version": submission.version_id,
    }
    for record in (service.record_feedback, service.record_score):
        for person in (copied.actor("company-a"), copied.actor(cast.JUDGE, "operator")):
            with pytest.raises(NotPermitted), copied.home.database.write() as session:
                record(session, person, submission, statement, b"\0" * 64)
        judge = copied.actor(cast.JUDGE, "evaluator")
        with pytest.raises(ForgedScore), copied.home.database.write() as session:
            record(session, judge, submission, statement, b"\0" * 64)
        signature = base64.b64decode(genuine.signature)
        with pytest.raises(ForgedScore), copied.home.database.write() as session:
            record(session, judge, submission, genuine.statement, signature)


def test_the_seal_holds(copied: Played, tmp_path: Path) -> None:
    reopened(copied)
    judge = evaluator(copied)
    with pytest.raises(AlreadySealed):
        judge.seal(cast.MISSION)
    with pytest.raises(NotPermitted):
        Evaluator(copied.home, copied.actor(cast.LEAD)).seal(cast.MISSION)
    submission = submit(copied, made(copied, {"policy.onnx": policy()}, tmp_path / "model"))
    sealed = copied.home.evaluator_path / f"{cast.MISSION}.sealed.json"
    content = sealed.read_text()
    sealed.write_text(content.replace('"seed":', '"seed":1', 1))
    with pytest.raises(SealBroken):
        judge.feedback(submission)
    sealed.unlink()
    with pytest.raises(EvaluatorNotSetUp):
        judge.feedback(submission)


def test_what_cannot_be_submitted(copied: Played) -> None:
    with pytest.raises(NotAModel), copied.home.database.write() as session:
        service.submit(
            session, copied.actor("company-b"), cast.MISSION, copied.stage.notes["deposit:company-b"]
        )
    with pytest.raises(NotPermitted), copied.home.database.write() as session:
        service.submit(session, copied.actor("company-b"), cast.MISSION, f"{cast.LEAD}/policy@1")
