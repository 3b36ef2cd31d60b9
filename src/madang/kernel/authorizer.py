"""The authorizer port: who may do what, decided by Cedar over policies that the domains contribute.

A domain registers a :class:`PolicySource`, which selects the few policies that can matter for a
request (the prefilter); Cedar decides: default deny, forbid wins. Each policy carries an ``@id``, by
which a decision names the rule or clause that made it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol

import cedarpy

from madang.kernel import clock
from madang.kernel.database import Session
from madang.kernel.errors import NotPermitted, PolicyBroken
from madang.kernel.i18n import Message


@dataclass(frozen=True)
class Principal:
    """Who asks: a member of an organization with roles. `organization` is empty for an outsider."""

    member: str
    organization: str
    kind: str
    roles: frozenset[str]

    def as_fact(self) -> dict[str, str]:
        """How ledger entries name the one who acted."""
        return {"member": self.member, "organization": self.organization}


OUTSIDER = Principal("", "", "outsider", frozenset())
"""Someone who is not signed in."""


@dataclass(frozen=True)
class Request:
    """May `principal` do `action` on this resource? Attributes and context are JSON values."""

    principal: Principal
    action: str
    resource: str
    identity: str
    attributes: Mapping[str, Any] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.resource} {self.identity}"


@dataclass(frozen=True)
class Policy:
    """A named Cedar policy; the text holds one ``permit`` or ``forbid`` without annotations."""

    name: str
    text: str


@dataclass(frozen=True)
class Decision:
    """What was decided and by which policies (names)."""

    allowed: bool
    by: tuple[str, ...]


class PolicySource(Protocol):
    """A domain's contribution."""

    def policies(self, session: Session, request: Request) -> Sequence[Policy]:
        """The policies that can matter for `request`."""
        ...

    def explain(self, session: Session, request: Request, decision: Decision) -> Message | None:
        """Why `request` was denied, where this source knows."""
        ...


_sources: list[PolicySource] = []


def register_source(source: PolicySource) -> None:
    """Add a domain's policies to every decision."""
    if source not in _sources:
        _sources.append(source)


@lru_cache(maxsize=512)
def _parsed(policies: tuple[Policy, ...]) -> cedarpy.PolicySet:
    return cedarpy.PolicySet.from_str("\n".join(f'@id("{p.name}")\n{p.text}' for p in policies))


def decide(session: Session, request: Request) -> Decision:
    """Evaluate every source's policies; raises PolicyBroken where one cannot be evaluated."""
    return evaluate([policy for source in _sources for policy in source.policies(session, request)], request)


def evaluate(policies: Iterable[Policy], request: Request) -> Decision:
    """Evaluate `request` under these policies alone (a rehearsal brings its own)."""
    chosen = tuple(policies)
    try:
        result = cedarpy.is_authorized(_cedar_request(request), _parsed(chosen), _entities(request))
    except ValueError as error:
        raise PolicyBroken(reason=str(error)) from error
    if result.diagnostics.errors:
        raise PolicyBroken(reason="; ".join(result.diagnostics.errors))
    names = result.diagnostics.id_annotations_by_reason
    return Decision(result.allowed, tuple(sorted(str(name) for name in names.values())))


def authorize(session: Session, request: Request) -> Decision:
    """The decision where it is a yes; NotPermitted, with the clause and the reason, where not.

    The entry that the session writes names what decided.
    """
    decision = decide(session, request)
    if decision.allowed:
        session.decided(decision.by)
        return decision
    reasons = (source.explain(session, request, decision) for source in _sources)
    reason = next((r for r in reasons if r is not None), Message("authorizer.no-rule"))
    clause = ", ".join(decision.by)
    raise NotPermitted(action=request.action, resource=str(request), reason=reason, clause=clause)


def _cedar_request(request: Request) -> dict[str, Any]:
    return {
        "principal": f'Member::"{request.principal.member or "outsider"}"',
        "action": f'Action::"{request.action}"',
        "resource": _uid(request.resource, request.identity),
        "context": {"now": int(clock.now().timestamp()), **request.context},
    }


_PLAIN = re.compile(r"[A-Za-z0-9가-힣 ./@_:+-]*")


def _identity(text: str) -> str:
    """An identity as Cedar takes it. Anything may stand in a name that was asked for, and Cedar refuses what
    it would print otherwise; policies look at attributes, so that a digest does as well."""
    return (
        text if _PLAIN.fullmatch(text) else hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    )


def _uid(kind: str, identity: str) -> str:
    return f'{kind}::"{_identity(identity)}"'


def _entities(request: Request) -> list[dict[str, Any]]:
    principal = request.principal
    return [
        {
            "uid": {"type": "Member", "id": principal.member or "outsider"},
            "attrs": {
                "member": principal.member,
                "organization": principal.organization,
                "kind": principal.kind,
                "roles": sorted(principal.roles),
            },
            "parents": [],
        },
        {
            "uid": {"type": request.resource, "id": _identity(request.identity)},
            "attrs": dict(request.attributes),
            "parents": [],
        },
    ]
