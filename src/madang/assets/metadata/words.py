"""How a stranger's text becomes one of ours: without markup and invisible signs, in a known language."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from html.parser import HTMLParser

from madang.assets.metadata.model import UNDETERMINED, Text
from madang.kernel.ids import nfc

LONGEST = 20_000
"""Signs of a text that are kept; the original record has all."""
_LONGEST_OF_FILE = 2000

_MOST_LANGUAGES = 30
_TAG = re.compile(r"<[a-zA-Z/!][^>]{0,500}>|&[a-zA-Z#][a-zA-Z0-9]{1,30};")
_SPACES = re.compile(r"[^\S\n]+")
_LINES = re.compile(r"\n\s*\n\s*")
_HANGUL = re.compile(r"[가-힣]")
_LETTER = re.compile(r"[^\W\d_]")
_LANGUAGE = re.compile(r"[a-zA-Z]{2,3}(-[a-zA-Z0-9]{1,8})*")
_THREE = {
    "kor": "ko",
    "eng": "en",
    "ko-kr": "ko",
    "en-us": "en",
    "en-gb": "en",
    "korean": "ko",
    "english": "en",
}
_BREAKS = frozenset({"p", "br", "div", "li", "tr", "h1", "h2", "h3", "h4", "table", "ul", "ol"})


class _Plain(HTMLParser):
    """Collects what a reader would see."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in ("script", "style")
        if tag in _BREAKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._hidden = max(0, self._hidden - 1)

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(data)


def clean(value: str, longest: int = LONGEST) -> str:
    """NFC, no markup, no control or invisible signs, single spaces, at most `longest` signs."""
    value = value[: 4 * longest]
    if _TAG.search(value):
        reader = _Plain()
        reader.feed(value)
        reader.close()
        value = "".join(reader.parts)
    return typed(value, longest)


def typed(value: str, longest: int = LONGEST) -> str:
    """The same of what a person typed, or called a file: a "<" in it is one."""
    value = value[: 4 * longest]
    seen = "".join(sign for sign in nfc(value) if sign == "\n" or _visible(sign))
    return _LINES.sub("\n\n", _SPACES.sub(" ", seen)).strip()[:longest]


def _visible(sign: str) -> bool:
    """Whether a sign may stay: tag characters and direction overrides hide text from a reader."""
    if sign < "\x7f":
        return sign >= " "
    kind = unicodedata.category(sign)
    return kind not in ("Cc", "Cs", "Cn", "Co") and not (kind == "Cf" and sign not in "\u200c\u200d")


def line(value: str, longest: int = 1000) -> str:
    """The same on one line: names, titles, identifiers."""
    return " ".join(clean(value, longest).split())


def language_of(tag: str) -> str:
    """A BCP 47 tag in the form we keep (`ko`, `en`, or as given in lower case); `und` for none."""
    told = tag.strip().replace("_", "-").lower()
    told = _THREE.get(told, told)
    if told.startswith(("ko-", "en-")):
        return told[:2]
    return told[:35] if _LANGUAGE.fullmatch(told) else UNDETERMINED


def guessed(value: str) -> str:
    """`ko` where Hangul is a fifth of the letters; otherwise nobody knows."""
    hangul = len(_HANGUL.findall(value))
    return "ko" if hangul and 5 * hangul >= len(_LETTER.findall(value)) else UNDETERMINED


def text(
    values: Mapping[str, str] | Iterable[tuple[str, str]],
    *,
    join: str = "",
    short: bool = False,
    as_typed: bool = False,
) -> Text:
    """A Text of (language tag, text) pairs. The first of a language counts; with `join`, all of it do.

    short: on one line. as_typed: it holds no markup (see :func:`typed`).
    """
    plainly = typed if as_typed else clean
    pairs = values.items() if isinstance(values, Mapping) else values
    kept: dict[str, str] = {}
    for tag, value in pairs:
        told = " ".join(plainly(value, 1000).split()) if short else plainly(value)
        language = language_of(tag)
        if language == UNDETERMINED and told:
            language = guessed(told)
        if told and (join and language in kept):
            kept[language] = f"{kept[language]}{join}{told}"[:LONGEST]
        elif told and len(kept) < _MOST_LANGUAGES:
            kept.setdefault(language, told)
    return Text(kept.pop("ko", None), kept.pop("en", None), kept)


def of_file(said: Text) -> Text:
    """So much of what is said of a file as is kept: a data set may have many."""
    kept = {language: value[:_LONGEST_OF_FILE] for language, value in said.every()}
    return Text(kept.pop("ko", None), kept.pop("en", None), kept)


def joined(one: Text, other: Text) -> Text:
    """Two texts as one; where both have a language, the first counts."""
    return text([*one.every(), *other.every()], short=True)


def plain(value: str) -> Text:
    """A one-line text whose language nobody told."""
    return text([("", value)], short=True)
