"""Taking strangers' values: what has another type than it should is passed over, and lists are cut."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from madang.assets.metadata import words
from madang.assets.metadata.model import Identifier, Period, Place, Rights, Text

MOST = 1000
"""Members of a list that are kept."""

_DOI = re.compile(r"^(?:https?://(?:dx\.)?doi\.org/|doi:\s*)?(10\.\d{4,9}/\S+)$", re.IGNORECASE)
_ARK = re.compile(r"^(?:https?://[^/]+/)?(ark:/?\d{5,9}/\S+)$", re.IGNORECASE)
_YEAR = re.compile(r"(?:^|\D)(1[5-9]\d\d|20\d\d)(?:\D|$)")
_DATE = re.compile(r"^-?\d{4}(-\d\d(-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?)?)?$")
_SPDX = re.compile(r"^https?://spdx\.org/licenses/([A-Za-z0-9.+-]+?)(?:\.html|\.json)?/?$")
_CREATIVE = re.compile(
    r"^https?://creativecommons\.org/(licenses|publicdomain)/([a-z-]+)/(\d\.\d)", re.IGNORECASE
)


def strings(value: Any) -> Iterator[str]:
    """The strings (and numbers) in a value that is one or a list of them."""
    for one in items(value):
        if isinstance(one, str) and one.strip():
            yield one
        elif isinstance(one, int | float) and not isinstance(one, bool):
            yield str(one)


def items(value: Any) -> list[Any]:
    """A list as it is, anything else but None as a list of one."""
    if value is None:
        return []
    return value[:MOST] if isinstance(value, list) else [value]


def every_object(value: Any) -> Iterator[Mapping[str, Any]]:
    """The objects in a list (or the one), none left out: records, and links to them."""
    return (one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict))


def objects(value: Any) -> Iterator[Mapping[str, Any]]:
    """The objects in a value that is one or a list of them."""
    return (one for one in items(value) if isinstance(one, dict))


def string(value: Any, longest: int = 1000) -> str:
    """The first string of a value, on one line."""
    return next((words.line(one, longest) for one in strings(value)), "")


def whole(value: Any) -> int | None:
    """A whole number that is not negative, from a number or its digits."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdecimal() and len(value) < 19:
        value = int(value)
    return value if isinstance(value, int) and 0 <= value < 2**63 else None


def number(value: Any) -> float | None:
    """A finite number, from a number or its digits."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        told = float(value)
    except (ValueError, OverflowError):
        return None
    return told if math.isfinite(told) else None


def identifier(value: str, scheme: str = "") -> Identifier:
    """An identifier; DOIs and ARKs are known by their form, and a DOI is kept without its resolver."""
    told = words.line(value)
    for name, form in (("DOI", _DOI), ("ARK", _ARK)):
        found = form.match(told)
        if found:
            return Identifier(name, found.group(1))
    if not scheme:
        scheme = "URL" if told.startswith(("http://", "https://")) else ""
    return Identifier(words.line(scheme, 50), told)


def rights(value: str, name: Text | None = None) -> Rights:
    """Rights by a name, an SPDX identifier or an address."""
    told = words.line(value)
    name = name or Text()
    if not told.startswith(("http://", "https://")):
        return Rights(name=name or words.plain(told))
    name = Text() if name.in_language("en") == told else name
    spdx = _SPDX.match(told)
    common = _CREATIVE.match(told)
    if common:
        kind = "CC0" if common.group(2).lower() == "zero" else f"CC-{common.group(2).upper()}"
        return Rights(name, told, f"{kind}-{common.group(3)}")
    return Rights(name, told, spdx.group(1) if spdx else "")


def rights_once(found: Iterable[Rights]) -> tuple[Rights, ...]:
    """Each once: those of one address are one where each calls it in another language."""
    kept: list[Rights] = []
    for one in islice(found, MOST):
        at = next((at for at, have in enumerate(kept) if _same_right(have, one)), None)
        if at is None:
            kept.append(one)
        else:
            have = kept[at]
            kept[at] = Rights(words.joined(have.name, one.name), have.uri, have.spdx or one.spdx)
    return tuple(kept)


def _same_right(have: Rights, one: Rights) -> bool:
    if not one.uri or have.uri != one.uri:
        return have == one
    said, told = dict(have.name.every()), dict(one.name.every())
    alike = not (have.spdx and one.spdx) or have.spdx == one.spdx
    return alike and all(said.get(tag, told[tag]) == told[tag] for tag in told)


def year(value: Any) -> int | None:
    """The first year between 1500 and 2099 in a value."""
    found = next((_YEAR.search(one) for one in strings(value) if _YEAR.search(one)), None)
    return int(found.group(1)) if found else None


def date(value: Any) -> str:
    """A W3CDTF date or a range of two; empty for anything else."""
    told = string(value, 100)
    parts = told.split("/")
    good = len(parts) <= 2 and any(parts) and all(not part or _DATE.match(part) for part in parts)
    return told if good else ""


def period(begin: Any, end: Any) -> Period | None:
    """A period with at least one end."""
    made = Period(date(begin), date(end))
    return made if made.begin or made.end else None


def turned(west: float, east: float) -> tuple[float, float]:
    """Longitudes that go on beyond 180 as they are between -180 and 180; what is all around is from end to
    end."""
    if not (180 < east <= 540 and west >= -180):
        return west, east
    if east - west > 350:
        return -180.0, 180.0
    return (west + 180) % 360 - 180, (east + 180) % 360 - 180


def box(sides: Sequence[Any], name: Text | None = None) -> Place | None:
    """A place by its west, south, east and north, where these are a box on this planet."""
    told = [number(side) for side in sides]
    known = [side for side in told if side is not None]
    if len(known) != 4 or len(told) != 4:
        return None
    w, s, e, n = known
    w, e = turned(w, e)
    if not (-180 <= w <= 180 and -180 <= e <= 180 and -90 <= s <= n <= 90):
        return None
    return Place(name or Text(), (w, s, e, n))


def around(points: Any, name: Text | None = None) -> Place | None:
    """The box around points of (longitude, latitude), however deeply they are listed."""
    longitudes: list[float] = []
    latitudes: list[float] = []
    waiting = [points]
    while waiting and len(longitudes) < 100_000:
        one = waiting.pop()
        if not isinstance(one, list):
            continue
        if len(one) >= 2 and all(number(part) is not None and not isinstance(part, str) for part in one[:2]):
            longitudes.append(float(one[0]))
            latitudes.append(float(one[1]))
        else:
            waiting.extend(one)
    if not longitudes:
        return None
    return box((min(longitudes), min(latitudes), max(longitudes), max(latitudes)), name)
