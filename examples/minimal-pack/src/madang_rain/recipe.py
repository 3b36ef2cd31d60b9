"""A recipe: what people may set, and the function that runs in the sandbox."""

from pydantic import BaseModel, Field

from madang.runs.recipes import Recipe


class Parameters(BaseModel):
    scale: float = Field(1.0, gt=0, description="Multiplies the forecast.")


CLIMATE = Recipe(
    name="rain/climate",
    title={"en": "The mean of all days", "ko": "모든 날의 평균"},
    parameters=Parameters,
    main="madang_rain.recipe:train",
    cores=1,
    wall_seconds=60,
)


def train(inputs, parameters, output, report):
    """inputs: a folder a version; output: becomes the model version. Returns facts about it."""
    from onnx import TensorProto, helper

    files = [file for folder in inputs for file in sorted(folder.rglob("rain.txt"))]
    days = [float(line) for file in files for line in file.read_text("utf-8").split()]
    mean = parameters.scale * sum(days) / len(days)
    report({"step": 1, "loss": sum(abs(day - mean) for day in days) / len(days)})
    value = helper.make_tensor("mean", TensorProto.FLOAT, [1], [mean])
    nodes = [
        helper.make_node("Constant", [], ["mean"], value=value),
        helper.make_node("Mul", ["today", "zero"], ["nothing"]),
        helper.make_node("Add", ["nothing", "mean"], ["tomorrow"]),
    ]
    graph = helper.make_graph(
        nodes,
        "climate",
        [helper.make_tensor_value_info("today", TensorProto.FLOAT, ["batch", 1])],
        [helper.make_tensor_value_info("tomorrow", TensorProto.FLOAT, ["batch", 1])],
        [helper.make_tensor("zero", TensorProto.FLOAT, [1], [0.0])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (output / "model.onnx").write_bytes(model.SerializeToString())
    return {"days": len(days), "mean_mm": round(mean, 3)}
