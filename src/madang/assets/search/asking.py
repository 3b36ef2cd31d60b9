"""From the words of a person to the concepts that an index is asked for.

Each concept is what was said, what means the same, and its words in the other language. What stands between
quotation marks is taken as it is, together.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from madang.assets.metadata import units
from madang.assets.search import glossary, korean, sounds
from madang.assets.search.port import Alternative, Concept, Range
from madang.kernel.ids import nfc

MOST_CONCEPTS = 24
LONGEST = 400
"""Signs of a query that are taken."""

_PART = re.compile(r'"([^"]{1,200})"|([가-힣]+(?:[\s·]+[가-힣]+)*)|([^\s"가-힣]+)')
_WORD = re.compile(r"[\w.+-]*\w", re.UNICODE)
_OTHER = 0.8
"""A word of the other language counts a little less than the word that was said."""
_INNER = 0.35
"""A part of a compound counts less than the compound."""


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


_STOP = _listed(
    """a an and any are as at be by can could do does dataset datasets data find for from get give has have
    how i in into is it its me my of on or over show that the their there these this to using was were what
    when where which who will with"""
)
_KOREAN_STOP = _listed("데이터 자료 데이터셋 관련 대한 찾 있 하 것 등 및 수 위하 통하 대하 목록 보이 주")
_SOUND = 0.6
"""A word that only sounds alike; one of three consonants, half of that."""
_COMMON = 0.4
"""What every data set is: a word like data weighs little, but is not lost where it is all that was asked."""


_NUMBER = r"(?<![A-Za-z0-9_.])([-+−]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)"
_FIRST_UNIT = r"(?:\s*([^\s\d,;)(~–]{1,12}?))?"
_UNIT = r"\s*([^\s\d,;)(]{1,12}(?:\s(?:[a-zA-Z]{1,3}-\d))?)"
_JOINT = r"\s*(?:~|–|-|\.\.|to|and|에서|부터|과|와)\s*"
_BETWEEN = re.compile(
    rf"(?:\b(?:between|from)\s+)?{_NUMBER}{_FIRST_UNIT}{_JOINT}{_NUMBER}{_UNIT}"
    r"(?:\s+사이(?:의|에|인)?(?![가-힣]))?",
    re.IGNORECASE,
)
_ONE_END = re.compile(rf"(>=?|≥|<=?|≤|over|above|under|below)\s*{_NUMBER}{_UNIT}", re.IGNORECASE)
_END_AFTER = re.compile(
    rf"{_NUMBER}{_UNIT}\s*(이상|초과|넘는|넘은|높은|큰|많은|이하|미만|까지|이내|낮은|작은|적은)(?:인|의)?"
)
_FROM_BELOW = _listed("> >= ≥ over above 이상 초과 넘는 넘은 높은 큰 많은")
_PARTICLE = re.compile(r"(사이|까지|의|인|에서|까지의|사이의|이상|이하|보다|을|를|이|가)+$")
_BOTH_BELOW = re.compile(r"영하\s*(\d+(?:\.\d+)?)\s*도?\s*[~–]\s*(?=\d)")
_BELOW_ZERO = re.compile(r"영하\s*(?=\d)")
_DEGREE = re.compile(
    r"(\d)\s?도(?=사이|까지|에서|부터|이상|이하|이내|초과|미만|보다|넘|[와과의인를가]|[^가-힣]|$)"
)
_ANGLE = re.compile(
    r"(위도|경도|각도|입사각|고도각|천정각|시야각|방위각?|경사|기울기)[는은이가의]?\s*"
    r"([-\d.]+\s*도?\s*(~|–|에서|부터|와|과)?\s*)?[-\d.]*$"
)
"""After these words a degree (도) is one of an angle, elsewhere one of temperature."""


def ranges(words: str) -> tuple[str, tuple[Range, ...]]:
    """(words without them, ranges of a variable): "temperature between 200 and 400 K", "풍속 20 m/s 이상".

    What has no unit that is known stays as words. The variable is what the other words say.
    """
    plain = nfc(words)[:LONGEST]
    told, found = _with_signs(plain), []
    for form in (_BETWEEN, _ONE_END, _END_AFTER):
        for one in list(form.finditer(told)):
            made = _range(form, one)
            if made is not None:
                found.append(made)
                told = told.replace(one.group(), " ", 1)
    if not found:
        return plain, ()
    about = tuple(concept for concept in concepts(told) if concept.weight >= 1.0)
    return told, tuple(replace(one, concepts=about) for one in found)


def _with_signs(text: str) -> str:
    """Outside quotation marks, 영하 as the sign of the numbers behind it, and 도 as ℃ but of an angle."""
    parts = text.split('"')
    for place in range(0, len(parts), 2):
        part = _BELOW_ZERO.sub("-", _BOTH_BELOW.sub(r"-\1~-", parts[place]))
        parts[place] = _DEGREE.sub(
            lambda one, part=part: one[0] if _ANGLE.search(part[: one.start()]) else f"{one[1]}℃",  # type: ignore[misc]
            part,
        )
    return '"'.join(parts)


def _range(form: re.Pattern[str], one: re.Match[str]) -> Range | None:
    low: str | None
    high: str | None
    first: str | None = None
    if form is _BETWEEN:
        low, first, high, unit = one.groups()
    elif form is _ONE_END:
        sign, value, unit = one.groups()
        low, high = (value, None) if sign.lower() in _FROM_BELOW else (None, value)
    else:
        value, unit, sign = one.groups()
        low, high = (value, None) if sign in _FROM_BELOW else (None, value)
    base = _base(unit)
    begin = _base(first) if first else base
    if base is None or begin is None or begin.unit != base.unit:
        return None
    ends = [of.of(float(end.replace("−", "-"))) if end else None for of, end in ((begin, low), (base, high))]
    if None not in ends:
        ends = sorted(ends)  # type: ignore[type-var]
    return Range((), base.unit, *ends)


def _base(unit: str) -> units.Base | None:
    return units.base(unit) or units.base(_PARTICLE.sub("", unit))


def concepts(words: str) -> tuple[Concept, ...]:
    """The concepts of a query, at most MOST_CONCEPTS."""
    told = nfc(words)[:LONGEST]
    found: list[Concept] = []
    english: list[str] = []
    for quoted, hangul, other in _PART.findall(told):
        if other:
            english += _WORD.findall(other.lower())
            continue
        found += _english(english)
        english = []
        found += [_quoted(quoted)] if quoted else _korean(hangul)
    found += _english(english)
    return tuple(_distinct(found))[:MOST_CONCEPTS]


def _distinct(found: Sequence[Concept]) -> Iterator[Concept]:
    seen = set()
    for concept in found:
        if concept.alternatives and concept.alternatives not in seen:
            seen.add(concept.alternatives)
            yield concept


def _quoted(text: str) -> Concept:
    if korean.has_hangul(text):
        return Concept((Alternative("korean", tuple(korean.terms(text)) or (text,), exact=True),), 1.5)
    return Concept((Alternative("english", tuple(_WORD.findall(text.lower())), exact=True),), 1.5)


# English


def _english(words: Sequence[str]) -> Iterator[Concept]:
    at = 0
    while at < len(words):
        size = glossary.longest_english(words, at)
        said = tuple(words[at : at + max(size, 1)])
        weight = _COMMON if size <= 1 and said[0] in _STOP else 1.0
        ways = [Alternative("english", said)]
        if size:
            for term in glossary.korean_of(" ".join(said))[0]:
                ways.append(Alternative("korean", tuple(korean.terms(term)) or (term,), _OTHER))
        else:
            ways += _alike("sounds_korean", sounds.in_english(said[0]))
        if said[0] not in _STOP or size > 1 or len(words) == 1:
            yield Concept(tuple(ways), weight)
        if size > 1:
            for word in said:
                if word not in _STOP:
                    yield Concept((Alternative("english", (word,)),), _INNER)
        at += max(size, 1)


# Korean


def _korean(text: str) -> Iterator[Concept]:
    """Terms of the glossary where they stand, longest first; morphemes for the rest."""
    run, ends = _without_spaces(text)
    spans = [(form, *_moved(text, begin, end)) for form, begin, end in korean.spans(text)]
    covered: set[int] = set()
    at = 0
    while at < len(run):
        size = glossary.longest_korean(run, at, ends) if at in ends else 0
        if not size:
            at += 1
            continue
        term = run[at : at + size]
        inner = [form for form, begin, end in spans if at <= begin and end <= at + size and form != term]
        yield _known(term, inner)
        yield from _parts(term, inner)
        covered.update(range(at, at + size))
        at += size
    for form, begin, end in _left(spans, covered, _after_spaces(text)):
        weight = _COMMON if form in _KOREAN_STOP else 1.0
        if form not in _KOREAN_STOP or len(spans) == 1:
            alike = _halves(form) or _alike("sounds_english", sounds.in_korean([run[begin:end]]))
            yield Concept((Alternative("korean", (form,)), *_loose(form), *alike), weight)


def _left(
    spans: Sequence[tuple[str, int, int]], covered: set[int], after_spaces: set[int]
) -> Iterator[tuple[str, int, int]]:
    """Morphemes that no term of the glossary covers; such as stand together without a space also as the word
    that they may be pieces of, since a foreign name is no morpheme of Korean."""
    left = [one for one in spans if not covered.intersection(range(one[1], one[2]))]
    yield from left
    for (first, begin, middle), (second, also, end) in itertools.pairwise(left):
        if middle == also and middle not in after_spaces:
            yield first + second, begin, end


def _halves(form: str) -> list[Alternative]:
    """Of a word that the glossary does not know, but two of its terms make up: both of them, in either
    language."""
    for at in range(2, len(form) - 1):
        halves = [glossary.english_of(half)[1][:3] for half in (form[:at], form[at:])]
        if all(halves):
            ways = [Alternative("korean", (form[:at], form[at:]), 0.9)]
            for said in itertools.product(*halves):
                ways.append(Alternative("english", tuple(_WORD.findall(" ".join(said).lower())), _OTHER))
            return ways
    return []


def _alike(field: str, skeletons: Iterable[str]) -> list[Alternative]:
    return [
        Alternative(field, (one,), _SOUND if len(one) > sounds.LEAST else _SOUND / 2) for one in skeletons
    ]


def _without_spaces(text: str) -> tuple[str, set[int]]:
    """The text without spaces, and the places in it where a morpheme or a word begins or ends."""
    ends = {_moved(text, place, place)[0] for place in korean.boundaries(text)}
    return re.sub(r"[\s·]+", "", text), ends


def _after_spaces(text: str) -> set[int]:
    """Places in the text without spaces before which a space stood."""
    return {_moved(text, space.end(), space.end())[0] for space in re.finditer(r"[\s·]+", text)}


def _moved(text: str, begin: int, end: int) -> tuple[int, int]:
    """Places in a text as places in it without spaces."""
    return tuple(len(re.sub(r"[\s·]+", "", text[:place])) for place in (begin, end))  # type: ignore[return-value]


def _loose(form: str) -> tuple[Alternative, ...]:
    """The same by pairs of syllables, for words inside compounds that the morphemes missed."""
    pairs = tuple(korean.pairs(form))
    return (Alternative("pairs", pairs, 0.5),) if len(form) > 1 and pairs else ()


def _known(term: str, inner: Sequence[str]) -> Concept:
    same, english = glossary.english_of(term)
    ways = [Alternative("korean", tuple(inner) or (term,))]
    if inner:
        ways.append(Alternative("korean", (term,)))
    ways += _loose(term)
    for other in same:
        if other.replace(" ", "") != term:
            ways.append(Alternative("korean", tuple(korean.terms(other)) or (other,), 0.9))
    for place, word in enumerate(english):
        weight = _OTHER if place < 2 else _OTHER * 0.9
        ways.append(Alternative("english", tuple(_WORD.findall(word.lower())), weight))
    common = term in _KOREAN_STOP or set(english) <= {"data", "dataset", "data set", "materials"}
    return Concept(tuple(ways), _COMMON if common else 1.0)


def _parts(term: str, inner: Sequence[str]) -> Iterator[Concept]:
    """Parts of a compound that have a meaning of their own."""
    for form in inner:
        english = glossary.english_of(form)[1]
        if english and form not in _KOREAN_STOP:
            ways = [Alternative("korean", (form,))]
            ways += [
                Alternative("english", tuple(_WORD.findall(word.lower())), _OTHER) for word in english[:3]
            ]
            yield Concept(tuple(ways), _INNER)
