"""The application of one version: an address for each operation, and every refusal as the specification's
problem."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from madang.areas.tasks import Tasks
from madang.interfaces.api.problems import language_of
from madang.interfaces.iri import asking, declared
from madang.interfaces.iri.declared import PREFIX, VERSIONS, Asker, NotModified, Operation
from madang.interfaces.iri.errors import AddressUnknown, OtherMethod
from madang.interfaces.once import KEY_HEADER, asked_of
from madang.kernel.authorizer import OUTSIDER, Principal
from madang.kernel.errors import Defect, MadangError, NotSignedIn
from madang.kernel.home import Home
from madang.kernel.requests import Asked
from madang.organizations.service import authenticate, require_signed_in

_MEDIA = "application/json"
_ENDS = (".", "!", "?", ")")


def create_facility(home: Home) -> dict[str, Starlette]:
    """The interfaces over a home by their prefixes: both versions work on the same tasks. What is below
    neither has no address."""
    tasks = Tasks()
    versions = {f"{PREFIX}/v{version}": _create(home, version, tasks) for version in VERSIONS}
    return {**versions, PREFIX.rpartition("/")[0]: _application([])}


def _create(home: Home, version: int, tasks: Tasks) -> Starlette:
    addresses: dict[str, dict[str, Operation]] = {}
    for one in declared.every(version):
        addresses.setdefault(one.path, {})[one.method_in(version)] = one
    return _application(
        [
            Route(path, _endpoint(home, version, tasks, operations), methods=list(operations))
            for path, operations in addresses.items()
        ]
    )


def _application(routes: list[Route]) -> Starlette:
    handlers: Any = dict.fromkeys((MadangError, HTTPException, Exception), _told)
    app = Starlette(routes=routes, exception_handlers=handlers)
    app.router.redirect_slashes = False
    return app


def _endpoint(home: Home, version: int, tasks: Tasks, operations: Mapping[str, Operation]) -> Any:
    async def endpoint(request: Request) -> Response:
        one = operations["GET" if request.method == "HEAD" else request.method]
        actor = OUTSIDER if one.public else await run_in_threadpool(_signed_in, home, request)
        base = f"{request.url.scheme}://{request.url.netloc}{PREFIX}/v{version}"
        try:
            asked = await _asked(one, version, request)
        except ClientDisconnect:
            return Response(status_code=400)
        keyed = _keyed(request, actor, asked) if version == 2 and one.name in _KEYED else None
        asker = Asker(home, actor, version, base, tasks, language_of(request), keyed)
        made = await run_in_threadpool(one.function, asker, **request.path_params, **asked)
        return _answer(one, made)

    return endpoint


_KEYED = ("launchJob", "updateJob")


def _signed_in(home: Home, request: Request) -> Principal:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    with home.database.read() as session:
        return require_signed_in(authenticate(session, token if scheme.lower() == "bearer" else None))


async def _asked(one: Operation, version: int, request: Request) -> dict[str, Any]:
    """What the operation's function is called with beside the address: query, body, file."""
    asked: dict[str, Any] = {}
    in_query = one.method_in(version) in ("GET", "DELETE")
    if one.query is not None:
        asked["query"] = asking.from_query(one.query, request.query_params)
    if one.body is not None and in_query:
        asked["body"] = asking.from_query(one.body, request.query_params)
    elif one.body is not None:
        asked["body"] = await asking.from_body(one.body, request, optional=one.body_optional)
    if one.upload:
        asked["data"] = await asking.file_of(request)
    return asked


def _keyed(request: Request, actor: Principal, asked: Mapping[str, Any]) -> Asked | None:
    """The request by its idempotency key, where it has one."""
    key = request.headers.get(KEY_HEADER)
    return None if key is None else asked_of(actor.member, key, request.method, request.url.path, asked)


def _answer(one: Operation, made: Any) -> Response:
    headers = {"Cache-Control": "no-store"}
    if isinstance(made, NotModified):
        return Response(status_code=304, headers=headers)
    if made is None:
        return Response(status_code=204, headers=headers)
    body = made if isinstance(made, bytes) else json.dumps(made, ensure_ascii=False).encode()
    return Response(body, one.status, headers, _MEDIA)


def problem(error: MadangError, request: Request) -> Response:
    """An error of ours as the specification's Problem."""
    told = error.in_language(language_of(request))
    body = {
        "type": f"urn:madang:error:{error.code}",
        "status": error.status,
        "title": told.what,
        "detail": f"{told.why if told.why.endswith(_ENDS) else told.why + '.'} {told.next}",
        "instance": request.url.path,
        "code": error.code,
        "next": told.next,
    }
    headers = {"Cache-Control": "no-store", "Content-Language": language_of(request)}
    if isinstance(error, NotSignedIn):
        headers["WWW-Authenticate"] = "Bearer"
    return Response(json.dumps(body, ensure_ascii=False).encode(), error.status, headers, _MEDIA)


async def _told(request: Request, error: Exception) -> Response:
    known = _known(error)
    response = problem(known, request)
    if isinstance(error, HTTPException):
        response.headers.update(error.headers or {})
    return response


def _known(error: Exception) -> MadangError:
    if isinstance(error, HTTPException):
        allowed = (error.headers or {}).get("Allow", "")
        return OtherMethod(allowed=allowed) if error.status_code == 405 else AddressUnknown()
    return error if isinstance(error, MadangError) else Defect()
