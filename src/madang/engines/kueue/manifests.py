"""Rendering; what becomes what, in the package's docstring."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from madang.allocations.quotas.model import AwardQuota, ShareQuota, SiteQuotas
from madang.engines.kueue.rules import require_sound
from madang.kernel.extension import Engine
from madang.kernel.settings import Values
from madang.runs.launching import Job

ENGINE = Engine("kueue", "manifests", "madang.engines.kueue.manifests:KueueManifests")

VERSION = "kueue.x-k8s.io/v1beta2"
KIND_LABEL, MANAGED = "madang.local/kind", {"app.kubernetes.io/managed-by": "madang"}
_CLAIM, _IMAGE = "madang-home", "madang"
"""The volume claim that holds the home, and the image that holds Madang; the operator's, by these names."""


class KueueManifests:
    """See the package's docstring."""

    def __init__(self, values: Values) -> None:
        self._values = values

    def quotas(self, wanted: SiteQuotas) -> Sequence[Mapping[str, Any]]:
        """Flavors, the cohort, the shares' queues, namespaces, the awards' queues."""
        namespaces = sorted({one.organization for one in wanted.awards})
        made = [
            *(_flavor(kind) for kind in wanted.kinds),
            _manifest("Cohort", wanted.site, {}),
            *(
                self._share(wanted.site, wanted.of_share(name))
                for name in sorted({s.share for s in wanted.shares})
            ),
            *(_namespace(name) for name in namespaces),
            *(_award(wanted.site, award) for award in wanted.awards),
        ]
        for one in made:
            require_sound(one)
        return made

    def _share(self, site: str, quotas: Sequence[ShareQuota]) -> Mapping[str, Any]:
        groups: dict[str, list[Mapping[str, Any]]] = {}
        for one in quotas:
            resource = resource_of(one.kind)
            limits = {"name": resource, "nominalQuota": one.count}
            if not one.borrows:
                limits["borrowingLimit"] = 0
            if not one.lends:
                limits["lendingLimit"] = 0
            groups.setdefault(resource, []).append({"name": one.kind, "resources": [limits]})
        reclaims = all(one.preempts for one in quotas)
        spec = {
            "cohortName": site,
            "namespaceSelector": {"matchLabels": MANAGED},
            # Strict order would keep a share's whole queue from borrowing behind one job that does not fit.
            "queueingStrategy": "BestEffortFIFO",
            "preemption": {
                "reclaimWithinCohort": "Any" if reclaims else "Never",
                "borrowWithinCohort": {"policy": "Never"},
                "withinClusterQueue": "Never",
            },
            "resourceGroups": [
                {"coveredResources": [resource], "flavors": flavors}
                for resource, flavors in sorted(groups.items())
            ],
        }
        return _manifest("ClusterQueue", queue_of(site, quotas[0].share), spec)

    def job(self, job: Job, organization: str) -> Mapping[str, Any]:
        """A suspended Job: Kueue starts it when its award's queue has room."""
        grounds = job.grounds
        count = {resource_of(grounds.kind): grounds.count}
        container = {
            "name": "run",
            "image": _IMAGE,
            "command": [sys.executable, "-m", "madang.engines.keeper", str(job.folder)],
            "resources": {"requests": count, "limits": count},
            "volumeMounts": [{"name": "home", "mountPath": str(job.folder.parent)}],
        }
        pod = {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "nodeSelector": {KIND_LABEL: grounds.kind},
            "containers": [container],
            "volumes": [{"name": "home", "persistentVolumeClaim": {"claimName": _CLAIM}}],
        }
        labels = {
            **MANAGED,
            "kueue.x-k8s.io/queue-name": grounds.award_id,
            "kueue.x-k8s.io/max-exec-time-seconds": str(job.wall_seconds),
        }
        return {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": job.name, "namespace": namespace_of(organization), "labels": labels},
            "spec": {
                "suspend": True,
                "backoffLimit": 0,
                "parallelism": 1,
                "completions": 1,
                "activeDeadlineSeconds": job.wall_seconds,
                "template": {"metadata": {"labels": MANAGED}, "spec": pod},
            },
        }


def resource_of(kind: str) -> str:
    """What Kubernetes calls a kind: cores are "cpu", anything else is a GPU told apart by its flavor."""
    return "cpu" if kind.startswith("cpu") else "nvidia.com/gpu"


def queue_of(site: str, share: str) -> str:
    """The ClusterQueue of a share at a site."""
    return f"{site}-{share.replace('/', '.')}"


def namespace_of(organization: str) -> str:
    """The namespace of an organization."""
    return f"madang-{organization}"[:63].rstrip("-")


def _manifest(kind: str, name: str, spec: Mapping[str, Any], **metadata: str) -> Mapping[str, Any]:
    return {
        "apiVersion": VERSION,
        "kind": kind,
        "metadata": {"name": name, **metadata, "labels": MANAGED},
        "spec": spec,
    }


def _flavor(kind: str) -> Mapping[str, Any]:
    return _manifest("ResourceFlavor", kind, {"nodeLabels": {KIND_LABEL: kind}})


def _namespace(organization: str) -> Mapping[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": namespace_of(organization), "labels": MANAGED},
    }


def _award(site: str, award: AwardQuota) -> Mapping[str, Any]:
    spec = {"clusterQueue": queue_of(site, award.share), "stopPolicy": "None" if award.open else "Hold"}
    return _manifest("LocalQueue", award.award_id, spec, namespace=namespace_of(award.organization))
