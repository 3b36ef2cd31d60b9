"""``madang score``: seal, submit, evaluate, read."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cyclopts import App

from madang.interfaces.cli import context
from madang.kernel.home import Home, write_durably
from madang.scores import opening, service
from madang.scores.evaluator import Evaluator
from madang.scores.model import Feedback, Score, Submission
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
    print(f"{benchmark.feedback_commitment}  n={benchmark.feedback_n}  feedback")


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
    """Judge waiting submissions, and the finals that two people opened (the evaluator, in its own folder).

    Example: madang --token evaluator.token score work
    """
    home = context.home()
    actor = context.actor(home)

    def progress(submission: Submission, interval: Interval, n: int) -> None:
        end = "\r" if sys.stderr.isatty() else "\n"
        if end == "\r" or interval.n % 50 == 0:
            told = f"{interval.mean:.3f} [{interval.lower:.3f}, {interval.upper:.3f}]"
            print(f"{submission.submission_id} {interval.n}/{n} {told}", end=end, file=sys.stderr)

    for submission, answer in Evaluator(home, actor).work(progress):
        print(submission.submission_id, _told(home, submission, answer))


def _told(home: Home, submission: Submission, answer: Feedback | Score | None) -> str:
    if answer is None:
        with home.database.read() as session:
            problem = service.get_submission(session, submission.submission_id).problem
        return f"{context.text('scores.state.refused')}: {problem}"
    figures = f"{answer.value:.3f} [{answer.lower:.3f}, {answer.upper:.3f}] n={answer.n}"
    if isinstance(answer, Score):
        return f"{context.text(f'scores.outcome.{answer.outcome}')} {figures}"
    return f"{context.text('scores.released' if answer.released else 'scores.kept')} {figures}"


@app.command
def board(mission: str, *, json: context.Json = False) -> None:
    """Show a mission's scoreboard: each organization's best on the feedback half, as the Ladder shows it.

    Example: madang score board manipulation-10
    """
    from madang.assets import lineage
    from madang.missions.errors import NoSuchMission
    from madang.missions.service import get, takes_part

    home = context.home()
    actor = context.actor(home)
    with home.database.read() as session:
        if not takes_part(session, actor, mission):
            raise NoSuchMission(name=mission)
        rows = [
            {**asdict(row), "version": lineage.get(session, row.version_id).name,
             "interval": f"[{row.lower:.3f}, {row.upper:.3f}]", "tries": f"{row.used}/{row.budget}"}
            for row in service.board(session, get(session, mission))
        ]  # fmt: skip
    columns = {"organization": "organization", "version": "model", "value": "value", "interval": "interval"}
    context.print_rows(rows, columns | {"n": "n", "tries": "tries"}, json)


@app.command(name="open")
def open_(mission: str) -> None:
    """Open the final half: one person asks, another of another organization confirms. Once.

    Example: madang --token officer.token score open manipulation-10
    """
    home = context.home()
    actor = context.actor(home)
    with home.database.write() as session:
        told = opening.approve(session, actor, mission)
    print(context.text("scores.opened" if told.confirmed_by else "scores.asked", mission=mission))


@app.command
def published(mission: str, *, out: Path) -> None:
    """Write an opened benchmark: items, salts, and every item's judgement.

    Example: madang score published manipulation-10 --out opened.json

    Parameters
    ----------
    out
        The file to write.
    """
    from madang.assets.store import open_store
    from madang.organizations.service import authenticate

    home = context.home()
    with home.database.read() as session:
        digest = opening.published(session, authenticate(session, context.token()), mission)
    write_durably(out, open_store(home).read(digest))
    print(out)


@app.command
def recompute(submission: str, *, json: context.Json = False) -> None:
    """Judge a scored model anew on the opened benchmark and compare with the score on record.

    For whoever may take the model home. Exit code 4 where anything differs.

    Example: madang score recompute sub-...
    """
    from madang.scores.recompute import repeat

    home = context.home()
    actor = context.actor(home)

    def progress(interval: Interval) -> None:
        if sys.stderr.isatty():
            print(f"{interval.n} {interval.mean:.3f}", end="\r", file=sys.stderr)

    told = repeat(home, actor, submission, progress)
    figures = {**asdict(told), "same": True}
    if json:
        context.print_json(figures)
        return
    print(context.text("scores.same"), f"{told.value:.3f} [{told.lower:.3f}, {told.upper:.3f}] n={told.n}")


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
