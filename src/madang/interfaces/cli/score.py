"""``madang score``: seal, submit, evaluate, read."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import App

from madang.interfaces.cli import context
from madang.interfaces.operations import missions, scores
from madang.kernel.home import Home, write_durably
from madang.sdk import documents

if TYPE_CHECKING:
    from madang.scores.model import Feedback, Score, Submission
    from madang.scores.statistics import Interval

app = App(name="score", help="Seal a benchmark, submit a model, evaluate.")


def _state(submission: documents.Submission) -> str:
    return context.text(f"scores.state.{submission.state}")


def _interval(shown: documents.Score | documents.Standing | documents.Group) -> str:
    return f"[{shown.lower:.3f}, {shown.upper:.3f}]"


@app.command
def seal(mission: str) -> None:
    """Draw a mission's sealed benchmark and put its commitment on record (the evaluator).

    Example: madang --token evaluator.token score seal manipulation-10
    """
    from madang.scores.evaluator import Evaluator

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
    new = documents.NewSubmission.model_construct(mission=mission, version=version)
    print(context.call(scores.submit, new=new).submission_id)


@app.command
def work() -> None:
    """Judge waiting submissions, and the finals that two people opened (the evaluator, in its own folder).

    Example: madang --token evaluator.token score work
    """
    from madang.scores.evaluator import Evaluator

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
    from madang.scores.model import Score
    from madang.scores.service import get_submission

    if answer is None:
        with home.database.read() as session:
            problem = get_submission(session, submission.submission_id).problem
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
    columns = {
        "organization": lambda row: row.organization,
        "model": lambda row: row.version,
        "value": lambda row: row.value,
        "interval": _interval,
        "n": lambda row: row.n,
        "tries": lambda row: f"{row.used}/{row.budget}",
    }
    context.print_items(context.call(missions.board, name=mission).items, columns, json)


@app.command(name="open")
def open_(mission: str) -> None:
    """Open the final half: one person asks, another of another organization confirms. Once.

    Example: madang --token officer.token score open manipulation-10
    """
    told = context.call(missions.open_benchmark, name=mission)
    print(context.text("scores.opened" if told.confirmed_at else "scores.asked", mission=mission))


@app.command
def published(mission: str, *, out: Path) -> None:
    """Write an opened benchmark: items, salts, and every item's judgement.

    Example: madang score published manipulation-10 --out opened.json

    Parameters
    ----------
    out
        The file to write.
    """
    write_durably(out, context.call(missions.published, name=mission))
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
    if json:
        context.print_json({**asdict(told), "same": True})
        return
    print(context.text("scores.same"), f"{told.value:.3f} [{told.lower:.3f}, {told.upper:.3f}] n={told.n}")


@app.command(name="list")
def list_(*, mission: str, json: context.Json = False) -> None:
    """List a mission's submissions and scores.

    Example: madang score list --mission manipulation-10
    """
    columns = {
        "submission": lambda one: one.submission_id,
        "model": lambda one: one.version,
        "state": _state,
        "score": lambda one: one.score and one.score.value,
        "interval": lambda one: one.score and _interval(one.score),
        "n": lambda one: one.score and one.score.n,
        "outcome": lambda one: one.score and context.text(f"scores.outcome.{one.score.outcome}"),
    }
    context.print_items(context.every(scores.list_, mission=mission), columns, json)


@app.command
def show(submission: str, *, json: context.Json = False) -> None:
    """Show a submission and its score, with Wilson's interval of each task.

    Example: madang score show sub-...
    """
    found = context.call(scores.show, submission=submission)
    shown: dict[str, object] = {"state": _state(found)}
    if found.score is not None:
        score = found.score
        outcome = context.text(f"scores.outcome.{score.outcome}")
        shown |= {"value": score.value, "interval": _interval(score), "n": score.n, "outcome": outcome}
    context.print_document(found, json, **shown)
    if json or found.score is None:
        return
    for name, told in found.score.groups.items():
        print(f"  {name:<24} {told.value:.2f} [{told.lower:.2f}, {told.upper:.2f}] n={told.n}")
