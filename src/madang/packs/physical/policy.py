"""The policy that behaviour cloning makes: what it reads and answers, and its ONNX form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from madang.packs.physical.episodes import STATE_NAMES

TASKS = (
    "reach-v3",
    "push-v3",
    "pick-place-v3",
    "door-open-v3",
    "drawer-open-v3",
    "drawer-close-v3",
    "button-press-topdown-v3",
    "peg-insert-side-v3",
    "window-open-v3",
    "window-close-v3",
)
"""MT10's tasks in the order of the one-hot code."""
STATE = len(STATE_NAMES)
FEATURES = STATE + len(TASKS)
ACTION = 4


def features(state: NDArray[Any], task: str) -> NDArray[np.float32]:
    """(frames, 39) states -> (frames, 49): the state, then the task's one-hot code."""
    code = np.zeros((len(state), len(TASKS)), np.float32)
    code[:, TASKS.index(task)] = 1
    return np.hstack((state.astype(np.float32), code))


def to_onnx(
    layers: Sequence[tuple[NDArray[Any], NDArray[Any]]], mean: NDArray[Any], scale: NDArray[Any], chunk: int
) -> bytes:
    """An MLP as ONNX: "observation" (batch, 49) -> "action" (batch, chunk, 4).

    layers: (weight (out, in), bias (out,)) of each linear layer, with ReLU between them; mean, scale:
    normalisation of the input, (49,). Built node by node: the graph is a dozen nodes, and torch's own
    exporter takes two seconds and writes weights into a second file.
    """
    from onnx import checker, helper, numpy_helper

    constants = [numpy_helper.from_array(np.float32(mean), "mean")]
    constants.append(numpy_helper.from_array(np.float32(scale), "scale"))
    constants.append(numpy_helper.from_array(np.array([-1, chunk, ACTION], np.int64), "shape"))
    nodes = [
        helper.make_node("Sub", ["observation", "mean"], ["centred"]),
        helper.make_node("Mul", ["centred", "scale"], ["h0"]),
    ]
    for index, (weight, bias) in enumerate(layers):
        constants.append(numpy_helper.from_array(np.float32(weight), f"w{index}"))
        constants.append(numpy_helper.from_array(np.float32(bias), f"b{index}"))
        last = index == len(layers) - 1
        out = "flat" if last else f"g{index}"
        nodes.append(helper.make_node("Gemm", [f"h{index}", f"w{index}", f"b{index}"], [out], transB=1))
        if not last:
            nodes.append(helper.make_node("Relu", [out], [f"h{index + 1}"]))
    nodes.append(helper.make_node("Reshape", ["flat", "shape"], ["action"]))
    graph = helper.make_graph(
        nodes,
        "policy",
        [helper.make_tensor_value_info("observation", 1, ["batch", len(mean)])],
        [helper.make_tensor_value_info("action", 1, ["batch", chunk, ACTION])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    checker.check_model(model)
    return bytes(model.SerializeToString())
