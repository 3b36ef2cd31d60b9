"""The clock. Everything inside Madang is UTC, to the millisecond; a test may set its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def _system() -> datetime:
    return datetime.now(UTC)


_clock: ContextVar[Clock] = ContextVar("madang_clock", default=_system)


def now() -> datetime:
    """The present instant in UTC, cut to whole milliseconds."""
    instant = _clock.get()()
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


@contextmanager
def use_clock(clock: Clock) -> Iterator[None]:
    """Replace the clock inside a block (tests, rehearsals)."""
    token = _clock.set(clock)
    try:
        yield
    finally:
        _clock.reset(token)


def to_text(instant: datetime) -> str:
    """RFC 3339 in UTC with milliseconds: ``2026-11-22T09:00:00.000Z``. Sorts as text."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{instant.microsecond // 1000:03d}Z"


def from_text(text: str) -> datetime:
    """The instant that :func:`to_text` wrote."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
