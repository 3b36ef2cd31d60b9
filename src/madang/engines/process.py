"""The isolation engine ``process``: a separate process with limits and a clean environment. No sandbox.

It is what is left where bubblewrap is missing. It stops accidents, not intent: `madang doctor` says so.
"""

from __future__ import annotations

from collections.abc import Sequence

from madang.kernel.extension import Engine
from madang.kernel.i18n import Message
from madang.kernel.isolation import Confinement

ENGINE = Engine("process", "isolation", "madang.engines.process:ProcessIsolation")


class ProcessIsolation:
    """See the module's docstring."""

    name = "process"
    protects = ("isolation.environment", "isolation.limits")
    lacks = ("isolation.files", "isolation.network", "isolation.processes", "isolation.evaluator")

    def unavailable(self) -> Message | None:
        """Always available."""
        return None

    def arguments(self, command: Sequence[str], confinement: Confinement) -> list[str]:
        """The command as it is."""
        return list(command)

    def inside(self, confinement: Confinement, path: str) -> str:
        """The host path: nothing is mounted."""
        return str({**confinement.read_only, **confinement.writable}[path])
