"""``madang mission``: open, list, show."""

from __future__ import annotations

from pathlib import Path

from cyclopts import App

from madang.interfaces.cli import context
from madang.interfaces.operations import missions
from madang.kernel.settings import read_document
from madang.missions.model import MissionDocument
from madang.sdk import documents

app = App(name="mission", help="Open missions and see how far they are.")


def _title(mission: documents.Mission) -> str:
    return mission.title_ko if context.language() == "ko" else mission.title_en


@app.command(name="open")
def open_(file: Path) -> None:
    """Open a mission from its charter (a researcher of the lead).

    Example: madang mission open examples/manipulation-10/mission.toml

    Parameters
    ----------
    file
        The charter in TOML (docs/missions.md).
    """
    made = context.call(missions.open_, charter=read_document(file, MissionDocument))
    print(f"{made.name}  {made.digest}")


@app.command(name="list")
def list_(*, json: context.Json = False) -> None:
    """List the missions you may know of.

    Example: madang mission list --json
    """
    columns = {
        "name": lambda one: one.name,
        "title": _title,
        "target": lambda one: one.target,
        "deadline": lambda one: one.deadline,
    }
    context.print_items(context.every(missions.list_), columns, json)


@app.command
def show(name: str, *, json: context.Json = False) -> None:
    """Show a mission: objective, and for participants its progress.

    Example: madang mission show manipulation-10
    """
    found = context.call(missions.show, name=name)
    context.print_document(found, json)
    if json or found.progress is None:
        return
    told = found.progress
    shown: dict[str, object] = {
        "stage": told.stage,
        "deposits": f"{told.deposits} ({told.accepted} accepted, {told.quarantined} quarantined)",
        "pools": told.pools,
        "runs": told.runs,
        "models": told.models,
        "scores": told.scores,
        "reached": told.reached,
    }
    if told.best is not None:
        best = told.best
        figures = f"{best.value:.3f} [{best.lower:.3f}, {best.upper:.3f}] n={best.n}"
        shown["best"] = f"{figures} ({context.text(f'scores.half.{best.half}')})"
    context.print_facts(shown, False)
    for notice in told.attention:
        print(f"{notice.severity:<5} {context.said(notice.title)} {context.said(notice.detail)}")
