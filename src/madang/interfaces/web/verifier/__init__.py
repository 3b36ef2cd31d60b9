"""The one-file verifier: a page that checks a proof in any browser, offline, as ``ledger check`` does."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from madang.kernel import i18n
from madang.programme import errors as _programme  # noqa: F401  (registers its messages)
from madang.scores import errors as _scores  # noqa: F401  (registers its messages)

FILE_NAME = "madang-verify.html"
_HERE = Path(__file__).parent
_OWN = "web.verifier."
_SHARED = ("ledger.", "programme.line.", "scores.outcome.")


@cache
def page() -> str:
    """The whole page: its script, and its texts in both languages, inside one file."""
    script = "".join((_HERE / name).read_text("utf-8") for name in ("verify.js", "page.js"))
    texts = {language: _texts(language) for language in i18n.LANGUAGES}
    # "</" would end the script element early, wherever it stands.
    told = json.dumps(texts, ensure_ascii=False).replace("</", "<\\/")
    html = (_HERE / "page.html").read_text("utf-8")
    return html.replace("/*MESSAGES*/{}", told).replace("/*SCRIPT*/", script)


def _texts(language: str) -> dict[str, str]:
    every = i18n.catalogue(language)
    shared = {key: text for key, text in every.items() if key.startswith(_SHARED)}
    own = {f"page.{key.removeprefix(_OWN)}": text for key, text in every.items() if key.startswith(_OWN)}
    return shared | own
