"""The scorer port: how a pack draws a sealed benchmark and judges a model by it."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from madang.kernel import extension
from madang.missions.model import Mission

Item = Mapping[str, Any]
"""One item of a benchmark; JSON."""


@dataclass(frozen=True)
class Result:
    """The judgement of an item.

    value: in [0, 1]; group: the task it is reported under; guards: guard-rail metric -> [0, 1];
    fingerprint: what a checker's examination would give for this item, were it in training data ("" where
    the pack has none).
    """

    item: int
    group: str
    value: float
    guards: Mapping[str, float] = field(default_factory=dict)
    fingerprint: str = ""


@dataclass(frozen=True)
class Tensor:
    """An input or output of a model: name, element type, shape with None for the free batch axis."""

    name: str
    dtype: str
    shape: tuple[int | None, ...]


@dataclass(frozen=True)
class Signature:
    """Inputs and outputs of a model, in order."""

    inputs: Sequence[Tensor]
    outputs: Sequence[Tensor]


class Predictor(Protocol):
    """A model in its own process."""

    def __call__(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Predict for a batch, shape (batch, features); PredictionFailed where the model does not."""
        ...


class Scorer(Protocol):
    """What a pack offers under ``scorers``. Its process never loads a model, the model's never an item."""

    guards: Sequence[str]
    """Guard-rail metrics that every result carries."""

    def digest(self) -> str:
        """Digest of the code that judges and of the libraries' versions it rests on."""
        ...

    def signature(self, parameters: Mapping[str, Any]) -> Signature:
        """What a model must read and answer."""
        ...

    def draw(
        self, parameters: Mapping[str, Any], n: int, chance: random.Random, material: Path
    ) -> list[Item]:
        """Draw n items; `material` is a folder of the evaluator's own, for scorers that draw from data.

        Raises BadMaterial where the folder does not hold what is needed.
        """
        ...

    def judge(
        self, parameters: Mapping[str, Any], items: Sequence[Item], predict: Predictor
    ) -> Iterator[Result]:
        """Judge items; results come *in the order of the items*, so that stopping early is fair."""
        ...


def of_mission(mission: Mission) -> Scorer:
    """The scorer that a mission's charter names; UnknownEngine lists what is installed."""
    scorer: Scorer = extension.pack_part("scorers", mission.document.benchmark.scorer)
    return scorer


def signature_of(mission: Mission) -> Signature:
    """What a model of this mission must read and answer."""
    return of_mission(mission).signature(mission.document.benchmark.parameters)
