"""Who may see which ledger entry: what speaks of what one may know of, and nothing else."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from madang.agreements import service as agreements
from madang.agreements.model import AgreementDocument
from madang.interfaces.demo import cast
from madang.kernel.ledger import log
from madang.kernel.paging import Slice
from madang.programme import entries, search
from madang.programme.errors import NoSuchEntry
from tests.conftest import Played

EXAMPLE = Path(__file__).parents[2] / "examples" / "manipulation-10" / "agreement.toml"


def test_an_agreement_of_others_stays_theirs_in_the_ledger_too(copied: Played) -> None:
    content = tomllib.loads(EXAMPLE.read_text("utf-8"))
    content["agreement"] |= {"name": "secret-ab", "parties": ["company-a", "company-b"]}
    content["clause"] = [c for c in content["clause"] if c["effect"] == "ending"]
    with copied.home.database.write() as session:
        agreements.draft(session, copied.actor("company-a"), AgreementDocument.model_validate(content))
    with copied.home.database.read() as session:
        (entry,) = log.find_all(session.connection, "agreement.drafted", "secret-ab")
        assert entries.see(session, copied.actor("company-b"), entry.position).subject == "secret-ab"
        for other in (copied.actor("company-c"), copied.actor(cast.LEAD)):
            with pytest.raises(NoSuchEntry):
                entries.see(session, other, entry.position)


def test_a_participant_opens_what_speaks_of_its_mission(played: Played) -> None:
    lead = played.actor(cast.LEAD)
    with played.home.database.read() as session:
        seen, hidden = set(), set()
        for entry in log.tail(session.connection, Slice(1000)):
            try:
                entries.see(session, lead, entry.position)
                seen.add(entry.kind)
            except NoSuchEntry:
                hidden.add(entry.kind)
    assert {"score.recorded", "feedback.recorded", "version.checked", "run.ended", "award.made"} <= seen
    assert {"token.issued", "member.added", "organization.registered"} <= hidden
    assert not {"score.recorded", "version.checked", "agreement.signed"} & hidden


@pytest.mark.parametrize("position", [-1, 10**6, 10**30])
def test_positions_that_are_none(played: Played, position: int) -> None:
    with played.home.database.read() as session, pytest.raises(NoSuchEntry):
        entries.see(session, played.actor(cast.MINISTRY, "officer"), position)


def test_a_whole_name_is_found_first(played: Played) -> None:
    with played.home.database.read() as session:
        hits = search.search(session, played.actor(cast.LEAD), "company-a/reach@1")
    assert hits[0].name == "company-a/reach@1"
