"""The documentation's blocks do what they say: each is run, as the person it names.

```console as=organization.member    each line that begins with "$ " is run; the lines below it must be in
                                     its output, in their order; after "! " it must be refused, so
```python as=organization.member     is executed, with SERVER, TOKEN and FOLDER
"""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from madang.interfaces.demo import cast
from tests import records
from tests.conftest import Played
from tests.interfaces.commands import here
from tests.interfaces.test_web import shared_entry
from tests.serving import serving

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^```(console|python)( as=[^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = [page for page in sorted(ROOT.glob("docs/*.md")) if BLOCK.search(page.read_text("utf-8"))]


@dataclass(frozen=True)
class Step:
    """A command, and what its output must hold."""

    command: str
    says: tuple[str, ...]
    refused: bool


def steps(block: str) -> list[Step]:
    found = []
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, *said = part.strip().splitlines()
        refused = any(line.startswith("! ") for line in said)
        found.append(Step(command, tuple(line.removeprefix("! ") for line in said), refused))
    return found


def run(step: Step, played: Played, known: dict[str, str], token: str) -> None:
    command = re.sub(r"\$([A-Z_]+)", lambda match: known[match[1]], step.command)
    words = shlex.split(command)
    if words[0] == "curl":
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    else:
        assert words[0] == "madang"
        where = () if "--server" in words else ("--home", str(played.home.path))
        done = here(*where, *words[1:], token=token)
    assert (done.returncode != 0) == step.refused, (command, done.stderr)
    told, place = done.stdout + done.stderr, 0
    for words_told in step.says:
        place = told.find(words_told, place)
        assert place >= 0, (command, words_told, told)


def test_there_are_blocks_to_run() -> None:
    assert len(PAGES) >= 8
    assert all(step.command.startswith(("madang ", "curl ")) for page in PAGES for step in all_steps(page))


def all_steps(page: Path) -> list[Step]:
    blocks = BLOCK.findall(page.read_text("utf-8"))
    return [step for kind, _, block in blocks if kind == "console" for step in steps(block)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_pages_blocks_do_what_they_say(
    copied: Played, page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if records.POSTGRES:
        pytest.skip("the same over either database: run with SQLite")
    notes = copied.stage.notes
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    known = {
        "RUN": notes["run"], "SUBMISSION": notes["submission:pooled"], "AWARD": notes[f"award:{cast.LEAD}"],
        "EXAMPLES": str(ROOT / "examples" / "manipulation-10"), "ENTRY": str(shared_entry(copied)),
        "APPLICATION": notes[f"application:{cast.MIRRORED}"],
    }  # fmt: skip
    text = page.read_text("utf-8")
    served = serving(copied.home.path) if "SERVER" in text else contextlib.nullcontext("")
    with served as address:
        for kind, options, block in BLOCK.findall(text):
            who = re.search(r"as=([\w-]+)\.(\w+)", options)
            assert who is not None, options
            token = token_of(copied, *who.groups())
            if kind == "console":
                for step in steps(block):
                    run(step, copied, {**known, "SERVER": address, "MADANG_TOKEN": token}, token)
            else:
                given = {"SERVER": address, "TOKEN": token, "FOLDER": str(tmp_path)}
                # In a thread: a browser of other tests may have a loop in this one.
                with contextlib.redirect_stdout(io.StringIO()) as said, ThreadPoolExecutor(1) as aside:
                    aside.submit(exec, compile(block, page.name, "exec"), given).result()
                assert said.getvalue().strip(), block


def token_of(played: Played, organization: str, name: str) -> str:
    found = played.home.path / "tokens" / f"{organization}.{name}"
    if found.is_file():
        return found.read_text("utf-8").strip()
    return played.stage.token(organization, name)


def test_every_environment_variable_of_the_blocks_is_explained() -> None:
    used = {name for page in PAGES for name in re.findall(r"\$([A-Z_]+)", page.read_text("utf-8"))}
    assert used <= {
        "SERVER",
        "RUN",
        "SUBMISSION",
        "AWARD",
        "EXAMPLES",
        "ENTRY",
        "MADANG_TOKEN",
        "APPLICATION",
    }, used
