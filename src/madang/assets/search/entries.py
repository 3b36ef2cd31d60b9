"""What an index holds of a record and of a version."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from madang.assets import lineage
from madang.assets.catalogue.model import Record, Source
from madang.assets.describing import meaning
from madang.assets.describing import service as describing
from madang.assets.metadata import units
from madang.assets.metadata.model import Description, Text, Variable
from madang.assets.model import Version
from madang.assets.probing import service as probing
from madang.assets.search import korean, sounds
from madang.assets.search.port import Entry, Measured
from madang.kernel.database import Session

EVERYONE = "everyone"
_LONGEST_BODY = 20_000
_MOST_NAMES = 200
_OF_FILE = 300
_MEDIA = {
    "text/csv": "CSV", "application/csv": "CSV", "text/tab-separated-values": "TSV",
    "application/json": "JSON", "application/geo+json": "GeoJSON", "application/pdf": "PDF",
    "application/xml": "XML", "text/xml": "XML", "application/zip": "ZIP", "image/tiff": "TIFF",
    "application/x-netcdf": "NetCDF", "application/netcdf": "NetCDF", "application/fits": "FITS",
    "application/x-hdf5": "HDF5", "application/x-hdf": "HDF5", "application/parquet": "Parquet",
    "application/x-parquet": "Parquet", "application/vnd.apache.parquet": "Parquet",
}  # fmt: skip
_NAME = re.compile(r"\b[A-Z][A-Za-z]{3,}")
_HANGUL = re.compile(r"[가-힣]{2,}")
_ENDING = re.compile(r"[A-Za-z0-9]{1,10}")


def of_record(record: Record, source: Source) -> Entry:
    """A record as whoever may know of its source may find it."""
    told = record.description
    seen_by = [f"organization/{source.owner}", f"mission/{source.mission}" if source.mission else EVERYONE]
    facets = {
        "kind": ["record"],
        "source": [source.name],
        "owner": [source.owner],
        "mission": [source.mission] if source.mission else [],
        "layer": [told.layer],
        "format": sorted(_formats(told)),
        "licence": sorted({_licence(right.spdx or right.called("en")) for right in told.rights} - {""}),
        "language": sorted({language for language, _ in told.title.every()}),
        "state": [record.state],
    }
    return _entry(record.record_id, told, _words_of(told), seen_by, (), facets)


def of_version(session: Session, version: Version) -> Entry:
    """A version as those may find it who may know of it (see ``lineage.see``)."""
    ancestors, roots = lineage.ancestors_and_roots(session, version.version_id)
    early = lineage.parties_below(session, version, roots)
    seen_by = [f"organization/{version.owner}", f"mission/{version.mission}"]
    seen_by += [before_opening(version.mission, name) for name in sorted(early)]
    held = tuple(one.variable for one in probing.quantities_of(session, version.version_id))
    told = _told(session, version, held)
    facets = {
        "kind": [version.kind],
        "owner": [version.owner],
        "mission": [version.mission],
        "layer": ["dataset"] if version.kind == "dataset" else [],
        "format": [version.format] if version.format else [],
        "state": [version.state],
    }
    said = " ".join(f"{name} {value}" for name, value in version.facts.items())
    below = {address(root, version.kind) for root in roots}
    below |= {unaccepted(one.owner, one.state) for one in ancestors if one.state != "accepted"}
    words = [said, version.mission, *_words_of(told)]
    return _entry(version.version_id, told, words, seen_by, sorted(below), facets)


def _told(session: Session, version: Version, held: tuple[Variable, ...]) -> Description:
    """What its steward wrote of a version, under its name too, with the variables that were found in it."""
    found = describing.written(session, version)
    named = f"{version.name} {re.sub(r'[-_/]', ' ', version.asset)}"
    made = int(version.created_at[:4])
    if found is None:
        return Description(Text(en=named), year=made, variables=held)
    told = found.description
    title = replace(told.title, en=" ".join(part for part in (told.title.en, named) if part))
    variables = meaning.of_variables(held, told.variables)
    return replace(told, title=title, year=told.year or made, variables=variables)


def address(root: Version, of: str) -> str:
    """What clauses decide about a deposit by, as one token; `of`: the kind of what is made of it."""
    return f"{root.owner}/{root.kind}/{root.mission}/{of}"


def before_opening(mission: str, organization: str) -> str:
    """That an organization may know of a version until its mission opens, as one token."""
    return f"before/{mission}/{organization}"


def unaccepted(owner: str, state: str) -> str:
    """That a version, or one that it was made from, is not accepted, as one token."""
    return f"{state}/{owner}"


def _entry(
    key: str,
    told: Description,
    words: Iterable[str],
    seen_by: Sequence[str],
    below: Sequence[str],
    facets: dict[str, list[str]],
) -> Entry:
    title = " ".join(text for _, text in told.title.every())
    body = "\n".join(words)[:_LONGEST_BODY]
    in_korean = [text if korean.has_hangul(text) else "" for text in (title, body)]
    return Entry(
        key,
        title=title,
        body=body,
        title_korean=" ".join(korean.terms(in_korean[0])) if in_korean[0] else "",
        body_korean=" ".join(korean.terms(in_korean[1])) if in_korean[1] else "",
        title_pairs=" ".join(korean.pairs(in_korean[0])),
        body_pairs=" ".join(korean.pairs(in_korean[1])),
        sounds_english=" ".join(_sounds(title, body)),
        sounds_korean=" ".join(sounds.in_korean(_HANGUL.findall(f"{in_korean[0]} {in_korean[1]}"))),
        seen_by=seen_by,
        below=below,
        facets=facets,
        year=told.year,
        variables=tuple(_measured(told)),
    )


def _sounds(title: str, body: str) -> Iterator[str]:
    """Of the words of a title, and of the names in a body: those that begin with a capital."""
    yield from dict.fromkeys(sounds.in_english(f"{title} {' '.join(_NAME.findall(body))}"))


def _words_of(told: Description) -> Iterator[str]:
    """The texts of a description beside its title, those that say most first."""
    for subject in told.subjects[:_MOST_NAMES]:
        yield from (text for _, text in subject.term.every())
    yield from (text for _, text in told.description.every())
    for agent in (*told.creators[:50], *([told.publisher] if told.publisher else [])):
        yield from (text for _, text in agent.name.every())
        yield from (text for body in agent.affiliations[:5] for _, text in body.every())
    for place in told.places[:50]:
        yield from (text for _, text in place.name.every())
    for variable in told.variables[:_MOST_NAMES]:
        yield f"{variable.name} {variable.standard_name.replace('_', ' ')}"
        yield from (text for _, text in variable.title.every())
    for identifier in told.identifiers[:10]:
        yield identifier.value
    for file in told.files[:50]:
        yield file.name
        yield from (text[:_OF_FILE] for said in (file.title, file.description) for _, text in said.every())


def _formats(told: Description) -> set[str]:
    named = {_MEDIA.get(one.lower(), one.upper() if _ENDING.fullmatch(one) else one) for one in told.formats}
    for file in told.files:
        media = _MEDIA.get(file.media_type.partition(";")[0].strip().lower())
        ending = PurePosixPath(file.name.rpartition("/")[2]).suffix[1:]
        if media:
            named.add(media)
        elif ending and _ENDING.fullmatch(ending) and not ending.isdecimal():
            named.add(ending.upper())
    return {one[:40] for one in named if one}


def _licence(told: str) -> str:
    """A licence as a value to choose by; a whole text of terms is none."""
    return told if len(told) <= 60 else ""


def _measured(told: Description) -> Iterator[Measured]:
    for one in told.variables:
        names = [one.name, one.standard_name, *(text for _, text in one.title.every())]
        said = " ".join(name.replace("_", " ") for name in names if name)
        base = units.base(one.unit) if one.unit else None
        if base is None:
            yield Measured(said[:500])
            continue
        ends = [base.of(end) if end is not None else None for end in (one.minimum, one.maximum)]
        yield Measured(said[:500], base.unit, *ends)
