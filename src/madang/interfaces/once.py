"""Changes that carry a key are made once, however often they are asked for."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import blake3
from pydantic_core import to_jsonable_python

from madang.kernel.errors import AlreadyDone, BadValue, MadangError
from madang.kernel.home import Home
from madang.kernel.requests import Asked

KEY_HEADER = "Idempotency-Key"
KEY_PATTERN = "^[!-~]{1,200}$"
"""What a key may be: visible ASCII without spaces."""
_PATIENCE_SECONDS = 1.0


@dataclass(frozen=True)
class Answered:
    """An answer; replayed: it was given before."""

    status: int
    body: bytes
    replayed: bool = False


def asked_of(member: str, key: str, method: str, path: str, arguments: Mapping[str, Any]) -> Asked:
    """A request by its key and by all that it asks. BadValue where the key is none, or the arguments are
    nested too deeply."""
    if re.fullmatch(KEY_PATTERN, key) is None:
        reason = "It has 1 to 200 visible ASCII characters and no space."
        raise BadValue(file="request (header)", key=KEY_HEADER, reason=reason)
    try:
        told = [method, path, to_jsonable_python(dict(arguments))]
        digest = blake3.blake3(json.dumps(told, sort_keys=True).encode()).hexdigest()
    except (ValueError, RecursionError) as error:
        raise BadValue(file="request (body)", key="body", reason="It is nested too deeply.") from error
    return Asked(member, key, digest)


def once(
    home: Home, asked: Asked, work: Callable[[Home], bytes], *, status: int = 200, secret: bool = False
) -> Answered:
    """Carry out a change that has a key, in the home that `work` is given; or the answer that it had.

    secret: the answer must not be kept. Raises KeyReused, AlreadyDone.
    """
    patience = 0.0 if secret else _PATIENCE_SECONDS
    kept = _kept(home, asked, patience)
    if kept is not None:
        return kept
    try:
        body = work(home.accompanied(asked.write))
    except MadangError:
        # Perhaps the same request came twice at once: then the first one's answer is this one's, too.
        kept = _kept(home, asked, patience)
        if kept is None:
            raise
        return kept
    if not secret:
        # The change stands, whatever becomes of the copy of its answer.
        with suppress(MadangError), home.database.write() as session:
            asked.keep(session, status, body)
    return Answered(status, body)


def _kept(home: Home, asked: Asked, patience: float) -> Answered | None:
    """The answer that is kept for a request; waits a moment for one that is just being written."""
    overdue = time.monotonic() + patience
    while True:
        try:
            with home.database.read() as session:
                found = asked.answer(session)
                return None if found is None else Answered(*found, replayed=True)
        except AlreadyDone:
            if time.monotonic() >= overdue:
                raise
            time.sleep(0.05)
