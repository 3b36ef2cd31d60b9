"""Versions of assets: deposit, check, pool, read."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from madang.assets import checking, differences, lineage, service, uploads
from madang.assets.content.manifest import File
from madang.assets.content.reading import content_of
from madang.assets.errors import ContentDestroyed, ContentMissing, KeyMissing
from madang.assets.model import Finding, Version
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
from madang.programme import uses as used
from madang.sdk import documents

Mission = Annotated[
    str | None, Field(max_length=200, pattern=r"^[^\x00]*$", description="Only of this mission.")
]
State = Annotated[
    Literal["received", "accepted", "quarantined", "withdrawn", "destroyed"] | None,
    Field(description="Only in this state."),
]
Kind = Annotated[
    Literal["dataset", "model", "benchmark", "report"] | None, Field(description="Only of this kind.")
]


Since = Annotated[
    str | None,
    Field(max_length=500, pattern=r"^[^\x00]*$", description="The version compared with."),
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
    files = [uploads.Part(file.path, file.upload, file.start, file.length) for file in new.files]
    return document(uploads.deposit(caller.home, caller.actor, files, new.asset, new.agreement, new.format))


@operation("POST", "/pools", status=201)
def pool(caller: Caller, new: documents.NewPool) -> documents.Version:
    """Pool accepted versions; without names, the newest accepted of every data set of the mission."""
    return document(service.pool(caller.home, caller.actor, new.mission, new.asset, tuple(new.versions)))


def _file_document(file: File) -> documents.File:
    return documents.File(path=file.path, size_bytes=file.size, digest=file.digest, original=file.original)


@operation("GET", "/versions/{version:path}/files", pages=True)
def files(
    caller: Caller, version: Text, limit: Limit = 1000, cursor: Cursor = None
) -> documents.Page[documents.File]:
    """List the files of a version by path."""
    (after,) = slice_of(limit, cursor).after or ("",)
    if not isinstance(after, str):
        raise BadCursor()
    _, manifest = service.look(caller.home, caller.actor, version, noted=cursor is None)
    rows = [file for file in manifest.files if file.path > after]

    def key(file: Any) -> Key:
        return (file.path,)

    return page_of(rows, limit, key, _file_document)


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
    content = content_of(caller.home, found)
    try:
        files = content.manifest.files
        damaged = [file.path for file in files if not content.intact(file.digest)]
    except ContentDestroyed:
        return documents.Intact(name=found.name, files=found.files, damaged=[], destroyed=True)
    except (ContentMissing, KeyMissing):
        damaged = ["(manifest)"]
    return documents.Intact(name=found.name, files=found.files, damaged=damaged, destroyed=False)


@operation("GET", "/versions/{version:path}/changes", pages=True)
def changes(
    caller: Caller, version: Text, since: Since = None, limit: Limit = 1000, cursor: Cursor = None
) -> documents.Page[documents.Change]:
    """List files that differ from another version (by default the one before), by path."""
    (after,) = slice_of(limit, cursor).after or ("",)
    if not isinstance(after, str):
        raise BadCursor()
    _, found = differences.between(caller.home, caller.actor, version, since, noted=cursor is None)
    rows = [change for change in found if change.path > after]
    return page_of(rows, limit, lambda row: (row.path,), lambda row: documents.Change(**vars(row)))


@operation("GET", "/versions/{version:path}/lineage")
def lineage_(caller: Caller, version: Text) -> documents.Lineage:
    """Give everything a version was made from, and everything made from it."""
    with caller.home.database.read() as session:
        seen = lineage.see(session, caller.actor, version)
        above, below = (
            lineage.seen_of(session, caller.actor, found(session, seen.version_id))
            for found in (lineage.ancestors_of, lineage.descendants_of)
        )
        everyone = [*above, *below]
        edges = lineage.edges_among(session, everyone)
    names = {one.version_id: one.name for one in everyone}

    def form(one: Version) -> documents.LineageVersion:
        made_from = sorted(names[parent] for parent in edges.get(one.version_id, ()))
        return documents.LineageVersion.model_validate({**_facts(one), "parents": made_from})

    return documents.Lineage(
        name=seen.name, ancestors=[form(one) for one in above], descendants=[form(one) for one in below]
    )


@operation("GET", "/versions/{version:path}")
def show(caller: Caller, version: Text) -> documents.VersionWhole:
    """Show a version: facts, findings, terms, where it came from and went."""
    with caller.home.database.read() as session:
        found = lineage.see(session, caller.actor, version)
        terms = lineage.terms_of(session, found, lineage.concerned(session, found))
        children = lineage.children_of(session, found.version_id)
        return documents.VersionWhole.model_validate(
            {
                **_facts(found),
                "parents": [v.name for v in lineage.parents_of(session, found.version_id)],
                "children": [one.name for one in lineage.seen_of(session, caller.actor, children)],
                "terms": [documents.Term(**vars(t)) for t in terms],
                "findings": [finding_document(one) for one in service.findings_of(session, found)],
            }
        )
