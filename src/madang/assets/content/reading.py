"""The files of a version: its manifest, and their bytes in its holding and those of what it was made from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import blake3
import sqlalchemy as sa

from madang.assets.content import blobs, holdings
from madang.assets.content.manifest import File, Manifest
from madang.assets.content.model import holdings as table
from madang.assets.content.remembering import Remembered
from madang.assets.errors import ContentDestroyed, ContentMissing, KeyMissing
from madang.assets.lineage import ancestors_of
from madang.assets.model import Version
from madang.kernel.database import Row, Session
from madang.kernel.home import Home, full_disk_told

_CHUNK = 1 << 20
_MANIFESTS: Remembered[Manifest] = Remembered(lambda manifest: len(manifest.files), 1_000_000)


class Content:
    """The files of a version. What is read of them raises ContentDestroyed, KeyMissing or ContentMissing."""

    def __init__(
        self, home: Home, version: Version, found: Sequence[holdings.Holding], lacking: Exception | None
    ) -> None:
        self._home, self._version, self._holdings, self._lacking = home, version, found, lacking

    @property
    def manifest(self) -> Manifest:
        """Its files, by path."""
        digest = self._version.manifest
        if self._lacking is not None and self._holder(digest) is None:
            return Manifest.from_bytes(self._blob(digest))  # what was destroyed is not remembered
        return _MANIFESTS.get(digest, lambda: Manifest.from_bytes(self.read(digest)))

    def read(self, digest: str) -> bytes:
        """The bytes of a file, checked against its digest."""
        holding = self._holder(digest)
        return holding.read(digest) if holding else self._blob(digest)

    def open(self, digest: str) -> BinaryIO:
        """The bytes of a file as a stream that can seek; whoever reads to its end compares the digest."""
        holding = self._holder(digest)
        return holding.open(digest) if holding else BytesIO(self._blob(digest))

    def pieces(self, digest: str) -> Iterator[bytes]:
        """The bytes of a file, a MiB at a time; ContentMissing behind the last where they are not those."""
        hasher = blake3.blake3()
        with self.open(digest) as source:
            while piece := source.read(_CHUNK):
                hasher.update(piece)
                yield piece
        if hasher.hexdigest() != digest:
            raise ContentMissing(digest=digest)

    def place(self, files: Iterable[File], folder: Path) -> None:
        """Lay files out in a folder."""
        for file in files:
            self.copy(file.digest, folder / file.path)

    def copy(self, digest: str, target: Path) -> None:
        """Write the bytes of a file to `target`, compared with its digest; folders on the way are made."""
        target.parent.mkdir(parents=True, exist_ok=True)
        with full_disk_told(target.parent), target.open("xb") as made:
            try:
                made.writelines(self.pieces(digest))
            except ContentMissing:
                target.unlink()
                raise

    def intact(self, digest: str) -> bool:
        """Whether the stored bytes still have their digest."""
        try:
            for _ in self.pieces(digest):
                pass
        except ContentMissing:
            return False
        return True

    def _holder(self, digest: str) -> holdings.Holding | None:
        """The holding with those bytes; None where they are a blob, as in homes that had no holdings."""
        return next((one for one in self._holdings if digest in one.index.places), None)

    def _blob(self, digest: str) -> bytes:
        """What no holding has: of a version that was stored before there were any, or gone."""
        try:
            return blobs.read(self._home, digest)
        except ContentMissing:
            if self._lacking is not None:
                raise self._lacking from None
            raise


def content_of(home: Home, version: Version) -> Content:
    """The files of a version (the caller has authorized it)."""
    with home.database.read() as session:
        ids = [one.version_id for one in ancestors_of(session, version.version_id)]
        rows = session.rows(sa.select(table).where(table.c.version_id.in_(ids)))
    found: list[holdings.Holding] = []
    lacking: Exception | None = None
    # Its own first: a file is looked for in one after the other.
    for row in sorted(rows, key=lambda row: row["version_id"] != version.version_id):
        try:
            found.append(_opened(home, row, version.name))
        except (ContentDestroyed, KeyMissing) as error:
            lacking = error
    return Content(home, version, found, lacking)


def holding_of(home: Home, session: Session, version_id: str) -> holdings.Holding | None:
    """A version's own holding; None where it has none, as in homes that had no holdings.

    Raises ContentDestroyed, KeyMissing.
    """
    row = session.row(sa.select(table).where(table.c.version_id == version_id))
    return _opened(home, row, version_id) if row else None


def _opened(home: Home, row: Row, version: str) -> holdings.Holding:
    if row["destroyed_at"]:
        raise ContentDestroyed(version=version)
    found = holdings.open_holding(home, row["holding_id"])
    if found is None:
        raise KeyMissing(version=version, holding=row["holding_id"])
    return found


def attach(home: Home, version_id: str, data: bytes) -> str:
    """Keep bytes that tell of a version's content, under its key; returns their digest."""
    with home.database.read() as session:
        holding = holding_of(home, session, version_id)
    return holding.attach(data) if holding else blobs.put(home, data)


def attached(home: Home, session: Session, version_id: str, digest: str) -> bytes:
    """What was attached; ContentMissing where it is gone."""
    holding = holding_of(home, session, version_id)
    return holding.attached(digest) if holding else blobs.read(home, digest)
