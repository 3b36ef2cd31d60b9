"""What a job left: its output as a new version, its facts, its log; and what its end means."""

from __future__ import annotations

import contextlib
import math
import shutil
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from madang.assets import ingest
from madang.assets import service as assets
from madang.assets.content import blobs, drafts
from madang.assets.content.model import Stored
from madang.assets.errors import UnsafeFile
from madang.kernel.canonical import parse_json
from madang.kernel.errors import Environment, MadangError
from madang.kernel.home import Home
from madang.runs import live, recipes
from madang.runs.launching import JobState
from madang.runs.model import Run

OWN_FILES = 16
"""Files and folders in a job's output beside the version: its metrics, its facts."""
_KEPT = {"log": live.LOG, "metrics": live.METRICS}
"""What the job printed, and the numbers it reported."""
AGAIN = ("preempted", "node-failed")
"""Ends that are not the job's own: the run is executed again."""


@dataclass(frozen=True)
class End:
    """How an attempt ended. outcome: succeeded, failed or cancelled; `version` is there where it succeeded.

    kept: digests of its log and metrics.
    """

    outcome: str
    reason: str
    state: JobState
    version: tuple[assets.NewVersion, Stored] | None
    kept: dict[str, str | None]

    def kept_or_destroyed(self, home: Home) -> AbstractContextManager[None]:
        """The output becomes a version's inside the block, or is destroyed."""
        return drafts.kept_or_destroyed(home, self.version[1]) if self.version else nullcontext()

    @property
    def again(self) -> bool:
        """Whether the run is to be executed again."""
        return self.reason in AGAIN


def collect(home: Home, run: Run, folder: Path, state: JobState, error: MadangError | None) -> End:
    """Take what the job of a folder left. Whatever that is, its run ends and the next one starts.

    Raises Environment: a full disk is the site's matter; the run stays, and its end is tried again.
    """
    outcome, reason = _judge(state)
    # First what is small: nothing that is raised here leaves an output that no version has.
    kept = {name: _keep(home, folder / path) for name, path in _KEPT.items()}
    version = None
    if outcome == "succeeded":
        try:
            version = _version(home, run, folder)
        except Environment:
            raise
        except (MadangError, OSError, ValueError, RecursionError) as problem:
            outcome, reason = "failed", "outputs-refused"
            error = problem if isinstance(problem, MadangError) else UnsafeFile(file=type(problem).__name__)
    if error is not None:
        reason = f"{reason}:{error.code}"
    return End(outcome, reason, state, version, kept)


def _judge(state: JobState) -> tuple[str, str]:
    if state.phase == "vanished":
        return "failed", "vanished"
    if state.reason == "cancelled":
        return "cancelled", "cancelled"
    if state.reason != "finished":
        return "failed", state.reason
    return ("succeeded", "finished") if state.exit_code == 0 else ("failed", "job-failed")


def _version(home: Home, run: Run, folder: Path) -> tuple[assets.NewVersion, Stored]:
    output = recipes.job_folders(folder)[1]
    limits = drafts.Limits(str(output), home.values.job_output_bytes, home.values.job_output_files)
    stored = ingest.store_folder(home, output / "version", limits=limits)
    recipe = recipes.find(run.recipe)
    new = assets.NewVersion(
        run.organization, run.output_asset, recipe.produces, run.mission, "accepted",
        format=recipe.output_format, made_by=run.run_id, facts=_facts(output), parents=run.inputs,
    )  # fmt: skip
    return new, stored


def _keep(home: Home, path: Path) -> str | None:
    """Store a regular file the job wrote beside its output; None where there is none."""
    data = live.tail_of(path)
    return blobs.put(home, data) if data else None


def _facts(output: Path) -> dict[str, Any]:
    """Facts a job states about its output: numbers and short texts only."""
    try:
        content = parse_json(live.tail_of(output / "facts" / "facts.json")[:65536])
    except (ValueError, RecursionError):
        return {}
    if not isinstance(content, dict):
        return {}
    return {_word(key): value for key, value in content.items() if _plain(value)}


def _word(text: str) -> str:
    return text.encode("utf-8", "replace").decode()[:64]


def _plain(value: Any) -> bool:
    """A number that JSON keeps exactly, or a short text without lone surrogates."""
    if isinstance(value, str):
        return len(value) <= 1000 and value == value.encode("utf-8", "replace").decode()
    return isinstance(value, int | float) and math.isfinite(value) and abs(value) < 2**53


def remove(folder: Path) -> None:
    """Remove a working folder; a tree too deep for that is left for the operator, and the run ends."""
    with contextlib.suppress(RecursionError):
        shutil.rmtree(folder, ignore_errors=True)
