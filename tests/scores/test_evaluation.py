"""The evaluator: what it refuses to score, and who may not score."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from madang.assets import ingest, lineage
from madang.assets import service as assets
from madang.assets.model import Version
from madang.assets.store import open_store
from madang.interfaces.demo import cast
from madang.kernel.errors import NotPermitted
from madang.missions import service as missions
from madang.packs.physical.policy import FEATURES, to_onnx
from madang.programme.verification import verify_home
from madang.scores import service
from madang.scores.errors import (
    AlreadySealed,
    AlreadySubmitted,
    EvaluatorNotSetUp,
    ForgedScore,
    NotAModel,
    SealBroken,
)
from madang.scores.evaluator import Evaluator
from madang.scores.model import Submission
from tests.conftest import Played


def policy(features: int = FEATURES, actions: int = 4, value: float = 0.0) -> bytes:
    weight = np.full((actions, features), 0.0)
    return to_onnx([(weight, np.full(actions, value))], np.zeros(features), np.ones(features), actions // 4)


def made(played: Played, files: dict[str, bytes], folder: Path) -> Version:
    """A model version of company-a whose content is ours, as if a run had left it."""
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    manifest, blob = ingest.store_folder(open_store(played.home), folder)
    actor = played.actor("company-a")
    with played.home.database.write() as session:
        parent = lineage.get(session, played.stage.notes["deposit:company-a"])
        new = assets.NewVersion(
            "company-a", "made", "model", cast.MISSION, "accepted", parents=[parent.version_id]
        )
        version = assets.insert(session, new, manifest, blob)
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
    submission = submit(copied, made(copied, files, tmp_path / "model"))
    assert evaluator(copied).work() == [(submission, None)]
    with copied.home.database.read() as session:
        told = service.get_submission(session, submission.submission_id)
        assert service.score_of(session, submission.submission_id) is None
    assert told.state == "refused"
    assert words in told.problem
    assert verify_home(copied.home).holds


def test_a_policy_that_does_nothing_scores_near_zero_and_is_stopped_early(
    copied: Played, tmp_path: Path
) -> None:
    submission = submit(copied, made(copied, {"policy.onnx": policy()}, tmp_path / "model"))
    ((_, score),) = evaluator(copied).work()
    assert score is not None
    assert score.value < 0.3
    assert score.outcome == "not-reached"
    assert score.n < 60
    with pytest.raises(AlreadySubmitted):
        submit(copied, lineage_of(copied, submission))


def lineage_of(played: Played, submission: Submission) -> Version:
    with played.home.database.read() as session:
        return lineage.get(session, submission.version_id)


def test_the_same_model_gets_the_same_score_again(played: Played) -> None:
    with played.home.database.read() as session:
        submission = service.get_submission(session, played.stage.notes["submission:alone"])
        before = service.score_of(session, submission.submission_id)
        mission = missions.get(session, cast.MISSION)
        benchmark = service.benchmark_of(session, cast.MISSION)
        version = lineage.get(session, submission.version_id)
    assert before is not None
    judge = evaluator(played)
    from madang.assets.store import place_all
    from madang.scores.inference import ConfinedModel

    folder = played.home.path / "runs" / "again"
    manifest = assets.manifest_of(played.home, version)
    place_all(open_store(played.home), manifest, folder, link=False)
    scorer = judge._scorer(mission)
    with ConfinedModel(played.home, folder / "policy.onnx", scorer) as predict:
        results = scorer.judge(mission.document.benchmark.parameters, judge._open(benchmark), predict)
        judged = judge._run(mission, submission, results, None)
    shutil.rmtree(folder)
    assert judge._statement(mission, submission, benchmark, version.manifest, judged) == dict(
        before.statement
    )


def test_nobody_types_a_score(copied: Played, tmp_path: Path) -> None:
    submission = submit(copied, made(copied, {"policy.onnx": policy()}, tmp_path / "model"))
    with copied.home.database.read() as session:
        genuine = service.score_of(session, copied.stage.notes["submission:pooled"])
    assert genuine is not None
    statement = {
        **genuine.statement,
        "submission": submission.submission_id,
        "version": submission.version_id,
    }
    for person in (copied.actor("company-a"), copied.actor(cast.JUDGE, "operator")):
        with pytest.raises(NotPermitted), copied.home.database.write() as session:
            service.record_score(session, person, submission, statement, b"\0" * 64)
    judge = copied.actor(cast.JUDGE, "evaluator")
    with pytest.raises(ForgedScore), copied.home.database.write() as session:
        service.record_score(session, judge, submission, statement, b"\0" * 64)
    signature = __import__("base64").b64decode(genuine.signature)
    with pytest.raises(ForgedScore), copied.home.database.write() as session:
        service.record_score(session, judge, submission, genuine.statement, signature)


def test_the_seal_holds(copied: Played, tmp_path: Path) -> None:
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
        judge.evaluate(submission)
    sealed.unlink()
    with pytest.raises(EvaluatorNotSetUp):
        judge.evaluate(submission)


def test_what_cannot_be_submitted(copied: Played) -> None:
    with pytest.raises(NotAModel), copied.home.database.write() as session:
        service.submit(
            session, copied.actor("company-b"), cast.MISSION, copied.stage.notes["deposit:company-b"]
        )
    with pytest.raises(NotPermitted), copied.home.database.write() as session:
        service.submit(session, copied.actor("company-b"), cast.MISSION, f"{cast.LEAD}/policy@1")
