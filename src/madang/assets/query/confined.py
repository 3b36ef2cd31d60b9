"""Functions of an engine run in the sandbox, and their answers taken in one exact form.

The other side is this module itself: ``python -m madang.assets.query.confined REFERENCE``. It reads its
arguments as JSON from standard input and writes what the function gives to standard output.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from madang.assets.query.errors import BadQuery, QueryTooLarge
from madang.kernel.extension import load_object
from madang.kernel.home import Home
from madang.kernel.i18n import Message
from madang.kernel.isolation import (
    KILLED,
    ONE_THREAD,
    OUT_OF_TIME,
    Confinement,
    Limits,
    last_words,
    own_output,
)

LARGEST_ANSWER = 256 * 2**20
_INPUTS, _OUTPUT = "/inputs", "/output"
_SCRATCH = 2**28
_LARGEST_FACTS = 4 * 2**20
_BROKEN = (-11, 139, -6, 134)
"""Codes of a process that a signal ended: it reached beyond its memory, or gave up."""


class Facts(BaseModel):
    """What a function gives."""

    model_config = ConfigDict(extra="forbid")

    refused: str | None = Field(None, max_length=2000)
    tables: list[str] = Field([], max_length=1000)
    columns: list[tuple[str, str]] = Field([], max_length=10_000)
    rows: int = Field(0, ge=0)
    cut: bool = False


def run(
    home: Home, reference: str, extra: str, asked: Mapping[str, object], folder: Path, seconds: int
) -> Facts:
    """Run a function confined: it sees ``folder/inputs`` and may write ``folder/output``.

    Raises BadQuery where it refuses, QueryTooLarge where it took more than it may.
    """
    limits = Limits(
        home.values.query_memory_bytes, seconds, file_bytes=LARGEST_ANSWER, scratch_bytes=_SCRATCH
    )
    places = {_INPUTS: folder / "inputs", _OUTPUT: folder / "output"}
    for place in places.values():
        place.mkdir(exist_ok=True)
    confinement = Confinement(
        {_INPUTS: places[_INPUTS]}, {_OUTPUT: places[_OUTPUT]}, environment=ONE_THREAD, limits=limits
    )
    inside = {name: home.isolation.inside(confinement, name) for name in places}
    told = {"extra": extra, "asked": asked, "inputs": inside[_INPUTS], "output": inside[_OUTPUT]}
    command = [sys.executable, "-m", "madang.assets.query.confined", reference]
    with (
        (folder / "asked").open("w+b") as question,
        (folder / "facts").open("w+b") as facts,
        (folder / "errors").open("w+b") as errors,
    ):
        question.write(json.dumps(told).encode())
        question.seek(0)
        process = home.isolation.start(command, confinement, stdin=question, stdout=facts, stderr=errors)
        try:
            code = process.wait(timeout=4 * seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            code = OUT_OF_TIME[0]
        facts.seek(0)
        return _taken(home, code, facts.read(_LARGEST_FACTS), last_words(errors) or "-", seconds)


def _taken(home: Home, code: int, facts: bytes, words: str, seconds: int) -> Facts:
    if code in OUT_OF_TIME:
        raise QueryTooLarge(reason=Message("query.too-slow", seconds=seconds))
    # An allocation that fails ends the process in any of several ways.
    if code in KILLED or (code != 0 and any(sign in words for sign in ("Memory", "alloc", "memory"))):
        raise QueryTooLarge(reason=Message("query.too-much-memory", limit=home.values.query_memory_bytes))
    if code in (-25, 153) or "File too large" in words:
        raise QueryTooLarge(reason=Message("query.too-long-answer", limit=LARGEST_ANSWER))
    if code in _BROKEN:
        raise QueryTooLarge(reason=Message("query.broke-down"))
    if code != 0:
        raise BadQuery(reason=Message("query.broke", code=code, detail=words[:300]))
    try:
        told = TypeAdapter(Facts).validate_json(facts)
    except ValueError as error:
        raise BadQuery(reason=Message("query.broke", code=code, detail=type(error).__name__)) from error
    if told.refused is not None:
        words = "".join(sign for sign in told.refused if sign.isprintable())
        raise BadQuery(reason=words or Message("query.one-select"))
    return told


def main() -> None:
    """The confined side."""
    answer = own_output()
    told = json.load(sys.stdin)
    function = load_object(sys.argv[1], told["extra"])
    facts = function(told["asked"], Path(told["inputs"]), Path(told["output"]))
    answer.write(json.dumps(facts, ensure_ascii=False, allow_nan=False))
    answer.close()


if __name__ == "__main__":
    main()
