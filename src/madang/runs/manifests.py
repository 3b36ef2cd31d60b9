"""The manifest port: what an operator hands to an orchestrator that Madang does not drive itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from madang.allocations.quotas import service as quotas
from madang.allocations.quotas.model import SiteQuotas
from madang.kernel import extension
from madang.kernel.authorizer import Principal, Request, authorize
from madang.kernel.home import Home
from madang.runs import service
from madang.runs.attempts import name_of
from madang.runs.launching import Job
from madang.runs.preparing import job_of

Manifest = Mapping[str, Any]


class Renderer(Protocol):
    """The port. A factory is called with the home's settings."""

    def quotas(self, wanted: SiteQuotas) -> Sequence[Manifest]:
        """A site's quotas, in the order in which they are to be applied."""
        ...

    def job(self, job: Job, organization: str) -> Manifest:
        """A run's job."""
        ...


def of_quotas(home: Home, actor: Principal, engine: str, site: str | None = None) -> Sequence[Manifest]:
    """A site's quotas as an engine renders them (the site's operator). Raises UnknownEngine."""
    wanted = quotas.see(home, actor, site)
    return _renderer(home, engine).quotas(wanted)


def of_run(home: Home, actor: Principal, engine: str, run_id: str) -> Manifest:
    """A run's job as an engine renders it, in the folder of its next attempt (an operator)."""
    with home.database.read() as session:
        authorize(session, Request(actor, "run.operate", "Home", "home", {"owner": actor.organization}))
        run = service.see(session, actor, run_id)
    folder = home.runs_path / name_of(run.run_id, (run.attempt or 0) + 1)
    return _renderer(home, engine).job(job_of(home, run, folder), run.organization)


def _renderer(home: Home, engine: str) -> Renderer:
    found: Renderer = extension.engine("manifests", engine)(home.values)
    return found
