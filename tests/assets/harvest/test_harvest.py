"""Harvests: idempotent, resumable, incremental; nothing vanishes by a fault; problems are listed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from madang.assets.catalogue import service as catalogue
from madang.assets.catalogue.errors import NoSuchRecord, NoSuchSource
from madang.assets.catalogue.model import Harvest, Source, record_id
from madang.assets.harvest import running
from madang.assets.harvest.errors import BadAnswer, HarvestBusy, NothingFound, TooManyVanished
from madang.assets.harvest.journal import Journal
from madang.kernel.authorizer import Principal
from madang.kernel.errors import NotPermitted
from madang.kernel.outbound import NotFetched
from madang.programme.verification import verify_home
from tests.assets.harvest import catalogues
from tests.assets.harvest.catalogues import Catalogue, Held
from tests.assets.harvest.desk import Desk, counts


def test_a_repository_in_parts_then_only_what_changed(desk: Desk, served: Catalogue) -> None:
    served.fill(25)
    desk.add("oai-pmh", f"{served.url}/oai")
    first = desk.run()
    assert (first.whole, counts(first)) == (True, (25, 25, 0, 0, 0))
    served.records["oai:x:0003"] = Held("Record 3, mended", "2026-02-02T00:00:00Z")
    served.records["oai:x:0004"] = Held("", "2026-02-02T00:00:00Z", deleted=True)
    served.records["oai:x:0099"] = Held("Record 99", "2026-02-02T00:00:00Z")
    served.now = "2026-02-03T00:00:00Z"
    second = desk.run()
    assert (second.whole, counts(second)) == (False, (2, 1, 1, 1, 0))
    assert served.asked[-2]["from"] == "2026-01-31T23:00:00Z"  # an hour is asked for twice
    assert len(desk.titles()) == 25
    assert "Record 3, mended" in desk.titles()
    assert counts(desk.run()) == (0, 0, 0, 0, 0)  # nothing changed since: no error
    assert verify_home(desk.home).holds


def test_the_original_is_kept_byte_for_byte(desk: Desk, served: Catalogue) -> None:
    served.records = {"oai:x:1": Held("기온 & 강수 <한반도>"), "oai:x:2": Held("x")}
    desk.add("oai-pmh", f"{served.url}/oai")
    desk.run()
    with desk.home.database.read() as session:
        found = catalogue.record(session, desk.steward, record_id("source", "oai:x:1"))
    assert catalogue.original(desk.home, found).decode() == served.record(
        "oai:x:1", served.records["oai:x:1"]
    )
    assert found.description.title.ko == "기온 & 강수 <한반도>"


def test_what_is_harvested_again_changes_nothing(desk: Desk, served: Catalogue) -> None:
    served.fill(12)
    desk.add("ckan", f"{served.url}/ckan")
    assert counts(desk.run()) == (12, 12, 0, 0, 0)
    assert counts(desk.run()) == (12, 0, 0, 0, 0)
    del served.records["oai:x:0005"]
    assert counts(desk.run()) == (11, 0, 0, 1, 0)
    served.records["oai:x:0005"] = Held("Record 5")
    assert counts(desk.run()) == (12, 0, 1, 0, 0)  # it is back
    assert len(desk.titles()) == 12


def test_an_interrupted_walk_goes_on_where_it_was(desk: Desk, served: Catalogue) -> None:
    served.fill(35)
    desk.add("oai-pmh", f"{served.url}/oai")
    served.fail_after, served.fail_with = 5, 404  # formats, a part, Identify, two parts
    with pytest.raises(NotFetched):
        desk.run()
    stopped = desk.last()
    assert (stopped.state, stopped.made) == ("interrupted", 30)
    assert "404" in desk.problems(stopped)[0]
    served.fail_after = None
    served.asked.clear()
    again = desk.run()
    assert again.harvest_id == stopped.harvest_id
    assert (again.state, again.made, again.gone) == ("finished", 35, 0)
    assert [asked.get("resumptionToken") for asked in served.asked] == ["30|"]


def test_a_walk_that_somebody_stops_goes_on_too(desk: Desk, served: Catalogue) -> None:
    served.fill(35)
    desk.add("oai-pmh", f"{served.url}/oai")

    def stop(_: Harvest) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        running.run(desk.home, desk.steward, "source", progress=stop)
    last = desk.last()
    assert (last.state, last.problems, bool(last.ended_at)) == ("interrupted", 0, True)
    served.asked.clear()
    again = desk.run()
    assert (again.harvest_id, again.state, again.seen) == (last.harvest_id, "finished", 35)
    assert served.asked[0].get("resumptionToken")


def test_a_walk_of_a_source_that_moved_begins_anew(desk: Desk, served: Catalogue) -> None:
    """Cut off at its old address, and asked for all at the new one."""
    served.fill(25)
    desk.add("oai-pmh", f"{served.url}/oai")
    served.fail_after, served.fail_with = 4, 404
    with pytest.raises(NotFetched):
        desk.run()
    served.fail_after = None

    def move(**options: str) -> Source:
        with desk.home.database.write() as session:
            return catalogue.change(session, desk.steward, "source", f"{served.url}/oai", options)

    move(prefix="oai_dc")
    served.asked.clear()
    done = desk.run()
    assert (done.state, done.seen, done.whole) == ("finished", 25, True)
    assert served.asked[0] == {"verb": "ListRecords", "metadataPrefix": "oai_dc"}
    assert not desk.run().whole
    assert move().since is None
    assert desk.run().whole
    with pytest.raises(NotPermitted), desk.home.database.write() as session:
        catalogue.change(
            session, replace(desk.steward, organization="other"), "source", "https://x.example", {}
        )
    assert verify_home(desk.home).holds


def test_a_token_that_expired_begins_anew(desk: Desk, served: Catalogue) -> None:
    served.fill(25)
    desk.add("oai-pmh", f"{served.url}/oai")
    served.forget_tokens = True
    done = desk.run()
    assert (done.state, done.made, len(desk.titles())) == ("finished", 25, 25)


def test_many_that_vanish_at_once_are_held_back(desk: Desk, served: Catalogue) -> None:
    served.fill(40)
    desk.add("ckan", f"{served.url}/ckan")
    desk.run()
    for number in range(20):
        del served.records[f"oai:x:{number:04}"]
    served.records["oai:x:0900"] = Held("New")
    with pytest.raises(TooManyVanished) as told:
        desk.run()
    assert (told.value.facts["vanished"], told.value.facts["present"]) == (20, 40)
    assert (desk.last().state, desk.last().made, desk.last().gone) == ("held-back", 1, 0)
    assert len(desk.titles()) == 41
    accepted = desk.run(whole=True, accept_vanished=True)
    assert (accepted.gone, len(desk.titles())) == (20, 21)


def test_a_repository_that_says_all_is_deleted_is_held_back(desk: Desk, served: Catalogue) -> None:
    served.fill(30)
    desk.add("oai-pmh", f"{served.url}/oai")
    desk.run()
    for held in served.records.values():
        held.deleted, held.at = True, "2026-02-02T00:00:00Z"
    with pytest.raises(TooManyVanished):
        desk.run()
    assert len(desk.titles()) == 30


def test_nothing_where_there_was_something_is_an_error(desk: Desk, served: Catalogue) -> None:
    served.fill(3)
    desk.add("ckan", f"{served.url}/ckan")
    desk.run()
    served.records.clear()
    with pytest.raises(NothingFound):
        desk.run(accept_vanished=True)
    assert (desk.last().state, len(desk.titles())) == ("interrupted", 3)


def test_what_cannot_be_read_is_listed_and_stops_nothing(desk: Desk, tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    (folder / "good.json").write_text('{"doi": "10.5072/a", "titles": [{"title": "Good"}]}')
    (folder / "bad.json").write_text("{")
    (folder / "untitled.json").write_text('{"doi": "10.5072/b", "titles": []}')
    (folder / "link.json").symlink_to("/etc/passwd")
    os.mkfifo(folder / "pipe.json")
    desk.add("folder", str(folder))
    done = desk.run()
    assert counts(done) == (5, 1, 0, 0, 5)  # the last: not everything could be had
    assert desk.titles() == ["Good"]
    (folder / "bad.json").unlink()
    assert desk.run().gone == 0  # what could not be read was never there


def test_who_may_know_of_what_a_source_describes(desk: Desk, served: Catalogue) -> None:
    served.fill(2)
    desk.add("ckan", f"{served.url}/ckan")
    desk.run()
    member, record = desk.office.join("company", "researcher"), record_id("source", "oai:x:0001")
    outsider = Principal("", "", "outsider", frozenset())
    with desk.home.database.read() as session:
        assert catalogue.record(session, member, record).remote_id == "oai:x:0001"
        with pytest.raises(NoSuchRecord):
            catalogue.record(session, outsider, record)
        with pytest.raises(NoSuchSource):
            catalogue.see(session, outsider, "source")
        assert catalogue.visible_to(session, outsider) == []
    with pytest.raises(NotPermitted):
        running.run(desk.home, member, "source")


def test_no_list_is_cut(desk: Desk, served: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogues, "PAGE", 2000)
    served.fill(1500)
    desk.add("oai-pmh", f"{served.url}/oai")
    assert desk.run().made == 1500


def test_what_could_not_be_had_is_not_gone(
    desk: Desk, served: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.fill(20)
    desk.add("stac", f"{served.url}/stac/catalog.json")
    desk.run()
    stac = Catalogue.stac
    monkeypatch.setattr(
        Catalogue, "stac", lambda self, path: "broken" if "0003" in path else stac(self, path)
    )
    del served.records["oai:x:0009"]
    assert desk.run().gone == 0
    assert "not whole" in desk.problems(desk.last())[-1]
    monkeypatch.setattr(Catalogue, "stac", stac)
    assert desk.run().gone == 1


def test_a_portal_that_ends_early_or_moves(
    desk: Desk, served: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.fill(250)
    desk.add("ckan", f"{served.url}/ckan")
    desk.run()
    ckan = Catalogue.ckan
    empty = json.dumps({"result": {"count": 250, "results": []}})
    monkeypatch.setattr(
        Catalogue, "ckan", lambda self, asked: empty if asked["start"] == "200" else ckan(self, asked)
    )
    with pytest.raises(BadAnswer):
        desk.run()

    def removed(self: Catalogue, asked: dict[str, str]) -> str:
        if asked["start"] == "100":
            self.records.pop("oai:x:0005", None)  # and so 0100 slips into the part that is past
        return ckan(self, asked)

    monkeypatch.setattr(Catalogue, "ckan", removed)
    assert desk.run(whole=True).gone == 0
    assert desk.run().gone == 1


def test_a_place_that_is_no_more_is_given_up(
    desk: Desk, served: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token that has expired, and a repository that says so in a way of its own."""
    served.fill(25)
    desk.add("oai-pmh", f"{served.url}/oai")
    oai = Catalogue.oai
    broken = '<OAI-PMH><error code="badArgument">?</error></OAI-PMH>'
    monkeypatch.setattr(
        Catalogue, "oai", lambda self, asked: broken if "resumptionToken" in asked else oai(self, asked)
    )
    for _ in range(2):
        with pytest.raises(BadAnswer):
            desk.run()
    monkeypatch.setattr(Catalogue, "oai", oai)
    assert (desk.run().state, len(desk.titles())) == ("finished", 25)


def test_tokens_that_go_round(desk: Desk, served: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    served.fill(25)
    desk.add("oai-pmh", f"{served.url}/oai")
    oai = Catalogue.oai
    monkeypatch.setattr(Catalogue, "oai", lambda self, asked: oai(self, asked).replace("20|", "0|"))
    with pytest.raises(BadAnswer):
        desk.run()
    assert len(served.asked) < 20


def test_the_brake_counts_what_was_there_before(desk: Desk, served: Catalogue) -> None:
    served.fill(50)
    desk.add("ckan", f"{served.url}/ckan")
    desk.run()
    served.records = {f"new:{number:04}": Held(f"New {number}") for number in range(600)}
    with pytest.raises(TooManyVanished):
        desk.run()


def test_one_identifier_in_two_parts(desk: Desk, served: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    served.fill(25)
    record = Catalogue.record
    monkeypatch.setattr(
        Catalogue, "record", lambda self, name, *held: record(self, name.replace("0015", "0003"), *held)
    )
    desk.add("oai-pmh", f"{served.url}/oai")
    first = desk.run(whole=True)
    assert (first.made, first.problems) == (24, 1)
    again = desk.run(whole=True)
    assert (again.changed, again.problems) == (0, 1)


def test_a_clock_in_the_future_and_a_promise_taken_back(desk: Desk, served: Catalogue) -> None:
    served.fill(3)
    served.now = "2999-01-01T00:00:00.123Z"
    desk.add("oai-pmh", f"{served.url}/oai")
    desk.run()
    since = _source(desk).since
    assert since is not None
    assert since < "2998"
    assert "." not in since
    served.keeps_deletions = False
    desk.run(whole=True)
    assert _source(desk).since is None
    assert desk.run().whole


def test_long_and_odd_identifiers(desk: Desk, served: Catalogue) -> None:
    served.records = {"가" * 3000: Held("Long"), "가" * 3000 + "나": Held("Longer"), "a\u0001b": Held("Odd")}
    desk.add("ckan", f"{served.url}/ckan")
    assert desk.run().made == 3
    assert counts(desk.run()) == (3, 0, 0, 0, 0)


def test_two_harvests_of_a_source_do_not_run_at_once(desk: Desk, served: Catalogue) -> None:
    desk.add("ckan", f"{served.url}/ckan")
    with running._alone(desk.home, _source(desk)), pytest.raises(HarvestBusy):
        desk.run()


def _source(desk: Desk) -> Source:
    with desk.home.database.read() as session:
        return catalogue.get(session, "source")


_KILLED = """
import sys
from pathlib import Path
from madang.assets.harvest import running
from madang.kernel import home
from madang.kernel.authorizer import Principal
opened = home.open_home(Path(sys.argv[1]), {"outbound_networks": "127.0.0.0/8"})
actor = Principal(*sys.argv[2:5], frozenset({"steward"}))
running.run(opened, actor, "source", progress=lambda _: print("part", flush=True))
"""


def test_a_killed_harvest_goes_on(desk: Desk, served: Catalogue) -> None:
    served.fill(300)
    desk.add("oai-pmh", f"{served.url}/oai")
    who = (desk.steward.member, desk.steward.organization, desk.steward.kind)
    for parts in (1, 4, 9):
        environment = os.environ | {"MADANG_DATABASE_URL": desk.home.values.database_url}
        words = [sys.executable, "-c", _KILLED, str(desk.home.path), *who]
        with subprocess.Popen(words, stdout=subprocess.PIPE, env=environment) as worker:
            assert worker.stdout is not None
            for _ in range(parts):
                worker.stdout.readline()
            worker.send_signal(signal.SIGKILL)
    done = desk.run()
    assert (done.state, done.made, done.changed, done.gone) == ("finished", 300, 0, 0)
    assert done.seen >= 300  # a part whose place was not moved on comes twice, and changes nothing
    assert len(desk.titles()) == 300
    assert verify_home(desk.home).holds


def test_marks_of_a_journal(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    names = [f"id-{number}" for number in range(1000)]
    journal.note(names, ["gone"])
    with (tmp_path / "j/seen").open("ab") as file:
        file.write(b"torn")  # a killed process
    journal.note(["later"], [])
    seen = journal.seen()
    assert len(seen) == 1001
    assert seen.holds(["id-0", "id-999", "later", "gone", "id-1000"]) == [True, True, True, False, False]
    assert journal.deleted().holds(["gone", "id-0"]) == [True, False]
