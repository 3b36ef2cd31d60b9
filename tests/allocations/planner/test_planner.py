"""From traces to reports: what is read, what is left out, what is resampled, and what is told of it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from madang.allocations.errors import NodesDiffer, NothingToSimulate, TraceUnreadable
from madang.allocations.planner import traces, trying
from madang.allocations.planner.policy import PolicyDocument
from madang.allocations.planner.reporting import compare
from madang.allocations.planner.workload import machines, resample, widest
from madang.allocations.plans.model import PlanDocument
from madang.kernel.errors import FileMissing
from tests.allocations.plans.test_plans import read, small
from tests.interfaces.commands import here, refused

SHARED = Path(__file__).parents[4] / "shared" / "data" / "compute"


def swf(*rows: tuple[int, ...]) -> str:
    """Lines of (submit, run time, allocated, requested processors, requested time)."""
    lines = ["; UnixStartTime: 0", ""]
    for number, (submit, run, allocated, asked, limit) in enumerate(rows, 1):
        fields = [number, submit, -1, run, allocated, -1, -1, asked, limit, *[-1] * 9]
        lines.append(" ".join(map(str, fields)))
    return "\n".join(lines) + "\n"


ROWS = (
    (10, 100, 4, 8, 200),
    (5, 50, 2, -1, -1),
    (20, -1, 4, 4, 60),
    (30, 0, 1, 1, 60),
    (40, 60, -1, -1, 60),
    (-1, 5, 1, 1, 5),
)


def policy(**changes: Any) -> PolicyDocument:
    return PolicyDocument.model_validate({"node_gpus": 1, **changes})


def test_swf_is_read_and_what_it_does_not_say_is_left_out(tmp_path: Path) -> None:
    plain, packed = tmp_path / "a.swf", tmp_path / "a.swf.gz"
    plain.write_text(swf(*ROWS))
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    for file in (plain, packed):
        found = traces.read(file)
        assert found.submit.tolist() == [0, 5]  # by submission, from the first
        assert found.need.tolist() == [2, 8]  # the requested, else the allocated
        assert found.seconds.tolist() == [50, 100]
        assert found.limit.tolist() == [50, 200]
        assert found.left_out == {"no-submit-time": 1, "no-run-time": 1, "no-size": 1, "took-no-time": 1}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("short.swf", b"1 2 3\n"), ("words.swf", b"a b c d e f g h i j k l m n o p q r\n"),
        ("empty.swf", b""),
        ("bytes.swf", b"\xff\xfe\x00"), ("not.swf.gz", b"1 2 3"), ("not.parquet", b"PAR1"),
        ("unknown.swf", swf((-1, -1, -1, -1, -1)).encode()),
    ],
)  # fmt: skip
def test_what_is_no_trace_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(TraceUnreadable):
        traces.read(file)
    with pytest.raises(FileMissing):
        traces.read(tmp_path / "absent.swf")


def test_parquet_without_the_columns_is_refused(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    import pyarrow

    file = tmp_path / "a.parquet"
    parquet.write_table(pyarrow.table({"gpu_milli": [1000]}), file)
    with pytest.raises(TraceUnreadable, match="creation_time"):
        traces.read(file)
    parquet.write_table(pyarrow.table({"a": [1]}), file)
    with pytest.raises(TraceUnreadable, match="18"):
        traces.read(file)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the traces are not here")
@pytest.mark.parametrize(
    ("name", "jobs", "left_out"),
    [
        ("swf_nasa_ipsc_1993", 18_239, 173), ("swf_hpc2n_2002_head", 3_170, None),
        ("swf_lcg_2005", 188_041, 521), ("alibaba_gpu_v2023_pods", 8_152, 1_949),
    ],
)  # fmt: skip
def test_real_traces_are_read_whole(name: str, jobs: int, left_out: int | None) -> None:
    found = traces.read(SHARED / f"{name}.parquet")
    assert len(found) + sum(found.left_out.values()) == jobs
    assert left_out is None or sum(found.left_out.values()) == left_out
    assert (
        (found.need > 0).all() and (found.limit >= found.seconds).all() and (np.diff(found.submit) >= 0).all()
    )


def plan() -> PlanDocument:
    return read(small())


def test_a_machine_follows_the_plan() -> None:
    gpu, core = machines(plan(), policy())
    assert gpu.kind == "gpu" and core.kind == "core"
    assert [(change.at // 86400, change.nodes) for change in gpu.changes] == [
        (0, 7),
        (31, 9),
        (59, 9),
        (90, 9),
    ]
    assert [change.nodes for change in core.changes] == [0, 0, 11, 11, 0, 11]
    for change in (*gpu.changes, *core.changes):
        assert sum(change.entitled) == change.nodes
    assert {leaf.name for leaf, gpus in zip(core.leaves, core.changes[2].entitled, strict=True) if gpus} == {
        "c/x",
        "c/y",
    }
    twice = machines(plan(), policy(), scale=40)[0]
    assert [change.nodes for change in twice.changes] == [14, 18, 18, 18]


def test_resampling_offers_the_load_and_says_what_did_not_fit(tmp_path: Path) -> None:
    file = tmp_path / "a.swf"
    file.write_text(swf(*ROWS, (50, 1000, 64, 64, 1000)))
    machine = machines(plan(), policy())[0]
    drawn = resample(traces.read(file), machine, 1, [9] * 4, 0.9, seed=1, most=10**6)
    assert drawn.offered_load == pytest.approx(0.9, rel=0.03)
    assert drawn.left_out["wider-than-the-machine"] == 1
    assert set(zip(drawn.workload.need.tolist(), drawn.workload.seconds.tolist(), strict=True)) == {
        (2, 50),
        (8, 100),
    }
    assert (np.diff(drawn.workload.submit) >= 0).all()
    assert drawn.workload.submit[-1] < machine.seconds
    again = resample(traces.read(file), machine, 1, [9] * 4, 0.9, seed=1, most=10**6)
    assert again.workload.submit.tolist() == drawn.workload.submit.tolist()
    file.write_text(swf((0, 10, 64, 64, 10)))
    with pytest.raises(NothingToSimulate, match="gpu"):
        resample(traces.read(file), machine, 1, [9] * 4, 0.9, seed=1, most=10)


def test_no_job_arrives_before_it_fits() -> None:
    growing = machines(plan(), policy())[0]  # 7, then 9
    assert widest(growing, policy()) == [7, 9, 9, 9]
    assert min(widest(growing, policy(borrow=False))) >= 1


def test_hostile_figures_are_left_out(tmp_path: Path) -> None:
    file = tmp_path / "a.swf"
    rows = [swf((0, 10, 1, 1, 20)).splitlines()[2].split() for _ in range(8)]
    for number, (field, value) in enumerate(
        [(3, "inf"), (7, "inf"), (1, "inf"), (8, "1e17"), (3, "1e18"), (7, "0.3"), (3, "0.2"), (3, "nan")]
    ):
        rows[number][field] = value
    file.write_text("\n".join(" ".join(row) for row in [*rows, [*rows[0][:3], "10", *rows[0][4:]]]) + "\n")
    found = traces.read(file)
    assert len(found) == 2 and found.limit.max() <= traces.MOST_SECONDS
    assert sum(found.left_out.values()) == 7


def test_policies_are_compared_on_the_same_seeds(tmp_path: Path) -> None:
    file = tmp_path / "a.swf"
    file.write_text(swf((0, 20_000, 4, 4, 40_000), (5, 3000, 1, 1, 3000), (9, 100_000, 2, 2, 100_000)))
    table = small(capacity=small()["capacity"][:2])
    trial = trying.Trial(
        read(table), [policy(name="strict", backfill_depth=0, borrow=False), policy(name="easy")],
        traces.read(file), 0.8, range(3),
    )  # fmt: skip
    found = trying.run(trial)
    told = json.loads(json.dumps(found.document(trial)))
    assert told["resampled"] is True and told["seeds"] == [0, 1, 2]
    strict, easy = (found.reports[name]["gpu"] for name in ("strict", "easy"))
    assert [one.runs for one in strict] == [one.runs for one in easy]
    for one in (*strict, *easy):
        assert 0 < one.goodput <= one.utilisation <= 1
        assert len(one.months) == 3 * 4 and sum(month.runs for month in one.months) == one.runs
        assert one.wait[0] <= one.wait[1] <= one.wait[2]
    (figures,) = found.contrasts.values()
    by_name = {one.figure: one for one in figures}
    assert (
        by_name["wait-p95-hours"].difference < 0 and by_name["wait-p95-hours"].upper < 0
    )  # backfill and borrowing wait less
    assert all(one.lower <= one.difference <= one.upper for one in figures)
    assert all(one.difference == 0 for one in compare(strict, strict))
    other = trying.Trial(trial.plan, [policy(), policy(name="b", node_gpus=4)], trial.trace, 0.8, range(1))
    with pytest.raises(NodesDiffer, match="1, 4"):
        trying.run(other)


def test_the_command_tries_a_policy(tmp_path: Path) -> None:
    trace, bad, out = tmp_path / "a.swf", tmp_path / "bad.toml", tmp_path / "out.json"
    trace.write_text(swf((0, 20_000, 4, 4, 40_000), (5, 3000, 1, 1, 3000)))
    example = Path(__file__).parents[3] / "examples/korea-2026/plan.toml"
    asked = ("compute", "simulate", "--plan", example, "--trace", trace, "--scale", "160", "--seeds", "1")
    done = here(*asked, "--out", out)
    assert done.returncode == 0, done.stderr
    assert "resampled from a.swf" in done.stdout and "gpu-h200" in done.stdout
    assert json.loads(out.read_text())["reports"]["default"]["gpu-h200"][0]["runs"] > 100
    assert "다시 뽑아" in here("--language", "ko", *asked).stdout
    bad.write_text("[policy]\nbackfil_depth = 1\n")
    refused(here(*asked, "--policy", bad), "backfil_depth")
    bad.write_text("[policy]\ncheckpoint_seconds = -1\n")
    refused(here(*asked, "--policy", bad), "checkpoint_seconds")
    refused(here(*asked, "--load", "0"), "--load")
    refused(here(*asked[:4], "--trace", tmp_path / "no.swf"), "no.swf")


def test_kinds_that_make_no_node_are_told_and_none_left_is_refused(tmp_path: Path) -> None:
    trace, out = tmp_path / "a.swf", tmp_path / "out.json"
    trace.write_text(swf((0, 20_000, 4, 4, 40_000), (5, 3000, 1, 1, 3000)))
    example = Path(__file__).parents[3] / "examples/korea-2026/plan.toml"
    asked = ("compute", "simulate", "--plan", example, "--trace", trace, "--seeds", "1", "--jobs", "300")
    done = here(*asked, "--scale", "16", "--out", out)
    assert done.returncode == 0 and "gpu-gh200 is left out" in done.stdout, done.stderr
    told = json.loads(out.read_text())
    assert told["too_small"] == ["gpu-gh200"] and told["plan_digest"].startswith("sha256:")
    out.unlink()
    refused(here(*asked, "--scale", "10", "--out", out), "--scale")
    assert not out.exists()


@pytest.mark.parametrize("seeds", ["1.5", "1e1", "many"])
def test_whole_numbers_are_not_rounded(tmp_path: Path, seeds: str) -> None:
    trace = tmp_path / "a.swf"
    trace.write_text(swf((0, 20_000, 4, 4, 40_000)))
    example = Path(__file__).parents[3] / "examples/korea-2026/plan.toml"
    refused(here("compute", "simulate", "--plan", example, "--trace", trace, "--seeds", seeds), seeds)
