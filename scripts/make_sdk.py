"""Make the parts of the SDK that follow from others.

    src/madang/sdk/_async/resources.py    a class for each noun, a method for each operation
    src/madang/sdk/_sync/                 the same client without coroutines

Run it after an operation was added or changed: python scripts/make_sdk.py (--check: say whether it must be).
"""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
import tempfile
import types
import typing
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from madang.interfaces import operations
from madang.interfaces.operations import Operation
from madang.interfaces.operations.declared import NOUNS
from madang.sdk.documents import Page
from madang.sdk.documents import Request as RequestDocument

ROOT = Path(__file__).parents[1]
SDK = ROOT / "src" / "madang" / "sdk"
NOTE = "# Made by scripts/make_sdk.py. Change the operation (or the coroutines) and run that instead.\n"
HEAD = '''"""The nouns: a class each, a method for each operation of the API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from pydantic_core import to_jsonable_python

from madang.sdk import addresses, documents

if TYPE_CHECKING:
    from madang.sdk._async.client import AsyncClient

'''
TURNED = (
    (r"AsyncClient", "Client"),
    (r"httpx2\.AsyncBaseTransport", "httpx2.BaseTransport"),
    (r"AsyncIterator", "Iterator"),
    (r"\basync def\b", "def"),
    (r"\basync with\b", "with"),
    (r"\basync for\b", "for"),
    (r"\bawait ", ""),
    (r"\btogether_async\b", "together"),
    (r"\basynccontextmanager\b", "contextmanager"),
    (r"__aenter__", "__enter__"),
    (r"__aexit__", "__exit__"),
    (r"\baclose\b", "close"),
    (r"\baread\b", "read"),
    (r"\baiter_bytes\b", "iter_bytes"),
    (r"\basyncio\.sleep\b", "time.sleep"),
    (r"\bimport asyncio\b", "import time"),
    (r"sdk\._async", "sdk._sync"),
    (r"The client with coroutines: .*\"\"\"", 'The client without coroutines, made from the other one."""'),
)


class Argument(typing.NamedTuple):
    """A parameter of a method."""

    name: str
    form: str
    default: str | None
    place: str  # path | query | body | whole


def form_of(annotation: object) -> str:
    """A type as written in the SDK."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return form_of(arguments[0])
    if origin in (typing.Union, types.UnionType):
        return " | ".join(form_of(one) for one in arguments)
    if origin is typing.Literal:
        return f"Literal[{', '.join(repr(one) for one in arguments)}]"
    if origin is Sequence:
        return f"Sequence[{form_of(arguments[0])}]"
    if origin is Mapping:
        return f"Mapping[{', '.join(form_of(one) for one in arguments)}]"
    if annotation is type(None):
        return "None"
    if annotation is typing.Any:
        return "Any"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return f"documents.{annotation.__name__}"
    if annotation in (str, int, float, bool, bytes, datetime, date):
        return typing.cast(type, annotation).__name__
    raise TypeError(annotation)


def arguments_of(operation: Operation, signature: inspect.Signature) -> list[Argument]:
    """The method's parameters: of the path, of the query, the members of the body."""
    in_path = re.findall(r"\{(\w+)", operation.path)
    found: list[Argument] = []
    _, *parameters = signature.parameters.values()
    for parameter in parameters:
        kind = parameter.annotation
        if isinstance(kind, type) and issubclass(kind, RequestDocument):
            found += [member(name, field) for name, field in kind.model_fields.items()]
        elif isinstance(kind, type) and issubclass(kind, BaseModel):
            found.append(Argument(parameter.name.rstrip("_"), "Mapping[str, Any]", None, "whole"))
        elif parameter.name != "cursor":
            name = "page_size" if operation.pages and parameter.name == "limit" else parameter.name
            default = None if parameter.default is parameter.empty else repr(parameter.default)
            place = "path" if name in in_path else "query"
            found.append(Argument(name, form_of(kind), default, place))
    return sorted(found, key=lambda one: (one.place != "path", one.default is not None))


def member(name: str, field: FieldInfo) -> Argument:
    """A member of the body as a parameter."""
    default = None if field.is_required() else repr(field.get_default(call_default_factory=True))
    return Argument(name, form_of(field.annotation), default, "body")


def method_of(operation: Operation) -> str:
    """The text of a method."""
    signature = inspect.signature(operation.function, eval_str=True)
    arguments = arguments_of(operation, signature)
    required = [one for one in arguments if one.default is None]
    plain = [one for one in arguments if one.place == "path"] or required[:1]
    named = [one for one in arguments if one not in plain]
    given = ["self", *(declared(one) for one in plain)]
    if named or (operation.changes and not operation.pages):
        given += ["*", *(declared(one) for one in named)]
    if operation.changes:
        given.append("key: str | None = None")
    answer, call = answered(operation, signature, arguments)
    told = (inspect.getdoc(operation.function) or "").splitlines()
    text = "\n".join(f"        {line}".rstrip() for line in told)
    start = "def" if operation.pages else "async def"
    lines = [f"    {start} {operation.name}({', '.join(given)}) -> {answer}:", f'        """{text.strip()}']
    lines[-1] += '"""' if "\n" not in text else '\n        """'
    return "\n".join([*lines, *call])


def declared(one: Argument) -> str:
    """A parameter as declared."""
    return f"{one.name}: {one.form}" + ("" if one.default is None else f" = {one.default}")


def answered(
    operation: Operation, signature: inspect.Signature, arguments: list[Argument]
) -> tuple[str, list[str]]:
    """(the method's return type, the lines that call)."""
    path = re.sub(r"\{(\w+)(:path)?\}", _placed, operation.path)
    where = f'f"{path}"' if "{" in path else f'"{path}"'
    query = [one for one in arguments if one.place == "query"]
    more = ""
    if query:
        asked = {"page_size": "limit"}
        pairs = ", ".join(f'"{asked.get(one.name, one.name)}": {one.name}' for one in query)
        more += f", query={{{pairs}}}"
    whole = [one.name for one in arguments if one.place == "whole"]
    members = [one for one in arguments if one.place == "body"]
    lines: list[str] = []
    if whole:
        more += f", body=to_jsonable_python({whole[0]})"
    elif members or takes_body(signature):
        pairs = ", ".join(f'"{one.name}": {sent(one)}' for one in members)
        more += f", body={{{pairs}}}"
    if operation.changes:
        more += ", key=key"
    returned = signature.return_annotation
    if operation.media:
        kind = form_of(returned)
        more = more.replace(", key=key", "")
        lines.append(f'        answer = await self._client.send("{operation.method}", {where}{more})')
        return kind, [*lines, f"        return answer.{'text' if kind == 'str' else 'content'}"]
    if issubclass(returned, Page):
        item = form_of(returned.model_fields["items"].annotation)[len("Sequence[") : -1]
        if operation.pages:
            given = more.removeprefix(", query=") or "{}"
            return f"AsyncIterator[{item}]", [f"        return self._client.every({where}, {item}, {given})"]
        call = f'await self._client.call("{operation.method}", {where}, documents.Page[{item}]{more})'
        return f"Sequence[{item}]", [f"        return ({call}).items"]
    form = form_of(returned)
    return form, [f'        return await self._client.call("{operation.method}", {where}, {form}{more})']


def _placed(match: re.Match[str]) -> str:
    return f"{{addresses.{'path' if match[2] else 'part'}({match[1]})}}"


def takes_body(signature: inspect.Signature) -> bool:
    """Whether a request has a body, though it may be without members."""
    kinds = [parameter.annotation for parameter in signature.parameters.values()]
    return any(isinstance(kind, type) and issubclass(kind, RequestDocument) for kind in kinds)


def sent(one: Argument) -> str:
    """A member as it goes into JSON."""
    if one.form == "datetime":
        return f"{one.name}.isoformat()"
    if one.form.startswith("Sequence[documents."):
        return f"[one.model_dump() for one in {one.name}]"
    if one.form.startswith("Sequence["):
        return f"list({one.name})"
    return one.name


def resources() -> str:
    """The text of ``_async/resources.py``."""
    every = operations.every()
    parts = [HEAD]
    for noun in NOUNS:
        module = sys.modules[f"madang.interfaces.operations.{noun}"]
        methods = [method_of(operation) for operation in every if operation.noun == noun]
        opening = (
            f'\nclass {noun.capitalize()}:\n    """{(module.__doc__ or "").strip()}"""\n\n'
            "    def __init__(self, client: AsyncClient) -> None:\n        self._client = client\n\n"
        )
        parts.append(opening + "\n\n".join(methods) + "\n")
    return NOTE + "\n".join(parts)


def without_coroutines(text: str) -> str:
    """The text of a module of the other client."""
    for pattern, replacement in TURNED:
        text = re.sub(pattern, replacement, text)
    return text if text.startswith(NOTE) else NOTE + text


def formatted(text: str) -> str:
    """As ruff leaves it."""
    with tempfile.TemporaryDirectory(dir=ROOT / "src") as folder:
        file = Path(folder) / "made.py"
        file.write_text(text, "utf-8")
        ruff = [str(Path(sys.executable).with_name("ruff"))]
        subprocess.run([*ruff, "check", "-q", "--fix", "--select", "I,F401", str(file)], cwd=ROOT, check=True)
        subprocess.run([*ruff, "format", "-q", str(file)], cwd=ROOT, check=True)
        return file.read_text("utf-8")


def made() -> dict[Path, str]:
    """Every file that follows from others, with what it must say."""
    files = {SDK / "_async" / "resources.py": formatted(resources())}
    for source in sorted({*files, *(SDK / "_async").glob("*.py")}):
        text = files.get(source) or source.read_text("utf-8")
        files[SDK / "_sync" / source.name] = formatted(without_coroutines(text))
    return files


def main() -> int:
    """Write what must be written; with --check, only say so."""
    stale = {
        file: text for file, text in made().items() if not file.is_file() or file.read_text("utf-8") != text
    }
    if "--check" in sys.argv:
        print("\n".join(f"{file.relative_to(ROOT)} must be made anew" for file in stale))
        return 1 if stale else 0
    for file, text in stale.items():
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
