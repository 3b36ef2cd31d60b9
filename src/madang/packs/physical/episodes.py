"""Recorded episodes in memory, and the names and units of their columns."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 80
"""Meta-World steps physics 5 x 2.5 ms for each action."""

_OBJECT = ("x", "y", "z", "qx", "qy", "qz", "qw")
_FRAME = ("hand_x", "hand_y", "hand_z", "gripper", *(f"object{i}_{part}" for i in (1, 2) for part in _OBJECT))
STATE_NAMES = (*_FRAME, *(f"previous_{name}" for name in _FRAME), "goal_x", "goal_y", "goal_z")
STATE_UNITS = tuple("m" if name[-2:] in ("_x", "_y", "_z") else "1" for name in STATE_NAMES)
ACTION_NAMES = ("dx", "dy", "dz", "gripper")
ACTION_UNITS = ("1", "1", "1", "1")
ACTION_LIMITS = (-1.0, 1.0)
HAND = slice(0, 3)


@dataclass(frozen=True)
class Episode:
    """One demonstration. state: (frames, 39) float32; action: (frames, 4) float32, the command that
    answered each state; task: Meta-World's name; seed: what its start was drawn by."""

    task: str
    seed: int
    state: NDArray[np.float32]
    action: NDArray[np.float32]

    @property
    def frames(self) -> int:
        """Number of frames."""
        return len(self.action)


def fingerprint(task: str, state: NDArray[Any]) -> str:
    """What stands for a start: a hash of the task and of the first state, shape (39,), to a
    micrometre. The same start recorded for training and drawn for a benchmark gives the same."""
    recorded = np.asarray(state, np.float32)[: len(STATE_NAMES)]  # as a data set keeps it
    rounded = np.round(recorded.astype(np.float64), 6) + 0.0
    return hashlib.sha256(task.encode() + rounded.astype("<f8").tobytes()).hexdigest()[:32]
