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
        self._alone = Lock()

    def get(self, name: str, read: Callable[[], T]) -> T:
        """The thing of that name; it is read where it is not remembered."""
        with self._alone:
            if name in self._kept:
                self._kept.move_to_end(name)
                return self._kept[name]
        thing = read()
        with self._alone:
            self._kept[name] = thing
            while len(self._kept) > 1 and sum(map(self._weight, self._kept.values())) > self._most:
                self._kept.popitem(last=False)
        return thing

    def forget(self, name: str) -> None:
        """Remember it no more."""
        with self._alone:
            self._kept.pop(name, None)
