"""A home whose runs go to Slurm."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from madang.allocations import service as allocations
from madang.allocations.model import Award, Capacity
from madang.allocations.quotas import service as quotas
from madang.interfaces.demo import cast
from madang.kernel import clock
from madang.kernel.authorizer import Principal
from madang.runs import service
from madang.runs.model import Run
from tests.conftest import Played
from tests.engines.slurm.cluster import GPUS_PER_NODE, KIND, NODES, Cluster
from tests.runs.test_runs import wait

SITE = "gpu-center"
SHORT = {"steps": 20, "width": 16, "layers": 1}
LONG = {"steps": 200_000}


@dataclass
class Center:
    """A home whose site is the cluster: 32 GPUs, split 50/30/20, so 16, 10 and 6."""

    played: Played
    cluster: Cluster
    capacity: Capacity

    @property
    def operator(self) -> Principal:
        return self.played.actor(cast.JUDGE, "operator")

    def award(self, share: str, organization: str, gpu_seconds: int, *, enforce: bool = True) -> Award:
        """An award, and the cluster told of it."""
        officer = self.played.actor(cast.MINISTRY, "officer")
        hours = gpu_seconds / 3600
        with self.played.home.database.write() as session:
            made = allocations.award(
                session,
                officer,
                cast.MISSION,
                organization,
                self.capacity.capacity_id,
                share,
                hours,
            )
        if enforce:
            assert quotas.apply(self.played.home, self.operator)[1] == []
        return made

    def order(
        self, award: Award, gpus: int = 1, seconds: int = 60, *, long: bool = False, borrow: bool = False
    ) -> Run:
        """A training run of the programme's own recipe."""
        made = service.Order(
            cast.MISSION, "physical/behaviour-cloning",
            [self.played.stage.notes[f"deposit:{cast.COMPANIES[0]}"]],
            award.award_id, "model", LONG if long else SHORT, gpus, seconds, borrow,
        )  # fmt: skip
        return service.submit(self.played.home, self.played.actor(award.organization), made)

    def get(self, run: Run) -> Run:
        with self.played.home.database.read() as session:
            return service.get(session, run.run_id)


@pytest.fixture
def center(
    cluster: Cluster, played: Played, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Center]:
    """A copy of the played home, with the cluster as another site of the center's."""
    settings = {"RUN_ENGINE": "slurm", "QUOTA_ENGINE": "slurm", "SITE": SITE}
    for name, value in settings.items():
        monkeypatch.setenv(f"MADANG_{name}", value)
    for name, value in cluster.environment.items():
        monkeypatch.setenv(name, value)
    copied: Played = request.getfixturevalue("copied")
    first = clock.now().replace(microsecond=0) - timedelta(hours=1)
    with copied.home.database.write() as session:
        made = allocations.declare(
            session, copied.actor(cast.JUDGE, "operator"), SITE, KIND, NODES * GPUS_PER_NODE, first,
            first + timedelta(days=30),
        )  # fmt: skip
    with copied.home.database.write() as session:
        allocations.split(session, copied.actor(cast.MINISTRY, "officer"), made.capacity_id)
    yield Center(copied, cluster, made)
    _forget_accounts(cluster)


def _forget_accounts(cluster: Cluster) -> None:
    """The next test's home knows nothing of this one's awards."""
    rows = cluster.command("sacctmgr", "-n", "-P", "show", "assoc", "format=Account,ParentName").splitlines()
    above = dict(row.split("|") for row in rows if row.split("|")[1])
    below = [name for name, parent in above.items() if parent != "root" and name != "madang"]
    cluster.command("scancel", "--user", getpass.getuser())
    wait(lambda: cluster.command("squeue", "-h") == "")  # Slurm keeps an account that has a job
    nested = [name for name in below if above[name] != "madang"]
    for names in (nested, [name for name in below if name not in nested]):
        if names:
            cluster.command("sacctmgr", "-i", "delete", "account", f"name={','.join(names)}")
