"""Who calls, and how an operation is declared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Annotated, Any, Protocol, TypeVar

from pydantic import Field

from madang.kernel.authorizer import Principal
from madang.kernel.home import Home
from madang.kernel.i18n import Message
from madang.kernel.paging import Key, parted
from madang.sdk.documents import Page, Told

NOUNS = (
    "organizations",
    "agreements",
    "missions",
    "descriptions",
    "probes",
    "queries",
    "withdrawals",
    "identifiers",
    "versions",
    "catalogue",
    "plans",
    "trials",
    "compute",
    "calls",
    "metrics",
    "runs",
    "scores",
    "ledger",
    "programme",
)
"""The modules of this package that hold operations, in the order of the documentation. What another address
would swallow (/versions/{version} takes paths) comes before it."""

Limit = Annotated[int, Field(ge=1, le=1000, description="How many at most.")]
Cursor = Annotated[str | None, Field(max_length=2000, description="`next` of the part before.")]
Name = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00/]+$")]
Text = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00]+$")]

Row = TypeVar("Row")
Item = TypeVar("Item")
Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class Caller:
    """Who asks, of which home, in which language. beside: what is told beside an answer (header -> value)."""

    home: Home
    actor: Principal
    language: str = "en"
    beside: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Operation:
    """An operation's declaration.

    media: of the answer, where it is not a JSON document. public: outsiders may ask. secret: its answer
    must not be kept. keyless: asking twice does no more than asking once, so that no key is taken. pages:
    it is a listing with `limit` and `cursor`.
    """

    method: str
    path: str
    function: Callable[..., Any] = field(compare=False)
    status: int = 200
    media: str | None = None
    public: bool = False
    secret: bool = False
    keyless: bool = False
    pages: bool = False

    @property
    def noun(self) -> str:
        """The module it stands in."""
        return self.function.__module__.rpartition(".")[2]

    @property
    def name(self) -> str:
        """Its function's name, without the underscore that keeps it apart from a builtin."""
        return self.function.__name__.rstrip("_")

    @property
    def keyed(self) -> bool:
        """Whether it takes an idempotency key."""
        return self.changes and not self.keyless

    @property
    def changes(self) -> bool:
        """Whether it changes anything."""
        return self.method != "GET"


class _Declares(Protocol):
    def __call__(self, function: Function, /) -> Function: ...


_declared: dict[Callable[..., Any], Operation] = {}


def operation(method: str, path: str, **options: Any) -> _Declares:
    """Declare a function as an operation: its HTTP method and path, and options of :class:`Operation`."""

    def declare(function: Function) -> Function:
        _declared[function] = Operation(method, path, function, **options)
        return function

    return declare


def find(function: Callable[..., Any]) -> Operation:
    """The declaration of an operation."""
    return _declared[function]


def every() -> list[Operation]:
    """All operations, noun by noun."""
    for noun in NOUNS:
        import_module(f"madang.interfaces.operations.{noun}")
    return sorted(_declared.values(), key=lambda one: NOUNS.index(one.noun))


def page_of(
    rows: Sequence[Row], limit: int, key: Callable[[Row], Key], form: Callable[[Row], Item]
) -> Page[Item]:
    """The first `limit` of `rows` in their form, and the cursor of what follows."""
    shown, following = parted(rows, limit, key)
    return Page[Any](items=[form(row) for row in shown], next=following)


def told(message: Message) -> Told:
    """A message in both languages."""
    return Told(en=message.in_language("en"), ko=message.in_language("ko"))
