"""Policies that were tried on a plan, and kept."""

from __future__ import annotations

from madang.interfaces.operations.declared import Caller, Cursor, Limit, Name, operation, page_of
from madang.kernel.paging import slice_of
from madang.organizations.service import require_signed_in
from madang.programme import trials
from madang.sdk import documents


@operation("GET", "/trials", pages=True)
def list_(caller: Caller, limit: Limit = 100, cursor: Cursor = None) -> documents.Page[documents.Trial]:
    """List trials of policies that were kept, newest first."""
    require_signed_in(caller.actor)
    with caller.home.database.read() as session:
        rows = trials.every(session, slice_of(limit, cursor))
    return page_of(rows, limit, lambda row: (row.position,), document)


@operation("GET", "/trials/{trial}")
def show(caller: Caller, trial: Name) -> documents.TrialResults:
    """Give what a trial of policies found."""
    require_signed_in(caller.actor)
    with caller.home.database.read() as session:
        found = trials.find(session, trial)
    return documents.TrialResults(trial=document(found), results=trials.results(caller.home, found))


def document(trial: trials.Trial) -> documents.Trial:
    """A trial in its form."""
    return documents.Trial(
        trial_id=trial.trial_id, organization=trial.organization, plan=trial.plan,
        policies=list(trial.policies), digest=trial.digest, kept_at=trial.kept_at, entry=trial.position,
    )  # fmt: skip
