"""Receipts, rehearsals and calendars."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from icalendar import Calendar

from madang.agreements.model import AgreementDocument
from madang.assets import lineage, reads
from madang.assets import service as assets
from madang.interfaces.demo import cast
from madang.interfaces.demo.stage import example
from madang.kernel import clock
from madang.kernel.authorizer import OUTSIDER, Principal
from madang.kernel.errors import SignatureInvalid
from madang.kernel.ledger import log
from madang.kernel.ledger.note import open_note
from madang.kernel.paging import Slice
from madang.kernel.settings import read_document
from madang.programme import calendar, rehearsal, uses
from madang.programme.errors import NotYours
from madang.programme.verification import verify_home
from tests.conftest import Played


def test_a_receipt_lists_each_use_and_what_came_of_it(copied: Played, tmp_path: Path) -> None:
    assets.download(copied.home, copied.actor("company-b"), f"{cast.LEAD}/policy@1", tmp_path / "policy")
    owner = copied.actor("company-a")
    text = uses.receipt(copied.home, owner, copied.stage.notes["deposit:company-a"], "en")
    body = open_note(text, copied.home.database.keys.signer.verifier)
    with copied.home.database.read() as session:
        version = lineage.get(session, copied.stage.notes["deposit:company-a"])
        found = uses.of(session, owner, version)
    shown = [use.action for use in found if use.action != "look"]  # other tests look at pages
    assert shown == ["train", "evaluate", "pool", "train", "evaluate", "download"]
    assert f"{len(found)} uses" in body
    for words in (
        "became part of institute-a/pool@1",
        "made institute-a/policy@1",
        "reached",
        "files were taken",
    ):
        assert words in body
    for use in found:
        assert use.grounds
        if use.entry is not None:
            with copied.home.database.read() as session:
                entry = log.tail(session.connection, Slice(10_000))[::-1][use.entry]
            assert entry.facts["grounds"] == list(use.grounds)
    with pytest.raises(SignatureInvalid):
        altered = text.replace("company-b", "company-c")
        open_note(altered, copied.home.database.keys.signer.verifier)
    korean = uses.receipt(copied.home, owner, version.name, "ko")
    assert "사용 내역" in korean
    assert "programme." not in korean
    assert verify_home(copied.home).holds


def test_only_the_owner_and_overseers_get_a_receipt(played: Played) -> None:
    name = played.stage.notes["deposit:company-a"]
    with pytest.raises(NotYours):
        uses.receipt(played.home, played.actor("company-b"), name, "en")
    assert "uses" in uses.receipt(played.home, played.actor(cast.MINISTRY, "officer"), name, "en")


def draft(**changes: object) -> AgreementDocument:
    document = read_document(example("agreement.toml"), AgreementDocument)
    header = document.agreement.model_copy(update={"name": "draft"})
    clauses = [
        clause.model_copy(update=changes) if clause.effect == "permit" else clause
        for clause in document.clause
    ]
    return AgreementDocument(agreement=header, clause=tuple(clauses))


def test_the_same_agreement_would_stop_nothing_and_a_narrower_one_says_what(played: Played) -> None:
    lead = played.actor(cast.LEAD)
    with played.home.database.read() as session:
        size = log.size_of(session.connection)
        same = rehearsal.rehearse(session, lead, draft())
        narrow = rehearsal.rehearse(session, lead, draft(by=("company-a",)))
        assert log.size_of(session.connection) == size
    assert len(same.replayed) >= 14
    assert same.stopped == ()
    assert {by for use in same.replayed for by in use.by} <= {f"draft/draft/{n}" for n in range(1, 9)} | {
        "role/owner-uses-own"
    }
    stopped = {(use.organization, use.action) for use in narrow.stopped}
    assert {(cast.LEAD, "pool"), (cast.LEAD, "train")} <= stopped
    assert all(use.organization != "company-a" or use.action == "evaluate" for use in narrow.stopped)


def test_nothing_older_than_asked_is_replayed_and_strangers_see_no_uses(played: Played) -> None:
    lead = played.actor(cast.LEAD)
    with played.home.database.read() as session:
        stranger = Principal("m", "stranger", "company", frozenset())
        told = rehearsal.rehearse(session, stranger, draft())
        assert told.replayed == ()
        assert len(told.clauses) == 8
        with clock.use_clock(lambda: datetime(2027, 3, 1, tzinfo=UTC)):
            assert rehearsal.rehearse(session, lead, draft()).replayed == ()


def test_each_clause_is_told_in_plain_words_of_both_languages(played: Played) -> None:
    document = draft()
    for clause in document.clause:
        means = rehearsal.meaning(document, clause)
        english, korean = means.in_language("en"), means.in_language("ko")
        assert "programme." not in english + korean
        assert "{" not in english + korean
    first = rehearsal.meaning(document, document.clause[0]).in_language("en")
    assert first.startswith("institute-a may pool and train on the data of company-a")
    assert "until 2027-06-30" in first
    kept = rehearsal.meaning(document, document.clause[1]).in_language("en")
    assert kept.endswith("models made from the data afterwards too.")


def test_deadlines_are_a_calendar_that_a_library_reads(played: Played) -> None:
    with played.home.database.read() as session:
        mine = calendar.deadlines(session, played.actor(cast.LEAD))
        public = calendar.deadlines(session, OUTSIDER)
    assert [one.key for one in public] == [f"mission/{cast.MISSION}"]
    read = Calendar.from_ical(calendar.as_icalendar(mine, "madang.test", "ko"))
    events = {str(event["UID"]): event for event in read.walk("VEVENT")}
    assert len(events) == len(mine) >= 6
    duty = events[f"duty/{cast.AGREEMENT}/7/{cast.LEAD}@madang.test"]
    assert duty.decoded("DTSTART") == date(2027, 5, 31)
    assert "모델 반환" in str(duty["SUMMARY"])
    assert all(event.walk("VALARM") for event in events.values())
    again = calendar.as_icalendar(mine, "madang.test", "ko")
    assert {str(e["UID"]) for e in Calendar.from_ical(again).walk("VEVENT")} == set(events)


def test_reads_of_what_is_derived_are_uses_too(copied: Played) -> None:
    assets.look(copied.home, copied.actor("company-c"), f"{cast.LEAD}/pool@1")
    reads.record(copied.home)
    with copied.home.database.read() as session:
        version = lineage.get(session, copied.stage.notes["deposit:company-a"])
        found = uses.of(session, copied.actor("company-a"), version)
    assert found[-1].organization == "company-c"
    assert found[-1].action == "look"
