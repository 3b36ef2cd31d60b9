"""Who asks, in which version, and how an operation of the specification is declared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Literal, Protocol, TypeVar

from pydantic import BaseModel

from madang.areas.model import Area, open_area
from madang.areas.tasks import Tasks
from madang.kernel.authorizer import Principal
from madang.kernel.home import Home
from madang.kernel.requests import Asked

PREFIX = "/iri/api"
VERSIONS = (1, 2)
GROUPS = ("facility", "status", "account", "compute", "files", "storage", "tasks")
"""The modules of this package that hold operations."""

Version = Literal[1, 2]
Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class Asker:
    """Who asks, of which home, in which version. base: the address of that version's interface. asked: the
    request by its idempotency key, where it has one."""

    home: Home
    actor: Principal
    version: int
    base: str
    tasks: Tasks
    language: str = "en"
    asked: Asked | None = None

    def uri(self, *parts: str) -> str:
        """The address of one of our things."""
        return "/".join((self.base, *parts))

    def word(self, kind: str, name: str) -> str:
        """A word of the specification's vocabularies: plain in version 1, a URN in version 2."""
        return name if self.version == 1 else _URNS[kind, name]

    @property
    def area(self) -> Area:
        """The asker's own area."""
        return open_area(self.home, self.actor)


_URNS = {
    ("unit", "node_hours"): "urn:doe-iri:allocation:compute:node-hours",
    ("unit", "bytes"): "urn:doe-iri:allocation:storage:bytes",
    ("unit", "inodes"): "urn:doe-iri:allocation:storage:inodes",
    ("resource", "compute"): "urn:doe-iri:resource:compute",
    ("resource", "storage"): "urn:doe-iri:resource:storage",
}


@dataclass(frozen=True)
class NotModified:
    """The answer to whoever has what there is."""


@dataclass(frozen=True)
class Operation:
    """An operation's declaration.

    method, path: of version 2; method_1: of version 1, where that differs. versions: which have it. public:
    outsiders may ask. query, body: models of what is asked; where only one is declared, it is read from the
    query for GET and DELETE and from the body otherwise. upload: the body is a form with a file.
    """

    name: str
    method: str
    path: str
    function: Callable[..., Any] = field(compare=False)
    method_1: str | None = None
    versions: tuple[int, ...] = VERSIONS
    public: bool = False
    status: int = 200
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    body_optional: bool = False
    upload: bool = False

    def method_in(self, version: int) -> str:
        """Its method in a version."""
        return self.method_1 or self.method if version == 1 else self.method


class _Declares(Protocol):
    def __call__(self, function: Function, /) -> Function: ...


_declared: list[Operation] = []


def operation(name: str, method: str, path: str, **options: Any) -> _Declares:
    """Declare a function as an operation of the specification, by its operationId."""

    def declare(function: Function) -> Function:
        _declared.append(Operation(name, method, path, function, **options))
        return function

    return declare


def every(version: int) -> list[Operation]:
    """The operations of a version."""
    for group in GROUPS:
        import_module(f"madang.interfaces.iri.{group}")
    return [one for one in _declared if version in one.versions]
