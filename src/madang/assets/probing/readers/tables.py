"""Tables as text: CSV, TSV and their relatives, in the encodings and endings people use."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from madang.assets.probing import measuring, sniffing
from madang.assets.probing.model import Statistics
from madang.assets.probing.notes import Notes

MOST_CELLS = 1_000_000
MOST_COLUMNS = 1000
_MOSTLY = 0.9
_ENDINGS = {".csv": ",", ".tsv": "\t", ".tab": "\t"}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_LONGEST_LINE = 2**20
_LARGEST_DECODED = 128 * 2**20


def read_delimited(path: Path, notes: Notes) -> None:
    """A table whose cells stand between commas, tabs, semicolons or bars."""
    with path.open("rb") as file:
        head = file.read(sniffing.HEAD_BYTES)
        decoded = sniffing.decode(head, whole=notes.size_bytes <= len(head))
        if decoded is None:
            notes.find("unreadable", "warn", reason="no text")
            return
        if notes.size_bytes <= _LARGEST_DECODED:
            decoded = replace(decoded, encoding=sniffing.whole_encoding(file, decoded.encoding))
    sign = sniffing.delimiter(decoded.text) or ","
    told_encoding(notes, decoded)
    _tell_ending(notes, sign)
    notes.fact("delimiter", {"\t": "tab"}.get(sign, sign))
    with path.open("r", encoding=decoded.encoding, errors="replace", newline="") as text:
        rows, whole = _rows(text, sign, notes)
    if not rows:
        notes.find("no-rows", "warn")
        return
    header, body = header_of(notes, rows)
    describe(notes, header, body, whole)


def told_encoding(notes: Notes, decoded: sniffing.Decoded) -> None:
    """Note the encoding of a text, and what is odd about it."""
    notes.fact("encoding", decoded.encoding)
    if not decoded.sure:
        notes.find("encoding-guessed", "warn", encoding=decoded.encoding)
    elif decoded.encoding in ("cp949", "utf-16"):
        notes.find("encoding-other", "info", encoding=decoded.encoding.upper())
    if "\ufffd" in decoded.text:
        notes.find("text-broken", "warn")


def _tell_ending(notes: Notes, sign: str) -> None:
    expected = _ENDINGS.get(PurePosixPath(notes.path.lower()).suffix)
    if expected is not None and expected != sign:
        names = {"\t": "tab"}
        notes.find(
            "ending-differs", "warn", ending=PurePosixPath(notes.path).suffix, delimiter=names.get(sign, sign)
        )


def _rows(text: io.TextIOWrapper, sign: str, notes: Notes) -> tuple[list[list[str]], bool]:
    """The rows until the limits, and whether that is all of them."""
    rows: list[list[str]] = []
    cells = 0
    csv.field_size_limit(_LONGEST_LINE)
    lines = _Lines(text)
    reader = csv.reader(lines, delimiter=sign)
    try:
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            rows.append(row[:MOST_COLUMNS])
            cells += len(row)
            if len(row) > MOST_COLUMNS:
                notes.find("columns-cut", "info", most=MOST_COLUMNS)
            if cells > MOST_CELLS or notes.hurried:
                return rows, False
    except csv.Error as error:
        notes.find("unreadable", "warn", f"{len(rows) + 1}", reason=error)
        return rows, False
    inside = "".join(rows[-1]) if rows else ""
    if "\n" in inside and '"' not in lines.last:  # what stands between quotes would end with one
        begun = reader.line_num - inside.removesuffix("\n").count("\n")
        notes.find("quote-open", "warn", f"{begun}", line=begun)
    return rows, True


class _Lines:
    """The lines of a text, and the last one that was read."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text, self.last = text, ""

    def __iter__(self) -> Iterator[str]:
        while line := self._text.readline(_LONGEST_LINE):
            self.last = line.replace("\0", "")
            yield self.last


def header_of(notes: Notes, rows: list[list[str]]) -> tuple[list[str], list[list[str]]]:
    """(column names, rows below): the first row as wide as most, where it is a head."""
    widths = [len(row) for row in rows[:200]]
    width = max(set(widths), key=widths.count)
    start = next((place for place, row in enumerate(rows[:20]) if len(row) == width), 0)
    first = rows[start]
    named = not any(_is_number(cell) for cell in first) and sum(map(bool, first)) > len(first) // 2
    below = rows[start + 1 : start + 200]
    if named and (not below or _has_values(below)):
        return [cell.strip() for cell in first], rows[start + 1 :]
    notes.find("no-head", "info")
    return [f"column {place}" for place in range(1, width + 1)], rows[start:]


def _has_values(rows: Sequence[Sequence[str]]) -> bool:
    """Whether there are numbers or times in rows: then a row without a number above them is their head.

    Where all is text, a first row may be a person as well as a head, and names are told to more than values.
    """
    cells = (cell for row in rows for cell in row)
    return any(_is_number(cell) or measuring.time_of(cell) is not None for cell in cells)


def _is_number(cell: str) -> bool:
    return measuring.float_of(cell, comma=True) is not None


def describe(notes: Notes, header: Sequence[str], body: Sequence[Sequence[Any]], whole: bool) -> None:
    """Note the columns of a table of texts, what is odd about it, and its first rows."""
    notes.fact("rows" if whole else "rows_read", len(body))
    notes.fact("columns", len(header))
    if not whole:
        notes.find("not-whole", "info", rows=len(body))
    _tell_shape(notes, header, body)
    notes.show_rows(header, body[:10])
    ends: dict[str, measuring.Ends] = {}
    for place, name in enumerate(header):
        cells = [
            str(row[place]).strip() if place < len(row) and row[place] is not None else "" for row in body
        ]
        plain, _ = measuring.named(name)
        ends[measuring.standard_name(plain)] = _column(notes, name, cells)
    notes.box = measuring.box_among(ends)


def _tell_shape(notes: Notes, header: Sequence[str], body: Sequence[Sequence[Any]]) -> None:
    ragged = sum(len(row) != len(header) for row in body)
    if ragged:
        notes.find("rows-ragged", "warn", rows=ragged, columns=len(header))
    if len(set(header)) < len(header):
        twice = next(name for name in header if list(header).count(name) > 1)
        notes.find("column-twice", "warn", column=twice)
    if "" in header:
        notes.find("column-unnamed", "warn", columns=list(header).count(""))
    formulas = [
        cell for row in body for cell in map(str, row)
        if cell.startswith(_FORMULA) and len(cell) > 1 and not _is_number(cell)
    ]  # fmt: skip
    if formulas:
        notes.find("cell-formula", "warn", cells=len(formulas), example=formulas[0])


def _column(notes: Notes, head: str, cells: Sequence[str]) -> measuring.Ends:
    """Note a column; gives the ends of its numbers."""
    name, _ = measuring.named(head)
    standard = measuring.standard_name(name)
    present = [cell for cell in cells if cell]
    comma = measuring.has_decimal_commas(present)
    told = [measuring.float_of(cell, comma=comma) for cell in cells]
    good = sum(value is not None for value in told)
    if present and good >= _MOSTLY * len(present):
        if comma:
            notes.find("decimal-comma", "info", name, column=name)
        return _number(notes, head, told, len(present) - good)
    times = [time for cell in present if (time := measuring.time_of(cell)) is not None]
    if present and len(times) >= _MOSTLY * len(present):
        notes.lasts(min(times), max(times))
        statistics = Statistics(len(cells), len(cells) - len(times))
        notes.variable(name, "time", standard_name=standard, statistics=statistics, head=head)
        return (None, None)
    if good > 0.5 * len(present) > 0:
        notes.find("numbers-mixed", "warn", name, column=name, others=len(present) - good)
    notes.variable(name, "text", statistics=measuring.texts(cells), head=head)
    return (None, None)


def _number(notes: Notes, head: str, told: Sequence[float | None], others: int) -> measuring.Ends:
    """others: cells that hold something else."""
    name, unit = measuring.named(head)
    standard = measuring.standard_name(name)
    values = np.array([np.nan if value is None else value for value in told])
    ends, statistics = measuring.numbers(values)
    if others:
        notes.find("numbers-mixed", "warn", name, column=name, others=others)
    if len(values) > 1 and ends[0] == ends[1] and ends[0] is not None:
        notes.find("column-same", "info", name, column=name, value=ends[0])
    notes.variable(
        name, "number", unit=unit, standard_name=standard, ends=ends, statistics=statistics, head=head
    )
    return ends
