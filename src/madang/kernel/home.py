"""A home: the folder of one installation. Keys, settings, database; domains keep their files below it.

::

    madang.toml        settings of this home
    madang.db          records (in SQLite; elsewhere where database_url is set)
    keys/              ledger.key (signs checkpoints), ledger.salt (row commitments); mode 600
    content/           sealed bytes of versions, and blobs (elsewhere where content_engine is s3)
    content-keys/      the keys of the former: to be kept out of every backup of the rest
    drafts/            journals of deposits under way
    runs/              working folders of runs
    areas/             files that members keep here for the time
    queries/           who runs a query just now
    checkpoints/       tree heads kept by `madang ledger checkpoint`
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import platform
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from madang.kernel import isolation, settings
from madang.kernel.database import Database, Session
from madang.kernel.errors import DatabaseInUse, DiskFull, FileTrouble, HomeExists, HomeUnsafe, NoHome
from madang.kernel.i18n import Message
from madang.kernel.ledger.log import Keys
from madang.kernel.ledger.note import Signer
from madang.kernel.settings import Settings, Values


@dataclass(frozen=True)
class Home:
    """An opened home."""

    path: Path
    settings: Settings

    @property
    def values(self) -> Values:
        """Settings in force."""
        return self.settings.values

    @cached_property
    def database(self) -> Database:
        """The records."""
        return Database(_url(self.path, self.values), self._keys, self.values.database_busy_seconds)

    def accompanied(self, companion: Callable[[Session], None]) -> Home:
        """This home; the first transaction that records anything also does `companion(session)`."""
        made = replace(self)
        made.__dict__["database"] = self.database.accompanied(companion)
        return made

    @property
    def _keys(self) -> Keys:
        folder = self.path / "keys"
        signer = Signer.from_bytes(self.values.log_name, (folder / "ledger.key").read_bytes())
        return Keys(signer, (folder / "ledger.salt").read_bytes())

    @cached_property
    def isolation(self) -> isolation.Isolation:
        """What confines jobs here."""
        return isolation.choose(self.values.isolation)

    @property
    def evaluator_path(self) -> Path:
        """The evaluator's own folder. Only the evaluator's process opens it."""
        return self.path / self.values.evaluator_home

    @property
    def runs_path(self) -> Path:
        """Working folders of runs."""
        return self.path / "runs"

    @contextmanager
    def workplace(self, purpose: str) -> Iterator[Path]:
        """A folder for plain copies of files while something works with them. What a killed process of this
        machine left of one is removed when the next is made: it may hold what is destroyed by now."""
        machine = hashlib.sha256(platform.node().encode()).hexdigest()[:8]
        for left in self.runs_path.glob(f"at-work-{machine}-*"):
            if not Path("/proc", left.name.split("-")[3]).exists():
                shutil.rmtree(left, ignore_errors=True)
        prefix = f"at-work-{machine}-{os.getpid()}-{purpose}-"
        with tempfile.TemporaryDirectory(prefix=prefix, dir=self.runs_path) as name:
            yield Path(name)

    def kept_checkpoints(self) -> list[str]:
        """Notes kept by `madang ledger checkpoint`, oldest first."""
        folder = self.path / "checkpoints"
        return [file.read_text("utf-8") for file in sorted(folder.glob("*.txt"))]


_KEPT = ("database_url", "isolation")
"""Settings given when a home is made that it must keep."""


def is_home(path: Path) -> bool:
    """Whether a home stands at `path`."""
    return (path / "keys" / "ledger.key").is_file()


def create(path: Path, flags: Mapping[str, Any] | None = None) -> Home:
    """Make a home at `path` and its schema. Raises HomeExists and touches nothing where one stands."""
    if is_home(path) or (path.exists() and any(path.iterdir())):
        raise HomeExists(home=str(path), again=Message("home.choose-another"))
    _refuse_shared(path.resolve())
    loaded = settings.load(path, flags)
    signer, salt = Signer.new(loaded.values.log_name), secrets.token_bytes(32)
    url = _url(path.resolve(), loaded.values)
    database = Database(url, Keys(signer, salt), loaded.values.database_busy_seconds)
    try:
        if loaded.values.database_url and database.occupied():
            raise DatabaseInUse(database=url.rpartition("@")[2])
        if loaded.values.database_url:
            database.migrate()  # what the server refuses must leave no half-made home
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.chmod(0o700)
        for folder in ("keys", "content", "runs", "checkpoints"):
            (path / folder).mkdir(mode=0o700)
        database.migrate()
    finally:
        database.close()
    # JSON writes a string as TOML reads it. The address of a database may hold a password: mode 600.
    kept = {"log_name", *(key for key in _KEPT if loaded.origins[key] != "default")}
    written = "".join(f"{key} = {json.dumps(getattr(loaded.values, key))}\n" for key in sorted(kept))
    write_durably(path / settings.FILE_NAME, written.encode(), 0o600)
    write_durably(path / "keys" / "ledger.salt", salt, 0o600)
    # The signing key comes last: its presence is what makes the folder a home.
    write_durably(path / "keys" / "ledger.key", signer.to_bytes(), 0o600)
    return open_home(path, flags)


def _url(path: Path, values: Values) -> str:
    return values.database_url or f"sqlite:///{path / 'madang.db'}"


def _refuse_shared(path: Path) -> None:
    """A home below what every job sees (the system, the Python environment) would be readable to jobs."""
    seen = [Path(name) for name in ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64")]
    for shared in (*seen, *isolation.python_paths()):
        if path.is_relative_to(shared):
            raise HomeUnsafe(home=str(path), shared=str(shared))


def open_home(path: Path, flags: Mapping[str, Any] | None = None) -> Home:
    """The home at `path`; raises NoHome."""
    if not is_home(path):
        raise NoHome(home=str(path))
    return Home(path.resolve(), settings.load(path, flags))


def write_durably(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write a whole file: temporary name, fsync, rename, fsync of the folder. DiskFull where it is full,
    FileTrouble where the path is no file's."""
    if not path.name or path.is_dir():
        raise FileTrouble(file=str(path), reason=Message("home.names-no-file"))
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(path=str(path.parent)) from error
        error.filename = str(path)  # the temporary name would tell nobody anything
        raise
    sync_folder(path.parent)


@contextmanager
def full_disk_told(path: Path) -> Iterator[None]:
    """A full disk (or quota, or file size limit) at `path` as DiskFull; anything else as it came."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise DiskFull(path=str(path)) from error
        raise


def sync_folder(path: Path) -> None:
    """Make a rename in this folder survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
