"""Objects in a bucket, through obstore."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from madang.assets.errors import ContentMissing, StoreFailed
from madang.kernel.settings import Values

if TYPE_CHECKING:
    from obstore.store import S3Config


class Bucket:
    """A bucket, below the prefix of the settings."""

    def __init__(self, home: Path, values: Values) -> None:
        config: S3Config = {"region": values.s3_region, "virtual_hosted_style_request": False}
        if values.s3_url:
            config["endpoint"] = values.s3_url
        if values.s3_key:
            config["access_key_id"], config["secret_access_key"] = values.s3_key, values.s3_secret
        self._told = f"{values.s3_url}/{values.s3_bucket}"
        self._store = S3Store(
            values.s3_bucket,
            prefix=values.s3_prefix or None,
            client_options={"allow_http": values.s3_url.startswith("http://")},
            config=config,
        )

    def put(self, name: str, pieces: Sequence[bytes]) -> None:
        """One request: an object is there whole or not at all."""
        try:
            obstore.put(self._store, name, b"".join(pieces), use_multipart=False)
        except BaseError as error:
            raise self._failed(error) from error

    def get(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        """Read a part."""
        try:
            if length is None and start == 0:
                return bytes(obstore.get(self._store, name).bytes())
            return self._part(name, start, length)
        except FileNotFoundError as error:
            raise ContentMissing(digest=name) from error
        except BaseError as error:
            raise self._failed(error) from error

    def _part(self, name: str, start: int, length: int | None) -> bytes:
        if length:
            try:
                return bytes(obstore.get_range(self._store, name, start=start, length=length))
            except FileNotFoundError:
                raise
            except BaseError:
                pass  # it may begin behind the object's end, which not every store tells alike
        size = obstore.head(self._store, name)["size"]
        end = size if length is None else min(size, start + length)
        return bytes(obstore.get_range(self._store, name, start=start, end=end)) if end > start else b""

    def delete(self, name: str) -> None:
        """Forget an object."""
        try:
            obstore.delete(self._store, name)
        except FileNotFoundError:
            return
        except BaseError as error:
            raise self._failed(error) from error

    def names(self, prefix: str) -> Iterator[str]:
        """Names below a prefix, as the store lists them."""
        try:
            for batch in obstore.list(self._store, prefix=prefix):
                yield from (str(one["path"]) for one in batch)
        except BaseError as error:
            raise self._failed(error) from error

    def _failed(self, error: BaseError) -> StoreFailed:
        return StoreFailed(store=self._told, reason=str(error).splitlines()[0][:300])
