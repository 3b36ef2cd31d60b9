"""Agreements: signing, what clauses permit and forbid, and what their end does."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from madang.agreements import policies, service
from madang.agreements.errors import (
    AgreementExists,
    AgreementNotInForce,
    AlreadySigned,
    DifferentText,
    MissionTaken,
    NoSuchAgreement,
    NotAParty,
)
from madang.agreements.model import AgreementDocument, AgreementHeader, ClauseDocument
from madang.kernel import clock
from madang.kernel.authorizer import OUTSIDER, Policy, Principal, Request, authorize, decide, evaluate
from madang.kernel.errors import NotPermitted
from tests.conftest import Office

PARTIES = ("acme", "bolt", "lab")
ACTIONS = ("pool", "train", "evaluate", "query", "download")
TODAY = datetime(2026, 11, 22, tzinfo=UTC)


def clause(effect: str, **given: object) -> ClauseDocument:
    return ClauseDocument.model_validate({"effect": effect, "text_en": "text", "text_ko": "문안", **given})


TRAINS = clause("permit", actions=["pool", "train"], owners=["acme", "bolt"], by=["lab"])
JUDGED = clause("permit", actions=["evaluate"], owners=["acme"], of=["model"], by=["lab"])
KEPT = clause("forbid", actions=["download"], owners=["acme", "bolt"])


def document(
    *clauses: ClauseDocument, name: str = "pact", ends_on: date = date(2027, 6, 30)
) -> AgreementDocument:
    header = AgreementHeader(
        name=name, title_en="Pact", title_ko="협약", mission="m", parties=PARTIES, ends_on=ends_on
    )
    return AgreementDocument(agreement=header, clause=clauses or (TRAINS, JUDGED, KEPT))


@pytest.fixture
def people(office: Office) -> dict[str, Principal]:
    return {name: office.join(name, "steward") for name in (*PARTIES, "other")}


def drafted(
    office: Office, people: dict[str, Principal], *clauses: ClauseDocument, sign: bool = True
) -> None:
    with office.home.database.write() as session:
        service.draft(session, people["lab"], document(*clauses))
    for party in PARTIES if sign else ():
        with office.home.database.write() as session:
            service.sign(session, people[party], "pact")


def use(
    actor: Principal, action: str, owner: str = "acme", of: str = "dataset", mission: str = "m"
) -> Request:
    attributes = {"owner": owner, "kind": "dataset", "mission": mission}
    return Request(actor, action, "Version", f"{owner}/d@1", attributes, {"of": of})


def allowed(office: Office, request: Request) -> bool:
    with office.home.database.read() as session:
        return decide(session, request).allowed


def test_nothing_holds_before_the_last_signature(office: Office, people: dict[str, Principal]) -> None:
    drafted(office, people, sign=False)
    for party in PARTIES:
        assert not allowed(office, use(people["lab"], "train"))
        with office.home.database.write() as session:
            service.sign(session, people[party], "pact")
    assert allowed(office, use(people["lab"], "train"))


def test_a_denial_names_the_missing_signature_the_clause_or_the_end(
    office: Office, people: dict[str, Principal]
) -> None:
    drafted(office, people, sign=False)
    cases = []
    with office.home.database.read() as session, pytest.raises(NotPermitted) as unsigned:
        authorize(session, use(people["lab"], "train"))
    cases.append((unsigned, "acme, bolt, lab"))
    for party in PARTIES:
        with office.home.database.write() as session:
            service.sign(session, people[party], "pact")
    with office.home.database.read() as session:
        with pytest.raises(NotPermitted) as forbidden:
            authorize(session, use(people["bolt"], "download"))
        with pytest.raises(NotPermitted) as silent:
            authorize(session, use(people["bolt"], "train"))
        with pytest.raises(NotPermitted) as uncovered:
            authorize(session, use(people["lab"], "train", owner="other"))
        with clock.use_clock(lambda: datetime(2027, 7, 1, tzinfo=UTC)), pytest.raises(NotPermitted) as ended:
            authorize(session, use(people["lab"], "train"))
    cases += [
        (forbidden, "Clause 3 of the agreement pact forbids it"),
        (silent, "no clause lets bolt"),
        (uncovered, "No agreement covers data of other"),
        (ended, "ended at 2027-07-01"),
    ]
    for caught, words in cases:
        assert words in str(caught.value)
    assert forbidden.value.facts["clause"] == "agreement/pact/3"


def test_the_last_day_counts(office: Office, people: dict[str, Principal]) -> None:
    drafted(office, people)
    with clock.use_clock(lambda: datetime(2027, 6, 30, 23, 59, tzinfo=UTC)):
        assert allowed(office, use(people["lab"], "train"))
    with clock.use_clock(lambda: datetime(2027, 7, 1, tzinfo=UTC)):
        assert not allowed(office, use(people["lab"], "train"))


def test_what_an_ending_clause_keeps_survives(office: Office, people: dict[str, Principal]) -> None:
    drafted(office, people, TRAINS, JUDGED, clause("ending", survives=["model"]))
    with clock.use_clock(lambda: datetime(2030, 1, 1, tzinfo=UTC)):
        assert allowed(office, use(people["lab"], "evaluate", of="model"))
        assert not allowed(office, use(people["lab"], "train"))


def test_mistakes_in_drafting_and_signing(office: Office, people: dict[str, Principal]) -> None:
    drafted(office, people, sign=False)
    with pytest.raises(AgreementExists), office.home.database.write() as session:
        service.draft(session, people["lab"], document())
    with pytest.raises(MissionTaken), office.home.database.write() as session:
        service.draft(session, people["other"], document(name="pact-2"))
    with pytest.raises(NotAParty), office.home.database.write() as session:
        without = document(name="pact-2").agreement.model_copy(update={"parties": ("lab",), "mission": "m2"})
        service.draft(session, people["lab"], AgreementDocument(agreement=without, clause=(TRAINS,)))
    with pytest.raises(NoSuchAgreement), office.home.database.write() as session:
        service.sign(session, people["other"], "pact")
    with pytest.raises(DifferentText), office.home.database.write() as session:
        service.sign(session, people["acme"], "pact", "sha256:00")
    with office.home.database.write() as session:
        service.sign(session, people["acme"], "pact")
    with pytest.raises(AlreadySigned), office.home.database.write() as session:
        service.sign(session, people["acme"], "pact")
    with office.home.database.read() as session:
        with pytest.raises(AgreementNotInForce):
            service.require_in_force(session, "pact")
        with pytest.raises(NoSuchAgreement):
            service.see(session, people["other"], "pact")
        with pytest.raises(NoSuchAgreement):
            service.see(session, OUTSIDER, "pact")


effects = st.sampled_from(["permit", "forbid"])
subsets = st.lists(st.sampled_from(PARTIES), unique=True, max_size=3)
drawn_clauses = st.builds(
    lambda effect, actions, owners, of, by: clause(effect, actions=actions, owners=owners, of=of, by=by),
    effects,
    st.lists(st.sampled_from(ACTIONS), unique=True, min_size=1),
    subsets,
    st.lists(st.sampled_from(["dataset", "model"]), unique=True, min_size=1),
    subsets,
)


def oracle(clauses: list[ClauseDocument], asker: str, action: str, owner: str, of: str, late: bool) -> bool:
    """What the clauses say, in plain Python: owners may; forbid wins; permissions end."""

    def speaks(one: ClauseDocument) -> bool:
        return action in one.actions and owner in one.owners and of in one.of

    if any(c.effect == "forbid" and speaks(c) and asker != owner for c in clauses):
        return False
    permitted = any(c.effect == "permit" and speaks(c) and asker in c.by for c in clauses)
    return asker == owner or (permitted and not late)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(drawn_clauses, min_size=1, max_size=5), st.booleans())
def test_decisions_agree_with_a_plain_oracle(
    office: Office, people: dict[str, Principal], clauses: list[ClauseDocument], late: bool
) -> None:
    name = f"pact-{clock.now().timestamp():.3f}-{id(clauses)}".replace(".", "-")
    mission = name[:60]
    header = document().agreement.model_copy(update={"name": name[:60], "mission": mission})
    with office.home.database.write() as session:
        service.draft(session, people["lab"], AgreementDocument(agreement=header, clause=tuple(clauses)))
    for party in PARTIES:
        with office.home.database.write() as session:
            service.sign(session, people[party], header.name)
    when = TODAY + timedelta(days=400 if late else 0)
    with clock.use_clock(lambda: when):
        for asker, action, owner, of in product(PARTIES, ACTIONS, PARTIES, ("dataset", "model")):
            request = use(people[asker], action, owner, of, mission)
            assert allowed(office, request) == oracle(clauses, asker, action, owner, of, late), request


@pytest.mark.parametrize("name", ['a"b\\c', "w\x00y\x1f\n\x7f\x91", "한글\u200b", "\\u0041", "{}"])
def test_a_name_of_any_letters_can_stand_in_a_clause(name: str) -> None:
    """Cedar's escapes are not JSON's; what a clause names is compared letter by letter."""
    told = clause("permit", actions=["train"], owners=[name], of=["dataset"], by=["lab"])
    text = policies.to_cedar(document(told), told)
    asker = Principal("mem-x", "lab", "institute", frozenset())
    for owner, expected in ((name, True), (f"{name}x", False), ("acme", False)):
        resource = {"owner": owner, "kind": "dataset", "mission": document(told).agreement.mission}
        request = Request(asker, "train", "Version", "v", resource, {"of": "dataset"})
        assert evaluate([Policy("clause", text)], request).allowed is expected
