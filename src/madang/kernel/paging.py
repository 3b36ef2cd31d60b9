"""Keyset paging: a part of an ordered listing, named by the last row before it.

A page that is named by what came before it stays right while rows are added, and costs the same at the
end of a long listing as at its beginning.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import sqlalchemy as sa

from madang.kernel.errors import BadCursor

Key = tuple[str | int, ...]
Found = TypeVar("Found")


@dataclass(frozen=True)
class Slice:
    """At most `limit` rows after the row whose ordering columns have the values `after` (from the start
    where None)."""

    limit: int
    after: Key | None = None


def cut(
    query: sa.Select[Any],
    columns: Sequence[sa.ColumnElement[Any]],
    part: Slice | None,
    *,
    falling: bool = False,
) -> sa.Select[Any]:
    """`query` ordered by `columns`, which together are unique; only `part` of it where one is given.

    Raises BadCursor where the part's key is not of these columns.
    """
    ordered = query.order_by(*(column.desc() if falling else column for column in columns))
    if part is None:
        return ordered
    if part.after is not None:
        _require_fitting(part.after, columns)
        place, after = sa.tuple_(*columns), sa.tuple_(*map(sa.literal, part.after))
        ordered = ordered.where(place < after if falling else place > after)
    return ordered.limit(part.limit)


def cut_each(
    branches: Sequence[sa.Select[Any]], names: Sequence[str], part: Slice | None, *, falling: bool = False
) -> sa.Select[Any]:
    """The same part of all branches together, which have the same columns and no row in common.

    Each branch is cut by itself first, so that an index which begins with the branch's own condition gives
    its rows in order, and the cost does not grow with how many there are.
    """
    if len(branches) == 1:
        (only,) = branches
        return cut(only, [only.selected_columns[name] for name in names], part, falling=falling)
    each = [
        sa.select(cut(one, [one.selected_columns[n] for n in names], part, falling=falling).subquery())
        for one in branches
    ]
    together = sa.union_all(*each).subquery()
    return cut(sa.select(together), [together.c[name] for name in names], part, falling=falling)


def slice_of(limit: int, cursor: str | None) -> Slice:
    """The part of a listing that a cursor asks for, and one row more, which tells whether another follows."""
    return Slice(limit + 1, from_cursor(cursor) if cursor else None)


def parted(
    rows: Sequence[Found], limit: int, key: Callable[[Found], Key]
) -> tuple[Sequence[Found], str | None]:
    """(the first `limit` of what :func:`slice_of` gave, the cursor of what follows)."""
    if len(rows) <= limit:
        return rows, None
    return rows[:limit], to_cursor(key(rows[limit - 1]))


def _require_fitting(after: Key, columns: Sequence[sa.ColumnElement[Any]]) -> None:
    wanted = [column.type.python_type for column in columns]
    if len(after) != len(wanted) or any(type(a) is not w for a, w in zip(after, wanted, strict=True)):
        raise BadCursor()


def to_cursor(key: Key) -> str:
    """A row's key as an opaque text for clients."""
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def from_cursor(cursor: str) -> Key:
    """The key that :func:`to_cursor` wrote; BadCursor for anything else."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        key = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError) as error:
        raise BadCursor() from error
    plain = isinstance(key, list) and all(
        (isinstance(part, str) and not _UNSTORABLE.search(part)) or (type(part) is int and abs(part) < 2**62)
        for part in key
    )
    if not plain or to_cursor(tuple(key)) != cursor:
        raise BadCursor()
    return tuple(key)
