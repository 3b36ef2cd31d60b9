"""The log against itself, and against every row of every table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from madang.kernel.canonical import canonical_bytes, canonical_digest, parse_json
from madang.kernel.errors import SignatureInvalid
from madang.kernel.ledger import log, merkle
from madang.kernel.ledger.note import read_checkpoint, write_checkpoint

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Disagreement:
    """One place where the database does not agree with the log.

    `problem` is a message id below ``ledger.problem``; `table` and `key` name the row.
    """

    table: str
    key: str
    problem: str
    entry: int | None = None


@dataclass(frozen=True)
class Verdict:
    """The outcome of a verification."""

    size: int
    rows: int
    disagreements: tuple[Disagreement, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing disagrees."""
        return not self.disagreements


@dataclass(frozen=True)
class _Expected:
    commitment: str | None
    position: int


def verify(
    connection: sa.Connection,
    keys: log.Keys,
    kept: Sequence[str] = (),
    progress: Progress | None = None,
) -> Verdict:
    """Compare the log with its tree, its head, the checkpoints in `kept`, and all tables.

    Every row is read once and held only as its commitment; memory grows with the number of live
    rows (about 200 bytes each).
    """
    found: list[Disagreement] = []
    expected: dict[tuple[str, str], _Expected] = {}
    rebuilt: dict[tuple[int, int], bytes] = {}
    frontier = merkle.Frontier(0, ())
    size = log.size_of(connection)
    count = 0
    query = sa.select(log.entries).order_by(log.entries.c.position).execution_options(yield_per=_BATCH)
    for count, row in enumerate(connection.execute(query), start=1):
        found.extend(_check_entry(row, frontier, rebuilt, expected))
        if progress:
            progress(count, size)
    found.extend(_check_nodes(connection, rebuilt))
    found.extend(_check_heads(connection, keys, count, rebuilt, kept))
    rows = 0
    present = set(sa.inspect(connection).get_table_names())
    for table in log.metadata.sorted_tables:
        if table.name not in present:
            found.append(Disagreement(table.name, "*", "table-missing"))
        elif table.name not in log.OWN_TABLES and table.info != log.UNRECORDED:
            rows += _check_table(connection, keys, table, expected, found)
    for name in sorted(present - {*log.metadata.tables, SCHEMA_TABLE}):
        found.append(Disagreement(name, "*", "table-unknown"))
    found.extend(_check_schema(connection))
    for (name, key), left in sorted(expected.items()):
        if left.commitment is not None:
            found.append(Disagreement(name, key, "row-deleted", left.position))
    return Verdict(count, rows, tuple(found))


SCHEMA_TABLE = "alembic_version"
_BATCH = 1000
"""Rows fetched at once: memory stays flat where a driver would otherwise fetch a whole table."""


def _check_schema(connection: sa.Connection) -> Iterator[Disagreement]:
    """The one row that says which schema this is (no entry speaks of it)."""
    query = sa.select(sa.column("version_num", sa.Text)).select_from(sa.table(SCHEMA_TABLE))
    versions = [str(version) for version in connection.execute(query).scalars()]
    if len(versions) != 1:
        problem = "row-inserted" if versions else "row-deleted"
        yield Disagreement(SCHEMA_TABLE, ", ".join(versions) or "*", problem)


def _key_text(key: Sequence[Any]) -> str:
    return "/".join(str(part) for part in key)


def _check_entry(
    row: Any,
    frontier: merkle.Frontier,
    rebuilt: dict[tuple[int, int], bytes],
    expected: dict[tuple[str, str], _Expected],
) -> Iterator[Disagreement]:
    name, position = log.entries.name, frontier.size
    if row.position != position:
        yield Disagreement(name, str(row.position), "entry-out-of-place", position)
    raw = row.leaf if isinstance(row.leaf, bytes) else str(row.leaf).encode()
    for level, place, digest in frontier.append(merkle.leaf_hash(raw)):
        rebuilt[level, place] = digest
    try:
        leaf, changes = parse_json(row.leaf), parse_json(row.changes)
        written = canonical_bytes(changes).decode()
        told = (leaf["kind"], leaf["subject"], leaf["changes"], written)
        whole = told == (row.kind, row.subject, canonical_digest(changes), row.changes)
        noted = {
            (table, _key_text(key)): _Expected(commitment, position) for table, key, commitment in changes
        }
    except (ValueError, TypeError, KeyError, AttributeError):
        yield Disagreement(name, str(row.position), "entry-edited", position)
        return
    if not whole:
        yield Disagreement(name, str(row.position), "entry-edited", position)
    expected.update(noted)


def _check_nodes(connection: sa.Connection, rebuilt: dict[tuple[int, int], bytes]) -> Iterator[Disagreement]:
    missing = set(rebuilt)
    for node in connection.execute(sa.select(log.nodes)):
        place = (node.level, node.position)
        missing.discard(place)
        if place not in rebuilt:
            yield Disagreement(log.nodes.name, _key_text(place), "row-inserted")
        elif rebuilt[place] != node.hash:
            # The node was written with its entry: whichever of the two was edited, both are named.
            yield Disagreement(log.nodes.name, _key_text(place), "row-edited")
            if node.level == 0:
                yield Disagreement(log.entries.name, str(node.position), "entry-edited", node.position)
    for place in sorted(missing):
        yield Disagreement(log.nodes.name, _key_text(place), "row-deleted")


def _check_heads(
    connection: sa.Connection,
    keys: log.Keys,
    size: int,
    rebuilt: dict[tuple[int, int], bytes],
    kept: Sequence[str],
) -> Iterator[Disagreement]:
    heads = connection.execute(sa.select(log.head)).all()
    if len(heads) != (1 if size else 0):
        yield Disagreement(log.head.name, "1", "row-inserted" if len(heads) > 1 else "row-deleted")
    notes = [(log.head.name, str(row.id), row.note, row.size) for row in heads if row.id == 1]
    notes += [("checkpoint", str(number), note, None) for number, note in enumerate(kept, start=1)]
    for table, key, note, stated in notes:
        try:
            checkpoint = read_checkpoint(note, keys.signer.verifier)
        except SignatureInvalid:
            yield Disagreement(table, key, "checkpoint-signature")
            continue
        if stated is not None and note != write_checkpoint(checkpoint, keys.signer):
            # The signature still covers the body, but these are not the bytes that were written.
            yield Disagreement(table, key, "row-edited", checkpoint.size)
        if checkpoint.size > size or (stated is not None and not checkpoint.size == stated == size):
            yield Disagreement(table, key, "log-cut", checkpoint.size)
        elif merkle.root(checkpoint.size, lambda at, of: rebuilt[at, of]) != checkpoint.root:
            yield Disagreement(table, key, "checkpoint-root", checkpoint.size)


def _check_table(
    connection: sa.Connection,
    keys: log.Keys,
    table: sa.Table,
    expected: dict[tuple[str, str], _Expected],
    found: list[Disagreement],
) -> int:
    names = [column.name for column in table.primary_key.columns]
    # JSON is read as text and parsed here: a broken value must name its row, not end the verification.
    # (A driver that parses JSON by itself needs the cast; SQLite's cast would hide a value's own type.)
    as_text = sa.type_coerce if connection.dialect.name == "sqlite" else sa.cast
    columns = [as_text(c, sa.Text).label(c.name) if _is_json(c) else c for c in table.columns]
    rows = 0
    query = sa.select(*columns).execution_options(yield_per=_BATCH)
    for row in connection.execute(query).mappings():
        rows += 1
        key = [row[name] for name in names]
        text = _key_text(key)
        wanted = expected.pop((table.name, text), None)
        if wanted is None or wanted.commitment is None:
            found.append(Disagreement(table.name, text, "row-inserted"))
        elif _commitment(keys, wanted, table, key, row) != wanted.commitment:
            found.append(Disagreement(table.name, text, "row-edited", wanted.position))
    return rows


def _is_json(column: sa.Column[Any]) -> bool:
    return isinstance(column.type, sa.JSON)


def _commitment(
    keys: log.Keys, wanted: _Expected, table: sa.Table, key: list[Any], row: sa.RowMapping
) -> str | None:
    try:
        told = dict(row)
        for column in table.columns:
            if _is_json(column) and told[column.name] is not None:
                told[column.name] = parse_json(told[column.name])
        return log.row_commitment(keys, wanted.position, table.name, key, told)
    except (ValueError, TypeError, RecursionError, UnicodeError):
        return None
