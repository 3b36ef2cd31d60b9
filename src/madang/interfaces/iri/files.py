"""The file system: tasks upon the asker's own area.

A path that leads out of the area is refused at once; what else goes wrong is told by the task.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import AliasChoices, Field

from madang.areas import changing, reading
from madang.areas.errors import NotOffered, TooMuchAtOnce
from madang.areas.model import MOST_AT_ONCE, Area
from madang.areas.paths import parts_of
from madang.interfaces.iri.asking import Asked, Flag, Nothing, Positive, Text, Whole
from madang.interfaces.iri.declared import Asker, operation
from madang.interfaces.iri.errors import NotThere
from madang.interfaces.iri.status import document
from madang.interfaces.iri.supply import AREA, supply_of
from madang.kernel.errors import BadValue
from madang.kernel.i18n import Message

_LINES = 10
"""How many lines head and tail give where nothing is said, as the commands of these names do."""


class PathAsked(Asked):
    """A path of the area."""

    path: Text


class StatAsked(PathAsked):
    """There are no links to follow."""

    dereference: Flag = False


class LsAsked(StatAsked):
    """Which of a folder's names; a member has a name, not a number, so that `numericUid` changes nothing."""

    show_hidden: Annotated[Flag, Field(alias="showHidden")] = False
    numeric_uid: Annotated[Flag, Field(alias="numericUid")] = False
    recursive: Flag = False


class HeadAsked(PathAsked):
    """How much of a file's beginning."""

    octets: Annotated[Whole | None, Field(alias="bytes")] = None
    lines: Whole | None = None
    but_last: Annotated[Flag, Field(alias="skipTrailing")] = False


class TailAsked(Asked):
    """How much of a file's end."""

    path: Annotated[Text, Field(min_length=1)]
    octets: Annotated[Positive | None, Field(alias="bytes")] = None
    lines: Positive | None = None
    but_first: Annotated[Flag, Field(alias="skipHeading")] = False


class ViewAsked(PathAsked):
    """Which part of a file."""

    size: Annotated[Whole, Field(ge=1, le=MOST_AT_ONCE)] = MOST_AT_ONCE
    offset: Annotated[Whole, Field(ge=0)] = 0


class SourceAsked(Asked):
    """A path under either of the names that the specification has for it."""

    path: Annotated[Text | None, Field(validation_alias=AliasChoices("path", "source_path"))] = None

    @property
    def source(self) -> str:
        """The path; BadValue where none is given."""
        if self.path is None:
            raise BadValue(file="request (body)", key="path", reason="A path, also under source_path.")
        return self.path


class ModeAsked(SourceAsked):
    """Permission bits."""

    mode: Text


class OwnerAsked(SourceAsked):
    """Another owner."""

    owner: Text = ""
    group: Text = ""


class FolderAsked(SourceAsked):
    """A new folder."""

    parent: Flag = False


class LinkAsked(SourceAsked):
    """A link."""

    link_path: Text


class TargetAsked(SourceAsked):
    """Where to."""

    target_path: Text


class CopyAsked(TargetAsked):
    """There are no links to follow."""

    dereference: Flag = False


class ExtractAsked(TargetAsked):
    """An archive and where to unpack it."""

    compression: Text = Field(default="", validate_default=False)

    def packed(self, version: int) -> str:
        """The word for the compression; BadValue where it is none of the version's."""
        prefix = "" if version == 1 else "urn:doe-iri:compression:"
        given = self.compression if "compression" in self.model_fields_set else f"{prefix}gzip"
        word = given.removeprefix(prefix)
        if not given.startswith(prefix) or word not in changing.WRITERS:
            known = ", ".join(f"{prefix}{name}" for name in changing.WRITERS)
            raise BadValue(file="request (body)", key="compression", reason=f"One of: {known}.")
        return word


class CompressAsked(ExtractAsked):
    """What to pack."""

    match_pattern: Text | None = None
    dereference: Flag = False


class UploadAsked(Asked):
    """Where a file goes."""

    path: Text


@operation(
    "getFilesystemResources", "POST", "/filesystem/resources", method_1="GET", public=True, query=Nothing
)
def resources(asker: Asker, query: Nothing) -> list[Any]:
    """List the resources with a file system: the areas."""
    with asker.home.database.read() as session:
        supply = supply_of(session, asker)
    return [document(asker, one) for one in supply.resources.values() if one.storage]


def _task(
    asker: Asker, resource: str, command: str, asked: Asked, paths: list[str], work: Callable[[Area], Any]
) -> dict[str, Any]:
    """Have something done to the area, and where to ask after it. Raises NotThere, BadPath."""
    require_area(resource)
    for path in paths:
        parts_of(path)
    area = asker.area
    args = asked.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_unset=True)
    told = {"router": "filesystem", "command": command, "args": args}
    made = asker.tasks.submit(area, told, lambda: work(area), language=asker.language)
    return {"task_id": made.task_id, "task_uri": asker.uri("task", made.task_id)}


def require_area(resource: str) -> None:
    """NotThere where it is not the resource of the areas."""
    if resource != AREA:
        raise NotThere(name=resource, where="/filesystem/resources")


def _path(name: str) -> str:
    return f"/filesystem/{name}/{{resource_id}}"


@operation("ls", "POST", _path("ls"), method_1="GET", body=LsAsked)
def ls(asker: Asker, resource_id: str, body: LsAsked) -> dict[str, Any]:
    """List a folder."""
    hidden, recursive = body.show_hidden, body.recursive
    return _task(
        asker, resource_id, "ls", body, [body.path],
        lambda area: reading.listing(area, body.path, hidden=hidden, recursive=recursive),
    )  # fmt: skip


@operation("file", "POST", _path("file"), method_1="GET", body=PathAsked)
def file(asker: Asker, resource_id: str, body: PathAsked) -> dict[str, Any]:
    """Tell what is at a path."""
    return _task(asker, resource_id, "file", body, [body.path], lambda area: reading.kind(area, body.path))


@operation("stat", "POST", _path("stat"), method_1="GET", body=StatAsked)
def stat(asker: Asker, resource_id: str, body: StatAsked) -> dict[str, Any]:
    """Tell a file's numbers."""
    return _task(asker, resource_id, "stat", body, [body.path], lambda area: reading.facts(area, body.path))


@operation("head", "POST", _path("head"), method_1="GET", body=HeadAsked)
def head(asker: Asker, resource_id: str, body: HeadAsked) -> dict[str, Any]:
    """Give a file's beginning; less than nothing is nothing."""
    count, unit = _count(body.octets, body.lines)
    return _task(
        asker, resource_id, "head", body, [body.path],
        lambda area: reading.head(area, body.path, count, unit, but_last=body.but_last),
    )  # fmt: skip


@operation("tail", "POST", _path("tail"), method_1="GET", body=TailAsked)
def tail(asker: Asker, resource_id: str, body: TailAsked) -> dict[str, Any]:
    """Give a file's end."""
    count, unit = _count(body.octets, body.lines)
    return _task(
        asker, resource_id, "tail", body, [body.path],
        lambda area: reading.tail(area, body.path, count, unit, but_first=body.but_first),
    )  # fmt: skip


def _count(octets: int | None, lines: int | None) -> tuple[int, str]:
    """(how many, of what). BadValue where both are given."""
    if octets is not None and lines is not None:
        raise BadValue(file="request", key="lines", reason="Either bytes or lines.")
    return (max(octets, 0), "bytes") if octets is not None else (max(_or(lines, _LINES), 0), "lines")


def _or(value: int | None, default: int) -> int:
    return default if value is None else value


@operation("view", "POST", _path("view"), method_1="GET", body=ViewAsked)
def view(asker: Asker, resource_id: str, body: ViewAsked) -> dict[str, Any]:
    """Give a part of a file."""
    return _task(
        asker, resource_id, "view", body, [body.path],
        lambda area: reading.part(area, body.path, body.offset, body.size),
    )  # fmt: skip


@operation("checksum", "POST", _path("checksum"), method_1="GET", body=PathAsked)
def checksum(asker: Asker, resource_id: str, body: PathAsked) -> dict[str, Any]:
    """Tell a file's SHA-256."""
    return _task(
        asker, resource_id, "checksum", body, [body.path], lambda area: reading.checksum(area, body.path)
    )


@operation("download", "POST", _path("download"), method_1="GET", body=PathAsked)
def download(asker: Asker, resource_id: str, body: PathAsked) -> dict[str, Any]:
    """Give a file of at most 5 MiB, in base64."""
    return _task(
        asker, resource_id, "download", body, [body.path], lambda area: reading.download(area, body.path)
    )


@operation("upload", "POST", _path("upload"), query=UploadAsked, upload=True)
def upload(asker: Asker, resource_id: str, query: UploadAsked, data: bytes) -> dict[str, Any]:
    """Put a file of at most 5 MiB at a path, over one that is there."""
    if len(data) > MOST_AT_ONCE:
        raise TooMuchAtOnce(path=query.path, most=MOST_AT_ONCE)
    return _task(
        asker, resource_id, "upload", query, [query.path],
        lambda area: changing.write(area, query.path, data),
    )  # fmt: skip


@operation("mkdir", "POST", _path("mkdir"), body=FolderAsked, status=201)
def mkdir(asker: Asker, resource_id: str, body: FolderAsked) -> dict[str, Any]:
    """Make a folder."""
    path = body.source
    return _task(
        asker, resource_id, "mkdir", body, [path],
        lambda area: changing.make_folder(area, path, parents=body.parent),
    )  # fmt: skip


@operation("cp", "POST", _path("cp"), body=CopyAsked, status=201)
def cp(asker: Asker, resource_id: str, body: CopyAsked) -> dict[str, Any]:
    """Copy a file or folder."""
    path, target = body.source, body.target_path
    return _task(
        asker, resource_id, "cp", body, [path, target], lambda area: changing.copy(area, path, target)
    )


@operation("mv", "POST", _path("mv"), body=TargetAsked, status=201)
def mv(asker: Asker, resource_id: str, body: TargetAsked) -> dict[str, Any]:
    """Rename a file or folder."""
    path, target = body.source, body.target_path
    return _task(
        asker, resource_id, "mv", body, [path, target], lambda area: changing.move(area, path, target)
    )


@operation("rm", "POST", _path("rm"), method_1="DELETE", body=PathAsked)
def rm(asker: Asker, resource_id: str, body: PathAsked) -> dict[str, Any]:
    """Remove a file, or a folder with all that is in it."""
    return _task(asker, resource_id, "rm", body, [body.path], lambda area: changing.remove(area, body.path))


@operation("compress", "POST", _path("compress"), body=CompressAsked, status=201)
def compress(asker: Asker, resource_id: str, body: CompressAsked) -> dict[str, Any]:
    """Pack a file or folder; all of it."""
    path, target, word = body.source, body.target_path, body.packed(asker.version)
    if body.match_pattern is not None:
        raise NotOffered(operation="match_pattern", reason=Message("areas.no-patterns"))
    return _task(
        asker, resource_id, "compress", body, [path, target],
        lambda area: changing.compress(area, path, target, word),
    )  # fmt: skip


@operation("extract", "POST", _path("extract"), body=ExtractAsked, status=201)
def extract(asker: Asker, resource_id: str, body: ExtractAsked) -> dict[str, Any]:
    """Unpack an archive."""
    path, target, word = body.source, body.target_path, body.packed(asker.version)
    return _task(
        asker, resource_id, "extract", body, [path, target],
        lambda area: changing.extract(area, path, target, word),
    )  # fmt: skip


@operation("chmod", "POST", _path("chmod"), method_1="PUT", body=ModeAsked)
def chmod(asker: Asker, resource_id: str, body: ModeAsked) -> dict[str, Any]:
    """Set permission bits."""
    path = body.source
    changing.check_mode(body.mode)
    return _task(
        asker, resource_id, "chmod", body, [path], lambda area: changing.set_mode(area, path, body.mode)
    )


@operation("chown", "POST", _path("chown"), method_1="PUT", body=OwnerAsked)
def chown(asker: Asker, resource_id: str, body: OwnerAsked) -> dict[str, Any]:
    """Refused: an area is its member's."""
    require_area(resource_id)
    raise NotOffered(operation="chown", reason=Message("areas.no-owners"))


@operation("symlink", "POST", _path("symlink"), body=LinkAsked, status=201)
def symlink(asker: Asker, resource_id: str, body: LinkAsked) -> dict[str, Any]:
    """Refused: an area has no links."""
    require_area(resource_id)
    raise NotOffered(operation="symlink", reason=Message("areas.no-links"))
