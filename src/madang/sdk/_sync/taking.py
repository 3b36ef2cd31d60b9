# Made by scripts/make_sdk.py. Change the operation (or the coroutines) and run that instead.
"""Versions down, in parts that need not be taken twice."""

from __future__ import annotations

import functools
import hashlib
import io
import shutil
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import httpx2

from madang.sdk import addresses, documents, opening
from madang.sdk.errors import Unsafe, refusal
from madang.sdk.progress import AT_A_TIME, PART_BYTES, SMALL_BYTES, Progress, Told, cache
from madang.sdk.together import held_alone, together

if TYPE_CHECKING:
    from madang.sdk._sync.client import Client

_MOST_TOGETHER = 4000
_ENTRY_BYTES = 256
"""What a zip has for a file beside its content and, twice, its name; and for its own end."""


def download(client: Client, version: str, target: Path, progress: Progress) -> Path:
    """Every file of a version into a folder beside the target, which gets its name once it is whole."""
    if target.exists():
        raise FileExistsError(target)
    # Of this version alone: what was begun of another must not come in between.
    mark = hashlib.sha256(f"{client.url}\n{version}".encode()).hexdigest()[:12]
    folder = target.with_name(f".{target.name}.{mark}.part")
    folder.parent.mkdir(parents=True, exist_ok=True)
    listed = [file for file in client.versions.files(version)]
    with _alone(client, folder):
        if target.exists():
            raise FileExistsError(target)
        folder.mkdir(exist_ok=True)
        told = Told(progress, sum(file.size_bytes for file in listed))
        wanted = [_Wanted(at, file, _inside(folder, file.path)) for at, file in enumerate(listed)]
        jobs = [functools.partial(_some_taken, client, version, some, told) for some in _parted(wanted)]
        together(jobs, AT_A_TIME, told.stop)
        folder.rename(target)
        _lock_of(folder).unlink(missing_ok=True)  # whoever waits for it finds the target
    return target


@contextmanager
def _alone(client: Client, folder: Path) -> Iterator[None]:
    """Be the one who fetches into a folder; another that does is waited for."""
    with _lock_of(folder).open("w") as lock:
        while not held_alone(lock):
            client.rest(2)
        yield


def _lock_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")


def open_version(
    client: Client, version: str, manifest: str | None, agreement: str | None, progress: Progress
) -> opening.Opened:
    """See ``Client.open``."""
    found = client.versions.show(version)
    above = (client.versions.lineage(found.name)).ancestors
    names = sorted({one.agreement for one in above if one.agreement})
    texts = {name: (client.agreements.show(name)).digest for name in names}
    pin = opening.Pin(found.name, found.manifest, texts)
    opening.require_pinned(pin, manifest, agreement)
    listed = [file for file in client.versions.files(found.name)]
    if opening.manifest_digest(listed) != found.manifest:
        what = f"The list of files of {found.name} is not what its manifest says."
        raise Unsafe(what, "Its digest differs.", "Tell the operator.")
    folder = cache() / "versions" / found.manifest
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if opening.is_whole(folder, listed):
        return opening.Opened(found, pin, folder)
    with _alone(client, folder):
        if not opening.is_whole(folder, listed):
            shutil.rmtree(folder, ignore_errors=True)
            download(client, found.name, folder, progress)
            if not opening.is_whole(folder, listed):
                what = f"The copy of {found.name} in {folder} is not whole."
                raise Unsafe(what, "Another program changes it.", "Remove it, and open the version again.")
    return opening.Opened(found, pin, folder)


def download_zip(client: Client, version: str, target: Path, progress: Progress) -> Path:
    """A version as one zip; it gets its name once it is whole."""
    if target.exists():
        raise FileExistsError(target)
    part = target.with_name(f".{target.name}.part")
    size = (client.versions.show(version)).size_bytes
    told = Told(progress, size)
    where = f"/versions/{addresses.path(version)}/archive"
    with client.stream(where, {}, {}) as answer:
        if answer.status_code >= 300:
            answer.read()
            raise refusal(answer)
        with part.open("wb") as kept:
            for chunk in answer.iter_bytes():
                kept.write(chunk)
                told.add(len(chunk))
    part.rename(target)
    return target


def _inside(folder: Path, path: str) -> Path:
    """Where a file goes; Unsafe for a path that leads out of the folder."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\0" in path:
        raise Unsafe(
            f"The version lists a file {path!r}.", "It would lie outside the folder.", "Tell its owner."
        )
    return folder.joinpath(*parts)


@dataclass(frozen=True)
class _Wanted:
    """A file of a version: where it stands in the version's list, and where it goes."""

    at: int
    file: documents.File
    place: Path


def _parted(wanted: Iterable[_Wanted]) -> Iterator[Sequence[_Wanted]]:
    """Small files that follow each other and are not here go together; each other one alone."""
    some: list[_Wanted] = []
    held = 0
    for one in wanted:
        size = one.file.size_bytes
        alone = size > SMALL_BYTES or one.place.exists()
        if some and (alone or held + size > PART_BYTES or len(some) == _MOST_TOGETHER):
            yield some
            some, held = [], 0
        if alone:
            yield [one]
        else:
            some.append(one)
            held += size
    if some:
        yield some


def _some_taken(client: Client, version: str, some: Sequence[_Wanted], told: Told) -> None:
    """Files that follow each other, in one zip. Where the line breaks, half as many at a time; where other
    things come than were asked for, one by one."""
    if len(some) == 1:
        _take(client, version, some[0].file, some[0].place, told)
        return
    try:
        contents = _unpacked(_zip_of(client, version, some), some)
    except httpx2.TransportError:
        middle = len(some) // 2
        _some_taken(client, version, some[:middle], told)
        _some_taken(client, version, some[middle:], told)
        return
    except _OtherThanAsked:
        for one in some:
            _take(client, version, one.file, one.place, told)
        return
    for one, content in zip(some, contents, strict=True):
        one.place.parent.mkdir(parents=True, exist_ok=True)
        one.place.write_bytes(content)
        _require_digest(version, one.file, one.place)
        told.add(one.file.size_bytes)


class _OtherThanAsked(Exception):
    """A server that knows nothing of parts of a version, or a broken one."""


def _zip_of(client: Client, version: str, some: Sequence[_Wanted]) -> io.BytesIO:
    """What comes for them; no more than a zip of them can have."""
    body = io.BytesIO()
    most = sum(one.file.size_bytes + 2 * len(one.file.path.encode()) + _ENTRY_BYTES for one in some)
    where = f"/versions/{addresses.path(version)}/archive"
    with client.stream(where, {"first": some[0].at, "files": len(some)}, {}) as answer:
        if answer.status_code >= 300:
            answer.read()
            raise refusal(answer)
        for chunk in answer.iter_bytes():
            if body.tell() + len(chunk) > most:
                raise _OtherThanAsked
            body.write(chunk)
    return body


def _unpacked(body: io.BytesIO, some: Sequence[_Wanted]) -> list[bytes]:
    """The content of each file, as it was stored: nothing is decompressed."""
    try:
        with zipfile.ZipFile(body) as zipped:
            entries = zipped.infolist()
            stored = all(one.compress_type == zipfile.ZIP_STORED and not one.flag_bits & 1 for one in entries)
            sizes = [(one.file.size_bytes,) * 2 for one in some]
            if not stored or [(one.file_size, one.compress_size) for one in entries] != sizes:
                raise _OtherThanAsked
            return [zipped.read(one) for one in entries]
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, EOFError) as error:
        raise _OtherThanAsked from error


def _take(client: Client, version: str, file: documents.File, place: Path, told: Told) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    failed = 0
    told.add(_size_of(place))
    while not place.exists() or place.stat().st_size < file.size_bytes:
        have = _size_of(place)
        try:
            _rest_taken(client, version, file, place, told)
            break
        except httpx2.TransportError as error:
            came = _size_of(place) > have
            failed = 0 if came else failed + 1
            if failed > client.retries:
                raise client.unreached(error) from error
            client.rest(failed)
    _require_digest(version, file, place)


def _size_of(place: Path) -> int:
    return place.stat().st_size if place.exists() else 0


def _require_digest(version: str, file: documents.File, place: Path) -> None:
    """Unsafe, and the file gone, where it is not what its version says."""
    if opening.digest_of(place) != file.digest:
        place.unlink()
        what = f"{file.path} of {version} is not what the version says."
        raise Unsafe(what, "Its digest differs.", "Download again; if it stays so, tell the operator.")


def _rest_taken(client: Client, version: str, file: documents.File, place: Path, told: Told) -> None:
    """What is still missing of a file."""
    have = _size_of(place)
    headers = {"Range": f"bytes={have}-"} if have else {}
    where = f"/versions/{addresses.path(version)}/content"
    with client.stream(where, {"path": file.path}, headers) as answer:
        if answer.status_code >= 300:
            answer.read()
            raise refusal(answer)
        goes_on = answer.status_code == 206
        told.add(0 if goes_on else -have)
        with place.open("ab" if goes_on else "wb") as kept:
            for chunk in answer.iter_bytes():
                kept.write(chunk)
                told.add(len(chunk))
