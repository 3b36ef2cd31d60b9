"""Terms of several words, found once when a thing is indexed instead of with every question.

To intersect the places of frequent words (sea, surface, temperature) costs most of a question's time, and
which such terms are asked for is known before: those of the glossary. A thing that says all words of a term
bears a token for it, and another where they stand together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

Words = tuple[str, ...]
TITLE = 3
"""A title counts as often as this."""


def anywhere(words: Words) -> str:
    """The token of a thing that says all of the words."""
    return "+".join(words)


def together(words: Words) -> str:
    """The token of one that says them side by side."""
    return "_".join(words)


class Phrases:
    """Known terms, as the words that an index holds. gap: words that may stand between those of a term."""

    def __init__(self, terms: Iterable[Words], gap: int) -> None:
        self._known = frozenset(words for words in terms if len(words) > 1)
        self._gap = gap
        self._by_last: Mapping[str, list[Words]] = defaultdict(list)
        for words in sorted(self._known):
            self._by_last[words[-1]].append(words)

    def __contains__(self, words: Words) -> bool:
        return words in self._known

    def tokens(self, title: Sequence[str], body: Sequence[str]) -> Iterator[str]:
        """Tokens of a thing, each as often as it counts."""
        titled, said = set(title), {*title, *body}
        for last in self._by_last.keys() & said:
            for words in self._by_last[last]:
                if not said.issuperset(words):
                    continue
                yield from [anywhere(words)] * (TITLE if titled.issuperset(words) else 1)
                places = TITLE * self._count(words, title) + self._count(words, body)
                yield from [together(words)] * places

    def _count(self, words: Words, text: Sequence[str]) -> int:
        count, at = 0, -1
        try:
            while True:
                at = text.index(words[0], at + 1)
                count += self._stands(words, text, at)
        except ValueError:
            return count

    def _stands(self, words: Words, text: Sequence[str], at: int) -> bool:
        left = self._gap
        for word in words[1:]:
            at += 1
            while left and text[at : at + 1] != [word]:
                at, left = at + 1, left - 1
            if text[at : at + 1] != [word]:
                return False
        return True
