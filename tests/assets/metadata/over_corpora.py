"""Reads every file below the folders named, by each reader of descriptions; prints what went wrong as JSON.

A process of its own, in 512 MiB and with five seconds of the processor for each reading; whatever is written,
asked of the network or started counts as wrong. Small files by every reader, others by what they look like.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import warnings
from pathlib import Path
from typing import Any

from madang.assets.metadata import reading
from madang.kernel.errors import MadangError

_SECONDS = 5.0
_MEMORY = 512 * 2**20
_SMALL = 2**20
_HEARD = frozenset(
    {
        "socket.connect", "socket.getaddrinfo", "urllib.Request", "subprocess.Popen", "os.system",
        "os.remove", "os.rename", "os.exec", "os.posix_spawn",
    }
)  # fmt: skip


class _TooSlow(BaseException):
    pass


def _stop(*_: Any) -> None:
    raise _TooSlow


def _watch(wrong: list[str]) -> None:
    def heard(event: str, arguments: tuple[Any, ...]) -> None:
        writes = event == "open" and bool(set(str(arguments[1] or "")) & set("wax+"))
        if event == "open" and arguments[1] is None:  # os.open: by its flags
            writes = bool(int(arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
        if writes or event in _HEARD:
            wrong.append(f"{event} {arguments[0]}")

    sys.addaudithook(heard)


def _read(data: bytes, form: str) -> str | None:
    """What went wrong; empty where the document was refused, None where it was understood."""
    signal.setitimer(signal.ITIMER_PROF, _SECONDS)
    try:
        reading.told_in(data, form)
    except MadangError:
        return ""
    except BaseException as error:  # whatever it is, it is what the test looks for
        return repr(error)[:200]
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return None


def main() -> None:
    """See the module's docstring."""
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGPROF, _stop)
    resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY, _MEMORY))
    wrong: list[str] = []
    for form in reading.FORMATS:  # loads what readers import, before anything is watched
        _read(b"{}", form)
    _watch(wrong)
    read = understood = 0
    for path in (one for root in sys.argv[1:] for one in sorted(Path(root).rglob("*")) if one.is_file()):
        if path.stat().st_size > reading.LARGEST:
            continue
        data = path.read_bytes()
        for form in ("", *(reading.FORMATS if len(data) < _SMALL else ())):
            read += 1
            what = _read(data, form)
            understood += what is None
            if what:
                wrong.append(f"{path} as {form or 'it looks'}: {what}")
    print(json.dumps({"read": read, "understood": understood, "wrong": wrong}))


if __name__ == "__main__":
    main()
