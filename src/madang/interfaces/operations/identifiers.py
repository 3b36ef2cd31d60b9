"""DOIs of versions."""

from __future__ import annotations

from madang.assets import lineage
from madang.assets.identifiers import service
from madang.assets.identifiers.model import Doi
from madang.assets.model import Version
from madang.interfaces.operations.declared import Caller, Cursor, Limit, operation, page_of
from madang.kernel.paging import slice_of
from madang.sdk import documents


def _document(doi: Doi, version: Version) -> documents.Doi:
    return documents.Doi.model_validate({**vars(doi), "version": version.name})


@operation("POST", "/dois", keyless=True)
def register(caller: Caller, new: documents.NewDoi) -> documents.Doi:
    """Give a version of yours a DOI, or tell the registrar anew what it is (a steward)."""
    made = service.register(caller.home, caller.actor, new.version, publish=new.publish)
    with caller.home.database.read() as session:
        return _document(made, lineage.get(session, made.version_id))


@operation("GET", "/dois", pages=True)
def list_(caller: Caller, limit: Limit = 100, cursor: Cursor = None) -> documents.Page[documents.Doi]:
    """List the DOIs of your organization's versions; an overseer sees everybody's."""
    with caller.home.database.read() as session:
        rows = service.listed(session, caller.actor, slice_of(limit, cursor))
    return page_of(rows, limit, lambda row: (row[0].doi,), lambda row: _document(*row))
