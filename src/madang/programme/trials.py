"""Policies that were tried on a plan: results kept whole, their digest in the ledger, for members to see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from madang.assets.content import blobs
from madang.kernel import clock
from madang.kernel.authorizer import Principal, Request, authorize
from madang.kernel.canonical import canonical_bytes, parse_json
from madang.kernel.database import Session
from madang.kernel.home import Home
from madang.kernel.ids import new_id
from madang.kernel.ledger import log
from madang.kernel.paging import Slice
from madang.programme.errors import NoSuchTrial

KIND = "trial.kept"
ENOUGH_SEEDS = 20
"""Seeds below which an interval over them is too narrow."""
NEAR_LOAD = 0.9
"""The part of the asked load below which it is said that the bound on jobs cut it."""


@dataclass(frozen=True)
class Trial:
    """A kept trial. digest: of its results, in the content store."""

    trial_id: str
    organization: str
    plan: str
    policies: Sequence[str]
    digest: str
    kept_at: str
    position: int


def keep(home: Home, actor: Principal, results: Mapping[str, Any]) -> Trial:
    """Keep the results of a trial (`planner.trying.Result.document`): bytes first, then the entry."""
    trial_id = new_id("trl")
    require_may_keep(home, actor)
    kept = blobs.put(home, canonical_bytes(dict(results)))
    with home.database.write() as session:
        authorize(session, _request(actor, trial_id))
        session.record(
            KIND, trial_id, actor.as_fact(), digest=kept, organization=actor.organization,
            plan=results["plan"], policies=[one["name"] for one in results["policies"]],
        )  # fmt: skip
    with home.database.read() as session:
        return find(session, trial_id)


def require_may_keep(home: Home, actor: Principal) -> None:
    """NotPermitted where the actor may not keep trials: to be known before a long one is begun."""
    with home.database.read() as session:
        authorize(session, _request(actor, "trial"))


def _request(actor: Principal, trial_id: str) -> Request:
    return Request(actor, "trial.keep", "Trial", trial_id, {"owner": actor.organization})


def every(session: Session, part: Slice) -> list[Trial]:
    """Kept trials, the latest first. They are public among members, as plans are."""
    return [_trial(entry) for entry in log.tail(session.connection, part, kind=KIND)]


def find(session: Session, trial_id: str) -> Trial:
    """The trial of that id; else NoSuchTrial."""
    entry = log.find(session.connection, KIND, trial_id)
    if entry is None:
        raise NoSuchTrial(trial=trial_id)
    return _trial(entry)


def results(home: Home, trial: Trial) -> dict[str, Any]:
    """What a trial found. ContentMissing where the store lacks it."""
    content = parse_json(blobs.read(home, trial.digest))
    assert isinstance(content, dict)
    return content


def _trial(entry: log.Entry) -> Trial:
    facts = entry.facts
    return Trial(
        entry.subject, facts["organization"], facts["plan"], facts["policies"], facts["digest"],
        clock.to_text(entry.at),
        entry.position,
    )  # fmt: skip
