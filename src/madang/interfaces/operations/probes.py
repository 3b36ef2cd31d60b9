"""What is in the files of a version."""

from __future__ import annotations

from madang.assets import lineage
from madang.assets.probing import service
from madang.assets.probing.model import Report
from madang.interfaces.operations.declared import Caller, Cursor, Limit, Text, operation, page_of
from madang.interfaces.operations.versions import finding_document
from madang.kernel.errors import BadCursor
from madang.kernel.paging import slice_of
from madang.sdk import documents


@operation("POST", "/probes", keyless=True)
def probe(caller: Caller, new: documents.NewProbe) -> documents.Probe:
    """Look into the files of a version of yours again, as when a reader was installed (a steward)."""
    made = service.probe(caller.home, caller.actor, new.version)
    return documents.Probe.model_validate(made, from_attributes=True)


@operation("GET", "/versions/{version:path}/variables", pages=True)
def variables(
    caller: Caller, version: Text, limit: Limit = 100, cursor: Cursor = None
) -> documents.Page[documents.Quantity]:
    """List the variables in the files of a version, with their units and ranges."""
    with caller.home.database.read() as session:
        found = lineage.see(session, caller.actor, version)
        rows = service.quantities_of(session, found.version_id, slice_of(limit, cursor))
    return page_of(
        rows,
        limit,
        lambda row: (row.number,),
        lambda row: documents.Quantity.model_validate(row, from_attributes=True),
    )


@operation("GET", "/versions/{version:path}/reports", pages=True)
def reports(
    caller: Caller, version: Text, limit: Limit = 100, cursor: Cursor = None
) -> documents.Page[documents.FileReport]:
    """List what is in each file that was looked into; for those who may download the version."""
    (after,) = slice_of(limit, cursor).after or (0,)
    if not isinstance(after, int):
        raise BadCursor()
    numbered = list(enumerate(service.reports(caller.home, caller.actor, version), 1))
    rows = [one for one in numbered if one[0] > after]
    return page_of(rows, limit, lambda row: (row[0],), lambda row: _document(row[1]))


def _document(report: Report) -> documents.FileReport:
    told = report.to_json()
    return documents.FileReport(**{**told, "findings": [finding_document(one) for one in report.findings]})
