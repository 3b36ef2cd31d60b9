"""Tables on disk: ``table.toml`` says what the columns of a CSV or Parquet file are."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from madang.kernel.errors import UserError
from madang.kernel.settings import read_document

DECLARATION = "table.toml"
MOST_ROWS, MOST_COLUMNS = 500_000, 10_000
"""What fits into a check's answer of 32 MiB, with a fingerprint a row."""
_STRICT = ConfigDict(extra="forbid", frozen=True)


class BrokenTable(ValueError):
    """A table that is not what it declares."""


class ColumnDocument(BaseModel):
    """A ``[[column]]``: a measured quantity; unit "1" for what has none."""

    model_config = _STRICT

    name: str = Field(min_length=1, max_length=200)
    unit: str = Field(min_length=1, max_length=50)


class TargetDocument(BaseModel):
    """The ``[target]``: what is to be predicted."""

    model_config = _STRICT

    name: str = Field(min_length=1, max_length=200)
    unit: str = "1"
    classes: tuple[str, ...] = ()


class TableDocument(BaseModel):
    """A whole ``table.toml``: the file, its columns in order, the target."""

    model_config = _STRICT

    file: str = Field(pattern=r"^[^/\\\x00]+\.(csv|parquet)$")
    column: tuple[ColumnDocument, ...] = Field(min_length=1, max_length=MOST_COLUMNS)
    target: TargetDocument

    @model_validator(mode="after")
    def _names_once(self) -> TableDocument:
        names = [*self.names, self.target.name]
        if len(set(names)) != len(names):
            raise ValueError("a column is named twice")
        return self

    @property
    def task(self) -> Literal["classification", "regression"]:
        """What kind of prediction it is."""
        return "classification" if self.target.classes else "regression"

    @property
    def names(self) -> list[str]:
        """Names of the columns in order."""
        return [column.name for column in self.column]


@dataclass(frozen=True)
class Table:
    """A table in memory. values: (rows, columns) float64, NaN where missing; target: (rows,), the index of
    the class or the value."""

    document: TableDocument
    values: NDArray[np.float64]
    target: NDArray[np.float64]


def recognizes(paths: Sequence[str]) -> bool:
    """Whether a table stands at the top of these paths."""
    return DECLARATION in paths


def folders_below(folder: Path) -> Iterator[Path]:
    """Folders that hold a table: `folder` itself, or, in a pool, those of its owners."""
    for path in sorted(folder.rglob(DECLARATION)):
        yield path.parent


def read(folder: Path) -> Table:
    """Read and check a table; BrokenTable says what is wrong."""
    try:
        document = read_document(folder / DECLARATION, TableDocument)
    except UserError as error:
        raise BrokenTable(str(error)) from error
    columns = _columns(folder / document.file)
    missing = [name for name in (*document.names, document.target.name) if name not in columns]
    if missing:
        raise BrokenTable(f"{document.file} lacks the column {missing[0]!r}")
    values = np.column_stack([_numbers(name, columns[name]) for name in document.names])
    target = _target(document.target, columns[document.target.name])
    if not len(values):
        raise BrokenTable("no row")
    return Table(document, values, target)


def _columns(path: Path) -> dict[str, list[Any]]:
    import pyarrow as pa
    from pyarrow import csv, parquet

    try:
        if path.suffix == ".csv":
            table = csv.read_csv(path)
        else:
            metadata = parquet.read_metadata(path)
            if metadata.num_rows > MOST_ROWS or metadata.num_columns > MOST_COLUMNS + 1:
                raise BrokenTable(f"larger than {MOST_ROWS} rows of {MOST_COLUMNS} columns")
            table = parquet.read_table(path)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise BrokenTable(str(error)[:300]) from error
    if table.num_rows > MOST_ROWS:
        raise BrokenTable(f"more than {MOST_ROWS} rows")
    return {name: column.to_pylist() for name, column in zip(table.column_names, table.columns, strict=True)}


def _numbers(name: str, cells: list[Any]) -> NDArray[np.float64]:
    try:
        return np.array([np.nan if cell is None or cell == "" else float(cell) for cell in cells])
    except (TypeError, ValueError) as error:
        raise BrokenTable(f"column {name!r}: {str(error)[:200]}") from error


def _target(target: TargetDocument, cells: list[Any]) -> NDArray[np.float64]:
    if not target.classes:
        numbers = _numbers(target.name, cells)
        if not np.isfinite(numbers).all():
            raise BrokenTable(f"target {target.name!r}: a value is missing")
        return numbers
    index = {name: float(place) for place, name in enumerate(target.classes)}
    try:
        return np.array([index[str(cell)] for cell in cells])
    except KeyError as error:
        raise BrokenTable(f"target {target.name!r}: {str(error)[:100]} is not among its classes") from error


def write(folder: Path, document: TableDocument, values: NDArray[Any], target: NDArray[Any]) -> None:
    """Write a table as CSV with its declaration; `target` as in :class:`Table`."""
    import json

    import pyarrow as pa
    from pyarrow import csv

    folder.mkdir(parents=True)
    classes = document.target.classes
    cells = [classes[int(value)] for value in target] if classes else [float(value) for value in target]
    data = {name: values[:, place] for place, name in enumerate(document.names)}
    csv.write_csv(pa.table({**data, document.target.name: cells}), folder / document.file)
    lines = [f"file = {json.dumps(document.file)}"]
    for column in document.column:
        lines += ["", "[[column]]", f"name = {_toml(column.name)}", f"unit = {_toml(column.unit)}"]
    lines += [
        "",
        "[target]",
        f"name = {_toml(document.target.name)}",
        f"unit = {_toml(document.target.unit)}",
    ]
    lines += [f"classes = [{', '.join(_toml(name) for name in classes)}]"] if classes else []
    (folder / DECLARATION).write_text("\n".join(lines) + "\n", "utf-8")


def _toml(text: str) -> str:
    import json

    return json.dumps(text, ensure_ascii=False)


def fingerprint(row: Sequence[float] | NDArray[Any]) -> str:
    """What stands for a row: a hash of its values as 32-bit floats, the precision models read."""
    return hashlib.sha256(np.asarray(row, "<f4").tobytes()).hexdigest()[:32]
