"""Pictures of bodies: measured, and shown only where nobody can be known by them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.assets.probing.dicom import dicom
from tests.assets.probing.looking import odd, one


@pytest.mark.parametrize(
    ("name", "shown", "found"),
    [
        ("scan", False, {"personal-data"}), ("nobody", True, set()), ("nobody-burned", False, set()),
        ("nobody-torn", False, {"pixels-unread"}), ("nobody-silent", False, set()),
        ("nobody-face", False, set()), ("removed", True, {"personal-data"}),
        ("nobody-inside", False, {"personal-data"}), ("huge", False, {"personal-data", "pixels-unread"}),
    ],
)  # fmt: skip
def test_a_picture_of_a_body_only_where_nobody_is_named(
    tmp_path: Path, name: str, shown: bool, found: set[str]
) -> None:
    path = tmp_path / f"{name}.dcm"
    dicom(path)
    report = one(path)
    assert bool(report.preview.picture) == shown
    assert odd(report) >= found
