"""Depositing, pooling and reading versions. Each change is one transaction with one ledger entry."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy as sa

from madang.agreements import service as agreements
from madang.assets import ingest, lineage, reads, returning  # noqa: F401  (registers evidence)
from madang.assets.content import drafts
from madang.assets.content.manifest import Manifest
from madang.assets.content.model import Stored
from madang.assets.content.model import holdings as kept_in
from madang.assets.content.reading import Content, content_of
from madang.assets.errors import AnotherKind, NotAParticipant, NothingToPool, NotPoolable, TargetExists
from madang.assets.model import GONE, Finding, Version, findings, parents, version_id, versions
from madang.assets.withdrawing import service as withdrawing
from madang.assets.zipping import zipped
from madang.kernel import clock, extension
from madang.kernel.authorizer import Principal, Request, authorize
from madang.kernel.database import Session
from madang.kernel.home import Home, full_disk_told
from madang.kernel.i18n import Message
from madang.kernel.ids import check_slug
from madang.kernel.paging import Slice, cut_each
from madang.missions import service as missions


@dataclass(frozen=True)
class NewVersion:
    """What a version to be inserted is, besides its content."""

    owner: str
    asset: str
    kind: str
    mission: str
    state: str
    agreement: str | None = None
    format: str | None = None
    made_by: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    parents: Sequence[str] = ()


def deposit(
    home: Home,
    actor: Principal,
    folder: Path,
    asset: str,
    agreement: str,
    format_name: str | None = None,
    progress: drafts.Progress | None = None,
) -> Version:
    """Deposit a folder as the next version of the actor's organization's data set `asset`.

    The bytes are durable before the row exists, and the row before this returns. A deposit that was cut
    off goes on where it was when it is repeated; depositing the same content twice in a row gives the
    version that is already there.
    """

    def gather(journal: Path) -> Stored:
        return ingest.store_folder(home, folder, journal=journal, progress=progress)

    return deposit_gathered(home, actor, gather, asset, agreement, format_name)


def deposit_gathered(
    home: Home,
    actor: Principal,
    gather: Callable[[Path], Stored],
    asset: str,
    agreement: str,
    format_name: str | None = None,
) -> Version:
    """The same for files that `gather` makes durable with a journal, once it is known to be allowed."""
    check_slug(asset, "asset name")
    if format_name is not None:
        extension.pack_part("checks", format_name)
    request = Request(actor, "asset.deposit", "Asset", asset, {"owner": actor.organization})
    with home.database.read() as session:
        authorize(session, request)
        mission = _party_mission(session, actor, agreement)
    new = NewVersion(actor.organization, asset, "dataset", mission, "received", agreement, format_name)
    with drafts.kept_for(home, new.owner, asset) as journal:
        stored = gather(journal)
        with home.database.write() as session:
            authorize(session, request)
            version = same_as_latest(session, new, stored)
            known = version is not None
            if version is None:
                version = _deposited(session, actor, new, stored)
        if known:
            drafts.discard(home, journal)
        drafts.forget(journal)
    return version


def same_as_latest(session: Session, new: NewVersion, stored: Stored) -> Version | None:
    """The latest version of the asset, where it is the same content from the same parents or agreement."""
    latest = _latest(session, new.owner, new.asset)
    if latest is None or latest.state in GONE:
        return None
    if (latest.manifest, latest.agreement) != (stored.digest, new.agreement):
        return None
    above = {one.version_id for one in lineage.parents_of(session, latest.version_id)}
    return latest if above == set(new.parents) else None


def _deposited(session: Session, actor: Principal, new: NewVersion, stored: Stored) -> Version:
    version = insert(session, new, stored)
    session.record(
        "version.deposited",
        version.version_id,
        actor.as_fact(),
        agreement=new.agreement,
        key=stored.key_id,
        manifest=version.manifest,
        mission=new.mission,
        name=version.name,
        owner=version.owner,
    )
    return version


def _party_mission(session: Session, actor: Principal, name: str) -> str:
    """The mission of an agreement that has not ended, into which the actor's organization may deposit."""
    agreement = agreements.see(session, actor, name)
    if agreement.state(clock.to_text(clock.now())) == "ended":
        agreements.require_in_force(session, name)
    taking_part = missions.participants_of(session, agreement.mission)
    if taking_part and actor.organization not in taking_part:
        raise NotAParticipant(organization=actor.organization, mission=agreement.mission)
    return agreement.mission


def _latest(session: Session, owner: str, asset: str) -> Version | None:
    where = (versions.c.owner == owner) & (versions.c.asset == asset)
    query = sa.select(versions).where(where).order_by(versions.c.number.desc()).limit(1)
    row = session.row(query)
    return Version(**row) if row else None


def require_kind(session: Session, owner: str, asset: str, kind: str) -> None:
    """All versions of an asset are of one kind; AnotherKind where this one would not be."""
    latest = _latest(session, owner, asset)
    if latest is not None and latest.kind != kind:
        raise AnotherKind(asset=f"{owner}/{asset}", found=latest.kind, kind=kind)


def insert(session: Session, new: NewVersion, stored: Stored) -> Version:
    """Insert the row of a version whose bytes are stored. The caller records what it means."""
    require_kind(session, new.owner, new.asset, new.kind)
    latest = _latest(session, new.owner, new.asset)
    number = latest.number + 1 if latest else 1
    row = {
        "version_id": version_id(new.owner, new.asset, number, stored.digest),
        "owner": new.owner,
        "asset": check_slug(new.asset, "asset name"),
        "number": number,
        "kind": new.kind,
        "mission": new.mission,
        "agreement": new.agreement,
        "format": new.format,
        "manifest": stored.digest,
        "size_bytes": stored.manifest.size,
        "files": len(stored.manifest.files),
        "facts": dict(new.facts),
        "state": new.state,
        "made_by": new.made_by,
        "created_at": clock.to_text(clock.now()),
    }
    session.insert(versions, row)
    holding = {"version_id": row["version_id"], "holding_id": stored.holding_id, "key_id": stored.key_id}
    session.insert(kept_in, {**holding, "destroyed_at": None})
    rows = [{"version_id": row["version_id"], "parent_id": parent} for parent in sorted(set(new.parents))]
    session.insert(parents, *rows)
    made = Version(**row)  # type: ignore[arg-type]
    withdrawing.tell(session, made)
    return made


def pool(home: Home, actor: Principal, mission: str, asset: str, names: Sequence[str] = ()) -> Version:
    """Pool accepted data-set versions of a mission into one version of the actor's organization.

    Without `names`, the newest accepted version of every data set of the mission. Each owner's files
    stand below ``<owner>/<asset>/``; no byte is copied or changed. Its terms are its parents'.
    """
    check_slug(asset, "asset name")
    with home.database.read() as session:
        authorize(session, Request(actor, "asset.pool", "Mission", mission, {"owner": actor.organization}))
        chosen = [lineage.see(session, actor, name) for name in names] or newest_accepted(session, mission)
        _authorize_pool(session, actor, mission, chosen)
    files = [file for v in chosen for file in manifest_of(home, v).below(f"{v.owner}/{v.asset}")]
    stored = ingest.store_references(home, files)
    facts = {"episodes": sum(int(v.facts.get("episodes", 0)) for v in chosen), "sources": len(chosen)}
    ids = [v.version_id for v in chosen]
    new = NewVersion(
        actor.organization, asset, "dataset", mission, "accepted", format=_pool_format(chosen),
        facts=facts, parents=ids,
    )  # fmt: skip
    with drafts.kept_or_destroyed(home, stored), home.database.write() as session:
        grounds = _authorize_pool(session, actor, mission, [lineage.get(session, i) for i in ids])
        return insert_pooled(session, actor, new, stored, grounds)


def insert_pooled(
    session: Session, actor: Principal, new: NewVersion, stored: Stored, grounds: Sequence[str], **more: str
) -> Version:
    """Insert a version made from others, and record it with what permitted that (and `more` facts)."""
    version = insert(session, new, stored)
    session.record(
        "version.pooled",
        version.version_id,
        actor.as_fact(),
        grounds=grounds,
        manifest=version.manifest,
        mission=new.mission,
        name=version.name,
        owner=version.owner,
        parents=sorted(new.parents),
        **more,
    )
    return version


def _pool_format(chosen: Sequence[Version]) -> str | None:
    formats = {version.format for version in chosen}
    return formats.pop() if len(formats) == 1 else None


def _authorize_pool(session: Session, actor: Principal, mission: str, chosen: Sequence[Version]) -> list[str]:
    if not chosen:
        raise NothingToPool(mission=mission)
    grounds: set[str] = set()
    places: set[tuple[str, str]] = set()
    for version in chosen:
        grounds.update(lineage.authorize_use(session, actor, "pool", version))
        if version.kind != "dataset" or version.mission != mission:
            reason = Message(
                "assets.other-mission", mission=mission, found=version.mission, kind=version.kind
            )
            raise NotPoolable(version=version.name, reason=reason)
        if (version.owner, version.asset) in places:
            raise NotPoolable(version=version.name, reason=Message("assets.pooled-twice"))
        places.add((version.owner, version.asset))
    return sorted(grounds)


def newest_accepted(session: Session, mission: str) -> list[Version]:
    """The newest accepted deposit of every data set in a mission."""
    derived = sa.select(parents.c.version_id)
    where = (
        (versions.c.mission == mission)
        & (versions.c.kind == "dataset")
        & (versions.c.state == "accepted")
        & versions.c.version_id.not_in(derived)
    )
    query = sa.select(versions).where(where).order_by(versions.c.owner, versions.c.asset, versions.c.number)
    taking_part = missions.participants_of(session, mission)
    newest = {(row["owner"], row["asset"]): Version(**row) for row in session.rows(query)}
    return [version for version in newest.values() if version.owner in taking_part]


def manifest_of(home: Home, version: Version) -> Manifest:
    """The files of a version (the caller has authorized it)."""
    return content_of(home, version).manifest


def look(home: Home, actor: Principal, name: str, *, noted: bool = True) -> tuple[Version, Manifest]:
    """A version and its list of files, for an actor who may know of it; the look is noted.

    Of a version that was destroyed the list is gone too. noted: false for a further part of a look that was.
    """
    with home.database.read() as session:
        version = lineage.see(session, actor, name)
        owners = {root.owner for root in lineage.roots_of(session, version.version_id)}
        ground = lineage.seen_as(session, actor, version)
    if noted:
        reads.note(home, actor, "look", version, owners, [ground])
    return version, Manifest(()) if version.state == "destroyed" else manifest_of(home, version)


class Remembered(Protocol):
    """Which downloads, as (member, version id), were put on record a short while ago."""

    def fresh(self, member: str, version_id: str) -> bool:
        """Whether this one was."""
        ...

    def keep(self, member: str, version_id: str) -> None:
        """It is on record now."""
        ...


def opened_for_download(home: Home, actor: Principal, name: str, remembered: Remembered) -> Content:
    """The files of a version that an actor takes home one by one; on record before the first is given."""
    version, owners, grounds = authorize_download(home, actor, name)
    if not remembered.fresh(actor.member, version.version_id):
        reads.note(home, actor, "download", version, owners, grounds)
        remembered.keep(actor.member, version.version_id)
    return content_of(home, version)


def download(home: Home, actor: Principal, name: str, target: Path) -> Version:
    """Write a version's files to a new folder. NotPermitted names the clause that stands against it."""
    version, owners, grounds = authorize_download(home, actor, name)
    if target.exists():
        raise TargetExists(target=str(target))
    reads.note(home, actor, "download", version, owners, grounds)
    content = content_of(home, version)
    files = content.manifest.files
    target.mkdir(parents=True)
    content.place(files, target)
    return version


def download_zip(home: Home, actor: Principal, name: str, target: Path) -> Version:
    """Write a version to a new file, as one zip; it has its name once it is whole."""
    version, owners, grounds = authorize_download(home, actor, name)
    if target.exists():
        raise TargetExists(target=str(target))
    reads.note(home, actor, "download", version, owners, grounds)
    part = target.with_name(f".{target.name}.part")
    try:
        with full_disk_told(target.parent), part.open("wb") as made:
            for piece in zipped(content_of(home, version)):
                made.write(piece)
        part.rename(target)
    finally:
        part.unlink(missing_ok=True)
    return version


def authorize_download(home: Home, actor: Principal, name: str) -> tuple[Version, set[str], list[str]]:
    """(version, owners of the data below it, what permits the download); NotPermitted otherwise."""
    with home.database.read() as session:
        version = lineage.see(session, actor, name)
        owner = {"owner": actor.organization}
        role = authorize(session, Request(actor, "asset.download", "Version", version.name, owner))
        grounds = [*role.by, *lineage.authorize_use(session, actor, "download", version)]
        owners = {root.owner for root in lineage.roots_of(session, version.version_id)}
    return version, owners, grounds


def findings_of(session: Session, version: Version) -> list[Finding]:
    """What the checks found, in order."""
    query = sa.select(findings).where(findings.c.version_id == version.version_id)
    return [
        Finding(row["check"], row["severity"], row["place"], row["evidence"])
        for row in session.rows(query.order_by(findings.c.number))
    ]


def visible_query(session: Session, actor: Principal) -> sa.Select[Any]:
    """The versions the actor may know of, to be narrowed and ordered."""
    known = (versions.c.owner == actor.organization) | missions.inside(actor, versions.c.mission)
    if early := lineage.known_before_opening(session, actor):
        known |= versions.c.version_id.in_(early)
    return sa.select(versions).where(known)


def visible_to(
    session: Session,
    actor: Principal,
    mission: str | None = None,
    part: Slice | None = None,
    **narrowed: str | None,
) -> list[Version]:
    """Versions the actor may know of, newest first; `narrowed` by state, kind or owner."""
    wanted = {"mission": mission, **narrowed}
    query = sa.select(versions).where(
        *(versions.c[name] == value for name, value in wanted.items() if value is not None)
    )
    branches = missions.branches(session, actor, query, versions.c.mission, versions.c.owner)
    if early := lineage.known_before_opening(session, actor):
        branches.append(query.where(versions.c.version_id.in_(early)))
    rows = session.rows(cut_each(branches, ("created_at", "version_id"), part, falling=True))
    return [Version(**row) for row in rows]
