"""``madang score``: seal, submit, evaluate, read."""

from __future__ import annotations

import sys
from typing import Any

from cyclopts import App

from madang.interfaces.cli import context
from madang.scores import service
from madang.scores.evaluator import Evaluator
from madang.scores.model import Score, Submission
from madang.scores.statistics import Interval, wilson

app = App(name="score", help="Seal a benchmark, submit a model, evaluate.")


def _row(submission: Submission, score: Score | None, version: str) -> dict[str, Any]:
    row: dict[str, Any] = {
        "submission": submission.submission_id,
        "mission": submission.mission,
        "version": version,
        "organization": submission.organization,
        "state": context.text(f"scores.state.{submission.state}"),
        "submitted_at": submission.submitted_at,
        "problem": submission.problem or None,
    }
    if score is not None:
        groups = {}
        for name, (successes, n) in score.groups.items():
            interval = wilson(successes, n)
            groups[name] = {"value": interval.mean, "lower": interval.lower, "upper": interval.upper, "n": n}
        row |= {
            "value": score.value,
            "interval": f"[{score.lower:.3f}, {score.upper:.3f}]",
            "lower": score.lower,
            "upper": score.upper,
            "n": score.n,
            "outcome": context.text(f"scores.outcome.{score.outcome}"),
            "groups": groups,
        }
    return row


@app.command
def seal(mission: str) -> None:
    """Draw a mission's sealed benchmark and put its commitment on record (the evaluator).

    Example: madang --token evaluator.token score seal manipulation-10
    """
    home = context.home()
    actor = context.actor(home)
    benchmark = Evaluator(home, actor).seal(mission)
    print(f"{benchmark.commitment}  n={benchmark.n}  {benchmark.evaluator_key}")


@app.command
def submit(version: str, *, mission: str) -> None:
    """Submit a model version of your organization to a mission's evaluator.

    Example: madang score submit institute-a/policy@1 --mission manipulation-10
    """
    home = context.home()
    actor = context.actor(home)
    with home.database.write() as session:
        print(service.submit(session, actor, mission, version).submission_id)


@app.command
def work() -> None:
    """Evaluate every waiting submission (the evaluator, with its own folder and token).

    Example: madang --token evaluator.token score work
    """
    home = context.home()
    actor = context.actor(home)

    def progress(submission: Submission, interval: Interval, n: int) -> None:
        end = "\r" if sys.stderr.isatty() else "\n"
        if end == "\r" or interval.n % 50 == 0:
            told = f"{interval.mean:.3f} [{interval.lower:.3f}, {interval.upper:.3f}]"
            print(f"{submission.submission_id} {interval.n}/{n} {told}", end=end, file=sys.stderr)

    for submission, score in Evaluator(home, actor).work(progress):
        if score is None:
            with home.database.read() as session:
                told = service.get_submission(session, submission.submission_id)
            print(f"{told.submission_id} {context.text('scores.state.refused')}: {told.problem}")
        else:
            print(
                f"{submission.submission_id} {context.text(f'scores.outcome.{score.outcome}')} "
                f"{score.value:.3f} [{score.lower:.3f}, {score.upper:.3f}] n={score.n}"
            )


@app.command(name="list")
def list_(*, mission: str, json: context.Json = False) -> None:
    """List a mission's submissions and scores.

    Example: madang score list --mission manipulation-10
    """
    from madang.assets import lineage
    from madang.missions.errors import NoSuchMission
    from madang.missions.service import takes_part

    home = context.home()
    actor = context.actor(home)
    with home.database.read() as session:
        if not takes_part(session, actor, mission):
            raise NoSuchMission(name=mission)
        rows = [
            _row(submission, score, lineage.get(session, submission.version_id).name)
            for submission, score in service.of_mission(session, mission)
        ]
    columns = {"submission": "submission", "version": "model", "state": "state", "value": "score"}
    context.print_rows(rows, columns | {"interval": "interval", "n": "n", "outcome": "outcome"}, json)


@app.command
def show(submission: str, *, json: context.Json = False) -> None:
    """Show a submission and its score, with Wilson's interval of each task.

    Example: madang score show sub-...
    """
    from madang.assets import lineage

    home = context.home()
    actor = context.actor(home)
    with home.database.read() as session:
        found, score = service.see(session, actor, submission)
        row = _row(found, score, lineage.get(session, found.version_id).name)
    groups = row.pop("groups", {})
    if json:
        context.print_json({**row, "groups": groups})
        return
    context.print_facts(row, False)
    for name, told in groups.items():
        print(f"  {name:<24} {told['value']:.2f} [{told['lower']:.2f}, {told['upper']:.2f}] n={told['n']}")
