"""Running the command line: as a process of its own, or, many times, in this one."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from unittest.mock import patch

from madang.interfaces.cli import main

Done = subprocess.CompletedProcess[str]


def _environment(token: str | None, given: dict[str, str]) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MADANG_")}
    return {**clean, **given, **({"MADANG_TOKEN": token} if token is not None else {})}


def madang(*arguments: object, token: str | None = None, **environment: str) -> Done:
    """The command as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "madang.interfaces.cli.main", *map(str, arguments)],
        capture_output=True,
        text=True,
        env=_environment(token, environment),
        check=False,
    )


def here(*arguments: object, token: str | None = None, **environment: str) -> Done:
    """The same in this process, which has everything imported already."""
    out, err = io.StringIO(), io.StringIO()
    told = _environment(token, environment)
    with patch.dict(os.environ, told, clear=True), redirect_stdout(out), redirect_stderr(err):
        try:
            code = main.run([str(argument) for argument in arguments])
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 1
    return Done(list(map(str, arguments)), code, out.getvalue(), err.getvalue())


def refused(done: Done, *words: str, code: int = 2) -> None:
    """In three parts, with these words."""
    assert done.returncode == code, done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 3, done.stderr
    for word in words:
        assert word in done.stderr
