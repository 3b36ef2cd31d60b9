"""What differs between two versions: file by file, from their manifests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from madang.assets import lineage, service
from madang.assets.content.manifest import File
from madang.assets.errors import ContentDestroyed, NoEarlierVersion
from madang.assets.model import Version, versions
from madang.kernel.authorizer import Principal
from madang.kernel.home import Home

KINDS = ("added", "removed", "changed", "moved")


@dataclass(frozen=True)
class Change:
    """A file that differs. kind: added | removed | changed | moved (the same bytes, from `before`)."""

    path: str
    kind: str
    before: str | None
    size_before: int | None
    size: int | None


def between(
    home: Home, actor: Principal, name: str, since: str | None = None, *, noted: bool = True
) -> tuple[Version, list[Change]]:
    """The version compared with, and what changed from it to the version `name`, by path.

    Without `since`: from the version of the asset before it, NoEarlierVersion for the first one. Both looks
    are noted, unless `noted` is false: for a further part of the same answer. ContentDestroyed where the list
    of one is gone.
    """
    if since is None:
        since = _earlier(home, actor, name)
    older, before = _files(home, actor, since, noted)
    _, after = _files(home, actor, name, noted)
    found = _changes({f.path: f for f in before}, {f.path: f for f in after})
    return older, sorted(found, key=lambda change: change.path)


def _files(home: Home, actor: Principal, name: str, noted: bool) -> tuple[Version, Sequence[File]]:
    version, manifest = service.look(home, actor, name, noted=noted)
    if version.state == "destroyed":
        raise ContentDestroyed(version=version.name)
    return version, manifest.files


def _earlier(home: Home, actor: Principal, name: str) -> str:
    with home.database.read() as session:
        version = lineage.see(session, actor, name)
        where = (versions.c.owner == version.owner) & (versions.c.asset == version.asset)
        query = sa.select(sa.func.max(versions.c.number)).where(where, versions.c.number < version.number)
        number = session.scalar(query)
    if number is None:
        raise NoEarlierVersion(version=version.name)
    return f"{version.owner}/{version.asset}@{number}"


def _changes(before: dict[str, File], after: dict[str, File]) -> Iterator[Change]:
    gone = {path: file for path, file in before.items() if path not in after}
    # Bytes that left one path and came to another were moved; empty files are all alike.
    left: dict[str, list[str]] = {}
    for path, file in gone.items():
        if file.size:
            left.setdefault(file.digest, []).append(path)
    for path, file in after.items():
        old = before.get(path)
        if old is not None:
            if old.digest != file.digest:
                yield Change(path, "changed", None, old.size, file.size)
        elif left.get(file.digest):
            origin = left[file.digest].pop(0)
            del gone[origin]
            yield Change(path, "moved", origin, file.size, file.size)
        else:
            yield Change(path, "added", None, None, file.size)
    for path, file in gone.items():
        yield Change(path, "removed", None, file.size, None)
