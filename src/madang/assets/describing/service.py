"""Writing a description of a version, and reading it."""

from __future__ import annotations

import sqlalchemy as sa

from madang.assets import lineage
from madang.assets.describing.errors import Untitled
from madang.assets.describing.model import Written, descriptions
from madang.assets.metadata.model import Description
from madang.assets.model import Version, versions
from madang.kernel import clock
from madang.kernel.authorizer import Principal, Request, authorize
from madang.kernel.canonical import canonical_digest
from madang.kernel.database import Session


def describe(session: Session, actor: Principal, name: str, told: Description) -> Written:
    """Write what a version is (its owner's steward), in place of what was written of it. Untitled."""
    version = lineage.see(session, actor, name)
    authorize(session, Request(actor, "asset.deposit", "Asset", version.asset, {"owner": version.owner}))
    if not told.title:
        raise Untitled(version=version.name)
    row = {
        "document": told.to_json(),
        "member": actor.member,
        "described_at": clock.to_text(clock.now()),
    }
    own = sa.select(descriptions.c.version_id).where(descriptions.c.version_id == version.version_id)
    if session.row(own) is None:
        session.insert(descriptions, {"version_id": version.version_id, **row})
    else:
        session.update(descriptions, version.version_id, **row)
    session.record(
        "version.described",
        version.version_id,
        actor.as_fact(),
        document=canonical_digest(row["document"]),
        name=version.name,
    )
    return Written(version.version_id, row["document"], row["member"], row["described_at"])  # type: ignore[arg-type]


def written(session: Session, version: Version) -> Written | None:
    """What was written of a version, or of the last before it (the caller has seen it)."""
    query = (
        sa.select(descriptions)
        .join(versions, versions.c.version_id == descriptions.c.version_id)
        .where(
            versions.c.owner == version.owner,
            versions.c.asset == version.asset,
            versions.c.mission == version.mission,  # whose members alone may know of what was written
            versions.c.number <= version.number,
        )
        .order_by(versions.c.number.desc())
        .limit(1)
    )
    row = session.row(query)
    return Written(**row) if row else None
