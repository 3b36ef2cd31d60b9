"""The recipes of this pack: their parameters. What they do is in modules that import torch."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from madang.runs.recipes import Recipe


class CloningParameters(BaseModel):
    """Parameters of behaviour cloning."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    steps: int = Field(1500, ge=1, le=1_000_000, description="Optimizer steps.")
    batch: int = Field(256, ge=1, le=65536, description="Frames a step.")
    width: int = Field(256, ge=1, le=8192, description="Units of each hidden layer.")
    layers: int = Field(3, ge=1, le=16, description="Hidden layers.")
    chunk: int = Field(4, ge=1, le=16, description="Actions predicted, and executed, at once.")
    learning_rate: float = Field(2e-3, gt=0, lt=1, description="Peak of the one-cycle schedule.")
    seed: int = Field(0, ge=0, description="Of initial weights and batches.")


BEHAVIOUR_CLONING = Recipe(
    name="physical/behaviour-cloning",
    title={"en": "Behaviour cloning of demonstrations", "ko": "시연 모방 학습"},
    parameters=CloningParameters,
    main="madang.packs.physical.cloning:train",
    output_format="physical/policy-onnx",
    cores=2,
    wall_seconds=300,
)
