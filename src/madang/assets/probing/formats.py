"""The readers by format: ours, and those that packs add. A reader is ``(path, notes) -> None``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from madang.assets.probing import sniffing
from madang.assets.probing.notes import Notes
from madang.kernel import extension

_READERS = "madang.assets.probing.readers"


@dataclass(frozen=True)
class Reader:
    """Where a format's reader is, and the extra with what it needs."""

    reference: str
    extra: str = "science"


@dataclass(frozen=True)
class PackReader:
    """What a pack offers under ``probes``: a format that only its field knows.

    recognizes: (name, first bytes) -> whether a file is one. read: ``"module:function"``.
    """

    recognizes: Callable[[str, bytes], bool]
    read: str


Read = Callable[[Path, Notes], None]

READERS: Mapping[str, Reader] = {
    "table": Reader(f"{_READERS}.tables:read_delimited"),
    "parquet": Reader(f"{_READERS}.columnar:read_parquet"),
    "arrow": Reader(f"{_READERS}.columnar:read_arrow"),
    "json": Reader(f"{_READERS}.documents:read_json"),
    "markup": Reader(f"{_READERS}.documents:read_markup"),
    "svg": Reader(f"{_READERS}.documents:read_svg"),
    "text": Reader(f"{_READERS}.documents:read_text"),
    "xls": Reader(f"{_READERS}.columnar:read_old_workbook"),
    "zip": Reader(f"{_READERS}.packed:read_zip"),
    "tar": Reader(f"{_READERS}.packed:read_tar"),
    "gzip": Reader(f"{_READERS}.packed:read_gzip"),
    "pickle": Reader(f"{_READERS}.packed:read_pickle"),
    "npy": Reader(f"{_READERS}.arrays:read_npy"),
    "netcdf": Reader(f"{_READERS}.arrays:read_netcdf"),
    "hdf5": Reader(f"{_READERS}.hdf5:read_hdf5"),
    "zarr": Reader(f"{_READERS}.arrays:read_zarr"),
    "fits": Reader(f"{_READERS}.sky:read_fits"),
    "votable": Reader(f"{_READERS}.sky:read_votable"),
    "cds": Reader(f"{_READERS}.sky:read_cds"),
    "ipac": Reader(f"{_READERS}.sky:read_ipac"),
    "sextractor": Reader(f"{_READERS}.sky:read_sextractor"),
    "tiff": Reader(f"{_READERS}.pictures:read_tiff"),
    "image": Reader(f"{_READERS}.pictures:read_image"),
    "dicom": Reader(f"{_READERS}.medicine:read_dicom"),
    "cif": Reader(f"{_READERS}.atoms:read_cif"),
    "poscar": Reader(f"{_READERS}.atoms:read_poscar"),
    "xyz": Reader(f"{_READERS}.atoms:read_xyz"),
    "mzml": Reader(f"{_READERS}.spectra:read_mzml"),
    "mzxml": Reader(f"{_READERS}.spectra:read_mzxml"),
    "mzidentml": Reader(f"{_READERS}.spectra:read_mzidentml"),
    "pepxml": Reader(f"{_READERS}.spectra:read_pepxml"),
    "mgf": Reader(f"{_READERS}.spectra:read_mgf"),
    "ms2": Reader(f"{_READERS}.spectra:read_ms2"),
    "fasta": Reader(f"{_READERS}.spectra:read_fasta"),
    "peff": Reader(f"{_READERS}.spectra:read_fasta"),
}
"""Formats without a reader (as "pdf", "office", "7z", "unknown") are named and not opened."""


def name_format(name: str, head: bytes, size: int) -> str:
    """The format of a file: a pack's where one recognizes it, else by its first bytes."""
    for pack in extension.packs().values():
        for form, reference in pack.probes.items():
            offered: PackReader = extension.load_object(reference)
            if offered.recognizes(name, head):
                return f"{pack.name}/{form}"
    return sniffing.name_format(name, head, size)


def reader(form: str) -> Reader | None:
    """The reader of a format; None where there is none."""
    if "/" not in form:
        return READERS.get(form)
    offered: PackReader = extension.pack_part("probes", form)
    return Reader(offered.read, extension.packs()[form.partition("/")[0]].extra or "science")
