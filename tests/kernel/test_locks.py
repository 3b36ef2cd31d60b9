"""Locks: one of several at a time, and whoever waits has the first that is let go."""

from __future__ import annotations

import threading
from pathlib import Path

from madang.kernel.locks import alone, is_held, one_of


def test_a_lock_is_held_by_one(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert not is_held(path)
    with alone(path):
        assert is_held(path)
    assert not is_held(path)


def test_as_many_hold_one_as_there_are(tmp_path: Path) -> None:
    paths = [tmp_path / "a", tmp_path / "b"]
    with one_of(paths, 0) as first, one_of(paths, 0) as second, one_of(paths, 0) as third:
        assert {first, second} == set(paths)
        assert third is None
    with one_of(paths, 0) as again:
        assert again == paths[0]


def test_who_waits_has_what_is_let_go(tmp_path: Path) -> None:
    had: list[Path | None] = []

    def wait() -> None:
        with one_of([tmp_path / "a"], 30) as mine:
            had.append(mine)

    waiting = threading.Thread(target=wait)
    with one_of([tmp_path / "a"], 0):
        waiting.start()
        waiting.join(0.2)
        assert not had
    waiting.join(30)
    assert had == [tmp_path / "a"]
