"""A version on this machine, opened as files, Arrow, xarray or a torch data set; its content is pinned.

The files lie in the user's cache below their manifest's digest: what is there whole is not fetched again.
"""

from __future__ import annotations

import codecs
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import blake3

from madang.sdk import documents
from madang.sdk.errors import Unsafe

if TYPE_CHECKING:
    import pyarrow as pa
    import xarray as xr

_TABLES = (".parquet", ".csv", ".tsv", ".jsonl", ".ndjson", ".arrow", ".feather")
_GRIDS = (".nc", ".nc4", ".cdf", ".h5", ".hdf5", ".he5")


@dataclass(frozen=True)
class Pin:
    """What was opened, to be written down: the same call with it opens the same bytes under the same terms.

    manifest: digest that the list of files and all their digests hash to. agreements: those of every deposit
    below the version, name -> digest of the text that was signed.
    """

    version: str
    manifest: str
    agreements: Mapping[str, str]


class Opened:
    """A version's files. `folder` holds them; `pin` says what they are and under which agreements."""

    def __init__(self, version: documents.Version, pin: Pin, folder: Path) -> None:
        self.version, self.pin, self.folder = version, pin, folder

    @property
    def files(self) -> dict[str, Path]:
        """Path in the version -> file on this machine."""
        found = (file for file in sorted(self.folder.rglob("*")) if file.is_file())
        return {file.relative_to(self.folder).as_posix(): file for file in found}

    def arrow(self, path: str | None = None, *, encoding: str | None = None) -> pa.Table:
        """The tables of the version as one Arrow table: rows of all files of the first form that is there
        (Parquet, CSV, TSV, JSON lines, Arrow), columns by name. path: a file or folder instead of all.
        encoding: of CSV and TSV; without it UTF-16 by its mark, UTF-8, or else CP949.

        Raises Unsafe where there is no table; needs pyarrow.
        """
        import pyarrow as pa

        chosen = self._chosen(path, _TABLES)
        tables = [_table(file, encoding) for file in chosen]
        return pa.concat_tables(tables, promote_options="permissive") if len(tables) > 1 else tables[0]

    def xarray(self, path: str | None = None) -> xr.Dataset:
        """The arrays of the version (NetCDF, HDF5 or a Zarr store) as an xarray data set, read when used.

        Of several files those of `path` (a file or folder), put together by their coordinates. Raises Unsafe
        where there is none; needs xarray and netCDF4, or zarr.
        """
        import xarray as xr

        stores = [
            file.parent
            for name in ("zarr.json", ".zgroup", ".zmetadata")
            for file in sorted((self.folder / (path or "")).rglob(name))
        ]
        if stores:
            return xr.open_zarr(min(stores, key=lambda store: len(store.parts)), chunks=None)
        chosen = self._chosen(path, _GRIDS)
        if len(chosen) == 1:
            return xr.open_dataset(chosen[0])
        return xr.combine_by_coords([xr.open_dataset(file) for file in chosen])

    def torch(
        self,
        columns: Sequence[str],
        target: str | None = None,
        path: str | None = None,
        *,
        encoding: str | None = None,
    ) -> Any:  # torch.utils.data.Dataset, which is imported where it is used
        """Rows as a torch data set: each item a float32 tensor of `columns`, or (that, its `target`).

        columns hold numbers, or lists of numbers of one length. Raises Unsafe for a column that is not there.
        Needs pyarrow and torch.
        """
        import torch
        from torch.utils.data import TensorDataset

        table = self.arrow(path, encoding=encoding)
        wanted = [*columns, *([target] if target else [])]
        if missing := [name for name in wanted if name not in table.column_names]:
            what = f"{self.version.name} has no column {', '.join(missing)}."
            raise Unsafe(what, f"It has: {', '.join(table.column_names)}.", "Name others.")
        inputs = torch.cat([_tensor(table.column(name)) for name in columns], dim=1)
        if target is None:
            return TensorDataset(inputs)
        told = _tensor(table.column(target))
        return TensorDataset(inputs, told[:, 0] if told.shape[1] == 1 else told)

    def _chosen(self, path: str | None, endings: Sequence[str]) -> list[Path]:
        """The files at or below `path` of the first ending that is there."""
        within = [
            file
            for name, file in self.files.items()
            if path is None or name == path or name.startswith(f"{path.rstrip('/')}/")
        ]
        for ending in endings:
            chosen = [file for file in within if file.suffix.lower() == ending]
            if chosen:
                return chosen
        what = f"{self.version.name} holds nothing of that kind{f' at {path}' if path else ''}."
        raise Unsafe(what, f"None of its files ends with {', '.join(endings)}.", "See its `files`.")


def _encoding_of(file: Path) -> str:
    with file.open("rb") as source:
        if source.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return "utf-16"
        source.seek(0)
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            while piece := source.read(2**20):
                decoder.decode(piece)
        except UnicodeDecodeError:
            return "cp949"
    return "utf-8"


def _table(file: Path, encoding: str | None) -> pa.Table:
    ending = file.suffix.lower()
    if ending == ".parquet":
        from pyarrow import parquet

        return parquet.read_table(file)
    if ending in (".csv", ".tsv"):
        from pyarrow import csv

        parsing = csv.ParseOptions(delimiter="\t" if ending == ".tsv" else ",")
        encoding = encoding or _encoding_of(file)
        try:
            return csv.read_csv(file, csv.ReadOptions(encoding=encoding), parsing)
        except (UnicodeError, LookupError) as error:
            what = f"{file.name} is not text in the encoding {encoding}."
            raise Unsafe(what, str(error)[:300], "Name another `encoding`.") from error
    if ending in (".jsonl", ".ndjson"):
        from pyarrow import json as lines

        return lines.read_json(file)
    from pyarrow import feather

    return feather.read_table(file)


def _tensor(column: Any) -> Any:
    """(rows, n) float32 of a column of numbers (n = 1) or of lists of n numbers."""
    import numpy as np
    import torch

    values = np.asarray(column.to_pylist(), dtype=np.float32)
    return torch.from_numpy(values.reshape(len(values), -1))


def manifest_digest(files: Sequence[documents.File]) -> str:
    """The digest that a list of files has: BLAKE3 of its canonical form (RFC 8785)."""
    listed = sorted(files, key=lambda file: file.path)
    rows = [[f.path, f.size_bytes, f.digest, *([f.original] if f.original else [])] for f in listed]
    told = {"files": rows, "format": "madang-manifest/1"}
    data = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
    return blake3.blake3(data).hexdigest()


def is_whole(folder: Path, files: Sequence[documents.File]) -> bool:
    """Whether a folder holds just those files. What was hashed before and has not changed since, by its place
    on the disk, size and times, is not hashed again: a record of that lies beside the folder."""
    if not folder.is_dir():
        return False
    record = folder.with_name(f"{folder.name}.seen")
    try:
        seen: dict[str, list[object]] = json.loads(record.read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        seen = {}
    now: dict[str, list[object]] = {}
    for file in files:
        place = folder / file.path
        try:
            there = place.lstat()
        except OSError:
            return False
        now[file.path] = [file.digest, there.st_ino, there.st_size, there.st_mtime_ns, there.st_ctime_ns]
        if there.st_size != file.size_bytes or not place.is_file() or place.is_symlink():
            return False
        if seen.get(file.path) != now[file.path] and digest_of(place) != file.digest:
            return False
    if sum(len(names) for _, _, names in os.walk(folder)) != len(now):
        return False
    if now != seen:
        record.write_text(json.dumps(now), "utf-8")
    return True


def digest_of(file: Path) -> str:
    """BLAKE3 of a file, in hexadecimal. Read, not mapped: another program may cut it off meanwhile."""
    hasher = blake3.blake3(max_threads=blake3.blake3.AUTO)
    with file.open("rb") as source:
        while piece := source.read(8 * 2**20):
            hasher.update(piece)
    return hasher.hexdigest()


def require_pinned(pin: Pin, manifest: str | None, agreement: str | None) -> None:
    """Unsafe where a version is not the one, or not under the agreement, that a caller has pinned."""
    if manifest is not None and manifest != pin.manifest:
        what = f"{pin.version} is not what was pinned."
        raise Unsafe(what, f"Its manifest is {pin.manifest}.", "Look at what changed, then pin that.")
    if agreement is not None and set(pin.agreements) != {agreement}:
        told = ", ".join(pin.agreements) or "none"
        what = f"{pin.version} is not under the agreement {agreement} alone."
        raise Unsafe(what, f"Its deposits are under: {told}.", "Read them, then pin what you accept.")
