"""An area: nothing leads out of it, nothing is half done, and it holds no more than it may."""

from __future__ import annotations

import io
import lzma
import os
import tarfile
import threading
import time
import tracemalloc
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from madang.areas import changing, reading, tasks
from madang.areas.errors import (
    AreaFull,
    BadArchive,
    BadPath,
    NoSuchPath,
    NoSuchTask,
    PathTaken,
    TooManyTasks,
    TooMuchAtOnce,
    WrongKind,
)
from madang.areas.model import MOST_AT_ONCE, Area, measure
from madang.areas.tasks import Tasks
from madang.kernel.errors import BadValue, MadangError


@pytest.fixture
def area(tmp_path: Path) -> Area:
    for name in ("files", "work", "tasks"):
        (tmp_path / "area" / name).mkdir(parents=True)
    (tmp_path / "secret").write_text("nobody's business")
    return Area(tmp_path / "area", 10_000, 20)


def names(area: Area) -> list[str]:
    return [one["name"] for one in reading.listing(area, "/", hidden=True, recursive=True)]


WRONG = [
    "..", "../secret", "/a/../../secret", "a/..", "a\0b", "x" * 256, "/".join("d" * 65), "a/" * 2100,
    "\udc80",
]  # fmt: skip


@pytest.mark.parametrize("path", WRONG, ids=range(len(WRONG)))
def test_a_path_that_leads_out_is_refused_everywhere(area: Area, path: str) -> None:
    changing.write(area, "file", b"1")
    for attempt in (
        lambda: changing.write(area, path, b"2"),
        lambda: changing.make_folder(area, path, parents=True),
        lambda: changing.copy(area, "file", path),
        lambda: changing.move(area, "file", path),
        lambda: changing.move(area, path, "other"),
        lambda: changing.compress(area, "file", path, "none"),
        lambda: changing.extract(area, "file", path, "none"),
        lambda: changing.remove(area, path),
        lambda: changing.set_mode(area, path, "644"),
        lambda: reading.listing(area, path),
        lambda: reading.download(area, path),
        lambda: reading.checksum(area, path),
        lambda: reading.facts(area, path),
    ):
        with pytest.raises(BadPath):
            attempt()
    assert names(area) == ["file"]
    assert (area.folder.parent / "secret").read_text() == "nobody's business"


def test_a_link_that_got_there_is_not_followed(area: Area) -> None:
    (area.files / "link").symlink_to(area.folder.parent)
    for attempt in (
        lambda: reading.download(area, "link/secret"),
        lambda: changing.write(area, "link/x", b""),
    ):
        with pytest.raises(BadPath):
            attempt()


def test_files_come_and_go(area: Area) -> None:
    changing.make_folder(area, "/a/b", parents=True)
    told = changing.write(area, "/a/b/text", b"one\ntwo\nthree\n")
    assert (told["name"], told["type"], told["size"]) == ("text", "file", "14")
    changing.write(area, "/a/b/.hidden", b"\xff")
    assert [one["name"] for one in reading.listing(area, "a/b")] == ["text"]
    assert names(area) == ["a", "a/b", "a/b/.hidden", "a/b/text"]
    assert reading.head(area, "a/b/text", 2, "lines")["content"] == "one\ntwo\n"
    assert reading.head(area, "a/b/text", 2, "lines", but_last=True)["content"] == "one\n"
    assert reading.tail(area, "a/b/text", 1, "lines")["content"] == "three\n"
    assert reading.tail(area, "a/b/text", 4, "bytes", but_first=True)["content"] == "two\nthree\n"
    part = reading.part(area, "a/b/text", 4, 3)
    assert (part["content"], part["start_position"], part["end_position"]) == ("two", 4, 7)
    assert reading.part(area, "a/b/.hidden", 0, 9)["encoding"] == "base64"
    assert reading.checksum(area, "a/b/text")["checksum"] == sha256(b"one\ntwo\nthree\n").hexdigest()
    assert reading.kind(area, "a") == "directory"
    changing.copy(area, "a", "copy")
    changing.move(area, "copy/b/text", "moved")
    changing.write(area, "moved", b"over it")
    assert reading.download(area, "moved") == "b3ZlciBpdA=="
    assert changing.set_mode(area, "moved", "0777")["permissions"] == "rwxrwxrwx"
    assert changing.set_mode(area, "moved", "000")["permissions"] == "rw-------"
    changing.remove(area, "a")
    assert names(area) == ["copy", "copy/b", "copy/b/.hidden", "moved"]
    assert list((area.folder / "work").iterdir()) == []


def test_nothing_is_overwritten_and_nothing_swallows_itself(area: Area) -> None:
    changing.make_folder(area, "folder")
    changing.write(area, "file", b"1")
    for attempt, refusal in (
        (lambda: changing.write(area, "folder", b""), PathTaken),
        (lambda: changing.write(area, "/", b""), BadPath),
        (lambda: changing.write(area, "absent/file", b""), NoSuchPath),
        (lambda: changing.write(area, "file/file", b""), WrongKind),
        (lambda: changing.copy(area, "folder", "file"), PathTaken),
        (lambda: changing.move(area, "folder", "folder/inside"), BadPath),
        (lambda: changing.copy(area, "/", "everything"), BadPath),
        (lambda: changing.remove(area, "/"), BadPath),
        (lambda: changing.remove(area, "absent"), NoSuchPath),
        (lambda: changing.make_folder(area, "file/below", parents=True), WrongKind),
        (lambda: changing.make_folder(area, "folder"), PathTaken),
        (lambda: changing.set_mode(area, "file", "rw"), BadValue),
        (lambda: reading.download(area, "folder"), WrongKind),
    ):
        with pytest.raises(refusal):
            attempt()
    assert names(area) == ["file", "folder"]


def test_an_area_holds_no_more_than_it_may(area: Area) -> None:
    changing.write(area, "large", b"x" * 9_000)
    for attempt in (
        lambda: changing.write(area, "more", b"x" * 1_001),
        lambda: changing.copy(area, "large", "again"),
        lambda: changing.compress(area, "large", "packed", "gzip"),
    ):
        with pytest.raises(AreaFull):
            attempt()
    changing.write(area, "large", b"y" * 10_000)  # in its place there is room
    changing.remove(area, "large")
    for number in range(20):
        changing.write(area, str(number), b"")
    with pytest.raises(AreaFull):
        changing.write(area, "20", b"")
    with pytest.raises(TooMuchAtOnce):
        changing.write(area, "0", bytes(MOST_AT_ONCE + 1))
    assert measure(area.files).files == 20


@pytest.mark.parametrize("compression", sorted(changing.WRITERS))
def test_archives_go_there_and_back(area: Area, compression: str) -> None:
    roomy = Area(area.folder, 10**6, 100)
    changing.make_folder(roomy, "a/b", parents=True)
    changing.write(roomy, "a/b/한글", b"1" * 1000)
    changing.compress(roomy, "a", "packed", compression)
    changing.extract(roomy, "packed", "out", compression)
    assert reading.part(roomy, "out/a/b/한글", 0, 4)["content"] == "1111"
    with pytest.raises(PathTaken):
        changing.extract(roomy, "packed", "out", compression)
    with pytest.raises(BadArchive):
        changing.extract(roomy, "a/b/한글", "other", compression)
    assert names(roomy) == ["a", "a/b", "a/b/한글", "out", "out/a", "out/a/b", "out/a/b/한글", "packed"]


def archive(*members: tuple[str, bytes, int], size: int | None = None) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as packed:
        for name, kind, length in members:
            one = tarfile.TarInfo(name)
            one.type, one.size, one.linkname = kind, length, "/etc/passwd"
            packed.addfile(one, io.BytesIO(bytes(length)))
    return made.getvalue()


def header_of(claimed: int) -> bytes:
    """An archive whose first header claims an extended header of so many bytes."""
    one = tarfile.TarInfo("x")
    one.type, one.size = tarfile.XHDTYPE, claimed
    return one.tobuf() + bytes(10_240)


def pax(headers: dict[str, str]) -> bytes:
    """An archive of one file with extended headers."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.PAX_FORMAT) as packed:
        one = tarfile.TarInfo("file")
        one.pax_headers = headers
        one.size = 3
        packed.addfile(one, io.BytesIO(b"abc"))
    return made.getvalue()


def chained(headers: int) -> bytes:
    """An archive with nothing but one extended header after another."""
    one = tarfile.TarInfo("x")
    one.type, one.size = tarfile.XHDTYPE, 0
    return one.tobuf() * headers + bytes(10_240)


HOSTILE: dict[str, bytes] = {
    "upwards": archive(("../secret", tarfile.REGTYPE, 3)),
    "link": archive(("link", tarfile.SYMTYPE, 0)),
    "hard-link": archive(("link", tarfile.LNKTYPE, 0)),
    "device": archive(("device", tarfile.CHRTYPE, 0)),
    "twice": archive(("a", tarfile.REGTYPE, 1), ("a", tarfile.REGTYPE, 1)),
    "through-a-file": archive(("a", tarfile.REGTYPE, 1), ("a/b", tarfile.REGTYPE, 1)),
    "header-bomb": header_of(8 * 2**30),
    "cut-off": archive(("a", tarfile.REGTYPE, 2000))[:1500],
    "long-name": archive(("x" * 300, tarfile.REGTYPE, 1)),
    "not-utf-8": archive(("\udcff", tarfile.REGTYPE, 1)),
    "absolute": archive(("/etc/evil", tarfile.REGTYPE, 1)),
    "too-deep": archive(("d/" * 80 + "f", tarfile.REGTYPE, 1)),
    "negative": pax({"GNU.sparse.major": "1", "GNU.sparse.realsize": "-1000000000000"}),
    "chained": chained(3000),
    "noise": os.urandom(4000),
    "nothing": b"",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_an_archive_is_unpacked_whole_or_not_at_all(area: Area, name: str) -> None:
    roomy = Area(area.folder, 10**7, 100)
    changing.write(roomy, "packed", HOSTILE[name])
    with pytest.raises(BadArchive):
        changing.extract(roomy, "packed", "out", "none")
    assert names(roomy) == ["packed"]
    assert (area.folder.parent / "secret").read_text() == "nobody's business"


def test_folders_count_and_headers_are_not_kept(area: Area) -> None:
    """Folders that are only implied count as files; and so many large headers take no memory together."""
    deep = Area(area.folder, 10**6, 100)
    changing.write(deep, "packed", archive(*((f"{n}/b/c/d/e/f", tarfile.REGTYPE, 0) for n in range(30))))
    with pytest.raises(AreaFull):
        changing.extract(deep, "packed", "out", "none")
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz", format=tarfile.PAX_FORMAT) as packed:
        for number in range(400):
            one = tarfile.TarInfo(f"{number}")
            one.pax_headers = {"comment": "x" * 200_000}
            packed.addfile(one)
    roomy = Area(area.folder, 10**8, 1000)
    changing.write(roomy, "large", made.getvalue())
    tracemalloc.start()
    changing.extract(roomy, "large", "many", "gzip")
    assert tracemalloc.get_traced_memory()[1] < 20 * 2**20
    tracemalloc.stop()
    assert len(reading.listing(roomy, "many")) == 400


def test_an_xz_that_asks_for_gigabytes_is_refused(area: Area) -> None:
    roomy = Area(area.folder, 10**8, 100)
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 30}]
    packer = lzma.LZMACompressor(format=lzma.FORMAT_XZ, filters=filters)
    try:
        data = packer.compress(archive(("a", tarfile.REGTYPE, 1))) + packer.flush()
    except MemoryError:
        pytest.skip("this machine cannot even make one")
    changing.write(roomy, "packed", data)
    with pytest.raises(BadArchive):
        changing.extract(roomy, "packed", "out", "xz")


def test_moving_does_not_lead_below_what_can_be_measured(area: Area) -> None:
    roomy = Area(area.folder, 10**8, 1000)
    for name in ("a", "b", "c"):
        changing.make_folder(roomy, "/".join((name, *["x" * 200] * 8)), parents=True)
    changing.move(roomy, "a", "b/" + "/".join(["x" * 200] * 5) + "/a")
    with pytest.raises(BadPath):
        changing.move(roomy, "b", "c/" + "/".join(["x" * 200] * 5) + "/b")
    with pytest.raises(BadPath):
        changing.copy(roomy, "b", "c/" + "/".join(["x" * 200] * 5) + "/b")
    changing.remove(roomy, "b")
    assert measure(roomy.files).files == 9


def test_a_part_beyond_the_end_is_empty(area: Area) -> None:
    changing.write(area, "file", b"123")
    assert reading.part(area, "file", 10**15, 5)["content"] == ""


def test_an_archive_that_grows_is_stopped_at_the_limit(area: Area) -> None:
    roomy = Area(area.folder, 10**8, 100)
    changing.write(roomy, "zeros", bytes(4 * 2**20))
    changing.compress(roomy, "zeros", "packed", "gzip")
    changing.remove(roomy, "zeros")
    with pytest.raises(AreaFull):
        changing.extract(area, "packed", "out", "gzip")
    assert names(area) == ["packed"]


def test_tasks_tell_what_came_of_them(area: Area) -> None:
    pool = Tasks()
    done = pool.submit(area, {"command": "ls"}, lambda: ["a"])
    assert (done.status, done.result) == ("completed", {"output": ["a"]})
    failed = pool.submit(area, {"command": "ls"}, lambda: reading.listing(area, "absent"))
    assert failed.status == "failed" and failed.result is not None
    assert failed.result["code"] == "no-such-path" and failed.result["next"]
    broken = pool.submit(area, {"command": "ls"}, lambda: 1 / 0)
    assert broken.status == "failed" and broken.result is not None and broken.result["code"] == "defect"
    assert [one.task_id for one in tasks.every(area)] == [done.task_id, failed.task_id, broken.task_id]
    assert pool.remove(area, done.task_id) == "completed"
    for absent in (done.task_id, "tsk-x", "../secret"):
        with pytest.raises(NoSuchTask):
            tasks.see(area, absent)
    pool.close()


def test_a_task_that_waits_can_be_called_off_and_one_too_many_is_not_taken(
    area: Area, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "_WAITING", 4)
    pool, go = Tasks(), threading.Event()
    made = [pool.submit(area, {}, go.wait, patience=0.05) for _ in range(4)]
    assert [one.status for one in made] == ["active", "active", "pending", "pending"]
    with pytest.raises(TooManyTasks):
        pool.submit(area, {}, go.wait)
    assert pool.remove(area, made[3].task_id) == "canceled"
    with pytest.raises(NoSuchTask):
        tasks.see(area, made[3].task_id)
    go.set()
    pool.close()
    assert [one.status for one in tasks.every(area)][:2] == ["completed", "completed"]


def test_a_task_whose_server_was_killed_is_known_for_it(area: Area) -> None:
    child = os.fork()
    if child == 0:
        Tasks().submit(area, {}, lambda: time.sleep(60), patience=0.05)
        os.kill(os.getpid(), 9)
    os.waitpid(child, 0)
    (listed,) = tasks.every(area)
    found = tasks.see(area, listed.task_id)
    assert found.status == listed.status == "failed" and found.result is not None
    assert found.result["code"] == "task-interrupted"


def test_old_tasks_are_forgotten(area: Area, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "_MOST", 3)
    pool = Tasks()
    made = [pool.submit(area, {}, lambda: 1).task_id for _ in range(6)]
    assert [one.task_id for one in tasks.every(area)] == made[2:]
    pool.close()


def test_every_refusal_is_told_in_both_languages(area: Area) -> None:
    refusals: list[Any] = []
    for attempt in (
        lambda: changing.write(area, "..", b""),
        lambda: changing.remove(area, "absent"),
        lambda: changing.write(area, "large", bytes(10_001)),
    ):
        with pytest.raises(MadangError) as refusal:
            attempt()
        refusals.append(refusal.value)
    for error in refusals:
        english, korean = error.in_language("en"), error.in_language("ko")
        assert english.what != korean.what and korean.why and korean.next
