"""Organizations, members, tokens: who is who, and what is refused."""

from __future__ import annotations

from datetime import timedelta

import pytest

from madang.kernel import clock
from madang.kernel.authorizer import OUTSIDER
from madang.kernel.errors import BadName, NotPermitted, NotSignedIn
from madang.organizations import service
from madang.organizations.errors import (
    MemberExists,
    NoSuchMember,
    NoSuchOrganization,
    OrganizationExists,
    UnknownKind,
    UnknownRole,
)
from madang.organizations.model import tokens
from tests.conftest import Office


def test_only_a_ministrys_officer_registers(office: Office) -> None:
    steward = office.join("acme", "steward", "officer")
    with pytest.raises(NotPermitted) as caught, office.home.database.write() as session:
        service.register(session, steward, "bolt", "company", "Bolt", "볼트")
    assert "role/officer-governs" in str(caught.value)


def test_a_company_officer_enrols_its_own_people_only(office: Office) -> None:
    officer = office.join("acme", "officer")
    office.join("bolt", "steward")
    with office.home.database.write() as session:
        service.add_member(session, officer, "acme", "lee", ("researcher",))
    with pytest.raises(NotPermitted), office.home.database.write() as session:
        service.add_member(session, officer, "bolt", "lee", ("researcher",))


def test_names_in_either_hangul_form_are_one(office: Office) -> None:
    composed, decomposed = "\uac00\ub098", "\u1100\u1161\u1102\u1161"
    office.join("acme", "steward", name=decomposed)
    with pytest.raises(MemberExists), office.home.database.write() as session:
        service.add_member(session, office.officer, "acme", composed, ("steward",))
    with office.home.database.read() as session:
        assert service.find_member(session, "acme", composed).name == composed


def test_mistakes(office: Office) -> None:
    def register(name: str, kind: str) -> None:
        with office.home.database.write() as session:
            service.register(session, office.officer, name, kind, "T", "T")

    register("acme", "company")
    with pytest.raises(OrganizationExists):
        register("acme", "company")
    with pytest.raises(UnknownKind):
        register("bolt", "startup")
    with pytest.raises(BadName):
        register("Bolt Inc", "company")
    with pytest.raises(UnknownRole), office.home.database.write() as session:
        service.add_member(session, office.officer, "acme", "kim", ("king",))
    with pytest.raises(NoSuchOrganization), office.home.database.write() as session:
        service.add_member(session, office.officer, "nobody", "kim", ("steward",))
    with pytest.raises(NoSuchMember), office.home.database.write() as session:
        service.issue_token(session, office.officer, "acme", "nobody")
    with pytest.raises(OrganizationExists), office.home.database.write() as session:
        service.found(session, "second", "S", "S", "officer")


def test_tokens_expire_are_revoked_and_are_kept_as_digests(office: Office) -> None:
    office.join("acme", "steward")
    with office.home.database.write() as session:
        plain = service.issue_token(session, office.officer, "acme", "kim", days=1)
    with office.home.database.read() as session:
        assert service.signed_in(session, plain).organization == "acme"
        assert plain not in str(session.rows(tokens.select()))
        later = clock.now() + timedelta(days=2)
        with clock.use_clock(lambda: later), pytest.raises(NotSignedIn):
            service.signed_in(session, plain)
    with office.home.database.write() as session:
        assert service.revoke_tokens(session, office.officer, "acme", "kim") == 2
    with office.home.database.read() as session:
        for bad in (plain, "madang_wrong", None):
            with pytest.raises(NotSignedIn):
                service.signed_in(session, bad)
        assert service.authenticate(session, None) is OUTSIDER
