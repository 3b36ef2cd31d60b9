"""What was read last, kept in memory: an index or a manifest is asked for once for each file otherwise."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Remembered(Generic[T]):
    """Things by name, those used last, as long as their weights together are at most `most`."""

    def __init__(self, weight: Callable[[T], int], most: int) -> None:
        self._weight, self._most = weight, most
        self._kept: OrderedDict[str, T] = OrderedDict()
        self._held = 0
        self._alone = Lock()

    def get(self, name: str, read: Callable[[], T]) -> T:
        """The thing of that name; it is read where it is not remembered."""
        with self._alone:
            if name in self._kept:
                self._kept.move_to_end(name)
                return self._kept[name]
        thing = read()
        with self._alone:
            self._drop(name)
            self._kept[name] = thing
            self._held += self._weight(thing)
            while len(self._kept) > 1 and self._held > self._most:
                self._drop(next(iter(self._kept)))
        return thing

    def forget(self, name: str) -> None:
        """Remember it no more."""
        with self._alone:
            self._drop(name)

    def _drop(self, name: str) -> None:
        if name in self._kept:
            self._held -= self._weight(self._kept.pop(name))
