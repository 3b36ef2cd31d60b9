"""A call from its opening to its awards: who may do what when, and that nothing is half done."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from madang.allocations import books
from madang.allocations import service as supply
from madang.allocations.calls import deciding, service
from madang.allocations.calls.model import ApplicationDocument, CallDocument
from madang.allocations.errors import (
    AlreadyApplied,
    ApplicationWithdrawn,
    CallDecided,
    CallExists,
    CallOpen,
    CallOver,
    ClosesInPast,
    ConflictDeclared,
    DecisionChanged,
    MonthsOver,
    NoSuchApplication,
    NotAllReviewed,
    NotDecided,
    NothingToAward,
    NotParticipant,
    OverTheCall,
    TooFewReviewers,
)
from madang.interfaces.demo import cast
from madang.kernel import clock
from madang.kernel.authorizer import Principal
from madang.kernel.errors import NotPermitted
from madang.kernel.ledger import log
from madang.missions.errors import NoSuchMission
from madang.organizations import service as organizations
from madang.organizations.errors import NoSuchMember
from madang.programme.verification import verify_home
from tests import records
from tests.conftest import Played
from tests.interfaces.commands import here, refused

PLACE = {"site": "center-b", "kind": "cpu-core"}


def month(played: Played) -> datetime:
    """The first day of the second month of the demonstration's plan, which nobody has asked for."""
    with played.home.database.read() as session:
        second = supply.every_capacity(session)[1]
    return clock.from_text(second.starts_at)


def document(played: Played, **changes: Any) -> CallDocument:
    first = month(played)
    following = (first + timedelta(days=31)).replace(day=1)
    told = {
        "name": "second", "title_en": "Second", "title_ko": "둘째", "share": "industry",
        "starts": first.date(), "ends": following.date(), "reviews": 2,
        "closes": clock.now() + timedelta(days=1),
        "reviewers": ["msit/steward", "board/park", f"{cast.JUDGE}/steward"], **changes,
    }  # fmt: skip
    return CallDocument.model_validate(told)


def asking(played: Played, hours: int, **changes: Any) -> ApplicationDocument:
    request = {f"{month(played):%Y-%m}": hours}
    told = {
        "call": "second",
        "mission": cast.MISSION,
        "title": "Training",
        **PLACE,
        "request": request,
        **changes,
    }
    return ApplicationDocument.model_validate(told)


@pytest.fixture
def opened(copied: Played) -> Played:
    """A home with a call that is open for a day, and a reviewer who has no part in the mission."""
    officer = copied.actor("msit", "officer")
    with copied.home.database.write() as session:
        organizations.register(session, officer, "board", "institute", "Board", "위원회")
    with copied.home.database.write() as session:
        organizations.add_member(session, officer, "board", "park", ("auditor",))
    with copied.home.database.write() as session:
        service.open_call(session, officer, document(copied))
    return copied


def reviewer(played: Played) -> Principal:
    with played.home.database.read() as session:
        found = organizations.find_member(session, "board", "park")
    return Principal(found.member_id, "board", "institute", frozenset({"auditor"}))


def apply(played: Played, company: str, hours: int, *scores: int, **changes: Any) -> str:
    with played.home.database.write() as session:
        made = service.apply(session, played.actor(company), asking(played, hours, **changes))
    for actor, score in zip((played.actor("msit", "steward"), reviewer(played)), scores, strict=False):
        with played.home.database.write() as session:
            service.review(session, actor, made.application_id, score, "")
    return made.application_id


def later(days: float = 2) -> Callable[[], datetime]:
    at = datetime.now(UTC) + timedelta(days=days)
    return lambda: at


def decide(played: Played, *, unreviewed: bool = False) -> None:
    with clock.use_clock(later()), played.home.database.write(grouped=True) as session:
        deciding.decide_call(session, played.actor("msit", "officer"), "second", unreviewed=unreviewed)


def test_a_call_is_decided_once_after_it_closed_and_awards_what_it_grants(opened: Played) -> None:
    officer, home = opened.actor("msit", "officer"), opened.home
    with home.database.read() as session:
        (hours,) = service.supply_of(session, document(opened))[("center-b", "cpu-core")]
    first = apply(opened, "company-a", 10, 90, 91)
    second = apply(opened, "company-b", hours - 20, 80, 80)
    third = apply(opened, "company-c", 20, 70, 71)
    part = apply(opened, "company-d", 30, 70, 70, minimum=5)
    unread = apply(opened, "company-e", 1, 99)
    gone = apply(opened, "company-f", 1, 95, 95)
    with home.database.write() as session:
        service.withdraw(session, opened.actor("company-f"), gone)
    with home.database.read() as session, pytest.raises(NotDecided):
        deciding.decided(session, "second")
    with home.database.write(grouped=True) as session, pytest.raises(CallOpen):
        deciding.decide_call(session, officer, "second")
    with pytest.raises(NotAllReviewed, match=unread):
        decide(opened)
    decide(opened, unreviewed=True)
    with home.database.read() as session:
        made = deciding.decided(session, "second")
        ranking = {one.entry.application: one for one in deciding.repeat(made)}
        assert {name: (one.rank, one.reason) for name, one in ranking.items()} == {
            first: (1, "full"), second: (2, "full"), third: (3, "no-room"), part: (4, "part"),
            unread: (0, "too-few-reviews"),
        }  # fmt: skip
        for name, one in ranking.items():
            awards = supply.awards_of_application(session, name)
            assert sum(award.resource_seconds for award in awards) == sum(one.granted) * 3600
        assert books.balanced(books.trial_balance(session))
        assert service.supply_of(session, document(opened)) == {}
    with clock.use_clock(later()), home.database.write(grouped=True) as session, pytest.raises(CallDecided):
        deciding.decide_call(session, officer, "second")
    with home.database.write() as session, pytest.raises(CallDecided):
        service.review(session, reviewer(opened), first, 1, "")
    assert verify_home(home).holds


def test_what_each_may_see_of_a_decision(opened: Played) -> None:
    won, lost = apply(opened, "company-a", 10, 90, 90), apply(opened, "company-b", 10, 10, 10)
    decide(opened)
    with opened.home.database.read() as session:
        call, made = service.get(session, "second"), deciding.decided(session, "second")

        def seen(organization: str, name: str | None = None) -> dict[str, bool]:
            actor = opened.actor(organization, name)
            ranking = deciding.shown_ranking(session, actor, call, deciding.repeat(made))
            return {one.entry.application: whole for one, whole in ranking}

        assert seen("msit", "officer") == {won: True, lost: True}
        assert seen("company-b") == {won: False, lost: True}
        assert seen("company-a") == {won: True}
        assert seen("company-c") == {won: False}  # that it was granted, not how it was judged
        assert deciding.explain(session, opened.actor("company-b"), lost)[1].reason == "below-minimum-score"
        with pytest.raises(NoSuchApplication):
            deciding.explain(session, opened.actor("company-c"), lost)
        with pytest.raises(NotPermitted):
            deciding.inputs_for(session, opened.actor("company-b"), "second")


def test_conflicts_of_interest_are_kept_apart(opened: Played) -> None:
    made = apply(opened, "company-a", 10)
    judge = opened.actor(cast.JUDGE, "steward")  # named as a reviewer, and takes part in the mission
    with opened.home.database.write() as session, pytest.raises(NotPermitted, match="has a part"):
        service.review(session, judge, made, 100, "")
    with opened.home.database.write() as session, pytest.raises(NotPermitted, match="whom the call names"):
        service.review(session, opened.actor("msit", "officer"), made, 100, "")
    with opened.home.database.write() as session:
        service.review(session, reviewer(opened), made, None, "My former employer.")
    with opened.home.database.read() as session, pytest.raises(NoSuchApplication):
        service.see(session, reviewer(opened), made)  # an auditor's oversight does not open it again
    with opened.home.database.write() as session, pytest.raises(AlreadyApplied):
        service.apply(session, opened.actor("company-a"), asking(opened, 10))
    outside = organization_with_reviewer(opened)
    with opened.home.database.read() as session:
        assert service.see(session, outside, made).application_id == made
    with opened.home.database.write() as session:
        service.review(session, outside, made, None, "Their director is my sister.")
    with opened.home.database.read() as session:
        with pytest.raises(NoSuchApplication):
            service.see(session, outside, made)
        assert service.scores_of(session, "second") == {}
        assert service.visible_applications(session, outside, "second") == []
    with opened.home.database.write() as session, pytest.raises(ConflictDeclared):
        service.review(session, outside, made, 100, "I thought again.")
    with opened.home.database.read() as session:
        told = service.reviews_for(session, opened.actor("msit", "officer"), made)
        assert [one.score for one in told] == [None, None]
        with pytest.raises(NotPermitted):
            service.reviews_for(session, opened.actor("company-a"), made)


def organization_with_reviewer(played: Played) -> Principal:
    """A reviewer without oversight, put in the place of the second call's reviewers."""
    officer = played.actor("msit", "officer")
    with played.home.database.write() as session:
        organizations.add_member(session, officer, "board", "choi", ("researcher",))
    with played.home.database.read() as session:
        found = organizations.find_member(session, "board", "choi")
        call = service.get(session, "second").document
    changed = {**call.model_dump(mode="json"), "reviewers": ["board/choi"], "reviews": 1, "name": "third"}
    with played.home.database.write() as session:
        service.open_call(session, officer, CallDocument.model_validate(changed))
    records.tamper(
        played.home.database, "UPDATE calls SET document = (SELECT document FROM calls WHERE name = 'third') "
        "WHERE name = 'second'",
    )  # fmt: skip
    return Principal(found.member_id, "board", "institute", frozenset({"researcher"}))


WRONG: dict[str, tuple[dict[str, Any], type[Exception]]] = {
    "more than there is": ({"request": None, "hours": 10**7}, OverTheCall),
    "another month": ({"request": {"2031-01": 1}}, OverTheCall),
    "another site": ({"site": "center-z"}, OverTheCall),
    "another kind": ({"kind": "gpu"}, OverTheCall),
    "an unknown mission": ({"mission": "nothing"}, NoSuchMission),
}


@pytest.mark.parametrize("name", WRONG)
def test_an_application_over_the_call_is_refused(name: str, opened: Played) -> None:
    changes, expected = WRONG[name]
    hours = changes.get("hours", 1)
    told = {key: value for key, value in changes.items() if key != "hours" and value is not None}
    with opened.home.database.write() as session, pytest.raises(expected):
        service.apply(session, opened.actor("company-a"), asking(opened, hours, **told))
    with opened.home.database.read() as session:
        assert service.applications_of(session, "second") == []


def test_who_is_outside_a_mission_or_late_does_not_apply(opened: Played) -> None:
    stranger = Principal(reviewer(opened).member, "board", "institute", frozenset({"researcher"}))
    with opened.home.database.write() as session, pytest.raises(NotParticipant):
        service.apply(session, stranger, asking(opened, 1))
    with clock.use_clock(later()), opened.home.database.write() as session, pytest.raises(CallOver):
        service.apply(session, opened.actor("company-a"), asking(opened, 1))


def test_a_call_is_opened_on_what_there_is(opened: Played) -> None:
    officer = opened.actor("msit", "officer")
    for told, expected in (
        (document(opened), CallExists),
        (document(opened, name="x", share="nobody"), NothingToAward),
        (document(opened, name="x", closes=clock.now() - timedelta(seconds=1)), ClosesInPast),
        (document(opened, name="x", closes=clock.now() + timedelta(days=99)), MonthsOver),
        (document(opened, name="x", reviews=4), TooFewReviewers),
        (document(opened, name="x", reviewers=["msit/nobody"], reviews=1), NoSuchMember),
    ):
        with opened.home.database.write() as session, pytest.raises(expected):
            service.open_call(session, officer, told)
    with opened.home.database.write() as session, pytest.raises(NotPermitted):
        service.open_call(session, opened.actor("company-a"), document(opened, name="x"))


def test_who_competes_does_not_review_whichever_came_first(opened: Played) -> None:
    """A reviewer whose organization applied in the call, for another mission or this one, is left out."""
    officer = opened.actor("msit", "officer")
    with opened.home.database.write() as session:
        organizations.add_member(session, officer, "company-b", "rival", ("researcher",))
    with opened.home.database.read() as session:
        found = organizations.find_member(session, "company-b", "rival")
    rival = Principal(found.member_id, "company-b", "company", frozenset({"researcher"}))
    made = apply(opened, "company-a", 10, 90, 90)
    with opened.home.database.read() as session:
        assert service.scores_of(session, "second") == {made: [90, 90]}
    with opened.home.database.write() as session, pytest.raises(NotPermitted):
        service.review(session, rival, made, 0, "")
    records.tamper(
        opened.home.database, f"UPDATE reviews SET reviewer = '{rival.member}' "
        f"WHERE application_id = '{made}' AND reviewer = '{reviewer(opened).member}'",
    )  # fmt: skip
    apply(opened, "company-b", 5)
    with opened.home.database.read() as session:
        assert service.scores_of(session, "second") == {made: [90]}


def test_what_was_withdrawn_is_neither_reviewed_nor_explained(opened: Played) -> None:
    made, company = apply(opened, "company-a", 10), opened.actor("company-a")
    apply(opened, "company-b", 10, 90, 90)
    with opened.home.database.write() as session:
        service.withdraw(session, company, made)
    with opened.home.database.write() as session, pytest.raises(ApplicationWithdrawn):
        service.review(session, reviewer(opened), made, 90, "")
    decide(opened)
    with opened.home.database.read() as session, pytest.raises(ApplicationWithdrawn):
        deciding.explain(session, company, made)


def test_a_decision_does_not_wait_for_advice(opened: Played) -> None:
    """A minimum score of 0 and scores of 0 leave the optimum nothing to maximize."""
    officer = opened.actor("msit", "officer")
    with opened.home.database.write() as session:
        service.open_call(session, officer, document(opened, name="zero", minimum_score=0))
    made = apply(opened, "company-a", 10, 0, 0, call="zero")
    with clock.use_clock(later()):
        with opened.home.database.read() as session:
            advice = deciding.advise(session, officer, "zero")
        with opened.home.database.write(grouped=True) as session:
            told = deciding.decide_call(session, officer, "zero", advice)
    assert told.outcome["ranking"][0]["application"] == made
    assert told.outcome["ranking"][0]["reason"] == "full"
    assert told.outcome["optimum"] in (
        None,
        {"share": 1.0, "gap": 0.0, "only_ranked": [made], "only_optimal": []},
    )


def test_each_award_of_a_decision_names_what_permitted_it(opened: Played) -> None:
    made = apply(opened, "company-a", 10, 90, 90)
    decide(opened)
    with opened.home.database.read() as session:
        (award,) = supply.awards_of_application(session, made)
        entry = log.find(session.connection, "award.made", award.award_id)
    assert entry is not None and list(entry.decided) == ["role/officer-governs"]


def test_a_decision_that_was_changed_is_named(opened: Played) -> None:
    apply(opened, "company-a", 10, 90, 90)
    decide(opened)
    with opened.home.database.read() as session:
        made = deciding.decided(session, "second")
    for changed in ({**made.inputs, "minimum_score": 0}, {**made.inputs, "policy": "mine"}, {}):
        with pytest.raises(DecisionChanged):
            deciding.repeat(type(made)(**{**vars(made), "inputs": changed}))


def test_from_a_configuration_to_an_explanation_by_commands(opened: Played, tmp_path: Path) -> None:
    home, tokens = opened.home.path, opened.stage.tokens
    company, officer = tokens["company-a", "engineer"], tokens["msit", "officer"]
    plan = Path(__file__).parents[3] / "examples/korea-2026/plan.toml"
    draft = tmp_path / "application.toml"
    sized = here(
        "--home", home, "compute", "size", "--parameters", "1e6", "--tokens", "1e9", "--kind", "gpu-h200",
        "--plan", plan, "--call", "second", "--mission", cast.MISSION, "--site", "center-b",
        "--months", f"{month(opened):%Y-%m}", "--out", draft, "--json",
    )  # fmt: skip
    assert json.loads(sized.stdout)["gpu_hours"] == 1, sized.stderr  # 6e15 FLOP at 0.4 of 989 TFLOP/s: 15 s
    draft.write_text(draft.read_text().replace("gpu-h200", "cpu-core"))
    made = here("--home", home, "compute", "apply", draft, token=company)
    assert made.returncode == 0, made.stderr
    application = made.stdout.strip()
    refused(here("--home", home, "compute", "decide", "second", token=officer), "takes applications until")
    refused(here("--home", home, "compute", "explain", application, token=company), "not decided yet")
    refused(here("--home", home, "compute", "review", application, token=officer), "--score or --conflict")
    listed = here("--home", home, "compute", "applications", "second", "--json", token=company)
    assert [one["application_id"] for one in json.loads(listed.stdout)] == [application]
    assert json.loads(here("--home", home, "compute", "applications", "second", "--json",
                           token=tokens["company-b", "engineer"]).stdout) == []  # fmt: skip


def test_a_decision_is_repeated_from_its_inputs_without_a_home(played: Played, tmp_path: Path) -> None:
    officer, file = played.stage.tokens["msit", "officer"], tmp_path / "inputs.json"
    told = here("--home", played.home.path, "compute", "decision", "industry-1", "--out", file, "--json",
                token=officer)  # fmt: skip
    repeated = here("compute", "decide", "--inputs", file, "--json")
    assert json.loads(repeated.stdout) == json.loads(told.stdout)["ranking"]
    asked = ("--home", played.home.path, "compute", "decide", "industry-1", "--inputs", file)
    matched = here(*asked, token=officer)
    assert matched.returncode == 0 and "It matches the decision" in matched.stderr
    whole = json.loads(file.read_text())
    file.write_text(json.dumps({**whole, "minimum_score": 0}))
    other = here(*asked, token=officer)
    assert other.returncode == 4 and "does NOT match" in other.stderr
    first = whole["entries"][0]
    for wrong in (
        {}, [], {**whole, "minimum_score": None}, {**whole, "entries": [first, first]},
        {**whole, "entries": [{**first, "request": [1, 2]}]}, {**whole, "entries": [{**first, "score": "x"}]},
        {**whole, "supply": [{**whole["supply"][0], "hours": [None]}]}, {**whole, "policy": "mine"},
    ):  # fmt: skip
        file.write_text(json.dumps(wrong))
        refused(here("compute", "decide", "--inputs", file), "no inputs")
    explained = here(
        "--home", played.home.path, "--language", "ko", "compute", "explain",
        played.stage.notes[f"application:{cast.MIRRORED}"],
        token=played.stage.tokens[cast.MIRRORED, "engineer"],
    )  # fmt: skip
    assert "최소 필요량" in explained.stdout and "80.01점" in explained.stdout
