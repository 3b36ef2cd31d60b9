"""Bytes over HTTP: resumable uploads (tus 1.0.0: core, creation, creation-with-upload, expiration,
termination) and the files of a version, whole or a range of one.

https://tus.io/protocols/resumable-upload
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime
from email.utils import format_datetime
from threading import Lock
from typing import Annotated, Any, BinaryIO

from fastapi import APIRouter, Header, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from madang.assets import service, uploads, zipping
from madang.assets.errors import NoSuchFile
from madang.interfaces.api.asking import caller_of
from madang.interfaces.api.problems import TUS
from madang.interfaces.operations import Caller
from madang.kernel import clock
from madang.kernel.errors import MediaUnknown, ProtocolUnknown, RangeMissed
from madang.organizations.service import require_signed_in
from madang.sdk.documents import Upload

router = APIRouter()
_TUS = {"Tus-Resumable": TUS}
_ABOUT = {
    **_TUS,
    "Tus-Version": TUS,
    "Tus-Extension": "creation,creation-with-upload,expiration,termination",
}
_PART = "application/offset+octet-stream"
_CHUNK = 1 << 20

Id = Annotated[str, Path(pattern=r"^[^\x00/]+$", max_length=100)]
Version = Annotated[str, Path(pattern=r"^[^\x00]+$", max_length=500)]
FilePath = Annotated[
    str, Query(min_length=1, max_length=4000, pattern=r"^[^\x00]*$", description="The file's path.")
]
First = Annotated[
    int, Query(ge=0, lt=2**31, description="Where to begin in the list of files; 0 is its first.")
]
Files = Annotated[
    int | None, Query(ge=1, lt=2**31, description="How many files; all from there on without it.")
]
Length = Annotated[int, Header(alias="Upload-Length", ge=0, lt=2**62, description="Bytes in all.")]
Offset = Annotated[int, Header(alias="Upload-Offset", ge=0, lt=2**62, description="Where this part begins.")]


def _body(*, required: bool) -> dict[str, Any]:
    content = {_PART: {"schema": {"type": "string", "format": "binary"}}}
    return {"requestBody": {"required": required, "content": content}}


async def _member(request: Request) -> Caller:
    """Who uploads, and in a version of the protocol that is spoken."""
    given = request.headers.get("tus-resumable", TUS)
    if given != TUS:
        raise ProtocolUnknown(given=given[:20], spoken=TUS)
    caller = await run_in_threadpool(caller_of, request)
    require_signed_in(caller.actor)
    return caller


def _headers(upload: uploads.Upload) -> dict[str, str]:
    expires = format_datetime(clock.from_text(upload.expires_at), usegmt=True)
    return {
        **_TUS,
        "Upload-Offset": str(upload.offset),
        "Upload-Length": str(upload.length),
        "Upload-Expires": expires,
        "Cache-Control": "no-store",
    }


def _document(upload: uploads.Upload) -> Upload:
    names = ("upload_id", "length", "offset", "expires_at")
    return Upload(**{name: getattr(upload, name) for name in names})


@router.options("/uploads", status_code=204, summary="Say which parts of tus are spoken")
async def about() -> Response:
    """Say which version and extensions of the tus protocol are spoken here."""
    return Response(None, 204, _ABOUT)


@router.post(
    "/uploads",
    status_code=201,
    response_model=Upload,
    summary="Begin an upload",
    openapi_extra=_body(required=False),
)
async def create(request: Request, length: Length) -> Response:
    """Begin an upload; a body (application/offset+octet-stream) is its first part."""
    caller = await _member(request)
    made = await run_in_threadpool(uploads.create, caller.home, caller.actor, length)
    if request.headers.get("content-type") == _PART and length:
        made = await _append(request, caller, made.upload_id, 0)
    where = str(request.url_for("see", upload=made.upload_id))
    return Response(
        _document(made).model_dump_json(), 201, {**_headers(made), "Location": where}, "application/json"
    )


@router.head("/uploads/{upload}", summary="Ask where an upload stands")
async def see(request: Request, upload: Id) -> Response:
    """Tell how many bytes of an upload are here, in the header Upload-Offset."""
    caller = await _member(request)
    present = await run_in_threadpool(uploads.see, caller.home, caller.actor, upload)
    return Response(None, 200, _headers(present))


@router.patch(
    "/uploads/{upload}", status_code=204, summary="Go on with an upload", openapi_extra=_body(required=True)
)
async def append(request: Request, upload: Id, offset: Offset) -> Response:
    """Append a part that begins where the upload stands. What arrived before a line broke is kept."""
    caller = await _member(request)
    if request.headers.get("content-type") != _PART:
        raise MediaUnknown(given=request.headers.get("content-type", "-")[:100], wanted=_PART)
    return Response(None, 204, _headers(await _append(request, caller, upload, offset)))


@router.delete("/uploads/{upload}", status_code=204, summary="Forget an upload")
async def discard(request: Request, upload: Id) -> Response:
    """Forget an upload."""
    caller = await _member(request)
    await run_in_threadpool(uploads.discard, caller.home, caller.actor, upload)
    return Response(None, 204, _TUS)


async def _append(request: Request, caller: Caller, upload: str, offset: int) -> uploads.Upload:
    async with _writing(caller, upload, offset) as writer:
        try:
            async for chunk in request.stream():
                if chunk:
                    await run_in_threadpool(writer.write, chunk)
        except ClientDisconnect:
            pass  # what has arrived is kept; the client asks where it stands
    return await run_in_threadpool(uploads.see, caller.home, caller.actor, upload)


@asynccontextmanager
async def _writing(caller: Caller, upload: str, offset: int) -> AsyncIterator[uploads.Writer]:
    opened = uploads.appending(caller.home, caller.actor, upload, offset)
    writer = await run_in_threadpool(opened.__enter__)
    try:
        yield writer
    finally:
        await run_in_threadpool(opened.__exit__, None, None, None)


@router.get("/versions/{version:path}/content", summary="Take a file of a version home")
def content(request: Request, version: Version, path: FilePath) -> Response:
    """Give a file of a version, where the agreements allow it, or the one range of it that `Range` names.

    The download is put on record: once in ten minutes for each member and version.
    """
    caller = caller_of(request)
    require_signed_in(caller.actor)
    found = service.opened_for_download(caller.home, caller.actor, version, request.app.state.downloads)
    file = found.manifest.find(path)
    if file is None:
        raise NoSuchFile(version=version, path=path)
    etag = f'"{file.digest}"'
    part = _part(request, etag, file.size)
    start, end = part or (0, file.size)
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": etag,
        "Content-Length": str(end - start),
        "Cache-Control": "private, no-cache",
        "Content-Disposition": "attachment",
    }
    if part:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{file.size}"
    stream = found.open(file.digest)
    stream.seek(start)
    chunks = _chunks(stream, end - start)
    return StreamingResponse(chunks, 206 if part else 200, headers, "application/octet-stream")


@router.get("/versions/{version:path}/archive", summary="Take a version home as one zip")
def archive(request: Request, version: Version, first: First = 0, files: Files = None) -> Response:
    """Give every file of a version as one zip, where the agreements allow it; or some that follow each other.

    The zip is made while it is sent, so it cannot go on where it was cut off: take large files one by one,
    small ones some thousands at a time. It is put on record as a download, as they are.
    """
    caller = caller_of(request)
    require_signed_in(caller.actor)
    content = service.opened_for_download(caller.home, caller.actor, version, request.app.state.downloads)
    end = None if files is None else first + files
    chosen = content.manifest.files[first:end]  # what cannot be read is told before the answer begins
    headers = {"Cache-Control": "private, no-cache", "Content-Disposition": "attachment"}
    return StreamingResponse(zipping.zipped(content, chosen), 200, headers, "application/zip")


def _part(request: Request, etag: str, size: int) -> tuple[int, int] | None:
    """Where the one range that is asked for begins and ends; None for the whole (RFC 9110, 13.1.5 and 14.2).

    Several ranges, other units, what is no range, and a range of another state of the file are passed over.
    """
    given = request.headers.get("range", "").strip()
    match = re.fullmatch(r"bytes=(\d{0,18})-(\d{0,18})", given)
    if match is None or given == "bytes=-" or request.headers.get("if-range", etag) != etag:
        return None
    first, last = match.groups()
    if first and last and int(last) < int(first):
        return None
    start = int(first) if first else max(0, size - int(last))
    end = min(int(last) + 1, size) if first and last else size
    if start >= end:
        raise RangeMissed(range=given.removeprefix("bytes="), size=size)
    return start, end


def _chunks(stream: BinaryIO, left: int) -> Iterator[bytes]:
    with stream:
        while left and (chunk := stream.read(min(_CHUNK, left))):
            left -= len(chunk)
            yield chunk


class Downloads:
    """Which downloads were put on record a short while ago: not each file of a version is a new one."""

    SECONDS = 600

    def __init__(self) -> None:
        self._noted: dict[tuple[str, str], datetime] = {}
        self._alone = Lock()

    def fresh(self, member: str, version_id: str) -> bool:
        """Whether this member's download of this version was put on record a short while ago."""
        at = self._noted.get((member, version_id))
        return at is not None and (clock.now() - at).total_seconds() < self.SECONDS

    def keep(self, member: str, version_id: str) -> None:
        """It is on record now."""
        now = clock.now()
        with self._alone:
            recent = {k: at for k, at in self._noted.items() if (now - at).total_seconds() < self.SECONDS}
            self._noted = {**recent, (member, version_id): now}
