"""Jobs: runs of installed recipes on accepted versions, under an award.

executable                          a recipe, as in `madang run recipes`
arguments                           its parameters, each as name=value
attributes.account                  the award
attributes.duration                 the time limit, in seconds
attributes.custom_attributes        "inputs": versions, with commas between; "output": the new asset's name
resources                           processes times cores (or GPUs) of each: units of the award's kind
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import ConfigDict, Field

from madang.allocations import service as allocations
from madang.interfaces.iri.asking import Asked, Flag, Limit, Named, Nothing, Offset, Positive, Text
from madang.interfaces.iri.declared import Asker, operation
from madang.interfaces.iri.errors import JobUnchangeable, NotExecutedSo
from madang.interfaces.iri.status import document
from madang.interfaces.iri.supply import Resource, supply_of
from madang.interfaces.once import once
from madang.kernel import clock
from madang.kernel.database import Session
from madang.kernel.errors import BadValue, NotFound
from madang.kernel.home import Home
from madang.runs import service
from madang.runs.model import Run

_STATES = {
    "queued": "queued",
    "waiting": "queued",
    "running": "active",
    "succeeded": "completed",
    "failed": "failed",
    "cancelled": "canceled",
}


class ResourceSpec(Asked):
    """What a job needs."""

    node_count: Positive | None = None
    process_count: Positive | None = None
    processes_per_node: Positive | None = None
    cpu_cores_per_process: Positive | None = None
    gpu_cores_per_process: Positive | None = None
    exclusive_node_use: Flag = True
    memory: Positive | None = None

    def units(self, kind: str) -> int | None:
        """How many of the award's kind; None where nothing is said. BadValue where it does not come out."""
        ours, other = ("cpu_cores", "gpu_cores") if kind == "cpu-core" else ("gpu_cores", "cpu_cores")
        each = getattr(self, f"{ours}_per_process")
        if getattr(self, f"{other}_per_process") is not None:
            raise NotExecutedSo(member=f"resources.{other}_per_process")
        nodes = None if self.processes_per_node is None else (self.node_count or 1) * self.processes_per_node
        if self.process_count is not None and nodes not in (None, self.process_count):
            reason = "It is node_count times processes_per_node, where both are given."
            raise BadValue(file="request (body)", key="resources.process_count", reason=reason)
        said = (self.process_count, self.node_count, self.processes_per_node, each)
        processes = self.process_count or nodes or self.node_count or 1
        return None if said == (None,) * 4 else processes * (each or 1)


class JobAttributes(Asked):
    """What a job is charged to."""

    duration: Positive | None = None
    queue_name: Named | None = None
    account: Named | None = None
    reservation_id: Named | None = None
    custom_attributes: dict[str, Text] = Field(default_factory=dict)


class VolumeMount(Asked):
    """Of a container."""

    source: Named
    target: Named
    read_only: Flag = True


class Container(Asked):
    """Of a job."""

    image: Named
    volume_mounts: list[VolumeMount] = Field(default_factory=list)


class JobSpec(Asked):
    """A job as the specification has it; a member that it does not know is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    executable: Named | None = None
    container: Container | None = None
    arguments: list[Text] = Field(default_factory=list)
    directory: Named | None = None
    name: Named | None = None
    inherit_environment: Flag = True
    environment: dict[str, Text] = Field(default_factory=dict)
    stdin_path: Named | None = None
    stdout_path: Named | None = None
    stderr_path: Named | None = None
    resources: ResourceSpec | None = None
    attributes: JobAttributes | None = None
    pre_launch: Named | None = None
    post_launch: Named | None = None
    launcher: Named | None = None


class StatusAsked(Asked):
    """What to tell of a job."""

    historical: Flag | None = True
    include_spec: Flag | None = False


class JobsAsked(Asked):
    """Which jobs, and what to tell of them."""

    offset: Offset = 0
    limit: Limit = 100
    historical: Flag | None = False
    include_spec: Flag | None = False


class Filters(Asked):
    """The filters that we know; another is refused, where leaving it out would tell of too many jobs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: Literal["new", "queued", "held", "active", "completed", "failed", "canceled"] | None = None
    account: Text | None = None
    name: Text | None = None


@operation("getComputeResources", "GET", "/compute/resources", public=True, query=Nothing)
def resources(asker: Asker, query: Nothing) -> list[Any]:
    """List the resources that execute jobs."""
    with asker.home.database.read() as session:
        supply = supply_of(session, asker)
    return [document(asker, one) for one in supply.resources.values() if not one.storage]


@operation("launchJob", "POST", "/compute/job/{resource_id}", body=JobSpec)
def launch(asker: Asker, resource_id: str, body: JobSpec) -> bytes:
    """Submit a run; with an idempotency key (version 2) once, however often it is asked for."""
    with asker.home.database.read() as session:
        resource = supply_of(session, asker).compute(resource_id)
        order = _order(session, asker, resource, body)

    def submit(home: Home) -> bytes:
        run = service.submit(home, asker.actor, order)
        return json.dumps(_job(run, None, asker.language)).encode()

    return submit(asker.home) if asker.asked is None else once(asker.home, asker.asked, submit).body


def _order(session: Session, asker: Asker, resource: Resource, spec: JobSpec) -> service.Order:
    """The order that a specification comes to. Raises NotExecutedSo for what a run has not, BadValue."""
    attributes = spec.attributes or JobAttributes()
    _refuse_others(asker, spec, attributes)
    if spec.executable is None:
        raise _lacking("executable", "The name of a recipe.")
    if attributes.account is None:
        raise _lacking("attributes.account", "The award that pays for it.")
    award = allocations.see_award(session, asker.actor, attributes.account)
    if award.capacity_id not in {one.capacity_id for one in resource.capacities}:
        raise _lacking("attributes.account", f"An award of {resource.name}.")
    custom = attributes.custom_attributes
    if spec.name and custom.get("output") not in (None, spec.name):
        raise _lacking("name", "A job is called by what it makes: leave it out, or give the same as output.")
    units = spec.resources.units(resource.capability) if spec.resources else None
    return service.Order(
        award.mission,
        spec.executable,
        tuple(name.strip() for name in custom.get("inputs", "").split(",") if name.strip()),
        award.award_id,
        custom.get("output") or spec.name or "",
        _parameters(spec.arguments),
        units,
        attributes.duration,
    )


def _refuse_others(asker: Asker, spec: JobSpec, attributes: JobAttributes) -> None:
    """NotExecutedSo where the job asks for what a run in the sandbox does not have."""
    for name in ("container", "directory", "environment", "stdin_path", "stdout_path", "stderr_path",
                 "pre_launch", "post_launch", "launcher"):  # fmt: skip
        if getattr(spec, name):
            raise NotExecutedSo(member=name)
    for name in ("queue_name", "reservation_id"):
        if getattr(attributes, name) is not None:
            raise NotExecutedSo(member=f"attributes.{name}")
    for name in attributes.custom_attributes:
        if name not in ("inputs", "output"):
            raise NotExecutedSo(member=f"attributes.custom_attributes.{name}")
    memory = spec.resources.memory if spec.resources else None
    if memory is not None and memory > asker.home.values.job_memory_bytes:
        reason = f"A job has {asker.home.values.job_memory_bytes} bytes here."
        raise BadValue(file="request (body)", key="resources.memory", reason=reason)


def _lacking(key: str, reason: str) -> BadValue:
    return BadValue(file="request (body)", key=key, reason=reason)


def _parameters(arguments: list[str]) -> dict[str, Any]:
    """name=value arguments; a value is JSON where it can be read so, else a text."""
    found: dict[str, Any] = {}
    for argument in arguments:
        name, equals, value = argument.removeprefix("--").partition("=")
        if not equals:
            raise _lacking("arguments", "Each as name=value: a parameter of the recipe.")
        try:
            found[name] = json.loads(value)
        except (ValueError, RecursionError):
            found[name] = value
    return found


@operation("updateJob", "PUT", "/compute/job/{resource_id}/{job_id}", body=JobSpec)
def update(asker: Asker, resource_id: str, job_id: str, body: JobSpec) -> dict[str, Any]:
    """Refused: a run is on record as it was submitted."""
    with asker.home.database.read() as session:
        run = _find(session, asker, resource_id, job_id)
    raise JobUnchangeable(job=run.run_id)


@operation("getJob", "GET", "/compute/status/{resource_id}/{job_id}", query=StatusAsked)
def job(asker: Asker, resource_id: str, job_id: str, query: StatusAsked) -> dict[str, Any]:
    """Tell what became of a run."""
    with asker.home.database.read() as session:
        run = _find(session, asker, resource_id, job_id)
        if not query.historical and not run.live:
            raise NotFound()
        return _job(run, _kind(session, run) if query.include_spec else None, asker.language)


@operation(
    "getJobs", "POST", "/compute/status/{resource_id}", query=JobsAsked, body=Filters, body_optional=True
)
def jobs(asker: Asker, resource_id: str, query: JobsAsked, body: Filters) -> list[Any]:
    """List the runs of a resource that the asker may know of, newest first."""
    with asker.home.database.read() as session:
        resource = supply_of(session, asker).compute(resource_id)
        states = [ours for ours, theirs in _STATES.items() if body.state in (None, theirs)]
        wanted = [state for state in states if query.historical or state in ("queued", "waiting", "running")]
        capacities = [one.capacity_id for one in resource.capacities]
        which = service.Which(capacities, wanted, body.account, body.name)
        found = service.on_capacities(session, asker.actor, which, query.offset + query.limit)
        kind = resource.capability if query.include_spec else None
        return [_job(run, kind, asker.language) for run in found[query.offset :]]


@operation("cancelJob", "DELETE", "/compute/cancel/{resource_id}/{job_id}", query=Nothing, status=204)
def cancel(asker: Asker, resource_id: str, job_id: str, query: Nothing) -> None:
    """Stop a run."""
    with asker.home.database.write() as session:
        run = _find(session, asker, resource_id, job_id)
        service.cancel(session, asker.actor, run.run_id)


def _find(session: Session, asker: Asker, resource_id: str, job_id: str) -> Run:
    """A run of a resource that the asker may know of; NotFound."""
    resource = supply_of(session, asker).compute(resource_id)
    run = service.see(session, asker.actor, job_id)
    award = allocations.get_award(session, run.award_id)
    if award.capacity_id not in {one.capacity_id for one in resource.capacities}:
        raise NotFound()
    return run


def _kind(session: Session, run: Run) -> str:
    return allocations.get_capacity(session, allocations.get_award(session, run.award_id).capacity_id).kind


def _job(run: Run, kind: str | None, language: str) -> dict[str, Any]:
    """A run as a job; with its specification where the kind of its award is given."""
    instant = run.ended_at or run.started_at or run.queued_at
    return {
        "id": run.run_id,
        "status": {
            "state": _STATES[run.state],
            "time": clock.from_text(instant).timestamp(),
            "message": run.why.in_language(language) if run.why else None,
            "exit_code": run.exit_code,
            "meta_data": {
                "mission": run.mission,
                "organization": run.organization,
                "output": f"{run.organization}/{run.output_asset}",
                "used_resource_seconds": run.used_resource_seconds,
            },
        },
        "job_spec": None if kind is None else _spec(run, kind),
    }


def _spec(run: Run, kind: str) -> Mapping[str, Any]:
    unit = "cpu_cores_per_process" if kind == "cpu-core" else "gpu_cores_per_process"
    return {
        "executable": run.recipe,
        "name": run.output_asset,
        "arguments": [f"{name}={json.dumps(value)}" for name, value in run.parameters.items()],
        "inherit_environment": False,
        "resources": {"process_count": 1, unit: run.cores, "exclusive_node_use": False},
        "attributes": {
            "duration": run.wall_seconds,
            "account": run.award_id,
            "custom_attributes": {"inputs": ",".join(run.inputs), "output": run.output_asset},
        },
    }
