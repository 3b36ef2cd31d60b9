"""Foreign names by their sound: 허블 and Hubble, 랜드샛 and Landsat.

A Korean spelling keeps the consonants of a foreign word and adds vowels where Korean needs them, so both are
brought down to a skeleton of consonant classes. What Hangul cannot tell apart (r and l, p and f, b and v) is
one class; an r before a consonant or at the end is not written in Korean, and is left out.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

LEAST = 3
"""Consonants of a skeleton that says enough."""

_WORD = re.compile(r"[a-z]{4,}")
_HANGUL = re.compile(r"[가-힣]{2,}")
_FIRSTS = "KKNTTLMPPSS-CCCKTPH"
"""Classes of the nineteen initial consonants (ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ)."""
_LASTS = ("", *"KKKNNNTLLLLLLLLMPPTTNTTKTPT")
"""Classes of the twenty-eight final ones; ㅅ at the end is a t (로봇), ㅇ the n of ng."""
_GROUPS = (
    ("tch", "C"), ("sch", "S"), ("ch", "C"), ("sh", "S"), ("th", "S"), ("ph", "P"), ("gh", ""), ("ck", "K"),
    ("qu", "K"), ("kn", "N"), ("wr", "L"), ("ng", "N"), ("dg", "C"), ("tion", "SN"), ("sion", "SN"),
)  # fmt: skip
_ONES = dict(zip("bcdfghjklmnpqrstvz", "PKTPKHCKLMNPKLSTPC", strict=True)) | {"x": "KS"}
_VOWELS = "aeiouyw"


def of_korean(word: str) -> str:
    """The skeleton of a word in Hangul."""
    found = []
    for sign in unicodedata.normalize("NFC", word):
        place = ord(sign) - 0xAC00
        if not 0 <= place < 11172:
            continue
        first, last = _FIRSTS[place // 588], _LASTS[place % 28]
        found += [first if first != "-" else "", last]
    return _single("".join(found))


def of_english(word: str) -> str:
    """The skeleton of a word in Latin letters, lower case."""
    found = []
    at = 0
    while at < len(word):
        for group, sound in _GROUPS:
            if word.startswith(group, at):
                found.append(sound)
                at += len(group)
                break
        else:
            found.append(_one(word, at))
            at += 1
    return _single("".join(found))


def _one(word: str, at: int) -> str:
    letter, following = word[at], word[at + 1 : at + 2]
    if letter == "r" and (not following or following not in _VOWELS):
        return ""
    if letter == "h" and at and word[at - 1] not in _VOWELS:
        return ""
    if letter in "cg" and following and following in "eiy":
        return "S" if letter == "c" else "C"
    return _ONES.get(letter, "")


def _single(skeleton: str) -> str:
    """Doubled classes once: bb, or ㄹㄹ for one l."""
    return re.sub(r"(.)\1+", r"\1", skeleton)


def in_english(text: str) -> Iterator[str]:
    """Skeletons of the words of a text in Latin letters that say enough."""
    for word in _WORD.findall(text.lower()):
        skeleton = of_english(word)
        if len(skeleton) >= LEAST:
            yield skeleton


def in_korean(words: list[str]) -> Iterator[str]:
    """Skeletons of words in Hangul that say enough."""
    for word in words:
        if _HANGUL.fullmatch(word):
            skeleton = of_korean(word)
            if len(skeleton) >= LEAST:
                yield skeleton
