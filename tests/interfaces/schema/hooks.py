"""What Schemathesis must be told: how the parts of an upload are sent."""

from __future__ import annotations

from typing import Any

import schemathesis


@schemathesis.serializer("application/offset+octet-stream")
def as_bytes(_: Any, value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    return bytes(value) if isinstance(value, bytearray) else str(value).encode("utf-8", "replace")
