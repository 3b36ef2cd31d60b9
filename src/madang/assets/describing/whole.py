"""The whole description of a version: what its steward wrote, and what is computed beside."""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import BinaryIO
from urllib.parse import quote

from madang.assets import lineage, service
from madang.assets.content.manifest import File
from madang.assets.content.reading import content_of
from madang.assets.describing import meaning
from madang.assets.describing.service import written
from madang.assets.errors import NotAccepted
from madang.assets.metadata import values
from madang.assets.metadata.model import (
    Agent,
    Date,
    Description,
    FileTold,
    Identifier,
    Period,
    Place,
    Relation,
    Rights,
    Text,
    Variable,
)
from madang.assets.model import Version
from madang.assets.probing import service as probing
from madang.assets.probing.model import Report
from madang.assets.probing.tables import Probe
from madang.assets.withdrawing import service as withdrawing
from madang.kernel.authorizer import Principal
from madang.kernel.database import Session
from madang.kernel.errors import NotPermitted
from madang.kernel.home import Home
from madang.kernel.i18n import text
from madang.organizations import service as organizations

MOST_FILES = 500
HASHED_BYTES = 256 * 2**20
"""Files of a version up to so many bytes together are told with their SHA-256, by which others check them."""

_UNKNOWN = "application/octet-stream"
_MEDIA = {
    ".parquet": "application/vnd.apache.parquet", ".nc": "application/netcdf", ".h5": "application/x-hdf5",
    ".hdf5": "application/x-hdf5", ".fits": "application/fits", ".geojson": "application/geo+json",
    ".jsonl": "application/jsonl", ".onnx": "application/octet-stream",
}  # fmt: skip
_BETWEEN_CELLS = {",": "text/csv", "tab": "text/tab-separated-values"}
_CHARSETS = {"cp949": "windows-949", "latin-1": "iso-8859-1"}
_KINDS = {"dataset": "Dataset", "model": "Model", "benchmark": "Dataset", "report": "Report"}


def address(home: Home, path: str) -> str:
    """The address of a page of this home."""
    base = home.values.public_url or f"http://{home.values.host}:{home.values.port}"
    return f"{base.rstrip('/')}/{quote(path.lstrip('/'), safe='/@:')}"


def describe(home: Home, actor: Principal, name: str) -> tuple[Version, Description]:
    """A version that the actor may know of, and all that can be said of it."""
    version, manifest = service.look(home, actor, name)
    with home.database.read() as session:
        told = told_of(home, session, version)
        allowed = _may_download(session, actor, version)
        probed = probing.probed(session, version.version_id) if allowed else None
    looked = {one.path: one for one in probing.kept(home, probed)} if probed else {}
    hashed = version.size_bytes <= HASHED_BYTES and allowed
    return version, replace(told, files=_files(home, version, manifest.files, told.files, looked, hashed))


def _may_download(session: Session, actor: Principal, version: Version) -> bool:
    """Digests of contents are for those who may have the contents."""
    try:
        lineage.authorize_use(session, actor, "download", version)
    except (NotPermitted, NotAccepted):
        return False
    return True


def told_of(home: Home, session: Session, version: Version) -> Description:
    """What can be said of a version without its list of files: of these, what its steward said."""
    found = written(session, version)
    said = found.description if found else Description(Text(en=f"{version.owner}/{version.asset}"))
    owner = organizations.by_name(session)[version.owner]
    body = Agent(Text(owner.title("ko"), owner.title("en")), "organization")
    probed = probing.probed(session, version.version_id)
    computed = Description(
        title=said.title,
        kind=_KINDS.get(version.kind, "Other"),
        identifiers=_identifiers(home, version),
        creators=said.creators or (body,),
        publisher=said.publisher or body,
        year=said.year or int(version.created_at[:4]),
        dates=(*said.dates, Date("Created", version.created_at[:10]), *_withdrawn(session, version)),
        rights=values.rights_once((*said.rights, *_rights(home, session, version))),
        places=said.places or _places(probed),
        periods=said.periods or _periods(probed),
        sizes=(f"{version.size_bytes} B", f"{version.files} files"),
        formats=_formats(version),
        version=str(version.number),
        relations=(*said.relations, *_relations(home, session, version)),
        variables=meaning.of_variables(_variables(session, version), said.variables),
        page=address(home, f"versions/{version.name}"),
    )
    kept = ("description", "contributors", "subjects", "languages", "funding", "files")
    return replace(computed, **{field: getattr(said, field) for field in kept})


def _withdrawn(session: Session, version: Version) -> Iterator[Date]:
    told = withdrawing.of(session, version.version_id)
    if told is not None:
        yield Date("Withdrawn", told.withdrawn_at[:10])


def _identifiers(home: Home, version: Version) -> tuple[Identifier, ...]:
    """Its digest and id, and an ARK where this home has a number for its names (NAAN)."""
    own = [Identifier("Other", f"blake3:{version.manifest}"), Identifier("Other", version.version_id)]
    if home.values.ark_naan:
        own.insert(0, Identifier("ARK", ark(home, version)))
    return tuple(own)


def ark(home: Home, version: Version) -> str:
    """The ARK of a version: the same for ever, for it is made of its id. Source: the ARK scheme, ark.org."""
    return f"ark:/{home.values.ark_naan}/{version.version_id.removeprefix('ver-')}"


def _rights(home: Home, session: Session, version: Version) -> tuple[Rights, ...]:
    """The agreements of every deposit below it: who may do what is decided there."""
    names = lineage.agreements_below(session, version)
    return tuple(
        Rights(
            Text(
                text("describing.terms", "ko", agreement=name), text("describing.terms", "en", agreement=name)
            ),
            address(home, f"agreements/{name}"),
        )
        for name in names
    )


def _relations(home: Home, session: Session, version: Version) -> tuple[Relation, ...]:
    def link(kind: str, other: str) -> Relation:
        return Relation(kind, Identifier("URL", address(home, f"versions/{other}")))

    found = [link("IsDerivedFrom", one.name) for one in lineage.parents_of(session, version.version_id)]
    if version.number > 1:
        found.append(link("IsNewVersionOf", f"{version.owner}/{version.asset}@{version.number - 1}"))
    return tuple(found)


def _places(probed: Probe | None) -> tuple[Place, ...]:
    if probed is None or probed.box is None:
        return ()
    west, south, east, north = probed.box
    return (Place(box=(west, south, east, north)),)


def _periods(probed: Probe | None) -> tuple[Period, ...]:
    return (Period(*probed.period),) if probed is not None and probed.period else ()


def _formats(version: Version) -> tuple[str, ...]:
    told = str(version.facts.get("formats", ""))
    return tuple(one for one in (version.format or "", *told.split(", ")) if one)


def _variables(session: Session, version: Version) -> tuple[Variable, ...]:
    """In the units of the files, as whoever opens them finds them."""
    found = []
    for one in probing.quantities_of(session, version.version_id):
        low, high = one.written
        found.append(replace(one.variable, unit=one.unit, minimum=low, maximum=high))
    return tuple(found)


def _files(
    home: Home,
    version: Version,
    files: Sequence[File],
    said: Sequence[FileTold],
    looked: Mapping[str, Report],
    hashed: bool,
) -> tuple[FileTold, ...]:
    """looked: path -> report of a file that was looked into."""
    content = content_of(home, version)
    meant = meaning.of_files(said)
    told = []
    for file in files[:MOST_FILES]:
        sha256 = ""
        if hashed:
            with content.open(file.digest) as stream:
                sha256 = _sha256(stream)
        media = _media(file.path, looked.get(file.path))
        place = f"{address(home, f'api/v1/versions/{version.name}/content')}?path={quote(file.path)}"
        title, description = meant.get(file.path, (Text(), Text()))
        told.append(FileTold(file.path, title, description, place, media, file.size, sha256))
    return tuple(told)


def _media(path: str, report: Report | None) -> str:
    """The media type of a file by its ending; of a table by what stands between its cells, with its encoding
    where that is not what everybody expects, and whether it has a head where it has none (RFC 4180)."""
    by_ending = _MEDIA.get(PurePosixPath(path.lower()).suffix) or mimetypes.guess_type(path)[0] or _UNKNOWN
    if report is None or "delimiter" not in report.facts:
        return by_ending
    media = _BETWEEN_CELLS.get(str(report.facts["delimiter"]), "text/plain")
    encoding = str(report.facts.get("encoding", "utf-8"))
    if not encoding.startswith(("utf-8", "ascii")):
        media += f"; charset={_CHARSETS.get(encoding, encoding)}"
    headless = any(one.check == "no-head" for one in report.findings)
    return f"{media}; header=absent" if headless else media


def _sha256(stream: BinaryIO) -> str:
    made = hashlib.sha256()
    while piece := stream.read(2**20):
        made.update(piece)
    return made.hexdigest()
