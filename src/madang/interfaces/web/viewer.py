"""Who looks at a page, in which language and theme; and rendering."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from madang import __version__
from madang.allocations.model import share_title
from madang.interfaces.api import problems
from madang.interfaces.web import charts, icons
from madang.kernel import clock, i18n
from madang.kernel.authorizer import OUTSIDER, Principal
from madang.kernel.errors import NotSignedIn
from madang.kernel.home import Home
from madang.organizations import service as organizations

TOKEN_COOKIE, LANGUAGE_COOKIE, THEME_COOKIE = "madang_token", "madang_language", "madang_theme"
THEMES = ("auto", "light", "dark")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


PART = 100
"""Rows of a listing that a page shows."""


@dataclass
class OneTimeCodes:
    """Codes that sign in once, handed to the person who started the server."""

    _tokens: dict[str, str] = field(default_factory=dict)

    def keep(self, code: str, token: str) -> None:
        """Let `code` sign in as the holder of `token`, once."""
        self._tokens[code] = token

    def take(self, code: str) -> str | None:
        """The token of a code, once."""
        return self._tokens.pop(code, None)


@dataclass(frozen=True)
class Viewer:
    """Whoever looks."""

    home: Home
    actor: Principal
    language: str
    theme: str
    path: str
    query: str = ""

    @classmethod
    def unsigned(cls, request: Request) -> Viewer:
        """The request's language and theme, without trusting its token."""
        return cls(
            request.app.state.home,
            OUTSIDER,
            _language(request),
            _theme(request),
            request.url.path,
            request.url.query,
        )

    @property
    def here(self) -> str:
        """The address of the page, with what was asked of it."""
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def signed_in(self) -> bool:
        """Whether a member looks."""
        return self.actor is not OUTSIDER

    def text(self, message: str, /, **values: object) -> str:
        """A message in the viewer's language."""
        return i18n.text(message, self.language, **values)

    def share(self, name: str) -> str:
        """A share's title."""
        return self.told(share_title(name))

    def told(self, message: i18n.Message) -> str:
        """A ready message in the viewer's language."""
        return message.in_language(self.language)


def viewer(request: Request) -> Viewer:
    """Who asks, by the cookie; a token that no longer holds makes an outsider."""
    home: Home = request.app.state.home
    with home.database.read() as session:
        try:
            actor = organizations.authenticate(session, request.cookies.get(TOKEN_COOKIE))
        except NotSignedIn:
            actor = OUTSIDER
    return replace(Viewer.unsigned(request), actor=actor)


Looking = Annotated[Viewer, Depends(viewer)]


def _language(request: Request) -> str:
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    if chosen in i18n.LANGUAGES:
        return chosen
    return problems.language_of(request)


def _theme(request: Request) -> str:
    chosen = request.cookies.get(THEME_COOKIE, "auto")
    return chosen if chosen in THEMES else "auto"


def day(text: str | datetime, language: str) -> str:
    """11월 18일 / 18 Nov."""
    at = clock.from_text(text) if isinstance(text, str) else text
    return f"{at.month}월 {at.day}일" if language == "ko" else f"{at.day} {_MONTHS[at.month - 1]}"


def moment(text: str, language: str) -> str:
    """Day and time of day in UTC."""
    return f"{day(text, language)} {clock.from_text(text).astimezone(UTC):%H:%M:%S} UTC"


def bytes_text(count: int) -> str:
    """1.2 MB"""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 1000 or unit == "TB":
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return ""


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {
        "icon": icons.icon,
        "charts": charts,
        "madang_version": __version__,
        "bytes_text": bytes_text,
    }
    return made


def render(viewer: Viewer, template: str, *, status: int = 200, **values: Any) -> Response:
    """A page."""
    language = viewer.language
    on_day: Callable[[str], str] = lambda text: day(text, language)  # noqa: E731
    at_moment: Callable[[str], str] = lambda text: moment(text, language)  # noqa: E731
    page = _environment().get_template(template)
    html = page.render(viewer=viewer, t=viewer.text, told=viewer.told, day=on_day, moment=at_moment, **values)
    return HTMLResponse(html, status)


def kept(content: str, name: str, media: str = "text/plain") -> Response:
    """A file to keep."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return PlainTextResponse(content, headers=headers, media_type=media)
