"""``madang mission``: open, list, show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cyclopts import App

from madang.interfaces.cli import context
from madang.kernel.settings import read_document
from madang.missions import service
from madang.missions.model import MissionDocument

app = App(name="mission", help="Open missions and see how far they are.")


@app.command(name="open")
def open_(file: Path) -> None:
    """Open a mission from its charter (a researcher of the lead).

    Example: madang mission open examples/manipulation-10/mission.toml

    Parameters
    ----------
    file
        The charter in TOML (docs/missions.md).
    """
    document = read_document(file, MissionDocument)
    home = context.home()
    actor = context.actor(home)
    with home.database.write() as session:
        mission = service.open_mission(session, actor, document)
    print(f"{mission.name}  {mission.digest}")


@app.command(name="list")
def list_(*, json: context.Json = False) -> None:
    """List the missions you may know of.

    Example: madang mission list --json
    """
    from madang.organizations.service import authenticate

    home = context.home()
    with home.database.read() as session:
        actor = authenticate(session, context.token())
        rows = [
            {
                "name": m.name,
                "title": m.title(context.language()),
                "target": m.objective.target,
                "deadline": m.header.deadline,
                "digest": m.digest,
            }
            for m in service.visible_to(session, actor)
        ]
    columns = {"name": "name", "title": "title", "target": "target", "deadline": "deadline"}
    context.print_rows(rows, columns, json)


@app.command
def show(name: str, *, json: context.Json = False) -> None:
    """Show a mission: objective, and for participants its progress.

    Example: madang mission show manipulation-10
    """
    from madang.organizations.service import authenticate
    from madang.programme import progress

    home = context.home()
    with home.database.read() as session:
        actor = authenticate(session, context.token())
        mission = service.see(session, actor, name)
        facts: dict[str, Any] = {
            "name": mission.name,
            "title": mission.title(context.language()),
            "objective": mission.objective.title_ko
            if context.language() == "ko"
            else mission.objective.title_en,
            "target": mission.objective.target,
            "n": mission.objective.n,
            "deadline": mission.header.deadline,
            "digest": mission.digest,
        }
        if service.takes_part(session, actor, name):
            told = progress.of(session, actor, mission)
            facts |= {
                "stage": told.stage,
                "deposits": f"{len(told.deposits)} ({len(told.accepted)} accepted, "
                f"{len(told.quarantined)} quarantined)",
                "pools": len(told.pools),
                "runs": len(told.runs),
                "models": len(told.models),
                "scores": len(told.scored),
                "reached": told.reached,
            }
            if told.headline:
                best = told.headline
                shown = f"{best.value:.3f} [{best.lower:.3f}, {best.upper:.3f}] n={best.n}"
                facts["best"] = f"{shown} ({context.text(f'scores.half.{best.half}')})"
    context.print_facts(facts, json)
