"""Every role, of every kind of organization, against every action: the rules agree with a plain table."""

from __future__ import annotations

import itertools

import pytest

from madang.kernel.authorizer import OUTSIDER, Principal, Request, decide
from madang.kernel.errors import NotPermitted, NotSignedIn
from madang.missions import service as missions
from madang.organizations import policies, service
from madang.organizations.model import KINDS, ROLES
from tests.conftest import Office, Played

OWN: dict[str, set[str]] = {
    "agreement.draft": {"steward"}, "agreement.sign": {"steward"}, "obligation.meet": {"steward"},
    "asset.deposit": {"steward"}, "asset.withdraw": {"steward"},
    "asset.download": {"steward", "researcher"}, "asset.query": {"steward", "researcher"},
    "mission.open": {"researcher"},
    "asset.pool": {"researcher"}, "run.submit": {"researcher"}, "run.cancel": {"researcher"},
    "score.submit": {"researcher"}, "capacity.declare": {"operator"}, "run.operate": {"operator"},
    "quota.enforce": {"operator"}, "trial.keep": {"officer", "researcher", "operator"},
    "benchmark.seal": {"evaluator"}, "score.record": {"evaluator"}, "benchmark.open": {"evaluator"},
    "application.make": {"researcher"}, "source.add": {"steward"}, "source.change": {"steward"},
    "source.end": {"steward"},
    "harvest.run": {"steward"},
    "member.add": {"officer"}, "token.issue": {"officer"}, "token.revoke": {"officer"},
}  # fmt: skip
"""What a role may do about what is its own organization's."""
MINISTRY = {
    "organization.register", "award.make", "capacity.split", "member.add", "token.issue", "token.revoke",
    "role.oversee", "benchmark.open", "plan.adopt", "call.open", "call.decide",
}  # fmt: skip
"""What a ministry's officer may do about anybody's."""
DATA = {"pool", "train", "evaluate", "query", "download"}
"""Actions on data: one's own always; a stranger's by clauses alone, whatever the role."""
ACTIONS = sorted({*OWN, *MINISTRY, *DATA, "ledger.read"})


def oracle(role: str, kind: str, action: str, own: bool) -> bool:
    if action in DATA:
        return own
    if action == "ledger.read":
        return role == "auditor" or kind == "ministry"
    if action in MINISTRY and role == "officer" and kind == "ministry":
        return True
    return own and role in OWN.get(action, set())


def test_the_table_speaks_of_every_action_that_there_is() -> None:
    assert {action for actions, _ in policies._RULES for action in actions} == set(ACTIONS)


def test_every_role_against_every_action(office: Office) -> None:
    with office.home.database.read() as session:
        for role, kind, action, own in itertools.product(ROLES, KINDS, ACTIONS, (True, False)):
            actor = Principal("mem-x", "acme", kind, frozenset({role}))
            resource = {"owner": "acme" if own else "bolt", "kind": "dataset", "mission": "rain"}
            context = {"of": "dataset"} if action in DATA else {}
            decision = decide(session, Request(actor, action, "Thing", "thing", resource, context))
            assert decision.allowed == oracle(role, kind, action, own), (role, kind, action, own)
            assert all(name.startswith("role/") for name in decision.by)


def test_an_outsider_may_do_nothing(office: Office) -> None:
    with office.home.database.read() as session:
        for action in ACTIONS:
            resource = {"owner": "acme", "kind": "dataset", "mission": "rain"}
            context = {"of": "dataset"} if action in DATA else {}
            assert not decide(session, Request(OUTSIDER, action, "Thing", "thing", resource, context)).allowed
        with pytest.raises(NotSignedIn):
            service.signed_in(session, None)


def test_an_auditor_reads_every_mission_and_changes_nothing(copied: Played) -> None:
    officer = copied.actor("msit", "officer")
    with copied.home.database.write() as session:
        service.register(session, officer, "board", "institute", "Board of Audit", "감사원")
    with copied.home.database.write() as session:
        service.add_member(session, officer, "board", "park", ("auditor",))
    with copied.home.database.read() as session:
        found = service.find_member(session, "board", "park")
        auditor = Principal(found.member_id, "board", "institute", frozenset({"auditor"}))
        (mission,) = missions.visible_to(session, auditor)
        assert missions.takes_part(session, auditor, mission.name)
        assert service.members_of(session, auditor, "company-a")
    with pytest.raises(NotPermitted), copied.home.database.write() as session:
        service.register(session, auditor, "x", "company", "X", "X")
