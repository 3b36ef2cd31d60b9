"""``madang asset``: deposit, check, pool, read, verify."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from madang.assets import checking, lineage, service
from madang.assets.model import Finding, Version
from madang.assets.store import open_store
from madang.interfaces.cli import context
from madang.kernel import extension

app = App(name="asset", help="Deposit, check, pool and read versions.")


def _row(version: Version) -> dict[str, Any]:
    return {
        "name": version.name,
        "kind": context.text(f"assets.kind.{version.kind}"),
        "state": context.text(f"assets.state.{version.state}"),
        "files": version.files,
        "size_bytes": version.size_bytes,
        "mission": version.mission,
        "agreement": version.agreement,
        "format": version.format,
        "facts": dict(version.facts),
        "manifest": version.manifest,
        "version_id": version.version_id,
        "made_by": version.made_by,
        "created_at": version.created_at,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    extension.packs()  # their catalogues hold the texts of findings
    told = {
        part: context.text(f"finding.{finding.check}.{part}", place=finding.place, **finding.evidence)
        for part in ("what", "remedy")
    }
    return {
        "check": finding.check,
        "severity": finding.severity,
        "place": finding.place,
        "evidence": dict(finding.evidence),
        **told,
    }


def _print_findings(findings: list[Finding]) -> None:
    for finding in findings:
        told = _finding(finding)
        print(f"{told['severity']:<5} {told['check']}  {told['place']}")
        print(f"      {told['what']}\n      {told['remedy']}")


def _progress(count: int, size: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{count} files, {size / 1e6:.1f} MB", end="", file=sys.stderr)


@app.command
def deposit(
    folder: Path,
    *,
    name: str,
    agreement: str,
    format_: Annotated[str | None, Parameter(name="--format")] = None,
    json: context.Json = False,
) -> None:
    """Deposit a folder as the next version of one of your organization's data sets, and check it.

    Killed half-way, nothing is recorded: run it again. Depositing the same content again gives the
    version that is there.

    Example: madang asset deposit ./recordings --name reach --agreement manipulation-10-data

    Parameters
    ----------
    folder
        The files. Links are refused.
    name
        Name of the data set (a-z, 0-9, hyphens).
    agreement
        The agreement under which it may be used.
    format_
        pack/format of its checks, where they should not be recognized by the files' names.
    """
    home = context.home()
    actor = context.actor(home)
    version = service.deposit(home, actor, folder, name, agreement, format_, _progress)
    outcomes = checking.check(home, actor, version.version_id)
    _print_outcomes(outcomes, json)


@app.command
def check(version: str, *, json: context.Json = False) -> None:
    """Check a received version (the owner's steward).

    Example: madang asset check company-a/reach@1
    """
    home = context.home()
    actor = context.actor(home)
    _print_outcomes(checking.check(home, actor, version), json)


def _print_outcomes(outcomes: list[checking.Outcome], json: bool) -> None:
    if json:
        context.print_json(
            [{**_row(o.version), "findings": [_finding(f) for f in o.findings]} for o in outcomes]
        )
        return
    for outcome in outcomes:
        print(f"{outcome.version.name}  {context.text(f'assets.state.{outcome.version.state}')}")
        _print_findings(list(outcome.findings))


@app.command
def pool(*versions: str, mission: str, name: str, json: context.Json = False) -> None:
    """Pool accepted versions; without names, the newest accepted of every data set of the mission.

    Example: madang asset pool --mission manipulation-10 --name pool

    Parameters
    ----------
    versions
        owner/asset@number of each.
    mission
        The mission.
    name
        Name of the pool.
    """
    home = context.home()
    actor = context.actor(home)
    version = service.pool(home, actor, mission, name, versions)
    context.print_facts(_row(version), json)


@app.command(name="list")
def list_(*, mission: str | None = None, json: context.Json = False) -> None:
    """List the versions you may know of.

    Example: madang asset list --mission manipulation-10
    """
    home = context.home()
    actor = context.actor(home)
    with home.database.read() as session:
        rows = [_row(version) for version in service.visible_to(session, actor, mission)]
    columns = {"name": "version", "kind": "kind", "state": "state", "files": "files", "size_bytes": "bytes"}
    context.print_rows(rows, columns, json)


@app.command
def show(version: str, *, json: context.Json = False) -> None:
    """Show a version: facts, findings, terms, where it came from and went.

    Example: madang asset show company-a/reach@1
    """
    from madang.missions.service import participants_of
    from madang.organizations.service import every

    home = context.home()
    actor = context.actor(home)
    with home.database.read() as session:
        found = lineage.see(session, actor, version)
        kinds = {o.name: o.kind for o in every(session)}
        members = {name: kinds[name] for name in participants_of(session, found.mission)}
        facts = _row(found)
        facts["parents"] = [v.name for v in lineage.parents_of(session, found.version_id)]
        facts["children"] = [v.name for v in lineage.children_of(session, found.version_id)]
        terms = lineage.terms_of(session, found, members)
        findings = service.findings_of(session, found)
    facts["terms"] = {t.action: {"organizations": t.organizations, "grounds": t.grounds} for t in terms}
    facts["findings"] = [_finding(f) for f in findings]
    if json:
        context.print_json(facts)
        return
    context.print_facts({k: v for k, v in facts.items() if k not in ("terms", "findings")}, False)
    for term in terms:
        print(f"{term.action:<9} {', '.join(term.organizations) or '-'}  ({', '.join(term.grounds) or '-'})")
    _print_findings(findings)


@app.command
def files(version: str, *, json: context.Json = False) -> None:
    """List the files of a version.

    Example: madang asset files company-a/reach@1
    """
    home = context.home()
    actor = context.actor(home)
    rows = [vars(file) for file in service.look(home, actor, version)[1].files]
    context.print_rows(rows, {"path": "path", "size": "bytes", "digest": "blake3"}, json)


@app.command
def download(version: str, target: Path) -> None:
    """Write a version's files to a new folder, where the agreements allow you to have them.

    Example: madang asset download institute-a/policy@1 ./policy
    """
    home = context.home()
    actor = context.actor(home)
    print(service.download(home, actor, version, target).name)


@app.command
def receipt(version: str, *, out: Path | None = None) -> None:
    """Print the signed list of each use of a version of yours, and what came of it.

    Example: madang asset receipt company-a/reach@1 --out receipt.txt

    Parameters
    ----------
    out
        The file to write (default: print it).
    """
    from madang.kernel.home import write_durably
    from madang.programme.uses import receipt as make

    home = context.home()
    actor = context.actor(home)
    told = make(home, actor, version, context.language())
    if out is None:
        print(told, end="")
        return
    write_durably(out, told.encode())
    print(out)


@app.command
def verify(*, json: context.Json = False) -> None:
    """Hash every stored file of every version you may know of anew; exit code 4 where one is damaged.

    Example: madang asset verify
    """
    home = context.home()
    actor = context.actor(home)
    store = open_store(home)
    with home.database.read() as session:
        versions = service.visible_to(session, actor)
    intact: dict[str, bool] = {}
    rows = []
    for version in versions:
        manifest_whole = intact.setdefault(version.manifest, store.intact(version.manifest))
        damaged = [] if manifest_whole else ["(manifest)"]
        for file in service.manifest_of(home, version).files if manifest_whole else ():
            if not intact.setdefault(file.digest, store.intact(file.digest)):
                damaged.append(file.path)
        rows.append({"name": version.name, "files": version.files, "damaged": ", ".join(damaged) or "-"})
    context.print_rows(rows, {"name": "version", "files": "files", "damaged": "damaged"}, json)
    if not all(intact.values()):
        sys.exit(4)
