"""The ports: what keeps objects, and what keeps the keys they are sealed under."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from madang.kernel import extension
from madang.kernel.home import Home
from madang.kernel.settings import Values


class Objects(Protocol):
    """Named bytes. A name is words of ``a-z0-9-`` between slashes; what is put is durable on return."""

    def put(self, name: str, pieces: Sequence[bytes]) -> None:
        """Keep the pieces, one behind the other, in place of whatever had the name; raises DiskFull."""
        ...

    def get(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        """So many bytes from `start` on, fewer at the end; ContentMissing where there is no such object."""
        ...

    def delete(self, name: str) -> None:
        """Forget an object; nothing where there is none."""
        ...

    def names(self, prefix: str) -> Iterator[str]:
        """Names that begin with `prefix`, which ends with a slash."""
        ...


class Keys(Protocol):
    """Keys of holdings, 32 random bytes each. They must never go where the objects' backups go."""

    def make(self, holding_id: str) -> bytes:
        """A new key, durable on return."""
        ...

    def get(self, holding_id: str) -> bytes | None:
        """The key, or None where there is none (any more)."""
        ...

    def destroy(self, holding_id: str) -> None:
        """Make the key be gone for good; nothing where there is none."""
        ...

    def names(self) -> Iterator[str]:
        """The holdings that have a key."""
        ...


def open_objects(home: Home) -> Objects:
    """What keeps the bytes of a home."""
    return _opened_objects(home.path, home.values)


def open_keys(home: Home) -> Keys:
    """What keeps the keys of a home."""
    return _opened_keys(home.path, home.values)


@lru_cache(maxsize=16)
def _opened_objects(path: Path, values: Values) -> Objects:
    made: Objects = extension.engine("content", values.content_engine)(path, values)
    return made


@lru_cache(maxsize=16)
def _opened_keys(path: Path, values: Values) -> Keys:
    made: Keys = extension.engine("keys", values.keys_engine)(path, values)
    return made
