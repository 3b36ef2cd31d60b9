"""Where a version came from, and what may be done with it: terms travel along the lineage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from madang.agreements import service as agreements
from madang.agreements.model import agreements as pacts
from madang.agreements.model import parties
from madang.agreements.policies import USE_ACTIONS
from madang.assets.errors import NoSuchVersion, NotAccepted
from madang.assets.model import GONE, Version, parents, versions
from madang.kernel.authorizer import Principal, Request, authorize, decide
from madang.kernel.database import Session
from madang.kernel.i18n import Message
from madang.missions import service as missions
from madang.missions.model import participants
from madang.organizations.service import by_name, oversees


def get(session: Session, name: str) -> Version:
    """A version by id (``ver-...``) or name (``owner/asset@number``); NoSuchVersion otherwise."""
    if name.startswith("ver-"):
        where = versions.c.version_id == name
    else:
        path, _, number = name.partition("@")
        owner, _, asset = path.partition("/")
        if not (number.isascii() and number.isdecimal() and len(number) < 10) or not asset:
            raise NoSuchVersion(version=name)
        where = (versions.c.owner == owner) & (versions.c.asset == asset) & (versions.c.number == int(number))
    row = session.row(sa.select(versions).where(where))
    if row is None:
        raise NoSuchVersion(version=name)
    return Version(**row)


def see(session: Session, actor: Principal, name: str) -> Version:
    """The version where the actor may know of it: its owner, the mission's participants, overseers, and
    before the mission opens the parties of every agreement that it, or what it was made from, was deposited
    under."""
    version = get(session, name)
    if not seen_of(session, actor, [version]):
        raise NoSuchVersion(version=name)
    return version


def seen_of(session: Session, actor: Principal, found: Sequence[Version]) -> list[Version]:
    """Those of `found` that the actor may know of."""
    return [one for one in found if _is_seen(session, actor, one)]


def seen_by_id(session: Session, actor: Principal, ids: Sequence[str]) -> dict[str, Version]:
    """Those of the versions of these ids that the actor may know of."""
    rows = session.rows(sa.select(versions).where(versions.c.version_id.in_(ids))) if ids else []
    return {one.version_id: one for one in seen_of(session, actor, [Version(**row) for row in rows])}


def _is_seen(session: Session, actor: Principal, version: Version) -> bool:
    if actor.organization == version.owner or missions.takes_part(session, actor, version.mission):
        return True
    if missions.participants_of(session, version.mission):
        return False
    return actor.organization in parties_below(session, version, roots_of(session, version.version_id))


def agreements_below(session: Session, version: Version) -> list[str]:
    """The agreements of the deposits that a version was made from (or is), by name."""
    return sorted({root.agreement for root in roots_of(session, version.version_id) if root.agreement})


def parties_below(session: Session, version: Version, roots: Sequence[Version]) -> set[str]:
    """Who may know of a version before its mission opens: its owner, and the parties of every agreement that
    its deposits `roots` are under."""
    names = {root.agreement for root in roots if root.agreement}
    parties_of = {name: agreements.get(session, name).signatures for name in names}
    among = [{root.owner, *parties_of.get(root.agreement or "", ())} for root in roots]
    return {version.owner}.union(set.intersection(*among))


def agreed_before_opening(session: Session, actor: Principal) -> dict[str, str]:
    """The agreements to which the actor's organization is a party, of missions that nobody has joined yet:
    agreement -> mission."""
    rows = session.rows(_AGREED, organization=actor.organization)
    return {row["name"]: row["mission"] for row in rows}


def known_before_opening(session: Session, actor: Principal) -> list[str]:
    """Ids of others' versions that the actor knows of by such agreements."""
    agreed = agreed_before_opening(session, actor)
    if not agreed or oversees(actor):
        return []
    under = _with_all_below(sa.select(versions.c.version_id).where(versions.c.agreement.in_(agreed)))
    others = sa.select(versions).where(versions.c.owner != actor.organization)
    rows = session.rows(others.where(versions.c.version_id.in_(under)))
    return [one.version_id for one in seen_of(session, actor, [Version(**row) for row in rows])]


_AGREED = (
    sa.select(pacts.c.name, pacts.c.mission)
    .join(parties, parties.c.agreement == pacts.c.name)
    .where(parties.c.organization == sa.bindparam("organization", type_=sa.Text))
    .where(~sa.exists().where(participants.c.mission == pacts.c.mission))
)


def others_of(session: Session, actor: Principal, version: Version, most: int) -> list[Version]:
    """The other versions of the same asset that the actor may know of, newest first."""
    same = (versions.c.owner == version.owner) & (versions.c.asset == version.asset)
    query = sa.select(versions).where(same, versions.c.version_id != version.version_id)
    rows = session.rows(query.order_by(versions.c.number.desc()).limit(most))
    return seen_of(session, actor, [Version(**row) for row in rows])


def seen_as(session: Session, actor: Principal, version: Version) -> str:
    """As what an actor may know of a version: its owner, an overseer, of the mission, of its agreement."""
    if actor.organization == version.owner:
        return "seen-as/owner"
    if oversees(actor):
        return "seen-as/overseer"
    if actor.organization in missions.participants_of(session, version.mission):
        return f"seen-as/mission/{version.mission}"
    signed = agreed_before_opening(session, actor).keys() & set(agreements_below(session, version))
    return f"seen-as/agreement/{min(signed)}"


def parents_of(session: Session, version_id: str) -> list[Version]:
    """Direct parents by name."""
    query = (
        sa.select(versions)
        .join(parents, parents.c.parent_id == versions.c.version_id)
        .where(parents.c.version_id == version_id)
        .order_by(versions.c.owner, versions.c.asset, versions.c.number)
    )
    return [Version(**row) for row in session.rows(query)]


def children_of(session: Session, version_id: str) -> list[Version]:
    """Versions made directly from this one."""
    query = (
        sa.select(versions)
        .join(parents, parents.c.version_id == versions.c.version_id)
        .where(parents.c.parent_id == version_id)
        .order_by(versions.c.created_at)
    )
    return [Version(**row) for row in session.rows(query)]


def descendants_of(session: Session, version_id: str) -> list[Version]:
    """Everything made from a version, directly or not, oldest first; not the version itself."""
    found = _with_all_below(sa.select(sa.literal(version_id).label("version_id")))
    query = sa.select(versions).where(versions.c.version_id.in_(found), versions.c.version_id != version_id)
    return [Version(**row) for row in session.rows(query.order_by(versions.c.created_at))]


def derived_from(session: Session, ids: Sequence[str]) -> set[str]:
    """Ids of everything made from versions of these ids, directly or not."""
    made = sa.select(parents.c.version_id).where(parents.c.parent_id.in_(ids))
    return {row["version_id"] for row in session.rows(_with_all_below(made))}


def _with_all_below(first: sa.Select[Any]) -> sa.Select[Any]:
    """The ids that a query gives, with those of everything made from them, directly or not."""
    tree = first.cte("below", recursive=True)
    tree = tree.union(sa.select(parents.c.version_id).join(tree, parents.c.parent_id == tree.c.version_id))
    return sa.select(tree.c.version_id)


def edges_among(session: Session, found: Sequence[Version]) -> dict[str, list[str]]:
    """Version id -> ids of its direct parents, of versions among `found`."""
    ids = {one.version_id for one in found}
    edges: dict[str, list[str]] = {}
    for row in session.rows(sa.select(parents).where(parents.c.version_id.in_(sorted(ids)))):
        if row["parent_id"] in ids:
            edges.setdefault(row["version_id"], []).append(row["parent_id"])
    return edges


def _lineage_query() -> sa.Select[Any]:
    """Built once: a decision asks it, and building it costs more than running it."""
    asked = sa.bindparam("asked", type_=sa.Text)
    tree = sa.select(asked.label("version_id")).cte("lineage", recursive=True)
    step = sa.select(parents.c.parent_id).join(tree, parents.c.version_id == tree.c.version_id)
    tree = tree.union(step)
    made = sa.exists().where(parents.c.version_id == versions.c.version_id).label("made")
    query = sa.select(versions, made).where(versions.c.version_id.in_(sa.select(tree.c.version_id)))
    return query.order_by(versions.c.created_at)


_LINEAGE = _lineage_query()


def ancestors_and_roots(session: Session, version_id: str) -> tuple[list[Version], list[Version]]:
    """(the version itself and everything it was made from, each once; the deposits among them)."""
    ancestors, roots = [], []
    for row in session.rows(_LINEAGE, asked=version_id):
        told = dict(row)
        made = told.pop("made")
        version = Version(**told)
        ancestors.append(version)
        if not made:
            roots.append(version)
    return ancestors, sorted(roots, key=lambda root: (root.owner, root.asset))


def ancestors_of(session: Session, version_id: str) -> list[Version]:
    """The version itself and everything it was made from, each once."""
    return ancestors_and_roots(session, version_id)[0]


def roots_of(session: Session, version_id: str) -> list[Version]:
    """The deposits at the bottom of the lineage (the version itself where it has no parents)."""
    return ancestors_and_roots(session, version_id)[1]


def _request(actor: Principal, action: str, root: Version, of: str) -> Request:
    attributes = {"owner": root.owner, "kind": root.kind, "mission": root.mission}
    return Request(actor, action, "Version", root.name, attributes, {"of": of})


def _addresses(roots: Sequence[Version]) -> list[Version]:
    """One root of each address: clauses speak of (owner, kind, mission), so the others decide the same."""
    return list({(root.owner, root.kind, root.mission): root for root in reversed(roots)}.values())[::-1]


def requests_of(session: Session, actor: Principal, action: str, version: Version) -> list[Request]:
    """What must all be permitted for `actor` to do `action` with `version`: a request an address."""
    roots = ancestors_and_roots(session, version.version_id)[1]
    return [_request(actor, action, root, version.kind) for root in _addresses(roots)]


def may_use(session: Session, actor: Principal, action: str, root: Version, of: str) -> bool:
    """Whether a deposit's clauses let `actor` do `action` with a version of the kind `of` made from it."""
    return decide(session, _request(actor, action, root, of)).allowed


def authorize_use(session: Session, actor: Principal, action: str, version: Version) -> list[str]:
    """The clauses and rules that let `actor` do `action` with `version`, over its whole lineage.

    Every deposit below it must allow the action; NotPermitted names the first that does not. A version
    whose lineage holds anything but accepted versions is refused with NotAccepted; so is what was made from
    a version that its owner took back, for a download too.
    """
    ancestors, roots = ancestors_and_roots(session, version.version_id)
    grounds: set[str] = set()
    for root in _addresses(roots):
        grounds.update(authorize(session, _request(actor, action, root, version.kind)).by)
    for ancestor in ancestors:
        if not _stands(ancestor, actor.organization, action, version):
            reason = Message(f"assets.why-{ancestor.state}")
            raise NotAccepted(version=ancestor.name, state=ancestor.state, reason=reason)
    return sorted(grounds)


def _stands(ancestor: Version, organization: str, action: str, version: Version) -> bool:
    """Whether the state of what a version was made from lets an organization do an action with it."""
    state = ancestor.state
    if state == "destroyed" and ancestor == version:
        state = "withdrawn"  # whose reading tells what happened
    return state_lets(state, action, own=organization == ancestor.owner)


def state_lets(state: str, action: str, *, own: bool) -> bool:
    """Whether a version in that state lets an action be done with what is made of it. own: by its owner."""
    if state in GONE:
        return state == "withdrawn" and action == "download" and own
    return state == "accepted" or action == "download"


@dataclass(frozen=True)
class Term:
    """Who may do an action with a version, and by which clauses or rules."""

    action: str
    organizations: tuple[str, ...]
    grounds: tuple[str, ...]


def concerned(session: Session, version: Version) -> dict[str, str]:
    """Who may know of a version beside overseers (name -> kind): the mission's participants, and before the
    mission opens its owner and the parties of the agreements below it."""
    names = set(missions.participants_of(session, version.mission))
    if not names:
        names = parties_below(session, version, roots_of(session, version.version_id))
    return {name: one.kind for name, one in by_name(session).items() if name in names}


def terms_of(session: Session, version: Version, organizations: dict[str, str]) -> list[Term]:
    """What each of `organizations` (name -> kind) may do: the AND over the whole lineage.

    As in :func:`authorize_use`, the states of all ancestors count too; of what was destroyed nothing is left.
    """
    ancestors, roots = ancestors_and_roots(session, version.version_id)
    addresses = _addresses(roots)
    computed = []
    for action in USE_ACTIONS:
        allowed: list[str] = []
        grounds: set[str] = set()
        for name, kind in organizations.items():
            stands = all(_stands(ancestor, name, action, version) for ancestor in ancestors)
            if version.state == "destroyed" or not stands:
                continue
            principal = Principal("", name, kind, frozenset())
            requests = [_request(principal, action, root, version.kind) for root in addresses]
            decisions = [decide(session, request) for request in requests]
            if all(decision.allowed for decision in decisions):
                allowed.append(name)
                grounds.update(ground for decision in decisions for ground in decision.by)
        computed.append(Term(action, tuple(allowed), tuple(sorted(grounds))))
    return computed
