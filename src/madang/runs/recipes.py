"""Recipes: typed, named pieces of work that packs offer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from madang.kernel import extension
from madang.runs.errors import BadParameters

Report = Callable[[Mapping[str, float]], None]
"""What a job calls with numbers to be drawn live; "step" is the horizontal axis."""


@dataclass(frozen=True)
class Recipe:
    """A recipe.

    main: ``"module:function"`` run in the sandbox as ``main(inputs, parameters, output, report)`` with
    inputs: list of folders (Path), one per input version; parameters: `parameters` instance; output:
    folder for what becomes the new version; report: :data:`Report`. It returns facts about the output.
    action: what it does with its inputs, in the agreements' terms. produces: kind of the output.
    """

    name: str
    title: Mapping[str, str]
    parameters: type[BaseModel]
    main: str
    action: str = "train"
    produces: str = "model"
    output_format: str | None = None
    cores: int = 2
    wall_seconds: int = 600


def find(name: str) -> Recipe:
    """The recipe ``pack/name``; UnknownEngine lists what is installed."""
    recipe: Recipe = extension.pack_part("recipes", name)
    return recipe


def every() -> list[str]:
    """Names of installed recipes, without importing them."""
    return [f"{pack.name}/{name}" for pack in extension.packs().values() for name in pack.recipes]


def parse_parameters(recipe: Recipe, given: Mapping[str, Any]) -> dict[str, Any]:
    """`given` completed and validated, JSON-ready; BadParameters names the key."""
    try:
        return recipe.parameters.model_validate(given).model_dump(mode="json")
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise BadParameters(recipe=recipe.name, key=key, reason=first["msg"]) from error


def job_folders(folder: Path) -> tuple[Path, Path, Path]:
    """(input, output, exchange) folders of an attempt on the host."""
    return folder / "input", folder / "output", folder / "exchange"
