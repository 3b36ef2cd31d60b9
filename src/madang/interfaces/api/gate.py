"""What stands before the API: who leads to it, and what is refused before a body is read.

What is below another prefix is led on as it is: it reads and refuses by rules of its own.
"""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import Request
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from madang.interfaces.api import problems
from madang.interfaces.api.app import PREFIX
from madang.kernel.errors import BadValue, MadangError, NotSignedIn
from madang.kernel.i18n import Message

_MOST_BODY = 32 * 2**20


class Gate:
    """Leads what is below the API's prefix to it, past all that the pages of `app` need; so for `others`."""

    def __init__(self, app: ASGIApp, api: ASGIApp, others: Mapping[str, ASGIApp]) -> None:
        self._app = app
        self._api = api
        self._others = others

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _is_below(scope, PREFIX):
            if (refused := _unread(scope)) is not None:
                await problems.told(Request(scope), refused)(scope, receive, send)
                return
            below = {**scope, "root_path": scope.get("root_path", "") + PREFIX, "method": _method(scope)}
            await self._api(below, receive, send)
            return
        other = next((p for p in self._others if scope["type"] == "http" and _is_below(scope, p)), None)
        if other is None:
            await self._app(scope, receive, send)
        else:
            below = {**scope, "root_path": scope.get("root_path", "") + other}
            await self._others[other](below, receive, send)


def _is_below(scope: Scope, prefix: str) -> bool:
    return str(scope["path"]).startswith(f"{prefix}/")


def _method(scope: Scope) -> str:
    """A client of tus that cannot send PATCH or DELETE says in a header of a POST that it means them."""
    meant = Headers(scope=scope).get("x-http-method-override", "").upper()
    overridden = scope["method"] == "POST" and str(scope["path"]).startswith(f"{PREFIX}{problems.UPLOADS}/")
    return meant if overridden and meant in ("PATCH", "DELETE", "HEAD") else str(scope["method"])


def _unread(scope: Scope) -> MadangError | None:
    """Why a request is refused before its body is read: nobody signed it, or it is too large."""
    if scope["method"] in ("GET", "HEAD", "OPTIONS"):
        return None
    headers = Headers(scope=scope)
    if not headers.get("authorization", "").lower().startswith("bearer "):
        return NotSignedIn(reason=Message("organizations.token-absent"))
    if scope["path"].startswith(f"{PREFIX}{problems.UPLOADS}"):
        return None
    length = headers.get("content-length", "0")
    if "transfer-encoding" in headers or not length.isdecimal() or int(length[:20]) > _MOST_BODY:
        return BadValue(file="request (header)", key="Content-Length", reason=f"At most {_MOST_BODY} bytes.")
    return None
