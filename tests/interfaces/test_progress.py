"""How far a long transfer is: told on a terminal, and nowhere else."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

from madang.interfaces.demo import cast
from tests.conftest import Played
from tests.interfaces.commands import here
from tests.serving import serving


def _on_a_terminal(*arguments: object, token: str) -> tuple[str, str]:
    """(standard output, what a terminal got as standard error) of the command; it must end well."""
    master, slave = pty.openpty()
    environment = {**os.environ, "MADANG_TOKEN": token, "TERM": "xterm", "COLUMNS": "100"}
    line = [sys.executable, "-m", "madang.interfaces.cli.main", *map(str, arguments)]
    with subprocess.Popen(line, env=environment, stdout=subprocess.PIPE, stderr=slave, text=True) as process:
        os.close(slave)
        shown = b""
        while True:
            try:
                piece = os.read(master, 65536)
            except OSError:  # Linux tells the end of a terminal so
                break
            if not piece:
                break
            shown += piece
        assert process.stdout is not None
        out = process.stdout.read()
    os.close(master)
    assert process.returncode == 0, shown
    return out, shown.decode("utf-8", "replace")


def test_a_bar_on_a_terminal_alone(copied: Played, tmp_path: Path) -> None:
    token = copied.stage.token("company-b")
    folder = tmp_path / "data"
    folder.mkdir()
    for number in range(6):
        (folder / f"{number}.bin").write_bytes(os.urandom(3_000_000))
    deposit = ("asset", "deposit", folder, "--agreement", cast.AGREEMENT, "--name")
    where = ("--home", copied.home.path)
    out, shown = _on_a_terminal(*where, *deposit, "shown", token=token)
    assert "company-b/shown@1" in out
    assert "18.0/18.0 MB" in shown
    with serving(copied.home.path) as address:
        out, shown = _on_a_terminal("--server", address, *deposit, "sent", token=token)
        assert "18.0/18.0 MB" in shown
        taken = ("asset", "download", "company-b/sent@1", tmp_path / "home")
        assert "18.0/18.0 MB" in _on_a_terminal("--server", address, *taken, token=token)[1]
    quiet = here(*where, *deposit, "quiet", token=token)
    assert (quiet.returncode, quiet.stderr) == (0, "")
    assert "MB" not in quiet.stdout
