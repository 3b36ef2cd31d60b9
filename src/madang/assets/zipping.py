"""A version as one zip, made while it is read: nothing of it is kept in memory or on disk."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence

from madang.assets.content.manifest import File
from madang.assets.content.reading import Content

_PIECE_BYTES = 2**18
"""What is handed on at once: small files together, since each piece costs a server a turn."""
_TIME = (1980, 1, 1, 0, 0, 0)
"""A manifest knows no times; this is the earliest that a zip can tell."""


def zipped(content: Content, files: Sequence[File] | None = None) -> Iterator[bytes]:
    """The bytes of the zip (stored, not compressed: zip64 where it is needed), piece by piece. files: of the
    manifest, where not all are wanted.

    A file whose bytes are not what the manifest says ends it with ContentMissing, before it is whole.
    """
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as made:
        for file in content.manifest.files if files is None else files:
            told = zipfile.ZipInfo(file.path, _TIME)
            told.file_size = file.size
            told.external_attr = 0o100644 << 16
            with made.open(told, "w") as target:
                for piece in content.pieces(file.digest):
                    target.write(piece)
                    if sink.held >= _PIECE_BYTES:
                        yield sink.taken()
    yield sink.taken()


class _Sink(io.RawIOBase):
    """What was written and not taken yet; it cannot seek, so that a zip is written front to back."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self.held = 0

    def writable(self) -> bool:
        return True

    def write(self, data) -> int:  # type: ignore[no-untyped-def]  # any buffer
        piece = bytes(data)
        self._pieces.append(piece)
        self.held += len(piece)
        return len(piece)

    def taken(self) -> bytes:
        """What was written since the last time."""
        pieces, self._pieces, self.held = self._pieces, [], 0
        return b"".join(pieces)
