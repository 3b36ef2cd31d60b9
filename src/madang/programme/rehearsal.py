"""Rehearsing an agreement before anybody signs: each clause in plain words, and last month replayed under it.

The replay takes every use of the last days that a clause or an owner's right permitted, and asks the draft
alone, as if it were in force in place of what the mission's parties have now.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from madang.agreements import policies
from madang.agreements.model import AgreementDocument, ClauseDocument
from madang.assets import lineage
from madang.assets.model import Version, reads
from madang.kernel import clock
from madang.kernel.authorizer import Decision, Policy, Principal, evaluate
from madang.kernel.database import Session
from madang.kernel.i18n import Message
from madang.kernel.ids import check_slug
from madang.kernel.ledger import log
from madang.missions import service as missions
from madang.organizations import service as organizations
from madang.programme import errors  # noqa: F401  (registers this folder's messages)
from madang.programme.uses import may_see

OWNER = Policy(
    "role/owner-uses-own",
    "permit(principal, action, resource) when { principal.organization == resource.owner };",
)


@dataclass(frozen=True)
class Plain:
    """A clause as written and as it works."""

    number: int
    text_en: str
    text_ko: str
    means: Message


@dataclass(frozen=True)
class Replayed:
    """A use of the last days and what the draft would say. `by`: the clauses that decided."""

    at: str
    organization: str
    action: str
    version: str
    allowed: bool
    by: tuple[str, ...]


@dataclass(frozen=True)
class Rehearsal:
    """What a draft would mean."""

    clauses: tuple[Plain, ...]
    replayed: tuple[Replayed, ...]

    @property
    def stopped(self) -> tuple[Replayed, ...]:
        """Uses that were allowed and would not be."""
        return tuple(one for one in self.replayed if not one.allowed)


def rehearse(session: Session, actor: Principal, document: AgreementDocument, days: int = 30) -> Rehearsal:
    """Explain a draft and replay the last `days` of its mission under it. Writes nothing.

    An actor who takes no part in the mission gets the explanation and an empty replay.
    """
    check_slug(document.agreement.name, "agreement name")
    check_slug(document.agreement.mission, "mission name")
    plain = tuple(
        Plain(number, clause.text_en, clause.text_ko, meaning(document, clause))
        for number, clause in enumerate(document.clause, start=1)
    )
    name = document.agreement.mission
    if not missions.takes_part(session, actor, name):
        return Rehearsal(plain, ())
    drafted = [
        Policy(f"draft/{document.agreement.name}/{number}", policy)
        for number, clause in enumerate(document.clause, start=1)
        if (policy := policies.to_cedar(document, clause))
    ]
    since = clock.to_text(clock.now() - timedelta(days=days))
    replayed = []
    for at, organization, action, version in _uses(session, actor, name, since):
        decision = _decide(session, [*drafted, OWNER], organization, action, version)
        replayed.append(Replayed(at, organization, action, version.name, decision.allowed, decision.by))
    return Rehearsal(plain, tuple(replayed))


def meaning(document: AgreementDocument, clause: ClauseDocument) -> Message:
    """What a clause does, in plain words made from its fields (not from its text)."""
    header = document.agreement
    survivors = {kind for c in document.clause if c.effect == "ending" for kind in c.survives}
    kept = [kind for kind in clause.of if kind in survivors]
    return Message(
        f"programme.clause.{clause.effect}" + ("-keeps" if clause.effect == "permit" and kept else ""),
        by=", ".join(clause.by) or "-",
        actions=_words("action", clause.actions),
        owners=", ".join(clause.owners) or "-",
        of=_words("of", clause.of),
        mission=header.mission,
        day=header.ends_on.isoformat(),
        kept=_words("of", kept),
        survives=_words("of", clause.survives),
        duty=Message(f"agreements.duty.{clause.duty}"),
        due=_due(document, clause),
    )


def _due(document: AgreementDocument, clause: ClauseDocument) -> str:
    if clause.due_on is not None:
        return clause.due_on.isoformat()
    return (document.agreement.ends_on + timedelta(days=clause.due_days_after_end or 0)).isoformat()


def _words(kind: str, names: Sequence[str]) -> Message:
    """A short list in the reader's language."""
    if not names:
        return Message("programme.clause.nothing")
    first, *rest = names
    told = Message(f"programme.clause.{kind}-{first}")
    for name in rest:
        told = Message("programme.clause.and", a=told, b=Message(f"programme.clause.{kind}-{name}"))
    return told


def _uses(
    session: Session, actor: Principal, mission: str, since: str
) -> Iterator[tuple[str, str, str, Version]]:
    """(when, organization, action, version) of each recorded use since then, oldest first."""
    query = sa.select(log.entries.c.position, log.entries.c.leaf).where(
        log.entries.c.kind.in_(("version.pooled", "run.submitted", "submission.made"))
    )
    evaluator = missions.get(session, mission).header.evaluator if _opened(session, mission) else ""
    for row in session.rows(query.order_by(log.entries.c.position)):
        entry = log.parse_leaf(row["position"], row["leaf"])
        at = clock.to_text(entry.at)
        if at < since or entry.facts.get("mission") != mission:
            continue
        organization = entry.by["organization"]
        if entry.kind == "version.pooled":
            for parent in entry.facts["parents"]:
                yield at, organization, "pool", lineage.get(session, parent)
        elif entry.kind == "run.submitted":
            for given in entry.facts["inputs"]:
                yield at, organization, "train", lineage.get(session, given["version"])
        else:
            yield at, evaluator, "evaluate", lineage.get(session, entry.facts["version"])
    taken = sa.select(reads).where(reads.c.read_at >= since, reads.c.action == "download")
    for row in session.rows(taken.order_by(reads.c.read_at)):
        version = lineage.get(session, row["version_id"])
        # Who took whose data is for the owner and the taker, not for every participant.
        known = may_see(actor, version) or row["organization"] == actor.organization
        if version.mission == mission and known:
            yield row["read_at"], row["organization"], "download", version


def _opened(session: Session, mission: str) -> bool:
    return bool(missions.participants_of(session, mission))


def _decide(
    session: Session, chosen: list[Policy], organization: str, action: str, version: Version
) -> Decision:
    """Every deposit below must allow it, as in ``lineage.authorize_use``."""
    kind = organizations.get(session, organization).kind
    actor = Principal("", organization, kind, frozenset({"evaluator"} if action == "evaluate" else ()))
    by: set[str] = set()
    for request in lineage.requests_of(session, actor, action, version):
        decision = evaluate(chosen, request)
        if not decision.allowed:
            return decision
        by.update(decision.by)
    return Decision(True, tuple(sorted(by)))
