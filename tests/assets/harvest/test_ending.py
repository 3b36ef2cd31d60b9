"""Sources that end: nobody finds their records, nothing of them is lost, and they can be taken up again."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy as sa

from madang.assets.catalogue import service as catalogue
from madang.assets.catalogue.errors import NoSuchRecord, SourceEnded
from madang.assets.catalogue.model import Source, record_id, records
from madang.assets.search import following, service
from madang.assets.search.service import Asked
from madang.kernel.errors import NotPermitted
from madang.programme.verification import verify_home
from tests.assets.harvest.catalogues import Catalogue
from tests.assets.harvest.desk import Desk


def _end(desk: Desk) -> Source:
    with desk.home.database.write() as session:
        return catalogue.end(session, desk.steward, "source")


def _found(desk: Desk) -> int:
    return service.search(desk.home, desk.steward, Asked("Record")).count


@pytest.fixture
def ended(desk: Desk, served: Catalogue) -> Desk:
    """A source of twelve records that were found, and are not since it ended."""
    served.fill(12)
    desk.add("ckan", f"{served.url}/ckan")
    desk.run()
    assert _found(desk) == 12
    _end(desk)
    return desk


def test_its_records_are_found_no_more_and_are_on_record(ended: Desk) -> None:
    assert _found(ended) == 0
    following.make(ended.home)
    assert _found(ended) == 0
    with ended.home.database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(records)) == 12
        with pytest.raises(NoSuchRecord):
            catalogue.record(session, ended.steward, record_id("source", "oai:x:0001"))
        source = catalogue.see(session, ended.steward, "source")
        assert catalogue.records_of(session, ended.steward, "source") == []
        assert catalogue.shown(session, source) == 0
    assert verify_home(ended.home).holds


def test_it_is_neither_harvested_nor_ended_again(ended: Desk) -> None:
    for again in (ended.run, lambda: _end(ended)):
        with pytest.raises(SourceEnded, match="madang harvest change source"):
            again()


def test_it_is_taken_up_again_at_its_address(ended: Desk, served: Catalogue) -> None:
    with ended.home.database.write() as session:
        made = catalogue.change(session, ended.steward, "source", f"{served.url}/ckan", {})
    assert made.ended_at is None
    assert _found(ended) == 12
    done = ended.run()
    assert (done.state, done.seen, done.made) == ("finished", 12, 0)


def test_only_its_own_steward_ends_it(desk: Desk, served: Catalogue) -> None:
    desk.add("ckan", f"{served.url}/ckan")
    for other in (replace(desk.steward, organization="other"), replace(desk.steward, roles=frozenset())):
        with pytest.raises(NotPermitted), desk.home.database.write() as session:
            catalogue.end(session, other, "source")
