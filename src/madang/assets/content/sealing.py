"""Sealing an object: AES-256-GCM in segments, each of which can be opened by itself.

An object is ``MAGIC``, a random salt of 16 bytes, then segments of 256 KiB of plain bytes, each followed by a
tag of 16 bytes. The object's key is BLAKE3 keyed with the holding's key over salt and name, so no two objects
ever share one, even where a write was repeated; a nonce is the segment's number and whether it is the last
(the construction STREAM of Hoang, Reyhanitabar, Rogaway and Vizar, 2015). So segments cannot be reordered,
cut off, or moved to another object, without being noticed.
"""

from __future__ import annotations

import os

import blake3
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from madang.assets.content.port import Objects
from madang.assets.errors import ContentMissing

KEY_BYTES = 32
SEGMENT_BYTES = 256 * 1024
_MAGIC = b"MADANG\x01\n"
_SALT_BYTES = 16
_TAG_BYTES = 16
HEAD_BYTES = len(_MAGIC) + _SALT_BYTES


def key_id(key: bytes) -> str:
    """What names a key without telling it: 64 hex digits."""
    return blake3.blake3(key, derive_key_context="madang 2026-11 name of a holding's key").hexdigest()


def seal(key: bytes, name: str, data: bytes | memoryview) -> list[bytes]:
    """The pieces of the object `name` that holds `data`."""
    head = _MAGIC + os.urandom(_SALT_BYTES)
    cipher = _cipher(key, name, head)
    view = memoryview(data)
    last = _segments(len(view)) - 1
    cut = (view[at * SEGMENT_BYTES : (at + 1) * SEGMENT_BYTES] for at in range(last + 1))
    return [head, *(cipher.encrypt(_nonce(at, last), one, None) for at, one in enumerate(cut))]


def unseal(key: bytes, name: str, data: bytes) -> bytes:
    """The bytes of a whole object; ContentMissing where it is not what was sealed."""
    sealed = memoryview(data)[HEAD_BYTES:]
    return _opened(key, name, data[:HEAD_BYTES], sealed, 0, _sealed_segments(len(sealed)) - 1)


class Opened:
    """An object of which parts are read. size: its plain bytes; head: its first bytes, where they are known:
    an object that was sealed before it under the same name is not taken for it."""

    def __init__(self, objects: Objects, key: bytes, name: str, size: int, head: bytes = b"") -> None:
        self._objects, self._key, self._name, self.size = objects, key, name, size
        self._head = objects.get(name, 0, HEAD_BYTES)
        if head and head != self._head:
            raise ContentMissing(digest=name)
        self._recent: tuple[int, bytes] = (-1, b"")

    def read(self, start: int, length: int) -> bytes:
        """So many plain bytes from `start` on, fewer at the end; ContentMissing where they were changed."""
        end = min(start + length, self.size)
        if end <= start:
            return b""
        first, after = start // SEGMENT_BYTES, _segments(end)
        if after - first > 1 or self._recent[0] != first:
            step = SEGMENT_BYTES + _TAG_BYTES
            sealed = self._objects.get(self._name, HEAD_BYTES + first * step, (after - first) * step)
            last = _segments(self.size) - 1
            plain = _opened(self._key, self._name, self._head, memoryview(sealed), first, last)
            if after - first > 1:
                return plain[start - first * SEGMENT_BYTES : end - first * SEGMENT_BYTES]
            # Small files lie side by side: the next one is likely in the same segment.
            self._recent = (first, plain)
        return self._recent[1][start - first * SEGMENT_BYTES : end - first * SEGMENT_BYTES]


def _opened(key: bytes, name: str, head: bytes, sealed: memoryview, first: int, last: int) -> bytes:
    step = SEGMENT_BYTES + _TAG_BYTES
    try:
        cipher = _cipher(key, name, head)
        return b"".join(
            cipher.decrypt(_nonce(first + at, last), sealed[at * step : (at + 1) * step], None)
            for at in range(_sealed_segments(len(sealed)))
        )
    except (InvalidTag, ValueError) as error:
        raise ContentMissing(digest=name) from error


def _cipher(key: bytes, name: str, head: bytes) -> AESGCM:
    if head[: len(_MAGIC)] != _MAGIC:
        raise ContentMissing(digest=name)
    return AESGCM(blake3.blake3(head + name.encode(), key=key).digest())


def _nonce(at: int, last: int) -> bytes:
    return at.to_bytes(11, "big") + (b"\1" if at == last else b"\0")


def _segments(size: int) -> int:
    return max(1, -(-size // SEGMENT_BYTES))


def _sealed_segments(size: int) -> int:
    return max(1, -(-size // (SEGMENT_BYTES + _TAG_BYTES)))
