"""What a reader notes about a file while it reads, in the confined process."""

from __future__ import annotations

import base64
import math
import time
from collections.abc import Iterable, Sequence
from typing import Any

from madang.assets.metadata import words
from madang.assets.metadata.model import Variable
from madang.assets.model import Finding
from madang.assets.probing.model import Preview, Probed, Report, Statistics

MOST_VARIABLES, MOST_FINDINGS, MOST_FACTS = 1000, 100, 40
PREVIEW_ROWS, PREVIEW_COLUMNS, LONGEST_CELL, LONGEST_TEXT = 8, 40, 200, 2000
LARGEST_PICTURE = 2**17
_LARGEST = 2**53 - 1
_COORDINATES = {"latitude": (-90, 90), "longitude": (-180, 540)}
"""Degrees that a place on Earth may have, by CF's standard names."""


class Notes:
    """See the module's docstring. `format` may be made more exact by the reader."""

    def __init__(self, path: str, format_name: str, size_bytes: int, seconds: float) -> None:
        self.path, self.format, self.size_bytes = path, format_name, size_bytes
        self.facts: dict[str, int | float | str] = {}
        self.box: tuple[float, float, float, float] | None = None
        self.period: tuple[str, str] | None = None
        self._end = time.process_time() + seconds
        self._variables: list[Probed] = []
        self._findings: list[Finding] = []
        self._preview = Preview()
        self._columns: dict[str, tuple[int, list[Any]]] = {}

    @property
    def shown(self) -> bool:
        """Whether there is a preview."""
        return self._preview != Preview()

    @property
    def hurried(self) -> bool:
        """Whether the time for looking at values is over."""
        return time.process_time() > self._end

    @property
    def cut(self) -> bool:
        """Whether something was noted as not read to its end."""
        return any(one.check == "not-whole" for one in self._findings)

    def fact(self, name: str, value: Any) -> None:
        """Note a fact of the format; nothing where it is empty."""
        if value is None or value == "" or len(self.facts) >= MOST_FACTS:
            return
        if isinstance(value, bool) or not isinstance(value, int | float):
            value = line(value, 300)
        elif isinstance(value, float) and not math.isfinite(value):
            return
        self.facts[name] = _bounded(value)

    def variable(
        self,
        name: str,
        kind: str,
        *,
        unit: str = "",
        title: str = "",
        standard_name: str = "",
        shape: Sequence[int] = (),
        ends: tuple[float | None, float | None] = (None, None),
        statistics: Statistics | None = None,
        head: str = "",
    ) -> None:
        """Note a variable. kind: number, text, time, flag or other. head: its column's, where it has one."""
        if len(self._variables) == MOST_VARIABLES:
            self.find("variables-cut", "info", most=MOST_VARIABLES)
        if len(self._variables) >= MOST_VARIABLES:
            return
        low, high = (float(end) if end is not None and math.isfinite(end) else None for end in ends)
        self._on_earth(name, standard_name, unit, low, high)
        head = "" if head == line(name, 200) or "\0" in head or not _is_text(head) else head[:500]
        variable = Variable(
            line(name, 200), words.plain(line(title, 500)), kind, line(unit, 60), line(standard_name, 200),
            tuple(min(int(one), _LARGEST) for one in shape), low, high, head=head,
        )  # fmt: skip
        self._variables.append(Probed(variable, statistics or Statistics()))

    def _on_earth(
        self, name: str, standard_name: str, unit: str, low: float | None, high: float | None
    ) -> None:
        """Find values of a coordinate that no place has: a missing value written as a number, say."""
        least, most = _COORDINATES.get(standard_name, (-math.inf, math.inf))
        if unit and not unit.lower().startswith(("deg", "°", "도")):
            return
        for end in (low, high):
            if end is not None and not least <= end <= most:
                told = {"variable": name, "value": f"{end:g}", "least": least, "most": most}
                self.find("coordinate-beyond", "warn", name, **told)
                return

    def lasts(self, first: str, last: str) -> None:
        """Note that there are times from `first` to `last` (W3CDTF), beside those noted before."""
        before = self.period or (first, last)
        self.period = (min(first, before[0]), max(last, before[1]))

    def warned(self, told: Iterable[str], severity: str = "warn") -> None:
        """Note what a library warned of."""
        for reason in list(told)[:5]:
            self.find("reader-warned", severity, reason=reason)

    def find(self, check: str, severity: str, place: str = "", /, **evidence: Any) -> None:
        """Note what is odd: a finding of that check."""
        if len(self._findings) < MOST_FINDINGS:
            told = {
                name: _bounded(value) if isinstance(value, int | float) else line(value, 300)
                for name, value in evidence.items()
            }
            finding = Finding(check, severity, line(place, 200), told)
            if finding not in self._findings:
                self._findings.append(finding)

    def show_rows(self, header: Iterable[Any], rows: Iterable[Iterable[Any]]) -> None:
        """A preview of a table."""
        cut = [tuple(line(cell, LONGEST_CELL) for cell in list(row)[:PREVIEW_COLUMNS]) for row in rows]
        self._preview = Preview(
            tuple(line(one, LONGEST_CELL) for one in list(header)[:PREVIEW_COLUMNS]),
            tuple(cut[:PREVIEW_ROWS]),
        )

    def show_column(self, name: str, length: int, first: Iterable[Any]) -> None:
        """A column of a table to show where nothing else is; those as long as the first go with it."""
        if all(length == known for known, _ in self._columns.values()):
            self._columns[name] = (length, list(first)[:PREVIEW_ROWS])

    def show_text(self, text: str) -> None:
        """A preview of a text."""
        kept = "".join(sign for sign in text[:LONGEST_TEXT] if sign.isprintable() or sign in "\n\t")
        self._preview = Preview(text=kept)

    def show_picture(self, png: bytes | None) -> None:
        """A preview of a picture; none where it is too large."""
        if png is not None and len(png) <= LARGEST_PICTURE:
            self._preview = Preview(picture=base64.b64encode(png).decode("ascii"))

    def report(self) -> Report:
        """All that was noted."""
        if self._columns and not self.shown:
            self.show_rows(self._columns, zip(*(first for _, first in self._columns.values()), strict=True))
        return Report(
            self.path, self.format, self.size_bytes, self.facts, tuple(self._variables), self.box,
            self.period, self._preview, tuple(self._findings),
        )  # fmt: skip


def _is_text(value: str) -> bool:
    """Whether a text is one: without half of a pair of surrogates."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _bounded(value: int | float | str) -> int | float | str:
    """A number as JSON can hold it."""
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return float(value) if isinstance(value, int) and abs(value) > _LARGEST else value


def line(value: Any, longest: int) -> str:
    """Anything as a text on one line, without characters that cannot be shown."""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    shown = "".join(sign if sign.isprintable() else " " for sign in text[: 4 * longest])
    return " ".join(shown.split())[:longest]
