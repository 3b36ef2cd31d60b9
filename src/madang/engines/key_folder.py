"""The keys engine ``folder``: a file for each key, in a folder that no backup of the home may hold.

The setting ``keys_folder`` says where. A key is destroyed by writing over it and taking its name away; what a
disk or a file system keeps of overwritten blocks is out of reach of a program, as the threat model says.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from madang.kernel.extension import Engine
from madang.kernel.home import sync_folder, write_durably
from madang.kernel.settings import Values

ENGINE = Engine("folder", "keys", "madang.engines.key_folder:KeyFolder")

_BYTES = 32


class KeyFolder:
    """See the module's docstring."""

    def __init__(self, home: Path, values: Values) -> None:
        self._root = home / values.keys_folder

    def make(self, holding_id: str) -> bytes:
        """Keep a new key before anything is sealed under it."""
        if not self._root.exists():
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
            sync_folder(self._root.parent)
        key = secrets.token_bytes(_BYTES)
        write_durably(self._root / holding_id, key, 0o600)
        return key

    def get(self, holding_id: str) -> bytes | None:
        """Read a key."""
        try:
            return (self._root / holding_id).read_bytes()
        except FileNotFoundError:
            return None

    def names(self) -> Iterator[str]:
        """Files of the folder, but those that are being written."""
        if self._root.is_dir():
            yield from sorted(path.name for path in self._root.iterdir() if not path.name.startswith("."))

    def destroy(self, holding_id: str) -> None:
        """Write over a key, and take its name away."""
        path = self._root / holding_id
        try:
            descriptor = os.open(path, os.O_WRONLY)
        except FileNotFoundError:
            return
        try:
            os.write(descriptor, secrets.token_bytes(_BYTES))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        path.unlink(missing_ok=True)
        sync_folder(self._root)
