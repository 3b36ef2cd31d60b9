"""A data card that a person likes to read: what data are, whose, under which terms, what was found in them.

Shaped on the headings of the Genesis Mission's data card (unverified: its schema was not at hand). Where that
card keeps permitted use as free text, ours lists what clauses of signed agreements decide.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

from madang.assets.metadata.card import MARK
from madang.assets.metadata.model import Agent, Description, Text
from madang.kernel.i18n import text

MOST_LISTED = 60


@dataclass(frozen=True)
class Use:
    """An action, who may do it, and by which clauses."""

    action: str
    organizations: Sequence[str]
    grounds: Sequence[str]


@dataclass(frozen=True)
class Beside:
    """What a card tells beside the description: terms, findings in words, names of what it was made from; of
    a record, the source that it was harvested from. looked: how much of the data was looked
    into. taken_back: of it and of what it was made from."""

    uses: Sequence[Use] = ()
    findings: Sequence[str] = ()
    made_from: Sequence[str] = ()
    harvested: str = ""
    looked: str = ""
    taken_back: Sequence[str] = ()


def to_markdown(told: Description, address: str, beside: Beside, language: str) -> bytes:
    """The card in Markdown, in Korean or English; other languages of the title stand below it."""

    def say(message: str, **values: object) -> str:
        return text(f"card.{message}", language, **values)

    lines = [f"# {_plain(told.title.in_language(language))}", ""]
    first = told.title.in_language(language)
    lines += [f"*{_plain(value)}*" for _, value in told.title.every() if value != first]
    for one in beside.taken_back:
        lines += ["", f"> **{_plain(one)}**"]
    for heading, found in (
        ("what", _what(told, language)),
        ("facts", _facts(told, address, language)),
        ("use", _uses(beside, language)),
        ("variables", _variables(told, language)),
        ("extent", _extent(told, language)),
        ("quality", _quality(beside, language)),
        ("lineage", _lineage(beside, language)),
        ("files", _files(told, language)),
        ("cite", [f"> {_plain(_citation(told, language))} {_address(told.page or address)}"]),
    ):
        rows = list(found)
        if rows:
            lines += ["", f"## {say(heading)}", "", *rows]
    return ("\n".join([*lines, "", _for_programs(told)]) + "\n").encode()


def _for_programs(told: Description) -> str:
    """The description as a comment that no reader sees and ``metadata.card`` reads: on one line, without what
    would end it."""
    plain = replace(told, files=told.files[:MOST_LISTED]).to_json()
    line = json.dumps(plain, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for sign, escaped in (("<", "\\u003c"), (">", "\\u003e"), ("--", "-\\u002d")):
        line = line.replace(sign, escaped)
    return f"{MARK} {line} -->"


def _quality(beside: Beside, language: str) -> list[str]:
    if beside.harvested:
        return [text("card.not-looked", language)]
    looked = [f"- {_plain(beside.looked)}"] if beside.looked else []
    found = [f"- {_plain(one)}" for one in beside.findings] or [text("card.nothing-found", language)]
    return [*looked, *found]


def _lineage(beside: Beside, language: str) -> list[str]:
    if beside.harvested:
        return [text("card.harvested", language, source=_plain(beside.harvested))]
    return [f"- {_plain(one)}" for one in beside.made_from] or [text("card.deposited", language)]


def _plain(value: str) -> str:
    """A text of somebody's in Markdown, as text."""
    one = " ".join(value.split())
    written = "".join(f"\\{sign}" if sign in "\\`*_[]<>#|~" else sign for sign in one)
    # What would begin a list, a line or a heading.
    return re.sub(r"^([-+=]|\d+[.)])", r"\\\1", written)


def _address(value: str) -> str:
    """An address without signs that would end it."""
    return quote(value, safe="/:?&=#%@+,;~-._")


def _what(told: Description, language: str) -> Iterator[str]:
    for _, value in told.description.every(language):
        yield from (_plain(part) + "\n" for part in value.split("\n\n") if part.strip())
    words = [_plain(one.term.in_language(language)) for one in told.subjects[:MOST_LISTED]]
    if words:
        yield ", ".join(words)


def _names(agents: Sequence[Agent], language: str) -> str:
    return "; ".join(_plain(one.name.in_language(language)) for one in agents[:MOST_LISTED])


def _facts(told: Description, address: str, language: str) -> Iterator[str]:
    rows = (
        ("by", _names(told.creators, language)),
        ("publisher", _names((told.publisher,) if told.publisher else (), language)),
        ("year", str(told.year or "")),
        ("version", _plain(told.version)),
        ("licence", "; ".join(_plain(one.called(language)) for one in told.rights)),
        ("formats", ", ".join(_plain(one) for one in told.formats)),
        ("size", ", ".join(_plain(one) for one in told.sizes)),
        ("identifiers", "; ".join(_plain(f"{one.scheme} {one.value}") for one in told.identifiers)),
        ("address", _address(address)),
    )
    yield "| | |"
    yield "|---|---|"
    for name, value in rows:
        if value:
            yield f"| {text(f'card.{name}', language)} | {value} |"


def _uses(beside: Beside, language: str) -> Iterator[str]:
    if not beside.uses:
        return
    yield text("card.use-says", language)
    yield ""
    heads = [text(f"card.{name}", language) for name in ("action", "who", "grounds")]
    yield f"| {' | '.join(heads)} |"
    yield "|---|---|---|"
    for one in beside.uses:
        who = ", ".join(one.organizations) or text("card.nobody", language)
        action, grounds = text(f"assets.action.{one.action}", language), ", ".join(one.grounds)
        yield f"| {action} | {_plain(who)} | {_plain(grounds) or '–'} |"


def _variables(told: Description, language: str) -> Iterator[str]:
    if not told.variables:
        return
    heads = [text(f"card.{name}", language) for name in ("variable", "meaning", "unit", "range")]
    yield f"| {' | '.join(heads)} |"
    yield "|---|---|---|---|"
    for one in told.variables[:MOST_LISTED]:
        ends = " – ".join("…" if end is None else f"{end:.6g}" for end in (one.minimum, one.maximum))
        known = one.minimum is not None or one.maximum is not None
        meaning = one.title.in_language(language) or one.standard_name.replace("_", " ")
        yield f"| {_plain(one.name)} | {_plain(meaning)} | {_plain(one.unit)} | {ends if known else ''} |"
    if len(told.variables) > MOST_LISTED:
        yield ""
        yield text("card.more", language, count=len(told.variables) - MOST_LISTED)


def _extent(told: Description, language: str) -> Iterator[str]:
    for period in told.periods:
        yield f"- {text('card.time', language)}: {_plain(period.begin) or '…'} – {_plain(period.end) or '…'}"
    for place in told.places:
        box = "" if place.box is None else ", ".join(f"{side:.6g}" for side in place.box)
        yield f"- {text('card.place', language)}: {_plain(_said(place.name, language))} {box}".rstrip()


def _said(value: Text, language: str) -> str:
    return value.in_language(language)


def _files(told: Description, language: str) -> Iterator[str]:
    for one in told.files[:MOST_LISTED]:
        size = "" if one.size_bytes is None else f", {one.size_bytes:,} B"
        said = [_plain(told.in_language(language)) for told in (one.title, one.description) if told]
        yield " – ".join([f"- {_plain(one.name)}{size}", *said])
    if len(told.files) > MOST_LISTED:
        yield f"- {text('card.more', language, count=len(told.files) - MOST_LISTED)}"


def _citation(told: Description, language: str) -> str:
    names = "; ".join(one.name.in_language(language) for one in told.creators[:10])
    parts = (names, f"({told.year})" if told.year else "", told.title.in_language(language), told.version)
    return ", ".join(part for part in parts if part)
