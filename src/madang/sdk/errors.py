"""What a client may meet. Every error has the three parts of the problem document behind it.

::

    ApiError
    |- NotSignedIn      401: no token, or one that does not hold
    |- NotPermitted     403: no rule or clause permits it
    |- NotFound         404: no such thing, or none the asker may know of
    |- Conflict         409: the present state does not allow it
    |- Refused          other 4xx: the request itself is wrong
    |- Failed           5xx: the server lacks something, or has a bug
    |- NotReached       nobody answered at the address
    `- Unsafe           what came, or is to be sent, is not what it should be
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx2


class ApiError(Exception):
    """Root of the family: `status` (0 where nobody answered), `code`, `what`, `why`, `next`."""

    def __init__(self, what: str, why: str, next: str, *, status: int = 0, code: str = "") -> None:  # noqa: A002
        super().__init__(f"{what} {why} {next}")
        self.status = status
        self.code = code
        self.what = what
        self.why = why
        self.next = next


class NotSignedIn(ApiError):
    """No token, or one that does not hold."""


class NotPermitted(ApiError):
    """No rule or clause permits it."""


class NotFound(ApiError):
    """There is no such thing, or none the asker may know of."""


class Conflict(ApiError):
    """The present state does not allow it."""


class Refused(ApiError):
    """The request itself is wrong."""


class Failed(ApiError):
    """The server lacks something, or has a bug."""


class NotReached(ApiError):
    """Nobody answered at the address."""


class Unsafe(ApiError):
    """What came, or is to be sent, is not what it should be."""


_BY_STATUS = {401: NotSignedIn, 403: NotPermitted, 404: NotFound, 409: Conflict}


def of_answer(status: int, problem: Mapping[str, Any] | None) -> ApiError:
    """The error that an answer of this status with this problem document means."""
    kind = _BY_STATUS.get(status, Refused if 400 <= status < 500 else Failed)
    if problem is None:
        what = f"The server answered with status {status}."
        return kind(what, "Its answer is not one of Madang's.", "Check the address.", status=status)
    parts = (str(problem.get(name, "")) for name in ("title", "detail", "next"))
    return kind(*parts, status=status, code=str(problem.get("code", "")))


def refusal(answer: httpx2.Response) -> ApiError:
    """The error that a whole answer means, by its problem document where it has one."""
    try:
        told = answer.json()
    except ValueError:
        told = None
    return of_answer(answer.status_code, told if isinstance(told, dict) and "title" in told else None)
