"""A Korean-English glossary of science, by which a query in one language finds records in the other.

``glossary/*.tsv``, and the terms that packs bring: Korean terms, a tab, English terms; terms of a line mean
the same, a term on two lines has two meanings, a line that begins with # says nothing. Written for Madang, a
file a field.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files

from madang.kernel import extension
from madang.kernel.errors import TextMissing
from madang.kernel.ids import nfc

_SIGNS = re.compile(r"[^a-z0-9가-힣]+")
_LONGEST_ENGLISH = 5
"""Words of the longest English term."""


@cache
def _lines() -> tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]:
    """(Korean terms, English terms) of each line that has both."""
    folder = files("madang.assets.search") / "glossary"
    ours = sorted((one for one in folder.iterdir() if one.name.endswith(".tsv")), key=lambda one: one.name)
    told = [file.read_text("utf-8") for file in ours]
    told += [_brought(pack.terms) for _, pack in sorted(extension.packs().items()) if pack.terms]
    lines = (line.partition("\t") for text in told for line in text.splitlines() if not line.startswith("#"))
    split = ((_terms(nfc(korean)), _terms(english)) for korean, _, english in lines)
    return tuple(one for one in split if all(one))


def _brought(reference: str) -> str:
    """The terms of a pack; none where they cannot be read, which `madang doctor` says."""
    try:
        return extension.load_text(reference)
    except TextMissing:
        return ""


def _terms(cell: str) -> tuple[str, ...]:
    return tuple(term.strip() for term in cell.split(",") if term.strip())


@cache
def _by_korean() -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    """Korean term without spaces -> (Korean terms, English terms) of all its meanings."""
    found: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}
    for korean, english in _lines():
        for term in korean:
            before = found.get(term.replace(" ", ""), ((), ()))
            found[term.replace(" ", "")] = (_joined(before[0], korean), _joined(before[1], english))
    return found


@cache
def _by_english() -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    """English term, normalized -> the same."""
    found: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}
    for korean, english in _lines():
        for term in english:
            key = normalized(term)
            before = found.get(key, ((), ()))
            found[key] = (_joined(before[0], korean), _joined(before[1], (term,)))
    return found


def _joined(first: Sequence[str], second: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *second)))


def every(language: str) -> tuple[str, ...]:
    """All terms in `korean` or in `english`."""
    return tuple(dict.fromkeys(term for line in _lines() for term in line[language == "english"]))


@cache
def digest() -> str:
    """What tells this glossary from another: things are indexed by its terms."""
    return hashlib.sha256(repr(_lines()).encode()).hexdigest()[:8]


def compounds() -> Iterator[tuple[str, str]]:
    """Korean terms of one word that are two terms side by side, as one may write them with a space."""
    for term in every("korean"):
        for at in range(2, len(term) - 1):
            if term[:at] in _by_korean() and term[at:] in _by_korean():
                yield term[:at], term[at:]


def science_words() -> Iterator[str]:
    """Korean terms of one word and of three syllables or more, which a general dictionary may split."""
    for korean, _ in _lines():
        yield from (term for term in korean if " " not in term and 3 <= len(term) <= 4)


def normalized(english: str) -> str:
    """Lower case, signs as spaces, and the last word without the s of a plural."""
    told = " ".join(_SIGNS.sub(" ", english.lower()).split())
    return told[:-1] if len(told) > 4 and told.endswith("s") and not told.endswith("ss") else told


def longest_korean(run: str, at: int, ends: set[int]) -> int:
    """How many syllables of `run` (without spaces) from `at` on are the longest term that ends at one of
    `ends`; 0 where none is."""
    for size in range(min(16, len(run) - at), 0, -1):
        if at + size in ends and run[at : at + size] in _by_korean():
            return size
    return 0


def english_of(korean: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(Korean terms that mean the same, English terms) of a Korean term."""
    return _by_korean().get(korean.replace(" ", ""), ((), ()))


def longest_english(words: Sequence[str], at: int) -> int:
    """How many of `words` from `at` on are the longest English term; 0 where none is."""
    for size in range(min(_LONGEST_ENGLISH, len(words) - at), 0, -1):
        if normalized(" ".join(words[at : at + size])) in _by_english():
            return size
    return 0


def korean_of(english: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(Korean terms, English terms as the glossary spells them) of an English term."""
    return _by_english().get(normalized(english), ((), ()))
