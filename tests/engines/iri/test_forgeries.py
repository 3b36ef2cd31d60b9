"""A facility that forges what comes back: that run ends, no other does, the books stay within the lease."""

from __future__ import annotations

import base64
import io
import json
import tarfile
from hashlib import sha256
from pathlib import Path

import pytest

from madang.engines.iri import client
from madang.programme.verification import verify_home
from tests.engines.iri.conftest import Lender
from tests.engines.iri.test_iri import work


def forged(*members: tuple[str, bytes], kind: bytes = tarfile.REGTYPE) -> bytes:
    """An archive of these members."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, data in members:
            one = tarfile.TarInfo(name)
            one.type, one.size = kind, len(data)
            archive.addfile(one, io.BytesIO(data))
    return made.getvalue()


def header(count: int) -> bytes:
    one = tarfile.TarInfo("x")
    one.type = tarfile.XHDTYPE
    return one.tobuf() * count + bytes(10_240)


ENDED = b'{"exit_code": 0, "reason": "finished", "seconds": 1}'
FORGERIES: dict[str, tuple[bytes, str]] = {
    "nested end": (forged(("exit.json", b"[" * 100_000)), "1"),
    "end is a folder": (forged(("exit.json", b""), kind=tarfile.DIRTYPE), "1"),
    "log is a folder": (forged(("log/log.txt", b""), kind=tarfile.DIRTYPE), "1"),
    "preempted": (forged(("exit.json", ENDED.replace(b"finished", b"preempted"))), "1"),
    "a reason that is none": (forged(("exit.json", ENDED.replace(b"finished", b"\\ud800"))), "1"),
    "a code of many digits": (forged(("exit.json", ENDED.replace(b"0,", b"9" * 40 + b","))), "1"),
    "more than the lease": (forged(("exit.json", ENDED)), "1e9"),
    "no number": (forged(("exit.json", ENDED)), "NaN"),
    "no time at all": (forged(("exit.json", ENDED)), '"long"'),
    "many headers": (header(3000), "1"),
    "no archive": (b"x" * 5000, "1"),
}


@pytest.mark.parametrize("what", FORGERIES)
def test_what_a_facility_forges_ends_that_run_and_no_other(lender: Lender, what: str) -> None:
    """The supervisor goes on; nothing is made; no more is booked than the lease held."""
    archive, seconds = FORGERIES[what]
    data = base64.b64encode(archive)
    part = {"name": "000000", "size": len(data), "sha256": sha256(data).hexdigest()}
    index = f'{{"parts": [{json.dumps(part)}], "text": true, "facts": {{"seconds": {seconds}}}}}'
    done: list[str] = []
    forged_run, honest = lender.order(), lender.order(steps=21)

    def forge(method: str, path: str) -> None:
        """When the first run's job has ended and anything is asked."""
        for job in list(lender.facility.jobs.values()):
            ended = job.process is not None and job.process.poll() is not None
            if ended and job.spec["name"] == forged_run.run_id and not done:
                done.append(job.identity)
                returned = Path(job.spec["directory"]) / "returned"
                (returned / "000000").write_bytes(data)
                (returned / "parcel.json").write_text(index)

    lender.facility.fault = lambda method, path: forge(method, path)
    work(lender)
    ended = lender.get(forged_run)
    assert ended.state == "failed", (ended.state, ended.reason)
    assert (ended.used_resource_seconds or 0) <= 60 + 30
    assert lender.get(honest).state == "succeeded"
    assert verify_home(lender.played.home).holds


@pytest.mark.parametrize("instant", [1.8e12, 10**400, "soon", True, None], ids=str)
def test_times_that_are_none_are_not_believed(instant: object) -> None:
    told = {"id": "job", "status": {"state": "completed", "time": instant, "exit_code": 10**30}}
    job = client._job(told)
    assert job.time is None and job.exit_code is None
