"""Arrays with names: NetCDF, Zarr, NumPy's own file, references of Kerchunk."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from madang.assets.probing import measuring
from madang.assets.probing.model import Statistics
from madang.assets.probing.notes import Notes
from madang.assets.probing.readers import fields


def read_netcdf(path: Path, notes: Notes) -> None:
    """A NetCDF file of any version; CF attributes where it has them."""
    import netCDF4

    with netCDF4.Dataset(str(path), "r") as data:
        notes.fact("model", data.data_model)
        fields.titles(notes, {name: data.getncattr(name) for name in data.ncattrs()[:200]})
        ends: dict[str, measuring.Ends] = {}
        for name, variable in _netcdf_variables(data, ""):
            try:
                ends[_axis_of(name, variable)] = _netcdf_variable(notes, name, variable)
            except (OSError, ValueError, TypeError, RuntimeError) as error:  # the others may still be read
                notes.find("unreadable", "warn", name, reason=error)
                notes.variable(name, "other", shape=variable.shape)
    notes.box = measuring.box_among(ends)


def _goes_north(variable: Any) -> bool:
    """Whether the rows of a field are in the order of growing latitudes: north is below then."""
    group = variable.group()
    while len(variable.shape) > 1 and group is not None:
        rows = group.variables.get(variable.dimensions[-2])
        if rows is not None and rows.ndim == 1 and _axis_of(rows.name, rows) == "latitude":
            return bool(rows[0] < rows[-1])
        group = group.parent
    return False


def _netcdf_variables(group: Any, prefix: str, depth: int = 0) -> list[tuple[str, Any]]:
    found = [(f"{prefix}{name}", variable) for name, variable in group.variables.items()]
    if depth < fields.DEEPEST:
        for name, inner in group.groups.items():
            found += _netcdf_variables(inner, f"{prefix}{name}/", depth + 1)
    return found[: fields.MOST_MEMBERS]


def _attribute(variable: Any, name: str) -> str:
    return str(variable.getncattr(name)) if name in variable.ncattrs() else ""


def _axis_of(name: str, variable: Any) -> str:
    return fields.axis_of(name, _attribute(variable, "standard_name"), _attribute(variable, "units"))


def _netcdf_variable(notes: Notes, name: str, variable: Any) -> measuring.Ends:
    unit = _attribute(variable, "units")
    standard = _axis_of(name, variable)
    title = _attribute(variable, "long_name")
    shape = tuple(int(one) for one in variable.shape)
    kind = getattr(variable.dtype, "kind", "O")
    ends, statistics = fields.UNSEEN
    chunk = variable.chunking()
    piece = math.prod(chunk) * variable.dtype.itemsize if isinstance(chunk, list) and kind != "O" else 0
    if piece > fields.LARGEST_CHUNK:
        notes.find("chunk-large", "warn", name, variable=name, size=piece)
    elif kind in "iuf" and not notes.hurried:
        ends, statistics = measuring.numbers(measuring.sample(variable, shape))
        if " since " in unit:
            fields.timed(notes, ends, unit, _attribute(variable, "calendar"))
        elif not notes.shown:
            north_up = not _goes_north(variable)
            fields.show(notes, name, variable, shape, variable.dtype.itemsize, north_up=north_up)
    if " since " in unit:
        notes.variable(
            name,
            "time",
            title=title,
            standard_name="time",
            shape=shape,
            statistics=Statistics(statistics.counted, statistics.missing),
        )
        return ends
    told_kind = {"i": "number", "u": "number", "f": "number", "S": "text", "U": "text", "O": "text"}.get(
        kind, "other"
    )
    if told_kind == "number" and not unit and len(shape) > 1:
        notes.find("unit-missing", "info", name, variable=name)
    notes.variable(
        name,
        told_kind,
        unit=unit,
        title=title,
        standard_name=standard,
        shape=shape,
        ends=ends,
        statistics=statistics,
    )
    _tell_missing(notes, name, statistics)
    return ends


def _tell_missing(notes: Notes, name: str, statistics: Statistics) -> None:
    if statistics.counted and statistics.missing == statistics.counted:
        notes.find("values-none", "warn", name, variable=name)


def read_zarr(path: Path, notes: Notes) -> None:
    """A Zarr store of version 2 or 3 (a folder): its arrays by their own metadata."""
    import zarr

    store = zarr.storage.LocalStore(path, read_only=True)
    opened = zarr.open(store, mode="r")
    notes.fact("zarr_format", int(opened.metadata.zarr_format))
    arrays = [(path.name, opened)] if isinstance(opened, zarr.Array) else _zarr_arrays(opened)
    ends: dict[str, measuring.Ends] = {}
    for name, array in arrays:
        attributes = dict(array.attrs)
        axis = fields.axis_of(
            name, str(attributes.get("standard_name", "")), str(attributes.get("units", ""))
        )
        ends[axis] = measuring.around(ends.get(axis), _zarr_array(notes, name, array, attributes, axis))
    notes.box = measuring.box_among(ends)


def _zarr_arrays(group: Any) -> list[tuple[str, Any]]:
    import zarr

    members = group.members(max_depth=fields.DEEPEST)
    return [(name, one) for name, one in members if isinstance(one, zarr.Array)][: fields.MOST_MEMBERS]


def _zarr_array(notes: Notes, name: str, array: Any, told: Mapping[str, Any], axis: str) -> measuring.Ends:
    ends, statistics = fields.UNSEEN
    unit, kind = str(told.get("units", "")), "number" if array.dtype.kind in "iuf" else "other"
    piece = math.prod(array.chunks) * array.dtype.itemsize
    if piece > fields.LARGEST_CHUNK:
        notes.find("chunk-large", "warn", name, variable=name, size=piece)
    elif kind == "number" and not notes.hurried:
        # Version 2 has no other place for what is missing than the array's own filling.
        filled = {"_FillValue": array.fill_value} if array.fill_value else {}
        ends, statistics = measuring.numbers(
            fields.decoded(measuring.sample(array, array.shape), {**filled, **told})
        )
        if " since " in unit and fields.timed(notes, ends, unit, str(told.get("calendar", ""))):
            kind = "time"
        else:
            fields.show(notes, name, array, array.shape, array.dtype.itemsize)
    timed = kind == "time"
    notes.variable(
        name, kind, unit="" if timed else unit, title=str(told.get("long_name", "")), standard_name=axis,
        shape=array.shape, ends=fields.UNSEEN[0] if timed else ends, statistics=statistics,
    )  # fmt: skip
    return ends


def read_npy(path: Path, notes: Notes) -> None:
    """NumPy's own file; one that holds Python objects is a program, and is not opened."""
    with path.open("rb") as file:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version[0] == 1 else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(file)
    if dtype.hasobject:
        notes.find("program", "warn", reason="object array")
        return
    values = np.load(path, mmap_mode="r", allow_pickle=False)
    ends, statistics = fields.UNSEEN
    if dtype.kind in "iuf":
        ends, statistics = measuring.numbers(measuring.sample(values, shape))
        fields.show(notes, notes.path, values, shape, dtype.itemsize)
    notes.variable(
        notes.path,
        "number" if dtype.kind in "iuf" else "other",
        shape=shape,
        ends=ends,
        statistics=statistics,
    )


def describe_json_reference(notes: Notes, told: Mapping[str, Any]) -> bool:
    """Whether a JSON document is a Kerchunk reference: arrays of Zarr whose pieces stand elsewhere."""
    references = told.get("refs", told)
    if not isinstance(references, Mapping) or ".zgroup" not in references:
        return False
    notes.format = "kerchunk"
    elsewhere = {str(one[0]) for one in references.values() if isinstance(one, list) and one}
    for target in sorted(elsewhere)[:3]:
        notes.find("link-out", "info", place=".zgroup", target=target)
    for key, value in references.items():
        if key.endswith("/.zarray") and isinstance(value, str):
            array = json.loads(value)
            attributes = json.loads(references.get(key.replace(".zarray", ".zattrs"), "{}"))
            _reference(notes, key.removesuffix("/.zarray"), array, attributes)
    return True


def _reference(notes: Notes, name: str, array: Mapping[str, Any], told: Mapping[str, Any]) -> None:
    shape: Sequence[int] = array.get("shape") or ()
    if " since " in str(told.get("units", "")):
        notes.variable(name, "time", title=str(told.get("long_name", "")), standard_name="time", shape=shape)
        return
    kind = "number" if str(array.get("dtype", ""))[1:2] in ("i", "u", "f") else "other"
    notes.variable(
        name, kind, unit=str(told.get("units", "")), title=str(told.get("long_name", "")), shape=shape,
        standard_name=str(told.get("standard_name", "")) or measuring.standard_name(name),
    )  # fmt: skip
