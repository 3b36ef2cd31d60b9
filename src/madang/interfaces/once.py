"""Changes that carry a key are made once, however often they are asked for."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from madang.kernel.errors import AlreadyDone, MadangError
from madang.kernel.home import Home
from madang.kernel.requests import Asked

_PATIENCE_SECONDS = 1.0


@dataclass(frozen=True)
class Answered:
    """An answer; replayed: it was given before."""

    status: int
    body: bytes
    replayed: bool = False


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
