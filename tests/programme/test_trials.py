"""Trials of policies: kept whole, in the ledger, shown to members on a page and by the API."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from madang.assets.content import blobs
from madang.assets.errors import ContentMissing
from madang.interfaces.demo import cast
from madang.interfaces.web.app import create_app
from madang.kernel.errors import NotPermitted
from madang.programme import trials
from madang.programme.errors import NoSuchTrial
from madang.programme.verification import verify_home
from tests.allocations.planner.test_planner import swf
from tests.conftest import Played
from tests.interfaces.commands import here, refused
from tests.interfaces.test_web import cookies

EXAMPLE = Path(__file__).parents[2] / "examples/korea-2026/plan.toml"


@pytest.fixture
def kept(copied: Played, tmp_path: Path) -> tuple[Played, str, dict[str, Any]]:
    """A home with one trial of two policies, kept by the ministry's officer; its id and its results."""
    trace, out = tmp_path / "jobs.swf", tmp_path / "out.json"
    trace.write_text(swf((0, 20_000, 4, 4, 40_000), (5, 3000, 1, 1, 3000), (9, 7000, 8, 8, 9000)))
    asked = ["--plan", EXAMPLE, "--trace", trace, "--scale", "160", "--seeds", "2", "--out", out, "--keep"]
    for name, borrow in (("zeal", "false"), ("borrowing", "true")):
        path = tmp_path / f"{name}.toml"
        path.write_text(f'[policy]\nname = "{name}"\nborrow = {borrow}\nreclaim = {borrow}\n')
        asked += ["--policy", path]
    token = copied.stage.token(cast.MINISTRY, "officer")
    done = here("--home", copied.home.path, "compute", "simulate", *asked, token=token)
    assert done.returncode == 0, done.stderr
    return copied, done.stdout.strip().splitlines()[-1], json.loads(out.read_text())


def test_a_trial_is_kept_whole_and_the_ledger_has_its_digest(
    kept: tuple[Played, str, dict[str, Any]],
) -> None:
    played, trial_id, results = kept
    with played.home.database.read() as session:
        trial = trials.find(session, trial_id)
        with pytest.raises(NoSuchTrial):
            trials.find(session, "trl-none")
    assert (trial.plan, trial.policies) == ("korea-2026", ["zeal", "borrowing"])
    assert trials.results(played.home, trial) == results
    assert verify_home(played.home).holds
    for reader in (cast.LEAD, cast.COMPANIES[0]):
        token = played.stage.token(reader)
        listed = here("--home", played.home.path, "compute", "trials", "--json", token=token)
        assert [one["trial_id"] for one in json.loads(listed.stdout)] == [trial_id]
        shown = here("--home", played.home.path, "compute", "trial", trial_id, token=token)
        assert json.loads(shown.stdout) == results
    refused(here("--home", played.home.path, "compute", "trial", "trl-none", token=token), "trl-none")


def test_only_who_may_keeps_a_trial_and_is_told_before_it_is_simulated(copied: Played) -> None:
    steward = copied.actor(cast.JUDGE, "steward")
    with pytest.raises(NotPermitted):
        trials.keep(copied.home, steward, {"plan": "p", "policies": []})
    token = copied.stage.token(cast.JUDGE, "steward")
    done = here(
        "--home", copied.home.path, "compute", "simulate", "--plan", EXAMPLE, "--trace",
        copied.home.path / "madang.toml", "--keep", token=token,
    )  # fmt: skip
    assert done.returncode == 2


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_page_shows_the_policies_in_their_order(
    kept: tuple[Played, str, dict[str, Any]], language: str
) -> None:
    played, trial_id, results = kept
    with TestClient(create_app(played.home)) as client:
        address = f"/trials/{trial_id}"
        page = client.get(address, headers=cookies(played, cast.COMPANIES[0], language)).text
        assert client.get(address, headers=cookies(played, None), follow_redirects=False).status_code != 200
        assert client.get("/trials/trl-none", headers=cookies(played, cast.LEAD)).status_code == 404
    first, second = (page.index(f"</span>{name}</th>") for name in ("zeal", "borrowing"))
    assert first < second
    assert {"en": "borrowing less zeal", "ko": "borrowing − zeal"}[language] in page
    utilisation = [one["utilisation"] for one in results["reports"]["zeal"]["gpu-h200"]]
    assert f"{100 * sum(utilisation) / 2:.1f} %" in page
    assert page.count('class="chart wide"') == 2 * len(results["left_out"])
    assert "web.trial" not in page


def test_kept_trials_come_in_parts_each_once(copied: Played) -> None:
    officer = copied.actor(cast.MINISTRY, "officer")
    kept_ids = [
        trials.keep(copied.home, officer, {"plan": f"plan-{n}", "policies": [{"name": "a"}]}).trial_id
        for n in range(5)
    ]
    found: list[str] = []
    with TestClient(create_app(copied.home)) as client:
        headers = {"Authorization": f"Bearer {copied.stage.token(cast.LEAD)}"}
        asked: dict[str, str | int] = {"limit": 2}
        for _ in range(3):
            page = client.get("/api/v1/trials", params=asked, headers=headers).json()
            found += [one["trial_id"] for one in page["items"]]
            asked["cursor"] = page["next"] or ""
    assert page["next"] is None
    assert found == kept_ids[::-1]


def test_results_that_are_gone_are_told(kept: tuple[Played, str, dict[str, Any]]) -> None:
    played, trial_id, _ = kept
    with played.home.database.read() as session:
        trial = trials.find(session, trial_id)
    assert blobs.read(played.home, trial.digest)
    for path in (played.home.path / "content").rglob(
        f"*{trial.digest.partition(':')[2][4:] or trial.digest[4:]}*"
    ):
        path.unlink()
    with pytest.raises(ContentMissing):
        trials.results(played.home, trial)


def test_the_statement_is_the_viewers_own_and_sums_up(played: Played) -> None:
    with TestClient(create_app(played.home)) as client:
        mine = client.get(
            "/statement.csv?by=organization", headers=cookies(played, cast.COMPANIES[0])
        ).content
        every = client.get(
            "/statement.csv?by=organization&by=share", headers=cookies(played, cast.MINISTRY, name="officer")
        )
        page = client.get("/statement?by=share", headers=cookies(played, cast.MINISTRY, "ko", "officer")).text
    rows = list(csv.DictReader(io.StringIO(mine.decode("utf-8-sig"))))
    assert [row["organization"] for row in rows] == [cast.COMPANIES[0]]
    assert every.headers["content-type"].startswith("text/csv")
    assert len(list(csv.DictReader(io.StringIO(every.content.decode("utf-8-sig"))))) > 1
    assert "산업계" in page
    assert "합계" in page
