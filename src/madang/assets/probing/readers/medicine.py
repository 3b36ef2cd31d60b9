"""DICOM: what an instrument says of a picture. Whose body it is, is told as a finding and never shown, and
neither is the picture itself unless the file says that nobody can be known by it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from madang.assets.probing import measuring
from madang.assets.probing.notes import Notes
from madang.assets.probing.readers.pictures import picture

_PERSONAL = frozenset(
    {
        "PatientID", "PatientBirthDate", "PatientAddress", "OtherPatientIDs", "PatientTelephoneNumbers",
        "PatientComments", "AdditionalPatientHistory", "MedicalRecordLocator", "AccessionNumber",
        "PatientTelecomInformation", "PersonTelephoneNumbers", "PersonAddress", "MilitaryRank",
    }
)  # fmt: skip
"""Elements by which one knows a person, beside every person's name (their type is PN)."""
_TOLD = (
    "Modality",
    "Manufacturer",
    "BodyPartExamined",
    "StudyDate",
    "SpecificCharacterSet",
    "PhotometricInterpretation",
)
_MOST_ELEMENTS = 20_000
_MOST_BYTES = 64 * 2**20
_MOST_PACKED_BYTES = 8 * 2**20
"""Of a frame that is measured; packed ones take a decoder's time."""


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
        syntax = getattr(getattr(data, "file_meta", None), "TransferSyntaxUID", None)
        notes.fact("transfer_syntax", syntax.name if syntax is not None else None)
        personal = list(dict.fromkeys(_personal(data)))
        if personal:
            notes.find("personal-data", "warn", fields=", ".join(personal[:20]))
        rows, columns, frames = (_whole(data.get(name)) for name in ("Rows", "Columns", "NumberOfFrames"))
        if rows and columns:
            shape = (frames, rows, columns) if frames and frames > 1 else (rows, columns)
            _pixels(path, notes, data, shape, shown=_may_be_shown(data, personal))
    notes.warned(str(one.message).partition("\n")[0] for one in told)


def _personal(data: Any) -> Iterator[str]:
    """Names of elements that tell of a person, those in sequences too."""
    for element in islice(data.iterall(), _MOST_ELEMENTS):
        if (element.VR == "PN" or element.keyword in _PERSONAL) and str(element.value or "").strip():
            yield element.keyword or f"({element.tag})"


def _may_be_shown(data: Any, personal: list[str]) -> bool:
    """Where it says that identities were removed, or names nobody and says that nothing is burned in."""
    burned, removed, known = (
        str(data.get(name) or "").strip().upper()
        for name in ("BurnedInAnnotation", "PatientIdentityRemoved", "RecognizableVisualFeatures")
    )
    if "YES" in (burned, known):
        return False
    return removed == "YES" or (not personal and burned == "NO")


def _pixels(path: Path, notes: Notes, data: Any, shape: tuple[int, ...], shown: bool) -> None:
    """The first frame in the units of its modality (Hounsfield's for CT), where it can be unpacked."""
    try:
        frame = _frame(path, data, shape)
    except Exception as error:  # decoders raise whatever a stranger's pixels made them stumble over
        notes.find("pixels-unread", "info", reason=(str(error) or type(error).__name__)[:200])
        frame = None
    if frame is None:
        notes.variable("pixels", "picture", shape=shape)
        return
    ends, statistics = measuring.numbers(frame)
    scaled = "RescaleSlope" in data or "ModalityLUTSequence" in data
    unit = str(data.get("RescaleType") or "US") if scaled else "US"  # US: unspecified
    notes.variable(
        "pixels", "picture", unit="" if unit == "US" else unit, shape=shape, ends=ends, statistics=statistics
    )
    if shown:
        plane = frame.mean(axis=2) if frame.ndim == 3 else frame
        dark = str(data.get("PhotometricInterpretation")) == "MONOCHROME1"
        notes.show_picture(picture(-1.0 * plane if dark else plane))


def _frame(path: Path, data: Any, shape: tuple[int, ...]) -> Any:
    """The first frame, thinned out, without what pads it; None where its numbers are places in a palette.
    ValueError where it is too large."""
    from pydicom.pixels import apply_rescale, pixel_array

    if str(data.get("PhotometricInterpretation")) == "PALETTE COLOR":
        return None
    samples, bits = _whole(data.get("SamplesPerPixel")) or 1, _whole(data.get("BitsAllocated")) or 8
    size = shape[-1] * shape[-2] * samples * -(-bits // 8)
    packed = getattr(data.file_meta.get("TransferSyntaxUID"), "is_compressed", True)
    most = _MOST_PACKED_BYTES if packed else _MOST_BYTES
    if size > most:
        raise ValueError(f"a frame of {size} bytes; {most} at most are measured")
    step = max(1, int((shape[-1] * shape[-2] / measuring.MOST_VALUES) ** 0.5))
    plain = pixel_array(path, index=0)[::step, ::step]
    padding = data.get("PixelPaddingValue")
    empty = plain == padding if isinstance(padding, int) else np.ma.nomask
    return np.ma.array(apply_rescale(plain, data), mask=empty)


def _whole(value: object) -> int:
    try:
        return max(0, int(str(value)))
    except ValueError:
        return 0
