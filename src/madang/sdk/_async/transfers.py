"""Folders up and versions down, in parts that need not be sent twice."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import blake3
import httpx2

from madang.sdk import addresses, documents
from madang.sdk.errors import ApiError, NotFound, Unsafe, refusal

if TYPE_CHECKING:
    from madang.sdk._async.client import AsyncClient

Progress = Callable[[int, int], None] | None
_PART_BYTES = 8 * 2**20
_PART = {"Content-Type": "application/offset+octet-stream", "Tus-Resumable": "1.0.0"}


async def deposit(
    client: AsyncClient, folder: Path, asset: str, agreement: str, format_: str | None, progress: Progress
) -> documents.Version:
    """Send every file of a folder, then make a version of them."""
    files = list(_regular_files(folder))
    await client.agreements.show(agreement)  # better refused now than after the last byte
    kept = _Kept(client.url, folder, asset)
    size, sent = sum(file.stat().st_size for _, file in files), 0
    listed = []
    for path, file in files:
        upload = await _sent(client, kept, path, file)
        sent += upload.length
        if progress:
            progress(sent, size)
        listed.append(documents.UploadedFile(path=path, upload=upload.upload_id))
    made = await client.versions.deposit(asset, agreement=agreement, files=listed, format=format_)
    kept.forget()
    return made


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


async def _sent(client: AsyncClient, kept: _Kept, path: str, file: Path) -> documents.Upload:
    """A file's finished upload: gone on with where one was begun, else new."""
    before = file.stat()
    size = before.st_size
    begun = kept.find(path, before)
    offset = await _stands_at(client, begun) if begun else None
    if begun is None or offset is None:
        with file.open("rb") as source:
            first = source.read(min(size, _PART_BYTES))
        headers = {**_PART, "Upload-Length": str(size)}
        answer = await client.send("POST", "/uploads", content=first, headers=headers)
        made = documents.Upload.model_validate_json(answer.content)
        kept.keep(path, before, made.upload_id)
        begun, offset = made.upload_id, made.offset
    failed = 0
    while offset < size:
        stands = await _part_sent(client, begun, file, offset, failed)
        failed = 0 if stands > offset else failed + 1
        offset = stands
    after = file.stat()
    if (after.st_size, after.st_mtime_ns) != (size, before.st_mtime_ns):
        raise Unsafe(f"{file} changed while it was sent.", "It is not what it was.", "Deposit again.")
    return documents.Upload(upload_id=begun, length=size, offset=size, expires_at="")


async def _part_sent(client: AsyncClient, upload: str, file: Path, offset: int, failed: int) -> int:
    """Send a part; returns where the upload stands: where the line broke, the server knows."""
    with file.open("rb") as source:
        source.seek(offset)
        part = source.read(_PART_BYTES)
    if not part:
        raise Unsafe(f"{file} changed while it was sent.", "It is shorter now.", "Deposit again.")
    where = {**_PART, "Upload-Offset": str(offset)}
    try:
        answer = await client.send("PATCH", f"/uploads/{upload}", content=part, headers=where)
        return int(answer.headers["Upload-Offset"])
    except ApiError as error:
        moved = error.code in ("upload-offset", "upload-busy") or error.status in (0, 502, 503, 504)
        if not moved or failed >= client.retries:
            raise
    await client.rest(failed)
    stands = await _stands_at(client, upload)
    if stands is None:
        raise Unsafe(f"{file} was not sent.", "The server has forgotten the upload.", "Deposit again.")
    return stands


async def _stands_at(client: AsyncClient, upload: str) -> int | None:
    """How many bytes of an upload have arrived; None where it is gone."""
    try:
        answer = await client.send("HEAD", f"/uploads/{upload}")
    except NotFound:
        return None
    return int(answer.headers["Upload-Offset"])


class _Kept:
    """Which uploads a deposit has begun, kept in the user's cache until the version is made."""

    def __init__(self, url: str, folder: Path, asset: str) -> None:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        name = hashlib.sha256(f"{url}\n{folder.resolve()}\n{asset}".encode()).hexdigest()[:32]
        self._file = cache / "madang" / f"deposit-{name}.jsonl"
        self._begun: dict[str, Mapping[str, Any]] = {}
        if self._file.is_file():
            for line in self._file.read_text("utf-8").splitlines():
                try:
                    row = json.loads(line)
                    self._begun[row["path"]] = row
                except (ValueError, KeyError, TypeError):
                    continue  # a line that was cut off: its file is sent anew

    def find(self, path: str, now: os.stat_result) -> str | None:
        """The upload begun for a file as it is now."""
        row = self._begun.get(path, {})
        same = (row.get("size"), row.get("changed")) == (now.st_size, now.st_mtime_ns)
        return str(row["upload"]) if same else None

    def keep(self, path: str, now: os.stat_result, upload: str) -> None:
        """Remember the upload of a file as it was."""
        row = {"path": path, "size": now.st_size, "changed": now.st_mtime_ns, "upload": upload}
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._file.open("a", encoding="utf-8") as kept:
            kept.write(json.dumps(row) + "\n")

    def forget(self) -> None:
        """The deposit is made."""
        self._file.unlink(missing_ok=True)


async def download(client: AsyncClient, version: str, target: Path, progress: Progress) -> Path:
    """Every file of a version into a folder beside the target, which gets its name once it is whole."""
    if target.exists():
        raise FileExistsError(target)
    # Of this version alone: what was begun of another must not come in between.
    mark = hashlib.sha256(f"{client.url}\n{version}".encode()).hexdigest()[:12]
    folder = target.with_name(f".{target.name}.{mark}.part")
    folder.mkdir(parents=True, exist_ok=True)
    listed = [file async for file in client.versions.files(version)]
    size, done = sum(file.size_bytes for file in listed), 0
    for file in listed:
        await _take(client, version, file, _inside(folder, file.path))
        done += file.size_bytes
        if progress:
            progress(done, size)
    folder.rename(target)
    return target


def _inside(folder: Path, path: str) -> Path:
    """Where a file goes; Unsafe for a path that leads out of the folder."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\0" in path:
        raise Unsafe(
            f"The version lists a file {path!r}.", "It would lie outside the folder.", "Tell its owner."
        )
    return folder.joinpath(*parts)


async def _take(client: AsyncClient, version: str, file: documents.File, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    failed = 0
    while not place.exists() or place.stat().st_size < file.size_bytes:
        have = place.stat().st_size if place.exists() else 0
        try:
            await _rest_taken(client, version, file, place, have)
            break
        except httpx2.TransportError as error:
            came = place.exists() and place.stat().st_size > have
            failed = 0 if came else failed + 1
            if failed > client.retries:
                raise client.unreached(error) from error
            await client.rest(failed)
    if _digest(place) != file.digest:
        place.unlink()
        what = f"{file.path} of {version} is not what the version says."
        raise Unsafe(what, "Its digest differs.", "Download again; if it stays so, tell the operator.")


async def _rest_taken(
    client: AsyncClient, version: str, file: documents.File, place: Path, have: int
) -> None:
    """What is still missing of a file."""
    headers = {"Range": f"bytes={have}-"} if have else {}
    where = f"/versions/{addresses.path(version)}/content"
    async with client.stream(where, {"path": file.path}, headers) as answer:
        if answer.status_code >= 300:
            await answer.aread()
            raise refusal(answer)
        with place.open("ab" if answer.status_code == 206 else "wb") as kept:
            async for chunk in answer.aiter_bytes():
                kept.write(chunk)


def _digest(file: Path) -> str:
    return blake3.blake3(max_threads=blake3.blake3.AUTO).update_mmap(file).hexdigest()
