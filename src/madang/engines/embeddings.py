"""The embedders engine ``openai``: a model behind the embeddings API that most servers of models speak.

``POST /embeddings`` with ``model`` and ``input``, answered by ``data[].embedding`` with its ``index``
(platform.openai.com/docs/api-reference/embeddings). Over HTTPS or on this machine; no redirect is followed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import httpx2
import numpy as np

from madang.assets.search.errors import EmbedderFailed, EmbedderRefused
from madang.assets.search.meaning.port import Matrix
from madang.kernel.extension import Engine
from madang.kernel.outbound import is_confidential
from madang.kernel.settings import Values

ENGINE = Engine("openai", "embedders", "madang.engines.embeddings:OpenAI")

_SECONDS, _QUICKLY = 120.0, 3.0
"""To wait for vectors of texts; of a question, while somebody waits for an answer."""
_LARGEST = 64 * 2**20


class OpenAI:
    """See the module's docstring. Implements ``assets.search.meaning.port.Embedder``."""

    def __init__(self, values: Values) -> None:
        self._url = values.embedder_url.rstrip("/")
        self._model, self._key = values.embedder_model, values.embedder_key
        self._before = (values.embedder_text, values.embedder_question)
        self.name = "\n".join((self._url, self._model, values.embedder_text))
        if not is_confidential(self._url):
            raise self._failed("The address (embedder_url) does not begin with https://.")

    def texts(self, texts: Sequence[str]) -> Matrix:
        """As the port says."""
        return self._made([self._before[0] + text for text in texts], _SECONDS)

    def question(self, words: str) -> Matrix:
        """As the port says."""
        return self._made([self._before[1] + words], _QUICKLY)

    def _made(self, texts: list[str], seconds: float) -> Matrix:
        body = {"model": self._model, "input": texts, "encoding_format": "float"}
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        try:
            with httpx2.Client(timeout=httpx2.Timeout(seconds, connect=_QUICKLY)) as client:
                answer = client.post(f"{self._url}/embeddings", json=body, headers=headers)
            if answer.status_code != 200:
                reason = f"{answer.status_code}: {answer.text[:200]}"
                raise EmbedderRefused(address=self._url, reason=reason)
            if len(answer.content) > _LARGEST:
                raise self._failed("Its answer is too large.")
            return self._unit(answer.json(), len(texts))
        except httpx2.HTTPError as error:
            raise self._failed(str(error) or type(error).__name__) from error
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise self._failed("Its answer is none of the embeddings API.") from error

    def _unit(self, told: Any, count: int) -> Matrix:
        """The vectors of an answer, of length 1, in the order in which they were asked for."""
        rows = sorted(told["data"], key=lambda one: int(one["index"]))
        if [int(one["index"]) for one in rows] != list(range(count)):
            raise self._failed(f"It gave {len(rows)} vectors for {count} texts.")
        made = np.array([one["embedding"] for one in rows], dtype=np.float32)
        if made.ndim != 2 or not made.shape[1]:
            raise ValueError
        lengths = np.linalg.norm(made, axis=1, keepdims=True)
        if not all(math.isfinite(one) and one > 0 for one in lengths[:, 0]):
            raise self._failed("It gave a vector that has no length.")
        return np.asarray(made / lengths, np.float32)

    def _failed(self, reason: str) -> EmbedderFailed:
        return EmbedderFailed(address=self._url or "-", reason=reason[:300])
