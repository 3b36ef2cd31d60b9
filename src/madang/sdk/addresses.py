"""Names as parts of an address: what would lead elsewhere is refused, whoever chose the name."""

from __future__ import annotations

from urllib.parse import quote

from madang.sdk.errors import Unsafe


def part(name: object) -> str:
    """A name as one part of a path."""
    return _checked(str(name), quote(str(name), safe="@"))


def path(name: object) -> str:
    """A version's name, which has a slash."""
    return _checked(str(name), quote(str(name), safe="/@"))


def _checked(name: str, quoted: str) -> str:
    if any(piece in ("", ".", "..") for piece in quoted.split("/")):
        raise Unsafe(
            f"{name!r} is not a name.", "It would lead to another address.", "Give the name as it is listed."
        )
    return quoted
