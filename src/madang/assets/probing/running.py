"""Probing files: names their formats, starts confined workers, and takes their answers in one exact form."""

from __future__ import annotations

import json
import os
import re
import selectors
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

from madang.assets.metadata import units
from madang.assets.model import Finding
from madang.assets.probing import formats, sniffing
from madang.assets.probing.model import Probed, Report
from madang.kernel.canonical import canonical_bytes
from madang.kernel.isolation import (
    KILLED,
    ONE_THREAD,
    OUT_OF_TIME,
    Confinement,
    Isolation,
    Limits,
    last_words,
)

LARGEST_ANSWER = 4 * 2**20
_INSIDE = "/probed"
_CHECK = re.compile(r"[a-z0-9-]{1,40}")
_ENVIRONMENT = {**ONE_THREAD, "MPLBACKEND": "Agg"}


@dataclass(frozen=True)
class Bounds:
    """What looking at one file may take: processor seconds, and memory in bytes."""

    seconds: int = 5
    memory_bytes: int = 512 * 2**20

    @property
    def waited_seconds(self) -> int:
        """How long an answer is waited for: a busy machine gives a process less than all of its time."""
        return 4 * self.seconds


@dataclass(frozen=True)
class Item:
    """A file, or a folder that is one thing (Zarr). path: below the root, as it is told; size in bytes."""

    path: str
    format: str
    size_bytes: int


def items(root: Path) -> Iterator[Item]:
    """What is below a folder (or the file itself), by name. No link is followed."""
    if not root.is_dir():
        yield _item(root, root.name)
        return
    if _is_store(root):
        yield Item("", "zarr", _size_below(root))
        return
    closed: list[OSError] = []
    for folder, folders, files in os.walk(root, onerror=closed.append):
        here = Path(folder)
        folders.sort()
        for name in list(folders):
            inner = here / name
            if inner.is_symlink():
                folders.remove(name)
            elif _is_store(inner):
                folders.remove(name)
                yield Item(inner.relative_to(root).as_posix(), "zarr", _size_below(inner))
        for name in sorted(files):
            yield _item(here / name, (here / name).relative_to(root).as_posix())
    for error in closed:
        yield Item(Path(error.filename or root).relative_to(root).as_posix(), "closed", 0)


def _is_store(folder: Path) -> bool:
    """Whether a folder is a Zarr store; one that may not be looked into is none that can be seen."""
    try:
        return any((folder / one).is_file() for one in sniffing.ZARR_MARKS)
    except OSError:
        return False


def _size_below(folder: Path) -> int:
    return sum(one.lstat().st_size for one in folder.rglob("*") if not one.is_dir())


def _item(path: Path, name: str) -> Item:
    """A file's format by its first bytes; a link, a device or a pipe is not opened."""
    try:
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode) or not stat.S_ISREG(status.st_mode):
            return Item(name, "no-file", 0)
        with path.open("rb") as file:
            head = file.read(sniffing.HEAD_BYTES)
    except OSError:  # no right to it, or a disk that fails
        return Item(name, "closed", 0)
    return Item(name, formats.name_format(name, head, status.st_size), status.st_size)


def probe(
    root: Path, chosen: Sequence[Item], isolation: Isolation, bounds: Bounds | None = None
) -> Iterator[Report]:
    """A report of each item, those of one format together. root: the folder they are below, or the file."""
    bounds = bounds or Bounds()
    by_format: dict[str, list[Item]] = {}
    for item in chosen:
        by_format.setdefault(item.format, []).append(item)
    for form, alike in by_format.items():
        reader = formats.reader(form)
        if reader is None:
            yield from (_unopened(item) for item in alike)
            continue
        with _Workers(root, reader, isolation, bounds) as workers:
            for item in alike:
                yield _in_base_units(workers.look(item))


def _unopened(item: Item) -> Report:
    checks = {"empty": "file-empty", "no-file": "no-file", "closed": "closed", "unknown": "format-not-known"}
    check = checks.get(item.format, "no-reader")
    found = Finding(check, "warn" if check != "no-reader" else "info", "", {"format": item.format})
    return Report(_shown(item.path), item.format, item.size_bytes, findings=(found,))


def _exact(answer: Any) -> Report:
    """A worker's answer in its exact form; ValueError where it has another, or cannot be kept."""
    report = Report.from_json(answer)
    canonical_bytes(report.to_json())
    for one in report.findings:
        if one.severity not in ("warn", "info") or not _CHECK.fullmatch(one.check):
            raise ValueError("not a finding of ours")
    return report


def _shown(path: str) -> str:
    """A path as text: a name that is no UTF-8 keeps what is."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _in_base_units(report: Report) -> Report:
    told: list[Probed] = []
    unknown: list[Finding] = []
    for one in report.variables:
        base = units.base(one.variable.unit) if one.variable.unit else None
        told.append(replace(one, base_unit=base.unit if base else ""))
        if one.variable.unit and not units.is_known(one.variable.unit):
            evidence = {"variable": one.variable.name, "unit": one.variable.unit}
            unknown.append(Finding("unit-not-known", "info", one.variable.name, evidence))
    return replace(report, variables=tuple(told), findings=(*report.findings, *unknown[:10]))


class _Workers:
    """A confined process that looks at files of one format; a new one follows where it ends."""

    def __init__(self, root: Path, reader: formats.Reader, isolation: Isolation, bounds: Bounds) -> None:
        self._root, self._reader, self._isolation, self._bounds = root, reader, isolation, bounds
        self._process: subprocess.Popen[bytes] | None = None
        self._fresh = True
        self._errors: IO[bytes] | None = None

    def __enter__(self) -> _Workers:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def look(self, item: Item) -> Report:
        """The report on an item; one whose reader ends is tried once more, alone."""
        answer = self._ask(item)
        if isinstance(answer, Finding) and not self._fresh:
            answer = self._ask(item)
        if isinstance(answer, Finding):
            return Report(_shown(item.path), item.format, item.size_bytes, findings=(answer,))
        return answer

    def _ask(self, item: Item) -> Report | Finding:
        process = self._started()
        assert process.stdin is not None and process.stdout is not None
        asked = {
            "file": self._inside(item), "path": _shown(item.path), "format": item.format,
            "size_bytes": item.size_bytes, "reader": self._reader.reference, "extra": self._reader.extra,
        }  # fmt: skip
        try:
            process.stdin.write(json.dumps(asked).encode() + b"\n")
            process.stdin.flush()
            line = _line(process.stdout, self._bounds.waited_seconds)
            report = _exact(json.loads(line))
        except TimeoutError:
            return self._failed(slow=True)
        except (OSError, ValueError, RecursionError):
            return self._failed()
        self._fresh = False
        # What a worker says of another file than the one it was given is not believed.
        return replace(report, path=_shown(item.path), size_bytes=item.size_bytes)

    def _inside(self, item: Item) -> str:
        confinement = Confinement({_INSIDE: self._root})
        place = self._isolation.inside(confinement, _INSIDE)
        return f"{place}/{item.path}" if self._root.is_dir() else place

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            bounds = self._bounds
            limits = Limits(bounds.memory_bytes, 100 * bounds.seconds, file_bytes=2**20, scratch_bytes=2**22)
            confinement = Confinement({_INSIDE: self._root}, environment=_ENVIRONMENT, limits=limits)
            command = [sys.executable, "-m", "madang.assets.probing.worker", str(bounds.seconds)]
            self._errors = tempfile.TemporaryFile()  # noqa: SIM115  closed with the process
            self._process = self._isolation.start(
                command, confinement, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors
            )
            self._fresh = True
        return self._process

    def _failed(self, *, slow: bool = False) -> Finding:
        """Why there was no good answer: out of time (slow: nothing came while it was waited for), or of
        memory, or the process broke."""
        fresh = self._fresh
        process, words = self._process, self._words()
        code = process.poll() if process is not None else None
        if code is None and process is not None:
            try:
                code = process.wait(timeout=0.5)
            except subprocess.TimeoutExpired:
                code = None
        self._end()
        self._fresh = fresh
        if slow or code in OUT_OF_TIME:
            return Finding("too-slow", "warn", "", {"seconds": self._bounds.seconds})
        if code in KILLED or any(sign in words for sign in ("Memory", "memory", "alloc")):
            return Finding("too-much-memory", "warn", "", {"limit": self._bounds.memory_bytes})
        return Finding(
            "reader-broke", "warn", "", {"code": "-" if code is None else code, "detail": words or "-"}
        )

    def _words(self) -> str:
        words = last_words(self._errors) if self._errors is not None else ""
        return "".join(sign for sign in words[:200] if sign.isprintable())

    def _end(self) -> None:
        if self._process is not None:
            for stream in (self._process.stdin, self._process.stdout):
                if stream is not None:
                    _closed(stream)
            self._process.kill()
            self._process.wait()
        if self._errors is not None:
            self._errors.close()
        self._process = self._errors = None


def _closed(stream: IO[bytes]) -> None:
    try:
        stream.close()
    except OSError:
        return  # what was still to be written goes nowhere


def _line(stream: IO[bytes], seconds: float) -> bytes:
    """The next line of a process; TimeoutError, or ValueError where it is too long or does not come."""
    end = time.monotonic() + seconds
    data = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        while not data.endswith(b"\n"):
            if not selector.select(max(0.0, end - time.monotonic())):
                raise TimeoutError
            piece = os.read(stream.fileno(), 2**16)
            data += piece
            if not piece or len(data) > LARGEST_ANSWER:
                raise ValueError("no answer")
    return bytes(data)
