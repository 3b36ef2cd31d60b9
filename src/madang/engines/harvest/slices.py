"""The bytes of the members of a JSON list, as they stand in their document."""

from __future__ import annotations

import json
import re

_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


def members(document: bytes, *path: str) -> list[bytes]:
    """Each member of the list that `path` leads to through objects; ValueError where there is none."""
    text = document.decode("utf-8-sig")
    at = _skip(text, 0)
    for name in path:
        at = _member(text, at, name)
    if text[at : at + 1] != "[":
        raise ValueError("no list")
    found: list[bytes] = []
    at = _skip(text, at + 1)
    while text[at : at + 1] not in ("]", ""):
        _, end = _DECODER.raw_decode(text, at)
        found.append(text[at:end].encode())
        at = _skip(text, end)
        if text[at : at + 1] == ",":
            at = _skip(text, at + 1)
        elif text[at : at + 1] != "]":
            raise ValueError("not JSON")
    if text[at : at + 1] != "]":
        raise ValueError("not JSON")
    return found


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _member(text: str, at: int, name: str) -> int:
    """Where the value of `name` begins in the object that begins at `at`."""
    if text[at : at + 1] != "{":
        raise ValueError("no object")
    at = _skip(text, at + 1)
    while text[at : at + 1] == '"':
        key, at = _DECODER.raw_decode(text, at)
        at = _skip(text, at)
        if text[at : at + 1] != ":":
            break
        at = _skip(text, at + 1)
        if key == name:
            return at
        _, at = _DECODER.raw_decode(text, at)
        at = _skip(text, at)
        at = _skip(text, at + 1) if text[at : at + 1] == "," else at
    raise ValueError(f"no {name}")
