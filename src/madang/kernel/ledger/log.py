"""The log's tables, and how one entry is appended inside the transaction of the change it tells of.

A leaf is public to whoever holds a proof of it, so it carries the *facts* of the change (ids,
digests, amounts) and one commitment to the rows that changed. Each row's commitment is
HMAC-SHA256 under the home's salt key: whoever has the database and the key can compare every row
with the log, an outsider with a proof cannot guess a row's confidential fields.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from madang.kernel import clock
from madang.kernel.canonical import canonical_bytes, canonical_digest, parse_json
from madang.kernel.ledger import merkle
from madang.kernel.ledger.note import Checkpoint, Signer, write_checkpoint
from madang.kernel.paging import Slice, cut

metadata = sa.MetaData()
"""Every table of Madang, of all domains, belongs to this metadata."""

entries = sa.Table(
    "ledger_entries",
    metadata,
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.Text, nullable=False, index=True),
    sa.Column("subject", sa.Text, nullable=False, index=True),
    sa.Column("leaf", sa.Text, nullable=False),
    sa.Column("changes", sa.Text, nullable=False),
)
nodes = sa.Table(
    "ledger_nodes",
    metadata,
    sa.Column("level", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
)
head = sa.Table(
    "ledger_head",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
)
OWN_TABLES = frozenset({entries.name, nodes.name, head.name})
UNRECORDED = {"madang.recorded": False}
"""The `info` of a table whose rows say nothing about the world: the log does not cover them."""

Change = tuple[str, list[Any], str | None]
"""(table, primary key, commitment to the row or None where it was deleted)."""


@dataclass(frozen=True)
class Keys:
    """What the keeper of a log needs: the signing key and the salt for row commitments."""

    signer: Signer
    salt: bytes


@dataclass(frozen=True)
class Entry:
    """One entry as read back."""

    position: int
    kind: str
    subject: str
    facts: Mapping[str, Any]
    at: datetime
    by: Mapping[str, str]
    decided: Sequence[str]
    leaf: bytes


def row_commitment(
    keys: Keys, position: int, table: str, key: Sequence[Any], row: Mapping[str, Any] | sa.RowMapping
) -> str:
    """HMAC-SHA256 (hex) over the row, its table and the entry that wrote it.

    Empty columns are left out, so that a later migration may add a nullable column without making the
    rows that are already there look edited (and may add no other).
    """
    message = canonical_bytes([position, table, list(key), _plain(row)])
    return hmac.new(keys.salt, message, hashlib.sha256).hexdigest()


def _plain(row: Mapping[str, Any] | sa.RowMapping) -> dict[str, Any]:
    """A row as JSON: bytes as hex; integers and floats as text, since JSON numbers lose large ones."""
    plain: dict[str, Any] = {}
    for name, value in row.items():
        if value is None:
            continue
        if isinstance(value, bytes):
            plain[name] = "x" + value.hex()
        elif isinstance(value, int | float) and not isinstance(value, bool):
            plain[name] = ["n", repr(value)]
        else:
            plain[name] = value
    return plain


def node_reader(connection: sa.Connection) -> merkle.NodeReader:
    """Reads hashes of complete subtrees from the node table."""

    def read(level: int, position: int) -> bytes:
        where = (nodes.c.level == level) & (nodes.c.position == position)
        return bytes(connection.execute(sa.select(nodes.c.hash).where(where)).scalar_one())

    return read


def size_of(connection: sa.Connection) -> int:
    """Number of entries."""
    return int(connection.execute(sa.select(head.c.size)).scalar() or 0)


@dataclass(frozen=True)
class New:
    """An entry to be appended: what it says, and the rows (table, primary key) that it covers.

    decided: names of the rules and clauses that permitted the change.
    """

    kind: str
    subject: str
    by: Mapping[str, str]
    facts: Mapping[str, Any]
    at: datetime
    touched: Sequence[tuple[sa.Table, tuple[Any, ...]]] = ()
    decided: Sequence[str] = ()


def append(connection: sa.Connection, keys: Keys, new: Sequence[New]) -> None:
    """Append entries, extend the tree and sign the new head once.

    The rows are read as they are now: none may be covered by two of the entries.
    """
    size = size_of(connection)
    frontier = _frontier(connection, size)
    rows = _rows(connection, [place for one in new for place in one.touched])
    entry_rows, node_rows = [], []
    for position, one in enumerate(new, start=size):
        changes = [
            _change(keys, position, table, key, rows.get((table.name, key))) for table, key in one.touched
        ]
        leaf = {
            "at": clock.to_text(one.at),
            "by": dict(one.by),
            "changes": canonical_digest(changes),
            "decided": list(one.decided),
            "facts": dict(one.facts),
            "kind": one.kind,
            "subject": one.subject,
        }
        encoded = canonical_bytes(leaf)
        entry_rows.append(
            {
                "position": position,
                "kind": one.kind,
                "subject": one.subject,
                "leaf": encoded.decode(),
                "changes": canonical_bytes(changes).decode(),
            }
        )
        for level, place, digest in frontier.append(merkle.leaf_hash(encoded)):
            node_rows.append({"level": level, "position": place, "hash": digest})
    connection.execute(entries.insert(), entry_rows)
    connection.execute(nodes.insert(), node_rows)
    _sign_head(connection, keys, frontier, first=size == 0)


def _frontier(connection: sa.Connection, size: int) -> merkle.Frontier:
    """The tree's growing edge, read in one query."""
    wanted = merkle.peaks(size)
    if not wanted:
        return merkle.Frontier(0, ())
    query = sa.select(nodes.c.level, nodes.c.position, nodes.c.hash)
    found = {
        (row.level, row.position): bytes(row.hash)
        for row in connection.execute(query.where(sa.tuple_(nodes.c.level, nodes.c.position).in_(wanted)))
    }
    return merkle.Frontier(size, [found[place] for place in wanted])


_KEYS_AT_ONCE = 200
"""Rows asked for in one query; SQLite allows 32,766 values in one."""


def _rows(
    connection: sa.Connection, touched: Sequence[tuple[sa.Table, tuple[Any, ...]]]
) -> dict[tuple[str, tuple[Any, ...]], sa.RowMapping]:
    """The present rows of these places, table by table."""
    keys: dict[sa.Table, list[tuple[Any, ...]]] = {}
    for table, key in touched:
        keys.setdefault(table, []).append(key)
    found = {}
    for table, wanted in keys.items():
        columns = list(table.primary_key.columns)
        for start in range(0, len(wanted), _KEYS_AT_ONCE):
            some = wanted[start : start + _KEYS_AT_ONCE]
            one = columns[0].in_([key[0] for key in some])
            where = one if len(columns) == 1 else sa.tuple_(*columns).in_(some)
            for row in connection.execute(sa.select(table).where(where)).mappings():
                found[table.name, tuple(row[column.name] for column in columns)] = row
    return found


def _change(
    keys: Keys, position: int, table: sa.Table, key: tuple[Any, ...], row: sa.RowMapping | None
) -> Change:
    commitment = row_commitment(keys, position, table.name, key, row) if row is not None else None
    return (table.name, list(key), commitment)


def _sign_head(connection: sa.Connection, keys: Keys, frontier: merkle.Frontier, *, first: bool) -> None:
    note = write_checkpoint(Checkpoint(keys.signer.name, frontier.size, frontier.root()), keys.signer)
    values = {"size": frontier.size, "note": note}
    if first:
        connection.execute(head.insert(), {"id": 1, **values})
    else:
        connection.execute(head.update().where(head.c.id == 1), values)


def parse_leaf(position: int, leaf: str) -> Entry:
    """An entry from its leaf text."""
    content = parse_json(leaf)
    return Entry(
        position,
        content["kind"],
        content["subject"],
        content["facts"],
        clock.from_text(content["at"]),
        content["by"],
        content.get("decided", ()),
        leaf.encode(),
    )


def find(connection: sa.Connection, kind: str, subject: str) -> Entry | None:
    """The latest entry of this kind about this subject."""
    query = (
        sa.select(entries.c.position, entries.c.leaf)
        .where(entries.c.kind == kind, entries.c.subject == subject)
        .order_by(entries.c.position.desc())
    )
    row = connection.execute(query).first()
    return parse_leaf(row.position, row.leaf) if row else None


def find_all(connection: sa.Connection, kind: str, subject: str) -> list[Entry]:
    """All entries of this kind about this subject, oldest first."""
    query = (
        sa.select(entries.c.position, entries.c.leaf)
        .where(entries.c.kind == kind, entries.c.subject == subject)
        .order_by(entries.c.position)
    )
    return [parse_leaf(row.position, row.leaf) for row in connection.execute(query)]


def at(connection: sa.Connection, position: int) -> Entry | None:
    """The entry at a position."""
    query = sa.select(entries.c.leaf).where(entries.c.position == position)
    leaf = connection.execute(query).scalar()
    return parse_leaf(position, leaf) if leaf is not None else None


def tail(connection: sa.Connection, part: Slice, **narrowed: str | None) -> list[Entry]:
    """The latest entries, newest first; `narrowed` by kind or subject."""
    query = sa.select(entries.c.position, entries.c.leaf)
    for name, value in narrowed.items():
        if value is not None:
            query = query.where(entries.c[name] == value)
    rows = connection.execute(cut(query, (entries.c.position,), part, falling=True))
    return [parse_leaf(row.position, row.leaf) for row in rows]


def current_checkpoint(connection: sa.Connection) -> str:
    """The signed note of the present head; empty before the first entry."""
    return str(connection.execute(sa.select(head.c.note)).scalar() or "")
