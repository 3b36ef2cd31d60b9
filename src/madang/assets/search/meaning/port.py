"""The embedders port: a model that makes vectors of texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from madang.kernel import extension
from madang.kernel.home import Home

Matrix = NDArray[np.float32]
"""(texts, dimensions), each row of length 1."""


class Embedder(Protocol):
    """Made of the settings. name: what made the vectors; those of another name are made anew."""

    name: str

    def texts(self, texts: Sequence[str]) -> Matrix:
        """Vectors of things. EmbedderFailed."""
        ...

    def question(self, words: str) -> Matrix:
        """The vector of a question, in one row. EmbedderFailed."""
        ...


def of_home(home: Home) -> Embedder | None:
    """The model that a home's settings name; None where they name none."""
    name = home.values.embedder
    return extension.engine("embedders", name)(home.values) if name else None
