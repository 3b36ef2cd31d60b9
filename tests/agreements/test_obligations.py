"""Duties: they arise with the last signature, fall due, and are met with evidence that is looked at."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from madang.agreements import obligations, service
from madang.agreements.errors import AlreadyMet, NoEvidence, NoSuchObligation, WrongEvidence
from madang.agreements.model import ClauseDocument, Obligation
from madang.interfaces.demo import cast
from madang.kernel import clock
from madang.kernel.authorizer import Principal
from madang.kernel.errors import NotPermitted
from madang.kernel.ledger import log
from madang.missions import service as missions
from madang.programme import progress
from madang.programme.verification import verify_home
from tests.conftest import Played


def meet(played: Played, number: int, actor: Principal | None = None, **evidence: str) -> Obligation:
    with played.home.database.write() as session:
        agreement = service.get(session, cast.AGREEMENT)
        steward = actor or Principal(_steward(played), cast.LEAD, "institute", frozenset({"steward"}))
        return obligations.meet(session, steward, agreement, number, evidence)


def _steward(played: Played) -> str:
    return played.actor(cast.LEAD).member


def test_duties_arise_with_the_last_signature(played: Played) -> None:
    with played.home.database.read() as session:
        owed = obligations.of_agreement(session, cast.AGREEMENT)
        signed = log.find_all(session.connection, "agreement.signed", f"{cast.AGREEMENT}/{cast.LATE}")
    assert [(o.duty, o.organization, o.last_day) for o in owed] == [
        ("return-model", cast.LEAD, "2027-05-31"),
        ("cite", cast.LEAD, "2027-06-30"),
        ("delete", cast.LEAD, "2027-07-30"),
    ]
    assert len(signed) == 1
    assert {o.state("2027-06-15") for o in owed} == {"due", "overdue"}


def test_a_duty_is_met_once_with_evidence_that_shows_it(copied: Played) -> None:
    with pytest.raises(NoEvidence):
        meet(copied, 6, text="  ")
    with pytest.raises(NoSuchObligation):
        meet(copied, 1, text="done")
    company = copied.actor("company-a")
    with pytest.raises(NoSuchObligation):
        meet(copied, 6, company, text="done")
    with pytest.raises(NotPermitted):
        meet(copied, 6, Principal("mem", cast.LEAD, "institute", frozenset({"auditor"})), text="done")
    for version in ("", f"{cast.LEAD}/nothing@1", copied.stage.notes["pool"], "company-a/policy-alone@1"):
        with pytest.raises(WrongEvidence):
            meet(copied, 7, version=version, text="here it is")
    returned = meet(copied, 7, version=f"{cast.LEAD}/policy@1")
    assert returned.evidence is not None
    assert "company-j" in returned.evidence["made_from"]
    assert meet(copied, 6, link="https://doi.org/10.0000/example").met_at
    with pytest.raises(AlreadyMet):
        meet(copied, 6, link="https://doi.org/10.0000/example")
    assert verify_home(copied.home).holds


def test_reminders_come_a_month_before_and_stay_when_late(copied: Played) -> None:
    lead, company = copied.actor(cast.LEAD), copied.actor("company-b")

    def told(day: datetime) -> list[tuple[str, str]]:
        with clock.use_clock(lambda: day), copied.home.database.read() as session:
            mission = missions.get(session, cast.MISSION)
            found = progress.attention(progress.of(session, lead, mission))
            return [(n.severity, str(n.title)) for n in found if "model" in str(n.title)]

    assert told(datetime(2027, 4, 1, tzinfo=UTC)) == []
    assert told(datetime(2027, 5, 20, tzinfo=UTC)) == [("warn", f"{cast.LEAD}: return the model")]
    assert told(datetime(2027, 6, 2, tzinfo=UTC)) == [("bad", f"{cast.LEAD} is late: return the model")]
    with copied.home.database.read() as session, clock.use_clock(lambda: datetime(2027, 5, 20, tzinfo=UTC)):
        soon = obligations.visible_to(session, company, within_days=30)
        assert [o.duty for o in soon] == ["return-model"]
        stranger = Principal("m", "stranger", "company", frozenset({"steward"}))
        assert obligations.visible_to(session, stranger) == []


@pytest.mark.parametrize(
    "clause",
    [
        {"effect": "oblige", "duty": "cite", "by": ["a"]},
        {"effect": "oblige", "by": ["a"], "due_on": "2027-01-01"},
        {"effect": "oblige", "duty": "cite", "due_on": "2027-01-01"},
        {"effect": "oblige", "duty": "cite", "by": ["a"], "due_on": "2027-01-01", "due_days_after_end": 3},
        {"effect": "permit", "duty": "cite"},
        {"effect": "ending", "due_on": "2027-01-01"},
    ],
)
def test_half_a_duty_is_refused(clause: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="oblige"):
        ClauseDocument.model_validate({"text_en": "t", "text_ko": "t", **clause})
