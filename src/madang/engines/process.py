"""The isolation engine ``process``: a separate process with limits and a clean environment. No sandbox.

For one's own jobs on a machine without a sandbox. It stops accidents, not intent, so nothing chooses it
by itself: ``isolation = "process"`` must be written, and `madang doctor` says what that gives up.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from typing import Any

from madang.kernel.extension import Engine
from madang.kernel.i18n import Message
from madang.kernel.isolation import Confinement, spawn

ENGINE = Engine("process", "isolation", "madang.engines.process:ProcessIsolation")


class ProcessIsolation:
    """See the module's docstring."""

    name = "process"
    confines = False

    def unavailable(self) -> Message | None:
        """Always available."""
        return None

    def told(self) -> tuple[Sequence[str], Sequence[str]]:
        """Limits and a clean environment, and nothing else."""
        lacks = ("files", "network", "processes", "outputs", "evaluator")
        return ("isolation.environment", "isolation.limits"), [f"isolation.{name}" for name in lacks]

    def start(
        self, command: Sequence[str], confinement: Confinement, **streams: Any
    ) -> subprocess.Popen[bytes]:
        """The command as it is."""
        return spawn(command, confinement, **streams)

    def inside(self, confinement: Confinement, path: str) -> str:
        """The host path: nothing is mounted."""
        return str({**confinement.read_only, **confinement.writable}[path])
