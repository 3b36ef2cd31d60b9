"""Opening missions: what the charter must keep to."""

from __future__ import annotations

import pytest

from madang.interfaces.demo import cast
from madang.interfaces.demo.stage import example
from madang.kernel.authorizer import OUTSIDER
from madang.kernel.errors import NotPermitted
from madang.kernel.settings import read_document
from madang.missions import service
from madang.missions.errors import (
    AgreementOfAnotherMission,
    EvaluatorIsTrainer,
    MissionExists,
    NoSuchMission,
    OutsideAgreement,
)
from madang.missions.model import MissionDocument, ObjectiveDocument
from tests import records
from tests.conftest import Played


def charter(**changes: object) -> MissionDocument:
    document = read_document(example("mission.toml"), MissionDocument)
    return document.model_copy(update={"mission": document.mission.model_copy(update=changes)})


def open_it(played: Played, document: MissionDocument, who: str = cast.LEAD) -> None:
    with played.home.database.write() as session:
        service.open_mission(session, played.actor(who), document)


def test_what_cannot_be_opened(copied: Played) -> None:
    with pytest.raises(MissionExists):
        open_it(copied, charter())
    with pytest.raises(EvaluatorIsTrainer):
        open_it(copied, charter(name="two", evaluator=cast.LEAD))
    with pytest.raises(AgreementOfAnotherMission):
        open_it(copied, charter(name="two"))
    with pytest.raises(NotPermitted):
        open_it(copied, charter(name="two"), "company-a")


def test_every_participant_must_have_signed(copied: Played) -> None:
    from madang.organizations import service as organizations

    officer = copied.actor(cast.MINISTRY, "officer")
    with copied.home.database.write() as session:
        organizations.register(session, officer, "stranger", "company", "S", "S")
    records.tamper(copied.home.database, "UPDATE missions SET name = 'old'")
    with pytest.raises(OutsideAgreement), copied.home.database.write() as session:
        document = charter(organizations=("stranger",))
        service.open_mission(session, copied.actor(cast.LEAD), document)


def test_hidden_missions_are_hidden(played: Played) -> None:
    with played.home.database.read() as session:
        assert [m.name for m in service.visible_to(session, OUTSIDER)] == [cast.MISSION]
        with pytest.raises(NoSuchMission):
            service.see(session, OUTSIDER, "none")


def test_the_target_lies_above_the_baseline() -> None:
    with pytest.raises(ValueError, match="above the baseline"):
        ObjectiveDocument(metric="m", title_en="t", title_ko="t", baseline=0.8, target=0.8, n=1)
