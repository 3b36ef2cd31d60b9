"""The evaluator: a process of its own, with its own folder, key and token.

It alone opens the sealed content, which never enters the home's database or content store. The model
under test runs in a confined process that gets observations and nothing else.
"""

from __future__ import annotations

import json
import math
import secrets
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from madang.assets import lineage
from madang.assets import service as assets
from madang.assets.errors import ContentMissing
from madang.assets.store import open_store, place_all
from madang.kernel import clock, extension
from madang.kernel.authorizer import Principal, Request, authorize
from madang.kernel.canonical import canonical_bytes, canonical_digest
from madang.kernel.errors import MadangError, UserError
from madang.kernel.home import Home, sync_folder, write_durably
from madang.kernel.i18n import Message
from madang.kernel.ledger.note import Signer
from madang.missions import service as missions
from madang.missions.model import Mission
from madang.scores import service
from madang.scores.errors import AlreadySealed, EvaluatorNotSetUp, NotSealed, PredictionFailed, SealBroken
from madang.scores.inference import ConfinedModel
from madang.scores.model import Benchmark, Score, Submission
from madang.scores.scorers import Item, Result, Scorer
from madang.scores.statistics import ConfidenceSequence, Interval

Progress = Callable[[Submission, Interval, int], None]


class Evaluator:
    """The evaluator's side of a home; `actor` holds its token."""

    def __init__(self, home: Home, actor: Principal) -> None:
        self._home = home
        self._actor = actor
        self._folder = home.evaluator_path

    def seal(self, name: str) -> Benchmark:
        """Draw a mission's benchmark, keep it, and put a salted commitment to it on record."""
        with self._home.database.read() as session:
            mission = missions.get(session, name)
            owner = {"owner": mission.header.evaluator}
            authorize(session, Request(self._actor, "benchmark.seal", "Mission", name, owner))
        self._folder.mkdir(mode=0o700, exist_ok=True)
        signer = self._signer(create=True)
        scorer = self._scorer(mission)
        objective, parameters = mission.objective, mission.document.benchmark.parameters
        drawn = scorer.draw(parameters, objective.n, secrets.SystemRandom())
        content: dict[str, Any] = {"items": drawn, "mission": name, "salt": secrets.token_hex(32)}
        if self._on_record(name):
            raise AlreadySealed(mission=name)
        content = self._keep(name, content)
        benchmark = Benchmark(
            name,
            mission.document.benchmark.scorer,
            scorer.digest(),
            len(content["items"]),
            canonical_digest(content),
            str(signer.verifier),
            clock.to_text(clock.now()),
        )
        with self._home.database.write() as session:
            service.record_benchmark(session, self._actor, mission, benchmark)
        return benchmark

    def _keep(self, name: str, content: dict[str, Any]) -> dict[str, Any]:
        """Keep a draw, or the one that an earlier, interrupted or simultaneous sealing kept first."""
        draft = self._folder / f".{name}.{secrets.token_hex(6)}"
        write_durably(draft, canonical_bytes(content), 0o600)
        try:
            self._sealed_path(name).hardlink_to(draft)  # fails where there is one: the first draw counts
        except FileExistsError:
            pass
        finally:
            draft.unlink()
        sync_folder(self._folder)
        kept: dict[str, Any] = json.loads(self._sealed_path(name).read_bytes())
        return kept

    def _on_record(self, name: str) -> bool:
        with self._home.database.read() as session:
            try:
                service.benchmark_of(session, name)
            except NotSealed:
                return False
        return True

    def work(self, progress: Progress | None = None) -> list[tuple[Submission, Score | None]]:
        """Evaluate every waiting submission; one that cannot be evaluated is refused with its reason."""
        done: list[tuple[Submission, Score | None]] = []
        with self._home.database.read() as session:
            owner = {"owner": self._actor.organization}
            authorize(session, Request(self._actor, "score.record", "Home", "home", owner))
        with self._home.database.read() as session:
            queue = [
                submission
                for submission in service.waiting(session)
                if missions.get(session, submission.mission).header.evaluator == self._actor.organization
            ]
        for submission in queue:
            try:
                score = self.evaluate(submission, progress)
            except (UserError, ContentMissing) as error:
                # The submission's own fault, or a right that ended: it is answered, and the next one judged.
                self._refuse(submission, error)
                done.append((submission, None))
            else:
                done.append((submission, score))
        return done

    def _refuse(self, submission: Submission, error: MadangError) -> None:
        reason = error.facts.get("reason", error.in_language("en").what)
        with self._home.database.write() as session:
            service.refuse(session, self._actor, submission, str(reason))

    def evaluate(self, submission: Submission, progress: Progress | None = None) -> Score:
        """Score one submission, stopping once the confidence sequence has decided."""
        with self._home.database.read() as session:
            mission = missions.get(session, submission.mission)
            owner = {"owner": mission.header.evaluator}
            request = Request(self._actor, "score.record", "Submission", submission.submission_id, owner)
            authorize(session, request)
            version = lineage.get(session, submission.version_id)
            lineage.authorize_use(session, self._actor, "evaluate", version)
            benchmark = service.benchmark_of(session, submission.mission)
        items = self._open(benchmark)
        scorer = self._scorer(mission)
        manifest = assets.manifest_of(self._home, version)
        models = [file for file in manifest.files if file.path.endswith(".onnx")]
        if len(models) != 1:
            raise PredictionFailed(reason=Message("scores.one-onnx", found=len(models)))
        with tempfile.TemporaryDirectory(prefix="model-", dir=self._folder) as name:
            place_all(open_store(self._home), manifest, Path(name), link=False)
            with ConfinedModel(self._home, Path(name) / models[0].path, scorer) as predict:
                results = scorer.judge(mission.document.benchmark.parameters, items, predict)
                judged = self._run(mission, submission, results, progress)
        statement = self._statement(mission, submission, benchmark, version.manifest, judged)
        signature = self._signer().sign(canonical_bytes(statement))
        with self._home.database.write() as session:
            return service.record_score(session, self._actor, submission, statement, signature)

    def _run(
        self, mission: Mission, submission: Submission, results: Any, progress: Progress | None
    ) -> list[Result]:
        sequence = ConfidenceSequence(mission.objective.confidence)
        target = mission.objective.target
        judged: list[Result] = []
        for result in results:
            judged.append(result)
            interval = sequence.add(result.value)
            if progress:
                progress(submission, interval, mission.objective.n)
            if interval.lower >= target or interval.upper < target:
                break
        return judged

    def _statement(
        self,
        mission: Mission,
        submission: Submission,
        benchmark: Benchmark,
        manifest: str,
        judged: Sequence[Result],
    ) -> dict[str, Any]:
        objective = mission.objective
        sequence = ConfidenceSequence(objective.confidence)
        groups: dict[str, list[float]] = {}
        for result in judged:
            sequence.add(result.value)
            groups.setdefault(result.group, []).append(result.value)
        interval = sequence.interval
        lower = math.floor(interval.lower * 1e6) / 1e6
        upper = math.ceil(interval.upper * 1e6) / 1e6
        return {
            "benchmark": benchmark.commitment,
            "confidence": objective.confidence,
            "groups": {name: [sum(v), len(v)] for name, v in sorted(groups.items())},
            "lower": lower,
            "manifest": manifest,
            "mission": mission.name,
            "n": interval.n,
            "n_sealed": benchmark.n,
            "outcome": "reached" if lower >= objective.target else "not-reached",
            "scorer": benchmark.scorer_digest,
            "submission": submission.submission_id,
            "target": objective.target,
            "upper": upper,
            "value": round(interval.mean, 6),
            "version": submission.version_id,
        }

    def _scorer(self, mission: Mission) -> Scorer:
        scorer: Scorer = extension.pack_part("scorers", mission.document.benchmark.scorer)
        return scorer

    def _sealed_path(self, mission: str) -> Path:
        return self._folder / f"{mission}.sealed.json"

    def _signer(self, *, create: bool = False) -> Signer:
        path = self._folder / "evaluator.key"
        name = f"{self._actor.organization}/evaluator"
        if not path.exists():
            if not create:
                raise EvaluatorNotSetUp(folder=str(self._folder))
            signer = Signer.new(name)
            write_durably(path, signer.to_bytes(), 0o600)
            return signer
        return Signer.from_bytes(name, path.read_bytes())

    def _open(self, benchmark: Benchmark) -> list[Item]:
        path = self._sealed_path(benchmark.mission)
        if not path.exists():
            raise EvaluatorNotSetUp(folder=str(self._folder))
        content: Mapping[str, Any] = json.loads(path.read_bytes())
        if canonical_digest(content) != benchmark.commitment:
            raise SealBroken(mission=benchmark.mission)
        return list(content["items"])
