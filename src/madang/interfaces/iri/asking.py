"""What is asked: values of queries and bodies, as strictly as the specification has them."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Mapping
from datetime import datetime
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic import ValidationInfo as Info
from starlette.datastructures import QueryParams, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from madang.areas.errors import TooMuchAtOnce
from madang.areas.model import MOST_AT_ONCE
from madang.kernel import clock
from madang.kernel.errors import BadValue, MadangError, UnknownKey

_MOST_BODY = 2**20
_MOST_FORM = MOST_AT_ONCE + 2**16
Model = TypeVar("Model", bound=BaseModel)


class Asked(BaseModel):
    """Base of what is asked. Members that we do not know are let pass, as the specification does."""

    model_config = ConfigDict(frozen=True, extra="ignore")


def _flag(value: Any) -> Any:
    """A truth value; "true" and "false" are taken from bodies too: the specification's examples have them."""
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


def _whole(value: Any, info: Info) -> Any:
    if info.context == "query" and isinstance(value, str) and re.fullmatch(r"-?\d{1,18}", value):
        return int(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)


def _instant(value: Any) -> str:
    if not isinstance(value, str) or not _INSTANT.fullmatch(value):
        raise ValueError("an instant as 2026-02-21T12:00:00Z")
    try:
        return clock.to_text(datetime.fromisoformat(value))
    except OverflowError as error:
        raise ValueError("an instant between the years 1 and 9999") from error


def _whole_text(value: str) -> str:
    if "\0" in value:
        raise ValueError("no NUL")
    return value


Text = Annotated[str, AfterValidator(_whole_text)]
Named = Annotated[str, Field(min_length=1), AfterValidator(_whole_text)]
Flag = Annotated[bool, Field(strict=True), BeforeValidator(_flag)]
Whole = Annotated[int, Field(strict=True, le=2**53, ge=-(2**53)), BeforeValidator(_whole)]
Positive = Annotated[int, Field(strict=True, ge=1, le=2**53), BeforeValidator(_whole)]
Instant = Annotated[str, BeforeValidator(_instant)]
Offset = Annotated[int, Field(strict=True, ge=0, le=2**53), BeforeValidator(_whole)]
Limit = Annotated[int, Field(strict=True, ge=0, le=1000), BeforeValidator(_whole)]


class Nothing(Asked):
    """Nothing is asked."""


class Since(Asked):
    """Only what changed after an instant."""

    modified_since: Instant | None = None

    def knows(self, modified: str) -> bool:
        """Whether the asker has what was changed last at `modified`."""
        return self.modified_since is not None and modified <= self.modified_since


class Listed(Since):
    """A part of a listing."""

    offset: Offset = 0
    limit: Limit = 100

    def part(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The part of all rows that is asked for."""
        return rows[self.offset : self.offset + self.limit]


def from_query(model: type[Model], query: QueryParams) -> Model:
    """The query as a model; a member that is a list takes a parameter several times."""
    given: dict[str, Any] = dict(query)
    for name, field in model.model_fields.items():
        alias = field.alias or name
        if alias in given and "list" in str(field.annotation):
            given[alias] = query.getlist(alias)
    return _validated(model, given, "query")


async def from_body(model: type[Model], request: Request, *, optional: bool = False) -> Model:
    """The JSON body as a model."""
    data = await _read(request, _MOST_BODY)
    if optional and data.strip() in (b"", b"null"):
        return _validated(model, {}, "body")
    media = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if media != "application/json":
        raise BadValue(file="request (header)", key="Content-Type", reason="It must be application/json.")
    try:
        given = json.loads(data.decode("utf-8"), parse_constant=_no_constant)
    except ValueError as error:
        reason = "It is not JSON in UTF-8." if data.strip() else "It is missing."
        raise BadValue(file="request (body)", key="body", reason=reason) from error
    except RecursionError as error:
        raise BadValue(file="request (body)", key="body", reason="It is nested too deeply.") from error
    if not isinstance(given, dict):
        raise BadValue(file="request (body)", key="body", reason="It must be an object.")
    return _validated(model, given, "body")


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")


async def file_of(request: Request) -> bytes:
    """The bytes of the form's part "file"."""
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != "multipart/form-data":
        raise BadValue(file="request (header)", key="Content-Type", reason="It must be multipart/form-data.")
    data = await _read(request, _MOST_FORM, TooMuchAtOnce(path="upload", most=MOST_AT_ONCE))

    async def whole() -> AsyncGenerator[bytes, None]:
        yield data

    try:
        form = await MultiPartParser(request.headers, whole(), max_files=1, max_fields=8).parse()
    except (MultiPartException, KeyError, ValueError) as error:
        raise BadValue(file="request (body)", key="body", reason="It is not a form with one file.") from error
    try:
        sent = form.get("file")
        if not isinstance(sent, UploadFile):
            raise BadValue(file="request (body)", key="file", reason="A part of that name with a file.")
        return await sent.read()
    finally:
        await form.close()


async def _read(request: Request, most: int, refusal: MadangError | None = None) -> bytes:
    data = bytearray()
    async for piece in request.stream():
        data += piece
        if len(data) > most:
            reason = f"At most {most} bytes."
            raise refusal or BadValue(file="request (body)", key="body", reason=reason)
    return bytes(data)


def _validated(model: type[Model], given: Mapping[str, Any], where: str) -> Model:
    try:
        return model.model_validate(given, context=where)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or where
        if first["type"] == "extra_forbidden":
            known = ", ".join(sorted(model.model_fields))
            raise UnknownKey(file=f"request ({where})", key=key, known=known) from error
        raise BadValue(file=f"request ({where})", key=key, reason=str(first["msg"])) from error
