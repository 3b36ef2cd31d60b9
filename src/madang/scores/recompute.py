"""Repeating a published score: the opened benchmark, the model, and the evaluator's statement."""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from madang.assets import checking, lineage
from madang.assets.content import blobs
from madang.assets.model import Version
from madang.kernel.authorizer import Principal
from madang.kernel.canonical import canonical_bytes, canonical_digest, parse_json
from madang.kernel.errors import SignatureInvalid
from madang.kernel.home import Home
from madang.kernel.i18n import Message
from madang.kernel.ledger.note import Verifier
from madang.missions import service as missions
from madang.missions.model import Mission
from madang.scores import judging, opening, scorers, service
from madang.scores.errors import NotRepeatable, ScoreDiffers, SealBroken
from madang.scores.inference import running_model
from madang.scores.model import Benchmark, Score
from madang.scores.vault import FINAL, HALVES


@dataclass(frozen=True)
class Repeated:
    """A score judged anew, the same as the one on record."""

    n: int
    value: float
    lower: float
    upper: float
    outcome: str


def check_opened(opened: Mapping[str, Any], benchmark: Benchmark) -> None:
    """The opened content is what was committed to before anybody submitted; else SealBroken."""
    for half in HALVES:
        if canonical_digest(opened.get(half)) != benchmark.commitment_of(half):
            raise SealBroken(mission=benchmark.mission)


def repeat(
    home: Home, actor: Principal, submission_id: str, progress: judging.Progress = lambda _: None
) -> Repeated:
    """Judge a scored submission anew, for an actor who may take its model home."""
    with home.database.read() as session:
        submission, score = service.see(session, actor, submission_id)
        mission = missions.get(session, submission.mission)
        content = opening.published(session, actor, submission.mission)
        benchmark = service.benchmark_of(session, submission.mission)
        version = lineage.see(session, actor, submission.version_id)
        lineage.authorize_use(session, actor, "download", version)
        trained_on = checking.fingerprints_below(home, session, version)
    if score is None:
        raise NotRepeatable(reason=Message("scores.no-final-score", submission=submission_id))
    opened = parse_json(blobs.read(home, content))
    return recompute(home, mission, benchmark, opened, score, version, trained_on, progress)


def recompute(
    home: Home,
    mission: Mission,
    benchmark: Benchmark,
    opened: Mapping[str, Any],
    score: Score,
    version: Version,
    trained_on: Collection[str],
    progress: judging.Progress = lambda _: None,
) -> Repeated:
    """Judge the model anew on the opened items; ScoreDiffers where anything in the statement is not the same.

    trained_on: fingerprints of the training data, which say what was rightly left out (the evaluator's own
    list is not believed).

    Raises SealBroken, SignatureInvalid, NotRepeatable where this machine has another version of the scorer.
    """
    check_opened(opened, benchmark)
    statement = dict(score.statement)
    if not Verifier.parse(benchmark.evaluator_key).holds(canonical_bytes(statement), _signature(score)):
        raise SignatureInvalid(reason=Message("ledger.not-signed-by", key=benchmark.evaluator_key))
    scorer = scorers.of_mission(mission)
    if scorer.digest() != benchmark.scorer_digest:
        reason = Message("scores.other-scorer", sealed=benchmark.scorer_digest, here=scorer.digest())
        raise NotRepeatable(reason=reason)
    with running_model(home, version, scorers.signature_of(mission), home.runs_path) as predict:
        items = opened[FINAL]["items"]
        results = scorer.judge(mission.document.benchmark.parameters, items, predict)
        judged = judging.judge_until_decided(results, trained_on, mission.document, progress)
    found = judging.findings(judged, mission.document)
    differing = sorted(key for key, value in found.items() if statement.get(key) != value)
    if differing:
        key = differing[0]
        raise ScoreDiffers(key=key, recorded=statement.get(key), found=found[key])
    return Repeated(found["n"], found["value"], found["lower"], found["upper"], found["outcome"])


def _signature(score: Score) -> bytes:
    return base64.b64decode(score.signature)
