"""Errors as RFC 9457 problem details, in our three parts and the asker's language."""

from __future__ import annotations

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from madang.kernel.errors import (
    BadValue,
    Defect,
    MadangError,
    MethodUnknown,
    NotFound,
    NotSignedIn,
    ProtocolUnknown,
    RangeMissed,
    UnknownKey,
)
from madang.sdk.documents import Problem

MEDIA = "application/problem+json"
UPLOADS, TUS = "/uploads", "1.0.0"
"""Where files go up, and the version of the tus protocol that is spoken there."""


def language_of(request: Request) -> str:
    """The language that the asker's first choice names, else English."""
    return "ko" if request.headers.get("accept-language", "").strip().lower().startswith("ko") else "en"


def problem_of(error: MadangError, language: str) -> Problem:
    """An error of ours as a problem document."""
    told = error.in_language(language)
    return Problem(
        type=f"urn:madang:error:{error.code}",
        title=told.what,
        status=error.status,
        detail=told.why,
        next=told.next,
        code=error.code,
    )


def told(request: Request, error: Exception) -> Response:
    """The answer to a request that failed."""
    known = _known(error)
    language = language_of(request)
    headers = {"Content-Language": language, "Cache-Control": "no-store"}
    if isinstance(known, NotSignedIn):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(known, RangeMissed):
        headers["Content-Range"] = f"bytes */{known.facts['size']}"
    if isinstance(known, ProtocolUnknown):
        headers["Tus-Version"] = str(known.facts["spoken"])
    if known.status == 503:
        headers["Retry-After"] = "5"
    if UPLOADS in request.url.path:
        headers["Tus-Resumable"] = TUS
    if isinstance(error, HTTPException):
        headers.update(error.headers or {})
        if error.status_code == 405:
            headers["Allow"] = ", ".join(sorted(_methods(request)))
    body = problem_of(known, language).model_dump_json().encode()
    return Response(body, known.status, headers, MEDIA)


def _methods(request: Request) -> set[str]:
    """Every method that the address takes, whichever route takes it."""
    matching = (route for route in request.app.routes if route.matches(request.scope)[0] is not Match.NONE)
    return {method for route in matching for method in getattr(route, "methods", None) or ()}


def _known(error: Exception) -> MadangError:
    if isinstance(error, MadangError):
        return error
    if isinstance(error, RequestValidationError):
        return _misfit(error)
    if isinstance(error, HTTPException) and error.status_code == 404:
        return NotFound()
    if isinstance(error, HTTPException) and error.status_code == 405:
        return MethodUnknown()
    if isinstance(error, HTTPException) and 400 <= error.status_code < 500:
        return BadValue(file="request", key="body", reason=str(error.detail))
    return Defect()


def _misfit(error: RequestValidationError) -> MadangError:
    """The first part of a request that does not fit."""
    told = error.errors()
    first = next((one for one in told if one["type"] == "extra_forbidden"), told[0])
    where, *inside = first["loc"]
    key = ".".join(str(part) for part in inside) or str(where)
    if first["type"] == "extra_forbidden":
        return UnknownKey(file=f"request ({where})", key=key, known="those of /api/v1/openapi.json")
    return BadValue(file=f"request ({where})", key=key, reason=str(first["msg"]))
