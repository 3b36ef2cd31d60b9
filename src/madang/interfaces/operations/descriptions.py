"""Descriptions of versions and records, in the forms that others read."""

from __future__ import annotations

from collections.abc import Mapping

from madang.assets.describing import exporting, service, whole
from madang.assets.metadata import reading, values, words
from madang.assets.metadata.model import Description, FileTold, Subject, Text, Variable
from madang.interfaces.operations.declared import Caller, operation
from madang.interfaces.operations.declared import Text as Named
from madang.kernel.errors import BadValue
from madang.sdk import documents


@operation("POST", "/descriptions", keyless=True)
def write(caller: Caller, new: documents.NewDescription) -> documents.Description:
    """Write what a version of yours is (a steward), in place of what was written of it.

    Either in words or by a document: with `document`, nothing else is told.
    """
    if new.document and any(getattr(new, name) for name in _IN_WORDS):
        raise BadValue(file="request (body)", key="document", reason="nothing else may be told beside it")
    told = _read(new.document) if new.document else _in_words(new)
    with caller.home.database.write() as session:
        service.describe(session, caller.actor, new.version, told)
    return show(caller, new.version)


_IN_WORDS = tuple(documents.NewDescription.model_fields.keys() - {"version", "document"})


def _in_words(new: documents.NewDescription) -> Description:
    variables, files = _named(new.variables_ko, new.variables_en), _named(new.files_ko, new.files_en)
    return Description(
        title=_text(new.title_ko, new.title_en),
        description=_text(new.text_ko, new.text_en),
        variables=tuple(Variable(name, title) for name, title in variables),
        files=tuple(FileTold(name, description=said) for name, said in files),
        subjects=tuple(Subject(words.text([("", one)], short=True, as_typed=True)) for one in new.keywords),
        rights=(values.rights(new.licence),) if new.licence else (),
    )


def _text(ko: str, en: str) -> Text:
    return Text(words.typed(ko) or None, words.typed(en) or None)


def _named(ko: Mapping[str, str], en: Mapping[str, str]) -> list[tuple[str, Text]]:
    return [(name, _text(ko.get(name, ""), en.get(name, ""))) for name in sorted({*ko, *en})]


def _read(document: str) -> Description:
    """The one description of a document; what only tells the catalogue around it does not count."""
    found = [one.description for one in reading.read(document.encode())]
    told = [one for one in found if one.about_data] or found
    if len(told) > 1:
        reason = f"it describes {len(told)} things: say which by a document of that one alone"
        raise BadValue(file="request (body)", key="document", reason=reason)
    return told[0]


@operation("GET", "/descriptions/{version:path}/datacite.json", media="application/json")
def datacite_json(caller: Caller, version: Named) -> bytes:
    """Give a version or record as DataCite JSON."""
    return _exported(caller, version, "datacite.json")


@operation("GET", "/descriptions/{version:path}/datacite.xml", media="application/xml")
def datacite_xml(caller: Caller, version: Named) -> bytes:
    """Give a version or record as DataCite XML."""
    return _exported(caller, version, "datacite.xml")


@operation("GET", "/descriptions/{version:path}/dcat.ttl", media="text/turtle")
def dcat(caller: Caller, version: Named) -> str:
    """Give a version or record as DCAT-AP in Turtle."""
    return _exported(caller, version, "dcat.ttl").decode()


@operation("GET", "/descriptions/{version:path}/croissant.json", media="application/json")
def croissant(caller: Caller, version: Named) -> bytes:
    """Give a version or record as Croissant 1.1."""
    return _exported(caller, version, "croissant.json")


@operation("GET", "/descriptions/{version:path}/ro-crate-metadata.json", media="application/json")
def crate(caller: Caller, version: Named) -> bytes:
    """Give the metadata document of an RO-Crate of a version or record."""
    return _exported(caller, version, "ro-crate-metadata.json")


@operation("GET", "/descriptions/{version:path}/card.md", media="text/markdown")
def card(caller: Caller, version: Named) -> str:
    """Give the data card of a version or record, to read."""
    return _exported(caller, version, "card.md").decode()


def _exported(caller: Caller, thing: str, form: str) -> bytes:
    return exporting.export(caller.home, caller.actor, thing, form, caller.language)


@operation("GET", "/descriptions/{version:path}")
def show(caller: Caller, version: Named) -> documents.Description:
    """Show all that can be said of a version."""
    found, told = whole.describe(caller.home, caller.actor, version)
    return documents.Description(version_id=found.version_id, name=found.name, description=told.to_json())
