"""Sealed objects: what was changed, moved, cut or swapped does not open."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from madang.assets.content import sealing
from madang.assets.content.port import Objects, open_keys, open_objects
from madang.assets.errors import ContentMissing
from tests.conftest import Office

KEY = bytes(range(32))
SEGMENT = sealing.SEGMENT_BYTES
STEP = SEGMENT + 16


class Shelf:
    """Objects in memory."""

    def __init__(self, **held: bytes) -> None:
        self.held = held

    def get(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        return self.held[name][start : None if length is None else start + length]


def sealed(data: bytes, name: str = "a", key: bytes = KEY) -> bytes:
    return b"".join(sealing.seal(key, name, data))


@settings(max_examples=60, deadline=None)
@given(some.integers(0, 3 * SEGMENT + 5), some.integers(0, 3 * SEGMENT), some.integers(0, 2 * SEGMENT))
def test_every_part_of_what_was_sealed(size: int, start: int, length: int) -> None:
    data = os.urandom(size)
    whole = sealed(data)
    assert sealing.unseal(KEY, "a", whole) == data
    opened = sealing.Opened(Shelf(a=whole), KEY, "a", size)  # type: ignore[arg-type]
    assert opened.read(start, length) == data[start : start + length]
    assert opened.read(start, length) == data[start : start + length]


def swapped(whole: bytes) -> bytes:
    first, second = sealing.HEAD_BYTES, sealing.HEAD_BYTES + STEP
    return whole[:first] + whole[second : second + STEP] + whole[first:second] + whole[second + STEP :]


@pytest.mark.parametrize(
    "spoilt",
    [
        lambda whole: whole[:-1],
        lambda whole: whole[: sealing.HEAD_BYTES + 2 * STEP],  # whole segments, but not the last
        lambda whole: whole + b"\0",
        lambda whole: swapped(whole),
        lambda whole: bytes([whole[0] ^ 1]) + whole[1:],
        lambda whole: whole[:10] + bytes([whole[10] ^ 1]) + whole[11:],
        lambda whole: whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:],
        lambda whole: b"",
    ],
)
def test_what_was_changed_does_not_open(spoilt) -> None:  # type: ignore[no-untyped-def]
    whole = sealed(os.urandom(3 * SEGMENT - 100))
    with pytest.raises(ContentMissing):
        sealing.unseal(KEY, "a", spoilt(whole))


def test_another_key_or_name_does_not_open() -> None:
    whole = sealed(b"bytes")
    for key, name in ((bytes(32), "a"), (KEY, "b")):
        with pytest.raises(ContentMissing):
            sealing.unseal(key, name, whole)


def test_equal_bytes_are_never_sealed_alike() -> None:
    assert sealed(b"bytes") != sealed(b"bytes")


def test_a_destroyed_key_is_overwritten_and_gone(office: Office) -> None:
    keys = open_keys(office.home)
    key = keys.make("hld-x")
    path = office.home.path / office.home.values.keys_folder / "hld-x"
    assert path.read_bytes() == key == keys.get("hld-x")
    with path.open("rb") as held:  # whoever has the file open sees what its blocks hold now
        keys.destroy("hld-x")
        assert held.read() != key
    assert keys.get("hld-x") is None
    keys.destroy("hld-x")


def objects_hold(objects: Objects) -> None:
    """What every engine for bytes must do."""
    objects.put("some/a", [b"one", b"two"])
    objects.put("some/b", [])
    assert objects.get("some/a") == b"onetwo"
    assert objects.get("some/a", 2, 3) == b"etw"
    assert objects.get("some/a", 4, 100) == b"wo"
    assert objects.get("some/a", 4) == b"wo"
    assert objects.get("some/a", 100, 5) == b""
    assert objects.get("some/b") == b""
    objects.put("some/a", [b"other"])
    assert objects.get("some/a") == b"other"
    assert list(objects.names("some/")) == ["some/a", "some/b"]
    assert list(objects.names("none/")) == []
    for name in ("some/a", "some/b", "some/a"):
        objects.delete(name)
    assert list(objects.names("some/")) == []
    with pytest.raises(ContentMissing):
        objects.get("some/a")
    with pytest.raises(ContentMissing):
        objects.get("some/a", 1, 2)


def test_objects_in_files(office: Office) -> None:
    objects_hold(open_objects(office.home))
    assert not Path(office.home.path, "content/some").exists()
