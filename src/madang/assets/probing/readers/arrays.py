"""Arrays with names: NetCDF, HDF5, Zarr, NumPy's own file."""

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

_LARGEST_CHUNK = 128 * 2**20
"""Bytes that one piece of an array may unpack to; of larger ones no value is read."""

_LARGEST_PLANE, _LEAST_SIDE = 32 * 2**20, 4
"""Bytes of a plane that is shown as a picture, and the rows and columns that make one."""
_DEEPEST, _MOST_MEMBERS = 16, 20_000
_UNSEEN: tuple[measuring.Ends, Statistics] = ((None, None), Statistics())
_TITLES = ("title", "summary", "institution", "source", "Conventions", "license", "history")


def read_netcdf(path: Path, notes: Notes) -> None:
    """A NetCDF file of any version; CF attributes where it has them."""
    import netCDF4

    with netCDF4.Dataset(str(path), "r") as data:
        notes.fact("model", data.data_model)
        _globals(notes, {name: data.getncattr(name) for name in data.ncattrs()[:200]})
        ends: dict[str, measuring.Ends] = {}
        for name, variable in _netcdf_variables(data, ""):
            try:
                ends[_axis_of(name, variable)] = _netcdf_variable(notes, name, variable)
            except (OSError, ValueError, TypeError, RuntimeError) as error:  # the others may still be read
                notes.find("unreadable", "warn", name, reason=error)
                notes.variable(name, "other", shape=variable.shape)
    notes.box = measuring.box_among(ends)


def _show(
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
    if depth < _DEEPEST:
        for name, inner in group.groups.items():
            found += _netcdf_variables(inner, f"{prefix}{name}/", depth + 1)
    return found[:_MOST_MEMBERS]


def _attribute(variable: Any, name: str) -> str:
    return str(variable.getncattr(name)) if name in variable.ncattrs() else ""


def _axis_of(name: str, variable: Any) -> str:
    return _axis(name, _attribute(variable, "standard_name"), _attribute(variable, "units"))


def _axis(name: str, told: str, unit: str) -> str:
    """The standard name of a coordinate: as told, or as its units or its name say."""
    if unit in ("degrees_north", "degree_north", "degreesN"):
        return "latitude"
    if unit in ("degrees_east", "degree_east", "degreesE"):
        return "longitude"
    return told or measuring.standard_name(_last(name))


def _last(name: str) -> str:
    """A member's own name, without the groups it is in."""
    return name.rpartition("/")[2]


def _netcdf_variable(notes: Notes, name: str, variable: Any) -> measuring.Ends:
    unit = _attribute(variable, "units")
    standard = _axis_of(name, variable)
    title = _attribute(variable, "long_name")
    shape = tuple(int(one) for one in variable.shape)
    kind = getattr(variable.dtype, "kind", "O")
    ends, statistics = _UNSEEN
    chunk = variable.chunking()
    piece = math.prod(chunk) * variable.dtype.itemsize if isinstance(chunk, list) and kind != "O" else 0
    if piece > _LARGEST_CHUNK:
        notes.find("chunk-large", "warn", name, variable=name, size=piece)
    elif kind in "iuf" and not notes.hurried:
        ends, statistics = measuring.numbers(measuring.sample(variable, shape))
        if " since " in unit:
            _period(notes, ends, unit, _attribute(variable, "calendar"))
        elif not notes.shown:
            north_up = not _goes_north(variable)
            _show(notes, name, variable, shape, variable.dtype.itemsize, north_up=north_up)
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


def _period(notes: Notes, ends: measuring.Ends, unit: str, calendar: str) -> None:
    import cftime

    if ends[0] is None or ends[1] is None:
        return
    try:
        first, last = cftime.num2date(list(ends), unit, calendar or "standard")
        notes.lasts(first.strftime("%Y-%m-%dT%H:%M:%S"), last.strftime("%Y-%m-%dT%H:%M:%S"))
    except (ValueError, OverflowError):
        notes.find("time-unreadable", "warn", unit=unit)


def _globals(notes: Notes, told: Mapping[str, Any]) -> None:
    for name in _TITLES:
        notes.fact(name.lower(), str(told[name])[:300] if name in told else "")


def read_hdf5(path: Path, notes: Notes) -> None:
    """An HDF5 file. No link leads out of it: what stands in another file is named, not read."""
    import h5py

    with h5py.File(path, "r") as file:
        attributes = {
            str(name): file.attrs[name] for name in list(file.attrs)[:200] if _plain(file.attrs, name)
        }
        if "_NCProperties" in attributes:
            file.close()
            notes.format = "netcdf"
            read_netcdf(path, notes)
            return
        _globals(notes, attributes)
        if "keras_version" in attributes:
            notes.fact("made_by", "Keras")
        count, ends = [0], dict[str, measuring.Ends]()
        _group(h5py, notes, file, "", 0, count, ends)
        notes.box = measuring.box_among(ends)
        notes.fact("members", count[0])
        if not notes.report().variables:
            notes.find("no-rows", "warn")


def _plain(attributes: Any, name: str) -> bool:
    try:
        return math.prod(attributes.get_id(name).shape or (1,)) < 10_000
    except Exception:  # an attribute of a kind h5py does not know
        return False


def _group(
    h5py: Any,
    notes: Notes,
    group: Any,
    prefix: str,
    depth: int,
    count: list[int],
    ends: dict[str, measuring.Ends],
) -> None:
    """count and ends are added to: the members met, and the ends of coordinates by their standard names."""
    if depth > _DEEPEST:
        notes.find("too-deep", "warn", prefix, deepest=_DEEPEST)
        return
    for name in group:
        count[0] += 1
        if count[0] > _MOST_MEMBERS:
            notes.find("variables-cut", "info", most=_MOST_MEMBERS)
            return
        link = group.get(name, getlink=True)
        place = f"{prefix}{name}"
        if isinstance(link, h5py.ExternalLink):
            notes.find("link-out", "warn", place, place=place, target=link.filename)
            continue
        if isinstance(link, h5py.SoftLink):
            continue
        member = group[name]
        if isinstance(member, h5py.Group):
            _group(h5py, notes, member, f"{place}/", depth + 1, count, ends)
        elif isinstance(member, h5py.Dataset):
            try:
                axis, told = _dataset(h5py, notes, place, member)
                ends.setdefault(axis, told)
            except (OSError, ValueError, TypeError) as error:  # the others may still be read
                notes.find("unreadable", "warn", place, reason=error)
                notes.variable(place, "other", shape=member.shape or ())


def _dataset(h5py: Any, notes: Notes, place: str, member: Any) -> tuple[str, measuring.Ends]:
    """Note a data set; gives its standard name and its ends."""
    ends, statistics = _UNSEEN
    if member.external or member.is_virtual:
        notes.find(
            "link-out", "warn", place, place=place, target=str((member.external or [("other files",)])[0][0])
        )
        notes.variable(place, "other", shape=member.shape or ())
        return "", ends
    if member.shape is None:
        notes.variable(place, "other")
        return "", ends
    told = {
        key: member.attrs[key]
        for key in ("units", "unit", "long_name", "standard_name", "calendar")
        if key in member.attrs
    }
    unit = _word(told.get("units", told.get("unit", "")))
    axis = _axis(place, _word(told.get("standard_name", "")), unit)
    kind = "other"
    if member.dtype.names:
        fields = ", ".join(member.dtype.names[:20])
        notes.variable(place, "other", title=f"compound: {fields}", shape=member.shape)
        return "", ends
    if member.dtype.kind in "iuf":
        kind = "number"
        if _readable(notes, place, member):
            ends, statistics = measuring.numbers(measuring.sample(member, member.shape))
            if " since " in unit:
                kind = _times(notes, ends, unit, _word(told.get("calendar", "")))
            else:
                _show(notes, place, member, member.shape, member.dtype.itemsize)
    elif member.dtype.kind == "b":
        kind = "flag"
    elif member.dtype.kind in "SU" or h5py.check_string_dtype(member.dtype) is not None:
        kind = "text"
        if _readable(notes, place, member):
            cells = np.asarray(measuring.sample(member, member.shape, 10_000))
            statistics = measuring.texts([_word(cell)[:1000] for cell in cells])
    notes.variable(
        place, kind, unit="" if kind == "time" else unit, title=_word(told.get("long_name", "")),
        shape=member.shape, ends=_UNSEEN[0] if kind == "time" else ends, standard_name=axis,
        statistics=statistics,
    )  # fmt: skip
    return axis, ends


def _times(notes: Notes, ends: measuring.Ends, unit: str, calendar: str) -> str:
    """Note from when to when times last that are counted from an instant; gives their kind."""
    _period(notes, ends, unit, calendar)
    return "time"


def _readable(notes: Notes, place: str, member: Any) -> bool:
    """Whether its values may be looked at: no piece of it unpacks to more than the limit."""
    piece = math.prod(member.chunks) * member.dtype.itemsize if member.chunks else 0
    if piece > _LARGEST_CHUNK:
        notes.find("chunk-large", "warn", place, variable=place, size=piece)
        return False
    stored = member.id.get_storage_size()
    if member.nbytes > 2**30 and stored * 10_000 < member.nbytes:
        notes.find("mostly-unwritten", "warn", place, variable=place, declared=member.nbytes, stored=stored)
    return not notes.hurried


def _word(value: Any) -> str:
    if isinstance(value, np.ndarray):
        value = value.ravel()[0] if value.size else ""
    return value.decode("utf-8", "replace") if isinstance(value, bytes | np.bytes_) else str(value)


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
        axis = _axis(name, str(attributes.get("standard_name", "")), str(attributes.get("units", "")))
        ends[axis] = _zarr_array(notes, name, array, attributes, axis)
    notes.box = measuring.box_among(ends)


def _zarr_arrays(group: Any) -> list[tuple[str, Any]]:
    import zarr

    members = group.members(max_depth=_DEEPEST)
    return [(name, one) for name, one in members if isinstance(one, zarr.Array)][:_MOST_MEMBERS]


def _zarr_array(notes: Notes, name: str, array: Any, told: Mapping[str, Any], axis: str) -> measuring.Ends:
    ends, statistics = _UNSEEN
    unit, kind = str(told.get("units", "")), "number" if array.dtype.kind in "iuf" else "other"
    piece = math.prod(array.chunks) * array.dtype.itemsize
    if piece > _LARGEST_CHUNK:
        notes.find("chunk-large", "warn", name, variable=name, size=piece)
    elif kind == "number" and not notes.hurried:
        ends, statistics = measuring.numbers(measuring.sample(array, array.shape))
        if " since " in unit:
            kind = _times(notes, ends, unit, str(told.get("calendar", "")))
        else:
            _show(notes, name, array, array.shape, array.dtype.itemsize)
    timed = kind == "time"
    notes.variable(
        name, kind, unit="" if timed else unit, title=str(told.get("long_name", "")), standard_name=axis,
        shape=array.shape, ends=_UNSEEN[0] if timed else ends, statistics=statistics,
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
    ends, statistics = _UNSEEN
    if dtype.kind in "iuf":
        ends, statistics = measuring.numbers(measuring.sample(values, shape))
        _show(notes, notes.path, values, shape, dtype.itemsize)
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
