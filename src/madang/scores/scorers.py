"""The scorer port: how a pack draws a sealed benchmark and judges a model by it."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Item = Mapping[str, Any]
"""One item of a benchmark; JSON."""


@dataclass(frozen=True)
class Result:
    """The judgement of an item: in [0, 1], and the group (task) it is reported under."""

    item: int
    group: str
    value: float


@dataclass(frozen=True)
class Tensor:
    """An input or output of a model: name, element type, shape with None for the free batch axis."""

    name: str
    dtype: str
    shape: tuple[int | None, ...]


class Predictor(Protocol):
    """A model in its own process."""

    def __call__(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Predict for a batch, shape (batch, features); PredictionFailed where the model does not."""
        ...


class Scorer(Protocol):
    """What a pack offers under ``scorers``. Its process never loads a model, the model's never an item."""

    inputs: Sequence[Tensor]
    outputs: Sequence[Tensor]

    def digest(self) -> str:
        """Digest of the code that judges and of the libraries' versions it rests on."""
        ...

    def draw(self, parameters: Mapping[str, Any], n: int, chance: random.Random) -> list[Item]:
        """Draw n items."""
        ...

    def judge(
        self, parameters: Mapping[str, Any], items: Sequence[Item], predict: Predictor
    ) -> Iterator[Result]:
        """Judge items; results come *in the order of the items*, so that stopping early is fair."""
        ...
