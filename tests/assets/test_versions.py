"""Deposits, checks, pooling and terms, beyond what the line shows."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from madang.agreements import service as agreements
from madang.agreements.model import AgreementDocument, AgreementHeader, ClauseDocument
from madang.assets import checking, lineage, service
from madang.assets.errors import (
    NoSuchVersion,
    NotAccepted,
    NothingToPool,
    NotPoolable,
    TargetExists,
)
from madang.assets.model import Version
from madang.assets.query import keeping
from madang.assets.search import service as finding
from madang.interfaces.demo import cast
from madang.kernel.authorizer import OUTSIDER, Principal
from madang.kernel.errors import NotPermitted
from madang.missions.errors import NoSuchMission
from madang.programme import affected
from madang.programme.verification import verify_home
from tests.conftest import Office, Played


def folder_of(played: Played, version: str, target: Path) -> Path:
    """A company's own files, fetched by itself."""
    owner = version.split("/")[0]
    service.download(played.home, played.actor(owner), version, target)
    return target


def test_depositing_the_same_again_gives_the_version_that_is_there(copied: Played, tmp_path: Path) -> None:
    name = copied.stage.notes["deposit:company-b"]
    folder = folder_of(copied, name, tmp_path / "files")
    size = verify_home(copied.home).size
    again = service.deposit(copied.home, copied.actor("company-b"), folder, "push", cast.AGREEMENT)
    assert again.name == name
    assert verify_home(copied.home).size == size


def test_equal_bytes_of_two_owners_are_two_versions_that_do_not_tell(copied: Played, tmp_path: Path) -> None:
    folder = folder_of(copied, copied.stage.notes["deposit:company-b"], tmp_path / "files")
    made = service.deposit(copied.home, copied.actor("company-c"), folder, "copy", cast.AGREEMENT)
    with copied.home.database.read() as session:
        original = lineage.get(session, copied.stage.notes["deposit:company-b"])
    assert made.manifest == original.manifest
    assert made.version_id != original.version_id


def test_what_no_pack_reads_is_quarantined(copied: Played, tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d/notes.txt").write_text("hello")
    actor = copied.actor("company-b")
    version = service.deposit(copied.home, actor, tmp_path / "d", "notes", cast.AGREEMENT)
    outcome = checking.check(copied.home, actor, version.name)[0]
    assert outcome.version.state == "quarantined"
    assert [finding.check for finding in outcome.findings] == ["format-unknown"]
    again = checking.check(copied.home, actor, version.name)[0]
    assert again.findings == outcome.findings
    assert verify_home(copied.home).holds


def test_only_the_owner_deposits_and_checks(copied: Played) -> None:
    name = copied.stage.notes["deposit:company-b"]
    for actor in (copied.actor("company-c"), copied.actor(cast.LEAD)):
        with pytest.raises(NotPermitted):
            checking.check(copied.home, actor, name)
    with pytest.raises(NoSuchVersion):
        checking.check(copied.home, OUTSIDER, name)


def test_what_cannot_be_pooled(copied: Played, tmp_path: Path) -> None:
    lead = copied.actor(cast.LEAD)
    home, notes = copied.home, copied.stage.notes
    good = notes["deposit:company-b"]
    with pytest.raises(NotPoolable):
        service.pool(home, lead, cast.MISSION, "p", [good, good])
    with pytest.raises(NotPoolable):
        service.pool(home, lead, "other-mission", "p", [good])
    with pytest.raises(NothingToPool):
        service.pool(home, lead, "other-mission", "p")
    with pytest.raises(NotPermitted):
        service.pool(home, lead, cast.MISSION, "p", [good, f"{cast.LEAD}/policy@1"])
    with pytest.raises(NotPermitted):
        service.pool(home, copied.actor("company-c"), cast.MISSION, "p", [good])
    folder = folder_of(copied, good, tmp_path / "files")
    (folder / "more.txt").write_text("x")
    waiting = service.deposit(home, copied.actor("company-b"), folder, "push", cast.AGREEMENT)
    with pytest.raises(NotAccepted):
        service.pool(home, lead, cast.MISSION, "p", [waiting.name])
    assert verify_home(home).holds


def test_a_quarantined_version_may_only_go_back_to_its_owner(copied: Played, tmp_path: Path) -> None:
    bad = f"{cast.MIRRORED}/{cast.data_set(cast.MIRRORED)}@1"
    with copied.home.database.read() as session:
        version = lineage.get(session, bad)
        kinds = {cast.LEAD: "institute", cast.MIRRORED: "company"}
        terms = {term.action: term.organizations for term in lineage.terms_of(session, version, kinds)}
    assert terms == {"pool": (), "train": (), "evaluate": (), "query": (), "download": (cast.MIRRORED,)}
    assert folder_of(copied, bad, tmp_path / "back").is_dir()


def test_before_a_mission_opens_the_parties_may_what_their_agreement_says(
    office: Office, tmp_path: Path
) -> None:
    clause = ClauseDocument.model_validate(
        {
            "effect": "permit",
            "text_en": "text",
            "text_ko": "문안",
            "actions": ["download", "query", "pool"],
            "owners": ["acme"],
            "by": ["beta"],
        }
    )
    header = AgreementHeader(
        name="terms", title_en="Terms", title_ko="조건", mission="rain", parties=("acme", "beta"),
        ends_on=date(2099, 1, 1),
    )  # fmt: skip
    people = {name: office.join(name, "steward") for name in ("acme", "beta")}
    office.join("gamma", "steward")
    with office.home.database.write() as session:
        agreements.draft(session, people["acme"], AgreementDocument(agreement=header, clause=(clause,)))
    for one in people.values():
        with office.home.database.write() as session:
            agreements.sign(session, one, "terms")
    (tmp_path / "d").mkdir()
    (tmp_path / "d/a.csv").write_text("x,y\n1,2\n")
    version = service.deposit(office.home, people["acme"], tmp_path / "d", "rain", "terms")
    with office.home.database.read() as session:
        members = lineage.concerned(session, version)
        terms = {term.action: term.organizations for term in lineage.terms_of(session, version, members)}
    assert members == {"acme": "company", "beta": "company"}
    assert set(terms["download"]) == {"acme", "beta"}
    assert terms["train"] == ()  # it was not checked yet
    checking.check(office.home, people["acme"], version.name)
    researcher = replace(people["beta"], roles=frozenset({"steward", "researcher"}))
    made = keeping.keep(office.home, researcher, f'select * from "{version.name}"', "kept")
    gamma = replace(people["beta"], organization="gamma")
    with office.home.database.read() as session:
        told = affected.by(session, people["acme"], version.name)
        assert ([one.name for one in told.versions], told.owners) == ([made.name], ["beta"])
        for who in people.values():
            names = {one.name for one in service.visible_to(session, who)}
            assert names == {version.name, made.name}
        assert service.visible_to(session, gamma) == []
        with pytest.raises(NoSuchVersion):
            lineage.see(session, gamma, made.name)
        assert lineage.seen_as(session, people["acme"], made) == "seen-as/agreement/terms"
    for who, count in ((people["acme"], 2), (people["beta"], 2), (gamma, 0)):
        assert finding.search(office.home, who, finding.Asked("")).count == count
    _pooled_with_what_others_agreed(office, people, made)
    asked = finding.Asked("", {"mission": ["rain"], "kind": ["model"]})
    assert finding.search(office.home, people["acme"], asked).count == 0  # there will be such a mission
    with pytest.raises(NoSuchMission):
        finding.search(office.home, gamma, asked)


def _pooled_with_what_others_agreed(office: Office, people: dict[str, Principal], made: Version) -> None:
    """Of what beta makes from acme's data and delta's neither knows: each signed for one of them alone."""
    delta = office.join("delta", "steward")
    clause = {"effect": "permit", "text_en": "t", "text_ko": "문", "actions": ["query", "pool"],
              "owners": ["delta"], "by": ["beta"]}  # fmt: skip
    header = AgreementHeader(
        name="others", title_en="Others", title_ko="다른 조건", mission="rain", parties=("beta", "delta"),
        ends_on=date(2099, 1, 1),
    )  # fmt: skip
    document = AgreementDocument(agreement=header, clause=(ClauseDocument.model_validate(clause),))
    with office.home.database.write() as session:
        agreements.draft(session, people["beta"], document)
    for one in (delta, people["beta"]):
        with office.home.database.write() as session:
            agreements.sign(session, one, "others")
    folder = office.home.path.parent / "d"
    theirs = service.deposit(office.home, delta, folder, "theirs", "others")
    checking.check(office.home, delta, theirs.name)
    researcher = replace(people["beta"], roles=frozenset({"steward", "researcher"}))
    both = keeping.keep(office.home, researcher, f'select * from "{made.name}", "{theirs.name}" as o', "both")
    with office.home.database.read() as session:
        assert set(lineage.concerned(session, both)) == {"beta"}
        for who, known in ((people["acme"], 2), (delta, 1), (people["beta"], 4)):
            names = {one.name for one in service.visible_to(session, who)}
            assert (len(names), both.name in names) == (known, who is people["beta"])
    for who, count in ((people["acme"], 2), (delta, 1), (people["beta"], 4)):
        assert finding.search(office.home, who, finding.Asked("")).count == count
    with office.home.database.read() as session, pytest.raises(NoSuchVersion):
        lineage.see(session, delta, both.name)


def test_models_may_be_taken_home_and_pools_may_not(copied: Played, tmp_path: Path) -> None:
    company = copied.actor("company-b")
    got = service.download(copied.home, company, f"{cast.LEAD}/policy@1", tmp_path / "model")
    assert (tmp_path / "model/policy.onnx").stat().st_size == got.size_bytes
    with pytest.raises(NotPermitted) as caught:
        service.download(copied.home, copied.actor(cast.LEAD), copied.stage.notes["pool"], tmp_path / "pool")
    assert caught.value.facts["clause"] == f"agreement/{cast.AGREEMENT}/3"
    assert not (tmp_path / "pool").exists()
    with pytest.raises(TargetExists):
        service.download(copied.home, company, f"{cast.LEAD}/policy@1", tmp_path / "model")


@pytest.mark.parametrize(
    "name", ["", "x", "company-b/push", "company-b/push@", "company-b/push@9", "ver-none"]
)
def test_unknown_versions(played: Played, name: str) -> None:
    with played.home.database.read() as session, pytest.raises(NoSuchVersion):
        lineage.get(session, name)
