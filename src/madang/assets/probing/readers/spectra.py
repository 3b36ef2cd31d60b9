"""Mass spectra, what was identified in them, and sequences."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from madang.assets.probing import measuring
from madang.assets.probing.notes import PREVIEW_ROWS, Notes

_MOST = 20_000


def read_mzml(path: Path, notes: Notes) -> None:
    """Spectra in mzML."""
    from pyteomics import mzml

    with mzml.MzML(str(path), use_index=False, iterative=True) as spectra:
        _spectra(notes, spectra)


def read_mzxml(path: Path, notes: Notes) -> None:
    """Spectra in mzXML."""
    from pyteomics import mzxml

    with mzxml.MzXML(str(path), use_index=False, iterative=True) as spectra:
        _spectra(notes, spectra)


def read_mgf(path: Path, notes: Notes) -> None:
    """Spectra in Mascot's generic format."""
    from pyteomics import mgf

    with mgf.MGF(str(path)) as spectra:
        _spectra(notes, spectra)


def read_ms2(path: Path, notes: Notes) -> None:
    """Spectra in MS2."""
    from pyteomics import ms2

    with ms2.MS2(str(path)) as spectra:
        _spectra(notes, spectra)


def _spectra(notes: Notes, spectra: Iterable[Any]) -> None:
    masses: list[Any] = []
    heights: list[Any] = []
    levels: dict[str, int] = {}
    times: list[float] = []
    first: list[tuple[Any, ...]] = []
    count = values = 0
    for one in _until(notes, spectra):
        count += 1
        masses.append(np.asarray(one.get("m/z array", ()), float))
        heights.append(np.asarray(one.get("intensity array", ()), float))
        level = str(one.get("ms level", one.get("msLevel", "")))
        levels[level] = levels.get(level, 0) + 1
        time = _time(one)
        times += [time] if time is not None else []
        first += [(level, time, *_in_short(masses[-1], heights[-1]))] if count <= PREVIEW_ROWS else []
        values += len(masses[-1])
        if values > measuring.MOST_VALUES:
            notes.find("not-whole", "info", rows=count)
            break
    notes.fact("spectra_read" if notes.cut else "spectra", count)
    for level, many in sorted(levels.items()):
        notes.fact(f"ms{level}_spectra" if level else "spectra_without_level", many)
    for name, arrays, unit in (("m/z", masses, ""), ("intensity", heights, "")):
        ends, statistics = measuring.numbers(np.concatenate(arrays) if arrays else np.array([]))
        notes.variable(name, "number", unit=unit, ends=ends, statistics=statistics)
    if times:
        ends, statistics = measuring.numbers(np.array(times))
        notes.variable("retention time", "number", unit="min", ends=ends, statistics=statistics)
    if not count:
        notes.find("no-rows", "warn")
    heads = ("level", "retention time (min)", "peaks", "m/z from", "m/z to", "base peak m/z", "intensity")
    notes.show_rows(heads, [measuring.shown("" if cell is None else cell for cell in row) for row in first])


def _in_short(masses: NDArray[Any], heights: NDArray[Any]) -> tuple[Any, ...]:
    """(peaks, lowest and highest mass, the strongest peak's mass and height) of a spectrum."""
    if not len(masses) or len(masses) != len(heights):
        return (len(masses), None, None, None, None)
    base = int(heights.argmax())
    return (len(masses), masses.min(), masses.max(), masses[base], heights[base])


def _time(one: Any) -> float | None:
    """Minutes from the start of the run."""
    told = one.get("retentionTime")
    if told is None:
        scans = (one.get("scanList") or {}).get("scan") or [{}]
        told = scans[0].get("scan start time")
    unit = getattr(told, "unit_info", None)
    try:
        value = float(told)
    except (TypeError, ValueError):
        return None
    return value / 60 if unit == "second" else value


def _until(notes: Notes, found: Iterable[Any]) -> Iterator[Any]:
    for count, one in enumerate(found, 1):
        yield one
        if count >= _MOST or notes.hurried:
            notes.find("not-whole", "info", rows=count)
            return


def read_mzidentml(path: Path, notes: Notes) -> None:
    """Identifications in mzIdentML."""
    from pyteomics import mzid

    with mzid.MzIdentML(str(path), use_index=False, retrieve_refs=False, iterative=True) as found:
        _identified(
            notes, found, "SpectrumIdentificationItem", ("spectrumID", "peptide_ref", "chargeState", "rank")
        )


def read_pepxml(path: Path, notes: Notes) -> None:
    """Identifications in pepXML."""
    from pyteomics import pepxml

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pepxml.PepXML(str(path), use_index=False, iterative=True) as found:
            _identified(notes, found, "search_hit", ("spectrum", "peptide", "assumed_charge", "hit_rank"))


def _identified(notes: Notes, found: Iterable[Any], key: str, shown: Sequence[str]) -> None:
    """key: of a spectrum's identifications. shown: what of both a preview tells."""
    count = hits = 0
    first: list[list[Any]] = []
    for one in _until(notes, found):
        count += 1
        told = one.get(key) or ()
        hits += len(told)
        for hit in told if len(first) < PREVIEW_ROWS else ():
            first.append([hit.get(name, one.get(name, "")) for name in shown])
    notes.show_rows(shown, first)
    notes.fact("spectra", count)
    notes.fact("identifications", hits)
    notes.variable("identification", "other", shape=(hits,))


def read_fasta(path: Path, notes: Notes) -> None:
    """Sequences in FASTA or PEFF."""
    from pyteomics import fasta

    lengths: list[int] = []
    first: list[tuple[str, str]] = []
    signs: set[str] = set()
    with fasta.FASTA(str(path)) as found:
        for title, sequence in _until(notes, found):
            if not lengths and title.startswith("# PEFF"):  # what stands above its first entry
                continue
            lengths.append(len(sequence))
            signs |= set(sequence[:1000].upper())
            first += [(title, sequence[:80])] if len(first) < 8 else []
    notes.fact("sequences", len(lengths))
    if lengths:
        notes.fact("kind", "nucleotides" if signs <= set("ACGTUN-") else "amino acids")
        ends, statistics = measuring.numbers(np.array(lengths))
        notes.variable("length", "number", ends=ends, statistics=statistics)
    else:
        notes.find("no-rows", "warn")
    notes.show_rows(("name", "sequence"), first)
