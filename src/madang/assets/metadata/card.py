"""A data card of ours (``writing/card.py``): what it says stands at its end once more, for programs."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import Any

from madang.assets.metadata import values, words
from madang.assets.metadata.documents import Told, object_of
from madang.assets.metadata.errors import UnreadableRecord
from madang.assets.metadata.model import LAYERS, Description
from madang.kernel.i18n import Message

MARK = "<!-- madang-description"
_SAID = re.compile(re.escape(MARK.encode()) + rb" (\{[^\n]*\}) -->\s*\Z")


def read(data: bytes) -> list[Told]:
    """The description behind a card's last mark. Anyone can have written it: it is cleaned as others are."""
    found = _SAID.search(data)
    if found is None:
        raise UnreadableRecord(reason=Message("metadata.no-dataset"))
    try:
        told = Description.from_json(_cleaned(object_of(found[1])))
    except (ValueError, RecursionError) as error:
        detail = str(error).splitlines()[0][:200]
        raise UnreadableRecord(reason=Message("metadata.malformed", detail=detail)) from error
    places = (one for one in told.places if one.box is None or values.box(one.box))
    layer = told.layer if told.layer in LAYERS else "dataset"
    known = told.identifiers[0].value if told.identifiers else ""
    return [Told(known, replace(told, places=tuple(places), layer=layer))]


def _cleaned(value: Any) -> Any:
    """A JSON value with texts, lists and numbers as records of others have them."""
    if isinstance(value, dict):
        return {words.line(name, 100): _cleaned(one) for name, one in list(value.items())[: values.MOST]}
    if isinstance(value, list):
        return [_cleaned(one) for one in value[: values.MOST]]
    if isinstance(value, str):
        return words.clean(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return None if isinstance(value, int) and abs(value) >= 2**63 else value
