"""Astronomy: FITS, VOTable, and the text tables of its archives."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from madang.assets.probing import measuring
from madang.assets.probing.model import Statistics
from madang.assets.probing.notes import PREVIEW_COLUMNS, PREVIEW_ROWS, Notes
from madang.assets.probing.readers import pictures

_MOST_UNITS = 200
_LARGEST = 64 * 2**20
_PLACES, _ALL_AROUND = 33, 15.0
"""Places along each side of an image, and the gap in degrees that is none between them."""


def read_fits(path: Path, notes: Notes) -> None:
    """A FITS file: its header units, the columns of its tables, its images."""
    from astropy.io import fits

    with (
        warnings.catch_warnings(record=True) as told,
        fits.open(path, memmap=True, lazy_load_hdus=True) as units,
    ):
        warnings.simplefilter("always")
        for place in range(_MOST_UNITS):
            try:
                unit = units[place]
            except IndexError:
                break
            if place == 0:
                for name in ("TELESCOP", "INSTRUME", "OBJECT", "DATE-OBS"):
                    notes.fact(name.lower(), unit.header.get(name))
            if hasattr(unit, "columns"):
                _table(notes, unit, place)
            elif unit.header.get("NAXIS", 0):
                _image(notes, unit, place)
        notes.fact("units", len(units))
    if not notes.report().variables:
        notes.find("no-rows", "warn")
    notes.warned(str(one.message) for one in told)


def _image(notes: Notes, unit: Any, place: int) -> None:
    shape = tuple(int(size) for size in unit.shape)
    name = unit.name or f"image {place}"
    ends: measuring.Ends = (None, None)
    statistics = Statistics()
    if (
        abs(unit.header.get("BITPIX", 8)) // 8 * int(np.prod(shape, dtype=float)) <= _LARGEST
        and not notes.hurried
    ):
        values = np.asarray(unit.data)
        ends, statistics = measuring.numbers(values)
        notes.show_picture(pictures.picture(values))
    else:
        notes.find("not-whole", "info", rows=0)
    notes.variable(
        name, "number", unit=str(unit.header.get("BUNIT", "")), shape=shape, ends=ends, statistics=statistics
    )
    _footprint(notes, unit.header)


def _footprint(notes: Notes, header: Any) -> None:
    """Where on the sky an image is: its corners in the coordinates that its header gives."""
    from astropy.wcs import WCS

    if not str(header.get("CTYPE1", "")).startswith("RA---") or "right_ascension_from_deg" in notes.facts:
        return
    notes.fact("right_ascension_deg", header.get("CRVAL1"))
    notes.fact("declination_deg", header.get("CRVAL2"))
    try:
        _image_on_sky(notes, WCS(header).celestial)
    except Exception as error:  # a header can contradict itself in as many ways as it has keys
        notes.find("unreadable", "warn", "WCS", reason=error)


def _image_on_sky(notes: Notes, where: Any) -> None:
    """The extent of an image, by places spread over it; all around where a pole is in it."""
    width, height = where.pixel_shape or (0, 0)
    if not (width and height):
        return
    columns, rows = np.meshgrid(
        np.linspace(-0.5, width - 0.5, _PLACES), np.linspace(-0.5, height - 0.5, _PLACES)
    )
    ascensions, declinations = where.pixel_to_world_values(columns.ravel(), rows.ravel())
    poles = []
    for pole in (-90.0, 90.0):
        near = np.nanmax(declinations * np.sign(pole)) if np.isfinite(declinations).any() else 0
        x, y = where.world_to_pixel_values(0.0, pole) if near > 60 else (np.nan, np.nan)
        poles += [pole] if -0.5 <= x <= width - 0.5 and -0.5 <= y <= height - 0.5 else []
    _on_sky(notes, ascensions, [*declinations, *poles], around=bool(poles))


def _on_sky(notes: Notes, ascensions: Any, declinations: Any, *, around: bool = False) -> None:
    """Note the extent of places on the sky in degrees; from more to less right ascension over the zero.
    around: whatever their right ascensions are."""
    known, heights = (np.ma.asanyarray(one).astype(float).compressed() for one in (ascensions, declinations))
    known, heights = np.unique(known[np.isfinite(known)] % 360), heights[np.isfinite(heights)]
    if not len(known) or not len(heights):
        return
    gaps = np.diff(known, append=known[0] + 360)  # what lies behind each: the widest has nothing in it
    widest = int(gaps.argmax())
    ends = (known[(widest + 1) % len(known)], known[widest])
    if around or gaps[widest] < _ALL_AROUND:
        ends = (0.0, 360.0)
    for name, value in zip(("from", "to"), ends, strict=True):
        notes.fact(f"right_ascension_{name}_deg", float(value))
    notes.fact("declination_from_deg", float(heights.min()))
    notes.fact("declination_to_deg", float(heights.max()))


def _table(notes: Notes, unit: Any, place: int) -> None:
    notes.fact("rows" if "rows" not in notes.facts else f"rows_{place}", int(unit.header.get("NAXIS2", 0)))
    small = unit.header.get("NAXIS1", 0) * unit.header.get("NAXIS2", 0) <= _LARGEST
    if small and not notes.shown:
        names = [column.name for column in unit.columns][:PREVIEW_COLUMNS]
        rows = [[unit.data[name][row] for name in names] for row in range(min(PREVIEW_ROWS, len(unit.data)))]
        notes.show_rows(names, [measuring.shown(row) for row in rows])
    for column in unit.columns:
        name = column.name or "unnamed"
        values = np.asarray(unit.data[column.name]) if small and not notes.hurried else None
        _values(notes, name, column.unit or "", values)


def _values(notes: Notes, name: str, unit: str, values: Any, title: str = "") -> None:
    kind = getattr(getattr(values, "dtype", None), "kind", "O")
    shape = values.shape if values is not None else ()
    standard = measuring.standard_name(name)
    if kind in "iuf":
        ends, statistics = measuring.numbers(values)
        notes.variable(
            name,
            "number",
            unit=unit,
            title=title,
            shape=shape,
            ends=ends,
            statistics=statistics,
            standard_name=standard,
        )
    elif kind in "SUO" and values is not None:
        cells = [
            "" if np.ma.is_masked(cell) else str(cell)[:1000]
            for cell in np.ma.asanyarray(values).ravel()[:100_000]
        ]
        notes.variable(name, "text", unit=unit, title=title, shape=shape, statistics=measuring.texts(cells))
    else:
        notes.variable(name, {"b": "flag"}.get(kind, "other"), unit=unit, title=title, shape=shape)


def read_votable(path: Path, notes: Notes) -> None:
    """A VOTable: its fields with unit and meaning (UCD). One that tells of an error is told as such."""
    from astropy.io.votable import parse

    if notes.size_bytes > _LARGEST:
        notes.find("too-large", "warn", limit=_LARGEST)
        return
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        document = parse(str(path), verify="ignore")
    notes.fact("version", document.version)
    for info in (*document.infos, *(one for resource in document.resources for one in resource.infos)):
        if "ERROR" in (str(info.name).upper(), str(info.value).upper()):
            notes.find("error-inside", "warn", reason=str(info.content or info.value))
    tables = list(document.iter_tables())
    notes.fact("tables", len(tables))
    if not tables:
        notes.find("no-rows", "warn")
    for one in tables[:20]:
        notes.fact("rows" if "rows" not in notes.facts else f"rows_{one.ID}", len(one.array))
        for field in one.fields:
            title = str(field.description or field.ucd or "")
            _values(
                notes, field.name or field.ID or "unnamed", str(field.unit or ""), one.array[field.ID], title
            )
        if one is tables[0]:
            _where(notes, one)
            rows = [measuring.shown(row) for row in one.array[:8]]
            notes.show_rows([field.name for field in one.fields], rows)
    notes.warned(str(one.message) for one in told)


_MAIN = {
    "pos.eq.ra;meta.main": "ra",
    "pos.eq.dec;meta.main": "dec",
    "pos_eq_ra_main": "ra",
    "pos_eq_dec_main": "dec",
}
"""The main position by its UCD, of either edition."""


def _where(notes: Notes, table: Any) -> None:
    """The extent on the sky of a table whose fields say by their UCD which are the main position."""
    found = {}
    for field in table.fields:
        axis = _MAIN.get(str(field.ucd or "").lower())
        if axis and str(field.unit or "") == "deg":
            found[axis] = table.array[field.ID]
    if len(found) == 2 and all(one.dtype.kind == "f" for one in found.values()):
        _on_sky(notes, found["ra"], found["dec"])


def read_cds(path: Path, notes: Notes) -> None:
    """A table with the description of its bytes, as the CDS keeps them."""
    _ascii(path, notes, "ascii.cds")


def read_ipac(path: Path, notes: Notes) -> None:
    """A table of IPAC's form."""
    _ascii(path, notes, "ascii.ipac")


def read_sextractor(path: Path, notes: Notes) -> None:
    """A catalogue as SExtractor writes it."""
    _ascii(path, notes, "ascii.sextractor")


def _ascii(path: Path, notes: Notes, form: str) -> None:
    from astropy.table import Table

    if notes.size_bytes > _LARGEST // 4:
        notes.find("too-large", "warn", limit=_LARGEST // 4)
        return
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        table = Table.read(path, format=form, guess=False)
    notes.fact("rows", len(table))
    notes.fact("columns", len(table.colnames))
    for name in table.colnames:
        column = table[name]
        _values(
            notes, name, str(column.unit or ""), np.ma.asanyarray(column.data), str(column.description or "")
        )
    notes.show_rows(table.colnames, [measuring.shown(row) for row in table[:8]])
    notes.warned(str(one.message) for one in told)
