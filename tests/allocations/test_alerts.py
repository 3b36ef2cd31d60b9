"""Alerts follow from the books: each appears when its figures do, and goes when they do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from madang.allocations import service
from madang.allocations.alerts import Alert, alerts
from madang.allocations.model import Award
from madang.interfaces.demo import cast
from madang.kernel import clock
from madang.kernel.ids import new_id
from tests.conftest import Played
from tests.interfaces.commands import here, refused

BY = {"member": "mem-x", "organization": "msit"}
START = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
def month(copied: Played) -> Iterator[tuple[Played, Award]]:
    """A capacity of one core for a month, and an award of 100 hours of its industry share (223.2 hours)."""
    operator, officer = copied.actor(cast.JUDGE, "operator"), copied.actor("msit", "officer")
    with clock.use_clock(lambda: START):
        with copied.home.database.write() as session:
            made = service.declare(
                session, operator, "center-b", "cpu-core", 1, START,
                START + timedelta(days=31),
            )  # fmt: skip
        with copied.home.database.write() as session:
            service.split(session, officer, made.capacity_id)
        with copied.home.database.write() as session:
            award = service.award(
                session, officer, cast.MISSION, "company-a", made.capacity_id, "industry", 100.0
            )
    yield copied, award


def at(days: float) -> Callable[[], datetime]:
    return lambda: START + timedelta(days=days)


def use(played: Played, award: Award, hours: float, days: float, *, lost: bool = False) -> None:
    with clock.use_clock(at(days)), played.home.database.write() as session:
        run, seconds = new_id("run"), int(hours * 3600)
        service.lease(session, award.award_id, run, "company-a", cast.MISSION, 1, seconds)
        service.settle(session, award.award_id, run, seconds, lost=lost)
        session.record("test", run, BY)


def found(played: Played, days: float, organization: str = "msit") -> list[Alert]:
    actor = played.actor(organization)
    with clock.use_clock(at(days)), played.home.database.read() as session:
        return alerts(session, actor)


def kinds(played: Played, days: float, organization: str = "msit") -> list[str]:
    return [one.kind for one in found(played, days, organization)]


def test_a_young_award_is_left_alone_and_an_idle_one_is_named(month: tuple[Played, Award]) -> None:
    played, award = month
    assert kinds(played, 0.5) == []
    assert kinds(played, 6.9) == ["award-unspent"]
    (idle,) = found(played, 8)
    assert (idle.kind, idle.subject, idle.organization) == ("award-idle", award.award_id, "company-a")
    assert "8 days; 100.0 resource-hours" in str(idle.told)
    assert kinds(played, 8, "company-a") == ["award-idle"]
    assert kinds(played, 8, "company-b") == []
    use(played, award, 1, 7)
    assert "award-idle" not in kinds(played, 8)
    assert kinds(played, 40) == []  # the capacity is over


def test_an_award_that_runs_dry_says_when(month: tuple[Played, Award]) -> None:
    played, award = month
    use(played, award, 50, 5)
    dry = [one for one in found(played, 10) if one.kind == "award-runs-dry"]
    assert len(dry) == 1 and "2030-01-21" in str(
        dry[0].told
    )  # 50 hours in 10 days: the other 50 last 10 more
    assert "소진" in dry[0].told.in_language("ko")


def test_what_failed_is_charged_and_told_apart(month: tuple[Played, Award]) -> None:
    played, award = month
    use(played, award, 5, 5, lost=True)
    with played.home.database.read() as session:
        balance = service.balance_of(session, award)
    assert (balance.used, balance.lost, balance.left) == (0, 5 * 3600, 95 * 3600)


def test_a_share_over_its_line_is_everybodys_to_see(month: tuple[Played, Award]) -> None:
    played, award = month
    use(played, award, 90, 5)
    for organization in ("msit", "company-b"):
        over = [one for one in found(played, 6, organization) if one.kind == "share-over-line"]
        assert len(over) == 1 and over[0].subject == award.capacity_id
        assert (
            "industry" in str(over[0].told)
            and "40.3 %" in str(over[0].told)
            and "19.4 %" in str(over[0].told)
        )
    assert "share-over-line" not in kinds(played, 20)


def test_statements_as_workbook_and_metrics(played: Played, tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    officer, home = played.stage.token("msit", "officer"), played.home.path
    asked = ("compute", "statement", "--by", "organization,site", "--xlsx", tmp_path / "s.xlsx")
    done = here("--home", home, *asked, token=officer)
    assert done.returncode == 0, done.stderr
    head, *rows = openpyxl.load_workbook(tmp_path / "s.xlsx").active.iter_rows(values_only=True)
    figures = ("awarded", "leased", "returned", "used", "lost")
    assert head == ("organization", "site", *(f"{name} (s)" for name in figures))
    assert {row[0]: row[2] for row in rows} == {cast.LEAD: 3600, "company-a": 3600}
    told = here("--home", home, "compute", "metrics", token=officer).stdout
    assert 'madang_runs{state="succeeded"} 2.0' in told
    assert 'kind="cpu-core",share="industry",site="center-b",state="allotted"' in told
    refused(here("--home", home, "compute", "metrics", token=played.stage.token("company-a")), "ledger.read")
    assert here("--home", home, "compute", "alerts", token=officer).returncode == 0
