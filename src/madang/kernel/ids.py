"""Identifiers: random ones that sort by time, and names that people type."""

from __future__ import annotations

import re
import secrets
import unicodedata
from datetime import UTC, datetime

from madang.kernel import clock
from madang.kernel.errors import BadName, BadTitle, OutOfRange

_LONGEST_TITLE = 200
_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


def _base32(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 32)
        digits.append(_CROCKFORD[digit])
    return "".join(reversed(digits))


def new_id(prefix: str) -> str:
    """``prefix-`` + 9 characters of milliseconds + 11 random ones (55 bits)."""
    milliseconds = int(clock.now().timestamp() * 1000)
    return f"{prefix}-{_base32(milliseconds, 9)}{_base32(secrets.randbits(55), 11)}"


def time_of(identifier: str) -> datetime:
    """When an id of :func:`new_id` was made."""
    milliseconds = 0
    for sign in identifier.rpartition("-")[2][:9]:
        milliseconds = milliseconds * 32 + _CROCKFORD.index(sign)
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def id_of_digest(prefix: str, digest: bytes) -> str:
    """``prefix-`` + 26 characters (130 bits) of a digest."""
    return f"{prefix}-{_base32(int.from_bytes(digest[:17], 'big') >> 6, 26)}"


def check_slug(text: str, field: str) -> str:
    """Return `text` where it is a slug (a-z, 0-9, inner hyphens, at most 63), else raise BadName."""
    if not _SLUG.fullmatch(text):
        raise BadName(field=field, value=text)
    return text


def check_title(text: str, field: str) -> str:
    """`text` in NFC where it is one printable line of at most 200 characters; else BadTitle."""
    if len(text) > _LONGEST_TITLE or not text.isprintable():
        raise BadTitle(field=field, most=_LONGEST_TITLE)
    return nfc(text)


def check_range(name: str, value: int, low: int, high: int) -> int:
    """`value` where it lies between `low` and `high`; else OutOfRange."""
    if not low <= value <= high:
        raise OutOfRange(name=name, value=value, low=low, high=high)
    return value


def nfc(text: str) -> str:
    """Unicode NFC: the form in which names are compared."""
    return unicodedata.normalize("NFC", text)
