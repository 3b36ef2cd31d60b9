"""The web application: routes, headers, errors."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI, Request, Response
from fastapi.responses import PlainTextResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from madang.interfaces.api.app import create_api
from madang.interfaces.api.gate import Gate
from madang.interfaces.iri.app import create_facility
from madang.interfaces.web import verifier
from madang.interfaces.web.pages import (
    agreements,
    calls,
    catalogue,
    compute,
    contents,
    history,
    landing,
    ledger,
    missions,
    organizations,
    packs,
    plans,
    runs,
    scores,
    sign_in,
    statements,
    trials,
    versions,
)
from madang.interfaces.web.viewer import OneTimeCodes, Viewer, kept, render, viewer
from madang.kernel import extension
from madang.kernel.errors import Defect, MadangError, NotFound, UserError
from madang.kernel.home import Home, open_home
from madang.kernel.ledger.log import current_checkpoint

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


_PAGES = (
    missions, versions, history, landing, contents, catalogue, runs, agreements, organizations, compute,
    plans, trials, statements, calls, scores, ledger, packs, sign_in,
)  # fmt: skip

HOME_VARIABLE, CODE_VARIABLE = "MADANG_SERVED_HOME", "MADANG_SIGN_IN_CODE"
"""How `madang serve` tells its worker which home to serve, and a one-time code with its token."""


def from_environment() -> FastAPI:
    """The application that `madang serve` asked for."""
    codes = OneTimeCodes()
    code, _, token = os.environ.pop(CODE_VARIABLE, "").partition(" ")
    if code:
        codes.keep(code, token)
    return create_app(open_home(Path(os.environ[HOME_VARIABLE])), codes)


def create_app(home: Home, codes: OneTimeCodes | None = None) -> FastAPI:
    """The application over a home. `codes` are one-time sign-in codes given out when serving began."""
    extension.packs()  # their catalogues hold the texts of findings
    app = FastAPI(title="Madang", docs_url=None, redoc_url=None, openapi_url=None, lifespan=_few_threads)
    app.state.home = home
    app.state.codes = codes or OneTimeCodes()
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"), name="static")
    for module in _PAGES:
        app.include_router(module.router)
    app.add_middleware(Gate, api=create_api(home), others=create_facility(home))
    app.add_middleware(_Headers)
    app.add_exception_handler(MadangError, _told)
    app.add_exception_handler(404, _unknown_address)
    app.add_exception_handler(Exception, _told)

    @app.get("/", include_in_schema=False)
    def root() -> RedirectResponse:
        """Missions are where everything starts."""
        return RedirectResponse("/missions", 307)

    @app.get("/checkpoint", include_in_schema=False)
    def checkpoint() -> PlainTextResponse:
        """The ledger's signed tree head: public, so that anyone may keep it."""
        with home.database.read() as session:
            return PlainTextResponse(current_checkpoint(session.connection))

    @app.get("/verify.html", include_in_schema=False)
    def verifier_page() -> Response:
        """The one-file verifier, to keep: it needs neither this server nor a network."""
        return kept(verifier.page(), verifier.FILE_NAME, "text/html")

    return app


_THREADS = 8
"""Requests worked on at once by a worker. More would only wait for one another (and for the database)."""


@asynccontextmanager
async def _few_threads(_: FastAPI) -> AsyncIterator[None]:
    current_default_thread_limiter().total_tokens = _THREADS
    yield


class _Headers:
    """Adds the headers that every answer carries."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if scope["path"].startswith("/static/"):
                    headers["Cache-Control"] = "max-age=300"
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)


def _told(request: Request, error: Exception) -> Response:
    """Any error as a page in three parts, in the reader's language. Where it is none of the reader's, the
    records, which know who reads, may be what fails."""
    known = error if isinstance(error, MadangError) else Defect()
    reader = viewer(request) if isinstance(known, UserError) else Viewer.unsigned(request)
    page = render(reader, "error.html", status=known.status, error=known.in_language(reader.language))
    page.headers.update(_HEADERS)  # an unforeseen error is answered outside the middleware
    return page


def _unknown_address(request: Request, _: Exception) -> Response:
    return _told(request, NotFound())
