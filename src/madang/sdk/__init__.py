"""A client of Madang's HTTP API, and nothing else of Madang.

    from madang.sdk import Client

    with Client("http://127.0.0.1:8800", token=open("company-a.token").read()) as madang:
        version = madang.deposit("./recordings", asset="reach", agreement="manipulation-10-data")
        for use in madang.versions.uses(version.name):
            print(use.at, use.organization, use.action, use.came_of.en)

:class:`AsyncClient` has the same methods as coroutines. Both are made from one source.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from madang.sdk import documents
    from madang.sdk._async.client import AsyncClient
    from madang.sdk._sync.client import Client
    from madang.sdk.errors import (
        ApiError,
        Conflict,
        Failed,
        NotFound,
        NotPermitted,
        NotReached,
        NotSignedIn,
        Refused,
        Unsafe,
    )

__all__ = [
    "ApiError",
    "AsyncClient",
    "Client",
    "Conflict",
    "Failed",
    "NotFound",
    "NotPermitted",
    "NotReached",
    "NotSignedIn",
    "Refused",
    "Unsafe",
    "documents",
]

_PLACES = {"AsyncClient": "_async.client", "Client": "_sync.client"}


def __dir__() -> list[str]:
    return __all__


def __getattr__(name: str) -> Any:
    """Import what is asked for: who needs the documents alone waits for no HTTP library."""
    if name not in __all__:
        raise AttributeError(name)
    if name == "documents":
        return import_module("madang.sdk.documents")
    return getattr(import_module(f"madang.sdk.{_PLACES.get(name, 'errors')}"), name)
