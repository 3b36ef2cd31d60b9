"""Signing in with a token, signing out, and choosing language and theme."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from madang.interfaces.web.viewer import (
    LANGUAGE_COOKIE,
    THEME_COOKIE,
    THEMES,
    TOKEN_COOKIE,
    Looking,
    render,
)
from madang.kernel.errors import NotSignedIn
from madang.kernel.i18n import LANGUAGES, Message
from madang.organizations.service import signed_in

router = APIRouter()
_YEAR_SECONDS = 365 * 24 * 3600


@router.get("/sign-in")
def ask(viewer: Looking) -> Response:
    """The form."""
    return render(viewer, "sign_in.html")


@router.post("/sign-in")
def take(viewer: Looking, token: Annotated[str, Form()]) -> Response:
    """Sign in with a token."""
    return _signed_in(viewer, token.strip())


@router.get("/sign-in/{code}")
def once(code: str, request: Request, viewer: Looking) -> Response:
    """Sign in with the one-time code that was printed when serving began."""
    token = request.app.state.codes.take(code)
    if token is None:
        raise NotSignedIn(reason=Message("web.sign-in.code-used"))
    return _signed_in(viewer, token)


def _signed_in(viewer: Looking, token: str) -> Response:
    with viewer.home.database.read() as session:
        signed_in(session, token)
    response = RedirectResponse("/missions", 303)
    response.set_cookie(TOKEN_COOKIE, token, httponly=True, samesite="strict", path="/")
    return response


@router.post("/sign-out")
def leave() -> Response:
    """Forget the token."""
    response = RedirectResponse("/missions", 303)
    response.delete_cookie(TOKEN_COOKIE, path="/")
    return response


@router.post("/preferences")
def prefer(
    request: Request,
    language: Annotated[str | None, Form()] = None,
    theme: Annotated[str | None, Form()] = None,
    back: Annotated[str, Form()] = "/missions",
) -> Response:
    """Choose a language or a theme and return to the page."""
    # A path of this site only: "//elsewhere" is another host.
    local = back.startswith("/") and not back.startswith(("//", "/\\")) and not urlsplit(back).netloc
    safe = back if local else "/"
    response = RedirectResponse(safe, 303)
    for name, value, known in ((LANGUAGE_COOKIE, language, LANGUAGES), (THEME_COOKIE, theme, THEMES)):
        if value is not None and value in known:
            response.set_cookie(name, value, max_age=_YEAR_SECONDS, samesite="lax", path="/")
    return response
