"""The tables engine ``duckdb``: one SELECT over files, with nothing else to read, write or set.

Runs confined (``assets.query.confined``). DuckDB's own guards stand inside the sandbox's: no external access
but to the inputs, configuration locked, one thread, a limit of memory.
"""

from __future__ import annotations

import csv
import json
import math
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from madang.kernel.extension import Engine

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

ENGINE = Engine("duckdb", "tables", "madang.engines.duckdb:DuckDB")
_BATCH = 5000
_READERS = {"parquet": "read_parquet", "csv": "read_csv", "json": "read_json"}


class DuckDB:
    """See the module's docstring. Implements ``assets.query.port.Tables``."""

    parse = "madang.engines.duckdb:parse"
    execute = "madang.engines.duckdb:execute"
    extra = "science"


def parse(asked: Mapping[str, Any], inputs: Path, output: Path) -> dict[str, Any]:
    """The tables that a query names."""
    import duckdb

    connection = duckdb.connect(":memory:")
    try:
        connection.execute("SET enable_external_access = false")
        if not _is_one_select(connection, asked["sql"]):
            return {"refused": ""}
        return {"tables": sorted(connection.get_table_names(asked["sql"]))}
    except duckdb.Error as error:
        return {"refused": _words(error)}


def _is_one_select(connection: DuckDBPyConnection, sql: str) -> bool:
    import duckdb

    statements = connection.extract_statements(sql)
    return len(statements) == 1 and statements[0].type == duckdb.StatementType.SELECT


def execute(asked: Mapping[str, Any], inputs: Path, output: Path) -> dict[str, Any]:
    """Answer a query into ``output/answer``."""
    import duckdb

    connection = duckdb.connect(":memory:")
    try:
        with tempfile.TemporaryDirectory() as scratch:
            _guard(connection, inputs, Path(scratch), asked["memory_bytes"])
            for name, files in asked["tables"].items():
                _view(connection, name, files, inputs, Path(scratch))
            connection.execute("SET lock_configuration = true")
            if not _is_one_select(connection, asked["sql"]):
                return {"refused": ""}
            answer = connection.execute(asked["sql"])
            columns = [[one[0], str(one[1])] for one in answer.description or ()]
            rows, cut = _WRITERS[asked["form"]](answer, columns, output / "answer", asked["rows"])
            return {"columns": columns, "rows": rows, "cut": cut}
    except duckdb.OutOfMemoryException:
        raise MemoryError from None
    except duckdb.Error as error:
        return {"refused": _words(error).replace(f"{inputs}/", "")}


def _words(error: Exception) -> str:
    return " ".join(str(error).split())[:1500] or type(error).__name__


def _guard(connection: DuckDBPyConnection, inputs: Path, scratch: Path, memory_bytes: int) -> None:
    folders = ", ".join(_text(f"{folder}/") for folder in (inputs, scratch))
    for setting in (
        "threads = 1",
        f"memory_limit = '{memory_bytes // 2}B'",
        "temp_directory = ''",
        "python_enable_replacements = false",
        "autoinstall_known_extensions = false",
        "autoload_known_extensions = false",
        "allow_community_extensions = false",
        f"allowed_directories = [{folders}]",
        "enable_external_access = false",
    ):
        connection.execute(f"SET {setting}")


def _view(
    connection: DuckDBPyConnection, name: str, files: list[dict[str, str]], inputs: Path, scratch: Path
) -> None:
    """A table's files as one view: columns of a name are one column, whatever their order."""
    alike: dict[str, list[str]] = {}
    for file in files:
        path, options = inputs / file["path"], ""
        if file["form"] == "csv":
            options = f", delim = {_text(file['delimiter'])}, header = true"
            path = _in_utf8(path, file["encoding"], scratch / file["path"])
        read = f"FROM {_READERS[file['form']]}([%s], union_by_name = true{options})"
        alike.setdefault(read, []).append(_text(str(path)))
    parts = [read.replace("%s", ", ".join(paths), 1) for read, paths in alike.items()]
    quoted = '"' + name.replace('"', '""') + '"'
    connection.execute(f"CREATE VIEW {quoted} AS " + " UNION ALL BY NAME ".join(parts))


def _in_utf8(path: Path, encoding: str, copy: Path) -> Path:
    """The file, or a copy in UTF-8 where it is in another encoding."""
    if encoding in ("utf-8", "utf-8-sig", "ascii"):
        return path
    with (
        path.open(encoding=encoding, errors="replace", newline="") as source,
        copy.open("w", newline="") as out,
    ):
        while piece := source.read(2**20):
            out.write(piece)
    return copy


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _write_json(answer: Any, columns: list[list[str]], path: Path, most: int) -> tuple[int, bool]:
    rows, cut = _rows(answer, most)
    with path.open("w", encoding="utf-8") as file:
        json.dump([[_plain(cell) for cell in row] for row in rows], file, ensure_ascii=False, allow_nan=False)
    return len(rows), cut


def _write_csv(answer: Any, columns: list[list[str]], path: Path, most: int) -> tuple[int, bool]:
    rows, cut = _rows(answer, most)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([name for name, _ in columns])
        writer.writerows([_cell(cell) for cell in row] for row in rows)
    return len(rows), cut


def _cell(value: Any) -> Any:
    told = "" if value is None else _plain(value)
    return json.dumps(told, ensure_ascii=False) if isinstance(told, list | dict) else told


def _rows(answer: Any, most: int) -> tuple[list[tuple[Any, ...]], bool]:
    rows: list[tuple[Any, ...]] = []
    while len(rows) <= most and (part := answer.fetchmany(_BATCH)):
        rows += part
    return rows[:most], len(rows) > most


def _plain(value: Any) -> Any:
    """A value as JSON has it: what it has not (NaN, an infinity, a date), as text."""
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    return value.hex() if isinstance(value, bytes) else str(value)


def _write_arrow(answer: Any, columns: list[list[str]], path: Path, most: int) -> tuple[int, bool]:
    import pyarrow as pa

    reader = _reader(answer)
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, reader.schema) as out:
        return _batches(reader, out.write_batch, most)


def _write_parquet(answer: Any, columns: list[list[str]], path: Path, most: int) -> tuple[int, bool]:
    from pyarrow import parquet

    reader = _reader(answer)
    with parquet.ParquetWriter(path, reader.schema) as out:
        return _batches(reader, out.write_batch, most)


def _reader(answer: Any) -> Any:
    import pyarrow as pa

    pa.set_cpu_count(1)
    return answer.to_arrow_reader(_BATCH)


def _batches(reader: Any, write: Any, most: int) -> tuple[int, bool]:
    count = 0
    for batch in reader:
        kept = batch.slice(0, most - count)
        write(kept)
        count += kept.num_rows
        if kept.num_rows < batch.num_rows:
            return count, True
    return count, False


_WRITERS = {"json": _write_json, "csv": _write_csv, "arrow": _write_arrow, "parquet": _write_parquet}
