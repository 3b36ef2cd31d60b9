"""DICOM: what an instrument says of a picture; whose body it is, is told as a finding and never shown."""

from __future__ import annotations

import warnings
from pathlib import Path

from madang.assets.probing.notes import Notes

_PERSONAL = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientAddress", "OtherPatientIDs",
    "ReferringPhysicianName", "PatientTelephoneNumbers",
)  # fmt: skip
_TOLD = (
    "Modality",
    "Manufacturer",
    "BodyPartExamined",
    "StudyDate",
    "SpecificCharacterSet",
    "PhotometricInterpretation",
)


def read_dicom(path: Path, notes: Notes) -> None:
    """A DICOM file without its pixels."""
    import pydicom

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        data = pydicom.dcmread(path, stop_before_pixels=True, force=True, defer_size=2**20)
        if not len(data) and not len(data.file_meta):
            notes.find("unreadable", "warn", reason="no DICOM element")
            return
        for name in _TOLD:
            notes.fact(name.lower(), data.get(name))
        personal = [name for name in _PERSONAL if str(data.get(name) or "").strip()]
        rows, columns, frames = (_whole(data.get(name)) for name in ("Rows", "Columns", "NumberOfFrames"))
    if personal:
        notes.find("personal-data", "warn", fields=", ".join(personal))
    if rows and columns:
        shape = (frames, rows, columns) if frames and frames > 1 else (rows, columns)
        notes.variable("pixels", "picture", shape=shape)
    syntax = getattr(getattr(data, "file_meta", None), "TransferSyntaxUID", None)
    notes.fact("transfer_syntax", syntax.name if syntax is not None else None)
    notes.warned(str(one.message).partition("\n")[0] for one in told)


def _whole(value: object) -> int:
    try:
        return max(0, int(str(value)))
    except ValueError:
        return 0
