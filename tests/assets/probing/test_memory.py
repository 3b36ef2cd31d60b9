"""A file is read the same beside others as alone, where memory that others left would not do."""

from __future__ import annotations

from pathlib import Path

import pytest

from madang.assets.probing import worker


def test_a_worker_that_read_before_lets_another_try(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = dict.fromkeys(("path", "format", "reader", "extra"), "x") | {
        "file": str(tmp_path / "a"), "size_bytes": 1,
    }  # fmt: skip
    for error in (MemoryError(), OSError("Couldn't deserialize thrift: std::bad_alloc")):

        def read(_path: Path, _notes: object, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(worker, "load_object", lambda *_, read=read: read)
        report = worker.look(asked, 5)
        assert [one["check"] for one in report["findings"]] == ["too-much-memory"]
        with pytest.raises(MemoryError):
            worker.look(asked, 5, fresh=False)
