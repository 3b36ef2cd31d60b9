"""Vectors on disk, in ``HOME/search/vectors.db``: made of the records, by one model; nothing to back up."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Lock

import numpy as np

from madang.assets.search.meaning.port import Matrix

_TABLES = """
CREATE TABLE IF NOT EXISTS model (name TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS vectors (key TEXT PRIMARY KEY, digest TEXT NOT NULL, vector BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS changes (number INTEGER PRIMARY KEY AUTOINCREMENT);
"""
_WAIT = 30.0


class Vectors:
    """The vectors of a home, to be begun before any are put. Whoever reads sees them as they were when last
    they were whole (:meth:`keep`); a matrix of them is held until then."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file = folder / "vectors.db"
        self._lock = Lock()
        self._held: tuple[int, Sequence[str], Matrix] | None = None

    def begin(self, model: str) -> None:
        """Make way for a model: vectors of another go."""
        with self._open() as database:
            database.executescript(_TABLES)
            if database.execute("SELECT name FROM model").fetchall() != [(model,)]:
                database.execute("DELETE FROM vectors")
                database.execute("DELETE FROM model")
                database.execute("INSERT INTO model VALUES (?)", (model,))
                database.execute("INSERT INTO changes DEFAULT VALUES")

    def digests(self, keys: Sequence[str]) -> Mapping[str, str]:
        """key -> digest of the text that its vector was made of, for those of the keys that have one."""
        with self._open() as database:
            one = "SELECT digest FROM vectors WHERE key = ?"
            found = {key: database.execute(one, (key,)).fetchone() for key in keys}
        return {key: row[0] for key, row in found.items() if row}

    def put(self, rows: Iterable[tuple[str, str]], made: Matrix) -> None:
        """Keep the vectors of (key, digest), a row of `made` each, in one commit. Where those that are there
        have another length, another model answers under the same name: they go."""
        told = [
            (key, digest, vector.astype("<f4").tobytes())
            for (key, digest), vector in zip(rows, made, strict=True)
        ]
        with self._open() as database:
            there = database.execute("SELECT length(vector) FROM vectors LIMIT 1").fetchone()
            if there and there[0] != 4 * made.shape[1]:
                database.execute("DELETE FROM vectors")
            database.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", told)

    def keep(self, keys: frozenset[str]) -> int:
        """Forget the vectors of all other things; returns how many they were."""
        with self._open() as database:
            gone = [(key,) for (key,) in database.execute("SELECT key FROM vectors") if key not in keys]
            database.executemany("DELETE FROM vectors WHERE key = ?", gone)
            database.execute("INSERT INTO changes DEFAULT VALUES")
        return len(gone)

    def ranked(self, model: str, asked: Matrix) -> list[str]:
        """Keys of all things by their cosine with a question (1, dimensions), nearest first; none where the
        vectors are another model's."""
        keys, matrix = self._matrix(model)
        if not keys or matrix.shape[1] != asked.shape[1]:
            return []
        return [keys[place] for place in np.argsort(-(matrix @ asked[0]), kind="stable")]

    def _matrix(self, model: str) -> tuple[Sequence[str], Matrix]:
        if not self._file.exists():
            return (), np.empty((0, 0), np.float32)
        with self._lock, self._open() as database:
            if database.execute("SELECT name FROM model").fetchall() != [(model,)]:
                return (), np.empty((0, 0), np.float32)
            changed = int(database.execute("SELECT coalesce(max(number), 0) FROM changes").fetchone()[0])
            if self._held is None or self._held[0] != changed:
                self._held = None  # before the next is made: two would be in memory
                self._held = (changed, *_read(database))
            return self._held[1], self._held[2]

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._file, timeout=_WAIT)) as database, database:
            yield database


def _read(database: sqlite3.Connection) -> tuple[Sequence[str], Matrix]:
    """Keys, and the vectors in as many rows."""
    one = "SELECT count(*), coalesce(max(length(vector)), 0) FROM vectors"
    count, size = database.execute(one).fetchone()
    matrix = np.empty((count, size // 4), np.float32)
    keys: list[str] = []
    for place, (key, vector) in enumerate(database.execute("SELECT key, vector FROM vectors")):
        matrix[place] = np.frombuffer(vector, "<f4")
        keys.append(key)
    return keys, matrix


_opened: dict[Path, Vectors] = {}


def open_vectors(home: Path) -> Vectors:
    """The vectors of a home, opened once in a process."""
    return _opened.setdefault(home, Vectors(home / "search"))
