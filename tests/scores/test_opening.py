"""The final half: opened by two people, once; published; and every score repeatable by others."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path

import pytest

from madang.assets import lineage
from madang.assets.content import blobs
from madang.interfaces.demo import cast
from madang.kernel.authorizer import OUTSIDER
from madang.kernel.canonical import canonical_bytes, canonical_digest
from madang.kernel.errors import NotPermitted
from madang.missions import service as missions
from madang.scores import opening, recompute, service
from madang.scores.errors import (
    AlreadyOpened,
    BenchmarkOpened,
    NothingToOpen,
    NotOpened,
    NotRepeatable,
    SamePerson,
    ScoreDiffers,
    SealBroken,
    StillWaiting,
)
from madang.scores.evaluator import Evaluator
from tests import records
from tests.conftest import Played
from tests.reopening import reopened
from tests.scores.test_evaluation import evaluator, made, policy, submit


def test_the_demonstration_opened_with_two_people_and_published_what_was_committed_to(played: Played) -> None:
    with played.home.database.read() as session:
        told = opening.of(session, cast.MISSION)
        benchmark = service.benchmark_of(session, cast.MISSION)
        digest = opening.published(session, OUTSIDER, cast.MISSION)  # the mission is public
    assert told is not None
    assert (told.asked_for, told.confirmed_for) == (cast.MINISTRY, cast.JUDGE)
    opened = json.loads(blobs.read(played.home, digest))
    for half in ("feedback", "final"):
        assert canonical_digest(opened[half]) == benchmark.commitment_of(half)
        assert len(opened[half]["salt"]) == 64
    assert set(opened["final_results"]) == {
        played.stage.notes["submission:alone"], played.stage.notes["submission:pooled"],
    }  # fmt: skip
    with pytest.raises(BenchmarkOpened), played.home.database.write() as session:
        service.submit(session, played.actor(cast.LEAD), cast.MISSION, f"{cast.LEAD}/policy@1")


def test_one_person_or_one_organization_opens_nothing(copied: Played) -> None:
    reopened(copied)
    officer = copied.actor(cast.MINISTRY, "officer")
    judge = copied.actor(cast.JUDGE, "evaluator")
    for person in (copied.actor(cast.LEAD), copied.actor("company-a"), copied.actor(cast.JUDGE, "operator")):
        with pytest.raises(NotPermitted), copied.home.database.write() as session:
            opening.approve(session, person, cast.MISSION)
    with pytest.raises(NotOpened):
        submission = copied.stage.notes["submission:pooled"]
        with copied.home.database.read() as session:
            found = service.get_submission(session, submission)
        Evaluator(copied.home, judge).final(found)
    with copied.home.database.write() as session:
        assert opening.approve(session, judge, cast.MISSION).confirmed_by is None
    with pytest.raises(SamePerson), copied.home.database.write() as session:
        opening.approve(session, judge, cast.MISSION)
    assert Evaluator(copied.home, judge).work() == []
    with copied.home.database.write() as session:
        assert opening.approve(session, officer, cast.MISSION).confirmed_by == officer.member
    with pytest.raises(AlreadyOpened), copied.home.database.write() as session:
        opening.approve(session, officer, cast.MISSION)


def test_it_waits_for_every_submission_to_be_judged(copied: Played, tmp_path: Path) -> None:
    reopened(copied)
    submit(copied, made(copied, {"policy.onnx": policy()}, tmp_path / "model"))
    with pytest.raises(StillWaiting), copied.home.database.write() as session:
        opening.approve(session, copied.actor(cast.MINISTRY, "officer"), cast.MISSION)
    evaluator(copied).work()
    with copied.home.database.write() as session:
        opening.approve(session, copied.actor(cast.MINISTRY, "officer"), cast.MISSION)


def test_with_nothing_on_the_board_it_stays_sealed(copied: Played) -> None:
    reopened(copied)
    records.tamper(copied.home.database, "DELETE FROM feedback")
    with pytest.raises(NothingToOpen), copied.home.database.write() as session:
        opening.approve(session, copied.actor(cast.MINISTRY, "officer"), cast.MISSION)


def test_a_score_is_repeated_and_a_changed_one_is_found(played: Played) -> None:
    submission = played.stage.notes["submission:alone"]
    actor = played.actor("company-a")
    told = recompute.repeat(played.home, actor, submission)
    with played.home.database.read() as session:
        found, score = service.see(session, actor, submission)
        mission = missions.get(session, cast.MISSION)
        benchmark = service.benchmark_of(session, cast.MISSION)
        content = opening.published(session, actor, cast.MISSION)
        version = lineage.get(session, found.version_id)
    assert score is not None
    assert (told.value, told.n) == (score.value, score.n)
    opened = json.loads(blobs.read(played.home, content))
    other = json.loads(json.dumps(opened))
    other["final"]["items"][0]["seed"] += 1
    with pytest.raises(SealBroken):
        recompute.recompute(played.home, mission, benchmark, other, score, version, frozenset())
    # The evaluator strikes out every item that failed: nobody believes its list.
    detail = opened["final_results"][submission]
    kept = [row for row in detail["results"] if row[2] == 1.0]
    struck = {**opened, "final_results": {submission: {**detail, "left_out_items": list(range(400))}}}
    flattering = {**score.statement, "n": len(kept), "left_out": 400 - len(kept), "value": 1.0}
    signer = evaluator(played)._vault.signer()
    signature = base64.b64encode(signer.sign(canonical_bytes(flattering))).decode()
    with pytest.raises(ScoreDiffers):
        claimed = replace(score, statement=flattering, signature=signature)
        recompute.recompute(played.home, mission, benchmark, struck, claimed, version, frozenset())
    # The evaluator itself signs another value: whoever repeats the score finds it.
    judge = evaluator(played)
    lie = {**score.statement, "value": 0.9, "lower": 0.85}
    signed = base64.b64encode(judge._vault.signer().sign(canonical_bytes(lie))).decode()
    false = replace(score, statement=lie, signature=signed)
    with pytest.raises(ScoreDiffers) as differs:
        recompute.recompute(played.home, mission, benchmark, opened, false, version, frozenset())
    assert differs.value.exit_code == 4
    elsewhere = replace(benchmark, scorer_digest="sha256:other")
    with pytest.raises(NotRepeatable):
        recompute.recompute(played.home, mission, elsewhere, opened, score, version, frozenset())
