"""A version as one zip, made while it is read: nothing of it is kept in memory or on disk."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator

from madang.assets.content.reading import Content

_TIME = (1980, 1, 1, 0, 0, 0)
"""A manifest knows no times; this is the earliest that a zip can tell."""


def zipped(content: Content) -> Iterator[bytes]:
    """The bytes of the zip (stored, not compressed: zip64 where it is needed), piece by piece.

    A file whose bytes are not what the manifest says ends it with ContentMissing, before it is whole.
    """
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as made:
        for file in content.manifest.files:
            told = zipfile.ZipInfo(file.path, _TIME)
            told.file_size = file.size
            told.external_attr = 0o100644 << 16
            with made.open(told, "w") as target:
                for piece in content.pieces(file.digest):
                    target.write(piece)
                    yield from sink.taken()
    yield from sink.taken()


class _Sink(io.RawIOBase):
    """What was written and not taken yet; it cannot seek, so that a zip is written front to back."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data) -> int:  # type: ignore[no-untyped-def]  # any buffer
        piece = bytes(data)
        self._pieces.append(piece)
        return len(piece)

    def taken(self) -> Iterator[bytes]:
        """What was written since the last time."""
        pieces, self._pieces = self._pieces, []
        joined = b"".join(pieces)
        if joined:
            yield joined
