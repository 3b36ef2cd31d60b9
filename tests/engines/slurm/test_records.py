"""Reading Slurm's tables: rows out of order, twice, half a job's life beside the other half."""

from __future__ import annotations

import itertools
import random

import pytest

from madang.engines.slurm.commands import Resources, amounts, refusal_in
from madang.engines.slurm.records import earliest, latest
from madang.kernel.settings import Values


def row(
    job: int, state: str, seconds: int = 0, start: str = "Unknown", end: str = "Unknown", **more: str
) -> dict[str, str]:
    return {
        "JobIDRaw": str(job), "State": state, "ElapsedRaw": str(seconds), "Submit": "100", "Start": start,
        "End": end, "QOS": "madang-industry", "Account": "awd-1", "AllocTRES": "cpu=1,gres/gpu:h200=4",
        "ReqTRES": "cpu=1,gres/gpu:h200=4",
        "JobName": f"run-{job}", **more,
    }  # fmt: skip


LIFE = [
    row(7, "PENDING"),
    row(7, "RUNNING", 3, "101"),
    row(7, "RUNNING", 9, "101"),
    row(7, "COMPLETED", 10, "101", "111"),
]


def test_any_order_and_repetition_give_the_same_record() -> None:
    for order in itertools.permutations(LIFE):
        assert latest(order)[7].seconds == 10
        assert not latest(order)[7].live
    generator = random.Random(1)
    for _ in range(50):
        drawn = [generator.choice(LIFE) for _ in range(10)]
        assert latest([*drawn, *LIFE, *drawn]) == latest(LIFE)


def test_a_requeued_job_counts_as_it_was_submitted_last() -> None:
    rows = [
        row(7, "REQUEUED", 30, "101", "131"),
        row(7, "PENDING", Submit="131"),
        row(7, "RUNNING", 5, "140", Submit="131"),
    ]
    for order in itertools.permutations(rows):
        assert (latest(order)[7].seconds, latest(order)[7].live) == (5, True)


def test_a_clock_that_was_set_back_does_not_bring_a_job_back_to_life() -> None:
    rows = [row(7, "RUNNING", 500, "101"), row(7, "COMPLETED", 12, "101", "90")]
    assert latest(rows)[7].seconds == latest(rows[::-1])[7].seconds == 12


def test_steps_and_who_cancelled_are_left_out() -> None:
    rows = [row(7, "CANCELLED by 1000", 4, "101", "105"), row(7, "FAILED", JobIDRaw="7.batch")]
    assert latest(rows)[7].state == "CANCELLED"
    assert list(latest(rows)) == [7]


def test_what_was_not_counted_counts_as_it_was_asked_for() -> None:
    """A controller that restarts may give a job without its GPUs, or accounting may not keep them."""
    (found,) = latest([row(7, "COMPLETED", 9, "101", "110", AllocTRES="billing=1,cpu=1")]).values()
    assert (found.units("gres/gpu:h200"), found.units("cpu")) == (4, 1)


def test_of_two_jobs_of_a_name_the_first_counts() -> None:
    rows = latest([row(9, "PENDING", JobName="run-a"), row(8, "RUNNING", JobName="run-a"), row(5, "RUNNING")])
    assert earliest(["run-a"], rows.values()) == {"run-a": 8}


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ("QOSGrpGRES Batch job submission failed: Job violates accounting/QOS policy", "QOSGrpGRES"),
        ("AssocGrpGRESMinutes Batch job submission failed: Job violates", "AssocGrpGRESMinutes"),
        ("Batch job submission failed: Invalid qos specification", "Invalid qos specification"),
        ("ask kim@center.kr Batch job submission failed: Unspecified error", "Unspecified error"),
        ("kim says QOSMaxGRESPerUser Batch job submission failed: Job violates", "QOSMaxGRESPerUser"),
    ],
)
def test_the_reason_is_the_limit_where_slurm_names_one(told: str, reason: str) -> None:
    assert refusal_in(told) == reason


def test_kinds_and_amounts() -> None:
    resources = Resources(Values(slurm_resources="cpu-core=cpu,h200=gres/gpu:hopper"))
    assert [resources.tres(kind) for kind in ("cpu-core", "h200", "gpu-b200")] == [
        "cpu", "gres/gpu:hopper", "gres/gpu:b200",
    ]  # fmt: skip
    assert resources.options("h200", 12) == ["--gpus=hopper:12"]
    assert resources.options("cpu-core", 3) == ["--ntasks=1", "--cpus-per-task=3"]
    assert amounts("billing=1,gres/gpu:h200=4,mem=20G,node=1") == {
        "billing": 1,
        "gres/gpu:h200": 4,
        "node": 1,
    }
