"""Recipes and their parameters. What they do is in modules that import scikit-learn."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from madang.runs.recipes import Recipe


class SupervisedParameters(BaseModel):
    """Parameters of supervised training."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: Literal["linear", "forest", "boosting"] = Field("forest", description="Family of models.")
    trees: int = Field(200, ge=1, le=5000, description="Trees of a forest, or rounds of boosting.")
    depth: int = Field(12, ge=1, le=64, description="Depth of a tree at most.")
    folds: int = Field(5, ge=2, le=20, description="Folds of the cross-validation that is reported.")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="Of samples and folds.")


SUPERVISED = Recipe(
    name="tabular/supervised",
    title={"en": "Supervised learning on tables", "ko": "표 데이터 지도 학습"},
    parameters=SupervisedParameters,
    main="madang.packs.tabular.training:train",
    output_format="tabular/model-onnx",
    cores=2,
    wall_seconds=300,
)
