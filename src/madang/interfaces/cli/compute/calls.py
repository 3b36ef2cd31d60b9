"""``madang compute call``, ``apply``, ``review``, ``decide``, ``explain``: from a call to its awards."""

from __future__ import annotations

import re
import sys
from json import dumps
from pathlib import Path
from typing import Any

from cyclopts import App
from pydantic import ValidationError

from madang.allocations.calls.model import ApplicationFile, CallFile
from madang.allocations.calls.ranking import Inputs
from madang.allocations.calls.ranking import decide as decide_from
from madang.interfaces.cli import context
from madang.interfaces.cli.compute.plan import document_of
from madang.interfaces.operations import calls
from madang.kernel.canonical import parse_json
from madang.kernel.errors import BadValue
from madang.kernel.home import write_durably
from madang.kernel.ids import check_range
from madang.kernel.settings import read_document
from madang.sdk import documents

app = App(name="calls")
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
call_app = App(name="call", help="Calls for compute: open, list, show.")
app.command(call_app)


@call_app.command(name="open")
def open_(file: Path) -> None:
    """Open a call for compute from its file (a ministry's officer).

    Example: madang compute call open call.toml

    Parameters
    ----------
    file
        The call in TOML (docs/compute.md).
    """
    made = context.call(calls.open_, call=read_document(file, CallFile).call)
    print(f"{made.name}  {made.digest}")


@call_app.command(name="list")
def list_(*, json: context.Json = False) -> None:
    """List calls for compute, the latest first.

    Example: madang compute call list
    """
    columns = {
        "call": lambda one: one.name,
        "title": lambda one: one.title_ko if context.language() == "ko" else one.title_en,
        "share": lambda one: one.share,
        "months": lambda one: f"{one.months[0]} - {one.months[-1]}",
        "closes": lambda one: one.closes_at,
        "state": lambda one: context.text(f"allocations.call-state.{one.state}"),
    }
    context.print_items(context.every(calls.list_), columns, json)


@call_app.command
def show(call: str, *, json: context.Json = False) -> None:
    """Show a call and what it has: hours of each site and kind, month by month.

    Example: madang compute call show industry-2026-h2
    """
    found = context.call(calls.show, call=call)
    if json:
        context.print_json(found.model_dump(mode="json"))
        return
    state = context.text(f"allocations.call-state.{found.state}")
    counted = context.text("allocations.call-line", closes=found.closes_at, applications=found.applications)
    print(f"{found.name}  {found.share}  {state}  {counted}")
    rows = [
        {
            "site": one.site,
            "kind": one.kind,
            **dict(zip(found.months, map(_thousands, one.hours), strict=True)),
        }
        for one in found.offers
    ]
    columns = {"site": "site", "kind": "kind", **{month: month for month in found.months}}
    context.print_rows(rows, columns, False)


def _thousands(hours: int) -> str:
    return f"{hours:,}"


@app.command
def apply(file: Path) -> None:
    """Apply for compute (a researcher of an organization that takes part in the mission).

    Example: madang compute apply application.toml

    Parameters
    ----------
    file
        The application in TOML; `madang compute size` drafts one.
    """
    made = context.call(calls.apply, application=read_document(file, ApplicationFile).application)
    print(made.application_id)


@app.command
def withdraw(application: str) -> None:
    """Take an application back while its call is open.

    Example: madang compute withdraw app-...
    """
    made = context.call(calls.withdraw, application_id=application)
    print(f"{made.application_id}  {made.withdrawn_at}")


@app.command
def applications(call: str, *, json: context.Json = False) -> None:
    """List the applications of a call that you may read.

    Example: madang compute applications industry-2026-h2
    """
    columns: dict[str, Any] = {
        "application": lambda one: one.application_id,
        "organization": lambda one: one.organization,
        "mission": lambda one: one.mission,
        "title": lambda one: one.title,
        "place": lambda one: f"{one.site} {one.kind}",
        "hours": lambda one: _thousands(one.requested),
        "minimum": lambda one: _thousands(one.minimum),
    }
    context.print_items(context.call(calls.applications, call=call).items, columns, json)


@app.command
def review(
    application: str, *, score: context.Whole | None = None, conflict: bool = False, comment: str = ""
) -> None:
    """Score an application from 0 to 100, or declare a conflict of interest (a reviewer the call names).

    Example: madang compute review app-... --score 82 --comment "Sound and needed."

    Parameters
    ----------
    application
        The application's id.
    score
        Whole points.
    conflict
        Declare a conflict of interest instead; it stands, and the application is closed to you.
    comment
        Why; overseers read it (`madang compute reviews`).
    """
    if (score is None) is not conflict:
        raise BadValue(file="command line", key="--score", reason="Give either --score or --conflict.")
    points = None if score is None else check_range("--score", score, 0, 100)
    new = documents.NewReview.model_construct(score=points, conflict=conflict, comment=comment)
    made = context.call(calls.review, application_id=application, new=new)
    print(f"{made.application_id}  {'conflict' if made.conflict else made.score}")


@app.command
def reviews(application: str, *, json: context.Json = False) -> None:
    """List the reviews of an application (a ministry's or an auditor's token).

    Example: madang compute reviews app-...
    """
    columns: dict[str, Any] = {
        "reviewer": lambda one: one.reviewer,
        "points": lambda one: context.text("allocations.conflict") if one.conflict else one.score,
        "comment": lambda one: one.comment,
        "at": lambda one: one.reviewed_at,
    }
    context.print_items(context.call(calls.reviews, application_id=application).items, columns, json)


@app.command
def application(application: str, *, json: context.Json = False) -> None:
    """Show an application: for its own people, its reviewers and overseers.

    Example: madang compute application app-...
    """
    found = context.call(calls.show_application, application_id=application)
    hours = ", ".join(f"{month} {asked:,}" for month, asked in sorted(found.request.items()))
    context.print_document(found, json, request=hours)


@app.command
def decide(
    call: str | None = None,
    *,
    inputs: Path | None = None,
    unreviewed: bool = False,
    json: context.Json = False,
) -> None:
    """Decide a closed call and make its awards (a ministry's officer); or repeat a decision from its inputs.

    Example: madang compute decide industry-2026-h2

    Parameters
    ----------
    call
        The call. With --inputs: whose decision the file must give, else exit code 4.
    inputs
        A file that `madang compute decision --out` wrote: decide from that; nothing is awarded.
    unreviewed
        Leave out applications that have too few reviews, instead of refusing to decide.
    """
    if inputs is not None:
        _decide_from(inputs, call, json)
        return
    if call is None:
        raise BadValue(file="command line", key="CALL", reason="Name a call, or give --inputs FILE.")
    new = documents.NewDecision.model_construct(unreviewed=unreviewed)
    _print_decision(context.call(calls.decide, call=call, new=new), json)


def _decide_from(file: Path, call: str | None, json: bool) -> None:
    try:
        given = Inputs.of(parse_json(file.read_bytes()))
    except ValueError as error:
        told = error.errors()[0] if isinstance(error, ValidationError) else {"loc": (), "msg": str(error)}
        key = ".".join(map(str, told["loc"])) or "(document)"
        raise BadValue(file=str(file), key=key, reason=f"It holds no inputs: {told['msg']}") from error
    rows = [calls.ranked_document(one) for one in decide_from(given)]
    if not json:
        print(given.digest)
    _print_ranking(rows, json)
    if call is not None:
        kept = context.call(calls.decision, call=call).inputs_digest
        same = kept == given.digest
        print(
            context.text(f"allocations.decision.{'same' if same else 'other'}", call=call, digest=kept),
            file=sys.stderr,
        )
        if not same:
            sys.exit(4)


@app.command
def decision(call: str, *, out: Path | None = None, json: context.Json = False) -> None:
    """Show a decision and its ranking, as far as you may see it.

    Example: madang compute decision industry-2026-h2 --out inputs.json

    Parameters
    ----------
    call
        The call.
    out
        Write what it follows from to this file (a ministry's or an auditor's token).
    """
    if out is not None:
        write_durably(out, context.call(calls.inputs, call=call))
    _print_decision(context.call(calls.decision, call=call), json)


def _print_decision(made: documents.CallDecision, json: bool) -> None:
    if json:
        context.print_json(made.model_dump(mode="json"))
        return
    print(f"{made.call}  inputs {made.inputs_digest}  {made.decided_at}")
    if made.optimum is not None:
        share, gap = (f"{100 * made.optimum[name]:.1f}" for name in ("share", "gap"))
        print(context.text(
            "allocations.decision.optimum", share=share, gap=gap, ranked=len(made.optimum["only_ranked"]),
            optimal=len(made.optimum["only_optimal"]),
        ))  # fmt: skip
    _print_ranking(made.ranking, False)


def _print_ranking(rows: Any, json: bool) -> None:
    columns: dict[str, Any] = {
        "rank": lambda one: one.rank or "-",
        "application": lambda one: one.application_id,
        "place": lambda one: f"{one.site} {one.kind}",
        "score": lambda one: "-" if one.score is None else f"{one.score:.2f}",
        "asked": lambda one: _thousands(one.requested),
        "granted": lambda one: _thousands(one.granted),
        "": lambda one: context.text(f"allocations.reason.{one.reason}"),
    }
    context.print_items(rows, columns, json)


@app.command
def explain(application: str, *, json: context.Json = False) -> None:
    """Say why an application got what it got, and the smallest change that would have won.

    Example: madang compute explain app-...
    """
    told = context.call(calls.explain, application_id=application)
    if json:
        context.print_json(told.model_dump(mode="json"))
        return
    for sentence in told.sentences_ko if context.language() == "ko" else told.sentences_en:
        print(sentence)


@app.command
def size(
    *,
    parameters: float,
    tokens: float,
    utilisation: float = 0.4,
    kind: str,
    plan: str,
    call: str = "CALL",
    mission: str = "MISSION",
    site: str = "SITE",
    months: str = "",
    out: Path | None = None,
    json: context.Json = False,
) -> None:
    """Turn a training configuration into GPU-hours (6 x parameters x tokens), and draft the application.

    Example: madang compute size --parameters 7e9 --tokens 2e12 --kind gpu-h200 --plan korea-2026
    --months 2026-09,2026-10 --out application.toml

    Parameters
    ----------
    parameters
        Parameters of the model, as a count.
    tokens
        Tokens it is trained on, as a count.
    utilisation
        Model FLOP utilisation, above 0 and at most 1.
    kind
        The kind of GPU, as the plan names it.
    plan
        A plan's file or name: it says the kind's peak.
    call
        The call to apply to.
    mission
        The mission it is for.
    site
        The site.
    months
        Months to spread the hours over, as 2026-09,2026-10.
    out
        Write a draft of the application to this file.
    """
    from madang.allocations.calls import sizing

    document = document_of(plan)
    found = next((one for one in document.kind if one.name == kind), None)
    if found is None or found.peak_tflops is None:
        known = ", ".join(one.name for one in document.kind if one.peak_tflops is not None)
        raise BadValue(file=plan, key="kind", reason=f"It gives the peak of: {known or '(none)'}.")
    told = sizing.size(parameters, tokens, float(found.peak_tflops), utilisation)
    named = tuple(one.strip() for one in months.split(",") if one.strip())
    if any(not _MONTH.fullmatch(one) for one in named) or (out is not None and not named):
        raise BadValue(file="command line", key="--months", reason="Give months as 2026-09,2026-10.")
    spread = told.spread(named) if named else {}
    facts = {
        "flop": f"{told.flop:.3e}",
        "gpu_hours": told.gpu_hours,
        "days_on_64_gpus": round(told.days_on_64, 2),
        **{f"in_{month}": hours for month, hours in spread.items()},
    }
    context.print_facts(facts, json)
    if out is not None:
        write_durably(out, _draft(call, mission, site, kind, spread, facts).encode())
        print(out, file=sys.stderr)


def _draft(
    call: str, mission: str, site: str, kind: str, spread: dict[str, int], facts: dict[str, Any]
) -> str:
    def quoted(text: str) -> str:
        return dumps(text, ensure_ascii=False)

    asked = ", ".join(f"{quoted(month)} = {hours}" for month, hours in spread.items())
    return f"""# {facts["flop"]} FLOP: {facts["gpu_hours"]} GPU-hours.
[application]
call = {quoted(call)}
mission = {quoted(mission)}
title = "TITLE"
summary = "What the hours are for."
site = {quoted(site)}
kind = {quoted(kind)}
request = {{ {asked} }}
minimum = {facts["gpu_hours"]}
"""
