"""The ten steps of the line, each checked on what it left behind. One mission is played for all."""

from __future__ import annotations

import json

import pytest

from madang.agreements import service as agreements
from madang.allocations import books
from madang.allocations import service as allocations
from madang.assets import lineage
from madang.assets import service as assets
from madang.assets.errors import NotAccepted
from madang.interfaces.demo import cast
from madang.kernel import clock
from madang.kernel.ledger import log
from madang.kernel.paging import Slice
from madang.missions import service as missions
from madang.programme.verification import verify_home
from madang.runs import service as runs
from madang.scores import service as scores
from tests import records
from tests.conftest import Played


def test_step_1_everybody_signs_and_nothing_is_used_before(played: Played) -> None:
    with played.home.database.read() as session:
        agreement = agreements.get(session, cast.AGREEMENT)
        signed = [e for e in log.tail(session.connection, Slice(10_000)) if e.kind == "agreement.signed"]
    assert agreement.missing == []
    assert len(signed) == 13
    assert agreement.state(clock.to_text(clock.now())) == "in-force"
    assert played.stage.notes["unsigned"] == "not-permitted"
    assert "company-j must still sign" in played.text


def test_step_2_the_benchmark_is_sealed_and_only_its_commitment_is_on_record(played: Played) -> None:
    with played.home.database.read() as session:
        benchmark = scores.benchmark_of(session, cast.MISSION)
        mission = missions.get(session, cast.MISSION)
    items = []
    for half, n in (("feedback", benchmark.feedback_n), ("final", benchmark.n)):
        sealed = played.home.evaluator_path / f"{cast.MISSION}.sealed.json"
        drawn = json.loads(sealed.read_text())[half]["items"]
        assert len(drawn) == n
        assert sealed.stat().st_mode & 0o077 == 0
        items += drawn
    assert (benchmark.feedback_n, benchmark.n) == (mission.objective.feedback_n, mission.objective.n)
    written = records.everything(played.home)
    assert not any(str(item["seed"]).encode() in written for item in items)


def test_step_3_capacity_is_split_and_awarded(played: Played) -> None:
    with played.home.database.read() as session:
        capacity, _ = allocations.every_capacity(session)  # this month's and the next one's
        shares = allocations.shares_of(session, capacity.capacity_id)
        total = sum(allotted for allotted, _ in shares.values())
        assert shares["national-projects"][0] * 2 == total
        assert books.balanced(books.trial_balance(session))
        award = allocations.get_award(session, played.stage.notes[f"award:{cast.LEAD}"])
    assert award.share == "national-projects"
    assert award.resource_seconds == 3600
    assert award.application_id == played.stage.notes[f"application:{cast.LEAD}"]
    assert played.stage.notes["own-review"] == "not-permitted"
    assert "It would have been granted hours with 80.01 points" in played.text


def test_step_4_each_company_deposits_its_own_task(played: Played) -> None:
    with played.home.database.read() as session:
        versions = assets.visible_to(session, played.actor(cast.LEAD), cast.MISSION)
    first = {
        v.owner: v for v in versions if v.kind == "dataset" and v.number == 1 and v.owner in cast.COMPANIES
    }
    assert set(first) == set(cast.COMPANIES)
    for company, version in first.items():
        assert version.facts["tasks"] == cast.TASK_OF[company]
        assert version.facts["episodes"] == cast.EPISODES


def test_step_5_the_mirrored_deposit_is_quarantined_for_good(played: Played) -> None:
    bad = f"{cast.MIRRORED}/{cast.data_set(cast.MIRRORED)}@1"
    with played.home.database.read() as session:
        version = lineage.get(session, bad)
        blocking = [f for f in assets.findings_of(session, version) if f.severity == "block"]
        corrected = lineage.get(session, bad.replace("@1", "@2"))
    assert version.state == "quarantined"
    assert [finding.check for finding in blocking] == ["axis-mirrored"]
    evidence = blocking[0].evidence
    assert evidence["axis"] == "x"
    assert evidence["measured"] < 0 < evidence["others_low"]
    assert blocking[0].place == f"0-{cast.EPISODES - 1}"
    assert corrected.state == "accepted"
    assert played.stage.notes["quarantined"] == "not-accepted"
    with pytest.raises(NotAccepted):
        assets.pool(played.home, played.actor(cast.LEAD), cast.MISSION, "pool", [bad])


def test_step_6_one_companys_data_does_not_reach_the_target(played: Played) -> None:
    with played.home.database.read() as session:
        score = scores.score_of(session, played.stage.notes["submission:alone"])
        target = missions.get(session, cast.MISSION).objective.target
    assert score is not None
    assert score.outcome == "not-reached"
    assert score.upper < target
    assert "not reached" in played.text


def test_step_7_the_pools_terms_are_its_parents_and_raw_data_is_refused(played: Played) -> None:
    with played.home.database.read() as session:
        pool = lineage.get(session, played.stage.notes["pool"])
        parents = lineage.parents_of(session, pool.version_id)
        kinds = {cast.LEAD: "institute", cast.JUDGE: "institute", **dict.fromkeys(cast.COMPANIES, "company")}
        terms = {term.action: term.organizations for term in lineage.terms_of(session, pool, kinds)}
    assert sorted(p.owner for p in parents) == sorted(cast.COMPANIES)
    assert all(p.state == "accepted" for p in parents)
    assert terms == {"pool": (cast.LEAD,), "train": (cast.LEAD,), "evaluate": (), "query": (), "download": ()}
    assert played.stage.notes["raw-data"] == "not-permitted"
    assert f"Clause 3 of the agreement {cast.AGREEMENT} forbids it" in played.text


def test_step_8_the_run_is_confined_collected_and_settled_to_the_second(played: Played) -> None:
    with played.home.database.read() as session:
        run = runs.get(session, played.stage.notes["run"])
        award = allocations.get_award(session, run.award_id)
        balance = allocations.balance_of(session, award)
        model = lineage.get(session, f"{cast.LEAD}/policy@1")
    assert run.state == "succeeded"
    assert run.isolation == played.home.isolation.name
    assert run.used_resource_seconds is not None
    assert 0 < run.used_resource_seconds <= run.cores * run.wall_seconds
    assert run.used_resource_seconds % run.cores == 0
    assert (balance.leased, balance.used) == (0, run.used_resource_seconds)
    assert balance.left == balance.awarded - balance.used
    assert model.made_by == run.run_id
    assert [f.path for f in assets.manifest_of(played.home, model).files] == ["policy.onnx"]
    assert played.stage.notes["too-large"] == "award-too-small"


def test_step_9_the_score_carries_its_interval_n_and_digests(played: Played) -> None:
    with played.home.database.read() as session:
        score = scores.score_of(session, played.stage.notes["submission:pooled"])
        alone = scores.score_of(session, played.stage.notes["submission:alone"])
        benchmark = scores.benchmark_of(session, cast.MISSION)
        model = lineage.get(session, f"{cast.LEAD}/policy@1")
        target = missions.get(session, cast.MISSION).objective.target
    assert score is not None
    assert alone is not None
    assert score.lower <= score.value <= score.upper
    assert score.value > alone.value
    assert (score.outcome == "reached") == (score.lower >= target)
    assert sum(n for _, n in score.groups.values()) == score.n
    assert score.statement["manifest"] == model.manifest
    assert score.statement["benchmark"] == benchmark.commitment


def test_step_10_the_line_holds_here_and_for_an_outsider(played: Played) -> None:
    verdict = verify_home(played.home)
    assert verdict.holds, verdict.disagreements
    assert played.stage.notes["checked"].startswith("holds: ")
    for company in cast.COMPANIES:
        assert f"<- version {company}/" in played.text
    assert "<- award" in played.text
    assert "<- signed" in played.text
