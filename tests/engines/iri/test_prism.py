"""The engine's requests, held to the published specification by Prism, which mocks it.

Prism validates each request and answers with the specification's examples: nothing here shows that a job runs
(test_iri.py does), but that a facility which keeps to the specification understands us, and we its answers.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from madang.engines.iri import client
from madang.engines.iri.client import STATES, Facility, TaskFailed
from madang.engines.iri.errors import FacilitySilent
from madang.engines.iri.launcher import IriLauncher
from madang.kernel.isolation import Confinement, Limits
from madang.kernel.settings import Values
from madang.runs.launching import Grounds, Job

ROOT = Path(__file__).parents[3]
SPECIFICATIONS = ROOT.parent / "shared" / "data" / "interop" / "iri"
PRISM = ROOT / "node_modules" / ".bin" / "prism"


def missing() -> str:
    """Why Prism cannot be asked; empty where it can."""
    if not SPECIFICATIONS.is_dir():
        return "the published specifications are not here"
    return "" if PRISM.is_file() and shutil.which("node") else "Prism is not installed (make prism)"


@pytest.fixture(scope="module", params=[1, 2], ids=["v1", "v2"])
def values(request: pytest.FixtureRequest) -> Iterator[Values]:
    """Settings for a Prism that validates and answers with examples."""
    if missing():
        pytest.skip(missing())
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    specification = SPECIFICATIONS / f"all_spec_v{request.param}.yaml"
    server = subprocess.Popen(
        [str(PRISM), "mock", "--errors", "-h", "127.0.0.1", "-p", str(port), str(specification)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        env={**os.environ, "NO_UPDATE_NOTIFIER": "1"},
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}/api/v{request.param}"
    overdue = time.monotonic() + 60
    while True:
        try:
            httpx2.get(f"{address}/facility", timeout=5)
            break
        except httpx2.TransportError:
            assert time.monotonic() < overdue and server.poll() is None
            time.sleep(0.2)
    yield Values(
        iri_url=address, iri_token="any", iri_compute="gpus", iri_storage="scratch", iri_directory="/scratch"
    )
    os.killpg(server.pid, signal.SIGTERM)
    server.wait()


@pytest.fixture
def facility(values: Values, monkeypatch: pytest.MonkeyPatch) -> Iterator[Facility]:
    """What the engine asks with; every request that Prism finds at fault fails the test."""
    monkeypatch.setattr(client, "_TASK_SECONDS", 0.3)  # an example's task is pending for ever
    asking = Facility(values)
    faults: list[str] = []

    def look(response: httpx2.Response) -> None:
        if response.status_code in (400, 404, 405, 415, 422, 500) or "sl-violations" in response.headers:
            response.read()
            faults.append(f"{response.request.method} {response.request.url}: {response.text[:500]}")

    asking._http.event_hooks["response"].append(look)
    yield asking
    assert faults == []


def test_every_request_of_ours_is_the_specifications(facility: Facility) -> None:
    for task in (
        lambda: facility.make_folder("/scratch/run/sent"),
        lambda: facility.upload("/scratch/run/sent/000000", bytes(range(256)) * 1000),
        lambda: facility.download("/scratch/run/returned/parcel.json"),
        lambda: facility.remove("/scratch/run"),
    ):
        # An example's task is pending for ever, or in another state: it was asked for, and asked after.
        try:
            task()
        except (TaskFailed, FacilitySilent) as told:
            assert "task" in str(told).lower() or isinstance(told, TaskFailed)
    facility.cancel("job-1")
    assert all(job is None or job.state in STATES for job in [facility.named("run-1")])


def test_a_job_as_we_submit_it_is_the_specifications(
    facility: Facility, values: Values, tmp_path: Path
) -> None:
    confinement = Confinement({}, {}, {}, Limits(2**30, 60))
    job = Job(
        tmp_path / "run-1", "run-1", ["true"], "process", confinement, 60, 2**20, 100,
        Grounds("awd-1", "industry", "h200", 4),
    )  # fmt: skip
    made = facility.launch(IriLauncher(values)._spec(job), "6f2e5b8e-8f0f-5c3a-9d0e-7d1b8a2f6f00")
    assert made.identity and made.state in STATES


def test_a_job_is_asked_after_as_the_specification_has_it(facility: Facility) -> None:
    try:
        told = facility.job("job-1")
        assert told is None or told.state in STATES
    except FacilitySilent as silent:
        assert "another job" in str(silent)  # an example's job has the example's id
