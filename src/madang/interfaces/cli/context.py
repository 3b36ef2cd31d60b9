"""What every command needs: the home or the server, who acts, the language, and ways to print."""

from __future__ import annotations

import inspect
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, get_type_hints

from cyclopts import App, CycloptsError, Parameter
from pydantic import BaseModel, TypeAdapter, ValidationError

from madang.kernel import i18n
from madang.kernel.authorizer import Principal
from madang.kernel.errors import BadValue, Defect, Environment, FileMissing, FileTrouble, Invalid, MadangError
from madang.kernel.home import Home, open_home
from madang.kernel.settings import load

if TYPE_CHECKING:
    from rich.text import Text

    from madang.interfaces.operations import Caller
    from madang.sdk import Client
    from madang.sdk.documents import Page, Told

Answer = TypeVar("Answer")
Item = TypeVar("Item", bound=BaseModel)


def _whole(_: Any, tokens: Sequence[Any]) -> int:
    """A whole number as it is written: nothing is rounded."""
    return int(tokens[0].value, 10)


Whole = Annotated[int, Parameter(converter=_whole)]
"""A whole number of the command line."""
Json = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON.")]
_PIPED_WIDTH = 300
_LARGEST_TEXT = 2**20
DEFAULT_HOME = Path("madang-home")


class NotUnderstood(Invalid):
    """The command line itself is wrong. Facts: reason."""


class HostOnly(Invalid):
    """A command that works on the machine that has the home was sent to a server. Facts: server."""


@dataclass
class _Chosen:
    home: Path = DEFAULT_HOME
    server: str | None = None
    token: Path | None = None
    language: str | None = None
    opened: Home | None = None
    caller: Caller | None = None
    client: Client | None = None


_chosen = _Chosen()


def choose(home: Path | None, server: str | None, token: Path | None, language: str | None) -> None:
    """Keep the global options of this call."""
    global _chosen
    # What the command line names wins over the environment.
    named = server or (None if home else os.environ.get("MADANG_SERVER")) or None
    place = home or Path(os.environ.get("MADANG_HOME") or DEFAULT_HOME)
    _chosen = _Chosen(place, _address(named) if named else None, token, language)


def _address(text: str) -> str:
    """A server's address as people write it: with or without the scheme, or the API's own."""
    whole = text if "://" in text else f"http://{text}"
    return whole.rstrip("/").removesuffix("/api/v1")


def require_here() -> None:
    """HostOnly where a server was named: for commands that make or need a home of this machine."""
    if _chosen.server is not None:
        raise HostOnly(server=_chosen.server)


def server() -> str | None:
    """The address that --server names."""
    return _chosen.server


def home_path() -> Path:
    """The chosen home's folder."""
    return _chosen.home


def language() -> str:
    """The language to print in: the option, else the setting."""
    if _chosen.language in i18n.LANGUAGES:
        return str(_chosen.language)
    try:
        return load(_chosen.home, None).values.language
    except MadangError:
        return "en"


def text(message: str, /, **values: object) -> str:
    """A message in the chosen language."""
    return i18n.text(message, language(), **values)


def home() -> Home:
    """The opened home; HostOnly where a server was named instead."""
    require_here()
    if _chosen.opened is None:
        _chosen.opened = open_home(_chosen.home, {"language": _chosen.language})
        _chosen.opened.database.require_current()
    return _chosen.opened


def token() -> str | None:
    """The token given by --token or MADANG_TOKEN."""
    if _chosen.token is not None:
        try:
            return _chosen.token.read_text("utf-8").strip()
        except UnicodeDecodeError as error:
            raise FileTrouble(file=str(_chosen.token), reason="It is not a text file.") from error
        except FileNotFoundError as error:
            raise FileMissing(file=str(_chosen.token)) from error
    return os.environ.get("MADANG_TOKEN")


def actor(opened: Home) -> Principal:
    """Who acts; NotSignedIn where no valid token is given."""
    from madang.organizations.service import signed_in

    with opened.database.read() as session:
        return signed_in(session, token())


def client() -> Client:
    """The connection to the server that --server names."""
    from madang.sdk import Client

    if _chosen.client is None:
        _chosen.client = Client(str(_chosen.server), token(), language=language())
    return _chosen.client


def finish() -> None:
    """Close what the command opened."""
    if _chosen.client is not None:
        _chosen.client.close()
    if _chosen.opened is not None:
        _chosen.opened.database.close()
    _chosen.client = _chosen.caller = _chosen.opened = None


def _caller() -> Caller:
    from madang.interfaces.operations import Caller
    from madang.organizations.service import authenticate

    if _chosen.caller is None:
        opened = home()
        with opened.database.read() as session:
            _chosen.caller = Caller(opened, authenticate(session, token()), language())
    return _chosen.caller


def call(function: Callable[..., Answer], **arguments: Any) -> Answer:
    """Carry out an operation: on the home, or by the server where one is named."""
    from madang.interfaces.operations import find
    from madang.organizations.service import require_signed_in

    if _chosen.server is not None:
        return _sent(function, arguments)
    if not find(function).public:
        require_signed_in(_caller().actor)
    _require_declared(function, arguments)
    return function(_caller(), **arguments)


def _require_declared(function: Callable[..., Answer], arguments: Mapping[str, Any]) -> None:
    """BadValue where a value is none that the operation declares, as a server would say."""
    for name, form in get_type_hints(function, include_extras=True).items():
        value = arguments.get(name)
        if value is None or isinstance(value, BaseModel):
            continue
        try:
            TypeAdapter(form).validate_python(value)
        except ValidationError as error:
            raise BadValue(file="the command", key=name, reason=error.errors()[0]["msg"]) from error


def _sent(function: Callable[..., Answer], arguments: Mapping[str, Any]) -> Answer:
    from madang.interfaces.operations import find
    from madang.sdk import addresses

    declared = find(function)
    path, body, query = declared.path, None, {}
    for name, value in arguments.items():
        place = re.compile(rf"\{{{name}(:path)?\}}")
        if isinstance(value, BaseModel):
            body = value.model_dump(mode="json")
        elif (found := place.search(path)) is not None:
            written = addresses.path(value) if found[1] else addresses.part(value)
            path = path.replace(found[0], written)
        else:
            query[name] = value
    answer = client().send(declared.method, path, query=query, body=body)
    form: Any = inspect.signature(function, eval_str=True).return_annotation
    if declared.media:
        return answer.text if form is str else answer.content  # type: ignore[return-value]
    return form.model_validate_json(answer.content)  # type: ignore[no-any-return]


def put_together(app: App, *parts: App) -> None:
    """Give an app the commands of its parts, each a module's."""
    for part in parts:
        for name in part:
            if not name.startswith("-"):
                app.command(part[name], name=name)


def read_text(path: Path) -> str:
    """A small text file in UTF-8; FileMissing or FileTrouble where it is none."""
    try:
        if path.stat().st_size > _LARGEST_TEXT:
            raise FileTrouble(file=str(path), reason=f"It is larger than {_LARGEST_TEXT} bytes.")
        return path.read_text("utf-8-sig")
    except FileNotFoundError as error:
        raise FileMissing(file=str(path)) from error
    except UnicodeDecodeError as error:
        raise FileTrouble(file=str(path), reason="It is not a text file in UTF-8.") from error


def pair(option: str, told: str) -> tuple[str, str]:
    """(key, value) of an option's ``key=value``; BadValue where it is none."""
    name, sign, value = told.partition("=")
    if not sign:
        raise BadValue(file=option, key=told, reason="It is written key=value.")
    return name, value


def every(function: Callable[..., Page[Item]], **arguments: Any) -> Iterator[Item]:
    """Every item of a listing."""
    cursor = None
    while True:
        page = call(function, **arguments, limit=1000, cursor=cursor)
        yield from page.items
        cursor = page.next
        if cursor is None:
            return


def said(told: Told) -> str:
    """A text of a document in the chosen language."""
    return told.ko if language() == "ko" else told.en


def print_items(
    items: Iterable[Item],
    columns: Mapping[str, Callable[[Item], object]],
    as_json: bool,
    none: str = "cli.none",
) -> None:
    """A table with what each column's function says of each item, or all of the items as JSON. none: the
    message where there is no item."""
    listed = list(items)
    if as_json:
        print_json([item.model_dump(mode="json") for item in listed])
        return
    rows = [{title: tell(item) for title, tell in columns.items()} for item in listed]
    print_rows(rows, {title: title for title in columns}, False, none)


def print_document(item: BaseModel, as_json: bool, **shown: object) -> None:
    """One thing: its plain facts a line each, those of `shown` in place of its own; or as JSON."""
    facts = item.model_dump(mode="json")
    if as_json:
        print_json(facts)
        return
    plain = {name: value for name, value in facts.items() if not isinstance(value, dict | list)}
    print_facts({name: value for name, value in (plain | shown).items() if value not in (None, "")}, False)


def print_json(value: Any) -> None:
    """JSON on standard output."""
    print(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def print_rows(
    rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str], as_json: bool, none: str = "cli.none"
) -> None:
    """A table of the named columns, or all of the rows as JSON."""
    if as_json:
        print_json([dict(row) for row in rows])
        return
    if not rows:
        print(text(none))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in columns.values():
        table.add_column(_as_it_is(title), overflow="fold")
    for row in rows:
        cells = (str(row.get(key, "")) if row.get(key) is not None else "-" for key in columns)
        table.add_row(*(_as_it_is(cell) for cell in cells))
    # Piped, nothing is folded: an id must be found whole.
    Console(width=None if sys.stdout.isatty() else _PIPED_WIDTH).print(table)


def _as_it_is(cell: str) -> Text:
    """A cell as text: no markup in it is taken for ours."""
    from rich.text import Text

    return Text(_harmless(cell, "\n"))


def _harmless(value: str, spaces: str) -> str:
    """A text without signs that a terminal would act on; `spaces` are kept."""
    return "".join(sign if sign.isprintable() or sign in spaces else " " for sign in value)


def print_facts(facts: Mapping[str, Any], as_json: bool) -> None:
    """One thing: its facts a line each, or as JSON."""
    if as_json:
        print_json(dict(facts))
        return
    width = max((len(name) for name in facts), default=0)
    for name, value in facts.items():
        told = _harmless(str(value), "\n\t")
        print(f"{name:<{width}}  {told}")


def print_error(error: Exception) -> int:
    """Print an error in its three parts; returns the exit code."""
    if isinstance(error, OSError) and error.filename is not None:
        error = FileTrouble(file=error.filename, reason=error.strerror or type(error).__name__)
    if isinstance(error, UnicodeEncodeError) and any(map(_is_no_text, sys.argv)):
        given = next(filter(_is_no_text, sys.argv)).encode("utf-8", "replace").decode()
        error = BadValue(file="madang", key=given, reason="It is no UTF-8.")
    if type(error).__module__ == "madang.sdk.errors":
        return _print_answered(error)
    if not isinstance(error, MadangError):
        import traceback

        traceback.print_exception(error)
        error = Defect()
    elif isinstance(error, Defect):
        print(error.facts, file=sys.stderr)
    told = error.in_language(language())
    for part in (told.what, told.why, told.next):
        print(part, file=sys.stderr)
    return error.exit_code


def _is_no_text(argument: str) -> bool:
    """Whether an argument came in bytes that are no UTF-8."""
    return any("\ud800" <= sign <= "\udfff" for sign in argument)


def _print_answered(error: Exception) -> int:
    """An error that a server answered with (or that none did)."""
    from madang.sdk import ApiError, NotReached

    assert isinstance(error, ApiError)
    for part in (error.what, error.why, error.next):
        print(part, file=sys.stderr)
    if isinstance(error, NotReached):
        return Environment.exit_code
    known = {kind.code: kind.exit_code for kind in _family(MadangError)}
    return known.get(error.code, 2 if error.status < 500 else 1)


def _family(kind: type[MadangError]) -> Iterator[type[MadangError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _family(child)


def print_usage_error(error: CycloptsError) -> None:
    """A wrong command line in the same three parts."""
    reason = " ".join(str(error).split())
    print_error(NotUnderstood(reason=reason))
