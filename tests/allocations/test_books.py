"""The books balance after any sequence of operations; splitting loses nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from madang.allocations import books, service
from madang.allocations.errors import (
    AlreadySplit,
    AwardNotOpen,
    AwardOfAnother,
    AwardTooSmall,
    BadPeriod,
    BadShares,
    NoSuchAward,
    NoSuchCapacity,
    NotParticipant,
    ShareTooSmall,
)
from madang.allocations.model import SUPPLY
from madang.interfaces.demo import cast
from madang.kernel import clock
from madang.kernel.database import Session
from madang.kernel.errors import Defect, NotPermitted
from madang.kernel.ids import new_id
from madang.programme.verification import verify_home
from tests.conftest import Office, Played

BY = {"member": "mem-x", "organization": "msit"}


@given(
    st.integers(0, 10**12),
    st.dictionaries(st.text(min_size=1), st.integers(0, 10**6), min_size=1, max_size=8),
)
def test_largest_remainder_sums_and_is_within_one_of_the_quota(total: int, weights: dict[str, int]) -> None:
    whole = sum(weights.values())
    if whole == 0:
        with pytest.raises(ValueError, match="weights"):
            books.largest_remainder(total, weights)
        return
    parts = books.largest_remainder(total, weights)
    assert sum(parts.values()) == total
    for name, part in parts.items():
        assert 0 <= part * whole - total * weights[name] + whole <= 2 * whole
        assert abs(part * whole - total * weights[name]) < whole


def test_largest_remainder_breaks_ties_in_the_given_order() -> None:
    assert books.largest_remainder(1, {"b": 1, "a": 1}) == {"b": 1, "a": 0}


moves = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 50)), max_size=25)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves)
def test_any_sequence_of_postings_balances(office: Office, drawn: list[tuple[int, int, int]]) -> None:
    base = new_id("x")
    accounts = [SUPPLY, *(f"{base}:{number}" for number in range(5))]
    for source, target, amount in drawn:
        if source == target:
            continue
        try:
            with office.home.database.write() as session:
                books.post(session, accounts[source], accounts[target], amount)
                session.record("test", base, BY)
        except Defect:
            with office.home.database.read() as session:
                assert books.balance(session, accounts[source]) < amount
    with office.home.database.read() as session:
        totals = books.trial_balance(session)
        assert books.balanced(totals)
        for account in accounts[1:]:
            assert totals.get(account, 0) == books.balance(session, account) >= 0


def test_a_lease_is_settled_to_the_second_and_never_overdrawn(copied: Played) -> None:
    award_id = copied.stage.notes[f"award:{cast.LEAD}"]

    def left(session: Session) -> int:
        return books.balance(session, f"award:{award_id}")

    with copied.home.database.write() as session:
        before = left(session)
        service.lease(session, award_id, "run-a", cast.LEAD, cast.MISSION, 2, 100)
        assert left(session) == before - 200
        assert service.settle(session, award_id, "run-a", 37) == 37
        assert left(session) == before - 37
        service.lease(session, award_id, "run-b", cast.LEAD, cast.MISSION, 2, 100)
        assert service.settle(session, award_id, "run-b", 10_000) == 200
        assert left(session) == before - 237
        with pytest.raises(AwardTooSmall):
            service.lease(session, award_id, "run-c", cast.LEAD, cast.MISSION, 2, before)
        with pytest.raises(AwardOfAnother):
            service.lease(session, award_id, "run-c", "company-b", cast.MISSION, 1, 1)
        later = clock.now() + timedelta(days=400)
        with pytest.raises(AwardNotOpen), clock.use_clock(lambda: later):
            service.lease(session, award_id, "run-c", cast.LEAD, cast.MISSION, 1, 1)
        session.record("test", "test", BY)
    assert verify_home(copied.home).holds


def test_mistakes_with_capacity_shares_and_awards(copied: Played) -> None:
    operator = copied.actor(cast.JUDGE, "operator")
    officer = copied.actor(cast.MINISTRY, "officer")
    starts = clock.now()
    database = copied.home.database
    with database.read() as session:
        capacity = service.every_capacity(session)[0].capacity_id

    def award(organization: str, share: str, hours: float, of: str = capacity) -> None:
        with database.write() as session:
            service.award(session, officer, cast.MISSION, organization, of, share, hours)

    with pytest.raises(BadPeriod), database.write() as session:
        service.declare(session, operator, "center-b", "gpu", 1, starts, starts)
    with pytest.raises(NotPermitted), database.write() as session:
        other = copied.actor("company-a")
        service.declare(session, other, "center-b", "gpu", 1, starts, starts + timedelta(days=1))
    with pytest.raises(AlreadySplit), database.write() as session:
        service.split(session, officer, capacity)
    with database.write() as session:
        fresh = service.declare(session, operator, "center-b", "gpu", 8, starts, starts + timedelta(days=1))
    with pytest.raises(BadShares), database.write() as session:
        service.split(session, officer, fresh.capacity_id, {"friends": 100})
    with pytest.raises(ShareTooSmall):
        award(cast.LEAD, "national-projects", 1e9)
    with pytest.raises(BadShares):
        award(cast.LEAD, "friends", 1)
    with pytest.raises(NotParticipant):
        award("msit", "industry", 1)
    with pytest.raises(NoSuchCapacity):
        award(cast.LEAD, "industry", 1, of="cap-none")
    with database.read() as session, pytest.raises(NoSuchAward):
        service.get_award(session, "awd-none")
    with pytest.raises(NotPermitted), database.write() as session:
        service.award(session, operator, cast.MISSION, cast.LEAD, capacity, "industry", 1)
