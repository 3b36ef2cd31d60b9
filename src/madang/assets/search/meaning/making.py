"""Having vectors made of what an index holds: long work that goes on where it was cut off."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import blake3
import numpy as np

from madang.assets.search import following
from madang.assets.search.errors import EmbedderRefused, NoEmbedder
from madang.assets.search.meaning.port import Embedder, Matrix, of_home
from madang.assets.search.meaning.vectors import open_vectors
from madang.assets.search.port import Entry
from madang.kernel.home import Home
from madang.kernel.locks import alone

_AT_A_TIME = 32
_LONGEST, _SHORTEST = 2000, 250
"""Signs of a text that a model is given; of one that it refuses half, down to the shortest."""


@dataclass(frozen=True)
class Made:
    """Things in all; vectors made now, as they were, and forgotten."""

    things: int
    made: int
    kept: int
    forgotten: int


def make(home: Home, progress: Callable[[int], None] | None = None) -> Made:
    """Make the vectors that lack, and forget those of what is gone. NoEmbedder, EmbedderFailed."""
    model = of_home(home)
    if model is None:
        raise NoEmbedder()
    vectors = open_vectors(home.path)
    vectors.folder.mkdir(mode=0o700, exist_ok=True)
    there: set[str] = set()
    made = 0
    with alone(vectors.folder / "embedding"):
        vectors.begin(model.name)
        for part in _parts(following.everything(home)):
            known = vectors.digests([entry.key for entry in part])
            told = {entry.key: _text_of(entry) for entry in part}
            lack = [(key, digest) for key, (digest, _) in told.items() if known.get(key) != digest]
            if lack:
                vectors.put(lack, _taken(model, [told[key][1] for key, _ in lack]))
            there.update(told)
            made += len(lack)
            if progress:
                progress(len(there))
        forgotten = vectors.keep(frozenset(there))
    return Made(len(there), made, len(there) - made, forgotten)


def _taken(model: Embedder, texts: list[str]) -> Matrix:
    """The vectors of texts, where a model takes so many or so long ones; else of fewer, or of their half."""
    try:
        return model.texts(texts)
    except EmbedderRefused:
        if len(texts) > 1:
            middle = len(texts) // 2
            return np.concatenate([_taken(model, texts[:middle]), _taken(model, texts[middle:])])
        if len(texts[0]) <= _SHORTEST:
            raise
        return _taken(model, [texts[0][: len(texts[0]) // 2]])


def _text_of(entry: Entry) -> tuple[str, str]:
    """(digest, text) that a vector is made of: the title, then what else is told."""
    text = f"{entry.title}\n{entry.body}".strip()[:_LONGEST] or entry.key
    return blake3.blake3(text.encode()).hexdigest(length=16), text


def _parts(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    left = iter(entries)
    while part := list(islice(left, _AT_A_TIME)):
        yield part
