"""The confined side of probing: ``python -m madang.assets.probing.worker SECONDS``.

Reads one JSON line a file from standard input and answers each with one line. Each file has its own share of
processor time: the kernel ends this process where a reader uses more.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from madang.assets.probing.formats import Read
from madang.assets.probing.notes import Notes
from madang.kernel.errors import ExtraMissing
from madang.kernel.extension import load_object
from madang.kernel.isolation import own_output

LOOKING = 0.5
"""The part of a file's time that goes into looking at values; the rest is for opening it."""


def main() -> None:
    """Answer until the input ends."""
    seconds = int(sys.argv[1])
    answers = own_output()
    for place, told in enumerate(sys.stdin):
        _more_time(seconds)
        answers.write(json.dumps(look(json.loads(told), seconds, fresh=place == 0), allow_nan=False))
        answers.write("\n")
        answers.flush()


def _more_time(seconds: int) -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    soft = int(used.ru_utime + used.ru_stime) + 1 + seconds
    resource.setrlimit(
        resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard)
    )


def look(asked: Mapping[str, Any], seconds: float, *, fresh: bool = True) -> dict[str, Any]:
    """The report on one file. asked: file, path, format, size_bytes, reader, extra. fresh: nothing was read
    in this process before; MemoryError where it was, and memory is what lacks."""
    notes = Notes(asked["path"], asked["format"], asked["size_bytes"], LOOKING * seconds)
    try:
        read: Read = load_object(asked["reader"], asked["extra"])
        read(Path(asked["file"]), notes)
    except ExtraMissing as error:
        notes.find("reader-missing", "warn", module=error.facts["module"], extra=asked["extra"])
    except ModuleNotFoundError as error:
        notes.find("reader-missing", "warn", module=error.name or "-", extra=asked["extra"])
    except MemoryError:
        _out_of_memory(notes, fresh)
    except Exception as error:  # whatever a stranger's file made a library stumble over
        words = str(error).strip().partition("\n")[0] or type(error).__name__
        if "bad_alloc" in words:
            _out_of_memory(notes, fresh)
            return notes.report().to_json()
        notes.find("unreadable", "warn", reason=words.replace(asked["file"], asked["path"]))
    return notes.report().to_json()


def _out_of_memory(notes: Notes, fresh: bool) -> None:
    """What other files left here may have taken the memory: then a process of its own tries once more."""
    if not fresh:
        raise MemoryError
    notes.find("too-much-memory", "warn")


if __name__ == "__main__":
    main()
