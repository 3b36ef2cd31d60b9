"""Tables as files: comma-separated, and as a workbook. heads: a column's key -> what stands above it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from csv import DictWriter
from io import BytesIO, StringIO
from typing import Any

from madang.kernel.errors import ExtraMissing

Rows = Sequence[Mapping[str, Any]]


def csv(rows: Rows, heads: Mapping[str, str]) -> bytes:
    """Comma-separated, UTF-8 with a mark (spreadsheets in Korea expect it). No cell can be a formula:
    keys are names of ours, which begin with a letter or a digit."""
    text = StringIO()
    writer = DictWriter(text, list(heads))
    writer.writerow(heads)
    writer.writerows(rows)
    return text.getvalue().encode("utf-8-sig")


def workbook(rows: Rows, heads: Mapping[str, str], title: str) -> bytes:
    """A workbook with one sheet (extra `xlsx`); figures are numbers, names are text."""
    try:
        from openpyxl import Workbook
    except ModuleNotFoundError as error:
        raise ExtraMissing(module=error.name, extra="xlsx") from error
    book = Workbook()
    sheet = book.active
    sheet.title = title
    sheet.append(list(heads.values()))
    for row in rows:
        sheet.append([row[name] for name in heads])
    sheet.freeze_panes = "A2"
    kept = BytesIO()
    book.save(kept)
    return kept.getvalue()
