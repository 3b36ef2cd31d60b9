"""What probing finds: a report a file, with one entry a variable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, Any

from pydantic import Field, TypeAdapter

from madang.assets.metadata.model import Variable
from madang.assets.model import Finding
from madang.kernel.i18n import register_catalogue

register_catalogue("madang.assets.probing")
_Number = Annotated[float, Field(allow_inf_nan=False)]


@dataclass(frozen=True)
class Statistics:
    """Of the values that were looked at, in the unit of the file.

    counted: how many values; missing: those of them that are none; bins: how many lie in each of equally wide
    parts of minimum to maximum; common: the most frequent texts with their counts.
    """

    counted: int = 0
    missing: int = 0
    mean: _Number | None = None
    deviation: _Number | None = None
    bins: tuple[int, ...] = ()
    common: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Probed:
    """A variable and what its values are like. base_unit: its unit in SI base units, where it has one."""

    variable: Variable
    statistics: Statistics = Statistics()
    base_unit: str = ""


@dataclass(frozen=True)
class Preview:
    """A look at the content: rows below a header, or a text, or a picture (PNG, base64)."""

    header: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    text: str = ""
    picture: str = ""


@dataclass(frozen=True)
class Report:
    """What a file is. facts: of its format; box: west, south, east, north in degrees; period: its first and
    last time as W3CDTF."""

    path: str
    format: str = "unknown"
    size_bytes: int = 0
    facts: Mapping[str, int | _Number | str] = field(default_factory=dict)
    variables: tuple[Probed, ...] = ()
    box: tuple[_Number, _Number, _Number, _Number] | None = None
    period: tuple[str, str] | None = None
    preview: Preview = Preview()
    findings: tuple[Finding, ...] = ()

    @property
    def cut(self) -> bool:
        """Whether the file was not read to its end."""
        return any(one.check == "not-whole" for one in self.findings)

    def to_json(self) -> dict[str, Any]:
        """As a JSON value."""
        plain: dict[str, Any] = _adapter().dump_python(self, mode="json")
        return plain

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Report:
        """What :meth:`to_json` gave; ValueError where it is not that."""
        return _adapter().validate_python(value)


@cache
def _adapter() -> TypeAdapter[Report]:
    return TypeAdapter(Report)
