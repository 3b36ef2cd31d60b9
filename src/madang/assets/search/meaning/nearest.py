"""What is near a question in meaning, and one list of what its words found and of what is near."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from madang.assets.search.errors import EmbedderFailed
from madang.assets.search.meaning.port import of_home
from madang.assets.search.meaning.vectors import open_vectors
from madang.kernel.home import Home

NEAR = 50
"""Things near in meaning that take part, of those that pass: everything is near to some degree."""
_RANK = 60
_PAUSE = 30.0
"""Seconds for which a model that did not answer is not asked again."""
_logger = logging.getLogger(__name__)
_silent: dict[Path, float] = {}


def near(home: Home, words: str) -> Iterator[list[str]]:
    """Keys of all things by how near they are to a question, in parts that grow, whoever may know of them:
    none where no model is named, and none while it does not answer, so that the words still find."""
    if not words.strip() or time.monotonic() < _silent.get(home.path, 0.0):
        return
    try:
        model = of_home(home)
        if model is None:
            return
        ranked = open_vectors(home.path).ranked(model.name, model.question(words.strip()))
    except (EmbedderFailed, sqlite3.Error) as error:
        _silent[home.path] = time.monotonic() + _PAUSE
        _logger.warning("Searching by words alone: %s", getattr(error, "facts", {}).get("reason", error))
        return
    begin, size = 0, NEAR
    while begin < len(ranked):
        yield ranked[begin : begin + size]
        begin, size = begin + size, size * 8


def fused(lists: Sequence[Sequence[str]]) -> list[str]:
    """Ranked lists as one, by reciprocal rank fusion (Cormack, Clarke and Buettcher, SIGIR 2009, k = 60)."""
    scores: dict[str, float] = {}
    for one in lists:
        for rank, key in enumerate(one, start=1):
            scores[key] = scores.get(key, 0.0) + 1 / (_RANK + rank)
    return sorted(scores, key=lambda key: -scores[key])
