"""Supervised learning with scikit-learn; the model is exported to ONNX.

Missing values are filled with the column's median; linear models see standardized columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from madang.packs.tabular import tables
from madang.packs.tabular.recipes import SupervisedParameters
from madang.packs.tabular.tables import Table, TableDocument
from madang.runs.recipes import Report

INPUT, PROBABILITIES, VALUE = "features", "probabilities", "value"


def train(
    inputs: Sequence[Path], parameters: SupervisedParameters, output: Path, report: Report
) -> Mapping[str, float | int | str]:
    """Train on every table below the input folders; writes ``model.onnx`` into `output`."""
    found = [tables.read(path) for folder in inputs for path in tables.folders_below(folder)]
    if not found:
        raise SystemExit("No table among the inputs.")
    document = _same(found)
    values = np.concatenate([table.values for table in found])
    target = np.concatenate([table.target for table in found])
    absent = set(range(len(document.target.classes))) - {int(value) for value in set(target.tolist())}
    if absent:
        raise SystemExit(f"No row of the class {document.target.classes[min(absent)]!r} to learn from.")
    print(f"{len(found)} tables, {len(values)} rows, {values.shape[1]} columns, {document.task}", flush=True)
    scores = _cross_validate(document, values, target, parameters, report)
    model = _pipeline(document, parameters).fit(values, _targets(document, target))
    (output / "model.onnx").write_bytes(to_onnx(model, document))
    mean = float(np.mean(scores))
    print(f"wrote model.onnx, cross-validation {mean:.4f}", flush=True)
    return {"rows": len(values), "tables": len(found), "cross_validation": round(mean, 5)}


def _same(found: Sequence[Table]) -> TableDocument:
    first = found[0].document
    for table in found[1:]:
        if (table.document.column, table.document.target) != (first.column, first.target):
            raise SystemExit("The tables do not have the same columns and target.")
    return first


def _targets(document: TableDocument, target: NDArray[np.float64]) -> NDArray[Any]:
    return target.astype(np.int64) if document.task == "classification" else target


def _pipeline(document: TableDocument, parameters: SupervisedParameters) -> Pipeline:
    classify, seed = document.task == "classification", parameters.seed
    steps: list[Any] = [SimpleImputer(strategy="median", keep_empty_features=True)]
    if parameters.model == "linear":
        steps += [StandardScaler(), LogisticRegression(max_iter=2000) if classify else Ridge()]
    elif parameters.model == "forest":
        forest = RandomForestClassifier if classify else RandomForestRegressor
        steps.append(forest(parameters.trees, max_depth=parameters.depth, random_state=seed, n_jobs=-1))
    else:
        boosting = GradientBoostingClassifier if classify else GradientBoostingRegressor
        steps.append(boosting(n_estimators=parameters.trees, max_depth=parameters.depth, random_state=seed))
    return make_pipeline(*steps)


def _cross_validate(
    document: TableDocument,
    values: NDArray[np.float64],
    target: NDArray[np.float64],
    parameters: SupervisedParameters,
    report: Report,
) -> list[float]:
    """Accuracy, or R², on each fold in turn; reported as loss = 1 - score."""
    kind = StratifiedKFold if document.task == "classification" else KFold
    labels = _targets(document, target)
    folds = kind(parameters.folds, shuffle=True, random_state=parameters.seed)
    scores: list[float] = []
    for number, (fit, held) in enumerate(folds.split(values, labels), start=1):
        model = _pipeline(document, parameters).fit(values[fit], labels[fit])
        scores.append(float(model.score(values[held], labels[held])))
        report({"step": number, "loss": 1 - scores[-1]})
        print(f"fold {number}/{parameters.folds}  score {scores[-1]:.4f}", flush=True)
    return scores


def to_onnx(model: Pipeline, document: TableDocument) -> bytes:
    """ "features" (batch, columns) -> "probabilities" (batch, classes), or "value" (batch, 1)."""
    from onnx import checker
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType

    inputs = [(INPUT, FloatTensorType([None, len(document.names)]))]
    classify = document.task == "classification"
    options = {id(model): {"zipmap": False}} if classify else None
    converted = convert_sklearn(model, initial_types=inputs, options=options, target_opset=17)
    graph = converted.graph
    if classify:
        kept = [one for one in graph.output if one.name == PROBABILITIES]
        del graph.output[:]
        graph.output.extend(kept)
        _fix_shape(kept[0], len(document.target.classes))
    else:
        _rename(graph, graph.output[0].name, VALUE)
        _fix_shape(graph.output[0], 1)
    checker.check_model(converted)
    return bytes(converted.SerializeToString())


def _fix_shape(output: Any, width: int) -> None:
    """Name the batch axis and fix the other: a scorer asks for exactly that."""
    shape = output.type.tensor_type.shape
    del shape.dim[:]
    shape.dim.add().dim_param = "batch"
    shape.dim.add().dim_value = width


def _rename(graph: Any, old: str, new: str) -> None:
    for node in graph.node:
        node.output[:] = [new if name == old else name for name in node.output]
    graph.output[0].name = new
