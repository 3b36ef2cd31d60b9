"""How far a mission is: the counts of its flow, its objective, its award, and what needs attention."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from madang.agreements import obligations
from madang.agreements import service as agreements
from madang.agreements.model import Agreement, Obligation
from madang.allocations import service as allocations
from madang.allocations.model import Award, AwardBalance
from madang.assets import lineage
from madang.assets import service as assets
from madang.assets.model import Version
from madang.kernel import clock
from madang.kernel.authorizer import Principal
from madang.kernel.database import Session
from madang.kernel.i18n import Message
from madang.missions import service as missions
from madang.missions.model import Mission
from madang.programme import errors  # noqa: F401  (registers this folder's messages)
from madang.runs import service as runs
from madang.runs.model import Run
from madang.scores import opening
from madang.scores import service as scores
from madang.scores.model import Opening, Score, Standing, Submission
from madang.scores.statistics import items_needed

ENDING_SOON = timedelta(days=30)


@dataclass(frozen=True)
class Scored:
    """A scored submission with its version."""

    submission: Submission
    score: Score
    version: Version


@dataclass(frozen=True)
class Headline:
    """The one figure of a mission: of the final half once it is scored, of the board before."""

    version: Version
    value: float
    lower: float
    upper: float
    n: int
    half: str


@dataclass(frozen=True)
class Notice:
    """Something that needs attention (or is well): severity bad | warn | good, texts, where to look."""

    severity: str
    title: Message
    detail: Message
    link: str


@dataclass(frozen=True)
class Progress:
    """A mission as its participants see it."""

    mission: Mission
    agreement: Agreement
    participants: Sequence[str]
    deposits: Sequence[Version]
    pools: Sequence[Version]
    models: Sequence[Version]
    runs: Sequence[Run]
    submissions: Sequence[tuple[Submission, Score | None]]
    scored: Sequence[Scored]
    board: Sequence[tuple[Standing, Version]]
    opening: Opening | None
    obligations: Sequence[Obligation]
    awards: Sequence[tuple[Award, AwardBalance]]
    pooled_by_owner: dict[str, dict[str, int]]

    @property
    def best(self) -> Scored | None:
        """The submission whose lower bound on the final half is highest."""
        return max(self.scored, key=lambda s: (s.score.lower, s.score.value), default=None)

    @property
    def headline(self) -> Headline | None:
        """The figure to show first; None where nothing was judged."""
        if self.best is not None:
            score = self.best.score
            return Headline(self.best.version, score.value, score.lower, score.upper, score.n, "final")
        for standing, version in self.board[:1]:
            return Headline(version, standing.value, standing.lower, standing.upper, standing.n, "feedback")
        return None

    @property
    def reached(self) -> bool:
        """Whether a score on the final half clears the target and keeps every guard-rail."""
        return any(s.score.outcome == "reached" for s in self.scored)

    @property
    def accepted(self) -> list[Version]:
        """Deposits that passed."""
        return [v for v in self.deposits if v.state == "accepted"]

    @property
    def quarantined(self) -> list[Version]:
        """Deposits that a check blocked."""
        return [v for v in self.deposits if v.state == "quarantined"]

    @property
    def stage(self) -> str:
        """The stage the mission is at: the furthest that has something in it."""
        for name, filled in (
            ("score", [*self.scored, *self.board]),
            ("model", self.models),
            ("run", self.runs),
            ("pool", self.pools),
            ("check", [v for v in self.deposits if v.state != "received"]),
        ):
            if filled:
                return "run" if any(run.live for run in self.runs) else name
        return "deposit"


def of(session: Session, actor: Principal, mission: Mission) -> Progress:
    """Gather a mission's progress (the caller has checked that the actor takes part)."""
    versions = assets.visible_to(session, actor, mission.name)
    parents = {v.version_id: lineage.parents_of(session, v.version_id) for v in versions}
    deposits = [v for v in versions if v.kind == "dataset" and not parents[v.version_id]]
    pools = [v for v in versions if v.kind == "dataset" and parents[v.version_id]]
    submitted = scores.of_mission(session, mission.name)
    by_id = {v.version_id: v for v in versions}
    board = scores.board(session, mission)
    awards = [
        (award, allocations.balance_of(session, award))
        for award in allocations.awards_of(session, mission.name)
    ]
    return Progress(
        mission=mission,
        agreement=agreements.get(session, mission.header.agreement),
        participants=missions.participants_of(session, mission.name),
        deposits=deposits,
        pools=pools,
        models=[v for v in versions if v.kind == "model"],
        runs=runs.visible_to(session, actor, mission.name),
        submissions=submitted,
        scored=[Scored(s, score, by_id[s.version_id]) for s, score in submitted if score is not None],
        board=[(standing, by_id[standing.version_id]) for standing in board],
        opening=opening.of(session, mission.name),
        obligations=obligations.of_agreement(session, mission.header.agreement),
        awards=awards,
        pooled_by_owner=_episodes(deposits),
    )


def _episodes(deposits: Sequence[Version]) -> dict[str, dict[str, int]]:
    """owner -> state -> episodes deposited."""
    totals: dict[str, dict[str, int]] = {}
    for version in deposits:
        states = totals.setdefault(version.owner, {})
        states[version.state] = states.get(version.state, 0) + int(version.facts.get("episodes", 0))
    return dict(sorted(totals.items()))


def needed(progress: Progress) -> int | None:
    """The n at which the best score's rate would clear the target; None where no n would."""
    if progress.best is None:
        return None
    objective = progress.mission.objective
    return items_needed(progress.best.score.value, objective.target, objective.confidence)


def attention(progress: Progress) -> list[Notice]:
    """What needs somebody, worst first; then what is well."""
    notices = [*_quarantines(progress), *_failures(progress), *_agreement(progress), *_awards(progress)]
    notices += [*_openings(progress), *_duties(progress)]
    if progress.reached:
        notices.append(
            Notice(
                "good",
                Message("programme.reached"),
                Message("programme.reached-detail"),
                f"/missions/{progress.mission.name}#scores",
            )
        )
    order = {"bad": 0, "warn": 1, "good": 2}
    return sorted(notices, key=lambda notice: order[notice.severity])


def _duties(progress: Progress) -> list[Notice]:
    """What is owed under the agreement: overdue, or due within thirty days."""
    now = clock.now()
    soon, notices = clock.to_text(now + ENDING_SOON), []
    for owed in progress.obligations:
        state = owed.state(clock.to_text(now))
        if state == "met" or owed.due_at > soon:
            continue
        title = Message(
            f"programme.duty-{state}",
            organization=owed.organization,
            duty=Message(f"agreements.duty.{owed.duty}"),
        )
        detail = Message("programme.duty-detail", agreement=owed.agreement, n=owed.number, day=owed.last_day)
        severity = "bad" if state == "overdue" else "warn"
        notices.append(Notice(severity, title, detail, f"/missions/{progress.mission.name}#terms"))
    return notices


def _openings(progress: Progress) -> list[Notice]:
    """The final half waits for its second person, or for the evaluator."""
    present = progress.opening
    if present is None or present.published_at is not None:
        return []
    state = "asked" if present.confirmed_by is None else "confirmed"
    title = Message(f"programme.opening-{state}", organization=present.asked_for)
    detail = Message(f"programme.opening-{state}-detail", mission=progress.mission.name)
    return [Notice("warn", title, detail, f"/missions/{progress.mission.name}#scores")]


def _quarantines(progress: Progress) -> list[Notice]:
    notices = []
    for version in progress.quarantined:
        newer = any(
            v.owner == version.owner and v.asset == version.asset and v.number > version.number
            for v in progress.accepted
        )
        detail = "programme.quarantined-corrected" if newer else "programme.quarantined-open"
        notices.append(
            Notice(
                "good" if newer else "bad",
                Message("programme.quarantined", version=version.name),
                Message(detail, owner=version.owner),
                f"/versions/{version.name}",
            )
        )
    return notices


def _failures(progress: Progress) -> list[Notice]:
    return [
        Notice(
            "warn",
            Message("programme.run-failed", run=run.run_id),
            Message(f"runs.reason.{run.reason.partition(':')[0]}"),
            f"/runs/{run.run_id}",
        )
        for run in progress.runs
        if run.state == "failed"
    ]


def _agreement(progress: Progress) -> list[Notice]:
    agreement, now = progress.agreement, clock.now()
    left = clock.from_text(agreement.ends_at) - now
    if left > ENDING_SOON:
        return []
    title = Message("programme.agreement-ends", agreement=agreement.name, days=max(0, left.days))
    detail = Message("programme.agreement-ends-detail")
    return [Notice("warn", title, detail, f"/missions/{progress.mission.name}#terms")]


def _awards(progress: Progress) -> list[Notice]:
    return [
        Notice(
            "warn",
            Message("programme.award-low", organization=award.organization, share=award.share),
            Message("programme.award-low-detail", left=round(balance.left / 3600, 2)),
            f"/missions/{progress.mission.name}#award",
        )
        for award, balance in progress.awards
        if balance.left * 10 < balance.awarded
    ]
