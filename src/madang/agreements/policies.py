"""Clauses as Cedar policies, chosen by (owner, mission, kind) before Cedar sees them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from madang.agreements.model import AgreementDocument, ClauseDocument, agreements, clauses, parties, scopes
from madang.kernel import clock
from madang.kernel.authorizer import Decision, Policy, Request, register_source
from madang.kernel.database import Row, Session
from madang.kernel.i18n import Message

USE_ACTIONS = ("pool", "train", "evaluate", "query", "download")
_DATA = "Version"


def ends_at(document: AgreementDocument) -> datetime:
    """The first instant after the last day (UTC)."""
    day = document.agreement.ends_on
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)


def to_cedar(document: AgreementDocument, clause: ClauseDocument) -> str:
    """The policy of a clause; empty for an "ending" clause, which shapes the others, and for a duty."""
    if clause.effect in ("ending", "oblige"):
        return ""
    survivors = {kind for c in document.clause if c.effect == "ending" for kind in c.survives}
    conditions = [
        f"resource.kind == {_text(clause.kind)}",
        f"{_list(clause.owners)}.contains(resource.owner)",
        f"resource.mission == {_text(document.agreement.mission)}",
        f"{_list(clause.of)}.contains(context.of)",
    ]
    if clause.effect == "permit":
        conditions.append(f"{_list(clause.by)}.contains(principal.organization)")
        # Each thing the clause speaks of ends with the agreement, unless an ending clause keeps it.
        kept = [kind for kind in clause.of if kind in survivors]
        until = f"context.now < {int(ends_at(document).timestamp())}"
        conditions.append(f"({until} || {_list(kept)}.contains(context.of))" if kept else until)
    else:
        conditions.append("principal.organization != resource.owner")
    actions = ", ".join(f"Action::{_text(action)}" for action in clause.actions)
    return (
        f"{clause.effect}(principal, action in [{actions}], resource) when {{ {' && '.join(conditions)} }};"
    )


def _text(value: str) -> str:
    """A string of Cedar's, whose escapes are not JSON's."""
    plain = (c if c.isprintable() and c not in '"\\' else f"\\u{{{ord(c):x}}}" for c in value)
    return f'"{"".join(plain)}"'


def _list(values: Sequence[str]) -> str:
    return "[" + ", ".join(_text(value) for value in values) + "]"


def _scope(request: Request) -> sa.ColumnElement[bool]:
    return sa.and_(
        scopes.c.owner == request.attributes.get("owner", ""),
        scopes.c.mission == request.attributes.get("mission", ""),
        scopes.c.kind == request.attributes.get("kind", ""),
    )


def _clauses_query() -> sa.Select[Any]:
    """Built once: every decision asks it, and building it costs more than running it."""
    unsigned = sa.exists().where(parties.c.agreement == clauses.c.agreement, parties.c.signed_at.is_(None))
    return (
        sa.select(clauses.c.agreement, clauses.c.number, clauses.c.policy)
        .join(scopes, (scopes.c.agreement == clauses.c.agreement) & (scopes.c.number == clauses.c.number))
        .where(
            scopes.c.owner == sa.bindparam("owner"),
            scopes.c.mission == sa.bindparam("mission"),
            scopes.c.kind == sa.bindparam("kind"),
            clauses.c.policy != "",
            ~unsigned,
        )
        .order_by(clauses.c.agreement, clauses.c.number)
    )


_CLAUSES = _clauses_query()


class ClausePolicies:
    """Contributes the clauses of fully signed agreements that address the resource."""

    def policies(self, session: Session, request: Request) -> Sequence[Policy]:
        """Clauses whose scope covers the resource and whose agreement every party has signed."""
        if request.resource != _DATA or request.action not in USE_ACTIONS:
            return []
        asked = {name: request.attributes.get(name, "") for name in ("owner", "mission", "kind")}
        return [
            Policy(f"agreement/{row['agreement']}/{row['number']}", row["policy"])
            for row in session.rows(_CLAUSES, **asked)
        ]

    def explain(self, session: Session, request: Request, decision: Decision) -> Message | None:
        """The clause that forbids; or the agreement that is unsigned, ended, or silent."""
        if request.resource != _DATA or request.action not in USE_ACTIONS:
            return None
        if decision.by:
            return _forbidding(session, decision.by[0])
        query = (
            sa.select(agreements.c.name, agreements.c.ends_at)
            .join(scopes, scopes.c.agreement == agreements.c.name)
            .where(_scope(request))
            .distinct()
            .order_by(agreements.c.name)
        )
        covering = session.rows(query)
        if not covering:
            owner = request.attributes.get("owner", "")
            return Message("agreements.none-covers", owner=owner, organization=request.principal.organization)
        return _why_silent(session, request, covering)


def _forbidding(session: Session, name: str) -> Message:
    _, agreement, number = name.split("/")
    where = (clauses.c.agreement == agreement) & (clauses.c.number == int(number))
    document = session.scalar(sa.select(clauses.c.document).where(where))
    return Message(
        "agreements.forbids",
        agreement=agreement,
        number=number,
        text=Message("agreements.quoted", en=document["text_en"], ko=document["text_ko"]),
    )


def _why_silent(session: Session, request: Request, covering: Sequence[Row]) -> Message:
    for row in covering:
        where = (parties.c.agreement == row["name"]) & parties.c.signed_at.is_(None)
        query = sa.select(parties.c.organization).where(where).order_by(parties.c.organization)
        missing = [r["organization"] for r in session.rows(query)]
        if missing:
            return Message("agreements.unsigned", agreement=row["name"], missing=", ".join(missing))
        if row["ends_at"] <= clock.to_text(clock.now()):
            return Message("agreements.ended", agreement=row["name"], when=row["ends_at"])
    organization = request.principal.organization or "-"
    return Message(
        "agreements.silent", agreement=covering[0]["name"], action=request.action, organization=organization
    )


register_source(ClausePolicies())
