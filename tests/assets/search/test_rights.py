"""What each may find, and what they may do with it: against the rules themselves."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from madang.assets import lineage
from madang.assets.errors import NoSuchVersion
from madang.assets.model import Version, versions
from madang.assets.search import following, service
from madang.assets.search.port import Query
from madang.assets.search.service import Asked
from madang.assets.withdrawing import service as withdrawing
from madang.interfaces.demo import cast
from madang.kernel.authorizer import OUTSIDER, Principal
from madang.kernel.errors import MadangError
from madang.kernel.home import Home
from tests.assets.search.conftest import RECORDS
from tests.conftest import Played


def test_an_outsider_finds_nothing_and_counts_nothing(desk: tuple[Home, Principal]) -> None:
    answer = service.search(desk[0], OUTSIDER, Asked(""))
    assert (answer.count, list(answer.found), dict(answer.facets)) == (0, [], {})


def test_everyone_finds_just_what_they_may_know_of(played: Played) -> None:
    """Against the rule itself, for every organization and version."""
    with played.home.database.read() as session:
        every = [Version(**row) for row in session.rows(sa.select(versions))]
    people = [*played.stage.tokens]
    assert len(people) > 10
    for organization, name in people:
        actor = played.actor(organization, name)
        answer = service.search(played.home, actor, Asked("", limit=1000))
        shown = {one.what.name for one in answer.found if isinstance(one.what, Version)}
        allowed = set()
        for version in every:
            with played.home.database.read() as session:
                try:
                    lineage.see(session, actor, version.version_id)
                except NoSuchVersion:
                    continue
            allowed.add(version.name)
        assert shown == allowed, organization
        assert answer.count == len(answer.found)
        assert sum(count for _, count in answer.facets["kind"]) == answer.count


@pytest.mark.parametrize("action", ["pool", "train", "evaluate", "query", "download"])
def test_what_may_i_do_is_what_the_agreements_decide(played: Played, action: str) -> None:
    _lists_what_is_allowed(played, action)


@pytest.mark.parametrize("action", ["train", "evaluate", "download"])
def test_what_was_taken_back_below_it_may_not_be_used(copied: Played, action: str) -> None:
    following.level(copied.home)
    owner = copied.actor(cast.COMPANIES[0])
    deposit = copied.stage.notes[f"deposit:{cast.COMPANIES[0]}"]
    with copied.home.database.write() as session:
        withdrawing.withdraw(session, owner, deposit, "the recorder was wrong")
    _lists_what_is_allowed(copied, action)
    pool = copied.stage.notes["pool"]
    asked = Asked("", may=action, limit=1000)
    answer = service.search(copied.home, copied.actor(cast.LEAD), asked)
    assert pool not in {one.what.name for one in answer.found if isinstance(one.what, Version)}
    withdrawing.destroy(copied.home, owner, deposit)
    answer = service.search(copied.home, owner, asked)
    assert deposit not in {one.what.name for one in answer.found if isinstance(one.what, Version)}


def _lists_what_is_allowed(played: Played, action: str) -> None:
    """The search lists just the versions that each may use so, as the rule itself decides of each."""
    with played.home.database.read() as session:
        every = [Version(**row) for row in session.rows(sa.select(versions))]
    for organization in (cast.LEAD, cast.JUDGE, cast.COMPANIES[0], cast.MIRRORED):
        actor = played.actor(organization, "steward" if organization == cast.JUDGE else None)
        answer = service.search(played.home, actor, Asked("", may=action, limit=1000))
        allowed = set()
        for version in every:
            with played.home.database.read() as session:
                try:
                    lineage.see(session, actor, version.version_id)
                    lineage.authorize_use(session, actor, action, version)
                except MadangError:
                    continue
            allowed.add(version.name)
        assert {one.what.name for one in answer.found if isinstance(one.what, Version)} == allowed, (
            organization
        )


def test_a_query_without_rights_is_everything_and_none(desk: tuple[Home, Principal]) -> None:
    index = following.level(desk[0])
    assert index.search(Query(seen_by=None)).count == len(RECORDS)
    assert index.search(Query(seen_by=("nobody",))).count == 0
