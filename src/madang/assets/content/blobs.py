"""Blobs: bytes that belong to no version, kept by their BLAKE3 digest (64 hex digits)."""

from __future__ import annotations

import blake3

from madang.assets.content.port import open_objects
from madang.assets.errors import ContentMissing
from madang.kernel.home import Home


def put(home: Home, data: bytes) -> str:
    """Keep bytes; returns their digest."""
    digest = blake3.blake3(data).hexdigest()
    open_objects(home).put(_name(digest), [data])
    return digest


def read(home: Home, digest: str) -> bytes:
    """The bytes, checked against their digest; ContentMissing where they are gone or differ."""
    data = open_objects(home).get(_name(digest))
    if blake3.blake3(data).hexdigest() != digest:
        raise ContentMissing(digest=digest)
    return data


def part(home: Home, digest: str, start: int, length: int) -> bytes:
    """Bytes out of the middle, which nothing checks."""
    return open_objects(home).get(_name(digest), start, length)


def _name(digest: str) -> str:
    return f"{digest[:2]}/{digest[2:]}"
