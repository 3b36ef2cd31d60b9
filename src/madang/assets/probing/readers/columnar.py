"""Parquet, Arrow files and workbooks. Parquet tells its ends itself; only a few rows are unpacked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from madang.assets.probing import measuring
from madang.assets.probing.model import Statistics
from madang.assets.probing.notes import Notes
from madang.assets.probing.readers import tables

MOST_UNPACKED = 64 * 2**20
"""Bytes of a column of a row group, as the file's own contents tell; what unpacks to more is not unpacked."""

_ROWS = 20_000
_MACROS = "_VBA_PROJECT".encode("utf-16-le")
"""The name of the stream in an office document that holds its programs."""


def read_parquet(path: Path, notes: Notes) -> None:
    """A Parquet file: its schema, its own statistics, and those of its first rows."""
    import pyarrow as pa
    from pyarrow import parquet

    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    with parquet.ParquetFile(path, memory_map=False, pre_buffer=False) as file:
        told = file.metadata
        notes.fact("rows", told.num_rows)
        notes.fact("columns", told.num_columns)
        notes.fact("row_groups", told.num_row_groups)
        notes.fact("written_by", told.created_by)
        _batch(pa, file, told, notes)


def _batch(pa: Any, file: Any, told: Any, notes: Notes) -> None:
    rows = min(_ROWS, told.num_rows)
    groups = range(told.num_row_groups)
    heavy = [
        name for place, name in _leaves(told)
        if told.num_row_groups and told.row_group(0).column(place).total_uncompressed_size > MOST_UNPACKED
    ]  # fmt: skip
    ends = {name: _ends(told, place) for place, name in _leaves(told)}
    batches = file.iter_batches(batch_size=256, row_groups=list(groups[:1]), use_threads=False)
    seen: list[Any] = []
    size = 0
    try:
        for batch in batches if not heavy else ():
            seen.append(batch)
            size += batch.nbytes
            if notes.hurried or size > MOST_UNPACKED or sum(one.num_rows for one in seen) >= rows:
                break
    except MemoryError:
        notes.find("too-much-memory", "warn")
    except (pa.ArrowException, OSError) as error:
        notes.find("unreadable", "warn", reason=error)
    if heavy:
        notes.find("too-much-unpacked", "warn", heavy[0], column=heavy[0], limit=MOST_UNPACKED)
    table = pa.Table.from_batches(seen, file.schema_arrow) if seen else None
    if table is not None and table.nbytes > 1000 * max(notes.size_bytes, 2**16):
        notes.find("unpacks-to-more", "warn", size=table.nbytes)
    for field in file.schema_arrow:
        _field(notes, field, table, ends.get(field.name, (None, None)))
    known = {measuring.standard_name(measuring.named(name)[0]): one for name, one in ends.items()}
    notes.box = measuring.box_among(known)
    if table is not None:
        notes.fact("rows_looked_at", table.num_rows)
        if table.num_rows < told.num_rows:
            notes.find("not-whole", "info", rows=table.num_rows)
        _show(notes, table)


def read_arrow(path: Path, notes: Notes) -> None:
    """An Arrow IPC file: its schema and its first batch."""
    import pyarrow as pa

    pa.set_cpu_count(1)
    with pa.OSFile(str(path)) as source:
        file = pa.ipc.open_file(source)
        notes.fact("batches", file.num_record_batches)
        notes.fact("columns", len(file.schema))
        first = file.get_batch(0) if file.num_record_batches else None
        table = pa.Table.from_batches([first]).slice(0, _ROWS) if first is not None else None
        for field in file.schema:
            _field(notes, field, table, (None, None))
        if table is not None:
            notes.fact("rows_looked_at", table.num_rows)
            _show(notes, table)


def _leaves(told: Any) -> list[tuple[int, str]]:
    return [
        (place, told.schema.column(place).path) for place in range(min(told.num_columns, tables.MOST_COLUMNS))
    ]


def _ends(told: Any, place: int) -> measuring.Ends:
    """The ends of a column over all row groups, where each tells its own and they are numbers."""
    low: list[float] = []
    high: list[float] = []
    for group in range(min(told.num_row_groups, 10_000)):
        column = told.row_group(group).column(place)
        statistics = column.statistics if column.is_stats_set else None
        if statistics is None or not statistics.has_min_max:
            return (None, None)
        try:
            low.append(float(statistics.min))
            high.append(float(statistics.max))
        except (TypeError, ValueError):
            return (None, None)
    return (min(low), max(high)) if low else (None, None)


def _field(notes: Notes, field: Any, table: Any, whole: measuring.Ends) -> None:
    told = {key.decode("utf-8", "replace"): value for key, value in (field.metadata or {}).items()}
    name, unit = measuring.named(field.name)
    unit = notes_text(told.get("unit") or told.get("units")) or unit
    column = (
        table.column(field.name) if table is not None and table.schema.names.count(field.name) == 1 else None
    )
    kind, ends, statistics, shape = _values(notes, field.type, column, whole)
    notes.variable(
        name, kind, unit=unit, standard_name=measuring.standard_name(name), ends=ends, statistics=statistics,
        title=notes_text(told.get("description") or told.get("comment")), shape=shape, head=field.name,
    )  # fmt: skip


def _values(
    notes: Notes, type_: Any, column: Any, whole: measuring.Ends
) -> tuple[str, measuring.Ends, Statistics, tuple[int, ...]]:
    """(kind, ends, statistics, shape of a row's value) of a column; None where no row of it was read."""
    import pyarrow as pa

    kinds = pa.types
    shape: tuple[int, ...] = ()
    if kinds.is_list(type_) or kinds.is_large_list(type_) or kinds.is_fixed_size_list(type_):
        shape = (type_.list_size,) if kinds.is_fixed_size_list(type_) else ()
        column = column.combine_chunks().flatten() if column is not None else None
        type_, whole = type_.value_type, (None, None)
    if kinds.is_integer(type_) or kinds.is_floating(type_) or kinds.is_decimal(type_):
        if column is None:
            return "number", whole, Statistics(), shape
        cells = column.to_pylist()
        seen, statistics = measuring.numbers(np.array([np.nan if c is None else float(c) for c in cells]))
        return "number", whole if whole[0] is not None else seen, statistics, shape
    if kinds.is_temporal(type_):
        if column is not None and kinds.is_timestamp(type_) and len(column) > column.null_count:
            told = column.cast(pa.timestamp("s"), safe=False).to_pylist()
            times = sorted(str(one).replace(" ", "T") for one in told if one)
            notes.lasts(times[0], times[-1])
        return "time", (None, None), Statistics(), shape
    if kinds.is_boolean(type_):
        return "flag", (None, None), Statistics(), shape
    if kinds.is_string(type_) or kinds.is_large_string(type_) or kinds.is_dictionary(type_):
        cells = column.to_pylist() if column is not None else []
        statistics = measuring.texts([None if c is None else str(c)[:1000] for c in cells])
        return "text", (None, None), statistics, shape
    return "other", (None, None), Statistics(), shape


def notes_text(value: Any) -> str:
    """A value of a file's own notes as text."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")


def _show(notes: Notes, table: Any) -> None:
    names = table.column_names[:20]
    columns = [measuring.shown(table.column(place).slice(0, 8).to_pylist()) for place in range(len(names))]
    notes.show_rows(names, zip(*columns, strict=True))


def read_workbook(path: Path, notes: Notes) -> None:
    """An Excel workbook (.xlsx)."""
    import openpyxl

    with path.open("rb") as file:  # of a name it would judge by the ending
        book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
        told = (
            (sheet.title, sheet.iter_rows(max_col=tables.MOST_COLUMNS, values_only=True))
            for sheet in book.worksheets
        )
        _sheets(notes, book.sheetnames, told)


def read_old_workbook(path: Path, notes: Notes) -> None:
    """A workbook of Excel 97 to 2003 (.xls)."""
    import python_calamine as calamine

    notes.format = "excel"
    try:
        # An open file: of a name it would believe the ending.
        with path.open("rb") as file, calamine.load_workbook(file) as book:
            kinds = {one.name: one.typ for one in book.sheets_metadata}
            if calamine.SheetTypeEnum.MacroSheet in kinds.values() or _holds(file, _MACROS):
                notes.find("program", "warn", reason="macros")
            names = [name for name, kind in kinds.items() if kind == calamine.SheetTypeEnum.WorkSheet]
            told = ((name, _filled(book.get_sheet_by_name(name))) for name in names)
            _sheets(notes, names, told)
    except calamine.PasswordError:
        notes.find("encrypted", "warn")
    except BaseException as error:
        # What it did not foresee comes as a PanicException of Rust, which is no Exception.
        if not isinstance(error, calamine.CalamineError) and type(error).__name__ != "PanicException":
            raise
        notes.find("unreadable", "warn", reason=str(error)[:200])


def _holds(file: BinaryIO, sign: bytes) -> bool:
    """Whether bytes are anywhere in a file."""
    file.seek(0)
    before = b""
    while piece := file.read(2**20):
        if sign in before + piece:
            return True
        before = piece[-len(sign) :]
    return False


def _filled(sheet: Any) -> Iterator[list[Any]]:
    """Rows of a sheet; a cell without anything in it is None."""
    for row in sheet.iter_rows():
        yield [None if cell == "" else cell for cell in row[: tables.MOST_COLUMNS]]


def _sheets(
    notes: Notes, names: Sequence[str], sheets: Iterable[tuple[str, Iterable[Sequence[Any]]]]
) -> None:
    """The sheets' names, and the first sheet that holds a table."""
    notes.fact("sheets", len(names))
    notes.fact("sheet_names", ", ".join(names[:20]))
    for title, told in sheets:
        rows: list[list[Any]] = []
        cells = 0
        whole = True
        for row in told:
            if any(cell is not None for cell in row):
                rows.append(list(row))
            cells += len(row)
            if cells > tables.MOST_CELLS // 4 or notes.hurried:
                whole = False
                break
        if rows:
            # A sheet may claim more columns than it fills.
            width = max(place + 1 for row in rows for place, cell in enumerate(row) if cell is not None)
            rows = [row[:width] for row in rows]
            cells_told = [["" if cell is None else str(cell) for cell in row] for row in rows]
            header, body = tables.header_of(notes, cells_told)
            notes.fact("sheet", title)
            tables.describe(notes, header, body, whole)
            return
    notes.find("no-rows", "warn")
