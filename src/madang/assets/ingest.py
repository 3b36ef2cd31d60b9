"""From a folder on disk to stored bytes and a manifest. Regular files only; links are never followed."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from pathlib import Path

from madang.assets.errors import EmptyDeposit, NameTwins, TooLarge, UnsafeFile
from madang.assets.store import Blob, ContentStore, File, Manifest
from madang.kernel.errors import FileMissing
from madang.kernel.ids import nfc

Progress = Callable[[int, int], None]
_DEEPEST = 100
"""Folders inside folders that a version may have."""


def store_folder(
    store: ContentStore,
    folder: Path,
    *,
    byte_limit: int | None = None,
    file_limit: int | None = None,
    progress: Progress | None = None,
) -> tuple[Manifest, Blob]:
    """Store every file below `folder`; returns the manifest and the blob that holds it.

    Raises FileMissing, EmptyDeposit, UnsafeFile, NameTwins, TooLarge or DiskFull. Bytes that were
    stored before an error stay, unreferenced, and make a second try faster.
    """
    if not folder.is_dir() or folder.is_symlink():
        raise FileMissing(file=str(folder))
    files: dict[str, File] = {}
    left = byte_limit
    for count, (relative, descriptor) in enumerate(_regular_files(folder), start=1):
        with os.fdopen(descriptor, "rb") as source:
            if file_limit is not None and count > file_limit:
                raise TooLarge(what=str(folder), limit=f"{file_limit} files")
            blob = store.put(source, left)
        left = None if left is None else left - blob.size
        _add(files, relative, blob)
        if progress:
            progress(count, sum(file.size for file in files.values()))
    if not files:
        raise EmptyDeposit(folder=str(folder))
    return store_manifest(store, Manifest.of(files.values()))


def store_listed(store: ContentStore, listed: Iterable[tuple[str, Blob]]) -> tuple[Manifest, Blob]:
    """A manifest of (path, blob) whose bytes are in the store, under the same rules as a folder's.

    Raises EmptyDeposit, UnsafeFile, NameTwins.
    """
    files: dict[str, File] = {}
    for given, blob in listed:
        if not _is_plain(nfc(given)):
            raise UnsafeFile(file=given)
        _add(files, given, blob)
    for path in files:
        parts = path.split("/")
        if any("/".join(parts[:depth]) in files for depth in range(1, len(parts))):
            raise UnsafeFile(file=path)  # below a file
    if not files:
        raise EmptyDeposit(folder="-")
    return store_manifest(store, Manifest.of(files.values()))


def _add(files: dict[str, File], given: str, blob: Blob) -> None:
    """Add a file under its NFC path; NameTwins where another has that."""
    path = nfc(given)
    if path in files:
        raise NameTwins(first=files[path].original or path, second=given)
    files[path] = File(path, blob.size, blob.digest, given if given != path else None)


def _is_plain(path: str) -> bool:
    """Whether a path could have come from a walk through a folder."""
    parts = path.split("/")
    if len(parts) > _DEEPEST or "\0" in path:
        return False
    try:
        sizes = [len(part.encode("utf-8")) for part in parts]
    except UnicodeEncodeError:
        return False
    return all(part not in (".", "..") and 0 < size <= 255 for part, size in zip(parts, sizes, strict=True))


def store_manifest(store: ContentStore, manifest: Manifest) -> tuple[Manifest, Blob]:
    """Store a manifest; its blob's digest is what a version is bound to."""
    return manifest, store.put(BytesIO(manifest.to_bytes()))


def _regular_files(folder: Path) -> Iterator[tuple[str, int]]:
    """(path relative to `folder`, open descriptor) of each file, in a fixed order."""
    for root, folders, names, root_descriptor in os.fwalk(folder, follow_symlinks=False, onerror=_refuse):
        folders.sort()
        if root.count("/") - str(folder).count("/") > _DEEPEST:
            raise UnsafeFile(file=f"{root[-80:]}/")
        base = Path(root).relative_to(folder).as_posix()
        prefix = "" if base == "." else f"{base}/"
        for name in folders:
            if Path(root, name).is_symlink():
                raise UnsafeFile(file=prefix + name)
        for name in sorted(names):
            yield prefix + name, _open_regular(prefix + name, name, root_descriptor)


def _refuse(error: OSError) -> None:
    """A folder that cannot be read must not be left out in silence."""
    raise UnsafeFile(file=str(error.filename)) from error


def _open_regular(shown: str, name: str, folder: int) -> int:
    try:
        name.encode("utf-8")
        # O_NONBLOCK: opening a planted FIFO must not hang.
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except (OSError, UnicodeEncodeError) as error:
        raise UnsafeFile(file=shown.encode("utf-8", "replace").decode()) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UnsafeFile(file=shown)
    return descriptor
