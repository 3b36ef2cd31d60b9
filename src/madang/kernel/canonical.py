"""One canonical byte form of JSON values (RFC 8785), and the digests taken over it."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import rfc8785

from madang.kernel.errors import OutsideJson


def canonical_bytes(value: Any) -> bytes:
    """RFC 8785 bytes of a JSON value; OutsideJson where it holds what that cannot (integers beyond 2**53
    must be given as text)."""
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError, RecursionError) as error:
        raise OutsideJson(reason=str(error)) from error


def canonical_digest(value: Any) -> str:
    """``sha256:`` + hex over :func:`canonical_bytes`."""
    return "sha256:" + hashlib.sha256(canonical_bytes(value)).hexdigest()


def parse_json(data: bytes | str) -> Any:
    """Parse JSON strictly: NaN, Infinity and repeated keys are refused with ValueError."""

    def no_constant(name: str) -> Any:
        raise ValueError(f"{name} is not JSON")

    def no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        table = dict(pairs)
        if len(table) != len(pairs):
            raise ValueError("a key stands twice in one object")
        return table

    try:
        return json.loads(data, parse_constant=no_constant, object_pairs_hook=no_repeats)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
