"""The rules of ClusterQueue and Cohort that their schemas write in CEL, as code.

Source: x-kubernetes-validations of the custom resource definitions of Kueue (kubernetes-sigs/kueue,
config/components/crd/bases, v1beta2).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from madang.engines.kueue.errors import KueueRuleBroken


def require_sound(manifest: Mapping[str, Any]) -> None:
    """Raise KueueRuleBroken for the first rule that a manifest breaks."""
    for rule in broken(manifest):
        raise KueueRuleBroken(kind=manifest["kind"], name=manifest["metadata"]["name"], rule=rule)


def broken(manifest: Mapping[str, Any]) -> Iterator[str]:
    """The rules that a manifest breaks, in the words of the definitions."""
    spec: Mapping[str, Any] = manifest.get("spec", {})
    groups = spec.get("resourceGroups", [])
    if any(len(f["resources"]) != len(g["coveredResources"]) for g in groups for f in g["flavors"]):
        yield "flavors must have the same number of resources as the coveredResources"
    if manifest["kind"] != "ClusterQueue":
        return
    resources = [r for g in groups for f in g["flavors"] for r in f["resources"]]
    if "cohortName" not in spec and any("borrowingLimit" in one for one in resources):
        yield "borrowingLimit must be nil when cohort is empty"
    preemption = spec.get("preemption", {})
    borrow = preemption.get("borrowWithinCohort")
    reclaim = preemption.get("reclaimWithinCohort", "Never")
    if reclaim == "Never" and borrow is not None and borrow.get("policy", "Never") != "Never":
        yield "reclaimWithinCohort=Never and borrowWithinCohort.Policy!=Never"
    fungibility = spec.get("flavorFungibility", {})
    both = [fungibility.get(name) for name in ("whenCanBorrow", "whenCanPreempt")]
    if "preference" in fungibility and both != ["TryNextFlavor", "TryNextFlavor"]:
        yield "preference can only be set when both whenCanBorrow and whenCanPreempt are TryNextFlavor"
