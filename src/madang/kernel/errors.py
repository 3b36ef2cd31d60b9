"""The error family. Every error says what happened, why, and what to do next, in both languages.

::

    MadangError                    exit 1
    |- UserError                   exit 2: the caller can mend it
    |  |- Denied                   403: the authorizer said no; names the clause where there is one
    |  |- NotFound                 404: also what an outsider gets for what they may not know of
    |  |- Conflict                 409: the state of things does not allow it
    |  `- Invalid                  422: the input itself is wrong
    |- Environment                 exit 3: this machine lacks something (disk, program, extra)
    |- Tampered                    exit 4: stored data no longer agrees with the ledger
    `- Defect                      exit 70: a bug of ours

A class's texts stand in the catalogue of its domain under ``error.<code>`` with the keys ``what``,
``why`` and ``next``; the facts given to the constructor fill the placeholders.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar

from madang.kernel import i18n

i18n.register_catalogue("madang.kernel")


@dataclass(frozen=True)
class ErrorText:
    """An error in one language, in its three parts."""

    what: str
    why: str
    next: str


class MadangError(Exception):
    """Root of the family. `facts` fill the texts and travel to the API and the page."""

    code: ClassVar[str] = "madang-error"
    exit_code: ClassVar[int] = 1
    status: ClassVar[int] = 500

    def __init_subclass__(cls, **options: object) -> None:
        super().__init_subclass__(**options)
        cls.code = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", cls.__name__).lower()

    def __init__(self, **facts: object) -> None:
        super().__init__(self.code)
        self.facts = facts

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled by its facts: errors cross processes."""
        return _remade, (type(self), self.facts)

    def in_language(self, language: str) -> ErrorText:
        """The three parts of this error in `language`."""
        parts = (i18n.text(f"error.{self.code}.{part}", language, **self.facts) for part in _PARTS)
        return ErrorText(*parts)

    def __str__(self) -> str:
        told = self.in_language("en")
        return f"{told.what} {told.why} {told.next}"


def _remade(kind: type[MadangError], facts: dict[str, object]) -> MadangError:
    return kind(**facts)


_PARTS = ("what", "why", "next")


class UserError(MadangError):
    """The caller can mend it."""

    exit_code = 2
    status = 400


class Denied(UserError):
    """The authorizer said no."""

    status = 403


class NotFound(UserError):
    """There is no such thing, or the asker may not know that there is."""

    status = 404


class Conflict(UserError):
    """The present state does not allow it."""

    status = 409


class Invalid(UserError):
    """The input itself is wrong."""

    status = 422


class Environment(MadangError):
    """This machine lacks something."""

    exit_code = 3
    status = 503


class Tampered(MadangError):
    """Stored data no longer agrees with the ledger."""

    exit_code = 4


class Defect(MadangError):
    """A bug of ours."""

    exit_code = 70


class BadName(Invalid):
    """A name that is not a slug. Facts: field, value."""


class UnreadableToml(Invalid):
    """A file that is not TOML. Facts: file, reason."""


class UnknownKey(Invalid):
    """A key no table of ours has. Facts: file, key, known."""


class BadValue(Invalid):
    """A value of the wrong type or range. Facts: file, key, reason."""


class FileMissing(Invalid):
    """A file or folder that the command names and that is not there. Facts: file."""


class NoHome(NotFound):
    """No Madang home where one was expected. Facts: home."""


class HomeExists(Conflict):
    """A home would be overwritten. Facts: home, again."""


class HomeOfAnotherVersion(Conflict):
    """A home whose schema another version of Madang made. Facts: found, wanted."""


class ChangedMeanwhile(Conflict):
    """Another writer made the same thing first."""


class FileTrouble(Invalid):
    """A path that cannot be used as meant. Facts: file, reason."""


class OutOfRange(Invalid):
    """A number outside what makes sense. Facts: name, value, low, high."""


class OutsideJson(Invalid, ValueError):
    """A number or a text that cannot be put on record as JSON. Facts: reason."""


class MethodUnknown(UserError):
    """An HTTP method that the address does not take."""

    status = 405


class RangeMissed(UserError):
    """A range of bytes that lies outside of the file. Facts: range, size."""

    status = 416


class ProtocolUnknown(UserError):
    """A version of an upload protocol that is not spoken here. Facts: given, spoken."""

    status = 412


class MediaUnknown(UserError):
    """A body of another type than the address takes. Facts: given, wanted."""

    status = 415


class BadCursor(Invalid):
    """A cursor that no listing of ours gave."""


class KeyReused(Invalid):
    """An idempotency key that came with another request before. Facts: key."""


class AlreadyDone(Conflict):
    """A request that was done before and whose answer is not kept. Facts: key, subject."""


class BadTitle(Invalid):
    """A title with control characters, or too long. Facts: field, most."""


class HomeUnsafe(Invalid):
    """A home where every job could read it. Facts: home, shared."""


class DatabaseBusy(Environment):
    """Another writer held the database too long. Facts: seconds."""


class DatabaseUnreachable(Environment):
    """The database server does not answer as it should. Facts: database, reason."""


class DatabaseInUse(Conflict):
    """A new home would be made in a database that holds something. Facts: database."""


class UnstorableText(Invalid):
    """A text with characters that the database cannot hold (a NUL)."""


class DiskFull(Environment):
    """The disk is full. Facts: path."""


class ExtraMissing(Environment):
    """An optional dependency is not installed. Facts: module, extra."""


class TextMissing(Environment):
    """A text that a pack brings along is not there, or none. Facts: reference, reason."""


class UnknownEngine(Invalid):
    """No engine or pack of that name. Facts: kind, name, known."""


class IsolationMissing(Environment):
    """The chosen isolation cannot run here. Facts: name, reason."""


class PolicyBroken(Defect):
    """A policy text that Cedar refuses. Facts: reason."""


class UnrecordedChange(Defect):
    """A transaction changed rows and wrote no ledger entry, or more than one. Facts: rows."""


class SignatureInvalid(Tampered):
    """A checkpoint that its key did not sign. Facts: reason."""


class ProofInvalid(Tampered):
    """A proof that does not hold. Facts: link, reason."""


class NotPermitted(Denied):
    """No rule permits this action. Facts: action, resource, reason, clause."""


class NotSignedIn(Denied):
    """No token, or one that is not valid now. Facts: reason."""

    status = 401
