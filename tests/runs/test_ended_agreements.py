"""An agreement's end: queued runs stop and give their lease back; models live on as its clause says."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from madang.allocations import books
from madang.assets import lineage
from madang.assets import service as assets
from madang.interfaces.demo import cast
from madang.kernel import clock
from madang.kernel.errors import NotPermitted
from madang.programme.verification import verify_home
from madang.runs import service
from madang.runs.supervisor import Supervisor
from tests.conftest import Played
from tests.runs.test_runs import get, order

LATER = datetime(2027, 7, 2, tzinfo=UTC)


def test_queued_runs_of_an_ended_agreement_stop(copied: Played) -> None:
    made = service.Order(
        cast.MISSION,
        "physical/behaviour-cloning",
        [copied.stage.notes["pool"]],
        copied.stage.notes[f"award:{cast.LEAD}"],
        "late-model",
        {},
        wall_seconds=60,
    )
    queued = service.submit(copied.home, copied.actor(cast.LEAD), made)
    own = order(copied, {"steps": 20, "width": 16, "layers": 1}, "own")  # of the company's own data
    with copied.home.database.read() as session:
        before = books.balance(session, f"award:{queued.award_id}")
    supervisor = Supervisor(copied.home, copied.actor(cast.JUDGE, "operator"))
    with clock.use_clock(lambda: LATER):
        supervisor._sweep()
    stopped = get(copied.home, queued.run_id)
    assert (stopped.state, stopped.reason) == ("failed", "not-permitted:not-permitted")
    assert get(copied.home, own.run_id).state == "queued"
    with copied.home.database.read() as session:
        held = queued.cores * queued.wall_seconds
        assert books.balance(session, f"award:{queued.award_id}") == before + held
        assert books.balanced(books.trial_balance(session))
    assert verify_home(copied.home).holds


def test_pools_stop_and_models_survive_as_the_clause_says(copied: Played, tmp_path: Path) -> None:
    lead, judge = copied.actor(cast.LEAD), copied.actor(cast.JUDGE, "evaluator")
    company = copied.actor("company-c")
    with clock.use_clock(lambda: LATER), copied.home.database.read() as session:
        pool = lineage.get(session, copied.stage.notes["pool"])
        model = lineage.get(session, f"{cast.LEAD}/policy@1")
        for action in ("pool", "train"):
            with pytest.raises(NotPermitted) as caught:
                lineage.authorize_use(session, lead, action, pool)
            assert "ended at" in str(caught.value)
        assert lineage.authorize_use(session, judge, "evaluate", model)
    with clock.use_clock(lambda: LATER):
        assets.download(copied.home, company, model.name, tmp_path / "kept")
    assert (tmp_path / "kept" / "policy.onnx").exists()
