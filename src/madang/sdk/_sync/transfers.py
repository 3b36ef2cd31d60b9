# Made by scripts/make_sdk.py. Change the operation (or the coroutines) and run that instead.
"""Folders up and versions down, in parts that need not be sent twice."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import TYPE_CHECKING

import httpx2

from madang.sdk import addresses, documents, opening
from madang.sdk.errors import ApiError, NotFound, Unsafe, refusal
from madang.sdk.together import held_alone, together

if TYPE_CHECKING:
    from madang.sdk._sync.client import Client

Progress = Callable[[int, int], None] | None
_Changed = tuple[int, int, int]
_PART_BYTES = 8 * 2**20
_SMALL_BYTES = 2**20
"""Files up to this size are sent in bundles."""
_AT_A_TIME = 4
_MOST_FILES = 150_000
"""Files of a deposit: their list is one request."""
_PART = {"Content-Type": "application/offset+octet-stream", "Tus-Resumable": "1.0.0"}


def deposit(
    client: Client, folder: Path, asset: str, agreement: str, format_: str | None, progress: Progress
) -> documents.Version:
    """Send every file of a folder, small ones in bundles, then make a version of them."""
    files = list(_regular_files(folder))
    if len(files) > _MOST_FILES:
        what = f"{folder} holds {len(files):,} files."
        raise Unsafe(
            what, f"One deposit takes {_MOST_FILES:,}.", "Pack some together, or make several data sets."
        )
    bundles = list(_bundles(files))
    client.agreements.show(agreement)  # better refused now than after the last byte
    kept = _Kept(client.url, folder, asset)
    told = _Told(progress, sum(bundle.size for bundle in bundles))
    jobs = [functools.partial(_sent, client, kept, bundle, told) for bundle in bundles]
    uploads = together(jobs, _AT_A_TIME)
    listed = [one for bundle, upload in zip(bundles, uploads, strict=True) for one in bundle.listed(upload)]
    made = client.versions.deposit(asset, agreement=agreement, files=listed, format=format_)
    kept.forget()
    return made


class _Told:
    """Progress of what several do at a time."""

    def __init__(self, progress: Progress, size: int) -> None:
        self._progress, self._size, self._done = progress, size, 0
        self._alone = Lock()

    def add(self, count: int) -> None:
        """So many bytes more are done."""
        with self._alone:
            self._done += count
            if self._progress:
                self._progress(self._done, self._size)


class _Bundle:
    """Files that are sent as one upload, as they were when they were listed: (path, file, size, changed).

    changed: what tells that a file is another: its place on the disk and the times of its last changes, of
    which a program may set one.
    """

    def __init__(self, files: Sequence[tuple[str, Path, int, _Changed]]) -> None:
        self._files = files
        self.size = sum(size for _, _, size, _ in files)
        self.name = ", ".join(str(file) for _, file, _, _ in files[:1])
        told = json.dumps([[path, size, changed] for path, _, size, changed in files])
        self.key = hashlib.sha256(told.encode()).hexdigest()

    def read(self, offset: int) -> bytes:
        """A part from `offset` on; Unsafe where a file changed meanwhile."""
        pieces, left = [], min(_PART_BYTES, self.size - offset)
        for _, file, size, changed in self._files:
            if offset < size and left:
                with file.open("rb") as source:
                    source.seek(offset)
                    piece = source.read(min(left, size - offset))
                now = file.stat()
                if (now.st_size, _changed(now)) != (size, changed):
                    raise Unsafe(
                        f"{file} changed while it was sent.", "It is not what it was.", "Deposit again."
                    )
                pieces.append(piece)
                left -= len(piece)
            offset = max(0, offset - size)
        return b"".join(pieces)

    def listed(self, upload: str) -> Iterator[documents.UploadedFile]:
        """Each file, and where it is in the upload."""
        start = 0
        for path, _, size, _ in self._files:
            yield documents.UploadedFile(path=path, upload=upload, start=start, length=size)
            start += size


def _changed(now: os.stat_result) -> _Changed:
    return now.st_ino, now.st_mtime_ns, now.st_ctime_ns


def _bundles(files: Iterable[tuple[str, Path]]) -> Iterator[_Bundle]:
    """Small files together up to the size of a part, each other file alone."""
    small: list[tuple[str, Path, int, _Changed]] = []
    held = 0
    for path, file in files:
        now = file.stat()
        one = (path, file, now.st_size, _changed(now))
        if now.st_size > _SMALL_BYTES:
            yield _Bundle([one])
            continue
        if held + now.st_size > _PART_BYTES:
            yield _Bundle(small)
            small, held = [], 0
        small.append(one)
        held += now.st_size
    if small:
        yield _Bundle(small)


def _regular_files(folder: Path) -> Iterator[tuple[str, Path]]:
    """(path below the folder, file) in a fixed order; Unsafe for a link, device or the like."""
    if not folder.is_dir() or folder.is_symlink():
        raise FileNotFoundError(folder)
    for root, folders, names in os.walk(folder, onerror=_refuse):
        folders.sort()
        for name in (*folders, *sorted(names)):
            file = Path(root, name)
            if file.is_symlink() or not (file.is_dir() or file.is_file()):
                raise Unsafe(
                    f"{file} cannot be sent.", "It is a link or a device.", "Take it out, or copy the file."
                )
            if name in names:
                yield file.relative_to(folder).as_posix(), file


def _refuse(error: OSError) -> None:
    raise error


def _sent(client: Client, kept: _Kept, bundle: _Bundle, told: _Told) -> str:
    """A finished upload: gone on with where one was begun, else new."""
    begun = kept.find(bundle.key)
    offset = _stands_at(client, begun) if begun else None
    if begun is None or offset is None:
        headers = {**_PART, "Upload-Length": str(bundle.size)}
        answer = client.send("POST", "/uploads", content=bundle.read(0), headers=headers)
        made = documents.Upload.model_validate_json(answer.content)
        kept.keep(bundle.key, made.upload_id)
        begun, offset = made.upload_id, made.offset
    told.add(offset)
    failed = 0
    while offset < bundle.size:
        stands = _part_sent(client, begun, bundle, offset, failed)
        failed = 0 if stands > offset else failed + 1
        told.add(stands - offset)
        offset = stands
    return begun


def _part_sent(client: Client, upload: str, bundle: _Bundle, offset: int, failed: int) -> int:
    """Send a part; returns where the upload stands: where the line broke, the server knows."""
    part = bundle.read(offset)
    where = {**_PART, "Upload-Offset": str(offset)}
    try:
        answer = client.send("PATCH", f"/uploads/{upload}", content=part, headers=where)
        return int(answer.headers["Upload-Offset"])
    except ApiError as error:
        moved = error.code in ("upload-offset", "upload-busy") or error.status in (0, 502, 503, 504)
        if not moved or failed >= client.retries:
            raise
    client.rest(failed)
    stands = _stands_at(client, upload)
    if stands is None:
        what = f"{bundle.name} was not sent."
        raise Unsafe(what, "The server has forgotten the upload.", "Deposit again.")
    return stands


def _stands_at(client: Client, upload: str) -> int | None:
    """How many bytes of an upload have arrived; None where it is gone."""
    try:
        answer = client.send("HEAD", f"/uploads/{upload}")
    except NotFound:
        return None
    return int(answer.headers["Upload-Offset"])


class _Kept:
    """Which uploads a deposit has begun, kept in the user's cache until the version is made: a line each, the
    bundle's key and the upload."""

    def __init__(self, url: str, folder: Path, asset: str) -> None:
        name = hashlib.sha256(f"{url}\n{folder.resolve()}\n{asset}".encode()).hexdigest()[:32]
        self._file = _cache() / f"deposit-{name}.jsonl"
        self._begun: dict[str, str] = {}
        self._alone = Lock()
        if self._file.is_file():
            for line in self._file.read_text("utf-8").splitlines():
                key, _, upload = line.partition(" ")
                self._begun[key] = upload

    def find(self, key: str) -> str | None:
        """The upload begun for a bundle of that key."""
        return self._begun.get(key) or None

    def keep(self, key: str, upload: str) -> None:
        """Remember the upload of a bundle."""
        with self._alone:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._file.open("a", encoding="utf-8") as kept:
                kept.write(f"{key} {upload}\n")

    def forget(self) -> None:
        """The deposit is made."""
        self._file.unlink(missing_ok=True)


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
        told = _Told(progress, sum(file.size_bytes for file in listed))
        places = [(file, _inside(folder, file.path)) for file in listed]
        jobs = [functools.partial(_take, client, version, file, place, told) for file, place in places]
        together(jobs, _AT_A_TIME)
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
    folder = _cache() / "versions" / found.manifest
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


def _cache() -> Path:
    """The user's cache of this client."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "madang"


def download_zip(client: Client, version: str, target: Path, progress: Progress) -> Path:
    """A version as one zip; it gets its name once it is whole."""
    if target.exists():
        raise FileExistsError(target)
    part = target.with_name(f".{target.name}.part")
    size = (client.versions.show(version)).size_bytes
    told = _Told(progress, size)
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


def _take(client: Client, version: str, file: documents.File, place: Path, told: _Told) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    failed = 0
    while not place.exists() or place.stat().st_size < file.size_bytes:
        have = place.stat().st_size if place.exists() else 0
        try:
            _rest_taken(client, version, file, place, have)
            break
        except httpx2.TransportError as error:
            came = place.exists() and place.stat().st_size > have
            failed = 0 if came else failed + 1
            if failed > client.retries:
                raise client.unreached(error) from error
            client.rest(failed)
    if opening.digest_of(place) != file.digest:
        place.unlink()
        what = f"{file.path} of {version} is not what the version says."
        raise Unsafe(what, "Its digest differs.", "Download again; if it stays so, tell the operator.")
    told.add(file.size_bytes)


def _rest_taken(client: Client, version: str, file: documents.File, place: Path, have: int) -> None:
    """What is still missing of a file."""
    headers = {"Range": f"bytes={have}-"} if have else {}
    where = f"/versions/{addresses.path(version)}/content"
    with client.stream(where, {"path": file.path}, headers) as answer:
        if answer.status_code >= 300:
            answer.read()
            raise refusal(answer)
        with place.open("ab" if answer.status_code == 206 else "wb") as kept:
            for chunk in answer.iter_bytes():
                kept.write(chunk)
