"""Korean text as terms: morphemes by Kiwi, and pairs of neighbouring syllables.

A space does not end a Korean word (학교급식 holds 학교), and particles hang on it (기온을): morphemes find
words inside compounds, and pairs of syllables what the morphemes miss.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from madang.kernel.ids import nfc

if TYPE_CHECKING:
    from kiwipiepy import Kiwi

HANGUL = re.compile(r"[가-힣]")
_RUN = re.compile(r"[가-힣]+")
_KEPT = frozenset({"NNG", "NNP", "NNB", "NR", "SL", "SN", "SH", "XR", "VV", "VA", "MAG"})
"""Parts of speech that carry meaning: nouns, foreign words, numbers, Chinese characters, roots, verbs."""
_LONGEST = 20_000
_SHORT = 400
"""Texts this short (queries) are taken as they are, so that places in them stay what they are."""
_LONG_RUN = re.compile(r"([가-힣]{50})(?=[가-힣])")


@cache
def _kiwi() -> Kiwi:
    """Loaded at the first Korean text: it takes about two seconds."""
    from kiwipiepy import Kiwi

    from madang.assets.search import glossary

    kiwi = Kiwi(num_workers=1)
    for word in glossary.science_words():
        kiwi.add_user_word(word, "NNP", 0.0)
    return kiwi


def has_hangul(text: str) -> bool:
    """Whether a text holds any Hangul."""
    return HANGUL.search(text) is not None


def _breathing(text: str) -> str:
    """A text with a space in every run of fifty syllables: the time for a run grows with its square."""
    return _LONG_RUN.sub(r"\1 ", text[:_LONGEST])


def terms(text: str) -> list[str]:
    """The meaningful morphemes of a text, lower case, in order."""
    return [form for form, _, _ in spans(text)]


def spans(text: str) -> list[tuple[str, int, int]]:
    """(morpheme, begin, end in `text`) of each meaningful one. `text` is in NFC."""
    found = _kiwi().tokenize(text if len(text) < _SHORT else _breathing(text))
    return [(one.form.lower(), one.start, one.start + one.len) for one in found if one.tag in _KEPT]


def boundaries(text: str) -> set[int]:
    """Places in a text where a morpheme or a word begins or ends."""
    places = {0, len(text)}
    for one in _kiwi().tokenize(text[:_LONGEST]):
        places |= {one.start, one.start + one.len}
    return places | {place for run in re.finditer(r"\S+", text) for place in run.span()}


def pairs(text: str) -> Iterator[str]:
    """Pairs of neighbouring syllables; a run of one syllable as it is."""
    for run in _RUN.findall(nfc(text)):
        if len(run) == 1:
            yield run
        for at in range(len(run) - 1):
            yield run[at : at + 2]
