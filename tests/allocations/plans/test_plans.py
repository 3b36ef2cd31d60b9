"""Capacity plans: their problems, their months, what changes between two, and what is declared of them."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.allocations import books
from madang.allocations import service as supply
from madang.allocations.errors import (
    AlreadyEnacted,
    NoSuchPlan,
    NotInPlan,
    PlanSuperseded,
    PlanUnchanged,
    SiteOfAnother,
)
from madang.allocations.plans import apportionment, checking, comparing, service
from madang.allocations.plans.model import PlanDocument
from madang.kernel.errors import BadValue, NotPermitted, UnknownKey
from madang.kernel.ledger import log
from madang.kernel.settings import parse_document, read_document
from tests.conftest import Office

KOREA = Path(__file__).parents[3] / "examples" / "korea-2026" / "plan.toml"


def small(**changes: Any) -> dict[str, Any]:
    """A plan of two kinds, two sites and nested shares, as a table."""
    titles = {"title_en": "A", "title_ko": "가"}
    return {
        "plan": {
            "name": "small", **titles, "starts": "2026-01-01", "ends": "2026-04-01",
            "source_en": "Invented.", "source_ko": "지어낸 것.",
        },
        "kind": [
            {"name": "gpu", **titles, "factor": [{"version": 1, "starts": "2026-01-01", "value": "1.5"},
                                                 {"version": 2, "starts": "2026-02-01", "value": "0.1"}]},
            {"name": "core", **titles, "factor": [{"version": 1, "starts": "2025-01-01", "value": 1}]},
        ],
        "site": [
            {"name": "north", **titles, "operator": "inst"}, {"name": "south", **titles, "operator": "other"}
        ],
        "share": [
            {"name": "a", **titles, "percent": 50}, {"name": "b", **titles, "percent": 30},
            {"name": "c", **titles, "percent": 20},
            {"name": "c/x", **titles, "percent": "33.3"}, {"name": "c/y", **titles, "percent": "66.7"},
        ],
        "capacity": [
            {"site": "north", "kind": "gpu", "count": 7, "starts": "2026-01-01", "ends": "2026-02-01"},
            {"site": "north", "kind": "gpu", "count": 9, "starts": "2026-02-01", "ends": "2026-04-01"},
            {"site": "south", "kind": "core", "count": 11, "starts": "2026-02-15", "ends": "2026-03-11",
             "only": ["c"], "assumed": True},
        ],
        **changes,
    }  # fmt: skip


def read(table: dict[str, Any]) -> PlanDocument:
    return parse_document(table, PlanDocument, "plan.toml")


def test_the_example_says_what_the_speech_says() -> None:
    plan = read_document(KOREA, PlanDocument)
    assert checking.problems(plan) == []
    months = apportionment.by_month(plan)
    assert [month.month for month in months] == [f"2026-{number:02d}" for number in range(3, 13)]
    december = months[-1]
    centre = {
        share: hours for (site, share), (hours, _) in december.parts.items() if site == plan.site[0].name
    }
    assert sum(centre.values()) == 10_000 * 24 * 31
    assert centre["national-projects"] * 2 == centre["industry"] * 10 // 3 == sum(centre.values())
    assert not any(plan.site[1].name == site for month in months[:4] for site, _ in month.parts)
    assert all(month.of_site(plan.site[1].name) for month in months[4:])
    research = {share for site, share in months[5].parts if site == plan.site[1].name}
    assert research == {"academia-research"}
    assert [line.assumed for line in plan.capacity].count(False) == 1


def test_months_are_apportioned_by_themselves_and_lose_nothing() -> None:
    plan = read(small())
    january, february, march = apportionment.by_month(plan)
    assert january.hours == 7 * 24 * 31
    assert february.hours == 9 * 24 * 28 + 11 * 24 * 14
    assert march.count == 9 + 11
    for month in (january, february, march):
        assert sum(hours for hours, _ in month.parts.values()) == month.hours
    assert february.of_share("c") == (february.of_share("c/x")[0] + february.of_share("c/y")[0], 11 * 24 * 14)
    assert february.normalised_hours == Decimal("0.1") * 9 * 24 * 28 + 11 * 24 * 14
    assert january.normalised_hours == Decimal("1.5") * 7 * 24 * 31


@given(st.integers(0, 10**9), st.lists(st.integers(1, 40), min_size=1, max_size=6))
def test_nested_parts_sum_and_each_level_keeps_quota(total: int, weights: list[int]) -> None:
    whole = sum(weights)
    percents = [Decimal(weight * 100) / whole for weight in weights]
    rounded = [percent.quantize(Decimal("0.0001")) for percent in percents]
    rounded[-1] = Decimal(100) - sum(rounded[:-1])
    if min(rounded) <= 0:
        return
    titles = {"title_en": "A", "title_ko": "가"}
    below = [{"name": f"c/s{n}", **titles, "percent": str(p)} for n, p in enumerate(rounded)]
    plan = read(small(share=[*small()["share"][:3], *below]))
    assert checking.problems(plan) == []
    parts = apportionment.apportion(plan, total)
    assert sum(parts.values()) == total
    tops = books.largest_remainder(total, {"a": 50, "b": 30, "c": 20})
    assert parts["a"] == tops["a"]
    assert sum(part for name, part in parts.items() if name.startswith("c/")) == tops["c"]
    for number, percent in enumerate(rounded):
        assert abs(parts[f"c/s{number}"] - tops["c"] * percent / 100) < 1


Change = Callable[[dict[str, Any]], object]
BAD: dict[str, tuple[Change, str]] = {
    "shares that do not sum": (lambda t: t["share"][0].update(percent=49), "shares-do-not-sum"),
    "parts that do not sum": (lambda t: t["share"][4].update(percent="66.8"), "shares-do-not-sum"),
    "overlapping periods": (lambda t: t["capacity"][0].update(ends="2026-02-02"), "periods-overlap"),
    "no factor": (lambda t: t["kind"][0].update(factor=[]), "kind-without-factor"),
    "a factor that begins too late": (
        lambda t: t["kind"][1].update(factor=[{"version": 1, "starts": "2026-03-01", "value": 1}]),
        "kind-without-factor",
    ),
    "an unknown site": (lambda t: t["capacity"][0].update(site="west"), "unknown-in-plan"),
    "an unknown kind": (lambda t: t["capacity"][0].update(kind="tpu"), "unknown-in-plan"),
    "an unknown share": (lambda t: t["capacity"][2].update(only=["d"]), "unknown-in-plan"),
    "a part of nothing": (lambda t: t["share"][3].update(name="d/x"), "unknown-in-plan"),
    "a kind twice": (lambda t: t["kind"].append(t["kind"][0]), "named-twice"),
    "a factor twice": (lambda t: t["kind"][0]["factor"][1].update(version=1), "named-twice"),
    "a period that ends before it starts": (
        lambda t: t["capacity"][0].update(starts="2026-03-01"), "outside-plan"
    ),
    "a line outside the plan": (lambda t: t["capacity"][1].update(ends="2026-04-02"), "outside-plan"),
    "half a month": (lambda t: t["plan"].update(starts="2026-01-02"), "outside-plan"),
    "a century": (lambda t: t["plan"].update(ends="2126-01-01"), "outside-plan"),
    "a factor within a month": (
        lambda t: t["kind"][0]["factor"][1].update(starts="2026-02-02"), "outside-plan"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_problem_is_named(name: str, office: Office) -> None:
    change, code = BAD[name]
    table = copy.deepcopy(small())
    change(table)
    plan = read(table)
    problems = checking.problems(plan)
    assert code in {problem.code for problem in problems}
    for problem in problems:
        for language in ("en", "ko"):
            told = problem.in_language(language)
            assert "{" not in f"{told.what}{told.why}{told.next}"
    with office.home.database.write() as session, pytest.raises(type(problems[0])):
        service.adopt(session, office.officer, plan)
    with office.home.database.read() as session:
        assert service.every(session) == []


@pytest.mark.parametrize("count", [-1, 0, 1.5, "8", True, 10**9])
def test_a_count_is_a_whole_positive_number(count: object) -> None:
    table = small()
    table["capacity"][0]["count"] = count
    with pytest.raises(BadValue) as caught:
        read(table)
    assert "capacity.0.count" in str(caught.value)


def test_a_misspelt_key_is_named() -> None:
    table = small()
    table["capacity"][0]["asumed"] = True
    with pytest.raises(UnknownKey, match="asumed"):
        read(table)


def test_what_changes_between_two_plans() -> None:
    before, after = small(), small()
    after["capacity"][1]["count"] = 10
    after["capacity"].pop(2)
    first, second = read(before), read(after)
    edits = comparing.edits(first, second)
    assert [(edit.table, edit.change) for edit in edits] == [("capacity", "changed"), ("capacity", "removed")]
    assert edits[0].values == (("count", "9", "10"),)
    shifts = comparing.shifts(first, second)
    assert {shift.month for shift in shifts} == {"2026-02", "2026-03"}
    gained = sum(shift.by for shift in shifts)
    assert gained == 24 * (28 + 31) - 11 * 24 * (14 + 10)
    assert comparing.shifts(first, first) == comparing.edits(first, first) == []


def test_plans_are_numbered_and_earlier_ones_stay(office: Office) -> None:
    stranger = office.join("inst", "operator", kind="institute")
    with office.home.database.write() as session, pytest.raises(NotPermitted):
        service.adopt(session, stranger, read(small()))
    with office.home.database.write() as session:
        assert service.adopt(session, office.officer, read(small())).reference == "small@1"
    with office.home.database.write() as session, pytest.raises(PlanUnchanged):
        service.adopt(session, office.officer, read(small()))
    changed = small()
    changed["capacity"][0]["count"] = 8
    with office.home.database.write() as session:
        assert service.adopt(session, office.officer, read(changed)).number == 2
    with office.home.database.read() as session:
        assert service.get(session, "small").document.capacity[0].count == 8
        assert service.get(session, "small@1").document.capacity[0].count == 7
        for wrong in ("small@3", "small@x", "small@", "large", "small@99999999999"):
            with pytest.raises(NoSuchPlan):
                service.get(session, wrong)


def test_a_site_declares_what_the_plan_says_of_it_once(office: Office) -> None:
    operator, other = office.join("inst", "operator", kind="institute"), office.join("rival", "operator")
    with office.home.database.write() as session:
        plan = service.adopt(session, office.officer, read(small()))
    with office.home.database.write(grouped=True) as session, pytest.raises(NotPermitted):
        service.enact(session, other, plan, "north")
    with office.home.database.write(grouped=True) as session, pytest.raises(NotInPlan):
        service.enact(session, operator, plan, "west")
    with office.home.database.write(grouped=True) as session:
        made = service.enact(session, operator, plan, "north")
    assert [(one.starts_at[:7], one.count) for one in made] == [
        ("2026-01", 7),
        ("2026-02", 9),
        ("2026-03", 9),
    ]
    with office.home.database.read() as session:
        for one in made:
            shares = supply.shares_of(session, one.capacity_id)
            assert list(shares) == ["a", "b", "c/x", "c/y"]
            assert sum(allotted for allotted, _ in shares.values()) == one.resource_seconds
        totals = books.trial_balance(session)
        assert books.balanced(totals)
    with office.home.database.write(grouped=True) as session, pytest.raises(AlreadyEnacted):
        service.enact(session, operator, plan, "north")
    with office.home.database.read() as session:
        assert books.trial_balance(session) == totals


def test_a_later_plan_adds_months_and_an_earlier_one_is_not_enacted(office: Office) -> None:
    operator = office.join("inst", "operator", kind="institute")
    short, longer = small(), small()
    short["capacity"].pop(1)
    with office.home.database.write() as session:
        first = service.adopt(session, office.officer, read(short))
    with office.home.database.write(grouped=True) as session:
        service.enact(session, operator, first, "north")
    with office.home.database.write() as session:
        second = service.adopt(session, office.officer, read(longer))
    with office.home.database.write(grouped=True) as session, pytest.raises(PlanSuperseded):
        service.enact(session, operator, first, "north")
    with office.home.database.write(grouped=True) as session:
        made = service.enact(session, operator, second, "north")
    assert [one.starts_at[:7] for one in made] == ["2026-02", "2026-03"]
    with office.home.database.read() as session:
        for kind, subject in (
            ("capacity.declared", made[1].capacity_id), ("capacity.split", made[1].capacity_id),
            ("plan.enacted", second.reference),
        ):  # fmt: skip
            entry = log.find(session.connection, kind, subject)
            assert entry is not None and list(entry.decided) == ["role/operator-runs-site"]


def test_a_planned_site_is_its_operators(office: Office) -> None:
    office.join("inst", "operator", kind="institute")
    squatter = office.join("rival", "operator")
    now = datetime(2026, 1, 1, tzinfo=UTC)
    with office.home.database.write() as session:
        supply.declare(session, squatter, "south", "gpu", 1, now, now + timedelta(days=1))
    with office.home.database.write() as session:
        plan = service.adopt(session, office.officer, read(small()))
    with office.home.database.write() as session, pytest.raises(NotPermitted):
        supply.declare(session, squatter, "north", "gpu", 1, now, now + timedelta(days=1))
    other = office.join("other", "operator", kind="institute")
    with office.home.database.write(grouped=True) as session, pytest.raises(SiteOfAnother, match="rival"):
        service.enact(session, other, plan, "south")
    with office.home.database.write(grouped=True) as session, pytest.raises(NotPermitted):
        service.enact(session, squatter, plan, "south")


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_sheet_is_one_page_or_says_which_font_is_missing(language: str) -> None:
    typst = pytest.importorskip("typst")
    from madang.interfaces.sheets import plan_sheet

    plan = read_document(KOREA, PlanDocument)
    if not any("CJK KR" in name or "Pretendard" in name for name in typst.Fonts().families()):
        with pytest.raises(plan_sheet.FontMissing):
            plan_sheet.render(plan, language)
        return
    made = plan_sheet.render(plan, language, "korea-2026@1")
    assert made.startswith(b"%PDF-")
    assert re.findall(rb"/Count (\d+)", made) == [b"1"]
