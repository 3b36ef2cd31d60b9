"""HDF5: its groups and data sets, by h5py."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from madang.assets.probing import measuring
from madang.assets.probing.notes import Notes
from madang.assets.probing.readers import fields
from madang.assets.probing.readers.arrays import read_netcdf


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
        fields.titles(notes, attributes)
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
    if depth > fields.DEEPEST:
        notes.find("too-deep", "warn", prefix, deepest=fields.DEEPEST)
        return
    for name in group:
        count[0] += 1
        if count[0] > fields.MOST_MEMBERS:
            notes.find("variables-cut", "info", most=fields.MOST_MEMBERS)
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
                ends[axis] = measuring.around(ends.get(axis), told)
            except (OSError, ValueError, TypeError) as error:  # the others may still be read
                notes.find("unreadable", "warn", place, reason=error)
                notes.variable(place, "other", shape=member.shape or ())


def _dataset(h5py: Any, notes: Notes, place: str, member: Any) -> tuple[str, measuring.Ends]:
    """Note a data set; gives its standard name and its ends."""
    ends, statistics = fields.UNSEEN
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
        for key in ("units", "unit", "long_name", "standard_name", "calendar", *fields.ENCODED)
        if key in member.attrs
    }
    unit = _word(told.get("units", told.get("unit", "")))
    axis = fields.axis_of(place, _word(told.get("standard_name", "")), unit)
    kind = "other"
    if member.dtype.names:
        parts = ", ".join(member.dtype.names[:20])
        notes.variable(place, "other", title=f"compound: {parts}", shape=member.shape)
        return "", ends
    if member.dtype.kind in "iuf":
        kind = "number"
        if _readable(notes, place, member):
            ends, statistics = measuring.numbers(fields.decoded(measuring.sample(member, member.shape), told))
            if " since " in unit and fields.timed(notes, ends, unit, _word(told.get("calendar", ""))):
                kind = "time"
            else:
                fields.show(notes, place, member, member.shape, member.dtype.itemsize)
    elif member.dtype.kind == "b":
        kind = "flag"
    elif member.dtype.kind in "SU" or h5py.check_string_dtype(member.dtype) is not None:
        kind = "text"
        if _readable(notes, place, member):
            cells = np.asarray(measuring.sample(member, member.shape, 10_000))
            statistics = measuring.texts([_word(cell)[:1000] for cell in cells])
    notes.variable(
        place, kind, unit="" if kind == "time" else unit, title=_word(told.get("long_name", "")),
        shape=member.shape, ends=fields.UNSEEN[0] if kind == "time" else ends, standard_name=axis,
        statistics=statistics,
    )  # fmt: skip
    return axis, ends


def _readable(notes: Notes, place: str, member: Any) -> bool:
    """Whether its values may be looked at: no piece of it unpacks to more than the limit."""
    piece = math.prod(member.chunks) * member.dtype.itemsize if member.chunks else 0
    if piece > fields.LARGEST_CHUNK:
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
