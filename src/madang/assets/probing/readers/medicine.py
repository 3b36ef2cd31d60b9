"""DICOM: what an instrument says of a picture. Whose body it is, is told as a finding and never shown, and
neither is the picture of anybody who is named."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from madang.assets.probing import measuring
from madang.assets.probing.notes import Notes
from madang.assets.probing.readers.pictures import MOST_PIXELS, picture

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
    """A DICOM file: its elements, and its first frame measured."""
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
        if rows and columns:
            shape = (frames, rows, columns) if frames and frames > 1 else (rows, columns)
            burned = str(data.get("BurnedInAnnotation") or "").upper() == "YES"
            _pixels(path, notes, data, shape, shown=not (personal or burned))
    if personal:
        notes.find("personal-data", "warn", fields=", ".join(personal))
    syntax = getattr(getattr(data, "file_meta", None), "TransferSyntaxUID", None)
    notes.fact("transfer_syntax", syntax.name if syntax is not None else None)
    notes.warned(str(one.message).partition("\n")[0] for one in told)


def _pixels(path: Path, notes: Notes, data: Any, shape: tuple[int, ...], shown: bool) -> None:
    """The first frame in the units of its modality (Hounsfield's for CT), where it can be unpacked."""
    from pydicom.pixels import apply_rescale, pixel_array

    try:
        if shape[-1] * shape[-2] > MOST_PIXELS:
            raise ValueError(f"more than {MOST_PIXELS} pixels")
        step = max(1, int((shape[-1] * shape[-2] / measuring.MOST_VALUES) ** 0.5))
        frame = apply_rescale(pixel_array(path, index=0)[::step, ::step], data)
        ends, statistics = measuring.numbers(frame)
    except MemoryError:
        raise
    except Exception as error:  # decoders raise whatever a stranger's pixels made them stumble over
        notes.find("pixels-unread", "info", reason=(str(error) or type(error).__name__)[:200])
        notes.variable("pixels", "picture", shape=shape)
        return
    unit = str(data.get("RescaleType") or "US")  # US: unspecified
    notes.variable(
        "pixels", "picture", unit="" if unit == "US" else unit, shape=shape, ends=ends, statistics=statistics
    )
    if shown:
        plane = frame.mean(axis=2) if frame.ndim == 3 else frame
        dark = str(data.get("PhotometricInterpretation")) == "MONOCHROME1"
        notes.show_picture(picture(-1.0 * plane if dark else plane))


def _whole(value: object) -> int:
    try:
        return max(0, int(str(value)))
    except ValueError:
        return 0
