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


def append(
    connection: sa.Connection,
    keys: Keys,
    *,
    kind: str,
    subject: str,
    by: Mapping[str, str],
    facts: Mapping[str, Any],
    touched: Sequence[tuple[sa.Table, tuple[Any, ...]]],
    decided: Sequence[str] = (),
) -> int:
    """Append one entry, extend the tree and sign the new head. Returns the entry's position.

    `decided`: names of the rules and clauses that permitted the change.
    """
    position = size_of(connection)
    changes = [_change(connection, keys, position, table, key) for table, key in touched]
    leaf = {
        "at": clock.to_text(clock.now()),
        "by": dict(by),
        "changes": canonical_digest(changes),
        "decided": list(decided),
        "facts": dict(facts),
        "kind": kind,
        "subject": subject,
    }
    encoded = canonical_bytes(leaf)
    read = node_reader(connection)
    completed = merkle.completed_by(position, merkle.leaf_hash(encoded), read)
    connection.execute(
        entries.insert(),
        {
            "position": position,
            "kind": kind,
            "subject": subject,
            "leaf": encoded.decode(),
            "changes": canonical_bytes(changes).decode(),
        },
    )
    connection.execute(nodes.insert(), [{"level": n[0], "position": n[1], "hash": n[2]} for n in completed])
    _sign_head(connection, keys, position + 1, merkle.root(position + 1, read))
    return position


def _change(
    connection: sa.Connection, keys: Keys, position: int, table: sa.Table, key: tuple[Any, ...]
) -> Change:
    where = [column == value for column, value in zip(table.primary_key.columns, key, strict=True)]
    row = connection.execute(sa.select(table).where(*where)).mappings().one_or_none()
    commitment = row_commitment(keys, position, table.name, key, row) if row is not None else None
    return (table.name, list(key), commitment)


def _sign_head(connection: sa.Connection, keys: Keys, size: int, root: bytes) -> None:
    note = write_checkpoint(Checkpoint(keys.signer.name, size, root), keys.signer)
    if size == 1:
        connection.execute(head.insert(), {"id": 1, "size": size, "note": note})
    else:
        connection.execute(head.update().where(head.c.id == 1), {"size": size, "note": note})


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


def tail(connection: sa.Connection, limit: int) -> list[Entry]:
    """The latest `limit` entries, newest first."""
    query = sa.select(entries.c.position, entries.c.leaf).order_by(entries.c.position.desc()).limit(limit)
    return [parse_leaf(row.position, row.leaf) for row in connection.execute(query)]


def current_checkpoint(connection: sa.Connection) -> str:
    """The signed note of the present head; empty before the first entry."""
    return str(connection.execute(sa.select(head.c.note)).scalar() or "")
