"""What probing a version found, on record: a row a version, and a row a variable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from madang.assets.metadata import units
from madang.assets.metadata.model import Text, Variable
from madang.kernel.ledger.log import metadata

probes = sa.Table(
    "probes",
    metadata,
    sa.Column("version_id", sa.Text, sa.ForeignKey("versions.version_id"), primary_key=True),
    sa.Column("probe", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("report", sa.Text, nullable=False),
    sa.Column("files", sa.Integer, nullable=False),
    sa.Column("opened", sa.Integer, nullable=False),
    sa.Column("box", sa.JSON),
    sa.Column("period", sa.JSON),
    sa.Column("probed_at", sa.Text, nullable=False),
    sa.Column("parts", sa.Integer),
)
"""A version may be probed again, as when a reader was installed: the last one holds.

report: digest of the stored reports, which hold values of the data. box, period: around all files. parts: how
many of the opened files were not read to their end (unknown of probes before it was counted).
"""

variables = sa.Table(
    "variables",
    metadata,
    sa.Column("version_id", sa.Text, sa.ForeignKey("versions.version_id"), primary_key=True),
    sa.Column("probe", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("title", sa.JSON, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("unit", sa.Text, nullable=False),
    sa.Column("base_unit", sa.Text, nullable=False),
    sa.Column("standard_name", sa.Text, nullable=False),
    sa.Column("minimum", sa.Float),
    sa.Column("maximum", sa.Float),
    sa.Column("files", sa.Integer, nullable=False),
    sa.Column("file", sa.Text, nullable=False),
    sa.Column("head", sa.Text),
)
"""minimum and maximum are in the base unit, where the unit has one. files: in how many of them it is, and
`file` in which first. head: that of its column, where the name is a part of it."""


@dataclass(frozen=True)
class Quantity:
    """A variable of a version; see ``variables``."""

    version_id: str
    probe: int
    number: int
    name: str
    title: Mapping[str, Any]
    kind: str
    unit: str
    base_unit: str
    standard_name: str
    minimum: float | None
    maximum: float | None
    files: int
    file: str
    head: str | None

    @property
    def written(self) -> tuple[float | None, float | None]:
        """Minimum and maximum in the unit of the files."""
        base = units.base(self.unit) if self.base_unit else None
        ends = (self.minimum, self.maximum)
        if base is None:
            return ends
        low, high = (None if end is None else (end - base.offset) / base.factor for end in ends)
        return low, high

    @property
    def variable(self) -> Variable:
        """As a description tells it: in its base unit."""
        return Variable(
            self.name, Text(**self.title), self.kind, self.base_unit or self.unit, self.standard_name,
            minimum=self.minimum, maximum=self.maximum, file=self.file, head=self.head or "",
        )  # fmt: skip


@dataclass(frozen=True)
class Probe:
    """That a version was probed, for the first time or again; see ``probes``."""

    version_id: str
    probe: int
    report: str
    files: int
    opened: int
    box: list[float] | None
    period: list[str] | None
    probed_at: str
    parts: int | None

    @property
    def whole(self) -> bool:
        """Whether all files were read to their end."""
        return self.opened == self.files and not self.parts
