"""A small DICOM file for tests; what it says goes by its name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom


def dicom(path: Path) -> None:
    """An 8 by 8 CT; see the names in test_medicine.py."""
    data = pydicom.Dataset()
    data.PatientName, data.Modality, data.Rows, data.Columns = "Hong^Gildong", "CT", 8, 8
    data.BitsAllocated = data.BitsStored = 16
    data.HighBit, data.PixelRepresentation, data.SamplesPerPixel = 15, 0, 1
    data.PhotometricInterpretation, data.RescaleType = "MONOCHROME2", "HU"
    data.RescaleSlope, data.RescaleIntercept = 1, -1024
    data.PixelData = np.arange(64, dtype="<u2").tobytes()
    data.file_meta = pydicom.dataset.FileMetaDataset()
    data.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    if "nobody" in path.name:
        del data.PatientName
    data.BurnedInAnnotation = "YES" if "burned" in path.name else "NO"
    if "silent" in path.name:
        del data.BurnedInAnnotation
    if "face" in path.name:
        data.RecognizableVisualFeatures = "YES"
    if "removed" in path.name:
        data.PatientName, data.PatientIdentityRemoved = "Case 7", "YES"
    if "inside" in path.name:
        data.RequestAttributesSequence = [pydicom.Dataset()]
        data.RequestAttributesSequence[0].PatientComments = "Hong Gildong"
    if "huge" in path.name:
        data.Rows = data.Columns = 9000
    if "torn" in path.name:
        data.PixelData = data.PixelData[:60]
    data.save_as(path, enforce_file_format=False)
    content = path.read_bytes()
    path.write_bytes(content if content[128:132] == b"DICM" else b"\0" * 128 + b"DICM" + content)
