"""The steps engine ``ray``: the parts of a work as tasks of a Ray cluster (extra `ray`).

Without an address a cluster of this machine is started on loopback, and stopped afterwards. A task whose
worker dies is done again; so the work must have no effect but its answer, as the port says.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from madang.kernel import i18n
from madang.kernel.errors import Environment, ExtraMissing, MadangError
from madang.kernel.extension import Engine
from madang.kernel.settings import Values
from madang.kernel.steps import Answer, Part, Shared

i18n.register_catalogue("madang.engines")

ENGINE = Engine("ray", "steps", "madang.engines.ray:RaySteps")

_TRIES, _SECONDS = 3, 5


class RayUnreachable(Environment):
    """No Ray cluster could be reached or started. Facts: address, reason."""


class RaySteps:
    """See the module's docstring."""

    def __init__(self, values: Values) -> None:
        self._address = values.ray_address

    def map(
        self, work: Callable[[Shared, Part], Answer], shared: Shared, parts: Sequence[Part]
    ) -> Iterator[Answer]:
        """As the port says; Raises RayUnreachable, ExtraMissing."""
        ray = self._connect()
        try:
            task = ray.remote(num_cpus=1, max_retries=_TRIES)(work)
            kept = ray.put(shared)
            pending = [task.remote(kept, part) for part in parts]
            while pending:
                yield self._answer(ray, pending.pop(0))
        finally:
            ray.shutdown()

    def _connect(self) -> Any:
        # Set before Ray is imported: nothing is reported to its makers, and no token of ours goes to workers.
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        try:
            import ray
        except ModuleNotFoundError as error:
            raise ExtraMissing(module=error.name, extra="ray") from error
        self._require_somebody_there()
        token = os.environ.pop("MADANG_TOKEN", None)
        local: dict[str, Any] = {} if self._address else {"_node_ip_address": "127.0.0.1"}
        try:
            ray.init(
                address=self._address or "local", include_dashboard=False, log_to_driver=False,
                configure_logging=False, **local,
            )  # fmt: skip
        except (ray.exceptions.RayError, ConnectionError, OSError, RuntimeError, ValueError) as error:
            raise RayUnreachable(address=self._address or "local", reason=str(error)[:300]) from error
        finally:
            if token is not None:
                os.environ["MADANG_TOKEN"] = token
        return ray

    def _require_somebody_there(self) -> None:
        """Ray ends the whole process where nobody answers at an address; so that is looked at first."""
        host, _, port = self._address.removeprefix("ray://").rpartition(":")
        if not (host and port.isdecimal()):
            return
        try:
            socket.create_connection((host, int(port)), timeout=_SECONDS).close()
        except OSError as error:
            raise RayUnreachable(address=self._address, reason=str(error)) from error

    def _answer(self, ray: Any, reference: Any) -> Any:
        try:
            return ray.get(reference)
        except ray.exceptions.RayTaskError as error:
            cause = error.cause
            raise (cause if isinstance(cause, MadangError) else error) from None
        except ray.exceptions.RayError as error:
            raise RayUnreachable(address=self._address or "local", reason=str(error)[:300]) from error
