"""Step 3 of the story: a plan, what the site declares of it, two calls; and later, what they grant."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta

from madang.allocations.calls import deciding
from madang.allocations.calls import service as calls
from madang.allocations.calls.model import ApplicationDocument, CallDocument
from madang.allocations.calls.telling import sentences
from madang.allocations.plans import service as plans
from madang.allocations.plans.model import PlanDocument
from madang.allocations.service import awards_of_application, shares_of
from madang.interfaces.demo import cast
from madang.interfaces.demo.stage import Stage
from madang.kernel import clock, i18n
from madang.kernel.errors import NotPermitted

SITE, KIND = "center-b", "cpu-core"
CALLS = {"national-projects": "national-1", "industry": "industry-1"}
_OPEN_SECONDS = 8
_REVIEWER = "steward"


def award(stage: Stage) -> None:
    """3: a plan is adopted and enacted; two calls are opened, applied to and reviewed."""
    stage.step(3)
    officer = stage.actor(cast.MINISTRY, "officer")
    first = clock.now().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    with stage.home.database.write() as session:
        plan = plans.adopt(session, officer, _plan(first))
    stage.tell("plan", plan=plan.reference, digest=plan.digest[:23])
    with stage.home.database.write(grouped=True) as session:
        declared, *_ = plans.enact(session, stage.actor(cast.JUDGE, "operator"), plan, SITE)
        parts = shares_of(session, declared.capacity_id)
    for share, (amount, _) in parts.items():
        stage.tell("share", name=f"{share:<18}", hours=f"{amount / 3600:>9.1f}")
    closes = clock.now() + timedelta(seconds=_OPEN_SECONDS)
    for share in CALLS:
        with stage.home.database.write() as session:
            calls.open_call(session, officer, _call(share, first, closes))
    most = parts["industry"][0] // 3600
    lead = _apply(stage, cast.LEAD, "national-projects", first, 1, score=90)
    _apply(stage, cast.COMPANIES[0], "industry", first, 1, score=80)
    _apply(stage, cast.MIRRORED, "industry", first, most, score=70)
    with stage.refused("own-review", NotPermitted, who=cast.JUDGE), stage.home.database.write() as session:
        calls.review(session, stage.actor(cast.JUDGE, "steward"), lead, 100, "")
    stage.notes["closes"] = clock.to_text(closes)


def decide(stage: Stage) -> None:
    """Once the calls have closed: they are decided, and who got nothing is told why."""
    closes = clock.from_text(stage.notes["closes"])
    time.sleep(max(0.0, (closes - clock.now()).total_seconds()))
    stage.tell("calls-closed")
    officer = stage.actor(cast.MINISTRY, "officer")
    for call in CALLS.values():
        with stage.home.database.read() as session:
            advice = deciding.advise(session, officer, call)
        with stage.home.database.write(grouped=True) as session:
            deciding.decide_call(session, officer, call, advice)
    for holder in (cast.LEAD, cast.COMPANIES[0]):
        _granted(stage, holder, stage.notes[f"application:{holder}"])
    _explained(stage, cast.MIRRORED, stage.notes[f"application:{cast.MIRRORED}"])


def _following(first: datetime) -> datetime:
    return (first + timedelta(days=31)).replace(day=1)


def _plan(first: datetime) -> PlanDocument:
    """A plan of this machine's cores for two months, split as the programme's supply is."""
    shares = (
        ("national-projects", "National projects", "국가 과제", 50),
        ("industry", "Industry", "산업계", 30),
        ("academia-research", "Academia and research", "학계·연구계", 20),
    )
    starts, ends = first.date(), _following(_following(first)).date()
    return PlanDocument.model_validate(
        {
            "plan": {
                "name": "demonstration",
                "title_en": "The demonstration's cores",
                "title_ko": "시연용 코어",
                "starts": starts,
                "ends": ends,
                "source_en": "This machine.",
                "source_ko": "이 컴퓨터.",
            },
            "kind": [
                {
                    "name": KIND,
                    "title_en": "CPU core",
                    "title_ko": "CPU 코어",
                    "factor": [{"version": 1, "starts": starts, "value": "1"}],
                }
            ],
            "site": [{"name": SITE, "title_en": "Centre B", "title_ko": "나센터", "operator": cast.JUDGE}],
            "share": [
                {"name": name, "title_en": en, "title_ko": ko, "percent": str(percent)}
                for name, en, ko, percent in shares
            ],
            "capacity": [
                {"site": SITE, "kind": KIND, "count": os.cpu_count() or 1, "starts": starts, "ends": ends}
            ],
        }
    )


def _call(share: str, first: datetime, closes: datetime) -> CallDocument:
    return CallDocument.model_validate(
        {
            "name": CALLS[share],
            "title_en": f"First call: {i18n.text(f'allocations.share.{share}', 'en')}",
            "title_ko": f"첫 공모: {i18n.text(f'allocations.share.{share}', 'ko')}",
            "share": share,
            "starts": first.date(),
            "ends": _following(first).date(),
            "closes": closes.astimezone(UTC),
            "reviewers": [f"{cast.MINISTRY}/{_REVIEWER}", f"{cast.JUDGE}/steward"],
            "reviews": 1,
        }
    )


def _apply(stage: Stage, holder: str, share: str, first: datetime, hours: int, score: int) -> str:
    """Apply as an organization's researcher; the ministry's reviewer scores it."""
    document = ApplicationDocument.model_validate(
        {
            "call": CALLS[share],
            "mission": cast.MISSION,
            "title": f"Training for {cast.MISSION}",
            "site": SITE,
            "kind": KIND,
            "request": {first.strftime("%Y-%m"): hours},
        }
    )
    with stage.home.database.write() as session:
        made = calls.apply(session, stage.actor(holder), document)
    with stage.home.database.write() as session:
        calls.review(session, stage.actor(cast.MINISTRY, _REVIEWER), made.application_id, score, "")
    stage.notes[f"application:{holder}"] = made.application_id
    stage.tell("applied", who=holder, hours=f"{hours:,}", call=CALLS[share], score=score)
    return made.application_id


def _granted(stage: Stage, holder: str, application: str) -> None:
    with stage.home.database.read() as session:
        made, *_ = awards_of_application(session, application)
    stage.notes[f"award:{holder}"] = made.award_id
    stage.tell("award", id=made.award_id, hours=made.resource_seconds // 3600, share=made.share, to=holder)


def _explained(stage: Stage, holder: str, application: str) -> None:
    """What the one that got nothing is told."""
    with stage.home.database.read() as session:
        _, told = deciding.explain(session, stage.actor(holder), application)
    stage.tell("asks-why", who=holder)
    for sentence in sentences(told):
        stage.say(f"     {sentence.in_language(stage.language)}")
