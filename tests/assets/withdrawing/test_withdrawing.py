"""Taking versions back, and destroying them so that no backup can read them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from madang.allocations import books
from madang.assets import ingest, lineage, service
from madang.assets.content import holdings
from madang.assets.content.port import open_keys
from madang.assets.content.reading import content_of
from madang.assets.describing import exporting
from madang.assets.errors import ContentDestroyed, KeyMissing, NotAccepted
from madang.assets.model import Version
from madang.assets.probing import service as probing
from madang.assets.withdrawing import service as withdrawing
from madang.assets.withdrawing.errors import AlreadyWithdrawn, NoReason, NotWithdrawn
from madang.assets.withdrawing.model import Withdrawal
from madang.interfaces.demo import cast
from madang.interfaces.web.app import create_app
from madang.kernel.errors import NotPermitted
from madang.kernel.home import Home, open_home
from madang.kernel.ledger import log
from madang.programme import affected
from madang.programme.verification import verify_home
from madang.runs import service as runs
from madang.runs.supervisor import Supervisor
from tests.conftest import Played
from tests.interfaces.commands import Done, here, refused

WHO = "company-b"


def deposit_of(played: Played, owner: str = WHO) -> Version:
    with played.home.database.read() as session:
        return lineage.get(session, played.stage.notes[f"deposit:{owner}"])


def withdraw(played: Played, version: Version, reason: str = "the recorder was wrong") -> Withdrawal:
    with played.home.database.write() as session:
        return withdrawing.withdraw(session, played.actor(version.owner), version.name, reason)


def got(home: Home, version: Version) -> Version:
    with home.database.read() as session:
        return lineage.get(session, version.version_id)


def test_what_is_affected_is_all_that_was_made_from_it(played: Played) -> None:
    version = deposit_of(played)
    with played.home.database.read() as session:
        found = affected.by(session, played.actor(WHO), version.name)
        pool = lineage.get(session, played.stage.notes["pool"])
        model = lineage.get(session, f"{cast.LEAD}/policy@1")
    assert {pool.version_id, model.version_id} <= {one.version_id for one in found.versions}
    assert version.version_id not in {one.version_id for one in found.versions}
    assert cast.LEAD in found.owners
    assert WHO not in found.owners
    assert found.submissions
    assert not found.runs  # all are over


def test_nothing_new_may_use_what_was_taken_back(copied: Played) -> None:
    version = deposit_of(copied)
    told = withdraw(copied, version)
    with copied.home.database.read() as session:
        pool = lineage.get(session, copied.stage.notes["pool"])
        assert withdrawing.told_of(session, told.withdrawal_id) == [cast.LEAD]
        model = lineage.get(session, f"{cast.LEAD}/policy@1")
        for actor, action, used in ((cast.LEAD, "train", pool), (cast.JUDGE, "evaluate", model)):
            with pytest.raises(NotAccepted) as caught:
                lineage.authorize_use(session, copied.actor(actor), action, used)
            assert caught.value.facts["version"] == version.name
        members = dict.fromkeys((WHO, cast.LEAD, "company-a"), "company")
        terms = {term.action: term.organizations for term in lineage.terms_of(session, version, members)}
        assert terms == {"pool": (), "train": (), "evaluate": (), "query": (), "download": (WHO,)}
        assert [one.name for one, _ in withdrawing.above(session, pool.version_id)] == [version.name]
        newest = {one.name for one in service.newest_accepted(session, cast.MISSION)}
        assert version.name not in newest
    with pytest.raises(NotAccepted):
        service.pool(copied.home, copied.actor(cast.LEAD), cast.MISSION, "again", (version.name,))
    award = copied.stage.notes[f"award:{cast.LEAD}"]
    order = runs.Order(cast.MISSION, "physical/behaviour-cloning", [pool.name], award, "again", {})
    with pytest.raises(NotAccepted):
        runs.submit(copied.home, copied.actor(cast.LEAD), order)
    assert verify_home(copied.home).holds


def test_the_told_see_it_and_others_do_not(copied: Played) -> None:
    told = withdraw(copied, deposit_of(copied))
    with copied.home.database.read() as session:

        def seen(name: str, member: str | None = None) -> list[str]:
            found = withdrawing.listed(session, copied.actor(name, member))
            return [one.withdrawal_id for one in found]

        assert seen(WHO) == seen(cast.LEAD) == seen(cast.MINISTRY, "officer") == [told.withdrawal_id]
        assert seen("company-a") == []
    with TestClient(create_app(copied.home)) as client:

        def page(address: str, name: str, language: str = "en") -> str:
            cookie = f"madang_token={copied.stage.token(name)}; madang_language={language}"
            answer = client.get(address, headers={"cookie": cookie})
            assert answer.status_code == 200
            return answer.text

        for address in ("/missions", "/withdrawals", f"/versions/{deposit_of(copied).name}"):
            assert "the recorder was wrong" in page(address, cast.LEAD)
            assert "the recorder was wrong" in page(address, cast.LEAD, "ko")
        assert "the recorder was wrong" not in page("/missions", "company-a")
        assert "the recorder was wrong" not in page("/withdrawals", "company-a")
        assert "the recorder was wrong" in page(f"/versions/{copied.stage.notes['pool']}", "company-a")
        assert client.get("/withdrawals").status_code == 401


def test_who_may_take_what_back(copied: Played) -> None:
    version = deposit_of(copied)
    with copied.home.database.write() as session:
        for actor in (copied.actor("company-a"), copied.actor(cast.MINISTRY, "officer")):
            with pytest.raises(NotPermitted):
                withdrawing.withdraw(session, actor, version.name, "x")
        for reason in ("", "  ", "x" * 1001):
            with pytest.raises(NoReason):
                withdrawing.withdraw(session, copied.actor(WHO), version.name, reason)
        # Nothing was changed, so that there is nothing to record.
    with pytest.raises(NotWithdrawn):
        withdrawing.destroy(copied.home, copied.actor(WHO), version.name)
    withdraw(copied, version)
    with pytest.raises(AlreadyWithdrawn):
        withdraw(copied, version)
    with pytest.raises(NotPermitted):
        withdrawing.destroy(copied.home, copied.actor("company-a"), version.name)


def everything_in(home: Path) -> bytes:
    """All bytes of a home but those of its keys."""
    kept = (file for file in sorted(home.rglob("*")) if file.is_file())
    return b"".join(file.read_bytes() for file in kept if "content-keys" not in file.parts)


def test_a_restored_backup_cannot_read_what_was_destroyed(copied: Played, tmp_path: Path) -> None:
    home, actor = copied.home, copied.actor(WHO)
    folder = tmp_path / "secret"
    folder.mkdir()
    secret = b"a measured value that nobody else has: 0.8391"
    (folder / "values.csv").write_bytes(b"name,value\n" + secret + b",1\n")
    version = service.deposit(home, actor, folder, "secret", cast.AGREEMENT)
    probing.probe(home, actor, version.name)
    assert content_of(home, version).manifest.files[0].path == "values.csv"
    assert probing.reports(home, actor, version.name)
    with home.database.read() as session:
        assert probing.quantities_of(session, version.version_id)

    # The backup: the whole home as the operator's guide says, without the folder of keys.
    backup = tmp_path / "backup"
    shutil.copytree(home.path, backup, ignore=shutil.ignore_patterns("content-keys"))
    assert secret not in everything_in(backup)
    with home.database.read() as session:
        row = session.connection.exec_driver_sql("SELECT holding_id, key_id FROM holdings").all()
    held = {key: holding for holding, key in row}

    withdraw(copied, version)
    told = withdrawing.destroy(home, actor, version.name)
    assert told.destroyed_at
    assert got(home, version).state == "destroyed"
    with home.database.read() as session:
        (entry,) = log.find_all(session.connection, "version.destroyed", version.version_id)
    holding = held[entry.facts["key"]]
    assert open_keys(home).get(holding) is None
    assert not list((home.path / "content/holdings").glob(f"{holding}*"))
    with pytest.raises(ContentDestroyed):
        content_of(home, got(home, version)).read(version.manifest)
    assert probing.reports(home, actor, version.name) == []
    with home.database.read() as session:
        assert probing.quantities_of(session, version.version_id) == []
    assert service.look(home, actor, version.name)[1].files == ()

    # It comes back, with the keys as they are now: all that was sealed is there, and none of it opens.
    shutil.rmtree(home.path / "content")
    shutil.copytree(backup / "content", home.path / "content")
    assert list((home.path / "content/holdings" / holding).iterdir())
    assert holdings.open_holding(home, holding) is None
    if not home.values.database_url:
        shutil.copytree(home.path / "content-keys", backup / "content-keys")
        restored = open_home(backup)
        with restored.database.read() as session:
            assert lineage.get(session, version.version_id).state == "received"
        with pytest.raises(KeyMissing):
            content_of(restored, version).read(version.manifest)
        other = deposit_of(copied)
        assert content_of(restored, other).manifest.files  # the others are whole
    assert secret not in everything_in(home.path)
    assert verify_home(home).holds


def test_a_destruction_that_was_cut_off_is_finished(copied: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    version = deposit_of(copied)
    withdraw(copied, version)

    def killed(*_: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patched, pytest.raises(RuntimeError):
        patched.setattr(holdings, "destroy", killed)
        withdrawing.destroy(copied.home, copied.actor(WHO), version.name)
    assert got(copied.home, version).state == "destroyed"
    for _ in range(2):
        withdrawing.destroy(copied.home, copied.actor(WHO), version.name)
    with copied.home.database.read() as session:
        pool = lineage.get(session, copied.stage.notes["pool"])
        assert len(log.find_all(session.connection, "version.destroyed", version.version_id)) == 1
    content = content_of(copied.home, pool)
    mine = [file for file in content.manifest.files if file.path.startswith(f"{WHO}/")]
    others = [file for file in content.manifest.files if not file.path.startswith(f"{WHO}/")]
    with pytest.raises(ContentDestroyed):
        content.read(mine[0].digest)
    assert all(content.intact(file.digest) for file in others)


def test_the_command_line_takes_back_and_destroys(copied: Played) -> None:
    name, token = deposit_of(copied).name, copied.stage.token(WHO)

    def asset(*words: str) -> Done:
        return here("--home", copied.home.path, "asset", *words, token=token)

    refused(asset("destroy", name, "--for-good"), "cannot be destroyed")
    assert f"{cast.LEAD}/policy@1" in asset("affected", name).stdout
    assert cast.LEAD in asset("withdraw", name, "--reason", "the recorder was wrong").stdout
    refused(asset("withdraw", name, "--reason", "again"), name)
    unsure = asset("destroy", name)
    assert (unsure.returncode, f"{cast.LEAD}/policy@1" in unsure.stdout) == (2, True)
    assert "Nothing was done" in unsure.stderr
    assert asset("files", name).stdout.count("\n") > 1
    assert asset("destroy", name, "--for-good").returncode == 0
    assert asset("files", name).stdout == "Its list of files was destroyed with its bytes.\n"
    assert json.loads(asset("files", name, "--json").stdout) == []


def test_cards_and_exports_say_what_was_taken_back(copied: Played) -> None:
    version, pool = deposit_of(copied), copied.stage.notes["pool"]

    def card(name: str, form: str = "card.md") -> str:
        return exporting.export(copied.home, copied.actor(WHO), name, form, "en").decode()

    assert "taken back" not in card(version.name)
    withdraw(copied, version)
    said = f"{version.name} was taken back by its owner"
    for name in (version.name, pool):
        assert said in card(name).replace("\\", "")
    dates = json.loads(card(version.name, "datacite.json"))["dates"]
    assert "Withdrawn" in {one["dateType"] for one in dates}
    withdrawing.destroy(copied.home, copied.actor(WHO), version.name)
    assert "Its bytes were destroyed" in card(version.name)
    assert "Its bytes were destroyed" in card(pool)
    with copied.home.database.read() as session:
        terms = lineage.terms_of(session, got(copied.home, version), {WHO: "company"})
    assert {one.organizations for one in terms} == {()}


def test_the_same_bytes_of_two_owners_are_destroyed_apart(copied: Played, tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d/a.csv").write_text("x,y\n1,2\n")
    made = [
        service.deposit(copied.home, copied.actor(name), tmp_path / "d", "same", cast.AGREEMENT)
        for name in (WHO, "company-a")
    ]
    withdraw(copied, made[0])
    withdrawing.destroy(copied.home, copied.actor(WHO), made[0].name)
    content = content_of(copied.home, made[1])
    assert content.read(content.manifest.files[0].digest) == b"x,y\n1,2\n"


def test_the_owner_of_what_is_made_from_it_afterwards_is_told_too(copied: Played, tmp_path: Path) -> None:
    """As a run ends that was under way."""
    version = deposit_of(copied)
    told = withdraw(copied, version)
    (tmp_path / "d").mkdir()
    (tmp_path / "d/model").write_text("x")
    stored = ingest.store_folder(copied.home, tmp_path / "d")
    with copied.home.database.write() as session:
        new = service.NewVersion(
            "company-a", "late", "model", cast.MISSION, "accepted", parents=[version.version_id]
        )
        service.insert(session, new, stored)
        session.record("test", "made", {"member": "-", "organization": "-"})
    with copied.home.database.read() as session:
        assert withdrawing.told_of(session, told.withdrawal_id) == ["company-a", cast.LEAD]


def test_what_was_taken_back_may_be_deposited_anew(copied: Played, tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d/a.csv").write_text("x,y\n1,2\n")
    numbers = []
    for _ in range(2):
        version = service.deposit(copied.home, copied.actor(WHO), tmp_path / "d", "anew", cast.AGREEMENT)
        numbers.append(version.number)
        withdraw(copied, version)
    assert numbers == [1, 2]


def test_a_queued_run_of_what_was_taken_back_does_not_start(copied: Played) -> None:
    award = copied.stage.notes[f"award:{cast.LEAD}"]
    pool = copied.stage.notes["pool"]
    order = runs.Order(cast.MISSION, "physical/behaviour-cloning", [pool], award, "late", {}, wall_seconds=60)
    queued = runs.submit(copied.home, copied.actor(cast.LEAD), order)
    with copied.home.database.read() as session:
        before = books.balance(session, f"award:{queued.award_id}")
    withdraw(copied, deposit_of(copied))
    Supervisor(copied.home, copied.actor(cast.JUDGE, "operator"))._sweep()
    with copied.home.database.read() as session:
        stopped = runs.get(session, queued.run_id)
        held = queued.cores * queued.wall_seconds
        assert (stopped.state, stopped.reason) == ("failed", "not-permitted:not-accepted")
        assert books.balance(session, f"award:{queued.award_id}") == before + held
    assert verify_home(copied.home).holds
