"""``madang compute plan``: capacity plans, from a file or on record."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from madang.allocations.plans import checking
from madang.allocations.plans.model import PlanDocument
from madang.interfaces.cli import context
from madang.interfaces.operations import plans
from madang.kernel.home import write_durably
from madang.kernel.settings import read_document
from madang.sdk import documents

app = App(name="plan", help="Capacity plans: show, check, compare, adopt, enact.")


def document_of(plan: str) -> PlanDocument:
    """A sound plan from a file that ends in .toml, else the one on record."""
    if plan.endswith(".toml"):
        document = read_document(Path(plan), PlanDocument)
        checking.require_sound(document)
        return document
    return PlanDocument.model_validate(context.call(plans.show, plan=plan).document)


@app.command
def check(file: Path, *, json: context.Json = False) -> None:
    """Check a plan's file; every problem in three parts, exit code 2 where there is one.

    Example: madang compute plan check examples/korea-2026/plan.toml

    Parameters
    ----------
    file
        The plan in TOML (docs/compute.md).
    """
    document = read_document(file, PlanDocument)
    problems = checking.problems(document)
    if json:
        told = [vars(one.in_language(context.language())) | {"code": one.code} for one in problems]
        context.print_json(told)
    else:
        for problem in problems:
            context.print_error(problem)
    if problems:
        sys.exit(2)
    if not json:
        print(context.text("allocations.plan.sound", plan=document.plan.name, lines=len(document.capacity)))


@app.command
def show(plan: str, *, json: context.Json = False) -> None:
    """Show what a plan gives to each share, month by month, in GPU-hours. `~` marks assumed figures.

    Example: madang compute plan show examples/korea-2026/plan.toml

    Parameters
    ----------
    plan
        A file that ends in .toml, or the name of a plan on record (NAME or NAME@NUMBER).
    """
    document = document_of(plan)
    months = plans.month_documents(document)
    if json:
        context.print_json([one.model_dump(mode="json") for one in months])
        return
    print(document.plan.title(context.language()))
    print(document.plan.source(context.language()) + "\n")
    titles = document.titles(context.language())
    shares = [share.name for share in document.leaves()]
    rows = []
    for one in months:
        row = {"month": one.month, "count": f"{_mark(one.assumed)}{one.count:,}"}
        for share in shares:
            row[share] = f"{_mark(one.assumed_by_share[share])}{one.by_share[share]:,}"
        rows.append(
            row
            | {
                "all": f"{_mark(one.assumed)}{one.hours:,}",
                "normalised": f"{_mark(one.assumed)}{one.normalised}",
            }
        )
    columns = {"month": "month", "count": "GPUs", **{name: titles[name] for name in shares}}
    context.print_rows(rows, columns | {"all": "GPU-hours", "normalised": "normalised"}, False)


def _mark(assumed: int | bool) -> str:
    return "~" if assumed else ""


@app.command
def diff(before: str, after: str, *, json: context.Json = False) -> None:
    """Show what changes from one plan to another: lines, and GPU-hours by month and share.

    Example: madang compute plan diff korea-2026@1 korea-2026@2

    Parameters
    ----------
    before
        A file that ends in .toml, or a plan on record.
    after
        The same, of the other.
    """
    found = plans.difference_document(document_of(before), document_of(after))
    if json:
        context.print_json(found.model_dump(mode="json"))
        return
    for edit in found.edits:
        changes = ", ".join(f"{key}: {old} -> {new}" for key, (old, new) in edit.values.items())
        print(f"{edit.change:<8} {edit.table:<9} {edit.name}  {changes}".rstrip())
    rows = [
        {
            "month": one.month,
            "share": one.share,
            "before": f"{_mark(one.assumed)}{one.before:,}",
            "after": f"{_mark(one.assumed)}{one.after:,}",
            "by": f"{one.after - one.before:+,}",
        }
        for one in found.shifts
    ]
    columns = {"month": "month", "share": "share", "before": "before", "after": "after", "by": "GPU-hours"}
    context.print_rows(rows, columns, False)


@app.command
def adopt(file: Path) -> None:
    """Adopt a plan: the next number of its name (a ministry's officer).

    Example: madang compute plan adopt examples/korea-2026/plan.toml
    """
    made = context.call(plans.adopt, plan=read_document(file, PlanDocument))
    print(f"{made.name}@{made.number}  {made.digest}")


@app.command
def enact(plan: str, *, site: str) -> None:
    """Declare and split what a plan on record says of a site, month by month (the site's operator).

    Example: madang compute plan enact korea-2026 --site national-gpu-centre

    Parameters
    ----------
    plan
        The plan's name, or NAME@NUMBER.
    site
        The site, as the plan names it.
    """
    new = documents.NewEnactment.model_construct(site=site)
    for one in context.call(plans.enact, plan=plan, new=new).items:
        print(f"{one.capacity_id}  {one.starts_at[:10]}  {one.count:>9,} {one.kind}")


@app.command(name="list")
def list_(*, json: context.Json = False) -> None:
    """List the plans on record, the latest first.

    Example: madang compute plan list --json
    """
    columns = {
        "plan": lambda one: f"{one.name}@{one.number}",
        "title": lambda one: one.title_ko if context.language() == "ko" else one.title_en,
        "from": lambda one: one.starts,
        "to": lambda one: one.ends,
        "adopted": lambda one: one.adopted_at,
    }
    context.print_items(context.every(plans.list_), columns, json)


@app.command
def pdf(plan: str, *, out: Annotated[Path, Parameter(name="--out")] = Path("plan.pdf")) -> None:
    """Write a plan as one page to hand out, in the chosen language. Plan, not usage, and it says so.

    It needs the extra `pdf` and a font with Korean letters on this machine (Debian: fonts-noto-cjk).

    Example: madang --language ko compute plan pdf korea-2026 --out plan.pdf

    Parameters
    ----------
    plan
        A file that ends in .toml, or a plan on record.
    out
        The file to write.
    """
    from madang.interfaces.sheets import plan_sheet

    document, reference = document_of(plan), ""
    if not plan.endswith(".toml"):
        found = context.call(plans.show, plan=plan)
        reference = f"{found.name}@{found.number}, {found.digest[:23]}"
    write_durably(out, plan_sheet.render(document, context.language(), reference))
    print(out)
