"""Trying policies: every kind of a plan, on the same seeds, reported and compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from madang.allocations.errors import NodesDiffer, NoWholeNode
from madang.allocations.planner.policy import PolicyDocument
from madang.allocations.planner.reporting import Contrast, Report, compare, report
from madang.allocations.planner.simulation import simulate
from madang.allocations.planner.traces import Trace
from madang.allocations.planner.workload import Machine, machines, resample, widest
from madang.allocations.plans.model import PlanDocument
from madang.kernel.canonical import canonical_digest
from madang.kernel.steps import Here, Steps

MOST_JOBS = 5_000_000


@dataclass(frozen=True)
class Trial:
    """What was tried. load: offered, as a part of what the plan gives. seeds: of resampling and failures.
    jobs: at most. scale: GPUs the plan is brought to."""

    plan: PlanDocument
    policies: Sequence[PolicyDocument]
    trace: Trace
    load: float
    seeds: Sequence[int]
    jobs: int = MOST_JOBS
    scale: int | None = None


@dataclass(frozen=True)
class Result:
    """reports: policy -> kind -> a report for each seed. contrasts: (first, other, kind) -> figures.
    left_out: kind -> why -> jobs of the trace that were not drawn from. too_small: kinds of the plan that
    make no whole node, and are not simulated."""

    reports: Mapping[str, Mapping[str, Sequence[Report]]]
    contrasts: Mapping[tuple[str, str, str], Sequence[Contrast]]
    left_out: Mapping[str, Mapping[str, int]]
    too_small: Sequence[str] = ()

    def document(self, trial: Trial) -> dict[str, Any]:
        """As JSON, with what it rests on."""
        return {
            "plan": trial.plan.plan.name,
            "plan_digest": canonical_digest(trial.plan.model_dump(mode="json")),
            "trace": {"name": trial.trace.name, "unit": trial.trace.unit, "jobs": len(trial.trace)},
            "resampled": True,
            "load": trial.load,
            "scale": trial.scale,
            "seeds": list(trial.seeds),
            "policies": [one.model_dump() for one in trial.policies],
            "left_out": {kind: dict(why) for kind, why in self.left_out.items()},
            "too_small": list(self.too_small),
            "reports": {
                policy: {kind: [asdict(one) for one in made] for kind, made in kinds.items()}
                for policy, kinds in self.reports.items()
            },
            "contrasts": [
                {"first": first, "second": second, "kind": kind, "figures": [asdict(one) for one in figures]}
                for (first, second, kind), figures in self.contrasts.items()
            ],
        }


@dataclass(frozen=True)
class Part:
    """One simulation. widest: GPUs of the largest job that each share is drawn."""

    policy: PolicyDocument
    machine: Machine
    widest: Sequence[int]
    seed: int


def run(
    trial: Trial, tell: Callable[[str, str, int], None] | None = None, steps: Steps | None = None
) -> Result:
    """Simulate every policy on every kind and seed; `tell` hears of each that is done.

    The same seed draws the same jobs for every policy. steps: what does the simulations; here, unless told.

    Raises NodesDiffer, NoWholeNode, NothingToSimulate, NeverStarts.
    """
    sizes = sorted({one.node_gpus for one in trial.policies})
    if len(sizes) > 1:
        raise NodesDiffer(sizes=", ".join(map(str, sizes)))
    reports: dict[str, dict[str, list[Report]]] = {one.name: {} for one in trial.policies}
    left_out: dict[str, Mapping[str, int]] = {}
    parts = _parts(trial)
    too_small = _too_small(trial, parts)
    for part, (made, why) in zip(parts, (steps or Here()).map(_one, trial, parts), strict=True):
        if tell is not None:
            tell(part.policy.name, part.machine.kind, part.seed)
        reports[part.policy.name].setdefault(part.machine.kind, []).append(made)
        left_out[part.machine.kind] = why
    return Result(reports, _contrasts(reports), left_out, too_small)


def _too_small(trial: Trial, parts: Sequence[Part]) -> list[str]:
    """The plan's kinds that make no whole node. NoWholeNode where that is all of them."""
    missing = sorted({line.kind for line in trial.plan.capacity} - {part.machine.kind for part in parts})
    if not parts:
        raise NoWholeNode(plan=trial.plan.plan.name, gpus=trial.policies[0].node_gpus)
    return missing


def _parts(trial: Trial) -> list[Part]:
    each = [(policy, machines(trial.plan, policy, trial.scale)) for policy in trial.policies]
    limits: dict[str, list[int]] = {}
    for policy, built in each:
        for machine in built:
            mine = widest(machine, policy)
            limits[machine.kind] = [*map(min, mine, limits.get(machine.kind, mine))]
    return [
        Part(policy, machine, limits[machine.kind], seed)
        for policy, built in each
        for machine in built
        for seed in trial.seeds
    ]


def _one(trial: Trial, part: Part) -> tuple[Report, Mapping[str, int]]:
    policy, machine, seed = part.policy, part.machine, part.seed
    drawn = resample(trial.trace, machine, policy.node_gpus, part.widest, trial.load, seed, trial.jobs)
    outcome = simulate(
        drawn.workload, machine.leaves, machine.changes, policy.rules(), policy.node_gpus, seed
    )
    return report(machine, drawn.workload, outcome, drawn.offered_load, policy.node_gpus), drawn.left_out


def _contrasts(
    reports: Mapping[str, Mapping[str, Sequence[Report]]],
) -> dict[tuple[str, str, str], Sequence[Contrast]]:
    """Every further policy against the first."""
    (first, mine), *others = reports.items()
    return {
        (first, other, kind): compare(mine[kind], theirs[kind]) for other, theirs in others for kind in mine
    }
