"""Versions: deposit, check, pool, read, verify."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from madang.assets.errors import TargetExists
from madang.assets.ingest import require_folder
from madang.interfaces.cli import context, progress
from madang.interfaces.operations import probes, versions
from madang.sdk import documents

if TYPE_CHECKING:
    from madang.assets.model import Version
    from madang.kernel.authorizer import Principal
    from madang.kernel.home import Home

app = App(name="asset")


def _state(version: documents.Version) -> str:
    return context.text(f"assets.state.{version.state}")


def _kind(version: documents.Version) -> str:
    return context.text(f"assets.kind.{version.kind}")


def _print_findings(version: str, findings: Sequence[documents.Finding]) -> None:
    for finding in findings:
        print(f"{finding.severity:<5} {finding.check}  {finding.place}")
        print(f"      {context.said(finding.what)}\n      {context.said(finding.remedy)}")
    if any("…" in finding.evidence.values() for finding in findings):
        print(context.text("cli.findings-quote", version=version))


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

    Killed half-way, nothing is recorded: run it again, and it goes on where it was, here and by a server.
    Depositing the same content again gives the version that is there.

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
    if context.server() is not None:
        require_folder(folder)
        with progress.bar() as told:
            version_id = context.client().deposit(
                folder, asset=name, agreement=agreement, format=format_, progress=told
            ).version_id  # fmt: skip
    else:
        home = context.home()
        actor = context.actor(home)
        version_id = _deposited(home, actor, folder, name, agreement, format_).version_id
    _print_checked(_checked(version_id), json)


def _deposited(
    home: Home, actor: Principal, folder: Path, name: str, agreement: str, format_: str | None
) -> Version:
    from madang.assets import service

    with collecting_seldom(), progress.bar() as told:
        size = progress.bytes_below(folder) if sys.stderr.isatty() else 0
        return service.deposit(
            home, actor, folder, name, agreement, format_, lambda _, done: told(done, max(size, done))
        )


@contextmanager
def collecting_seldom() -> Iterator[None]:
    """Look for garbage after 50,000 new objects instead of 700: storing many files makes many that stay."""
    before = gc.get_threshold()
    gc.set_threshold(50_000, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


@app.command
def check(version: str, *, json: context.Json = False) -> None:
    """Check a received version (the owner's steward).

    Example: madang asset check company-a/reach@1
    """
    _print_checked(_checked(version), json)


def _checked(version: str) -> Sequence[documents.Checked]:
    return context.call(versions.check, new=documents.NewCheck.model_construct(version=version)).items


def _print_checked(checked: Sequence[documents.Checked], json: bool) -> None:
    if json:
        context.print_json([one.model_dump(mode="json") for one in checked])
        return
    for one in checked:
        print(f"{one.name}  {_state(one)}")
        _print_findings(one.name, one.findings)


@app.command
def pool(*versions_: Annotated[str, Parameter(name="versions")], mission: str, name: str,
         json: context.Json = False) -> None:  # fmt: skip
    """Pool accepted versions; without names, the newest accepted of every data set of the mission.

    Example: madang asset pool --mission manipulation-10 --name pool

    Parameters
    ----------
    versions_
        owner/asset@number of each.
    mission
        The mission.
    name
        Name of the pool.
    """
    new = documents.NewPool.model_construct(mission=mission, asset=name, versions=versions_)
    made = context.call(versions.pool, new=new)
    context.print_document(made, json, kind=_kind(made), state=_state(made))


@app.command(name="list")
def list_(
    *,
    mission: str | None = None,
    state: str | None = None,
    kind: str | None = None,
    json: context.Json = False,
) -> None:
    """List the versions you may know of.

    Example: madang asset list --mission manipulation-10 --state quarantined

    Parameters
    ----------
    mission
        Only of this mission.
    state
        received, accepted, quarantined, withdrawn or destroyed.
    kind
        dataset, model, benchmark or report.
    """
    columns = {
        "version": lambda one: one.name,
        "kind": _kind,
        "state": _state,
        "files": lambda one: one.files,
        "bytes": lambda one: one.size_bytes,
    }
    found = context.every(versions.list_, mission=mission, state=state, kind=kind)
    context.print_items(found, columns, json)


@app.command
def show(version: str, *, json: context.Json = False) -> None:
    """Show a version: facts, findings, terms, where it came from and went.

    Example: madang asset show company-a/reach@1
    """
    found = context.call(versions.show, version=version)
    lines = {"parents": ", ".join(found.parents), "children": ", ".join(found.children)}
    facts = ", ".join(f"{name} {value}" for name, value in found.facts.items())
    context.print_document(found, json, kind=_kind(found), state=_state(found), facts=facts, **lines)
    if json:
        return
    for term in found.terms:
        print(f"{term.action:<9} {', '.join(term.organizations) or '-'}  ({', '.join(term.grounds) or '-'})")
    _print_findings(found.name, found.findings)


@app.command
def files(version: str, *, json: context.Json = False) -> None:
    """List the files of a version.

    Example: madang asset files company-a/reach@1
    """
    columns = {
        "path": lambda one: one.path,
        "bytes": lambda one: one.size_bytes,
        "blake3": lambda one: one.digest,
    }
    found = context.every(versions.files, version=version)
    context.print_items(found, columns, json, none="assets.no-files")


@app.command
def download(
    version: str, target: Path, *, zip_: Annotated[bool, Parameter(name="--zip", negative=())] = False
) -> None:
    """Write a version's files to a new folder, where the agreements allow you to have them.

    From a server, cut off, it goes on where it was when it is run again; as a zip it begins anew.

    Example: madang asset download institute-a/policy@1 ./policy

    Parameters
    ----------
    zip_
        One zip file instead of a folder.
    """
    if target.exists():
        raise TargetExists(target=str(target))
    if context.server() is not None:
        client = context.client()
        with progress.bar() as told:
            (client.download_zip if zip_ else client.download)(version, target, told)
        print(version)
        return
    from madang.assets import service

    home = context.home()
    actor = context.actor(home)
    taken = service.download_zip if zip_ else service.download
    print(taken(home, actor, version, target).name)


@app.command
def probe(version: str, *, json: context.Json = False) -> None:
    """Look into the files of a version of yours again, as when a reader was installed (its steward).

    A check does this by itself.

    Example: madang asset probe company-a/reach@1
    """
    new = documents.NewProbe.model_construct(version=version)
    context.print_document(context.call(probes.probe, new=new), json)


@app.command
def variables(version: str, *, json: context.Json = False) -> None:
    """List the variables in the files of a version; ranges are in base units.

    Example: madang asset variables company-a/reach@1
    """
    columns = {
        "variable": lambda one: one.name,
        "kind": lambda one: one.kind,
        "unit": lambda one: one.unit or None,
        "in base units": lambda one: one.base_unit or None,
        "standard name": lambda one: one.standard_name or None,
        "minimum (base)": lambda one: None if one.minimum is None else f"{one.minimum:.6g}",
        "maximum (base)": lambda one: None if one.maximum is None else f"{one.maximum:.6g}",
        "files": lambda one: one.files,
    }
    context.print_items(context.every(probes.variables, version=version), columns, json)


@app.command
def reports(version: str, *, json: context.Json = False) -> None:
    """Say what is in each file of a version that was looked into (for those who may download it).

    Example: madang asset reports company-a/reach@1 --json
    """
    columns = {
        "file": lambda one: one.path,
        "format": lambda one: one.format,
        "bytes": lambda one: one.size_bytes,
        "variables": lambda one: len(one.variables),
        "odd": lambda one: ", ".join(dict.fromkeys(found.check for found in one.findings)) or None,
    }
    context.print_items(context.every(probes.reports, version=version), columns, json)


@app.command
def uses(version: str, *, json: context.Json = False) -> None:
    """List who used a version of yours, for what, under which clause, and what came of it.

    Example: madang asset uses company-a/reach@1
    """
    columns = {
        "when": lambda one: one.at,
        "organization": lambda one: one.organization,
        "use": lambda one: one.action,
        "of": lambda one: one.of,
        "by": lambda one: ", ".join(one.grounds),
        "what came of it": lambda one: context.said(one.came_of),
    }
    context.print_items(context.call(versions.uses, version=version).items, columns, json)


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

    told = context.call(versions.receipt, version=version)
    if out is None:
        print(told, end="")
        return
    write_durably(out, told.encode())
    print(out)


@app.command
def orphans(*, for_good: Annotated[bool, Parameter(negative=())] = False, json: context.Json = False) -> None:
    """List stored bytes that no version names, older than a day (on the machine that has the home).

    A process that was killed while it stored a pool, an answer or a run's output leaves such. Look before you
    destroy: where the records came back from an older backup, what was stored since is among them.

    Example: madang asset orphans --for-good

    Parameters
    ----------
    for_good
        Destroy them, keys first.
    """
    from madang.assets.content import orphans as left

    home = context.home()
    found = left.found(home)
    context.print_rows([{"holding": one} for one in found], {"holding": "holding"}, json)
    if for_good:
        for one in found:
            left.destroy(home, one)


@app.command
def verify(*, json: context.Json = False) -> None:
    """Hash every stored file of every version you may know of anew; exit code 4 where one is damaged.

    Example: madang asset verify
    """
    found = [context.call(versions.verify, version=one.name) for one in context.every(versions.list_)]
    columns = {
        "version": lambda one: one.name,
        "files": lambda one: one.files,
        "damaged": lambda one: ", ".join(one.damaged) or None,
        "destroyed": lambda one: context.text("assets.state.destroyed") if one.destroyed else None,
    }
    context.print_items(found, columns, json)
    if any(one.damaged for one in found):
        sys.exit(4)
