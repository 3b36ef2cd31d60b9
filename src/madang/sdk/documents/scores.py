"""Submissions and scores."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from madang.sdk.documents.form import Document, Plain, Request


class NewSubmission(Request):
    """A model version offered to a mission's evaluator."""

    mission: Plain = Field(examples=["manipulation-10"])
    version: Plain = Field(examples=["institute-a/policy@1"])


class Group(Document):
    """A task's success rate with Wilson's interval."""

    value: float
    lower: float
    upper: float
    n: int


class Score(Document):
    """A score on the final half. outcome: reached | not-reached."""

    value: float
    lower: float
    upper: float
    n: int
    outcome: str = Field(examples=["reached"])
    groups: Mapping[str, Group]
    scored_at: str


class Submission(Document):
    """A submission. state: waiting | judged | scored | refused (then `problem` says why)."""

    submission_id: str
    mission: str
    version: str
    organization: str
    state: str = Field(examples=["scored"])
    submitted_at: str
    problem: str | None
    score: Score | None
