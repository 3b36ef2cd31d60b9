"""What values are like: of numbers their ends, mean and histogram, of texts the most frequent ones."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from madang.assets.metadata import units, values
from madang.assets.probing.model import Statistics

MOST_VALUES = 1_000_000
"""Values of a variable that are looked at."""

PIECES = 8
"""Of a larger array so many pieces are looked at."""

BINS = 20
MOST_COMMON = 5
Ends = tuple[float | None, float | None]


def numbers(values: NDArray[Any]) -> tuple[Ends, Statistics]:
    """(minimum, maximum) and statistics of numbers of any shape; what is not finite or masked is missing."""
    flat = np.ma.getdata(values).ravel()
    good = ~np.ma.getmaskarray(values).ravel()
    with np.errstate(all="ignore"):
        told = flat.astype(np.float64)
        good &= np.isfinite(told)
        kept = told[good]
        if not len(kept):
            return (None, None), Statistics(len(flat), len(flat))
        low, high = float(kept.min()), float(kept.max())
        mean, deviation = float(kept.mean()), float(kept.std())
        wide = low < high and math.isfinite(high - low)
        bins = np.histogram(kept, BINS, (low, high))[0] if wide else np.array([len(kept)])
    missing = len(flat) - len(kept)
    return (low, high), Statistics(
        len(flat), missing, _finite(mean), _finite(deviation), tuple(int(one) for one in bins)
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def texts(values: Sequence[str | None]) -> Statistics:
    """Statistics of texts; None and empty ones are missing."""
    present = [value for value in values if value]
    common = tuple((text[:100], count) for text, count in Counter(present).most_common(MOST_COMMON))
    return Statistics(len(values), len(values) - len(present), common=common)


def sample(array: Any, shape: Sequence[int], most: int = MOST_VALUES) -> NDArray[Any]:
    """At most `most` values of an array that is read by slices: all, or pieces spread over its first axis.

    Each piece is whole in itself, so that few of the array's own chunks must be unpacked.
    """
    read = [array[chosen] for chosen in _pieces(tuple(shape), most)] if shape else [array[...]]
    pieces = [np.ma.asanyarray(one).ravel() for one in read]
    values: NDArray[Any] = np.ma.concatenate(pieces)  # type: ignore[no-untyped-call]
    return values


def _pieces(shape: tuple[int, ...], most: int) -> list[tuple[slice, ...]]:
    if math.prod(shape) <= most:
        return [tuple(slice(None) for _ in shape)]
    inner: list[slice] = []
    left = most // PIECES
    for size in reversed(shape[1:]):
        kept = min(size, max(left, 1))
        inner.insert(0, slice(0, kept))
        left //= max(kept, 1)
    rows = min(shape[0], max(left, 1))
    starts = sorted({int(place * (shape[0] - rows) / (PIECES - 1)) for place in range(PIECES)})
    return [(slice(start, start + rows), *inner) for start in starts]


_UNIT = re.compile(r"^(.*\S)\s*[\[(]\s*([^\[\]()]{1,30})\s*[\])]\s*$")


def named(name: str) -> tuple[str, str]:
    """(name, unit) of a column head as people write it: "기온(℃)", "temperature [K]"."""
    found = _UNIT.match(name)
    if found and units.base(found[2]) is not None:
        return found[1], found[2]
    return name, ""


@cache
def _standard_names() -> dict[str, str]:
    source = resources.files("madang.assets.probing") / "standard_names.tsv"
    rows = [line.split("\t") for line in source.read_text("utf-8").splitlines() if line and line[0] != "#"]
    return {alias: name for name, aliases in rows for alias in aliases.split("|")}


_COORDINATE = re.compile(r"(위도|경도|(?:(?<= )(?:latitude|longitude)))$")


def standard_name(name: str) -> str:
    """The CF standard name that a usual column name stands for; empty where that is not plain."""
    plain = re.sub(r"[\s_\-]+", " ", name.strip().lower())
    found = _COORDINATE.search(plain)
    return _standard_names().get(plain) or (_standard_names()[found[1]] if found else "")


_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")
_DECIMAL_COMMA = re.compile(r"[+-]?(\d{1,3}(\.\d{3})+|\d+),\d+([eE][+-]?\d+)?")
_WITH_POINTS = re.compile(r"[+-]?[1-9]\d{0,2}(\.\d{3})+")


def has_decimal_commas(cells: Iterable[str]) -> bool:
    """Whether a column has a comma before its decimals ("1,5", "1.234,5"), as numbers have in much of Europe:
    each cell with a comma can be one, one of them cannot be a number with thousands, and no cell has a point
    before its decimals. Where more cells have only points, it is the commas that are odd."""
    marked = [cell.strip() for cell in cells if "," in cell or "." in cell]
    told = [cell for cell in marked if "," in cell]
    pointed = [cell for cell in marked if "," not in cell]
    if len(told) <= len(pointed) or not all(map(_DECIMAL_COMMA.fullmatch, told)):
        return False
    return all(map(_WITH_POINTS.fullmatch, pointed)) and not all(map(_THOUSANDS.fullmatch, told))


def float_of(cell: str, *, comma: bool = False) -> float | None:
    """A number as people write it, with commas between thousands; None where it is none. comma: they stand
    before the decimals, and points between thousands."""
    text = cell.strip()
    if comma and (_DECIMAL_COMMA.fullmatch(text) or _WITH_POINTS.fullmatch(text)):
        text = text.replace(".", "").replace(",", ".")
    try:
        return float(text)
    except ValueError:
        pass
    if _THOUSANDS.fullmatch(text):
        return float(text.replace(",", ""))
    return None


_TIME = re.compile(
    r"^\s*(1[5-9]\d\d|20\d\d)[-./년]\s?(0?[1-9]|1[0-2])[-./월]\s?(0?[1-9]|[12]\d|3[01])일?"
    r"(?:[T ](\d{1,2}):(\d\d)(?::(\d\d)(?:\.\d+)?)?\s*(Z|[+-]\d\d:?\d\d)?)?\s*$"
)


def time_of(cell: str) -> str | None:
    """A date (and hour) as people write it, as W3CDTF (UTC where its zone is told); None for none."""
    found = _TIME.match(cell)
    if found is None:
        return None
    if found[4] and found[7]:
        return _in_utc(found)
    day = f"{found[1]}-{int(found[2]):02}-{int(found[3]):02}"
    return f"{day}T{int(found[4]):02}:{found[5]}:{found[6] or '00'}" if found[4] else day


def _in_utc(found: re.Match[str]) -> str | None:
    zone = "+00:00" if found[7] == "Z" else found[7]
    written = (
        f"{found[1]}-{int(found[2]):02}-{int(found[3]):02}T{int(found[4]):02}:{found[5]}:{found[6] or '00'}"
    )
    try:
        return datetime.fromisoformat(written + zone).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    except (ValueError, OverflowError):
        return None


def around(one: Ends | None, other: Ends) -> Ends:
    """The ends of both together; what is not known says nothing."""
    known = [ends for ends in (one, other) if ends and None not in ends]
    if not known:
        return (None, None)
    return min(ends[0] for ends in known if ends[0] is not None), max(
        ends[1] for ends in known if ends[1] is not None
    )


def box_of(longitudes: Ends, latitudes: Ends) -> tuple[float, float, float, float] | None:
    """West, south, east, north from the ends of two coordinates; None where they are none on Earth. What goes
    over the 180th meridian has its west greater than its east."""
    west, east = longitudes
    south, north = latitudes
    if west is None or east is None or south is None or north is None:
        return None
    west, east = values.turned(west, east)
    if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90):
        return None
    return west, south, east, north


def box_among(ends: Mapping[str, Ends]) -> tuple[float, float, float, float] | None:
    """The box of variables by their standard names, where longitude and latitude are among them."""
    none: Ends = (None, None)
    return box_of(ends.get("longitude", none), ends.get("latitude", none))


def shown(values: Iterable[Any]) -> list[str]:
    """Values as a preview writes them."""
    return [f"{value:.6g}" if isinstance(value, float | np.floating) else str(value) for value in values]
