"""Statements add up, and the books balance after any sequence of operations, broken-off ones included."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import combinations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from madang.allocations import books, service, statements
from madang.allocations.errors import AwardTooSmall, ShareTooSmall
from madang.allocations.model import Award
from madang.interfaces.demo import cast
from madang.kernel import clock
from madang.kernel.authorizer import OUTSIDER
from madang.kernel.ids import new_id
from madang.programme.verification import verify_home
from tests.conftest import Played

BY = {"member": "mem-x", "organization": "msit"}


class Killed(BaseException):
    """A process that ends in the middle of a transaction."""


operations = st.lists(
    st.tuples(
        st.sampled_from(["award", "lease", "settle", "settle", "month"]),
        st.integers(0, 3),
        st.integers(1, 4000),
        st.booleans(),
    ),
    max_size=30,
)


class Model:
    """The same operations on plain numbers."""

    def __init__(self) -> None:
        self.leases: dict[str, tuple[str, int]] = {}
        self.lines: dict[tuple[str, str, str, str, str], dict[str, int]] = {}

    def add(self, award: Award, month: str, figure: str, amount: int) -> None:
        key = (award.organization, award.mission, award.share, "center-b", month)
        line = self.lines.setdefault(key, dict.fromkeys(statements.FIGURES, 0))
        line[figure] += amount


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(operations)
def test_any_sequence_of_operations_balances_and_adds_up(
    copied: Played, drawn: list[tuple[str, int, int, bool]]
) -> None:
    database, officer = copied.home.database, copied.actor(cast.MINISTRY, "officer")
    model, now = Model(), datetime(2026, 11, 25, tzinfo=UTC)
    held = _awards_of_years(copied, now)
    with database.read() as session:
        start = statements.statement(session, officer)
    assert start
    for kind, which, amount, killed in drawn:
        try:
            with clock.use_clock(lambda now=now: now), database.write() as session:
                if kind == "award":
                    source = held[which % len(held)]
                    args = (source.organization, source.capacity_id, source.share, amount / 3600)
                    made = service.award(session, officer, source.mission, *args)
                elif kind == "lease":
                    chosen = held[which % len(held)]
                    run = new_id("run")
                    service.lease(
                        session, chosen.award_id, run, chosen.organization, chosen.mission, 1, amount
                    )
                    session.record("test", run, BY)
                elif kind == "settle" and model.leases:
                    run = sorted(model.leases)[which % len(model.leases)]
                    award_id, size = model.leases[run]
                    failed = amount % 3 == 0
                    booked = service.settle(session, award_id, run, amount, lost=failed)
                    session.record("test", run, BY)
                if killed:
                    raise Killed
        except (Killed, ShareTooSmall, AwardTooSmall):
            continue
        month = clock.to_text(now)[:7]
        if kind == "award":
            held.append(made)
            model.add(made, month, "awarded", made.resource_seconds)
        elif kind == "lease":
            model.leases[run] = (chosen.award_id, amount)
            model.add(chosen, month, "leased", amount)
        elif kind == "settle" and model.leases:
            del model.leases[run]
            owner = next(award for award in held if award.award_id == award_id)
            model.add(owner, month, "lost" if failed else "used", booked)
            model.add(owner, month, "returned", size - booked)
            assert booked == min(amount, size)
        elif kind == "month":
            now += timedelta(days=20)
    with database.read() as session:
        assert books.balanced(books.trial_balance(session))
        told = {_key(line): line for line in statements.statement(session, officer)}
        for line in start:
            base = model.lines.setdefault(_key(line), dict.fromkeys(statements.FIGURES, 0))
            for figure in statements.FIGURES:
                base[figure] += getattr(line, figure)
        zero = dict.fromkeys(statements.FIGURES, 0)
        expected = {key: figures for key, figures in model.lines.items() if figures != zero}
        assert {k: {f: getattr(v, f) for f in statements.FIGURES} for k, v in told.items()} == expected
        total = sum(size for _, size in model.leases.values())
        (sums,) = statements.statement(session, officer, by=())
        assert sums.held == total
    # Take back what this example holds, so that the next one begins settled.
    for run, (award_id, _) in model.leases.items():
        with database.write() as session:
            service.settle(session, award_id, run, 0)
            session.record("test", run, BY)
    assert verify_home(copied.home).holds


def _awards_of_years(copied: Played, now: datetime) -> list[Award]:
    """An award to each of two organizations, of a capacity that lasts whatever months are drawn."""
    officer, operator = copied.actor(cast.MINISTRY, "officer"), copied.actor(cast.JUDGE, "operator")
    with copied.home.database.write() as session:
        made = service.declare(session, operator, "center-b", "cpu-core", 2, now, now + timedelta(days=1000))
    with copied.home.database.write() as session:
        service.split(session, officer, made.capacity_id)
    held = []
    for holder, share in ((cast.LEAD, "national-projects"), (cast.COMPANIES[0], "industry")):
        with copied.home.database.write() as session:
            held.append(service.award(session, officer, cast.MISSION, holder, made.capacity_id, share, 1.0))
    return held


def _key(line: statements.Line) -> tuple[str, str, str, str, str]:
    return (line.organization, line.mission, line.share, line.site, line.month)


def test_every_way_of_grouping_sums_to_the_same(played: Played) -> None:
    officer = played.actor(cast.MINISTRY, "officer")
    with played.home.database.read() as session:
        (whole,) = statements.statement(session, officer, by=())
        for size in range(1, len(statements.KEYS) + 1):
            for by in combinations(statements.KEYS, size):
                lines = statements.statement(session, officer, by)
                for figure in statements.FIGURES:
                    assert sum(getattr(line, figure) for line in lines) == getattr(whole, figure)
    assert whole.awarded == 2 * 3600
    assert whole.held == 0
    assert whole.used > 0


def test_an_organization_sees_its_own_lines(played: Played) -> None:
    with played.home.database.read() as session:
        mine = statements.statement(session, played.actor("company-a"))
        others = statements.statement(session, played.actor("company-b"))
        outside = statements.statement(session, OUTSIDER)
    assert {line.organization for line in mine} == {"company-a"}
    assert others == outside == []
