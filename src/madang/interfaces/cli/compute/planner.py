"""``madang compute simulate``: try policies on a plan before one is enacted."""

from __future__ import annotations

import json as formats
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from madang.interfaces.cli import context
from madang.interfaces.cli.compute.plan import document_of
from madang.interfaces.operations import trials as kept_trials
from madang.kernel.errors import BadValue
from madang.kernel.extension import load_object
from madang.kernel.home import write_durably
from madang.kernel.ids import check_range
from madang.kernel.settings import load as load_settings
from madang.kernel.settings import read_document
from madang.kernel.steps import choose
from madang.programme import trials

if TYPE_CHECKING:
    from madang.allocations.planner.reporting import Report
    from madang.allocations.planner.trying import Result, Trial

app = App(name="planner")


@app.command
def simulate(
    *,
    plan: str,
    trace: Path,
    policy: Annotated[list[Path], Parameter(name="--policy", negative="")] | None = None,
    load: float = 0.95,
    seeds: context.Whole = 20,
    jobs: context.Whole = 200_000,
    scale: context.Whole | None = None,
    steps: str = "",
    out: Path | None = None,
    keep: bool = False,
    json: context.Json = False,
) -> None:
    """Simulate policies on a plan, with jobs resampled from a trace; several are compared on the same seeds.

    Example: madang compute simulate --plan examples/korea-2026/plan.toml --trace jobs.swf
    --policy a.toml --policy b.toml

    Parameters
    ----------
    plan
        A plan's file or name.
    trace
        Jobs to resample: .swf, .swf.gz, or .parquet (docs/compute.md).
    policy
        A policy's file; give several to compare the others with the first. Without one, the default policy.
    load
        Offered load: what the jobs ask for as a part of what the plan gives.
    seeds
        How many times, each with another seed.
    jobs
        About so many jobs of each kind and seed at most (at least one for each month).
    scale
        GPUs that the plan's largest month is brought to, all counts in proportion.
    steps
        What does the simulations: here, or ray (default: the setting `steps_engine`).
    out
        Write all figures to this file as JSON.
    keep
        Keep the results in the home, for all members to see on a page (an officer, researcher or operator).
    """
    load_object("madang.allocations.planner.trying:run", "planner")  # or say which extra is missing
    from madang.allocations.planner import traces, trying
    from madang.allocations.planner.policy import PolicyDocument, PolicyFile

    if not 0 < load <= 10:
        raise BadValue(file="command line", key="--load", reason="It is above 0 and at most 10.")
    policies = [read_document(file, PolicyFile).policy for file in policy or ()]
    policies = policies or [PolicyDocument.model_validate({})]
    if len({one.name for one in policies}) != len(policies):
        raise BadValue(file="command line", key="--policy", reason="Two policies have the same name.")
    trial = trying.Trial(
        document_of(plan),
        policies,
        traces.read(trace),
        load,
        range(check_range("--seeds", seeds, 1, 1000)),
        check_range("--jobs", jobs, 1, trying.MOST_JOBS),
        None if scale is None else check_range("--scale", scale, 1, 10_000_000),
    )
    if keep:
        trials.require_may_keep(context.home(), context.actor(context.home()))
    found = trying.run(trial, _progress, choose(load_settings(context.home_path()).values, steps))
    told = found.document(trial)
    if out is not None:
        write_durably(out, formats.dumps(told, ensure_ascii=False, indent=1).encode())
    if json:
        context.print_json(told)
    else:
        _print(trial, found)
    if keep:
        kept = trials.keep(context.home(), context.actor(context.home()), told)
        print(kept.trial_id, file=sys.stderr if json else sys.stdout)


@app.command(name="trials")
def trials_(*, json: context.Json = False) -> None:
    """List trials of policies that were kept, newest first.

    Example: madang compute trials
    """
    columns: dict[str, Any] = {
        "trial": lambda one: one.trial_id,
        "plan": lambda one: one.plan,
        "policies": lambda one: ", ".join(one.policies),
        "organization": lambda one: one.organization,
        "kept": lambda one: one.kept_at,
    }
    context.print_items(context.every(kept_trials.list_), columns, json)


@app.command(name="trial")
def trial_(trial: str) -> None:
    """Print what a kept trial found, as JSON.

    Example: madang compute trial trl-...
    """
    context.print_json(context.call(kept_trials.show, trial=trial).results)


def _progress(policy: str, kind: str, seed: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{policy} {kind} {seed}   ", end="", file=sys.stderr, flush=True)


def _print(trial: Trial, found: Result) -> None:
    if sys.stderr.isatty():
        print("\r" + " " * 60 + "\r", end="", file=sys.stderr)
    print(
        context.text(
            "allocations.planner.resampled",
            trace=trial.trace.name,
            jobs=f"{len(trial.trace):,}",
            unit=trial.trace.unit,
            plan=trial.plan.plan.name,
        )
    )
    for kind in found.too_small:
        print(context.text("allocations.planner.too-small", kind=kind, gpus=trial.policies[0].node_gpus))
    for kind, why in found.left_out.items():
        told = ", ".join(f"{_reason(name)} {count:,}" for name, count in why.items() if count)
        if told:
            print(context.text("allocations.planner.left", kind=kind, why=told))
    offered = [
        one.offered_load for kinds in found.reports.values() for some in kinds.values() for one in some
    ]
    if min(offered) < trials.NEAR_LOAD * trial.load:
        print(context.text("allocations.planner.cut", jobs=f"{trial.jobs:,}", load=f"{min(offered):.3f}"))
    rows = [
        _row(policy, kind, reports)
        for policy, kinds in found.reports.items()
        for kind, reports in kinds.items()
    ]
    context.print_rows(rows, {name: name for name in rows[0]}, False)
    if found.contrasts and len(trial.seeds) < trials.ENOUGH_SEEDS:
        print(
            "\n" + context.text("allocations.planner.few", seeds=len(trial.seeds), enough=trials.ENOUGH_SEEDS)
        )
    for (first, second, kind), figures in found.contrasts.items():
        print(f"\n{second} - {first}, {kind} ({len(trial.seeds)} seeds)")
        shown = [
            {
                "figure": one.figure,
                first: f"{one.first:,.4g}",
                second: f"{one.second:,.4g}",
                "difference [95 %]": f"{one.difference:+,.4g} [{one.lower:,.4g}, {one.upper:,.4g}]",
            }
            for one in figures
        ]
        context.print_rows(shown, {name: name for name in shown[0]}, False)


def _reason(name: str) -> str:
    return context.text(f"allocations.planner.left-out.{name}")


def _row(policy: str, kind: str, reports: Sequence[Report]) -> dict[str, str]:
    def mean(of: list[float]) -> float:
        return sum(of) / len(of)

    waits = [mean([one.wait[part] for one in reports]) / 3600 for part in range(3)]
    slow = [mean([one.slowdown[part] for one in reports]) for part in range(3)]
    return {
        "policy": policy,
        "kind": kind,
        "jobs": f"{mean([one.runs for one in reports]):,.0f}",
        "load": f"{mean([one.offered_load for one in reports]):.3f}",
        "utilisation": f"{mean([one.utilisation for one in reports]):.3f}",
        "goodput": f"{mean([one.goodput for one in reports]):.3f}",
        "wait h (50/95/99 %)": " / ".join(f"{one:.2f}" for one in waits),
        "slowdown": " / ".join(f"{one:.1f}" for one in slow),
        "queue (mean, most)": f"{mean([one.mean_queue for one in reports]):,.0f}, "
        f"{max(one.longest_queue for one in reports):,}",
        "preempted": f"{mean([one.preempted for one in reports]):,.0f}",
    }
