"""Archives and programs: listed by their own tables of contents, never unpacked, never run."""

from __future__ import annotations

import gzip
import pickletools
import tarfile
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

from madang.assets.probing import sniffing
from madang.assets.probing.notes import Notes
from madang.kernel.ids import nfc

_MOST_MEMBERS = 20_000
_MOST_OPENED = 200
_SWELLS = 100
_LARGEST = 64 * 2**20


def read_zip(path: Path, notes: Notes) -> None:
    """A zip archive; a workbook is read as one, an archive with a pickle told as a program."""
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        names = [one.filename for one in members]
        if "[Content_Types].xml" in names and any(name.startswith("xl/") for name in names):
            _workbook(path, notes, members)
            return
        links = [one.filename for one in members if (one.external_attr >> 16) & 0o170000 == 0o120000]
        plain = [(_name(one), one.file_size) for one in members]
        _members(notes, plain, links, sum(one.compress_size for one in members))
        for name in [one.filename for one in members[:_MOST_OPENED] if _is_pickle(archive, one)][:5]:
            notes.find("program", "warn", name, reason=name)
        if any(one.flag_bits & 1 for one in members):
            notes.find("encrypted", "warn")


def _is_pickle(archive: zipfile.ZipFile, one: zipfile.ZipInfo) -> bool:
    """Whether a member is a pickle, by its name or its first bytes."""
    if one.filename.endswith((".pkl", ".pickle")):
        return True
    try:
        with archive.open(one) as member:
            head = member.read(256)
    except (RuntimeError, NotImplementedError, OSError, zipfile.BadZipFile, zlib.error, EOFError):
        return False  # encrypted, or packed in a way that is not known here
    return sniffing.name_format(one.filename, head, one.file_size) == "pickle"


def _name(one: zipfile.ZipInfo) -> str:
    """A member's name; where it is not marked as UTF-8, as Windows in Korea writes it."""
    if one.flag_bits & 0x800 or one.filename.isascii():
        return one.filename
    try:
        return one.filename.encode("cp437").decode("cp949")
    except UnicodeError:
        return one.filename


def _workbook(path: Path, notes: Notes, members: list[zipfile.ZipInfo]) -> None:
    from madang.assets.probing.readers import columnar

    notes.format = "excel"
    unpacked = sum(one.file_size for one in members)
    if unpacked > _LARGEST * 4:
        notes.find("unpacks-to-more", "warn", size=unpacked)
        return
    if any(one.filename.endswith("vbaProject.bin") for one in members):
        notes.find("program", "warn", reason="vbaProject.bin")
    columnar.read_workbook(path, notes)


def read_tar(path: Path, notes: Notes) -> None:
    """A tar archive."""
    with tarfile.open(path, "r:") as archive:
        plain: list[tuple[str, int]] = []
        links: list[str] = []
        while (one := archive.next()) is not None and len(plain) < _MOST_MEMBERS:
            plain.append((one.name, one.size))
            if one.issym() or one.islnk():
                links.append(one.name)
            elif not (one.isfile() or one.isdir()):
                notes.find("member-device", "warn", one.name, name=one.name)
            if one.mode & 0o6000:
                notes.find("member-setuid", "warn", one.name, name=one.name)
            archive.members.clear()  # type: ignore[attr-defined]
        _members(notes, plain, links, notes.size_bytes)


def _members(notes: Notes, members: Iterable[tuple[str, int]], links: list[str], packed: int) -> None:
    members = list(members)
    size = sum(one for _, one in members)
    notes.fact("members", len(members))
    notes.fact("unpacked_bytes", size)
    seen: dict[str, str] = {}
    for name, _ in members[:_MOST_MEMBERS]:
        parts = name.replace("\\", "/").split("/")
        if ".." in parts or name.startswith(("/", "\\")) or name[1:2] == ":":
            notes.find("member-leads-out", "warn", name, name=name)
        same = nfc(name).casefold()
        if same in seen:
            notes.find("member-twice", "warn", name, name=name, other=seen[same])
        seen[same] = name
    for name in links[:10]:
        notes.find("member-link", "warn", name, name=name)
    if size > _SWELLS * max(packed, 1) and size > 2**20:
        notes.find("unpacks-to-more", "warn", size=size)
    notes.show_rows(("name", "bytes"), [(name, size) for name, size in members[:8]])


def read_gzip(path: Path, notes: Notes) -> None:
    """A gzip stream: how much it unpacks to, up to a limit, and what it begins with."""
    size = 0
    head = b""
    try:
        with gzip.open(path) as stream:
            while piece := stream.read(2**18):
                head = head or piece[: sniffing.HEAD_BYTES]
                size += len(piece)
                if size > _LARGEST or notes.hurried:
                    break
    except (OSError, EOFError, zlib.error) as error:
        notes.find("unreadable", "warn", reason=error)
        return
    notes.fact("unpacked_bytes" if size <= _LARGEST else "unpacked_bytes_at_least", size)
    inner = sniffing.name_format(notes.path.removesuffix(".gz"), head, size)
    notes.fact("holds", inner)
    if size > _SWELLS * notes.size_bytes and size > 2**20:
        notes.find("unpacks-to-more", "warn", size=size)
    if inner in ("gzip", "zip"):
        notes.find("packed-twice", "warn")
    if inner == "pickle":
        notes.find("program", "warn", reason=inner)


def read_pickle(path: Path, notes: Notes) -> None:
    """A pickle is a program: what it would import is listed without running it."""
    called: list[str] = []
    strings: list[str] = []
    try:
        with path.open("rb") as file:
            for count, (operation, argument, _) in enumerate(pickletools.genops(file)):
                if operation.name in ("GLOBAL", "INST"):
                    called.append(str(argument).replace(" ", "."))
                elif operation.name == "STACK_GLOBAL":
                    called.append(".".join(strings[-2:]))
                elif isinstance(argument, str):
                    strings = [*strings[-3:], argument[:200]]
                if count > 1_000_000 or notes.hurried:
                    break
    except Exception as error:  # a broken pickle breaks in whatever way it likes
        notes.find("unreadable", "warn", reason=f"{type(error).__name__}: {error}")
    names = sorted(set(called))
    notes.fact("imports", len(names))
    notes.find("program", "warn", reason=", ".join(names[:8]) or "pickle")
