"""What is let into a version, and how storing it goes on where it was cut off."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import blake3
import pytest
from hypothesis import given
from hypothesis import strategies as some

from madang.assets import ingest
from madang.assets import service as assets
from madang.assets.content import drafts, holdings, orphans, packing, sealing
from madang.assets.content.drafts import Limits
from madang.assets.content.manifest import File, Manifest
from madang.assets.content.model import Stored
from madang.assets.content.port import open_keys
from madang.assets.errors import (
    ContentMissing,
    EmptyDeposit,
    FileChanged,
    NameNoText,
    NameTwins,
    TooLarge,
    UnsafeFile,
)
from madang.engines.file import Files
from madang.kernel import clock
from madang.kernel.canonical import canonical_bytes
from madang.kernel.errors import DiskFull, FileMissing, FileTrouble
from madang.kernel.home import Home
from tests.conftest import Office

PACK = 96 * 1024


@pytest.fixture
def small_packs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Packs and segments so small that a few files fill many."""
    monkeypatch.setattr(packing, "PACK_BYTES", PACK)
    monkeypatch.setattr(sealing, "SEGMENT_BYTES", 16 * 1024)
    monkeypatch.setattr(drafts, "_WHOLE_BYTES", 8 * 1024)
    monkeypatch.setattr(drafts, "_PIECE_BYTES", 10_000)
    monkeypatch.setattr(drafts, "_LINE_SECONDS", 0)


def files_in(folder: Path) -> dict[str, bytes]:
    found = (file for file in folder.rglob("*") if file.is_file())
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in found}


def given_back(home: Home, stored: Stored) -> dict[str, bytes]:
    holding = holdings.open_holding(home, stored.holding_id)
    assert holding is not None
    assert Manifest.from_bytes(holding.read(stored.digest)) == stored.manifest
    return {file.path: holding.read(file.digest) for file in stored.manifest.files}


def fill(folder: Path) -> dict[str, bytes]:
    """Small files, large ones over several packs, an empty one, and two of the same bytes."""
    for number in range(40):
        (folder / f"{number % 4}").mkdir(parents=True, exist_ok=True)
        (folder / f"{number % 4}/{number:02d}").write_bytes(os.urandom(number * 97))
    (folder / "2/large").write_bytes(os.urandom(5 * PACK + 12_345))
    (folder / "3/large").write_bytes(os.urandom(PACK))
    (folder / "3/twin").write_bytes((folder / "1/05").read_bytes())
    return files_in(folder)


@pytest.mark.usefixtures("small_packs")
def test_what_is_stored_is_read_back_over_all_packs(tmp_path: Path, office: Office) -> None:
    there = fill(tmp_path / "d")
    stored = ingest.store_folder(office.home, tmp_path / "d")
    assert given_back(office.home, stored) == there
    assert all(blake3.blake3(there[f.path]).hexdigest() == f.digest for f in stored.manifest.files)
    held = holdings.open_holding(office.home, stored.holding_id)
    assert held is not None
    assert held.index.size < sum(map(len, there.values())) + 10_000  # the twins are there once
    large = next(file for file in stored.manifest.files if file.path == "2/large")
    with held.open(large.digest) as stream:
        stream.seek(PACK - 100)
        assert stream.read(200) == there["2/large"][PACK - 100 : PACK + 100]
        stream.seek(-5, os.SEEK_END)
        assert stream.read() == there["2/large"][-5:]


class Killed(BaseException):
    """As if the process were gone."""


def cut_off(home: Home, folder: Path, journal: Path, after: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Store a folder until `after` packs are on paper."""
    written: list[int] = []
    real = drafts._append

    def append(*given: object) -> None:
        real(*given)  # type: ignore[arg-type]
        written.append(1)
        if len(written) > after:
            raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(drafts, "_append", append)
        ingest.store_folder(home, folder, journal=journal)


@pytest.mark.usefixtures("small_packs")
@pytest.mark.parametrize("after", [0, 1, 2])
def test_what_was_cut_off_goes_on(
    tmp_path: Path, office: Office, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    there, journal = fill(tmp_path / "d"), tmp_path / "journal"
    cut_off(office.home, tmp_path / "d", journal, after, monkeypatch)
    known = drafts._read(office.home, journal, str((tmp_path / "d").resolve()))
    if after == 0:  # before there was a key
        assert known is None
    else:
        assert known is not None
        assert len(known.heads) >= after  # a line may tell of several packs
    stored = ingest.store_folder(office.home, tmp_path / "d", journal=journal)
    assert known is None or stored.holding_id == known.holding_id
    assert given_back(office.home, stored) == there
    plain = ingest.store_folder(office.home, tmp_path / "d")
    assert (plain.manifest, plain.digest) == (stored.manifest, stored.digest)


@pytest.mark.usefixtures("small_packs")
@pytest.mark.parametrize("seconds", [0, 0.01, 99])
def test_packs_that_no_line_tells_of_are_written_again_or_removed(
    tmp_path: Path, office: Office, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    """Killed several times while a pack is put; then the largest file goes."""
    monkeypatch.setattr(drafts, "_LINE_SECONDS", seconds)
    there, journal = fill(tmp_path / "d"), tmp_path / "journal"
    real, left = Files.put, [0]

    def put(self: Files, name: str, pieces: Sequence[bytes]) -> None:
        if left[0] == 0:
            raise Killed
        left[0] -= 1
        real(self, name, pieces)

    with monkeypatch.context() as patched:
        patched.setattr(Files, "put", put)
        for after in (3, 1, 1):
            left[0] = after
            with pytest.raises(Killed):
                ingest.store_folder(office.home, tmp_path / "d", journal=journal)
    (tmp_path / "d/2/large").unlink()
    del there["2/large"]
    stored = ingest.store_folder(office.home, tmp_path / "d", journal=journal)
    assert given_back(office.home, stored) == there
    held = holdings.open_holding(office.home, stored.holding_id)
    assert held is not None
    kept = list((office.home.path / "content/holdings" / stored.holding_id).glob("pack-*"))
    assert len(kept) == len(held.index.heads)
    holdings_there = list((office.home.path / "content/holdings").iterdir())
    assert holdings_there == [kept[0].parent]


@pytest.mark.usefixtures("small_packs")
def test_a_draft_of_packs_of_another_size_is_begun_anew(
    tmp_path: Path, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, journal = fill(tmp_path / "d"), tmp_path / "journal"
    cut_off(office.home, tmp_path / "d", journal, 2, monkeypatch)
    before = drafts._lines(journal)[0]["holding"]
    monkeypatch.setattr(packing, "PACK_BYTES", 2 * PACK)
    stored = ingest.store_folder(office.home, tmp_path / "d", journal=journal)
    assert stored.holding_id != before
    assert given_back(office.home, stored) == there
    assert open_keys(office.home).get(before) is None


@pytest.mark.usefixtures("small_packs")
def test_what_changed_meanwhile_is_stored_anew(
    tmp_path: Path, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = tmp_path / "journal"
    fill(tmp_path / "d")
    cut_off(office.home, tmp_path / "d", journal, 2, monkeypatch)
    (tmp_path / "d/2/large").write_bytes(os.urandom(4 * PACK))  # the one that was cut in two
    (tmp_path / "d/0/20").write_bytes(b"other")
    (tmp_path / "d/0/24").unlink()
    stored = ingest.store_folder(office.home, tmp_path / "d", journal=journal)
    assert given_back(office.home, stored) == files_in(tmp_path / "d")


@pytest.mark.usefixtures("small_packs")
@pytest.mark.parametrize("torn", [1, 40, 200])
def test_a_journal_that_was_torn_is_read_up_to_there(
    tmp_path: Path, office: Office, monkeypatch: pytest.MonkeyPatch, torn: int
) -> None:
    there, journal = fill(tmp_path / "d"), tmp_path / "journal"
    cut_off(office.home, tmp_path / "d", journal, 2, monkeypatch)
    os.truncate(journal, journal.stat().st_size - torn)
    for _ in range(2):  # and once more behind the torn line
        stored = ingest.store_folder(office.home, tmp_path / "d", journal=journal)
        assert given_back(office.home, stored) == there


def test_a_journal_of_another_folder_is_thrown_away_with_its_bytes(
    tmp_path: Path, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = tmp_path / "journal"
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a").write_text(name)
    cut_off(office.home, tmp_path / "one", journal, 0, monkeypatch)
    left = next(iter(drafts._lines(journal)))["holding"]
    ingest.store_folder(office.home, tmp_path / "two", journal=journal)
    assert open_keys(office.home).get(left) is None


def committed(office: Office, stored: Stored) -> None:
    """The row that makes a holding a version's."""
    with office.home.database.write() as session:
        assets.insert(session, assets.NewVersion("msit", "made", "dataset", "rain", "received"), stored)
        session.record("test", "made", {"member": "-", "organization": "-"})


@pytest.mark.usefixtures("small_packs")
@pytest.mark.parametrize("then", ["the same", "changed", "another folder", "discard"])
def test_a_process_that_ends_before_it_takes_the_journal_away_harms_no_version(
    tmp_path: Path, office: Office, then: str
) -> None:
    there, journal = fill(tmp_path / "d"), tmp_path / "journal"
    stored = ingest.store_folder(office.home, tmp_path / "d", journal=journal)
    committed(office, stored)
    assert journal.exists()
    if then == "changed":
        (tmp_path / "d/0/20").write_bytes(b"other")
    if then == "another folder":
        (tmp_path / "e").mkdir()
        (tmp_path / "e/a").write_text("a")
    if then == "discard":
        drafts.discard(office.home, journal)
    else:
        folder = tmp_path / ("e" if then == "another folder" else "d")
        again = ingest.store_folder(office.home, folder, journal=journal)
        assert again.holding_id != stored.holding_id
    assert given_back(office.home, stored) == there


@pytest.mark.usefixtures("small_packs")
@pytest.mark.parametrize("harm", ["pack gone", "key changed", "older pack"])
def test_what_was_sealed_is_looked_at_before_a_draft_goes_on(
    tmp_path: Path, office: Office, monkeypatch: pytest.MonkeyPatch, harm: str
) -> None:
    there, journal = fill(tmp_path / "d"), tmp_path / "journal"
    cut_off(office.home, tmp_path / "d", journal, 2, monkeypatch)
    holding = drafts._lines(journal)[0]["holding"]
    pack = office.home.path / "content" / holdings.pack_name(holding, 1)
    key = office.home.path / office.home.values.keys_folder / holding
    if harm == "pack gone":
        pack.unlink()
    elif harm == "key changed":
        key.write_bytes(os.urandom(32))
    else:
        pack.chmod(0o600)
        pack.write_bytes(
            b"".join(sealing.seal(key.read_bytes(), holdings.pack_name(holding, 1), bytes(PACK)))
        )
    stored = ingest.store_folder(office.home, tmp_path / "d", journal=journal)
    assert stored.holding_id != holding
    assert given_back(office.home, stored) == there


@pytest.mark.usefixtures("small_packs")
def test_a_pack_that_was_sealed_before_is_not_taken_for_the_one_that_is(
    tmp_path: Path, office: Office
) -> None:
    fill(tmp_path / "d")
    stored = ingest.store_folder(office.home, tmp_path / "d")
    name = holdings.pack_name(stored.holding_id, 1)
    pack = office.home.path / "content" / name
    key = open_keys(office.home).get(stored.holding_id)
    assert key is not None
    pack.chmod(0o600)
    pack.write_bytes(b"".join(sealing.seal(key, name, bytes(PACK))))
    with pytest.raises(ContentMissing):
        given_back(office.home, stored)


def test_what_nothing_names_is_found_after_a_day_and_destroyed(tmp_path: Path, office: Office) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d/a").write_text("a")
    kept, left = (ingest.store_folder(office.home, tmp_path / "d") for _ in range(2))
    journal = office.home.path / "drafts/acme/x.jsonl"
    under_way = ingest.store_folder(office.home, tmp_path / "d", journal=journal)
    committed(office, kept)
    assert orphans.found(office.home) == []
    with clock.use_clock(lambda: datetime.now(UTC) + timedelta(days=2)):
        assert orphans.found(office.home) == [left.holding_id]
        for one in (left, kept, under_way):
            orphans.destroy(office.home, one.holding_id)
    assert holdings.open_holding(office.home, left.holding_id) is None
    assert given_back(office.home, kept) == given_back(office.home, under_way) == {"a": b"a"}


def test_drafts_that_nobody_went_on_with_are_thrown_away(
    tmp_path: Path, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d/a").write_text("a")
    with drafts.kept_for(office.home, "acme", "old") as journal:
        cut_off(office.home, tmp_path / "d", journal, 0, monkeypatch)
        drafts.open_keys(office.home).make(drafts._lines(journal)[0]["holding"])
        holding = drafts._lines(journal)[0]["holding"]
        os.utime(journal, (1, 1))
        with drafts.kept_for(office.home, "acme", "other"):
            assert journal.exists()  # somebody is at it
    with drafts.kept_for(office.home, "acme", "other"):
        assert not journal.exists()
        assert open_keys(office.home).get(holding) is None


def test_a_failed_store_without_a_journal_leaves_nothing(tmp_path: Path, office: Office) -> None:
    (tmp_path / "a").write_bytes(os.urandom(2_000_000))
    (tmp_path / "b").symlink_to("/etc/passwd")
    with pytest.raises(UnsafeFile):
        ingest.store_folder(office.home, tmp_path)
    assert not list((office.home.path / "content").rglob("pack-*"))
    assert not list((office.home.path / office.home.values.keys_folder).iterdir())


@pytest.mark.parametrize("size", [1000, 3_000_000])
@pytest.mark.parametrize("change", [-1, 1])
def test_a_file_that_changes_while_it_is_stored(
    tmp_path: Path, office: Office, monkeypatch: pytest.MonkeyPatch, size: int, change: int
) -> None:
    path = tmp_path / "d/a"
    path.parent.mkdir()
    path.write_bytes(bytes(size))
    real = ingest._open_regular

    def opened(*given: object) -> object:
        found = real(*given)  # type: ignore[arg-type]
        os.truncate(path, size + change)
        return found

    with monkeypatch.context() as patched, pytest.raises(FileChanged):
        patched.setattr(ingest, "_open_regular", opened)
        ingest.store_folder(office.home, tmp_path / "d")


@given(
    some.lists(
        some.builds(
            File, some.text(), some.integers(0, 2**53 - 1), some.text(), some.none() | some.text(min_size=1)
        )
    )
)
def test_a_manifest_is_in_the_canonical_form(files: list[File]) -> None:
    made = Manifest(tuple(files))
    rows = [[f.path, f.size, f.digest, *([f.original] if f.original else [])] for f in files]
    assert made.to_bytes() == canonical_bytes({"files": rows, "format": "madang-manifest/1"})
    assert Manifest.from_bytes(made.to_bytes()) == made


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


def test_a_full_disk_is_told_and_leaves_nothing_behind(
    tmp_path: Path, office: Office, tiny_disk: Path
) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d/small").write_bytes(b"small")
    kept = ingest.store_folder(office.home, tmp_path / "d")
    (tmp_path / "d/big").write_bytes(os.urandom(4_000_000))
    with pytest.raises(DiskFull) as caught:
        ingest.store_folder(office.home, tmp_path / "d")
    assert caught.value.exit_code == 3
    assert list((tiny_disk / "incoming").iterdir()) == []
    assert given_back(office.home, kept) == {"small": b"small"}


def test_manifests_are_sorted_and_equal_for_equal_content(tmp_path: Path, office: Office) -> None:
    for name in ("one", "two"):
        (tmp_path / name / "sub").mkdir(parents=True)
        for file in ("b", "a", "sub/c"):
            (tmp_path / name / file).write_text(file)
    first = ingest.store_folder(office.home, tmp_path / "one")
    second = ingest.store_folder(office.home, tmp_path / "two")
    assert [file.path for file in first.manifest.files] == ["a", "b", "sub/c"]
    assert (first.manifest, first.digest) == (second.manifest, second.digest)
    assert first.key_id != second.key_id
    assert first.manifest.find("sub/c") == first.manifest.files[2]
    assert first.manifest.find("sub") is None


def test_hangul_names_are_compared_in_one_form_and_kept_in_the_original(
    tmp_path: Path, office: Office
) -> None:
    composed, decomposed = "\uac00.txt", "\u1100\u1161.txt"
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / decomposed).write_text("x")
    manifest = ingest.store_folder(office.home, tmp_path / "d").manifest
    assert manifest.files[0] == File(composed, 1, manifest.files[0].digest, decomposed)
    (tmp_path / "d" / composed).write_text("y")
    with pytest.raises(NameTwins):
        ingest.store_folder(office.home, tmp_path / "d")


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
        ingest.store_folder(office.home, folder)


def test_names_that_no_folder_could_hold_together(tmp_path: Path, office: Office) -> None:
    folder = tmp_path / "d"
    (folder / "\u1100\u1161").mkdir(parents=True)
    (folder / "\u1100\u1161/y").write_text("y")
    (folder / "\uac00").write_text("x")
    with pytest.raises(NameTwins):
        ingest.store_folder(office.home, folder)
    (folder / "\uac00").unlink()
    (folder / os.fsdecode(b"\xff")).mkdir()
    (folder / os.fsdecode(b"\xff") / "z").write_text("z")
    with pytest.raises(NameNoText):
        ingest.store_folder(office.home, folder)


def test_empty_and_absent_folders(tmp_path: Path, office: Office) -> None:
    (tmp_path / "d").mkdir()
    with pytest.raises(EmptyDeposit):
        ingest.store_folder(office.home, tmp_path / "d")
    (tmp_path / "link").symlink_to(tmp_path / "d")
    for name, error in (("none", FileMissing), ("link", FileTrouble)):
        with pytest.raises(error):
            ingest.store_folder(office.home, tmp_path / name)


def test_too_much_is_refused(tmp_path: Path, office: Office) -> None:
    (tmp_path / "d").mkdir()
    for number in range(5):
        (tmp_path / "d" / f"{number}").write_text("x" * 100)
    for limits in (Limits("x", files=4), Limits("x", size=499)):
        with pytest.raises(TooLarge):
            ingest.store_folder(office.home, tmp_path / "d", limits=limits)
    assert ingest.store_folder(office.home, tmp_path / "d", limits=Limits("x", 500, 5)).manifest.size == 500
