"""What is indexed of things, and how it is asked.

English is stemmed by Snowball, Korean comes as terms. Both stand in one field: a question in either asks for
both, and each field more costs as much again. A title counts by standing there three times.

A variable is an entry of its own that names the key of the thing it belongs to, so that name, unit and range
are asked of one and the same variable.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from math import prod
from typing import Any

from madang.assets.search import glossary, korean
from madang.assets.search.port import FACETS, Alternative, Concept, Entry, Measured, Query, Range, Result
from madang.engines.tantivy.phrases import TITLE, Phrases, anywhere, together
from madang.kernel.home import Home
from madang.kernel.locks import alone

_VERSION = "6"
_HEAP = 128 * 2**20
_MOST_OF_VARIABLES = 20_000
"""Variables that a range finds; the things of any beyond are not found."""
_FIELDS = {
    "english": "text",
    "korean": "text",
    "pairs": "pairs",
    "sounds_english": "sounds_english",
    "sounds_korean": "sounds_korean",
}
_WORDS = {language: field for language, field in _FIELDS.items() if language != "pairs"}
_NAMES = {"english": "names", "korean": "names"}
_HANGUL = re.compile(r"[가-힣]+")
_GAP = {"english": 1}
"""Words that may stand between those of a term."""
_FACET_VALUES = 30
_MOST_COMBINATIONS = 64
_ENOUGH = 50
"""Things found with which a looser question is not tried."""


class Tantivy:
    """See the module's docstring."""

    def __init__(self, home: Home) -> None:
        import tantivy

        self._folder = home.path / "search"
        self._t = tantivy
        self._schema = _schema(tantivy)
        self._analyzer = _english(tantivy)
        self._index = self._open()
        self._known: dict[str, Phrases] = {}

    def _open(self) -> Any:
        """The index on disk; one that is broken is made empty: it holds nothing but what records hold."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        place = self._folder / f"index-{_VERSION}-{glossary.digest()}"
        with alone(self._folder / "opening"):
            for other in set(self._folder.glob("index-*")) - {place}:
                shutil.rmtree(other, ignore_errors=True)
            place.mkdir(mode=0o700, exist_ok=True)
            try:
                index = self._t.Index(self._schema, path=str(place))
                index.searcher()
            except ValueError:
                shutil.rmtree(place)
                place.mkdir(mode=0o700)
                index = self._t.Index(self._schema, path=str(place))
        index.register_tokenizer("english", _english(self._t))
        return index

    def _searcher(self) -> Any:
        """What was committed last, by whichever process."""
        try:
            self._index.reload()
        except ValueError:
            self._index = self._open()
        return self._index.searcher()

    def position(self) -> str:
        """The position that the last commit was given."""
        searcher = self._searcher()
        found = searcher.search(self._term("key", "position"), 1).hits
        return str(searcher.doc(found[0][1]).get_first("said")) if found else ""

    def clear(self) -> None:
        """Forget everything."""
        with alone(self._folder / "writing"):
            writer = self._index.writer(_HEAP, 1)
            writer.delete_all_documents()
            writer.commit()

    def replace(self, entries: Iterable[Entry], forget: Iterable[str], position: str) -> None:
        """One commit: what is read before it is the old, after it the new."""
        with alone(self._folder / "writing"):
            writer = self._index.writer(_HEAP, 1)
            try:
                for key in forget:
                    writer.delete_documents_by_term("key", key)
                    writer.delete_documents_by_term("of", key)
                for entry in entries:
                    writer.delete_documents_by_term("key", entry.key)
                    writer.delete_documents_by_term("of", entry.key)
                    for document in self._documents(entry):
                        writer.add_document(document)
                writer.delete_documents_by_term("key", "position")
                writer.add_document(self._t.Document(key=["position"], said=[position]))
                writer.commit()
                writer.wait_merging_threads()
            except BaseException:
                writer.rollback()
                raise

    def _documents(self, entry: Entry) -> Iterable[Any]:
        told: dict[str, Any] = {
            "key": [entry.key],
            "text": [_text(entry)],
            "pairs": [f"{entry.title_pairs} {entry.body_pairs}".strip()],
            "phrases": [" ".join(self._phrases_of(entry))],
            "sounds_english": [entry.sounds_english],
            "sounds_korean": [entry.sounds_korean],
            "seen_by": list(entry.seen_by),
            "below": list(entry.below),
        }
        for name in FACETS:
            told[name] = list(entry.facets.get(name, ()))
        document = self._t.Document(
            **{name: value for name, value in told.items() if value and value != [""]}
        )
        document.add_text("what", "thing")
        if entry.year is not None:
            document.add_integer("year", entry.year)
        yield document
        for variable in entry.variables:
            yield self._variable(entry, variable)

    def _phrases_of(self, entry: Entry) -> Iterator[str]:
        title, body = (self._analyzer.analyze(text) for text in _latin(entry))
        yield from self._phrases("english").tokens(title, body)
        if entry.title_korean or entry.body_korean:
            yield from self._phrases("korean").tokens(entry.title_korean.split(), entry.body_korean.split())

    def _phrases(self, language: str) -> Phrases:
        """The glossary's terms in a language, as the words of the field ``text``."""
        if language not in self._known:
            words_of = self._analyzer.analyze if language == "english" else korean.terms
            terms = [tuple(words_of(term)) for term in glossary.every(language)]
            terms += glossary.compounds() if language == "korean" else ()
            self._known[language] = Phrases(terms, _GAP.get(language, 0))
        return self._known[language]

    def _variable(self, entry: Entry, variable: Measured) -> Any:
        document = self._t.Document(
            of=[entry.key], what=["variable"], names=[variable.names], may_see=list(entry.seen_by)
        )
        if variable.unit:
            document.add_text("unit", variable.unit)
        for name, value in (("minimum", variable.minimum), ("maximum", variable.maximum)):
            if value is not None:
                document.add_float(name, value)
        return document

    # Asking

    def search(self, query: Query, *, facets: bool = True) -> Result:
        """All that is asked for must fit; where fewer than _ENOUGH things do, half, then any of it, then also
        by pairs of syllables. Filters are part of each question: neither what is counted nor which question
        is answered tells of what may not be seen."""
        searcher = self._searcher()
        filters = self._filters(searcher, query)
        for wanted in self._wanted(searcher, query.concepts):
            asked = self._t.Query.boolean_query([*filters, *wanted])
            found: Any = searcher.search(asked, limit=query.limit, offset=query.offset, count=True)
            if found.count >= _ENOUGH:
                break
        keys = [(str(searcher.doc(place).get_first("key")), float(score)) for score, place in found.hits]
        count = int(found.count)
        if query.also and wanted:  # nothing wanted is everything
            asked = self._t.Query.boolean_query([*filters, self._either(wanted, query.also)])
            count = int(searcher.search(asked, limit=1, count=True).count)
        return Result(keys, count, self._counted(searcher, asked) if facets else {})

    def _either(self, wanted: list[tuple[Any, Any]], also: Sequence[str]) -> tuple[Any, Any]:
        """What fits the words, or is one of these things."""
        q, occur = self._t.Query, self._t.Occur
        ways = [(occur.Should, self._any("key", also)), (occur.Should, q.boolean_query(wanted))]
        return occur.Must, q.boolean_query(ways, 1)

    def _counted(self, searcher: Any, asked: Any) -> dict[str, list[tuple[str, int]]]:
        wanted = {name: {"terms": {"field": name, "size": _FACET_VALUES}} for name in FACETS}
        told = searcher.aggregate(asked, wanted)
        told = json.loads(told) if isinstance(told, str) else told
        buckets = {name: told[name]["buckets"] for name in FACETS}
        return {
            name: [(str(one["key"]), int(one["doc_count"])) for one in found]
            for name, found in buckets.items()
        }

    def _filters(self, searcher: Any, query: Query) -> list[tuple[Any, Any]]:
        q, occur = self._t.Query, self._t.Occur
        parts = []
        if query.seen_by is not None:
            parts.append((occur.Must, self._any("seen_by", query.seen_by)))
        else:
            parts.append((occur.Must, q.const_score_query(self._term("what", "thing"), 0.0)))
        if query.keys is not None:
            parts.append((occur.Must, self._any("key", query.keys)))
        if query.not_below:
            parts.append((occur.MustNot, self._any("below", query.not_below)))
        for name, values in query.facets.items():
            parts.append((occur.Must, self._any(name, values)))
        if query.years != (None, None):
            low, high = query.years
            years = q.range_query(self._schema, "year", self._t.FieldType.Integer, low, high)
            parts.append((occur.Must, q.const_score_query(years, 0.0)))
        for one in query.ranges:
            parts.append((occur.Must, self._any("key", self._with_variable(searcher, one, query.seen_by))))
        return parts

    def _wanted(self, searcher: Any, concepts: Sequence[Concept]) -> Iterator[list[tuple[Any, Any]]]:
        """Ways to ask for the concepts, the strictest first: all of full weight, half of them, any at all.
        Those of less weight (parts of compounds) help to rank once not all need fit."""
        q, occur = self._t.Query, self._t.Occur
        if not concepts:
            yield []
            return
        strong = [one for one in concepts if one.weight >= 1.0] or list(concepts)
        for fields in (_WORDS, _FIELDS):
            ways = [self._ways(searcher, one, fields) for one in strong]
            yield [(occur.Must, self._all(ways))]
            some = [(occur.Should, self._best(one)) for one in ways]
            more = [
                (occur.Should, self._best(self._ways(searcher, one, fields)))
                for one in concepts
                if one not in strong
            ]
            if len(strong) > 2:
                yield [(occur.Must, q.boolean_query(some, (len(strong) + 1) // 2)), *more]
            yield [(occur.Must, q.boolean_query([*some, *more], 1))]

    def _all(self, ways: Sequence[Sequence[Any]]) -> Any:
        """Every concept, each in one of its ways. As one of all their combinations, where these are few: an
        intersection skips what a union inside it would have to look at."""
        q, occur = self._t.Query, self._t.Occur
        if prod(len(one) for one in ways) > _MOST_COMBINATIONS:
            return q.boolean_query([(occur.Must, self._best(one)) for one in ways])
        return self._best([q.boolean_query([(occur.Must, one) for one in said]) for said in product(*ways)])

    def _best(self, ways: Sequence[Any]) -> Any:
        q = self._t.Query
        if len(ways) == 1:
            return ways[0]
        return q.disjunction_max_query(list(ways), 0.1) if ways else q.empty_query()

    def _with_variable(self, searcher: Any, one: Range, seen_by: Sequence[str] | None) -> list[str]:
        """Keys of things that have such a variable and that one may know of."""
        q, occur = self._t.Query, self._t.Occur
        parts = [(occur.Must, self._term("what", "variable"))]
        if seen_by is not None:
            parts.append((occur.Must, self._any("may_see", seen_by)))
        if one.concepts:
            ways = [self._ways(searcher, concept, _NAMES) for concept in one.concepts]
            named = [(occur.Should, self._best(said)) for said in ways]
            parts.append((occur.Must, q.boolean_query(named, 1)))
        if one.unit:
            parts.append((occur.Must, self._term("unit", one.unit)))
        number = self._t.FieldType.Float
        if one.low is not None:
            parts.append((occur.Must, q.range_query(self._schema, "maximum", number, one.low, None)))
        if one.high is not None:
            parts.append((occur.Must, q.range_query(self._schema, "minimum", number, None, one.high)))
        found = searcher.search(q.boolean_query(parts), limit=_MOST_OF_VARIABLES, count=False).hits
        return sorted({str(searcher.doc(place).get_first("of")) for _, place in found})

    def _ways(self, searcher: Any, concept: Concept, fields: Mapping[str, str]) -> list[Any]:
        """The ways to say a concept in which anything in the index says it."""
        return [
            self._t.Query.boost_query(self._words(fields[one.language], one), concept.weight * one.weight)
            for one in concept.alternatives
            if one.language in fields and self._there(searcher, one, fields[one.language])
        ]

    def _there(self, searcher: Any, one: Alternative, field: str) -> bool:
        """Whether anything says it: what nothing says need not be asked for."""
        words = [word for told in one.words for word in self._analyzed(one.language, told)]
        return bool(words) and all(searcher.doc_freq(field, word) for word in words)

    def _words(self, field: str, one: Alternative) -> Any:
        q, occur = self._t.Query, self._t.Occur
        words = [word for told in one.words for word in self._analyzed(one.language, told)]
        if len(words) <= 1:
            return self._term(field, words[0]) if words else q.empty_query()
        if field == "text" and not one.exact and tuple(words) in self._phrases(one.language):
            every = self._term("phrases", anywhere(tuple(words)))
            beside = self._term("phrases", together(tuple(words)))
        else:
            gap = 0 if one.exact else _GAP.get(one.language, 0)
            beside = q.phrase_query(self._schema, field, list(words), slop=gap)
            if one.exact or one.language == "pairs":
                return beside
            every = q.boolean_query([(occur.Must, self._term(field, word)) for word in words])
        return q.boolean_query([(occur.Must, q.boost_query(every, 0.6)), (occur.Should, beside)])

    def _analyzed(self, language: str, word: str) -> Sequence[str]:
        return self._analyzer.analyze(word) if language == "english" else (word,)

    def _term(self, field: str, value: str) -> Any:
        return self._t.Query.term_query(self._schema, field, value, "freq" if field in _SCORED else "basic")

    def _any(self, field: str, values: Sequence[str]) -> Any:
        q = self._t.Query
        return q.const_score_query(q.term_set_query(self._schema, field, list(values)), 0.0)


_SCORED = frozenset((*_FIELDS.values(), *_NAMES.values(), "phrases"))


def _text(entry: Entry) -> str:
    """Title three times and body: the words in Latin letters, then the Korean terms."""
    latin = _latin(entry)
    parts = (*[latin[0]] * TITLE, latin[1], *[entry.title_korean] * TITLE, entry.body_korean)
    return " ".join(part for part in parts if part)


def _latin(entry: Entry) -> tuple[str, str]:
    """Title and body without what is Korean: an ending hangs on a foreign word without a space."""
    return _HANGUL.sub(" ", entry.title), _HANGUL.sub(" ", entry.body)


def _schema(tantivy: Any) -> Any:
    builder = tantivy.SchemaBuilder()
    for name in ("key", "of"):
        builder.add_text_field(name, stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("said", stored=True, tokenizer_name="raw", index_option="basic")
    for name in ("what", "unit", "seen_by", "may_see", "below"):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    for name in ("text", "names"):
        builder.add_text_field(name, tokenizer_name="english", index_option="position")
    for name in ("pairs", "phrases", "sounds_english", "sounds_korean"):
        builder.add_text_field(name, tokenizer_name="whitespace", index_option="position")
    for name in FACETS:
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic", fast=True)
    builder.add_integer_field("year", indexed=True, fast=True)
    for name in ("minimum", "maximum"):
        builder.add_float_field(name, indexed=True)
    return builder.build()


def _english(tantivy: Any) -> Any:
    steps = (
        tantivy.Filter.remove_long(60),
        tantivy.Filter.lowercase(),
        tantivy.Filter.ascii_fold(),
        tantivy.Filter.stemmer("english"),
    )
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
    for step in steps:
        builder = builder.filter(step)
    return builder.build()
