"""Versions of assets: deposit, check, pool, read."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from madang.assets import checking, lineage, service, uploads
from madang.assets.model import Finding, Version
from madang.assets.store import open_store
from madang.interfaces.operations.declared import (
    Caller,
    Cursor,
    Limit,
    Text,
    operation,
    page_of,
    told,
)
from madang.kernel import extension
from madang.kernel.errors import BadCursor
from madang.kernel.i18n import Message
from madang.kernel.paging import Key, slice_of
from madang.missions import service as missions
from madang.organizations import service as organizations
from madang.programme import uses as used
from madang.sdk import documents

Mission = Annotated[
    str | None, Field(max_length=200, pattern=r"^[^\x00]*$", description="Only of this mission.")
]
State = Annotated[
    Literal["received", "accepted", "quarantined"] | None, Field(description="Only in this state.")
]
Kind = Annotated[
    Literal["dataset", "model", "benchmark", "report"] | None, Field(description="Only of this kind.")
]


def _facts(version: Version) -> dict[str, Any]:
    return {**vars(version), "facts": dict(version.facts), "name": version.name}


def document(version: Version) -> documents.Version:
    """A version in its form."""
    return documents.Version.model_validate(version, from_attributes=True)


def finding_document(finding: Finding) -> documents.Finding:
    """A finding in its form, with its texts."""
    extension.packs()  # their catalogues hold the texts of findings
    what, remedy = (
        told(Message(f"finding.{finding.check}.{part}", place=finding.place, **finding.evidence))
        for part in ("what", "remedy")
    )
    return documents.Finding(
        check=finding.check,
        severity=finding.severity,
        place=finding.place,
        evidence=dict(finding.evidence),
        what=what,
        remedy=remedy,
    )


@operation("GET", "/versions", pages=True)
def list_(
    caller: Caller,
    mission: Mission = None,
    state: State = None,
    kind: Kind = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> documents.Page[documents.Version]:
    """List the versions you may know of, newest first."""
    with caller.home.database.read() as session:
        part = slice_of(limit, cursor)
        rows = service.visible_to(session, caller.actor, mission, part, state=state, kind=kind)
    return page_of(rows, limit, lambda row: (row.created_at, row.version_id), document)


@operation("POST", "/versions", status=201)
def deposit(caller: Caller, new: documents.NewVersion) -> documents.Version:
    """Deposit finished uploads as the next version of one of your organization's data sets.

    The same content again gives the version that is there.
    """
    files = [(file.path, file.upload) for file in new.files]
    return document(uploads.deposit(caller.home, caller.actor, files, new.asset, new.agreement, new.format))


@operation("POST", "/pools", status=201)
def pool(caller: Caller, new: documents.NewPool) -> documents.Version:
    """Pool accepted versions; without names, the newest accepted of every data set of the mission."""
    return document(service.pool(caller.home, caller.actor, new.mission, new.asset, tuple(new.versions)))


@operation("GET", "/versions/{version:path}/files", pages=True)
def files(
    caller: Caller, version: Text, limit: Limit = 1000, cursor: Cursor = None
) -> documents.Page[documents.File]:
    """List the files of a version by path."""
    (after,) = slice_of(limit, cursor).after or ("",)
    if not isinstance(after, str):
        raise BadCursor()
    if cursor is None:
        found = service.look(caller.home, caller.actor, version)[1].files
    else:  # the look was noted with the first part
        with caller.home.database.read() as session:
            seen = lineage.see(session, caller.actor, version)
        found = service.manifest_of(caller.home, seen).files
    rows = [file for file in found if file.path > after]

    def key(file: Any) -> Key:
        return (file.path,)

    return page_of(
        rows, limit, key, lambda f: documents.File(path=f.path, size_bytes=f.size, digest=f.digest)
    )


@operation("POST", "/checks", keyless=True)
def check(caller: Caller, new: documents.NewCheck) -> documents.Page[documents.Checked]:
    """Check a received version (the owner's steward), and with it those of yours that waited for it."""
    outcomes = checking.check(caller.home, caller.actor, new.version)
    items = [
        documents.Checked.model_validate(
            {
                **_facts(one.version),
                "waiting": one.waiting,
                "findings": [finding_document(finding) for finding in one.findings],
            }
        )
        for one in outcomes
    ]
    return documents.Page(items=items)


@operation("GET", "/versions/{version:path}/uses")
def uses(caller: Caller, version: Text) -> documents.Page[documents.Use]:
    """List who used a version of yours, for what, under which clause, and what came of it."""
    with caller.home.database.read() as session:
        found = used.of(session, caller.actor, lineage.see(session, caller.actor, version))
    items = [documents.Use(**{**vars(one), "came_of": told(one.came_of)}) for one in found]
    return documents.Page(items=items)


@operation("GET", "/versions/{version:path}/receipt", media="text/plain")
def receipt(caller: Caller, version: Text) -> str:
    """Give the signed list of each use of a version of yours, and what came of it."""
    return used.receipt(caller.home, caller.actor, version, caller.language)


@operation("GET", "/versions/{version:path}/intact")
def verify(caller: Caller, version: Text) -> documents.Intact:
    """Hash every stored file of a version anew."""
    with caller.home.database.read() as session:
        found = lineage.see(session, caller.actor, version)
    store = open_store(caller.home)
    if not store.intact(found.manifest):
        return documents.Intact(name=found.name, files=found.files, damaged=["(manifest)"])
    damaged = [f.path for f in service.manifest_of(caller.home, found).files if not store.intact(f.digest)]
    return documents.Intact(name=found.name, files=found.files, damaged=damaged)


@operation("GET", "/versions/{version:path}")
def show(caller: Caller, version: Text) -> documents.VersionWhole:
    """Show a version: facts, findings, terms, where it came from and went."""
    with caller.home.database.read() as session:
        found = lineage.see(session, caller.actor, version)
        bodies = organizations.by_name(session)
        members = {name: bodies[name].kind for name in missions.participants_of(session, found.mission)}
        return documents.VersionWhole.model_validate(
            {
                **_facts(found),
                "parents": [v.name for v in lineage.parents_of(session, found.version_id)],
                "children": [v.name for v in lineage.children_of(session, found.version_id)],
                "terms": [documents.Term(**vars(t)) for t in lineage.terms_of(session, found, members)],
                "findings": [finding_document(one) for one in service.findings_of(session, found)],
            }
        )
