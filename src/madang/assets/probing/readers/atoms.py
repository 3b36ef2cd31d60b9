"""Structures of atoms: CIF, POSCAR, XYZ."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np

from madang.assets.probing import measuring
from madang.assets.probing.notes import Notes

_LARGEST = 32 * 2**20
_LONGEST_LINE = 2**16


def read_cif(path: Path, notes: Notes) -> None:
    """A crystallographic information file."""
    _structure(path, notes, "cif")


def read_poscar(path: Path, notes: Notes) -> None:
    """VASP's POSCAR; that of VASP 4 does not say which species its atoms are: they are X."""
    with path.open(encoding="utf-8", errors="replace") as text:
        head = [text.readline(_LONGEST_LINE) for _ in range(6)]
        counts = head[5].split()
        if not counts or not all(count.isdecimal() for count in counts):
            _structure(path, notes, "vasp")
            return
        notes.find("species-absent", "warn")
        named = [*head[:5], " ".join("X" for _ in counts) + "\n", head[5], text.read(_LARGEST)]
        _structure(io.StringIO("".join(named)), notes, "vasp")


def read_xyz(path: Path, notes: Notes) -> None:
    """XYZ, with the properties that its extended form names."""
    _structure(path, notes, "extxyz")


def _structure(source: Path | io.StringIO, notes: Notes, form: str) -> None:
    from ase.io import read

    if notes.size_bytes > _LARGEST:
        notes.find("too-large", "warn", limit=_LARGEST)
        return
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        atoms = read(source, index=0, format=form)
    notes.fact("formula", atoms.get_chemical_formula(empirical=len(atoms) > 500))
    notes.fact("atoms", len(atoms))
    cell = atoms.cell.cellpar()
    if atoms.cell.rank == 3:
        for name, value in zip(
            ("a_angstrom", "b_angstrom", "c_angstrom", "alpha_deg", "beta_deg", "gamma_deg"),
            cell,
            strict=True,
        ):
            notes.fact(name, round(float(value), 6))
        notes.fact("volume_cubic_angstrom", round(float(atoms.get_volume()), 4))
    if "spacegroup" in atoms.info:
        notes.fact("space_group", atoms.info["spacegroup"].symbol)
    for name, values in atoms.arrays.items():
        if values.dtype.kind in "iuf":
            ends, statistics = measuring.numbers(np.asarray(values))
            notes.variable(
                name,
                "number",
                unit="angstrom" if name == "positions" else "",
                shape=values.shape,
                ends=ends,
                statistics=statistics,
            )
    symbols = atoms.get_chemical_symbols()
    notes.variable("species", "text", shape=(len(atoms),), statistics=measuring.texts(symbols))
    notes.show_rows(
        ("symbol", "x", "y", "z"),
        [(s, *measuring.shown(p)) for s, p in zip(symbols[:8], atoms.positions[:8], strict=True)],
    )
    notes.warned((str(one.message) for one in told), "info")
