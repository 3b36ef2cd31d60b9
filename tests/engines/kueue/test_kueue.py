"""Manifests for Kueue: against its own definitions where they are at hand, its CEL rules, and by hand."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from madang.allocations.quotas.model import AwardQuota, ShareQuota, SiteQuotas
from madang.engines.kueue.errors import KueueRuleBroken
from madang.engines.kueue.manifests import KueueManifests
from madang.engines.kueue.rules import broken, require_sound
from madang.interfaces.demo import cast
from madang.kernel.settings import Values
from madang.runs import service
from tests.conftest import Played
from tests.interfaces.commands import here

DEFINITIONS = Path(__file__).parents[3].parent / "shared/data/interop/kueue"

WANTED = SiteQuotas(
    "gpu-center",
    [
        ShareQuota("academia-research/kisti", "h200", 6, False, False, False),
        ShareQuota("industry", "h200", 10, True, True, True),
        ShareQuota("industry", "b200", 3, True, True, True),
        ShareQuota("industry", "cpu-core", 64, True, True, True),
    ],
    [
        AwardQuota("awd-1", "company-a", "manipulation-10", "industry", "h200", 3600, True),
        AwardQuota("awd-2", "institute-a", "manipulation-10", "academia-research/kisti", "h200", 3600, False),
    ],
)


def rendered(wanted: SiteQuotas = WANTED) -> list[dict[str, Any]]:
    return [copy.deepcopy(dict(one)) for one in KueueManifests(Values()).quotas(wanted)]


def of_kind(kind: str) -> dict[str, dict[str, Any]]:
    return {one["metadata"]["name"]: one for one in rendered() if one["kind"] == kind}


def closed(schema: Any) -> Any:
    """A schema in which an object has no other keys than those it names."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: closed(value) for key, value in schema.items()}
    if "properties" in made and not made.get("x-kubernetes-preserve-unknown-fields"):
        made.setdefault("additionalProperties", False)
    return made


def problems(manifest: Mapping[str, Any]) -> list[str]:
    """What the definition of a manifest's kind has against it."""
    for path in DEFINITIONS.glob("*.yaml"):
        definition = yaml.safe_load(path.read_text("utf-8"))["spec"]
        if definition["names"]["kind"] != manifest["kind"]:
            continue
        group, _, version = manifest["apiVersion"].partition("/")
        (found,) = [one for one in definition["versions"] if one["name"] == version]
        assert definition["group"] == group
        assert found["served"]
        schema = closed(found["schema"]["openAPIV3Schema"])
        schema["properties"]["metadata"] = {"type": "object"}
        return [one.message for one in Draft202012Validator(schema).iter_errors(manifest)]
    raise AssertionError(f"no definition of {manifest['kind']}")


def defined() -> list[dict[str, Any]]:
    if not DEFINITIONS.is_dir():
        pytest.skip("Kueue's definitions are not here")
    return [one for one in rendered() if one["kind"] not in ("Namespace",)]


def test_every_manifest_is_as_kueue_defines_it() -> None:
    kinds = set()
    for one in defined():
        assert problems(one) == [], one
        kinds.add(one["kind"])
    assert kinds == {"ResourceFlavor", "Cohort", "ClusterQueue", "LocalQueue"}


def test_the_definitions_catch_what_is_misspelt_or_unknown() -> None:
    (queue,) = [one for one in defined() if one["metadata"]["name"] == "gpu-center-industry"]
    spelt, value = copy.deepcopy(queue), copy.deepcopy(queue)
    spelt["spec"]["cohort"] = spelt["spec"].pop("cohortName")  # v1beta1's name of it
    value["spec"]["preemption"]["reclaimWithinCohort"] = "Always"
    assert any("cohort" in one for one in problems(spelt))
    assert any("Always" in one for one in problems(value))


def test_shares_become_queues_that_lend_and_borrow_as_the_plan_says() -> None:
    queues = of_kind("ClusterQueue")
    own = queues["gpu-center-academia-research.kisti"]["spec"]
    (group,) = own["resourceGroups"]
    (resource,) = group["flavors"][0]["resources"]
    assert resource == {"name": "nvidia.com/gpu", "nominalQuota": 6, "borrowingLimit": 0, "lendingLimit": 0}
    assert own["preemption"]["reclaimWithinCohort"] == "Never"
    industry = queues["gpu-center-industry"]["spec"]
    groups = {tuple(one["coveredResources"]): one["flavors"] for one in industry["resourceGroups"]}
    assert {one["name"]: one["resources"][0]["nominalQuota"] for one in groups[("nvidia.com/gpu",)]} == {
        "h200": 10,
        "b200": 3,
    }
    assert groups[("cpu",)][0]["resources"] == [{"name": "cpu", "nominalQuota": 64}]
    assert (industry["cohortName"], industry["preemption"]["reclaimWithinCohort"]) == ("gpu-center", "Any")


def test_awards_become_queues_that_are_held_while_closed() -> None:
    queues = of_kind("LocalQueue")
    assert queues["awd-1"]["spec"] == {"clusterQueue": "gpu-center-industry", "stopPolicy": "None"}
    assert queues["awd-2"]["spec"]["stopPolicy"] == "Hold"
    assert queues["awd-2"]["metadata"]["namespace"] in of_kind("Namespace")


def break_rule(queue: dict[str, Any], rule: str) -> None:
    spec = queue["spec"]
    if rule.startswith("borrowingLimit"):
        del spec["cohortName"]
        spec["resourceGroups"][0]["flavors"][0]["resources"][0]["borrowingLimit"] = 1
    elif rule.startswith("flavors"):
        spec["resourceGroups"][0]["coveredResources"].append("memory")
    elif rule.startswith("reclaim"):
        spec["preemption"] |= {
            "reclaimWithinCohort": "Never",
            "borrowWithinCohort": {"policy": "LowerPriority"},
        }
    else:
        spec["flavorFungibility"] = {"preference": "BorrowingOverPreemption", "whenCanBorrow": "Borrow"}


@pytest.mark.parametrize(
    "rule",
    [
        "borrowingLimit must be nil when cohort is empty",
        "flavors must have the same number of resources as the coveredResources",
        "reclaimWithinCohort=Never and borrowWithinCohort.Policy!=Never",
        "preference can only be set when both whenCanBorrow and whenCanPreempt are TryNextFlavor",
    ],
)
def test_the_rules_that_schemas_cannot_say_are_checked(rule: str) -> None:
    queue = of_kind("ClusterQueue")["gpu-center-industry"]
    assert list(broken(queue)) == []
    break_rule(queue, rule)
    assert list(broken(queue)) == [rule]
    with pytest.raises(KueueRuleBroken) as caught:
        require_sound(queue)
    assert rule in str(caught.value)
    if DEFINITIONS.is_dir():
        text = " ".join((DEFINITIONS / "clusterqueues.yaml").read_text("utf-8").split())
        assert f"message: {rule}" in text


def test_the_operator_prints_quotas_and_a_runs_job(copied: Played) -> None:
    award = copied.stage.notes[f"award:{cast.COMPANIES[0]}"]
    inputs = [copied.stage.notes[f"deposit:{cast.COMPANIES[0]}"]]
    order = service.Order(
        cast.MISSION, "physical/behaviour-cloning", inputs, award, "model", {}, cores=1, wall_seconds=60
    )
    run = service.submit(copied.home, copied.actor(cast.COMPANIES[0]), order)

    def render(*words: str) -> list[dict[str, Any]]:
        asked = ("--home", copied.home.path, "compute", "quota", "render", *words)
        done = here(*asked, token=copied.stage.token(cast.JUDGE, "operator"))
        assert done.returncode == 0, done.stderr
        return list(yaml.safe_load_all(done.stdout))

    made = render()
    assert {one["kind"] for one in made} >= {"Cohort", "ClusterQueue", "LocalQueue"}
    assert award in {one["metadata"]["name"] for one in made}
    if DEFINITIONS.is_dir():
        assert [p for one in made if one["kind"] != "Namespace" for p in problems(one)] == []
    (job,) = render("--run", run.run_id)
    assert job["metadata"]["name"] == run.run_id
    assert job["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == award
    assert job["spec"]["suspend"] is True
    assert job["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"] == {"cpu": 1}
