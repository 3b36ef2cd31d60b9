"""What readers of arrays have in common: what is shown of them, their coordinates, their times."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from madang.assets.probing import measuring
from madang.assets.probing.model import Statistics
from madang.assets.probing.notes import Notes

LARGEST_CHUNK = 128 * 2**20
"""Bytes that one piece of an array may unpack to; of larger ones no value is read."""
_LARGEST_PLANE, _LEAST_SIDE = 32 * 2**20, 4
"""Bytes of a plane that is shown as a picture, and the rows and columns that make one."""
DEEPEST, MOST_MEMBERS = 16, 20_000
UNSEEN: tuple[measuring.Ends, Statistics] = ((None, None), Statistics())
_TITLES = ("title", "summary", "institution", "source", "Conventions", "license", "history")
ENCODED = ("_FillValue", "missing_value", "scale_factor", "add_offset")


def show(
    notes: Notes, name: str, values: Any, shape: Sequence[int], item_bytes: int, *, north_up: bool = True
) -> None:
    """The first plane of the first field of numbers as a picture; else series as columns of a table."""
    from madang.assets.probing.readers.pictures import picture

    if notes.shown or notes.hurried or 0 in shape or not shape:
        return
    if len(shape) == 1:
        notes.show_column(name, shape[0], measuring.shown(values[:8]))
    elif min(shape[-2:]) >= _LEAST_SIDE and math.prod(shape[-2:]) * item_bytes <= _LARGEST_PLANE:
        plane = np.ma.asanyarray(values[(0,) * (len(shape) - 2)] if len(shape) > 2 else values[:])
        notes.show_picture(picture(plane if north_up else plane[::-1]))


def axis_of(name: str, told: str, unit: str) -> str:
    """The standard name of a coordinate: as told, or as its units or its name say."""
    if unit in ("degrees_north", "degree_north", "degreesN"):
        return "latitude"
    if unit in ("degrees_east", "degree_east", "degreesE"):
        return "longitude"
    return told or measuring.standard_name(last(name))


def last(name: str) -> str:
    """A member's own name, without the groups it is in."""
    return name.rpartition("/")[2]


def timed(notes: Notes, ends: measuring.Ends, unit: str, calendar: str) -> bool:
    """Note from when to when times last that are counted from an instant. False where that cannot be read."""
    import cftime

    if ends[0] is None or ends[1] is None:
        return False
    try:
        begin, end = cftime.num2date(list(ends), unit, calendar or "standard")
        notes.lasts(begin.strftime("%Y-%m-%dT%H:%M:%S"), end.strftime("%Y-%m-%dT%H:%M:%S"))
    except (ValueError, OverflowError):
        notes.find("time-unreadable", "warn", unit=unit)
        return False
    return True


def titles(notes: Notes, told: Mapping[str, Any]) -> None:
    """Note what a file says of itself as a whole."""
    for name in _TITLES:
        notes.fact(name.lower(), str(told[name])[:300] if name in told else "")


def decoded(values: Any, told: Mapping[str, Any]) -> Any:
    """Numbers as CF's attributes say that they are stored (CF Conventions, 2.5 and 8.1)."""
    found = {name: np.ravel(np.asarray(told[name])) for name in ENCODED if name in told}
    numbers = {name: one[0] for name, one in found.items() if len(one) and one.dtype.kind in "iuf"}
    masked = np.ma.asanyarray(values)
    for name in ("_FillValue", "missing_value"):
        if name in numbers:
            masked = np.ma.masked_where(np.ma.getdata(masked) == numbers[name], masked)
    if "scale_factor" in numbers or "add_offset" in numbers:
        masked = masked * numbers.get("scale_factor", 1) + numbers.get("add_offset", 0)
    return masked
