"""Where versions came from and went, what differs between them, and taking them back."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Annotated

from cyclopts import App, Parameter

from madang.interfaces.cli import context
from madang.interfaces.operations import versions, withdrawals
from madang.sdk import documents

app = App(name="asset")


@app.command
def lineage(version: str, *, json: context.Json = False) -> None:
    """Print everything a version was made from, and everything made from it.

    Example: madang asset lineage institute-a/policy@1
    """
    found = context.call(versions.lineage_, version=version)
    if json:
        context.print_json(found.model_dump(mode="json"))
        return
    known = {one.name: one for one in (*found.ancestors, *found.descendants)}
    children: dict[str, list[str]] = {}
    for one in known.values():
        for parent in one.parents:
            children.setdefault(parent, []).append(one.name)
    _print_tree(found.name, known, {name: one.parents for name, one in known.items()}, "<-")
    for child in children.get(found.name, ()):
        _print_tree(child, known, children, "->", 1)


def _print_tree(
    name: str,
    known: dict[str, documents.LineageVersion],
    edges: Mapping[str, Sequence[str]],
    arrow: str,
    depth: int = 0,
) -> None:
    one = known[name]
    kind, state = context.text(f"assets.kind.{one.kind}"), context.text(f"assets.state.{one.state}")
    made = f"  {one.made_by}" if one.made_by else ""
    print(f"{'   ' * depth}{arrow + ' ' if depth else ''}{name}  {kind}, {state}{made}")
    for following in edges.get(name, ()):
        _print_tree(following, known, edges, arrow, depth + 1)


@app.command
def diff(version: str, *, since: str | None = None, json: context.Json = False) -> None:
    """List the files that differ between two versions.

    Example: madang asset diff company-d/door-open@2

    Parameters
    ----------
    since
        The version compared with (by default the one before it, of the same name).
    """
    columns = {
        "change": lambda one: context.text(f"assets.change.{one.kind}"),
        "path": lambda one: one.path,
        "was": lambda one: one.before,
        "bytes before": lambda one: one.size_before,
        "bytes": lambda one: one.size,
    }
    context.print_items(context.every(versions.changes, version=version, since=since), columns, json)


@app.command
def affected(version: str, *, json: context.Json = False) -> None:
    """Say what is affected if a version is withdrawn. Nothing is changed.

    Example: madang asset affected company-a/reach@1
    """
    found = context.call(withdrawals.affected, version=version)
    if json:
        context.print_json(found.model_dump(mode="json"))
        return
    for one in found.versions:
        print(f"{context.text(f'assets.kind.{one.kind}'):<10} {one.name}  ({one.owner})")
    for kind, ids in (("run", found.runs), ("submission", found.submissions)):
        for name in ids:
            print(f"{context.text(f'assets.affected.{kind}'):<10} {name}")
    print(context.text("assets.affected.told", organizations=", ".join(found.told) or "-"))


@app.command
def withdraw(version: str, *, reason: str, json: context.Json = False) -> None:
    """Take a version of yours back: nothing new may use it or what was made from it (a steward).

    Runs that were not started are not started any more; scores on record stay. The owners of what was made
    from it are told. It cannot be undone: deposit a new version instead.

    Example: madang asset withdraw company-a/reach@1 --reason "The recorder's clock was wrong."

    Parameters
    ----------
    reason
        Why; whoever made something from it reads it.
    """
    new = documents.NewWithdrawal.model_construct(version=version, reason=reason)
    made = context.call(withdrawals.withdraw, new=new)
    context.print_document(made, json, told=", ".join(made.told))


@app.command
def destroy(
    version: str, *, for_good: Annotated[bool, Parameter(negative=())] = False, json: context.Json = False
) -> None:
    """Destroy the key and the bytes of a withdrawn version of yours, for good (a steward).

    Afterwards no copy of the sealed bytes can be read, in no backup either, unless somebody kept the key; the
    ledger says when, and which key.

    Example: madang asset destroy company-a/reach@1 --for-good

    Parameters
    ----------
    for_good
        That you mean it; without it nothing is done, and what would be lost is printed.
    """
    if not for_good:
        affected(version, json=json)
        print(context.text("assets.affected.for-good"), file=sys.stderr)
        sys.exit(2)
    new = documents.NewDestruction.model_construct(version=version)
    made = context.call(withdrawals.destroy, new=new)
    context.print_document(made, json, told=", ".join(made.told))


@app.command(name="withdrawals")
def list_(*, json: context.Json = False) -> None:
    """List your organization's withdrawals, and those of data from which you made something.

    Example: madang asset withdrawals
    """
    columns = {
        "when": lambda one: one.withdrawn_at,
        "version": lambda one: one.version,
        "reason": lambda one: one.reason,
        "told": lambda one: ", ".join(one.told) or None,
        "destroyed": lambda one: one.destroyed_at,
    }
    context.print_items(context.every(withdrawals.list_), columns, json)
