"""The evaluator's own folder (mode 700): its key, the sealed halves, every item's judgement.

::

    evaluator.key                   signs what the evaluator says
    <mission>.sealed.json           both sealed halves: items and salts
    material/                       what the evaluator's scorers draw from, where they draw from data
    <submission>.feedback.json      each item's judgement, which only a digest of leaves; and .final.json
"""

from __future__ import annotations

import fcntl
import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from madang.kernel.canonical import canonical_bytes, canonical_digest
from madang.kernel.home import sync_folder, write_durably
from madang.kernel.ledger.note import Signer
from madang.scores.errors import EvaluatorNotSetUp, EvaluatorWorking, SealBroken
from madang.scores.model import Benchmark, Feedback
from madang.scores.scorers import Item

FEEDBACK, FINAL = "feedback", "final"
HALVES = (FEEDBACK, FINAL)


class Vault:
    """See the module's docstring. `organization` names the key."""

    def __init__(self, folder: Path, organization: str) -> None:
        self.folder = folder
        self._name = f"{organization}/evaluator"

    @property
    def material(self) -> Path:
        """Where the evaluator lays what scorers draw from."""
        return self.folder / "material"

    def make(self) -> Signer:
        """Make the folder and its key, where they are not there yet."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        path = self.folder / "evaluator.key"
        if not path.exists():
            write_durably(path, Signer.new(self._name).to_bytes(), 0o600)
        return self.signer()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every other process of the evaluator from working with this folder meanwhile."""
        if not self.folder.is_dir():
            raise EvaluatorNotSetUp(folder=str(self.folder))
        with (self.folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise EvaluatorWorking(folder=str(self.folder)) from error
            yield

    def signer(self) -> Signer:
        """The evaluator's key; EvaluatorNotSetUp where this is not its folder."""
        path = self.folder / "evaluator.key"
        if not path.exists():
            raise EvaluatorNotSetUp(folder=str(self.folder))
        return Signer.from_bytes(self._name, path.read_bytes())

    def keep_sealed(self, mission: str, halves: Mapping[str, Any]) -> dict[str, Any]:
        """Keep both drawn halves; or those that an interrupted or simultaneous sealing kept first."""
        draft = self.folder / f".{mission}.{secrets.token_hex(6)}"
        write_durably(draft, canonical_bytes(dict(halves)), 0o600)
        try:
            self._sealed_path(mission).hardlink_to(draft)  # fails where there is one: the first draw counts
        except FileExistsError:
            pass
        finally:
            draft.unlink()
        sync_folder(self.folder)
        return {half: self.half(mission, half) for half in HALVES}

    def half(self, mission: str, half: str) -> dict[str, Any]:
        """A sealed half with its salt; EvaluatorNotSetUp where it is not here."""
        path = self._sealed_path(mission)
        if not path.exists():
            raise EvaluatorNotSetUp(folder=str(self.folder))
        content: dict[str, Any] = json.loads(path.read_bytes())[half]
        return content

    def items(self, benchmark: Benchmark, half: str) -> list[Item]:
        """The items of a half, if they are the ones committed to; else SealBroken."""
        content = self.half(benchmark.mission, half)
        if canonical_digest(content) != benchmark.commitment_of(half):
            raise SealBroken(mission=benchmark.mission)
        return list(content["items"])

    def keep_detail(self, submission_id: str, half: str, detail: Mapping[str, Any]) -> str:
        """Keep the judgement of each item; returns its digest."""
        write_durably(self._detail_path(submission_id, half), canonical_bytes(dict(detail)), 0o600)
        return canonical_digest(dict(detail))

    def detail(self, told: Feedback) -> dict[str, Any]:
        """Every item's judgement on the feedback half, as it was committed to."""
        content = self.detail_of(told.submission_id, FEEDBACK)
        if content is None:
            raise EvaluatorNotSetUp(folder=str(self.folder))
        if canonical_digest(content) != told.statement["sealed"]:
            raise SealBroken(mission=str(told.statement["mission"]))
        return content

    def detail_of(self, submission_id: str, half: str) -> dict[str, Any] | None:
        """Every item's judgement, where there is one."""
        path = self._detail_path(submission_id, half)
        if not path.exists():
            return None
        content: dict[str, Any] = json.loads(path.read_bytes())
        return content

    def _sealed_path(self, mission: str) -> Path:
        return self.folder / f"{mission}.sealed.json"

    def _detail_path(self, submission_id: str, half: str) -> Path:
        return self.folder / f"{submission_id}.{half}.json"
