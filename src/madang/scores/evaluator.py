"""The evaluator: a process of its own, with its own folder (:mod:`madang.scores.vault`), key and token.

It alone opens the sealed content, which never enters the home's database or content store before it is
opened. The model under test runs in a confined process that gets observations and nothing else.

    seal      draw two halves, keep them, put commitments on record
    feedback  judge a submission on the feedback half; the Ladder says what the board shows
    final     once two people have opened it, judge what the boards show on the final half, and publish all
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from madang.assets import checking, lineage
from madang.assets.content import blobs
from madang.assets.errors import NotAccepted
from madang.assets.model import Version
from madang.kernel import clock
from madang.kernel.authorizer import Principal, Request, authorize
from madang.kernel.canonical import canonical_bytes, canonical_digest
from madang.kernel.database import Session
from madang.kernel.errors import NotPermitted
from madang.kernel.home import Home
from madang.kernel.i18n import Message
from madang.missions import service as missions
from madang.missions.model import Mission
from madang.scores import judging, opening, scorers, service
from madang.scores.errors import AlreadySealed, NotSealed, PredictionFailed, UnknownGuardrail
from madang.scores.inference import running_model
from madang.scores.judging import Judged
from madang.scores.ladder import Ladder
from madang.scores.model import Benchmark, Feedback, Score, Submission
from madang.scores.scorers import Item, Result, Scorer
from madang.scores.statistics import Interval
from madang.scores.vault import FEEDBACK, FINAL, HALVES, Vault

Progress = Callable[[Submission, Interval, int], None]
Answer = Feedback | Score | None
OPENED_FORMAT = "madang-opened-benchmark/1"


@dataclass(frozen=True)
class _Ready:
    """What a judgement of one submission on one half needs."""

    mission: Mission
    version: Version
    benchmark: Benchmark
    items: Sequence[Item]
    results: Iterator[Result]
    trained_on: frozenset[str]

    def about(self, submission: Submission, half: str) -> dict[str, Any]:
        """The part of a statement that says what was judged by what."""
        return {
            "benchmark": self.benchmark.commitment_of(half),
            "half": half,
            "manifest": self.version.manifest,
            "mission": self.mission.name,
            "n_sealed": len(self.items),
            "scorer": self.benchmark.scorer_digest,
            "submission": submission.submission_id,
            "version": submission.version_id,
        }


class Evaluator:
    """The evaluator's side of a home; `actor` holds its token."""

    def __init__(self, home: Home, actor: Principal) -> None:
        self._home = home
        self._actor = actor
        self._vault = Vault(home.evaluator_path, actor.organization)

    def seal(self, name: str) -> Benchmark:
        """Draw a mission's benchmark, keep it, and put salted commitments to its halves on record."""
        with self._home.database.read() as session:
            mission = missions.get(session, name)
            owner = {"owner": mission.header.evaluator}
            authorize(session, Request(self._actor, "benchmark.seal", "Mission", name, owner))
        scorer = scorers.of_mission(mission)
        _require_guards(scorer, mission)
        if self._on_record(name):
            raise AlreadySealed(mission=name)
        signer = self._vault.make()
        sealed = self._vault.keep_sealed(name, self._draw(scorer, mission))
        feedback, final = sealed[FEEDBACK], sealed[FINAL]
        benchmark = Benchmark(
            mission=name,
            scorer=mission.document.benchmark.scorer,
            scorer_digest=scorer.digest(),
            n=len(final["items"]),
            commitment=canonical_digest(final),
            evaluator_key=str(signer.verifier),
            sealed_at=clock.to_text(clock.now()),
            feedback_n=len(feedback["items"]),
            feedback_commitment=canonical_digest(feedback),
        )
        with self._home.database.write() as session:
            service.record_benchmark(session, self._actor, mission, benchmark)
        return benchmark

    def _draw(self, scorer: Scorer, mission: Mission) -> dict[str, Any]:
        """Both halves in one draw, so that a scorer with a finite supply gives no item to both."""
        objective, parameters = mission.objective, mission.document.benchmark.parameters
        wanted = objective.feedback_n + objective.n
        drawn = scorer.draw(parameters, wanted, secrets.SystemRandom(), self._vault.material)
        cut = {FEEDBACK: drawn[: objective.feedback_n], FINAL: drawn[objective.feedback_n :]}
        return {
            half: {"half": half, "items": items, "mission": mission.name, "salt": secrets.token_hex(32)}
            for half, items in cut.items()
        }

    def _on_record(self, name: str) -> bool:
        with self._home.database.read() as session, contextlib.suppress(NotSealed):
            service.benchmark_of(session, name)
            return True
        return False

    def work(self, progress: Progress | None = None) -> list[tuple[Submission, Answer]]:
        """Judge every waiting submission, then the finals that two people have opened.

        What cannot be evaluated is refused with its reason (None), and the next one judged. A fault of this
        side (a pack that is not installed, a store that lost bytes) stops the work and costs nobody a try.
        Raises EvaluatorWorking where another process works with this folder.
        """
        with self._vault.locked():
            return self._work(progress)

    def _work(self, progress: Progress | None) -> list[tuple[Submission, Answer]]:
        with self._home.database.read() as session:
            owner = {"owner": self._actor.organization}
            authorize(session, Request(self._actor, "score.record", "Home", "home", owner))
            queue = [one for one in service.waiting(session) if self._mine(session, one.mission)]
        done = [(one, self._answer(self.feedback, "waiting", one, progress)) for one in queue]
        with self._home.database.read() as session:
            opened = [name for name in opening.confirmed(session) if self._mine(session, name)]
        for name in opened:
            finalists = self._finalists(name)
            done += [(one, self._answer(self.final, "judged", one, progress)) for one in finalists]
            self._publish(name)
        return done

    def _mine(self, session: Session, mission: str) -> bool:
        return missions.get(session, mission).header.evaluator == self._actor.organization

    def _answer(
        self,
        judge: Callable[[Submission, Progress | None], Answer],
        state: str,
        submission: Submission,
        progress: Progress | None,
    ) -> Answer:
        try:
            return judge(submission, progress)
        except (PredictionFailed, NotPermitted, NotAccepted) as error:
            # The submission's own fault, or a right that ended: it is answered, and the next one judged.
            reason = error.facts.get("reason", error.in_language("en").what)
        with self._home.database.write() as session:
            service.refuse(session, self._actor, submission, state, str(reason))
        return None

    def feedback(self, submission: Submission, progress: Progress | None = None) -> Feedback:
        """Judge a submission on the whole feedback half; only what the Ladder releases leaves the vault."""
        with self._prepared(submission, FEEDBACK) as ready:
            told = _teller(submission, progress, ready.items)
            judged = judging.judge_all(ready.results, ready.trained_on, told)
        _require_items(judged)
        with self._home.database.read() as session:
            best = service.shown(session, submission.mission, submission.organization)
        ladder = Ladder(ready.mission.document.benchmark.submissions)
        released = best is None or self._better(ladder, judged, best[1])
        detail = {**judging.published(judged, ready.mission.document), "salt": secrets.token_hex(16)}
        statement = {
            **ready.about(submission, FEEDBACK),
            "released": released,
            "sealed": self._vault.keep_detail(submission.submission_id, FEEDBACK, detail),
            **_shown(ladder, judged, best[1] if best and not released else None),
        }
        signature = self._vault.signer().sign(canonical_bytes(statement))
        with self._home.database.write() as session:
            return service.record_feedback(session, self._actor, submission, statement, signature)

    def _better(self, ladder: Ladder, judged: Judged, best: Feedback) -> bool:
        """Compare with the best so far, over the items that count for both."""
        before = judging.values_of(self._vault.detail(best))
        common = [(result.value, before[result.item]) for result in judged.results if result.item in before]
        return bool(common) and ladder.better([new for new, _ in common], [old for _, old in common])

    def final(self, submission: Submission, progress: Progress | None = None) -> Score:
        """Score a submission on the final half, stopping once confidence sequences have decided."""
        with self._home.database.read() as session:
            opening.require_confirmed(session, submission.mission)
        with self._prepared(submission, FINAL) as ready:
            told = _teller(submission, progress, ready.items)
            document = ready.mission.document
            judged = judging.judge_until_decided(ready.results, ready.trained_on, document, told)
        _require_items(judged)
        detail = judging.published(judged, document)
        self._vault.keep_detail(submission.submission_id, FINAL, detail)
        statement = {**ready.about(submission, FINAL), **judging.findings(judged, document)}
        signature = self._vault.signer().sign(canonical_bytes(statement))
        with self._home.database.write() as session:
            return service.record_score(session, self._actor, submission, statement, signature)

    def _finalists(self, name: str) -> list[Submission]:
        with self._home.database.read() as session:
            chosen = [service.get_submission(session, one) for one, _ in opening.finalists(session, name)]
        return [submission for submission in chosen if submission.state == "judged"]

    def _publish(self, name: str) -> None:
        """Everything that was sealed, the salts and each item's judgement, for whoever repeats a score."""
        with self._home.database.read() as session:
            judged = [submission.submission_id for submission, _ in service.of_mission(session, name)]
        content: dict[str, Any] = {"format": OPENED_FORMAT, "mission": name}
        for half in HALVES:
            details = {one: self._vault.detail_of(one, half) for one in judged}
            content[half] = self._vault.half(name, half)
            content[f"{half}_results"] = {one: told for one, told in details.items() if told is not None}
        kept = blobs.put(self._home, canonical_bytes(content))
        with self._home.database.write() as session:
            opening.publish(session, self._actor, name, kept)

    @contextmanager
    def _prepared(self, submission: Submission, half: str) -> Iterator[_Ready]:
        """Everything a judgement needs, with the model running in its own confined process."""
        with self._home.database.read() as session:
            mission = missions.get(session, submission.mission)
            owner = {"owner": mission.header.evaluator}
            request = Request(self._actor, "score.record", "Submission", submission.submission_id, owner)
            authorize(session, request)
            version = lineage.get(session, submission.version_id)
            lineage.authorize_use(session, self._actor, "evaluate", version)
            benchmark = service.benchmark_of(session, submission.mission)
            trained_on = checking.fingerprints_below(self._home, session, version)
        items = self._vault.items(benchmark, half)
        scorer = scorers.of_mission(mission)
        with running_model(self._home, version, scorers.signature_of(mission), self._vault.folder) as predict:
            results = scorer.judge(mission.document.benchmark.parameters, items, predict)
            yield _Ready(mission, version, benchmark, items, results, trained_on)


def _require_guards(scorer: Scorer, mission: Mission) -> None:
    for rail in mission.document.guardrail:
        if rail.metric not in scorer.guards:
            name, known = mission.document.benchmark.scorer, ", ".join(scorer.guards) or "(none)"
            raise UnknownGuardrail(metric=rail.metric, scorer=name, known=known)


def _require_items(judged: Judged) -> None:
    if not judged.results:
        raise PredictionFailed(reason=Message("scores.all-left-out", n=len(judged.left_out)))


def _shown(ladder: Ladder, judged: Judged, kept: Feedback | None) -> Mapping[str, Any]:
    """What the board shows: this submission's value, or still the earlier one's."""
    if kept is not None:
        return {"n": kept.n, "shown": {"value": kept.value, "lower": kept.lower, "upper": kept.upper}}
    interval = ladder.shown(judged.values)
    bounds = judging.outwards(interval)
    return {"n": interval.n, "shown": bounds}


def _teller(submission: Submission, progress: Progress | None, items: Sequence[Item]) -> judging.Progress:
    def tell(interval: Interval) -> None:
        if progress:
            progress(submission, interval, len(items))

    return tell
