"""The native description of data, in four layers: repository, collection, data set, file.

Shaped on the DataCite Metadata Schema 4.7 (property names and controlled terms) with every text in Korean
and English, and on the four layers that TTAK.KO-10.0976 names (shaped on, unverified: its text was not at
hand). Variables are our own: one for each quantity that the files hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, Any

from pydantic import BeforeValidator, TypeAdapter

UNDETERMINED = "und"
"""The language of a text whose language nobody told (ISO 639-3)."""


@dataclass(frozen=True)
class Text:
    """A text in Korean, English and others (by BCP 47 tag)."""

    ko: str | None = None
    en: str | None = None
    other: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.ko or self.en or self.other)

    def in_language(self, language: str) -> str:
        """The text in a language, or in the nearest that there is; empty where there is none. What stands in
        an unknown language beside Korean is nearer to English."""
        unknown = self.other.get(UNDETERMINED)
        wanted = (self.ko, self.en) if language == "ko" else (self.en, unknown, self.ko)
        return next((one for one in (*wanted, *self.other.values()) if one), "")

    def every(self, first: str = "ko") -> Iterator[tuple[str, str]]:
        """(language, text) of each, that in the language `first` before the others."""
        own = sorted((("ko", self.ko), ("en", self.en)), key=lambda one: one[0] != first)
        for language, value in (*own, *self.other.items()):
            if value:
                yield language, value


def _in_no_language(value: Any) -> Any:
    """Records on file from before some texts had languages hold them as strings."""
    return {"other": {UNDETERMINED: value}} if isinstance(value, str) and value else value or {}


Wording = Annotated[Text, BeforeValidator(_in_no_language)]
"""A Text; in older descriptions a string."""


@dataclass(frozen=True)
class Identifier:
    """scheme: DOI, ARK, Handle, URL, ORCID, ROR, ... as DataCite writes them."""

    scheme: str = ""
    value: str = ""


@dataclass(frozen=True)
class Agent:
    """A person or organization. role: DataCite's contributorType, empty for creators and publishers."""

    name: Text = Text()
    kind: str = ""
    role: str = ""
    identifiers: tuple[Identifier, ...] = ()
    affiliations: tuple[Wording, ...] = ()


@dataclass(frozen=True)
class Date:
    """kind: DataCite's dateType (Issued, Collected, ...). value: W3CDTF, or a range of two with "/"."""

    kind: str = ""
    value: str = ""


@dataclass(frozen=True)
class Subject:
    """A keyword, or a term of a scheme."""

    term: Text = Text()
    scheme: str = ""


@dataclass(frozen=True)
class Rights:
    """A licence. spdx: its identifier in the SPDX list, where one is told."""

    name: Wording = Text()
    uri: str = ""
    spdx: str = ""

    def called(self, language: str) -> str:
        """Its name, else its identifier, else its address."""
        return self.name.in_language(language) or self.spdx or self.uri


@dataclass(frozen=True)
class Place:
    """box: west, south, east, north in degrees (WGS 84); west > east crosses the antimeridian."""

    name: Text = Text()
    box: tuple[float, float, float, float] | None = None


@dataclass(frozen=True)
class Period:
    """Begin and end as W3CDTF; either may be open (empty)."""

    begin: str = ""
    end: str = ""


@dataclass(frozen=True)
class Relation:
    """kind: DataCite's relationType, as IsPartOf or IsDerivedFrom."""

    kind: str = ""
    identifier: Identifier = Identifier()


@dataclass(frozen=True)
class Funding:
    """Who paid, under which award."""

    funder: Wording = Text()
    award: str = ""
    title: Wording = Text()


@dataclass(frozen=True)
class FileTold:
    """The layer of a file (or service), as a description tells it; nobody has looked. title: where it has one
    beside its name."""

    name: str = ""
    title: Text = Text()
    description: Text = Text()
    url: str = ""
    media_type: str = ""
    size_bytes: int | None = None
    sha256: str = ""


@dataclass(frozen=True)
class Variable:
    """A quantity that files hold: a column, a band, a data set of an array file.

    unit: as its maker wrote it; minimum and maximum are in it (``units.base`` gives them in base units).
    standard_name: of the CF standard name table. head: that of its column, where the name is a part of it
    ("기온" of "기온(℃)").
    """

    name: str = ""
    title: Text = Text()
    kind: str = ""
    unit: str = ""
    standard_name: str = ""
    shape: tuple[int, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    file: str = ""
    head: str = ""


REPOSITORY = "repository"
LAYERS = (REPOSITORY, "collection", "dataset", "file")


@dataclass(frozen=True)
class Description:
    """See the module's docstring. layer: one of LAYERS. kind: DataCite's resourceTypeGeneral."""

    title: Text = Text()
    description: Text = Text()
    layer: str = "dataset"
    kind: str = "Dataset"
    identifiers: tuple[Identifier, ...] = ()
    creators: tuple[Agent, ...] = ()
    contributors: tuple[Agent, ...] = ()
    publisher: Agent | None = None
    year: int | None = None
    dates: tuple[Date, ...] = ()
    subjects: tuple[Subject, ...] = ()
    languages: tuple[str, ...] = ()
    rights: tuple[Rights, ...] = ()
    places: tuple[Place, ...] = ()
    periods: tuple[Period, ...] = ()
    sizes: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    version: str = ""
    relations: tuple[Relation, ...] = ()
    funding: tuple[Funding, ...] = ()
    files: tuple[FileTold, ...] = ()
    variables: tuple[Variable, ...] = ()
    page: str = ""
    part_of: str = ""

    @property
    def about_data(self) -> bool:
        """Whether it tells of data, and not of the repository that they are in."""
        return self.layer != REPOSITORY

    def to_json(self) -> dict[str, Any]:
        """As a JSON value, without what is empty: the form in which it is kept."""
        plain: dict[str, Any] = _adapter().dump_python(self, mode="json")
        told: dict[str, Any] = _told(plain)
        return told

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Description:
        """What :meth:`to_json` gave; ValueError where it is not that."""
        return _adapter().validate_python(value)


@cache
def _adapter() -> TypeAdapter[Description]:
    return TypeAdapter(Description)


def _told(value: Any) -> Any:
    """A JSON value without empty members."""
    if isinstance(value, dict):
        kept = {name: _told(one) for name, one in value.items()}
        return {name: one for name, one in kept.items() if one not in (None, "", [], {})}
    return [_told(one) for one in value] if isinstance(value, list) else value
