"""A version or a record in the forms that others read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from madang.assets import lineage, service
from madang.assets.catalogue import service as catalogue
from madang.assets.describing import whole
from madang.assets.describing.errors import UnknownForm
from madang.assets.metadata.model import Description
from madang.assets.metadata.writing import card, datacite, dcat, schema_org
from madang.assets.metadata.writing.card import Beside, Use
from madang.assets.model import Version
from madang.assets.probing import service as probing
from madang.assets.withdrawing import service as withdrawing
from madang.kernel import extension
from madang.kernel.authorizer import Principal
from madang.kernel.database import Session
from madang.kernel.home import Home
from madang.kernel.i18n import text
from madang.organizations import service as organizations


@dataclass(frozen=True)
class Form:
    """A form of a description: its media type, and what writes it."""

    media: str
    write: Callable[[Description, str], bytes]


FORMS: Mapping[str, Form] = {
    "datacite.json": Form("application/json", lambda told, _: datacite.to_json(told)),
    "datacite.xml": Form("application/xml", lambda told, _: datacite.to_xml(told)),
    "dcat.ttl": Form("text/turtle", dcat.to_turtle),
    "croissant.json": Form("application/json", schema_org.to_croissant),
    "ro-crate-metadata.json": Form("application/json", schema_org.to_crate),
}
CARD = "card.md"
MEDIA = {**{name: form.media for name, form in FORMS.items()}, CARD: "text/markdown"}


def export(home: Home, actor: Principal, thing: str, form: str, language: str) -> bytes:
    """A version (by name or id) or a record (by id) that the actor may know of, in a form.

    Raises UnknownForm, NoSuchVersion, NoSuchRecord.
    """
    if form not in MEDIA:
        raise UnknownForm(form=form, known=", ".join(MEDIA))
    if thing.startswith("rec-"):
        with home.database.read() as session:
            record = catalogue.record(session, actor, thing)
        told, address = record.description, whole.address(home, f"records/{thing}")
        beside = Beside(harvested=record.source)
    else:
        version, told = whole.describe(home, actor, thing)
        address = whole.address(home, f"versions/{version.name}")
        beside = _beside(home, actor, version.name, language) if form == CARD else Beside()
    if form == CARD:
        return card.to_markdown(told, address, beside, language)
    return FORMS[form].write(told, address)


def _beside(home: Home, actor: Principal, name: str, language: str) -> Beside:
    """What a card tells beside the description."""
    extension.packs()  # their catalogues hold the texts of findings
    with home.database.read() as session:
        version = lineage.see(session, actor, name)
        bodies = organizations.by_name(session)
        terms = lineage.terms_of(session, version, lineage.concerned(session, version))
        findings = service.findings_of(session, version)
        parents = lineage.parents_of(session, version.version_id)
        probed = probing.probed(session, version.version_id)
        taken_back = _taken_back(session, version, language)
    looked = ""
    if probed is not None and not probed.whole:
        looked = text("card.looked", language, opened=probed.opened, files=probed.files)
        if probed.parts:
            looked += " " + text("card.parts", language, parts=probed.parts)
    uses = [Use(t.action, [bodies[o].title(language) for o in t.organizations], t.grounds) for t in terms]
    words = [text(f"finding.{f.check}.what", language, **{"place": f.place, **f.evidence}) for f in findings]
    return Beside(uses, words, [one.name for one in parents], looked=looked, taken_back=taken_back)


def _taken_back(session: Session, version: Version, language: str) -> list[str]:
    """What a reader must know first: that it, or what it was made from, was taken back or destroyed."""
    own = withdrawing.of(session, version.version_id)
    found = [*([(version, own)] if own else []), *withdrawing.above(session, version.version_id)]
    said = []
    for one, told in found:
        facts = {"version": one.name, "day": told.withdrawn_at[:10], "reason": told.reason}
        said.append(text("card.taken-back", language, **facts))
        if told.destroyed_at:
            said[-1] += " " + text("card.destroyed", language, day=told.destroyed_at[:10])
    return said
