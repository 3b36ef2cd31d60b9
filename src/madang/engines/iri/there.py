"""What the job at the facility is: ``python -m madang.engines.iri.there FOLDER``.

It unpacks the parcel in ``FOLDER/sent``, has the keeper execute the job once, and puts what the job left into
``FOLDER/returned``. Started a second time on one folder it does nothing and ends with 75.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from madang.engines.iri import parcels
from madang.engines.iri.parcels import TAKEN
from madang.runs.live import tail_of

FOLDER, PYTHON = "@FOLDER@", "@PYTHON@"
"""What stands for this folder, and for Python here, in the job that was sent."""
_MOST_BYTES, _MOST_FILES = 2**50, 10**8
"""Of what was sent: our own home limits it."""


def serve(folder: Path) -> int:
    """Execute the job of a folder once; 0, or TAKEN."""
    begun = time.monotonic()
    try:
        os.close(os.open(folder / "taken", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        return TAKEN
    work = folder / "work"
    work.mkdir(mode=0o700)
    sent = folder / "sent"
    parcel = parcels.read_index((sent / parcels.INDEX).read_bytes())
    parcels.unpack(parcel, sent, work, _MOST_BYTES, _MOST_FILES)
    shutil.rmtree(sent)
    job = _placed(json.loads((work / "sent.json").read_text("utf-8")), work)
    (work / "job.json").write_text(json.dumps(job), "utf-8")
    for host in job["writable"].values():
        Path(host).mkdir(parents=True, exist_ok=True)
    _keep(work)
    tail = work / "tail.txt"
    tail.write_bytes(tail_of(work / "log" / "log.txt"))
    # The log before what may be refused.
    sources = {"exit.json": work / "exit.json", "log/log.txt": tail, "output": work / "output"}
    parcels.pack(sources, folder / "returned", text=True, facts=lambda: {"seconds": time.monotonic() - begun})
    shutil.rmtree(work, ignore_errors=True)
    return 0


def _placed(value: Any, work: Path) -> Any:
    """The job as it was sent, with this machine's folder and Python in their places."""
    if isinstance(value, dict):
        return {key: _placed(one, work) for key, one in value.items()}
    if isinstance(value, list):
        return [_placed(one, work) for one in value]
    if isinstance(value, str):
        return value.replace(FOLDER, str(work)).replace(PYTHON, sys.executable)
    return value


def _keep(work: Path) -> None:
    """The keeper in a process of its own; it is told of the end that this one is told of."""
    keeper = subprocess.Popen([sys.executable, "-m", "madang.engines.keeper", str(work)])
    signal.signal(signal.SIGTERM, lambda *_: keeper.terminate())
    keeper.wait()


if __name__ == "__main__":
    sys.exit(serve(Path(sys.argv[1])))
