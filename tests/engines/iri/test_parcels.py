"""Parcels: what was packed, and no index that says nothing sensible."""

from __future__ import annotations

from pathlib import Path

import pytest

from madang.engines.iri import parcels
from madang.kernel.archives import ArchiveRefused


@pytest.mark.parametrize(
    "index",
    [
        b"", b"{}", b'{"parts": 1}', b'{"parts": [], "text": true}', b"[" * 100_000,
        b'{"parts": [{"name": "../x", "size": 1, "sha256": ""}], "text": true, "facts": {}}',
        b'{"parts": [{"name": "000001", "size": 1, "sha256": ""}], "text": true, "facts": {}}',
    ],
    ids=range(7),
)  # fmt: skip
def test_an_index_that_says_nothing_sensible_is_refused(index: bytes) -> None:
    with pytest.raises(ArchiveRefused):
        parcels.read_index(index)


def test_parcels_hold_what_was_packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parcels, "PART_BYTES", 1000)
    source = tmp_path / "source"
    (source / "deep" / "er").mkdir(parents=True)
    (source / "deep" / "er" / "한글").write_bytes(bytes(range(256)) * 20)
    (source / "empty").write_bytes(b"")
    (source / "twin").hardlink_to(source / "empty")
    for text in (False, True):
        made = parcels.pack(
            {"a": source, "absent": tmp_path / "absent"},
            tmp_path / str(text),
            text=text,
            facts=lambda: {"more": 1},
        )
        read = parcels.read_index((tmp_path / str(text) / parcels.INDEX).read_bytes())
        assert read == made or read.facts == {"more": 1}
        out = tmp_path / f"out-{text}"
        out.mkdir()
        parcels.unpack(read, tmp_path / str(text), out, 10**5, 10)
        assert (out / "a" / "deep" / "er" / "한글").read_bytes() == bytes(range(256)) * 20
        assert (out / "a" / "twin").read_bytes() == b""
        (tmp_path / "other").mkdir(exist_ok=True)
        (tmp_path / str(text) / "000002").write_bytes(b"x" * made.parts[2].size)
        with pytest.raises(ArchiveRefused):
            parcels.unpack(read, tmp_path / str(text), tmp_path / "other", 10**5, 10)
