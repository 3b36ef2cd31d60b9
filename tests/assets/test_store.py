"""The content store and what is let into it."""

from __future__ import annotations

import os
import subprocess
from io import BytesIO
from pathlib import Path

import blake3
import pytest

from madang.assets import ingest
from madang.assets.errors import ContentMissing, EmptyDeposit, NameTwins, TooLarge, UnsafeFile
from madang.assets.store import File, Manifest, open_store, place_all
from madang.kernel.errors import DiskFull, FileMissing
from tests.conftest import Office


def test_what_is_stored_is_read_back_and_hashed(office: Office) -> None:
    store = open_store(office.home)
    data = os.urandom(3_000_000)
    blob = store.put(BytesIO(data))
    assert (blob.digest, blob.size) == (blake3.blake3(data).hexdigest(), len(data))
    assert store.read(blob.digest) == data
    assert store.put(BytesIO(data)) == blob
    assert store.intact(blob.digest)


def test_rotten_and_missing_bytes_are_told(office: Office) -> None:
    store = open_store(office.home)
    blob = store.put(BytesIO(b"whole"))
    path = office.home.path / "content" / blob.digest[:2] / blob.digest[2:]
    path.chmod(0o644)
    path.write_bytes(b"rotten")
    assert not store.intact(blob.digest)
    for digest in (blob.digest, "0" * 64):
        with pytest.raises(ContentMissing):
            store.read(digest)


@pytest.fixture
def tiny_disk(office: Office) -> Path:
    """The content folder on a file system of 1 MiB (needs the right to mount)."""
    folder = office.home.path / "content"
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if done.returncode != 0:
        pytest.skip("mounting is not permitted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_told_and_leaves_nothing_behind(office: Office, tiny_disk: Path) -> None:
    store = open_store(office.home)
    kept = store.put(BytesIO(b"small"))
    with pytest.raises(DiskFull) as caught:
        store.put(BytesIO(os.urandom(4_000_000)))
    assert caught.value.exit_code == 3
    assert list((tiny_disk / "incoming").iterdir()) == []
    assert store.read(kept.digest) == b"small"
    assert store.put(BytesIO(b"more")).size == 4


def test_a_limit_stops_while_reading(office: Office) -> None:
    with pytest.raises(TooLarge):
        open_store(office.home).put(BytesIO(bytes(10_000_000)), limit=1_000_000)


def test_manifests_are_sorted_and_equal_for_equal_content(tmp_path: Path, office: Office) -> None:
    store = open_store(office.home)
    for name in ("one", "two"):
        (tmp_path / name / "sub").mkdir(parents=True)
        for file in ("b", "a", "sub/c"):
            (tmp_path / name / file).write_text(file)
    first, blob = ingest.store_folder(store, tmp_path / "one")
    second, other = ingest.store_folder(store, tmp_path / "two")
    assert [file.path for file in first.files] == ["a", "b", "sub/c"]
    assert (first, blob) == (second, other)
    assert Manifest.from_bytes(first.to_bytes()) == first
    place_all(store, first, tmp_path / "out", link=True)
    assert (tmp_path / "out/sub/c").read_text() == "sub/c"


def test_hangul_names_are_compared_in_one_form_and_kept_in_the_original(
    tmp_path: Path, office: Office
) -> None:
    store = open_store(office.home)
    composed, decomposed = "\uac00.txt", "\u1100\u1161.txt"
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / decomposed).write_text("x")
    manifest, _ = ingest.store_folder(store, tmp_path / "d")
    assert manifest.files[0] == File(composed, 1, manifest.files[0].digest, decomposed)
    (tmp_path / "d" / composed).write_text("y")
    with pytest.raises(NameTwins):
        ingest.store_folder(store, tmp_path / "d")


@pytest.mark.parametrize("plant", ["file-link", "folder-link", "fifo", "socket"])
def test_only_regular_files_are_let_in(tmp_path: Path, office: Office, plant: str) -> None:
    folder = tmp_path / "d"
    folder.mkdir()
    (folder / "a").write_text("a")
    if plant == "file-link":
        (folder / "x").symlink_to("/etc/passwd")
    elif plant == "folder-link":
        (folder / "x").symlink_to("/etc")
    elif plant == "fifo":
        os.mkfifo(folder / "x")
    else:
        os.mknod(folder / "x", 0o140644)
    with pytest.raises(UnsafeFile):
        ingest.store_folder(open_store(office.home), folder)


def test_empty_and_absent_folders(tmp_path: Path, office: Office) -> None:
    store = open_store(office.home)
    (tmp_path / "d").mkdir()
    with pytest.raises(EmptyDeposit):
        ingest.store_folder(store, tmp_path / "d")
    (tmp_path / "link").symlink_to(tmp_path / "d")
    for name in ("none", "link"):
        with pytest.raises(FileMissing):
            ingest.store_folder(store, tmp_path / name)


def test_too_many_files(tmp_path: Path, office: Office) -> None:
    for number in range(5):
        (tmp_path / f"{number}").write_text("x")
    with pytest.raises(TooLarge):
        ingest.store_folder(open_store(office.home), tmp_path, file_limit=4)
