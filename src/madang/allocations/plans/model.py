"""A capacity plan: the document, its table, and what it is once read.

A plan says what is meant, not what is used. Figures that its source does not give are marked
``assumed = true`` and keep that mark wherever they are shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

import sqlalchemy as sa
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from madang.kernel.ledger.log import metadata

_STRICT = ConfigDict(extra="forbid", frozen=True)
_SLUG = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
_PART = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_SHARE = rf"^{_PART}(/{_PART})*$"
_PLAIN = r"^[^\x00-\x1f\x7f-\x9f]*$"
MOST_COUNT = 10_000_000


def _exact(value: object) -> object:
    """A number of a TOML file as it was written: a float's shortest text, not its binary expansion."""
    return str(value) if isinstance(value, float) else value


Exact = Annotated[Decimal, BeforeValidator(_exact)]


class _Titled(BaseModel):
    model_config = _STRICT

    title_en: str = Field(min_length=1, max_length=200, pattern=_PLAIN)
    title_ko: str = Field(min_length=1, max_length=200, pattern=_PLAIN)

    def title(self, language: str) -> str:
        """The title in a language."""
        return self.title_ko if language == "ko" else self.title_en


class PlanHeader(_Titled):
    """The ``[plan]`` table: whole months from `starts` to the day before `ends`."""

    name: str = Field(pattern=_SLUG)
    starts: date
    ends: date
    source_en: str = Field(
        min_length=1, max_length=1000, pattern=_PLAIN, description="Where the figures come from."
    )
    source_ko: str = Field(min_length=1, max_length=1000, pattern=_PLAIN)

    def source(self, language: str) -> str:
        """Where the figures come from, in a language."""
        return self.source_ko if language == "ko" else self.source_en


class FactorDocument(BaseModel):
    """A ``[[kind.factor]]``: normalised GPU-hours in one GPU-hour, in force from `starts`."""

    model_config = _STRICT

    version: int = Field(ge=1, strict=True)
    starts: date
    value: Exact = Field(gt=0, le=1000, max_digits=12)


class KindDocument(_Titled):
    """A ``[[kind]]`` of GPU."""

    name: str = Field(pattern=_SLUG)
    peak_tflops: Exact | None = Field(None, gt=0, description="Dense BF16 TFLOP/s of one GPU.")
    factor: tuple[FactorDocument, ...] = ()


class SiteDocument(_Titled):
    """A ``[[site]]``: where GPUs are, and which organization operates it."""

    name: str = Field(pattern=_SLUG)
    operator: str = Field(pattern=_SLUG)


class ShareDocument(_Titled):
    """A ``[[share]]``: a percentage of the supply, or, below another ("parent/name"), of that one."""

    name: str = Field(pattern=_SHARE, max_length=200)
    percent: Exact = Field(gt=0, le=100, max_digits=9)
    lends: bool = Field(True, description="Others may use what it leaves idle.")
    borrows: bool = Field(True, description="It may use what others leave idle.")
    reclaim: Literal["preempt", "wait"] = Field(
        "preempt", description="How it gets back what it lent: at once, or when the borrower's run ends."
    )

    @property
    def parent(self) -> str:
        """The share it is a part of; empty at the top."""
        return self.name.rpartition("/")[0]


class CapacityDocument(BaseModel):
    """A ``[[capacity]]``: `count` of a kind (GPUs, cores) at a site from `starts` to the day before `ends`.

    `only`: the top shares it goes to, where it is not for all. The periods of one site and kind must not
    overlap: each says all that stands there then.
    """

    model_config = _STRICT

    site: str
    kind: str
    count: int = Field(gt=0, le=MOST_COUNT, strict=True)
    starts: date
    ends: date
    only: tuple[str, ...] = ()
    assumed: bool = False
    note_en: str = Field("", max_length=1000, pattern=_PLAIN)
    note_ko: str = Field("", max_length=1000, pattern=_PLAIN)

    def note(self, language: str) -> str:
        """What is to be known of this line, in a language."""
        return self.note_ko if language == "ko" else self.note_en


class PlanDocument(BaseModel):
    """A whole plan."""

    model_config = _STRICT

    plan: PlanHeader
    kind: tuple[KindDocument, ...] = Field(min_length=1, max_length=100)
    site: tuple[SiteDocument, ...] = Field(min_length=1, max_length=1000)
    share: tuple[ShareDocument, ...] = Field(min_length=1, max_length=200)
    capacity: tuple[CapacityDocument, ...] = Field(min_length=1, max_length=5000)

    def children_of(self, parent: str) -> Sequence[ShareDocument]:
        """The shares directly below one ("" for the top), in the plan's order."""
        return [share for share in self.share if share.parent == parent]

    def leaves(self, tops: Sequence[str] = ()) -> list[ShareDocument]:
        """The shares that have none below them (of these top shares, where some are named)."""
        parents = {share.parent for share in self.share}
        return [
            share
            for share in self.share
            if share.name not in parents and (not tops or share.name.partition("/")[0] in tops)
        ]

    def factor_of(self, kind: str, day: date) -> FactorDocument | None:
        """The factor of a kind in force on a day: the latest begun."""
        found = next((one for one in self.kind if one.name == kind), None)
        begun = [one for one in (found.factor if found else ()) if one.starts <= day]
        return max(begun, key=lambda one: (one.starts, one.version), default=None)

    def titles(self, language: str) -> Mapping[str, str]:
        """share -> its title."""
        return {share.name: share.title(language) for share in self.share}


plans = sa.Table(
    "plans",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("document", sa.JSON, nullable=False),
    sa.Column("adopted_at", sa.Text, nullable=False),
    sa.Index("plans_by_time", "adopted_at", "name", "number"),
)


@dataclass(frozen=True)
class Plan:
    """A plan on record: the `number`-th that was adopted under its name."""

    name: str
    number: int
    digest: str
    document: PlanDocument
    adopted_at: str

    @property
    def reference(self) -> str:
        """``name@number``."""
        return f"{self.name}@{self.number}"
