"""Runs and recipes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from madang.sdk.documents.form import Document, Plain, Request, Told


class NewRun(Request):
    """A run to be queued. cores x seconds are held of the award; both default to the recipe's."""

    mission: Plain = Field(examples=["manipulation-10"])
    recipe: Plain = Field(examples=["physical/behaviour-cloning"])
    inputs: Sequence[Plain] = Field(examples=[["institute-a/pool@1"]])
    award: Plain = Field(examples=["awd-0s2m4c5t1v7k3n9p2q8r"])
    output: Plain = Field(examples=["policy"], description="Name of the asset it makes a version of.")
    parameters: Mapping[Plain, Any] = Field(default_factory=dict, examples=[{"steps": 3000}])
    cores: int | None = Field(None, examples=[2])
    seconds: int | None = Field(None, examples=[600])
    borrow: bool = Field(
        False,
        examples=[False],
        description="It may use what other shares leave idle, and is begun again when they want it back.",
    )


class Run(Document):
    """A run. state: queued | waiting | running | succeeded | failed | cancelled.

    attempt: the number of its latest.
    """

    run_id: str
    mission: str
    organization: str
    submitted_by: str
    recipe: str
    parameters: Mapping[str, Any]
    inputs: Sequence[str]
    award_id: str
    cores: int
    wall_seconds: int
    output_asset: str
    state: str = Field(examples=["succeeded"])
    reason: str
    why: Told | None
    queued_at: str
    started_at: str | None
    ended_at: str | None
    engine: str
    isolation: str | None
    exit_code: int | None
    used_resource_seconds: int | None
    may_borrow: bool | None = None
    attempt: int | None = None

    @property
    def live(self) -> bool:
        """Whether it has not ended."""
        return self.state in ("queued", "waiting", "running")


class Attempt(Document):
    """One time that a run was executed. job: the scheduler's id of it. borrowed: on what others left idle."""

    number: int
    engine: str
    claimed_at: str
    started_at: str | None
    ended_at: str | None
    job: str | None
    borrowed: bool | None
    reason: str
    used_resource_seconds: int | None


class Metrics(Document):
    """What a run has reported: rows of numbers, "step" being the horizontal axis."""

    rows: Sequence[Mapping[str, float]]


class Recipe(Document):
    """An installed recipe. `parameters` is a JSON Schema."""

    name: str = Field(examples=["physical/behaviour-cloning"])
    title: Mapping[str, str]
    action: str
    produces: str
    cores: int
    wall_seconds: int
    parameters: Mapping[str, Any]
