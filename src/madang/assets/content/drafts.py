"""A draft: files on their way into a holding, which goes on where it was cut off.

What is durable stands in a journal, a line every few seconds: the files that lie whole in the packs sealed
so far, and of the file that goes on in the next pack how much there is. Whoever stores the same files from
the same place again finds them by path and signature (what tells that a file is unchanged), and reads only
the others.
"""

from __future__ import annotations

import json
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import blake3
import sqlalchemy as sa

from madang.assets.content import holdings, packing, sealing
from madang.assets.content.manifest import File, Manifest
from madang.assets.content.model import Stored
from madang.assets.content.model import holdings as table
from madang.assets.content.packing import Packer
from madang.assets.content.port import open_keys, open_objects
from madang.assets.errors import ContentMissing, FileChanged, NameTwins, TooLarge
from madang.kernel import clock
from madang.kernel.home import Home, full_disk_told, sync_folder
from madang.kernel.ids import new_id, nfc
from madang.kernel.locks import alone, is_held

Progress = Callable[[int, int], None]
"""Called with files and bytes stored so far."""
_WHOLE_BYTES = 2**20
"""Files up to this size are read before they are written, so that equal ones are stored once."""
_PIECE_BYTES = 4 * 2**20
_LINE_SECONDS = 2.0
"""Where packs are sealed in quick succession, a line tells of those of so long."""
KEPT = timedelta(days=7)
"""How long a draft that was cut off is kept."""


class Source(NamedTuple):
    """A file to be stored: `size` bytes from `start` on of an open file, read before the next is asked for.

    signature: what tells that it is unchanged. whole: whether the open file holds nothing else.
    """

    path: str
    size: int
    signature: tuple[int | str, ...]
    file: int
    start: int = 0
    whole: bool = True


_Place = tuple[int, int]
"""Where in the stream something begins, and its bytes."""


@dataclass(frozen=True)
class Limits:
    """Bounds on what is stored; TooLarge names `what`."""

    what: str = ""
    size: int | None = None
    files: int | None = None


@dataclass
class _Journal:
    """What of a draft is durable: packs by their heads; path -> (signature, digest, place) of files."""

    holding_id: str
    heads: list[str] = field(default_factory=list)
    files: dict[str, tuple[tuple[Any, ...], str, _Place]] = field(default_factory=dict)
    begun: Mapping[str, Any] | None = None


def store(
    home: Home,
    sources: Iterable[Source],
    *,
    journal: Path | None = None,
    origin: str = "",
    limits: Limits | None = None,
    progress: Progress | None = None,
    manifest: Manifest | None = None,
) -> Stored:
    """Store files as a holding. With `journal`, a file for it alone, one that was cut off goes on.

    origin: where the files come from; a journal of another origin is thrown away. manifest: of files whose
    bytes are in other holdings, instead of `sources`. Raises NameTwins, FileChanged, TooLarge, DiskFull, and
    what opening a source raises. No file at all makes an empty manifest.
    """
    known = _read(home, journal, origin) if journal else None
    made = _Draft(home, known or _begin(home, journal, origin), journal, resumed=known is not None)
    try:
        made.take(sources, limits or Limits(), progress)
        return made.finish(manifest)
    except BaseException:
        if journal is None:
            made.close()
            holdings.destroy(home, made.holding_id)
        raise
    finally:
        made.close()


def discard(home: Home, journal: Path) -> None:
    """Throw a draft away, with what was stored of it; of one that became a version, its journal alone."""
    known = _lines(journal)
    # The journal first: what it names may not be gone on with once the key is being destroyed.
    forget(journal)
    if known and not _is_a_versions(home, known[0]["holding"]):
        holdings.destroy(home, str(known[0]["holding"]))


def forget(journal: Path) -> None:
    """Take a journal away: its draft became a version, or is thrown away."""
    journal.unlink(missing_ok=True)
    if journal.parent.exists():
        sync_folder(journal.parent)


def _is_a_versions(home: Home, holding_id: str) -> bool:
    """Whether the row of a version names the holding: a process may end before it takes the journal away."""
    with home.database.read() as session:
        return session.row(sa.select(table.c.version_id).where(table.c.holding_id == holding_id)) is not None


@contextmanager
def kept_or_destroyed(home: Home, stored: Stored) -> Iterator[None]:
    """Destroy a holding where it did not become a version's inside the block."""
    try:
        yield
    finally:
        if not _is_a_versions(home, stored.holding_id):
            holdings.destroy(home, stored.holding_id)


def _begin(home: Home, journal: Path | None, origin: str) -> _Journal:
    made = _Journal(new_id("hld"))
    if journal:
        _append(journal, {"holding": made.holding_id, "origin": origin, "pack": packing.PACK_BYTES})
    open_keys(home).make(made.holding_id)
    return made


def _read(home: Home, journal: Path, origin: str) -> _Journal | None:
    lines = _lines(journal)
    if not lines:
        return None
    found = _Journal(lines[0]["holding"])
    if (lines[0].get("origin"), lines[0].get("pack")) == (origin, packing.PACK_BYTES):
        for line in lines[1:]:
            found.heads[line["after"] :] = line["heads"]
            found.begun = line["begun"]
            for path, signature, digest, start, length in line["files"]:
                found.files[path] = (tuple(signature), digest, (start, length))
        if _goes_on(home, found):
            return found
    discard(home, journal)
    return None


def _goes_on(home: Home, found: _Journal) -> bool:
    """Whether a draft can be gone on with: no version's, and its key opens every pack that it tells of."""
    key, objects = open_keys(home).get(found.holding_id), open_objects(home)
    if key is None or _is_a_versions(home, found.holding_id):
        return False
    try:
        for number, head in enumerate(found.heads):
            name = holdings.pack_name(found.holding_id, number)
            sealing.Opened(objects, key, name, packing.PACK_BYTES, bytes.fromhex(head)).read(0, 1)
    except ContentMissing:
        return False
    return True


def _lines(journal: Path) -> list[dict[str, Any]]:
    """The lines of a journal; one that was cut off is passed over: its pack is written again."""
    found: list[dict[str, Any]] = []
    if journal.exists():
        for line in journal.read_text("utf-8", "replace").splitlines():
            try:
                found.append(json.loads(line))
            except ValueError:
                continue
    return found if found and "holding" in found[0] else []


def _append(journal: Path, line: Mapping[str, Any]) -> None:
    journal.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with full_disk_told(journal.parent), journal.open("ab", buffering=0) as file:
        # In one line of its own, also behind one that was cut off.
        file.write(b"\n" * (file.tell() > 0) + json.dumps(line, separators=(",", ":")).encode())
        os.fsync(file.fileno())


class _Draft:
    def __init__(self, home: Home, known: _Journal, journal: Path | None, *, resumed: bool) -> None:
        key = open_keys(home).get(known.holding_id)
        assert key is not None
        self._objects, self._key, self.holding_id = open_objects(home), key, known.holding_id
        self._known, self._journal, self._resumed = known, journal, resumed
        self._heads = list(known.heads)
        self._packer = Packer(
            self._objects, key, known.holding_id, len(self._heads), self._pack_full, self._pack_sealed
        )
        self._told, self._told_at = len(self._heads), time.monotonic()
        """How many packs the journal tells of, and since when."""
        self._files: dict[str, File] = {}
        self._places: dict[str, _Place] = {}
        self._finished: deque[tuple[str, tuple[Any, ...], str, int, int]] = deque()
        """The journal's rows of files that no line tells yet."""
        self._current: tuple[Source, int, blake3.blake3] | None = None
        self._begun: dict[int, Mapping[str, Any] | None] = {}
        """Position of a full pack -> the file that goes on behind it."""

    def take(self, sources: Iterable[Source], limits: Limits, progress: Progress | None) -> None:
        """Store files that are not there yet."""
        there, places, finished, size = self._known.files, self._places, self._finished, 0
        for count, source in enumerate(sources, start=1):
            path, size = source.path, size + source.size
            if limits.files is not None and count > limits.files:
                raise TooLarge(what=limits.what, limit=f"{limits.files} files")
            if limits.size is not None and size > limits.size:
                raise TooLarge(what=limits.what, limit=f"{limits.size} bytes")
            known = there.get(path)
            if known and known[0] == source.signature:
                _, digest, place = known
            else:
                digest, place = self._small(source) if source.size <= _WHOLE_BYTES else self._large(source)
                finished.append((path, source.signature, digest, *place))
            places[digest] = place
            self._add(path, source.size, digest)
            if progress:
                progress(count, size)

    def finish(self, manifest: Manifest | None = None) -> Stored:
        """Everything durable, and the index with it; the manifest is of the files that were taken."""
        self._require_no_file_above()
        manifest = manifest or Manifest.of(self._files.values())
        told = manifest.to_bytes()
        digest = blake3.blake3(told).hexdigest()
        if digest not in self._places:
            self._places[digest] = (self._packer.write(told), len(told))
        self._packer.flush()
        index = holdings.Index(self._packer.size, self._packer.pack, self._places, tuple(self._heads))
        name = holdings.name_of(self.holding_id, "index")
        self._objects.put(name, sealing.seal(self._key, name, index.to_bytes()))
        holdings.forget(self.holding_id)
        if self._resumed:
            self._remove_packs_behind()
        return Stored(manifest, digest, self.holding_id, sealing.key_id(self._key))

    def _remove_packs_behind(self) -> None:
        """Packs that were sealed before it was cut off, and of which no line told, may lie behind the end."""
        packs = {holdings.pack_name(self.holding_id, number) for number in range(len(self._heads))}
        for name in list(self._objects.names(holdings.name_of(self.holding_id, ""))):
            if name not in packs and name.rpartition("/")[2].startswith("pack-"):
                self._objects.delete(name)

    def close(self) -> None:
        self._packer.close()

    def _require_no_file_above(self) -> None:
        """A name that is a file's and a folder's at once (in two forms of one name) cannot be laid out."""
        folders = {path.rpartition("/")[0] for path in self._files}
        for folder in folders:
            parts = folder.split("/")
            above = next(
                (one for n in range(len(parts)) if (one := "/".join(parts[: n + 1])) in self._files), None
            )
            if above is not None:
                raise NameTwins(first=self._files[above].original or above, second=f"{folder}/")

    def _add(self, given: str, size: int, digest: str) -> None:
        """Add a file under its NFC path; NameTwins where another has that."""
        path = nfc(given)
        if path in self._files:
            raise NameTwins(first=self._files[path].original or path, second=given)
        self._files[path] = File(path, size, digest, given if given != path else None)

    def _small(self, source: Source) -> tuple[str, _Place]:
        """Digest and place of a file that is read at once."""
        # One byte more: a file of which less can be read than it had, or more, is being written.
        data = os.pread(source.file, source.size + source.whole, source.start)
        if len(data) != source.size:
            raise FileChanged(file=source.path)
        digest = blake3.blake3(data).hexdigest()
        place = self._places.get(digest)
        if place is None:
            place = (self._packer.write(data), len(data))
        return digest, place

    def _large(self, source: Source) -> tuple[str, _Place]:
        """Digest and place of a file that is read in pieces."""
        hasher = blake3.blake3()
        start, length = self._packer.position, 0
        begun = self._known.begun
        if begun and self._is_begun(begun, source, hasher):
            start, length = begun["start"], begun["bytes"]
        self._current = (source, start, hasher)
        while length < source.size:
            room = self._packer.room(min(_PIECE_BYTES, source.size - length))
            count = os.preadv(source.file, [room], source.start + length)
            if count == 0:
                break
            hasher.update(room[:count])
            length += count
            self._packer.advance(count)
        self._current = None
        if length != source.size or (source.whole and os.fstat(source.file).st_size != length):
            raise FileChanged(file=source.path)
        return hasher.hexdigest(), (start, length)

    def _is_begun(self, begun: Mapping[str, Any], source: Source, hasher: blake3.blake3) -> bool:
        """Whether the packs end within this very file; if so `hasher` has read it up to there."""
        same = (begun["path"], tuple(begun["signature"])) == (source.path, source.signature)
        if not same or self._packer.position != begun["start"] + begun["bytes"]:
            return False
        read, end = 0, begun["bytes"]
        while read < end and (
            piece := os.pread(source.file, min(end - read, _PIECE_BYTES), source.start + read)
        ):
            hasher.update(piece)
            read += len(piece)
        if read == end and hasher.hexdigest() == begun["digest"]:
            return True
        hasher.reset()
        return False

    def _pack_full(self, position: int) -> None:
        """Remember how far the file under way is, at the end of a pack."""
        self._begun[position] = None
        if self._current is not None:
            source, start, hasher = self._current
            self._begun[position] = {
                "path": source.path, "signature": source.signature, "start": start,
                "bytes": position - start, "digest": hasher.hexdigest(),
            }  # fmt: skip

    def _pack_sealed(self, sealed: int, heads: Sequence[bytes]) -> None:
        """Put on paper what is durable now, unless that was done a moment ago."""
        self._heads.extend(head.hex() for head in heads)
        end = sealed * self._packer.pack
        if end not in self._begun:  # the stream ends within this pack: the index tells of it
            return
        begun = self._begun[end]
        self._begun = {position: one for position, one in self._begun.items() if position > end}
        if self._journal is None or time.monotonic() - self._told_at < _LINE_SECONDS:
            return
        rows = []
        while self._finished and sum(self._finished[0][-2:]) <= end:
            rows.append(self._finished.popleft())
        line = {"after": self._told, "heads": self._heads[self._told :], "files": rows, "begun": begun}
        _append(self._journal, line)
        self._told, self._told_at = sealed, time.monotonic()


@contextmanager
def kept_for(home: Home, owner: str, asset: str) -> Iterator[Path]:
    """The journal of the deposits of an asset; one at a time."""
    folder = home.path / "drafts" / owner
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with alone(folder / f"{asset}.lock"):
        _sweep(home)
        yield folder / f"{asset}.jsonl"


def under_way(home: Home) -> set[str]:
    """The holdings that journals name."""
    told = (_lines(journal) for journal in (home.path / "drafts").glob("*/*.jsonl"))
    return {str(lines[0]["holding"]) for lines in told if lines}


def _sweep(home: Home) -> None:
    """Throw drafts away that nobody went on with in time, with what was stored of them."""
    oldest = clock.now().timestamp() - KEPT.total_seconds()
    for journal in (home.path / "drafts").glob("*/*.jsonl"):
        lock = journal.with_suffix(".lock")
        if _older(journal, oldest) and not is_held(lock):
            with alone(lock):
                if _older(journal, oldest):
                    discard(home, journal)


def _older(journal: Path, than: float) -> bool:
    try:
        return journal.stat().st_mtime < than
    except FileNotFoundError:
        return False
