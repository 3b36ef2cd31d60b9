"""From a request to a caller, and an operation's answer to a response: ETags, idempotency keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import blake3
from fastapi import Request, Response
from pydantic import BaseModel

from madang.interfaces.api.problems import language_of
from madang.interfaces.once import KEY_HEADER, asked_of, once
from madang.interfaces.operations import Caller, Operation
from madang.kernel.home import Home
from madang.organizations.service import authenticate, require_signed_in

JSON, REPLAYED_HEADER = "application/json", "Idempotency-Replayed"


def caller_of(request: Request) -> Caller:
    """Whoever sends the request, by its bearer token; NotSignedIn for a token that does not hold."""
    home: Home = request.app.state.home
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    given = token if scheme.lower() == "bearer" else ""
    with home.database.read() as session:
        actor = authenticate(session, given or None)
    return Caller(home, actor, language_of(request))


def answer(operation: Operation, request: Request, arguments: Mapping[str, Any]) -> Response:
    """Carry out an operation for whoever asks."""
    caller = caller_of(request)
    if not operation.public:
        require_signed_in(caller.actor)
    key = request.headers.get(KEY_HEADER)
    if operation.keyed and key is not None:
        return _once(operation, caller, key, arguments, request)
    body = _body(operation.function(caller, **arguments))
    if operation.changes:
        return _response(operation, operation.status, body, beside=caller.beside)
    return _cached(operation, request, body)


def _body(value: Any) -> bytes:
    if isinstance(value, BaseModel):
        return value.model_dump_json().encode()
    return value if isinstance(value, bytes) else str(value).encode()


def _response(
    operation: Operation,
    status: int,
    body: bytes,
    *,
    replayed: bool = False,
    beside: Mapping[str, str] | None = None,
) -> Response:
    headers = {"Cache-Control": "no-store", **(beside or {})}
    if replayed:
        headers[REPLAYED_HEADER] = "true"
    return Response(body, status, headers, _media(operation))


@cache
def _media(operation: Operation) -> str:
    media = operation.media or JSON
    return f"{media}; charset=utf-8" if media.startswith("text/") else media


def _cached(operation: Operation, request: Request, body: bytes) -> Response:
    """The body with its entity tag; nothing but the tag where the asker has this body."""
    tag = f'"{blake3.blake3(body).hexdigest(16)}"'
    kept = {"Cache-Control": "private, no-cache", "ETag": tag, "Vary": "Authorization, Accept-Language"}
    known = request.headers.get("if-none-match", "")
    if known and (
        known.strip() == "*" or tag in [one.strip().removeprefix("W/") for one in known.split(",")]
    ):
        return Response(None, 304, kept)
    return Response(body, operation.status, kept, _media(operation))


def _once(
    operation: Operation, caller: Caller, key: str, arguments: Mapping[str, Any], request: Request
) -> Response:
    """Carry out a change that has a key: once, however often it is asked for."""
    require_signed_in(caller.actor)
    asked = asked_of(caller.actor.member, key, operation.method, request.url.path, arguments)
    made = once(
        caller.home,
        asked,
        lambda home: _body(operation.function(replace(caller, home=home), **arguments)),
        status=operation.status,
        secret=operation.secret,
    )
    return _response(operation, made.status, made.body, replayed=made.replayed)
