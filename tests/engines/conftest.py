"""What engines run on in tests: this machine, and one real Slurm for the session."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from madang.allocations.quotas.model import AwardQuota, ShareQuota, SiteQuotas
from madang.engines.slurm.quotas import SlurmQuotas
from madang.kernel import extension
from madang.kernel.settings import Values
from madang.runs.launching import Launcher
from tests import records
from tests.engines.iri.facility import Facility, settings_for
from tests.engines.slurm.cluster import GPUS_PER_NODE, KIND, NODES, Cluster, missing

AWARD = "awd-of-the-attacks"


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Slurm on loopback; skipped where it is not installed, and in the round that is about records."""
    if missing() or records.POSTGRES:
        pytest.skip(missing() or "Slurm is tested with records in SQLite")
    with tempfile.TemporaryDirectory(
        prefix="madang-slurm-", dir="/tmp", ignore_cleanup_errors=True
    ) as folder:
        Path(folder).chmod(0o755)  # MariaDB and munge have users of their own
        one = Cluster(Path(folder))
        try:
            one.start()
            yield one
        finally:
            one.stop()


@pytest.fixture(scope="session")
def lending(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Facility]:
    """A facility of our own making for the session; skipped in the round that is about records."""
    if records.POSTGRES:
        pytest.skip("facilities are tested with records in SQLite")
    made = Facility(tmp_path_factory.mktemp("facility"), 2)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def launcher(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Launcher:
    """The launcher of a run engine, by its name; what it needs is there."""
    values = Values()
    if request.param == "iri":
        values = Values(**settings_for(request.getfixturevalue("lending")))
    if request.param == "slurm":
        cluster: Cluster = request.getfixturevalue("cluster")
        for name, value in cluster.environment.items():
            monkeypatch.setenv(name, value)
        share = ShareQuota("industry", KIND, NODES * GPUS_PER_NODE, True, True, True)
        award = AwardQuota(AWARD, "company", "mission", "industry", KIND, 10**7, True)
        SlurmQuotas(values).apply(SiteQuotas("gpu-center", [share], [award]))
    made: Launcher = extension.engine("runs", request.param)(values)
    return made
