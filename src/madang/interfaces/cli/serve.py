"""``madang serve``."""

from __future__ import annotations

import os
import secrets
import socket
from pathlib import Path

from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

from madang.interfaces.cli import context
from madang.interfaces.web.app import CODE_VARIABLE, HOME_VARIABLE
from madang.kernel.errors import Environment, FileMissing
from madang.kernel.ids import check_range


class PortTaken(Environment):
    """Another program listens there. Facts: host, port."""


def serve(
    *,
    host: str | None = None,
    port: context.Whole | None = None,
    sign_in: str | None = None,
    workers: context.Whole = 1,
) -> None:
    """Serve the pages and the API on this machine until Ctrl-C.

    Examples: madang serve --port 8800 --sign-in institute-a.researcher
              madang serve --workers 4

    Parameters
    ----------
    host
        Address to listen on (setting `host`; loopback unless you change it).
    port
        Port (setting `port`).
    sign_in
        Name of a file in HOME/tokens: prints a link that signs in as that person, once.
    workers
        Processes that answer; they share the home and its database.
    """
    home = context.home()
    address, number = host or home.values.host, port or home.values.port
    check_range("--port", number, 1, 65535)
    # A one-time link is kept in one process's memory.
    check_range("--workers", workers, 1, 1 if sign_in is not None else 256)
    _require_free(address, number)
    url = f"http://{address}:{number}"
    file = home.path / "tokens" / Path(sign_in or "").name
    if sign_in is not None and not file.is_file():
        raise FileMissing(file=str(file))
    print(f"{url}/missions  (Ctrl-C ends)", flush=True)
    os.environ[HOME_VARIABLE] = str(home.path)
    if sign_in is not None:
        code = secrets.token_urlsafe(18)
        os.environ[CODE_VARIABLE] = f"{code} {file.read_text('utf-8').strip()}"
        print(f"{url}/sign-in/{code}  (signs in as {sign_in}, once)", flush=True)
    Granian(
        "madang.interfaces.web.app:from_environment",
        address=address,
        port=number,
        interface=Interfaces.ASGI,
        factory=True,
        workers=workers,
        log_level=LogLevels.warning,
    ).serve()


def _require_free(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortTaken(host=host, port=port) from error
