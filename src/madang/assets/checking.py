"""Checks: a pack's checker examines a version in a confined process, then compares contributors.

A check has two parts. *Examination* reads the version's files in the sandbox and gives findings and a
profile: a few numbers. *Comparison* sees only the profiles of the other contributors of the mission,
never their data, and needs a minimum of them; until they are there the version stays "received" and
is compared again when the next contributor's version is checked.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field

from madang.assets import lineage
from madang.assets.content.reading import Content, attach, attached, content_of
from madang.assets.errors import CheckFailed
from madang.assets.model import GONE, Finding, Version, findings, parents, profiles, versions
from madang.assets.probing import service as probing
from madang.assets.probing import sniffing
from madang.kernel import extension, isolation
from madang.kernel.authorizer import Principal, Request, authorize
from madang.kernel.canonical import canonical_bytes, canonical_digest, parse_json
from madang.kernel.database import Session
from madang.kernel.home import Home
from madang.kernel.i18n import Message
from madang.missions import service as missions


class Checker(Protocol):
    """What a pack offers under ``checks``."""

    def recognizes(self, paths: Collection[str]) -> bool:
        """Whether files of these names are this checker's format."""
        ...

    examine: str
    """``"module:function"``: (folder: Path) -> {"findings": [...], "profile": {...}, "facts": {...}}.

    A pack with a scorer adds "fingerprints": one short hash a record, as its scorer gives for an item.
    """

    def compare(
        self, profile: Mapping[str, Any], others: Mapping[str, Sequence[Mapping[str, Any]]]
    ) -> list[Finding] | None:
        """Findings against the other contributors' profiles; None where they are too few."""
        ...


@dataclass(frozen=True)
class Outcome:
    """A checked version and what was found."""

    version: Version
    findings: tuple[Finding, ...]
    waiting: bool


def recognize(paths: Collection[str]) -> str | None:
    """The ``pack/format`` whose checker recognizes these files, or None."""
    for pack in extension.packs().values():
        for name, reference in pack.checks.items():
            if extension.load_object(reference, pack.extra).recognizes(paths):
                return f"{pack.name}/{name}"
    return None


def check(home: Home, actor: Principal, name: str) -> list[Outcome]:
    """Check a received version, then compare it and whoever was waiting. First outcome: the version's.

    A version that has been decided keeps its state: checking it again changes nothing.
    """
    with home.database.read() as session:
        version = lineage.see(session, actor, name)
        request = Request(actor, "asset.deposit", "Asset", version.asset, {"owner": version.owner})
        authorize(session, request)
        if version.state != "received":
            return [_recorded(session, version)]
        examined = session.row(sa.select(profiles).where(profiles.c.version_id == version.version_id))
        known = probing.probed(session, version.version_id)
    if known is None:
        probing.probe(home, actor, version.version_id)
    if examined is None:
        _examine(home, request, version)
    outcomes = []
    with home.database.read() as session:
        waiting = _waiting(session, version.mission)
    waiting.sort(key=lambda v: v.version_id != version.version_id)
    for candidate in waiting:
        outcomes.append(_compare(home, request, candidate))
    if version.version_id not in {o.version.version_id for o in outcomes}:
        with home.database.read() as session:
            outcomes.insert(0, _recorded(session, lineage.get(session, version.version_id)))
    # The others' outcomes are theirs to read.
    return [o for o in outcomes if o.version.owner == version.owner]


def _recorded(session: Session, version: Version) -> Outcome:
    query = sa.select(findings).where(findings.c.version_id == version.version_id)
    rows = session.rows(query.order_by(findings.c.number))
    found = tuple(Finding(r["check"], r["severity"], r["place"], r["evidence"]) for r in rows)
    return Outcome(version, found, version.state == "received")


def _examine(home: Home, request: Request, version: Version) -> None:
    content = content_of(home, version)
    format_name = version.format or recognize([file.path for file in content.manifest.files])
    if format_name is None:
        result = _as_probed(home, version, content)
    else:
        checker: Checker = extension.pack_part("checks", format_name)
        result = _run_examination(home, version, content, checker.examine)
    found = [Finding(*row) for row in result["findings"]]
    blocked = any(finding.severity == "block" for finding in found)
    prints = attach(home, version.version_id, canonical_bytes(sorted(set(result["fingerprints"]))))
    with home.database.write() as session:
        authorize(session, request)
        known = session.row(sa.select(profiles).where(profiles.c.version_id == version.version_id))
        if known is not None or lineage.get(session, version.version_id).state != "received":
            return  # somebody else checked it meanwhile
        session.insert(
            profiles,
            {
                "version_id": version.version_id,
                "checker": format_name or "-",
                "profile": result["profile"],
                "fingerprints": prints,
            },
        )
        _insert_findings(session, version, found)
        # With nobody's measurements to compare with, what was looked into is taken as it is.
        state = "quarantined" if blocked else "received" if format_name else "accepted"
        session.update(versions, version.version_id, state=state, format=format_name, facts=result["facts"])
        _record(session, request.principal, version, state, found)


def _as_probed(home: Home, version: Version, content: Content) -> dict[str, Any]:
    """The examination of files that no pack recognizes: by what looking into them found.

    A version in which no variable was found is blocked, and one with a program in it.
    """
    with home.database.read() as session:
        probed = probing.probed(session, version.version_id)
    reports = probing.kept(home, probed) if probed else []
    # By check and place: the first of each is told.
    told: dict[tuple[str, str], tuple[str, dict[str, Any]]] = {}
    if not any(report.variables for report in reports):
        told["format-unknown", ""] = ("block", {"files": version.files})
    told |= {("program", path): ("block", {"reason": "pickle"}) for path in _programs(content)}
    for report in reports:
        for one in report.findings:
            severity = "block" if one.check == "program" else one.severity
            if severity != "info":
                told.setdefault((one.check, report.path), (severity, _public(one.evidence)))
    found = [[check, severity, path, evidence] for (check, path), (severity, evidence) in told.items()]
    found.sort(key=lambda row: row[1] != "block")
    facts = {"formats": ", ".join(sorted({report.format for report in reports}))[:300]} if reports else {}
    return {"findings": found[:_MOST_FINDINGS], "profile": {}, "facts": facts, "fingerprints": []}


def _public(evidence: Mapping[str, Any]) -> dict[str, Any]:
    """Evidence without texts that may be of the data: a finding is told to more people than values are."""
    known = ("encoding", "ending", "delimiter", "module", "extra", "fields", "unit", "format")
    return {
        name: value if isinstance(value, int | float) or name in known else "…"
        for name, value in evidence.items()
    }


def _programs(content: Content) -> list[str]:
    """Paths of pickles among all files of a version, by their first bytes."""
    found = []
    for file in content.manifest.files:
        with content.open(file.digest) as stream:
            head = stream.read(_HEAD_BYTES)
        if sniffing.name_format(file.path, head, file.size) == "pickle":
            found.append(file.path)
    return found


def _record(
    session: Session, actor: Principal, version: Version, state: str, found: Sequence[Finding]
) -> None:
    told = [[f.check, f.severity, f.place, dict(f.evidence)] for f in found]
    session.record(
        "version.checked",
        version.version_id,
        actor.as_fact(),
        state=state,
        findings=canonical_digest(told),
        blocking=sum(f.severity == "block" for f in found),
    )


def _insert_findings(session: Session, version: Version, found: Sequence[Finding]) -> None:
    where = findings.c.version_id == version.version_id
    start = int(session.scalar(sa.select(sa.func.count()).select_from(findings).where(where)))
    session.insert(
        findings,
        *(
            {
                "version_id": version.version_id,
                "number": number,
                "check": finding.check,
                "severity": finding.severity,
                "place": finding.place,
                "evidence": dict(finding.evidence),
            }
            for number, finding in enumerate(found, start=start + 1)
        ),
    )


def _waiting(session: Session, mission: str) -> list[Version]:
    """Examined deposits of a mission that are not decided yet."""
    query = (
        sa.select(versions)
        .join(profiles, profiles.c.version_id == versions.c.version_id)
        .where(versions.c.mission == mission, versions.c.state == "received")
        .order_by(versions.c.created_at)
    )
    return _participating(session, mission, [Version(**row) for row in session.rows(query)])


def _participating(session: Session, mission: str, found: list[Version]) -> list[Version]:
    """Leave out deposits of organizations that take no part in the mission, once it is open."""
    taking_part = missions.participants_of(session, mission)
    return [version for version in found if not taking_part or version.owner in taking_part]


def _others(session: Session, version: Version, checker: str) -> dict[str, list[Mapping[str, Any]]]:
    """Profiles of the other contributors: owner -> of their data sets that stand."""
    derived = sa.select(parents.c.version_id)
    query = (
        sa.select(versions.c.owner, profiles.c.profile)
        .join(profiles, profiles.c.version_id == versions.c.version_id)
        .where(
            versions.c.mission == version.mission,
            versions.c.owner != version.owner,
            versions.c.state.not_in(("quarantined", *GONE)),
            versions.c.version_id.not_in(derived),
            profiles.c.checker == checker,
        )
        .order_by(versions.c.created_at)
    )
    others: dict[str, list[Mapping[str, Any]]] = {}
    taking_part = missions.participants_of(session, version.mission)
    for row in session.rows(query):
        if taking_part and row["owner"] not in taking_part:
            continue
        others.setdefault(row["owner"], []).append(row["profile"])
    return others


def fingerprints_below(home: Home, session: Session, version: Version) -> frozenset[str]:
    """Fingerprints of every record below a version (for the evaluator; see ``profiles``)."""
    ids = [root.version_id for root in lineage.roots_of(session, version.version_id)]
    query = sa.select(profiles.c.version_id, profiles.c.fingerprints).where(
        profiles.c.version_id.in_(ids), profiles.c.fingerprints.is_not(None)
    )
    found = [(str(row["version_id"]), str(row["fingerprints"])) for row in session.rows(query)]
    return frozenset(one for place in found for one in parse_json(attached(home, session, *place)))


def _compare(home: Home, request: Request, version: Version) -> Outcome:
    with home.database.write() as session:
        authorize(session, request)  # of the check that this comparison is a part of
        version = lineage.get(session, version.version_id)
        row = session.row(sa.select(profiles).where(profiles.c.version_id == version.version_id))
        if version.state != "received" or row is None:
            return _recorded(session, version)
        checker: Checker = extension.pack_part("checks", row["checker"])
        found = checker.compare(row["profile"], _others(session, version, row["checker"]))
        if found is None:
            return _recorded(session, version)
        blocked = any(finding.severity == "block" for finding in found)
        state = "quarantined" if blocked else "accepted"
        _insert_findings(session, version, found)
        session.update(versions, version.version_id, state=state)
        _record(session, request.principal, version, state, found)
        return _recorded(session, lineage.get(session, version.version_id))


def _run_examination(home: Home, version: Version, content: Content, reference: str) -> dict[str, Any]:
    """Run a checker's examination over the files in a confined process and read what it answers."""
    with home.workplace("check") as folder:
        (folder / "input").mkdir()
        content.place(content.manifest.files, folder / "input")
        limits = isolation.Limits(home.values.job_memory_bytes, home.values.check_seconds, _LARGEST_RESULT)
        confinement = isolation.Confinement({"/input": folder / "input"}, limits=limits)
        inside = home.isolation.inside(confinement, "/input")
        command = [sys.executable, "-m", "madang.assets.examination", reference, inside]
        # Files, not pipes: their size is limited as every file's of the job.
        with (folder / "answer").open("w+b") as answer, (folder / "errors").open("w+b") as errors:
            process = home.isolation.start(
                command, confinement, stdin=subprocess.DEVNULL, stdout=answer, stderr=errors
            )
            try:
                process.wait(timeout=4 * home.values.check_seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise CheckFailed(version=version.name, reason=Message("assets.check-slow")) from None
            words = isolation.last_words(errors)
        if process.returncode != 0:
            detail = words[:300] or "-"
            reason = Message("assets.check-died", code=process.returncode, detail=detail)
            raise CheckFailed(version=version.name, reason=reason)
        return _parsed(version, folder / "answer")


def _parsed(version: Version, result: Path) -> dict[str, Any]:
    """The result of a confined check, which has read a stranger's files: taken only in its exact form."""
    try:
        return _Result.model_validate(parse_json(result.read_bytes())).model_dump(mode="json")
    except (ValueError, RecursionError) as error:
        reason = Message("assets.check-died", code=0, detail=type(error).__name__)
        raise CheckFailed(version=version.name, reason=reason) from error


_MOST_FINDINGS = 50
_HEAD_BYTES = 4096
_LARGEST_RESULT = 32 * 2**20
_Short = Annotated[str, Field(max_length=4000, pattern=r"\A[^\x00]*\z")]
_Number = Annotated[float, Field(allow_inf_nan=False)]
_Plain = _Number | _Short


class _Result(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=False)

    findings: list[tuple[_Short, Literal["block", "warn", "info"], _Short, dict[str, int | _Plain | None]]]
    profile: dict[str, Any]
    facts: dict[_Short, int | _Plain]
    fingerprints: list[Annotated[str, Field(max_length=64)]] = []
