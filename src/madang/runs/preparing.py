"""Before a run is executed: whether it still may be, its inputs laid out in a folder, its job."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from madang.allocations import service as allocations
from madang.assets import lineage
from madang.assets.content.reading import content_of
from madang.assets.errors import NotAccepted
from madang.kernel.authorizer import Principal
from madang.kernel.database import Session
from madang.kernel.errors import NotPermitted, UserError
from madang.kernel.home import Home
from madang.kernel.isolation import Confinement, Limits
from madang.organizations import service as organizations
from madang.runs import collecting, live, recipes
from madang.runs.launching import Grounds, Job
from madang.runs.model import Run

_DRAFT = "draft-"


def lay_out(home: Home, run: Run, folder: Path) -> None:
    """Lay the inputs out under a temporary name; the rename makes the folder whole or absent."""
    draft = folder.with_name(f"{_DRAFT}{folder.name}")
    shutil.rmtree(draft, ignore_errors=True)
    inside, output, exchange = recipes.job_folders(draft)
    for path in (inside, output, exchange):
        path.mkdir(parents=True)
    with home.database.read() as session:
        pinned = [lineage.get(session, version_id) for version_id in run.inputs]
    for number, version in enumerate(pinned):
        content = content_of(home, version)
        content.place(content.manifest.files, inside / f"{number:03d}")
    (exchange / "parameters.json").write_text(json.dumps(run.parameters), "utf-8")
    draft.rename(folder)


def job_of(home: Home, run: Run, folder: Path) -> Job:
    """The job of a run in a folder."""
    values, (inside, output, exchange) = home.values, recipes.job_folders(folder)
    with home.database.read() as session:
        award = allocations.get_award(session, run.award_id)
        kind = allocations.get_capacity(session, award.capacity_id).kind
    confinement = Confinement(
        {"/input": inside, "/exchange": exchange},
        {"/output": output},
        {"OMP_NUM_THREADS": str(run.cores)},
        Limits(values.job_memory_bytes, run.wall_seconds * run.cores, values.job_output_bytes),
    )
    paths = [home.isolation.inside(confinement, p) for p in ("/input", "/exchange", "/output")]
    main = recipes.find(run.recipe).main
    return Job(
        folder=folder,
        name=folder.name,
        command=[sys.executable, "-m", "madang.runs.job", main, run.recipe, *paths],
        isolation=home.isolation.name,
        confinement=confinement,
        wall_seconds=run.wall_seconds,
        output_bytes=values.job_output_bytes,
        output_files=values.job_output_files + collecting.OWN_FILES,
        grounds=Grounds(award.award_id, award.share, kind, run.cores, bool(run.may_borrow)),
        watched=[live.METRICS_FILE],
    )


def require_permitted(home: Home, run: Run) -> None:
    """Raise why a run may not start now."""
    with home.database.read() as session:
        problem = no_longer_permitted(session, run)
    if problem is not None:
        raise problem


def no_longer_permitted(session: Session, run: Run) -> UserError | None:
    """Why a queued run may not start now, where an agreement ended or a right changed meanwhile."""
    body = organizations.get(session, run.organization)
    submitter = Principal(run.submitted_by, body.name, body.kind, frozenset())
    try:
        for version_id in run.inputs:
            version = lineage.get(session, version_id)
            lineage.authorize_use(session, submitter, recipes.find(run.recipe).action, version)
    except (NotPermitted, NotAccepted) as error:
        return error
    return None
