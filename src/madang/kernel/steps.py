"""The steps port: the same work on many parts, one after another here or many at once elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

from madang.kernel import extension
from madang.kernel.settings import Values

Shared = TypeVar("Shared")
Part = TypeVar("Part")
Answer = TypeVar("Answer")


class Steps(Protocol):
    """The port. A factory is called with the settings."""

    def map(
        self, work: Callable[[Shared, Part], Answer], shared: Shared, parts: Sequence[Part]
    ) -> Iterator[Answer]:
        """`work(shared, part)` of each part, in the order of the parts, whatever order they are done in.

        The work has no effect but its answer: where a machine fails, a part is done again. What it raises is
        raised here.
        """
        ...


class Here:
    """One part after another, in this process: what there is without an engine."""

    def map(
        self, work: Callable[[Shared, Part], Answer], shared: Shared, parts: Sequence[Part]
    ) -> Iterator[Answer]:
        """As the port says."""
        return (work(shared, part) for part in parts)


def choose(values: Values, name: str = "") -> Steps:
    """The engine of that name, or that the settings name; UnknownEngine lists what is installed."""
    wanted = name or values.steps_engine
    if wanted == "here":
        return Here()
    found: Steps = extension.engine("steps", wanted)(values)
    return found
