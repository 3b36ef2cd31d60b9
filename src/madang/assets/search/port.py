"""The search port: what an index takes and answers. Engines of the port ``search`` implement it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from madang.kernel import extension
from madang.kernel.home import Home

FACETS = ("kind", "source", "owner", "mission", "layer", "format", "licence", "language", "state")


@dataclass(frozen=True)
class Entry:
    """What an index holds of a thing. key: its id.

    Texts are plain; `korean` ones are terms joined by spaces, `pairs` syllable pairs, `sounds` skeletons
    (``sounds.py``) of words in either script. seen_by and below are sets of tokens: who may know of it, and
    whose data are in it and in what state. facets: name of FACETS -> values.
    """

    key: str
    title: str = ""
    body: str = ""
    title_korean: str = ""
    body_korean: str = ""
    title_pairs: str = ""
    body_pairs: str = ""
    sounds_english: str = ""
    sounds_korean: str = ""
    seen_by: Sequence[str] = ()
    below: Sequence[str] = ()
    facets: Mapping[str, Sequence[str]] = field(default_factory=dict)
    year: int | None = None
    variables: Sequence[Measured] = ()


@dataclass(frozen=True)
class Measured:
    """A variable: its names as text, its base unit, and its range in it."""

    names: str
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True)
class Alternative:
    """One way to say a concept: words in `english` or in `korean` (terms), as `pairs`, or what they sound
    like (`sounds_english`, `sounds_korean`). exact: only as a phrase; otherwise anywhere, all of them."""

    language: str
    words: tuple[str, ...]
    weight: float = 1.0
    exact: bool = False


@dataclass(frozen=True)
class Concept:
    """A thing asked for, in all the ways it may be said. The best that fits counts, once."""

    alternatives: tuple[Alternative, ...]
    weight: float = 1.0


@dataclass(frozen=True)
class Range:
    """A variable whose values reach into low..high, both in its base unit (either may be open)."""

    concepts: tuple[Concept, ...]
    unit: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Query:
    """What is asked of an index.

    seen_by: tokens of which an entry must bear one; None for somebody who sees everything. not_below: tokens
    of which it may bear none. facets: name -> values of which it must have one. keys: only these things;
    None for all. also: things that are counted too where they pass all but the words (they are no hits).
    """

    concepts: tuple[Concept, ...] = ()
    ranges: tuple[Range, ...] = ()
    seen_by: tuple[str, ...] | None = ()
    not_below: tuple[str, ...] = ()
    facets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    years: tuple[int | None, int | None] = (None, None)
    keys: tuple[str, ...] | None = None
    also: tuple[str, ...] = ()
    limit: int = 20
    offset: int = 0


@dataclass(frozen=True)
class Result:
    """keys with scores, best first; how many there are in all; facet -> [(value, count)]."""

    hits: Sequence[tuple[str, float]]
    count: int
    facets: Mapping[str, Sequence[tuple[str, int]]]


class SearchIndex(Protocol):
    """The port. An engine is made of a home."""

    def position(self) -> str:
        """What `replace` was given last as the position; empty for a new index."""
        ...

    def replace(self, entries: Iterable[Entry], forget: Iterable[str], position: str) -> None:
        """Put entries in the place of those of the same keys and forget others, all of it or nothing."""
        ...

    def clear(self) -> None:
        """Forget everything."""
        ...

    def search(self, query: Query, *, facets: bool = True) -> Result:
        """Answer a query, with counts for its facets where `facets`."""
        ...


_opened: dict[tuple[Path, str], SearchIndex] = {}


def open_index(home: Home) -> SearchIndex:
    """The index of a home, opened once in a process."""
    place = (home.path, home.values.search_engine)
    if place not in _opened:
        _opened[place] = extension.engine("search", home.values.search_engine)(home)
    return _opened[place]
