"""The scorer: rows that nobody but the evaluator has, predicted by the model.

The evaluator lays a table into its material; rows are drawn from it without replacement. A row counts as
right where its class is the most probable one, or where the value lies within the charter's tolerance.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from madang.kernel.ids import check_slug
from madang.packs.tabular import tables
from madang.packs.tabular.tables import BrokenTable
from madang.scores.errors import BadMaterial
from madang.scores.scorers import Item, Predictor, Result, Signature, Tensor

_BATCH = 64
_CONFIDENT = 0.9
_SUM_TOLERANCE = 1e-3


class HeldOutParameters(BaseModel):
    """``[benchmark.parameters]``: the evaluator's table and what a model must answer."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    table: str = Field(description="Folder in the evaluator's material.")
    columns: tuple[str, ...] = Field(min_length=1, description="Columns in the order the model reads them.")
    classes: tuple[str, ...] = Field((), description="Classes in the order the model answers them.")
    tolerance: float | None = Field(None, gt=0, description="For values: how far off still counts as right.")

    @model_validator(mode="after")
    def _one_task(self) -> HeldOutParameters:
        if bool(self.classes) == (self.tolerance is not None):
            raise ValueError("give classes, or a tolerance for values")
        return self


class HeldOutScorer:
    """See the module's docstring. Implements ``scores.scorers.Scorer``."""

    guards = ("overconfident",)
    """overconfident: share of rows that are wrong with a probability of 0.9 and more (0 for values)."""

    def digest(self) -> str:
        """Over the code that judges and the library it rests on."""
        folder = Path(__file__).parent
        hasher = hashlib.sha256()
        for name in ("scorer.py", "tables.py"):
            hasher.update((folder / name).read_bytes())
        hasher.update(f"numpy=={version('numpy')}\n".encode())
        return "sha256:" + hasher.hexdigest()

    def signature(self, parameters: Mapping[str, Any]) -> Signature:
        """The columns in; probabilities or one value out."""
        given = HeldOutParameters.model_validate(parameters)
        features = Tensor("features", "tensor(float)", (None, len(given.columns)))
        name, width = ("probabilities", len(given.classes)) if given.classes else ("value", 1)
        return Signature((features,), (Tensor(name, "tensor(float)", (None, width)),))

    def draw(
        self, parameters: Mapping[str, Any], n: int, chance: random.Random, material: Path
    ) -> list[Item]:
        """n rows of the evaluator's table, each once."""
        try:
            given = HeldOutParameters.model_validate(parameters)
            folder = material / check_slug(given.table, "table")
            table = tables.read(folder)
        except ValidationError as error:
            raise BadMaterial(folder=str(material), reason=str(error.errors()[0]["msg"])) from error
        except BrokenTable as error:
            raise BadMaterial(folder=str(folder), reason=str(error)) from error
        document = table.document
        if (tuple(document.names), document.target.classes) != (given.columns, given.classes):
            reason = "Its columns or classes are not those of the charter, in that order."
            raise BadMaterial(folder=str(folder), reason=reason)
        # What occurs twice could be in both halves: each row counts once.
        rows = {tables.fingerprint(row): place for place, row in enumerate(table.values)}
        complete = [place for place in rows.values() if np.isfinite(table.values[place]).all()]
        if len(complete) < n:
            reason = f"{n} rows are wanted, and it has {len(complete)} that are complete and distinct."
            raise BadMaterial(folder=str(folder), reason=reason)
        chosen = chance.sample(sorted(complete), n)
        return [
            {"features": table.values[place].tolist(), "target": float(table.target[place])}
            for place in chosen
        ]

    def judge(
        self, parameters: Mapping[str, Any], items: Sequence[Item], predict: Predictor
    ) -> Iterator[Result]:
        """A batch of rows after another, in order."""
        given = HeldOutParameters.model_validate(parameters)
        for start in range(0, len(items), _BATCH):
            batch = items[start : start + _BATCH]
            answers = predict(np.array([item["features"] for item in batch], np.float32))
            for offset, (item, answer) in enumerate(zip(batch, answers, strict=True)):
                yield _judged(given, start + offset, item, answer)


SCORER = HeldOutScorer()


def _judged(given: HeldOutParameters, index: int, item: Item, answer: NDArray[np.float32]) -> Result:
    mark = tables.fingerprint(item["features"])
    target = float(item["target"])
    if given.tolerance is not None:
        right = abs(float(answer.reshape(-1)[0]) - target) <= given.tolerance
        return Result(index, "all", float(right), {"overconfident": 0.0}, mark)
    if answer.min() < 0 or abs(float(answer.sum()) - 1) > _SUM_TOLERANCE:
        # Not probabilities: nothing can be said of its confidence, so it has none of the benefit.
        return Result(index, given.classes[int(target)], 0.0, {"overconfident": 1.0}, mark)
    likeliest = int(np.argmax(answer))
    right = likeliest == int(target)
    sure = not right and float(answer[likeliest]) >= _CONFIDENT
    return Result(index, given.classes[int(target)], float(right), {"overconfident": float(sure)}, mark)
