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

from madang.packs.physical.episodes import fingerprint
from madang.packs.physical.policy import FEATURES, TASKS, features
from madang.scores.scorers import Item, Predictor, Result, Signature, Tensor

DEFAULT_HORIZON = 300
_OVERDRIVEN = 1.5


class MetaWorldScorer:
    """See the module's docstring. Implements ``scores.scorers.Scorer``."""

    guards = ("overdriven",)
    """overdriven: share of an item's commands that lie beyond 1.5 times the robot's limits."""

    def digest(self) -> str:
        """Over the code that judges and the versions of the simulator."""
        folder = Path(__file__).parent
        hasher = hashlib.sha256()
        for name in ("scorer.py", "simulation.py", "policy.py", "episodes.py"):
            hasher.update((folder / name).read_bytes())
        for library in ("metaworld", "mujoco", "numpy"):
            hasher.update(f"{library}=={version(library)}\n".encode())
        return "sha256:" + hasher.hexdigest()

    def signature(self, parameters: Mapping[str, Any]) -> Signature:
        """An observation in, a chunk of actions out."""
        observation = Tensor("observation", "tensor(float)", (None, FEATURES))
        return Signature((observation,), (Tensor("action", "tensor(float)", (None, None, 4)),))

    def draw(
        self, parameters: Mapping[str, Any], n: int, chance: random.Random, material: Path
    ) -> list[Item]:
        """n independent draws: a task with equal chances, and a 48-bit seed."""
        return [{"task": chance.choice(TASKS), "seed": chance.getrandbits(48)} for _ in range(n)]

    def judge(
        self, parameters: Mapping[str, Any], items: Sequence[Item], predict: Predictor
    ) -> Iterator[Result]:
        """One item after another, in order."""
        horizon = int(parameters.get("horizon", DEFAULT_HORIZON))
        for index, item in enumerate(items):
            yield _attempt(index, str(item["task"]), int(item["seed"]), horizon, predict)


SCORER = MetaWorldScorer()


@cache
def _simulation(task: str) -> Any:
    from madang.packs.physical.simulation import Simulation

    return Simulation(task)


def _attempt(index: int, task: str, seed: int, horizon: int, predict: Predictor) -> Result:
    simulation = _simulation(task)
    state = simulation.reset(seed)
    start = fingerprint(task, state)
    steps, over, done = 0, 0, False
    while steps < horizon and not done:
        chunk = predict(features(state[None], task))[0]
        for action in chunk[: horizon - steps]:
            over += bool((np.abs(action[:3]) > _OVERDRIVEN).any())
            state, done = simulation.step(np.clip(action, -1, 1))
            steps += 1
            if done:
                break
    return Result(index, task, float(done), {"overdriven": over / steps}, start)
