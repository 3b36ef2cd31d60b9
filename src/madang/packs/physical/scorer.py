"""The scorer: success rate over a sealed draw of (task, seed) from Meta-World's MT10.

An item succeeds if the task is done at any step within the horizon. Published MT10 figures are for
reinforcement learning under other protocols: a score here is not comparable with them.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from madang.packs.physical.policy import FEATURES, TASKS, features
from madang.scores.scorers import Item, Predictor, Result, Tensor

DEFAULT_HORIZON = 300


class MetaWorldScorer:
    """See the module's docstring. Implements ``scores.scorers.Scorer``."""

    inputs = (Tensor("observation", "tensor(float)", (None, FEATURES)),)
    outputs = (Tensor("action", "tensor(float)", (None, None, 4)),)

    def digest(self) -> str:
        """Over the code that judges and the versions of the simulator."""
        folder = Path(__file__).parent
        hasher = hashlib.sha256()
        for name in ("scorer.py", "simulation.py", "policy.py", "episodes.py"):
            hasher.update((folder / name).read_bytes())
        for library in ("metaworld", "mujoco", "numpy"):
            hasher.update(f"{library}=={version(library)}\n".encode())
        return "sha256:" + hasher.hexdigest()

    def draw(self, parameters: Mapping[str, Any], n: int, chance: random.Random) -> list[Item]:
        """n independent draws: a task with equal chances, and a 48-bit seed."""
        return [{"task": chance.choice(TASKS), "seed": chance.getrandbits(48)} for _ in range(n)]

    def judge(
        self, parameters: Mapping[str, Any], items: Sequence[Item], predict: Predictor
    ) -> Iterator[Result]:
        """One item after another, in order."""
        horizon = int(parameters.get("horizon", DEFAULT_HORIZON))
        for index, item in enumerate(items):
            value = _succeeds(str(item["task"]), int(item["seed"]), horizon, predict)
            yield Result(index, str(item["task"]), float(value))


SCORER = MetaWorldScorer()


@cache
def _simulation(task: str) -> Any:
    from madang.packs.physical.simulation import Simulation

    return Simulation(task)


def _succeeds(task: str, seed: int, horizon: int, predict: Predictor) -> bool:
    simulation = _simulation(task)
    state = simulation.reset(seed)
    steps = 0
    while steps < horizon:
        chunk = predict(features(state[None], task))[0]
        for action in np.clip(chunk, -1, 1)[: horizon - steps]:
            state, done = simulation.step(action)
            steps += 1
            if done:
                return True
    return False
