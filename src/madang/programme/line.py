"""The unbroken line: score <- model <- run <- award <- pool <- versions <- agreement.

:func:`collect` gathers its ledger entries from the database; :func:`follow` checks, from the entries
alone, that each link says what the next one needs. An outsider has only the second.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from madang.assets import lineage
from madang.assets.model import Version
from madang.kernel.canonical import canonical_bytes
from madang.kernel.clock import to_text
from madang.kernel.database import Session
from madang.kernel.errors import ProofInvalid, SignatureInvalid
from madang.kernel.i18n import Message
from madang.kernel.ledger import log, proof
from madang.kernel.ledger.log import Entry
from madang.kernel.ledger.note import Verifier
from madang.kernel.ledger.proof import Link
from madang.missions import service as missions
from madang.programme.errors import NotScored
from madang.scores import service as scores


def collect(session: Session, submission_id: str) -> list[Link]:
    """Every entry of the line that ends in this submission's score. Raises NotScored."""
    submission = scores.get_submission(session, submission_id)
    if scores.score_of(session, submission_id) is None:
        raise NotScored(submission=submission_id, state=submission.state)
    gathered = _Gathered(session)
    gathered.add("score", "score.recorded", submission_id)
    gathered.add("submission", "submission.made", submission_id)
    gathered.add("asked", "opening.asked", submission.mission)
    gathered.add("confirmed", "opening.confirmed", submission.mission)
    gathered.add("benchmark", "benchmark.sealed", submission.mission)
    gathered.add("mission", "mission.opened", submission.mission)
    gathered.version(lineage.get(session, submission.version_id))
    mission = missions.get(session, submission.mission)
    gathered.agreement(mission.header.agreement)
    return gathered.links


def prove(session: Session, keys: log.Keys, submission_id: str) -> dict[str, Any]:
    """The `proof` of the line that ends in a submission's score, and the `checkpoint` of the same moment."""
    made = proof.make(session.connection, keys, collect(session, submission_id))
    return {"proof": made, "checkpoint": log.current_checkpoint(session.connection)}


@dataclass
class _Gathered:
    session: Session
    links: list[Link] = field(default_factory=list)
    _seen: set[int] = field(default_factory=set)

    def add(self, role: str, kind: str, subject: str) -> Entry:
        entry = log.find(self.session.connection, kind, subject)
        if entry is None:
            raise ProofInvalid(link=role, reason=Message("programme.no-entry", kind=kind, subject=subject))
        if entry.position not in self._seen:
            self._seen.add(entry.position)
            self.links.append(Link(role, entry))
        return entry

    def version(self, version: Version) -> None:
        """A version's own entries, then its parents'."""
        parents = lineage.parents_of(self.session, version.version_id)
        if version.made_by:
            self.add("model", "run.ended", version.made_by)
            submitted = self.add("run", "run.submitted", version.made_by)
            award = self.add("award", "award.made", submitted.facts["award"])
            self.add("share", "capacity.split", award.facts["capacity"])
        elif parents:
            self.add("pool", "version.pooled", version.version_id)
        else:
            self.add("version", "version.deposited", version.version_id)
            self.add("check", "version.checked", version.version_id)
            if version.agreement:
                self.agreement(version.agreement)
        for parent in parents:
            self.version(parent)

    def agreement(self, name: str) -> None:
        """An agreement's text and every party's signature."""
        drafted = self.add("agreement", "agreement.drafted", name)
        for party in drafted.facts["parties"]:
            self.add("signature", "agreement.signed", f"{name}/{party}")


@dataclass(frozen=True)
class Line:
    """A line that holds, from the entries alone."""

    score: Entry
    submission: Entry
    benchmark: Entry
    mission: Entry
    model: Entry
    run: Entry
    award: Entry
    pool: Entry | None
    versions: tuple[Entry, ...]
    agreement: Entry

    @property
    def statement(self) -> dict[str, Any]:
        """What the evaluator signed."""
        return dict(self.score.facts["statement"])


ENTRY = "entry"
"""The role of the one link in the proof of a single entry."""


def read(links: Sequence[Link]) -> Line | Entry:
    """What proven links say: a line that holds, or, where a single entry was proven, that entry."""
    if [link.role for link in links] == [ENTRY]:
        return links[0].entry
    return follow(links)


def follow(links: Sequence[Link]) -> Line:
    """The line that these links make. Raises ProofInvalid at the first that does not say what it must."""
    by_role: dict[str, list[Entry]] = {}
    for link in links:
        _require(link.entry.kind == _KINDS.get(link.role), link.role, "wrong-kind", kind=link.entry.kind)
        entries = by_role.setdefault(link.role, [])
        twice = any(entry.subject == link.entry.subject for entry in entries)
        _require(not twice, link.role, "twice", subject=link.entry.subject)
        entries.append(link.entry)
    try:
        return _Follower(by_role).line()
    except (KeyError, TypeError, AttributeError, ValueError, ArithmeticError) as error:
        raise ProofInvalid(link="line", reason=Message("programme.line.missing", what=str(error))) from error


_KINDS = {
    "score": "score.recorded",
    "submission": "submission.made",
    "asked": "opening.asked",
    "confirmed": "opening.confirmed",
    "benchmark": "benchmark.sealed",
    "mission": "mission.opened",
    "model": "run.ended",
    "run": "run.submitted",
    "award": "award.made",
    "share": "capacity.split",
    "pool": "version.pooled",
    "version": "version.deposited",
    "check": "version.checked",
    "agreement": "agreement.drafted",
    "signature": "agreement.signed",
}


def _require(condition: bool, link: str, message: str, **values: object) -> None:
    if not condition:
        raise ProofInvalid(link=link, reason=Message(f"programme.line.{message}", **values))


class _Follower:
    def __init__(self, by_role: dict[str, list[Entry]]) -> None:
        self._roles = by_role
        self._by_subject = {
            role: {entry.subject: entry for entry in entries} for role, entries in by_role.items()
        }

    def _one(self, role: str) -> Entry:
        entries = self._roles.get(role, [])
        _require(len(entries) == 1, role, "not-one", found=len(entries))
        return entries[0]

    def _named(self, role: str, subject: str) -> Entry:
        entry = self._by_subject.get(role, {}).get(subject)
        if entry is None:
            raise ProofInvalid(link=role, reason=Message("programme.line.missing", what=f"{role} {subject}"))
        return entry

    def line(self) -> Line:
        score, submission = self._one("score"), self._one("submission")
        mission = self._one("mission")
        benchmark = self._named("benchmark", mission.subject)
        _score_holds(score, submission, benchmark, mission)
        self._opened(score, submission, mission)
        model = self._maker(submission)
        run = self._named("run", model.subject)
        award = self._named("award", run.facts["award"])
        self._run_holds(model, run, award, mission, submission)
        pool, versions = self._inputs(run, model, mission)
        agreement = self._agreements(versions, pool or run, mission)
        self._grounds_hold([*([pool] if pool else []), run, submission])
        return Line(
            score, submission, benchmark, mission, model, run, award, pool, tuple(versions), agreement
        )

    def _opened(self, score: Entry, submission: Entry, mission: Entry) -> None:
        """Two people of two organizations opened the final half, after the submission, before the score."""
        asked, confirmed = self._named("asked", mission.subject), self._named("confirmed", mission.subject)
        for part in ("member", "organization"):
            _require(asked.by[part] != confirmed.by[part], "confirmed", "opened-alone", who=asked.by[part])
        for entry in (asked, confirmed):
            _require(submission.subject in entry.facts["finalists"], entry.kind, "not-finalist")
        _in_order("confirmed", submission, asked, confirmed, score)

    def _maker(self, submission: Entry) -> Entry:
        made = {"version": submission.facts["version"], "manifest": submission.facts["manifest"]}
        for entry in self._roles.get("model", []):
            if made in entry.facts["outputs"]:
                return entry
        raise ProofInvalid(link="model", reason=Message("programme.line.unmade", version=made["version"]))

    def _run_holds(self, model: Entry, run: Entry, award: Entry, mission: Entry, submission: Entry) -> None:
        _require(model.facts["state"] == "succeeded", "model", "not-succeeded", state=model.facts["state"])
        _require(model.facts["award"] == award.subject, "award", "other-award")
        _require(award.facts["mission"] == run.facts["mission"] == mission.subject, "award", "other-mission")
        trainer = run.by["organization"]
        _require(award.facts["organization"] == trainer, "award", "other-holder")
        _require(submission.by["organization"] == trainer, "submission", "other-submitter")
        _require(mission.facts["evaluator"] != trainer, "mission", "judge-trains")
        share = self._named("share", award.facts["capacity"])
        within = award.facts["resource_seconds"] <= share.facts["shares"][award.facts["share"]]
        _require(within, "share", "share-overdrawn")
        used, leased = model.facts["used_resource_seconds"], run.facts["leased_resource_seconds"]
        _require(used <= leased <= award.facts["resource_seconds"], "run", "overdrawn")
        _in_order("run", share, award, run, model, submission)

    def _inputs(self, run: Entry, model: Entry, mission: Entry) -> tuple[Entry | None, list[Entry]]:
        pinned = {given["version"]: given["manifest"] for given in run.facts["inputs"]}
        _require(sorted(pinned) == sorted(model.facts["inputs"]), "model", "other-inputs")
        pool: Entry | None = None
        versions: list[Entry] = []
        for version, manifest in pinned.items():
            pooled = self._by_subject.get("pool", {}).get(version)
            source = pooled or self._named("version", version)
            _require(source.facts["manifest"] == manifest, "run", "other-content", version=version)
            _require(source.facts["mission"] == mission.subject, source.kind, "other-mission")
            _require(source.by["organization"] == source.facts["owner"], source.kind, "other-owner")
            _in_order("run", source, run)
            if pooled is None:
                versions.append(self._accepted(version, run))
            else:
                pool = pooled
                versions.extend(self._accepted(parent, pooled) for parent in pooled.facts["parents"])
        for version in versions:
            _require(version.facts["mission"] == mission.subject, "version", "other-mission")
            _require(version.by["organization"] == version.facts["owner"], "version", "other-owner")
        _require(bool(versions), "version", "missing", what="version")
        return pool, versions

    def _accepted(self, version: str, user: Entry) -> Entry:
        deposited, checked = self._named("version", version), self._named("check", version)
        _require(checked.facts["state"] == "accepted", "check", "not-accepted", version=version)
        _in_order("version", deposited, checked, user)
        return deposited

    def _agreements(self, versions: Sequence[Entry], user: Entry, mission: Entry) -> Entry:
        """Every agreement in the line, the mission's included, was whole before the data's first use."""
        named = {version.facts["agreement"] for version in versions} | {mission.facts["agreement"]}
        for name in sorted(named):
            drafted = self._named("agreement", name)
            for party in drafted.facts["parties"]:
                signed = self._named("signature", f"{name}/{party}")
                same = signed.facts["digest"] == drafted.facts["digest"]
                _require(same, "signature", "other-text", party=party)
                _require(signed.by["organization"] == party, "signature", "other-signer", party=party)
                _in_order("signature", drafted, signed, user)
            in_time = to_text(user.at) < drafted.facts["ends_at"]
            _require(in_time, "agreement", "ended", when=drafted.facts["ends_at"])
            _require(drafted.facts["mission"] == mission.subject, "agreement", "other-mission")
        return self._named("agreement", mission.facts["agreement"])

    def _grounds_hold(self, users: Sequence[Entry]) -> None:
        """Each use names what allowed it: the owner's own right, or a clause of an agreement in the line."""
        for user in users:
            _require(bool(user.facts["grounds"]), user.kind, "no-ground")
            for ground in user.facts["grounds"]:
                if ground != "role/owner-uses-own":
                    self._named("agreement", ground.split("/")[1])


def _score_holds(score: Entry, submission: Entry, benchmark: Entry, mission: Entry) -> None:
    said = score.facts["statement"]
    _require(said["submission"] == score.subject == submission.subject, "score", "other-submission")
    same = (said["version"], said["manifest"]) == (submission.facts["version"], submission.facts["manifest"])
    _require(same, "score", "other-version")
    _require(said["benchmark"] == benchmark.facts["commitment"], "score", "other-benchmark")
    _require(said["scorer"] == benchmark.facts["scorer_digest"], "score", "other-scorer")
    _require(said["mission"] == submission.facts["mission"] == mission.subject, "score", "other-mission")
    _require(said["half"] == "final", "score", "not-final")
    objective = (said["target"], said["confidence"], said["n_sealed"])
    fixed = (mission.facts["target"], mission.facts["confidence"], mission.facts["n"])
    _require(objective == fixed and benchmark.facts["n"] == said["n_sealed"], "score", "other-objective")
    judges = {benchmark.by["organization"], score.by["organization"]}
    _require(judges == {mission.facts["evaluator"]}, "benchmark", "other-evaluator")
    rails = {metric: guard["at_most"] for metric, guard in said["guards"].items()}
    _require(rails == mission.facts["guardrails"], "score", "other-objective")
    for guard in said["guards"].values():
        _require(guard["holds"] == (guard["upper"] <= guard["at_most"]), "score", "inconsistent")
    held = all(guard["holds"] for guard in said["guards"].values())
    reached = "reached" if held and said["lower"] >= said["target"] else "not-reached"
    items = sum(n for _, n in said["groups"].values())
    ordered = 0 < items <= said["n_sealed"] and said["lower"] <= said["value"] <= said["upper"]
    _require(ordered, "score", "inconsistent")
    mean = sum(value for value, _ in said["groups"].values()) / items
    consistent = said["outcome"] == reached and items == said["n"] and abs(mean - said["value"]) < 1e-5
    _require(consistent, "score", "inconsistent")
    _require(_signed(score, benchmark.facts["evaluator_key"]), "score", "not-signed")
    _in_order("score", mission, benchmark, submission, score)


def _signed(score: Entry, key: str) -> bool:
    try:
        signature = base64.b64decode(score.facts["signature"], validate=True)
        return Verifier.parse(key).holds(canonical_bytes(score.facts["statement"]), signature)
    except (SignatureInvalid, binascii.Error):
        return False


def _in_order(link: str, *entries: Entry) -> None:
    positions = [entry.position for entry in entries]
    _require(positions == sorted(positions), link, "out-of-order", positions=str(positions))
