"""Ways in which a contributor's recording goes wrong, for the demonstration, tests and measurements.

The physics stays as it was; what is *recorded* is wrong, as from a swapped wire or a late logger.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from madang.packs.physical.episodes import Episode

Values = NDArray[np.float32]


def mirror(episodes: Sequence[Episode], axis: int) -> list[Episode]:
    """The action of one axis (0, 1, 2) with the opposite sign."""
    sign = np.ones(4, np.float32)
    sign[axis] = -1
    return _actions(episodes, lambda action: action * sign)


def lag(episodes: Sequence[Episode], steps: int) -> list[Episode]:
    """Actions recorded `steps` frames late (negative: early)."""

    def shift(action: Values) -> Values:
        return action[np.clip(np.arange(len(action)) - steps, 0, len(action) - 1)]

    return _actions(episodes, shift)


def gain(episodes: Sequence[Episode], factor: float) -> list[Episode]:
    """Motion commands multiplied by `factor` and clipped to the limits."""
    scale = np.array([factor, factor, factor, 1], np.float32)
    return _actions(episodes, lambda action: np.clip(action * scale, -1, 1))


def rescale(episodes: Sequence[Episode], factor: float) -> list[Episode]:
    """The state in another unit than declared."""
    return [replace(e, state=(e.state * factor).astype(np.float32)) for e in episodes]


def freeze(episodes: Sequence[Episode]) -> list[Episode]:
    """A sensor that repeats its first reading."""
    return [replace(e, state=np.repeat(e.state[:1], len(e.state), axis=0)) for e in episodes]


def _actions(episodes: Sequence[Episode], change: Callable[[Values], Values]) -> list[Episode]:
    return [replace(e, action=change(e.action).astype(np.float32)) for e in episodes]
