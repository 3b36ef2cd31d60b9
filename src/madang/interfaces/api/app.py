"""The API's application: a route for each operation, and its OpenAPI description."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from madang import __version__
from madang.interfaces import once, operations
from madang.interfaces.api import asking, problems, transfers
from madang.interfaces.operations import Operation
from madang.kernel.errors import MadangError
from madang.kernel.home import Home
from madang.sdk.documents import Problem

PREFIX = "/api/v1"
_DESCRIPTION = """Everything the command line does, over HTTP.

Sign in with a member's token: `Authorization: Bearer madang_...`. Errors are problem details (RFC 9457): what
happened, why, and what to do next, in the language that `Accept-Language` asks for (en, ko). Listings go on
with `cursor`; answers to GET carry an ETag; a change with an `Idempotency-Key` is done once, however often it
is sent, for seven days. Files go up by the tus protocol, version 1.0.0.
"""
_PROBLEM = {"$ref": "#/components/schemas/Problem"}
_REFUSALS: dict[int | str, dict[str, Any]] = {
    family: {"description": what, "content": {problems.MEDIA: {"schema": _PROBLEM}}}
    for family, what in (
        ("4XX", "What the asker can mend."),
        ("5XX", "What this installation lacks, or a bug of ours."),
    )
}
_KEY: dict[str, Any] = {
    "name": once.KEY_HEADER,
    "in": "header",
    "description": "Done once, however often it is sent with this key (seven days).",
    "schema": {"type": "string", "pattern": once.KEY_PATTERN},
}


def create_api(home: Home) -> FastAPI:
    """The API over a home, to be mounted at :data:`PREFIX`."""
    api = FastAPI(
        title="Madang", version=__version__, description=_DESCRIPTION, docs_url=None, redoc_url=None,
        redirect_slashes=False,
    )  # fmt: skip
    api.state.home = home
    api.state.downloads = transfers.Downloads()
    api.include_router(transfers.router, tags=["transfers"], responses=_REFUSALS)
    for operation in operations.every():
        _mount(api, operation)
    for kind in (MadangError, RequestValidationError, HTTPException, Exception):
        api.add_exception_handler(kind, problems.told)
    api.openapi = lambda: _described(api)  # type: ignore[method-assign]
    return api


def _mount(api: FastAPI, operation: Operation) -> None:
    extra: dict[str, Any] = {"security": [{"bearer": []}, *([{}] if operation.public else [])]}
    if operation.keyed:
        extra["parameters"] = [_KEY]
    signature = inspect.signature(operation.function, eval_str=True)
    responses = dict(_REFUSALS)
    if operation.media:
        responses[operation.status] = {"content": {operation.media: {"schema": _shape(operation.media)}}}
    if not operation.changes:
        responses[304] = {"description": "The asker has this answer (If-None-Match)."}
    api.add_api_route(
        operation.path,
        _endpoint(operation, signature),
        methods=[operation.method],
        name=f"{operation.noun}.{operation.name}",
        operation_id=f"{operation.noun}_{operation.name}",
        summary=(inspect.getdoc(operation.function) or "").partition("\n")[0],
        description=inspect.getdoc(operation.function),
        tags=[operation.noun],
        status_code=operation.status,
        response_model=None if operation.media else signature.return_annotation,
        response_class=Response if operation.media else JSONResponse,
        responses=responses,
        openapi_extra=extra,
    )


def _shape(media: str) -> dict[str, str]:
    return {"type": "object" if media == asking.JSON else "string"}


def _endpoint(operation: Operation, signature: inspect.Signature) -> Callable[..., Response]:
    """The operation as FastAPI calls it: the request in the caller's place, the others as they are."""

    def endpoint(request: Request, **arguments: Any) -> Response:
        return asking.answer(operation, request, arguments)

    first = inspect.Parameter("request", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Request)
    _, *others = signature.parameters.values()
    endpoint.__signature__ = inspect.Signature([first, *others])  # type: ignore[attr-defined]
    return endpoint


def _described(api: FastAPI) -> dict[str, Any]:
    if api.openapi_schema is None:
        made = get_openapi(
            title=api.title, version=api.version, description=api.description, routes=api.routes,
            servers=[{"url": PREFIX}],
        )  # fmt: skip
        parts = made.setdefault("components", {})
        parts["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
        parts.setdefault("schemas", {})["Problem"] = Problem.model_json_schema()
        for path in made["paths"].values():
            for told in path.values():
                told.setdefault("security", [{"bearer": []}])
        made["paths"]["/uploads"]["options"]["security"] = []
        api.openapi_schema = made
    return api.openapi_schema
