"""The default policy: a ranked cut-off, as plain functions of their inputs.

The order: the higher score; of equal scores the smaller request in all; of equal requests the earlier
application; then the smaller id. Down that order, each application is given, in each month, the smaller of
what it asks for and what is left of its site and kind. Where that is less than its minimum in all, it is
given nothing and what it asked for stays for those below it.

So what is left only shrinks down the order. Whether an application would be granted further up is
therefore monotone in its place, which is what :mod:`explaining` searches by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from operator import sub
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from madang.kernel.canonical import canonical_digest

POLICY = "ranked-cut-off/1"
Place = tuple[str, str]
Hours = tuple[int, ...]

_STRICT = ConfigDict(extra="forbid", strict=True)
_Whole = Annotated[int, Field(ge=0, le=10**15)]
_List = Annotated[tuple[_Whole, ...], Field(strict=False)]


class _PlaceDocument(BaseModel):
    model_config = _STRICT

    site: str
    kind: str
    hours: _List


class _EntryDocument(BaseModel):
    model_config = _STRICT

    application: str
    site: str
    kind: str
    score: Annotated[int, Field(ge=0, le=10_000)] | None
    request: _List
    minimum: _Whole
    applied_at: str


class _InputsDocument(BaseModel):
    """The inputs as JSON."""

    model_config = _STRICT

    policy: Literal["ranked-cut-off/1"]
    call: str
    share: str
    months: Annotated[tuple[str, ...], Field(strict=False)]
    minimum_score: int
    supply: Annotated[tuple[_PlaceDocument, ...], Field(strict=False)]
    entries: Annotated[tuple[_EntryDocument, ...], Field(strict=False)]

    @model_validator(mode="after")
    def _fits_together(self) -> _InputsDocument:
        rows = [one.hours for one in self.supply] + [one.request for one in self.entries]
        if any(len(row) != len(self.months) for row in rows):
            raise ValueError("a row has not one figure for each month")
        names = [one.application for one in self.entries]
        places = [(one.site, one.kind) for one in self.supply]
        if len(set(names)) != len(names) or len(set(places)) != len(places):
            raise ValueError("an application or a place stands there twice")
        return self


@dataclass(frozen=True)
class Entry:
    """An application as the policy sees it. request: GPU-hours of each month. score: hundredths of a point,
    None where it has too few reviews to be ranked."""

    application: str
    site: str
    kind: str
    score: int | None
    request: Hours
    minimum: int
    applied_at: str

    @property
    def place(self) -> Place:
        """Where it asks."""
        return self.site, self.kind

    @property
    def order(self) -> tuple[int, int, str, str]:
        """What it is ranked by; smaller is better."""
        return -(self.score or 0), sum(self.request), self.applied_at, self.application


@dataclass(frozen=True)
class Inputs:
    """All that a decision follows from."""

    call: str
    share: str
    months: tuple[str, ...]
    supply: Mapping[Place, Hours]
    minimum_score: int
    entries: tuple[Entry, ...]

    def document(self) -> dict[str, Any]:
        """These inputs as JSON, whose digest names the decision."""
        supply = [
            {"site": site, "kind": kind, "hours": list(hours)}
            for (site, kind), hours in sorted(self.supply.items())
        ]
        entries = sorted(self.entries, key=lambda one: one.application)
        return {
            "policy": POLICY,
            "call": self.call,
            "share": self.share,
            "months": list(self.months),
            "minimum_score": self.minimum_score,
            "supply": supply,
            "entries": [{**vars(one), "request": list(one.request)} for one in entries],
        }

    @classmethod
    def of(cls, document: Any) -> Inputs:
        """The inputs that a document holds. Raises ValueError where it holds none."""
        told = _InputsDocument.model_validate(document)
        return cls(
            told.call,
            told.share,
            told.months,
            {(one.site, one.kind): one.hours for one in told.supply},
            told.minimum_score,
            tuple(Entry(**vars(one)) for one in told.entries),
        )

    @property
    def digest(self) -> str:
        """The digest of the canonical JSON."""
        return canonical_digest(self.document())

    def changed(self, application: str, **changes: Any) -> Inputs:
        """The same with one application changed."""
        entries = (replace(one, **changes) if one.application == application else one for one in self.entries)
        return replace(self, entries=tuple(entries))

    def hours_at(self, place: Place) -> Hours:
        """What there is at a place, month by month."""
        return self.supply.get(place, (0,) * len(self.months))


@dataclass(frozen=True)
class Ranked:
    """What became of an entry. rank: 1 is first; 0 where it was not ranked. left: what was left of its place
    at its turn. reason: full, part, no-room, below-minimum-score or too-few-reviews."""

    entry: Entry
    rank: int
    left: Hours
    granted: Hours
    reason: str

    @property
    def won(self) -> bool:
        """Whether anything was granted."""
        return self.reason in ("full", "part")

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "application": self.entry.application,
            "rank": self.rank,
            "reason": self.reason,
            "left": list(self.left),
            "granted": list(self.granted),
        }


def offered(entry: Entry, left: Sequence[int]) -> Hours:
    """What an entry would be given of what is left: month by month the smaller, or nothing at all."""
    granted = tuple(map(min, entry.request, left))
    return granted if sum(granted) >= entry.minimum else (0,) * len(granted)


def decide(inputs: Inputs) -> list[Ranked]:
    """Every entry and what it is granted, in the order of the ranking; unranked ones last."""
    threshold = inputs.minimum_score
    order = sorted(inputs.entries, key=lambda one: (one.score is None, one.order))
    left = {place: list(hours) for place, hours in inputs.supply.items()}
    nothing = (0,) * len(inputs.months)
    outcome = []
    for rank, entry in enumerate(order, 1):
        there = left.setdefault(entry.place, list(nothing))
        before = tuple(there)
        if entry.score is None:
            outcome.append(Ranked(entry, 0, before, nothing, "too-few-reviews"))
        elif entry.score < threshold:
            outcome.append(Ranked(entry, rank, before, nothing, "below-minimum-score"))
        else:
            granted = offered(entry, there)
            there[:] = map(sub, there, granted)
            outcome.append(Ranked(entry, rank, before, granted, _reason(entry, granted)))
    return outcome


def _reason(entry: Entry, granted: Hours) -> str:
    if not any(granted):
        return "no-room"
    return "full" if granted == entry.request else "part"


def objective(outcome: Sequence[Ranked]) -> int:
    """Score-weighted GPU-hours (hundredths of a point times hours): what the optimum maximizes."""
    return sum((one.entry.score or 0) * sum(one.granted) for one in outcome)
