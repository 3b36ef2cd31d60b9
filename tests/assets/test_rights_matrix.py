"""Who may do what with which version when: the services against a plain oracle over generated worlds.

A world has organizations, agreements with random clauses signed at different moments, deposits of every
state, pools of them and models of those. The oracle reads the same documents and knows no Cedar, no SQL.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from madang.agreements import service as agreements
from madang.agreements.model import AgreementDocument
from madang.agreements.policies import USE_ACTIONS
from madang.assets import lineage
from madang.assets import service as assets
from madang.assets.content.manifest import Manifest
from madang.assets.content.model import Stored
from madang.assets.errors import NotAccepted
from madang.assets.model import Version
from madang.kernel import clock
from madang.kernel.authorizer import Principal
from madang.kernel.database import Session
from madang.kernel.errors import NotPermitted
from tests.conftest import Office

ORGANIZATIONS = ("acme", "bolt", "core", "lab", "judge")
OUTSIDERS = ("stranger", "")
MISSIONS = ("m1", "m2")
TIMES = tuple(datetime(year, 6, 1, tzinfo=UTC) for year in (2027, 2029, 2031))
ENDS = (date(2028, 1, 1), date(2030, 1, 1), date(2040, 1, 1))


@dataclass
class Node:
    """A version as the oracle sees it."""

    owner: str
    kind: str
    mission: str
    state: str
    parents: list[Node] = field(default_factory=list)

    def ancestors(self) -> Iterator[Node]:
        yield self
        for parent in self.parents:
            yield from parent.ancestors()


@dataclass
class World:
    nodes: dict[str, Node] = field(default_factory=dict)
    documents: list[AgreementDocument] = field(default_factory=list)
    signed: set[str] = field(default_factory=set)


def oracle(world: World, asker: str, action: str, node: Node, now: datetime) -> bool:
    """Every deposit below must allow it, and nothing below may be unaccepted (but for taking one's own)."""
    roots = [one for one in node.ancestors() if not one.parents]
    if not all(_root_allows(world, asker, action, root, node.kind, now) for root in roots):
        return False
    return action == "download" or all(one.state == "accepted" for one in node.ancestors())


def _root_allows(world: World, asker: str, action: str, root: Node, of: str, now: datetime) -> bool:
    permitted = asker == root.owner
    for document in world.documents:
        if document.agreement.name not in world.signed or document.agreement.mission != root.mission:
            continue
        survivors = {k for c in document.clause if c.effect == "ending" for k in c.survives}
        over = now.date() > document.agreement.ends_on
        for clause in document.clause:
            speaks = (
                action in clause.actions
                and root.owner in clause.owners
                and root.kind == clause.kind
                and of in clause.of
            )
            if clause.effect == "forbid" and speaks and asker != root.owner:
                return False
            if clause.effect == "permit" and speaks and asker in clause.by:
                permitted |= not over or of in survivors
    return permitted


def random_agreement(chance: random.Random, number: int) -> AgreementDocument:
    def some(among: tuple[str, ...], least: int = 1) -> list[str]:
        return chance.sample(among, chance.randint(least, len(among)))

    clauses = []
    for _ in range(chance.randint(2, 6)):
        effect = chance.choices(["permit", "forbid", "ending"], [6, 1, 1])[0]
        clause = {"effect": effect, "text_en": "text", "text_ko": "문안"}
        if effect == "ending":
            clauses.append({**clause, "survives": some(("dataset", "model"), 0)})
            continue
        addressed = {
            "actions": some(USE_ACTIONS),
            "owners": some(ORGANIZATIONS),
            "of": some(("dataset", "model")),
        }
        by = some(ORGANIZATIONS) if effect == "permit" else []
        clauses.append({**clause, **addressed, "by": by})
    header = {
        "name": f"pact-{number}", "title_en": "P", "title_ko": "협약", "mission": chance.choice(MISSIONS),
        "parties": ORGANIZATIONS, "ends_on": chance.choice(ENDS),
    }  # fmt: skip
    return AgreementDocument.model_validate({"agreement": header, "clause": clauses})


def add(session: Session, world: World, number: int, node: Node, parents: list[str]) -> str:
    new = assets.NewVersion(node.owner, f"v{number}", node.kind, node.mission, node.state, parents=parents)
    version = assets.insert(session, new, Stored(Manifest(()), f"{number:064x}", f"hld-{number}", "-"))
    session.record("test", version.version_id, {"member": "-", "organization": "-"})
    world.nodes[version.version_id] = node
    return version.version_id


def populate(office: Office, world: World, chance: random.Random, size: int) -> None:
    """Deposits first, then pools and models of what is there."""
    ids: list[str] = []
    for number in range(size):
        mission = chance.choice(MISSIONS)
        same = [one for one in ids if world.nodes[one].mission == mission]
        parents = chance.sample(same, min(len(same), chance.randint(1, 3))) if number > size // 3 else []
        state = chance.choices(["accepted", "received", "quarantined"], [8, 1, 1])[0]
        kind = chance.choice(["dataset", "model"]) if parents else "dataset"
        node = Node(chance.choice(ORGANIZATIONS[:4]), kind, mission, state, [world.nodes[p] for p in parents])
        with office.home.database.write() as session:
            ids.append(add(session, world, number, node, parents))


def asking(name: str) -> Principal:
    return Principal(f"mem-{name}", name, "company", frozenset({"researcher"}))


def decided(session: Session, asker: str, action: str, version: Version) -> bool:
    try:
        grounds = lineage.authorize_use(session, asking(asker), action, version)
    except (NotPermitted, NotAccepted):
        return False
    assert grounds
    return True


def compare(office: Office, world: World) -> int:
    """Ask everything of everything at every time; returns how many decisions agreed."""
    count = 0
    with office.home.database.read() as session:
        versions = {one: lineage.get(session, one) for one in world.nodes}
        for now in TIMES:
            with clock.use_clock(lambda now=now: now):  # type: ignore[misc]
                for asker, action, one in product((*ORGANIZATIONS, *OUTSIDERS), USE_ACTIONS, versions):
                    expected = oracle(world, asker, action, world.nodes[one], now)
                    found = decided(session, asker, action, versions[one])
                    assert found == expected, (asker, action, world.nodes[one], now)
                    count += 1
    return count


def matrix(office: Office, seed: int, decisions: int) -> int:
    """Build a world, ask until so many decisions have agreed; returns how many."""
    chance, world, count = random.Random(seed), World(), 0
    people = {name: office.join(name, "steward") for name in ORGANIZATIONS}
    populate(office, world, chance, 60)
    number = 0
    count += compare(office, world)  # before anything is signed
    while count < decisions:
        document = random_agreement(chance, number)
        with clock.use_clock(lambda: datetime(2026, 12, 1, tzinfo=UTC)):
            with office.home.database.write() as session:
                agreements.draft(session, people["lab"], document)
            world.documents.append(document)
            last = chance.random() < 0.2  # now and then somebody never signs
            for name in ORGANIZATIONS[: len(ORGANIZATIONS) - last]:
                with office.home.database.write() as session:
                    agreements.sign(session, people[name], document.agreement.name)
            if not last:
                world.signed.add(document.agreement.name)
        number += 1
        if number % 3 == 0:
            count += compare(office, world)
    return count


def test_twenty_thousand_decisions_agree_with_the_oracle(office: Office) -> None:
    assert matrix(office, 1, 20_000) >= 20_000


@pytest.mark.long
@pytest.mark.parametrize("seed", [2, 3, 4, 5, 6])
def test_a_hundred_thousand_decisions_agree_with_the_oracle(office: Office, seed: int) -> None:
    assert matrix(office, seed, 20_000) >= 20_000


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32))
def test_terms_only_narrow_along_a_lineage(office: Office, seed: int) -> None:
    """Whoever may use what was made may, in the same capacity, use each thing it was made from.

    "In the same capacity": a clause may permit the use of models only, so the parent is asked about as if
    it were of the child's kind; nothing that a child allows is denied by one of its ancestors.
    """
    chance, world = random.Random(seed), World()
    people = {n: office.join(n, "steward", name=f"p{seed}") for n in ORGANIZATIONS}
    tag = f"{seed}-{chance.getrandbits(32)}"
    document = random_agreement(chance, 0)
    header = document.agreement.model_copy(update={"name": f"pact-{tag}", "mission": f"mission-{tag}"})
    document = document.model_copy(update={"agreement": header})
    with office.home.database.write() as session:
        agreements.draft(session, people["lab"], document)
    for name in ORGANIZATIONS:
        with office.home.database.write() as session:
            agreements.sign(session, people[name], header.name)
    ids: list[str] = []
    for number in range(12):
        parents = chance.sample(ids, min(len(ids), chance.randint(1, 3))) if number > 4 else []
        node = Node(
            chance.choice(ORGANIZATIONS), chance.choice(["dataset", "model"]) if parents else "dataset",
            header.mission, "accepted", [world.nodes[p] for p in parents],
        )  # fmt: skip
        with office.home.database.write() as session:
            ids.append(add(session, world, 10_000_000 + chance.getrandbits(40), node, parents))
    with office.home.database.read() as session:
        for asker, action, one in product(ORGANIZATIONS, USE_ACTIONS, ids):
            child = lineage.get(session, one)
            if not decided(session, asker, action, child):
                continue
            for parent in lineage.parents_of(session, one):
                same_capacity = Version(**{**parent.__dict__, "kind": child.kind})
                assert decided(session, asker, action, same_capacity), (asker, action, child, parent)
