"""The client: connection, sign-in, retries; the nouns are its attributes."""

from __future__ import annotations

import asyncio
import random
import uuid
import warnings
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx2
from pydantic import BaseModel, ValidationError

from madang.sdk import documents
from madang.sdk._async import sending, taking
from madang.sdk._async.resources import (
    Agreements,
    Calls,
    Catalogue,
    Compute,
    Descriptions,
    Identifiers,
    Ledger,
    Metrics,
    Missions,
    Organizations,
    Plans,
    Probes,
    Programme,
    Queries,
    Runs,
    Scores,
    Trials,
    Versions,
    Withdrawals,
)
from madang.sdk.documents.form import CUT_HEADER
from madang.sdk.errors import NotReached, NotSignedIn, of_answer, refusal
from madang.sdk.opening import Opened

Form = TypeVar("Form", bound=BaseModel)
PREFIX = "/api/v1"
_HOPELESS = (httpx2.UnsupportedProtocol, httpx2.InvalidURL, httpx2.ReadTimeout)
"""Sending again would not help, or would start work a second time that may still be going on."""
_AGAIN = (429, 502, 503, 504)
_LONGEST_WAIT_SECONDS = 20.0


class AsyncClient:
    """A connection to a server, as the holder of `token` (as an outsider without one).

    Requests that meet a broken connection or a busy server are sent again, up to `retries` times; changes
    carry an idempotency key, so that they are done once. One that is not answered in ten times
    `timeout_seconds` is not sent again: it may still be worked on. Raises :class:`madang.sdk.ApiError`.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        language: str = "en",
        timeout_seconds: float = 60.0,
        retries: int = 4,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        headers = {"Accept-Language": language}
        if token:
            headers["Authorization"] = f"Bearer {_plain(token)}"
        self._url = url.rstrip("/")
        self._retries = retries
        # A check or a verification may take minutes: an answer is waited for longer than a connection.
        timeout = httpx2.Timeout(timeout_seconds, read=10 * timeout_seconds)
        self._http = httpx2.AsyncClient(headers=headers, timeout=timeout, transport=transport)
        self.organizations = Organizations(self)
        self.agreements = Agreements(self)
        self.missions = Missions(self)
        self.versions = Versions(self)
        self.descriptions = Descriptions(self)
        self.probes = Probes(self)
        self.queries = Queries(self)
        self.identifiers = Identifiers(self)
        self.withdrawals = Withdrawals(self)
        self.catalogue = Catalogue(self)
        self.plans = Plans(self)
        self.trials = Trials(self)
        self.compute = Compute(self)
        self.calls = Calls(self)
        self.metrics = Metrics(self)
        self.runs = Runs(self)
        self.scores = Scores(self)
        self.ledger = Ledger(self)
        self.programme = Programme(self)

    @property
    def url(self) -> str:
        """The server's address."""
        return self._url

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx2.Response:
        """Send a request below the API's prefix and give its answer; the error it means otherwise."""
        given = dict(headers or {})
        if method in ("POST", "DELETE"):
            given.setdefault("Idempotency-Key", uuid.uuid4().hex)
        asked = {name: value for name, value in (query or {}).items() if value is not None}
        for attempt in range(self._retries + 1):
            try:
                answer = await self._http.request(
                    method, self._url + PREFIX + path, params=asked, json=body, content=content, headers=given
                )
            except (httpx2.TransportError, httpx2.InvalidURL) as error:
                hopeless = method == "PATCH" or isinstance(error, _HOPELESS)
                if hopeless or attempt == self._retries:
                    raise self.unreached(error) from error
                await asyncio.sleep(_wait(attempt, None))
                continue
            if method == "PATCH" or answer.status_code not in _AGAIN or attempt == self._retries:
                break
            await asyncio.sleep(_wait(attempt, answer.headers.get("Retry-After")))
        if answer.status_code >= 300:
            raise refusal(answer)
        if CUT_HEADER in answer.headers:
            warnings.warn(f"The answer is cut off after {answer.headers[CUT_HEADER]} rows.", stacklevel=3)
        return answer

    def stream(self, path: str, query: Mapping[str, Any], headers: Mapping[str, str]) -> Any:
        """A GET whose body is read bit by bit: a context manager of the answer."""
        return self._http.stream("GET", self._url + PREFIX + path, params=dict(query), headers=dict(headers))

    @property
    def retries(self) -> int:
        """How often a request is sent again."""
        return self._retries

    async def rest(self, attempt: int) -> None:
        """Wait before the next try."""
        await asyncio.sleep(_wait(attempt, None))

    def unreached(self, error: Exception) -> NotReached:
        """Nobody answered."""
        what, why = f"{self._url} does not answer.", str(error) or type(error).__name__
        return NotReached(what, why, "Check the address, and whether the server runs there.")

    async def call(
        self,
        method: str,
        path: str,
        form: type[Form],
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        key: str | None = None,
    ) -> Form:
        """Send a request and read its answer as a document."""
        headers = {"Idempotency-Key": key} if key else None
        answer = await self.send(method, path, query=query, body=body, headers=headers)
        try:
            return form.model_validate_json(answer.content)
        except ValidationError as error:
            raise of_answer(answer.status_code, None) from error

    async def every(self, path: str, form: type[Form], query: Mapping[str, Any]) -> AsyncIterator[Form]:
        """Every item of a listing, part by part."""
        page = documents.Page[form]  # type: ignore[valid-type]
        cursor: str | None = None
        while True:
            answer = await self.call("GET", path, page, query={**query, "cursor": cursor})
            for item in answer.items:
                yield item
            cursor = answer.next
            if cursor is None:
                return

    async def deposit(
        self,
        folder: str | Path,
        *,
        asset: str,
        agreement: str,
        format: str | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> documents.Version:
        """Deposit a folder as the next version of a data set of your organization.

        Cut off, it goes on where it was when it is called again: what has arrived is not sent twice.
        progress: called with (bytes sent, bytes in all).
        """
        return await sending.deposit(self, Path(folder), asset, agreement, format, progress)

    async def download(
        self, version: str, target: str | Path, progress: Callable[[int, int], None] | None = None
    ) -> Path:
        """Write a version's files to a new folder, each compared with its digest; cut off, it goes on.

        Raises Unsafe where a file is not what the version says, FileExistsError where `target` exists.
        """
        return await taking.download(self, version, Path(target), progress)

    async def download_zip(
        self, version: str, target: str | Path, progress: Callable[[int, int], None] | None = None
    ) -> Path:
        """Write a version to a new file, as one zip; cut off, it begins anew.

        Raises FileExistsError where `target` exists.
        """
        return await taking.download_zip(self, version, Path(target), progress)

    async def open(
        self,
        version: str,
        *,
        manifest: str | None = None,
        agreement: str | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Opened:
        """A version as files, Arrow, xarray or a torch data set: ``madang.open(name).arrow()``.

        Its files are fetched into the user's cache, each compared with its digest, and the list of them with
        the version's own. manifest, agreement: what is expected; Unsafe where the version is another, or its
        deposits are under other agreements. What was opened is its `pin`.
        """
        return await taking.open_version(self, version, manifest, agreement, progress)

    async def follow(self, run: str, every_seconds: float = 0.5) -> AsyncIterator[bytes]:
        """What a run prints, as it comes, until the run has ended."""
        offset = 0
        while True:
            live = (await self.runs.show(run)).live
            printed = await self.runs.log(run, offset=offset)
            offset += len(printed)
            if printed:
                yield printed
            if not live:
                return
            await asyncio.sleep(every_seconds)


def _plain(token: str) -> str:
    """A token as a header takes it; NotSignedIn, without telling it, for what is none."""
    word = token.strip()
    if not (word.isascii() and word.isprintable() and " " not in word):
        what, why = "You are not signed in.", "The token is not one word of letters, digits, - and _."
        raise NotSignedIn(what, why, "Give the token as it was issued, alone in its file.")
    return word


def _wait(attempt: int, asked: str | None) -> float:
    """Seconds before the next try: what the server asks for, else doubling, spread so that clients part."""
    if asked is not None and asked.isdecimal():
        return min(float(asked), _LONGEST_WAIT_SECONDS)
    return float(min(0.2 * 2**attempt, _LONGEST_WAIT_SECONDS) * random.uniform(0.5, 1.0))  # noqa: S311
