"""`why`: every sentence stands on a value on record; change the value, and the sentence changes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from madang.interfaces.demo import cast
from madang.kernel import i18n
from madang.kernel.authorizer import OUTSIDER, Principal
from madang.missions.errors import NoSuchMission
from madang.programme import why
from madang.programme.errors import NothingKnown
from madang.programme.why import Because
from tests import records
from tests.conftest import Played
from tests.reopening import reopened


def ask(played: Played, actor: Principal, what: str, action: str | None = None) -> list[Because]:
    with played.home.database.read() as session:
        return why.explain(session, actor, what, action)


def told(answer: list[Because], language: str = "en") -> str:
    return "\n".join(because.says.in_language(language) for because in answer)


JSON = "::json" if records.POSTGRES else ""


def replaced(table: str, column: str, old: str, new: str) -> str:
    text = f"replace(CAST({column} AS TEXT), '{old}', '{new}')"
    return f"UPDATE {table} SET {column} = {text}{JSON}"


CASES: dict[str, tuple[Callable[[Played], tuple[str, str, str | None]], list[str], list[str], list[str]]] = {
    "not reached": (
        lambda played: ("company-a", played.stage.notes["submission:alone"], None),
        [],
        ["below the target 0.8"],
        ["UPDATE scores SET lower = 0.017 WHERE outcome = 'not-reached'"],
    ),
    "quarantined": (
        lambda played: ("company-d", played.stage.notes[f"deposit:{cast.MIRRORED}"], None),
        [],
        ["is quarantined", "goes against the motion"],
        [replaced("findings", "evidence", '"contributors": 4', '"contributors": 14')],
    ),
    "denied": (
        lambda played: ("company-b", played.stage.notes["deposit:company-a"], "download"),
        [],
        ["company-b may not download company-a/reach@1", "Clause 3"],
        ["UPDATE agreement_clauses SET policy = '' WHERE number = 3"],
    ),
    "allowed": (
        lambda played: (cast.LEAD, played.stage.notes["deposit:company-a"], "train"),
        [],
        ["may train", "agreement/manipulation-10-data/1"],
        ["UPDATE versions SET state = 'received' WHERE owner = 'company-a' AND kind = 'dataset'"],
    ),
    "accepted": (
        lambda played: ("company-a", played.stage.notes["deposit:company-a"], None),
        [],
        ["is accepted"],
        ["UPDATE versions SET state = 'received' WHERE owner = 'company-a' AND kind = 'dataset'"],
    ),
    "made": (
        lambda played: (cast.LEAD, f"{cast.LEAD}/policy@1", None),
        [],
        ["was made by run-"],
        [f"UPDATE versions SET made_by = NULL WHERE owner = '{cast.LEAD}'"],
    ),
    "a run that ended": (
        lambda played: (cast.LEAD, played.stage.notes["run"], None),
        [],
        ["It used", "its exit code was 0"],
        ["UPDATE runs SET used_resource_seconds = 9999"],
    ),
    "a run that waits": (
        lambda played: (cast.LEAD, played.stage.notes["run"], None),
        ["UPDATE runs SET state = 'queued', queued_at = '2026-11-22T00:00:00.000Z'"],
        ["0 runs go before it"],
        [
            "UPDATE runs SET queued_at = '2026-11-21T00:00:00.000Z' WHERE organization = 'company-a'",
        ],
    ),
    "an award": (
        lambda played: (cast.LEAD, played.stage.notes[f"award:{cast.LEAD}"], None),
        [],
        ["was awarded 3600 resource-seconds"],
        ["UPDATE awards SET resource_seconds = 7200"],
    ),
    "not awarded": (
        lambda played: ("company-b", cast.MISSION, None),
        [],
        ["company-b has no award"],
        ["UPDATE awards SET organization = 'company-b' WHERE organization = 'company-a'"],
    ),
    "a broken guard-rail": (
        lambda played: (cast.LEAD, played.stage.notes["submission:pooled"], None),
        [],
        ["overdriven holds"],
        [replaced("scores", "statement", '"holds": true', '"holds": false')],
    ),
    "reached": (
        lambda played: (cast.LEAD, cast.MISSION, None),
        [],
        ["is reached by sub-"],
        ["UPDATE scores SET outcome = 'not-reached'"],
    ),
    "refused": (
        lambda played: (cast.LEAD, played.stage.notes["submission:pooled"], None),
        ["UPDATE submissions SET state = 'refused', problem = 'It is no model.'"],
        ["refused it: It is no model."],
        ["UPDATE submissions SET problem = 'It answered with nothing.'"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_sentence_changes_with_its_value(copied: Played, case: str) -> None:
    pick, arrange, words, change = CASES[case]
    organization, what, action = pick(copied)
    actor = copied.actor(organization)
    if arrange:
        records.tamper(copied.home.database, *arrange)
    before = ask(copied, actor, what, action)
    for word in words:
        assert word in told(before)
    records.tamper(copied.home.database, *change)
    after = ask(copied, actor, what, action)
    assert told(after) != told(before)
    assert [b.stands_on for b in after] != [b.stands_on for b in before]
    korean = told(after, "ko")
    assert "programme.why" not in korean
    assert "{" not in korean


def test_before_the_final_half_is_open(copied: Played) -> None:
    reopened(copied)
    lead = copied.actor(cast.LEAD)
    submission = copied.stage.notes["submission:pooled"]
    assert "nobody has asked to open it" in told(ask(copied, lead, submission))
    assert "only the final half decides" in told(ask(copied, lead, cast.MISSION))
    from madang.scores import opening

    with copied.home.database.write() as session:
        opening.approve(session, copied.actor(cast.MINISTRY, "officer"), cast.MISSION)
    assert "msit asked on" in told(ask(copied, lead, submission))
    with copied.home.database.write() as session:
        opening.approve(session, copied.actor(cast.JUDGE, "evaluator"), cast.MISSION)
    assert "the evaluator has not scored it yet" in told(ask(copied, lead, submission))


def test_outsiders_learn_no_more_than_elsewhere(played: Played) -> None:
    outside = told(ask(played, OUTSIDER, cast.MISSION))
    assert "only its participants see more" in outside
    stranger = Principal("m", "stranger", "company", frozenset({"researcher"}))
    for what in (
        played.stage.notes["submission:pooled"], played.stage.notes["run"], f"{cast.LEAD}/policy@1",
        played.stage.notes["deposit:company-a"], "sub-none", "run-none", "awd-none", "none", "a/b@1",
    ):  # fmt: skip
        with pytest.raises(NothingKnown):
            ask(played, stranger, what)
    assert NoSuchMission  # hidden missions answer as absent ones


def test_every_sentence_has_both_languages() -> None:
    english = {key for key in i18n.catalogue("en") if key.startswith("programme.why.")}
    assert english == {key for key in i18n.catalogue("ko") if key.startswith("programme.why.")}
    assert len(english) > 25
