"""A pack outside the tree: installed as a stranger's would be, and used from check to judged submission."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from madang.assets.search import glossary
from madang.interfaces.cli.home import _pack_row
from madang.kernel import extension
from madang.kernel.errors import TextMissing

ROOT = Path(__file__).parents[2]
PACK = ROOT / "examples" / "minimal-pack"


@pytest.fixture(scope="module")
def installed() -> Iterator[None]:
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--no-deps", "--no-build-isolation", str(PACK)], check=True)
    yield
    subprocess.run([*pip, "uninstall", "--yes", "madang-rain"], check=True)


def madang(*arguments: object, cwd: Path | None = None) -> str:
    command = [sys.executable, "-m", "madang.interfaces.cli.main", *map(str, arguments)]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MADANG_TO")}
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_is_listed_like_our_own(installed: None, tmp_path: Path) -> None:
    assert "Rainfall" in madang("--help")
    rows = json.loads(madang("--home", tmp_path / "none", "doctor", "--json"))
    (row,) = [row for row in rows if row["what"] == "pack rain"]
    assert (row["state"], row["detail"]) == ("ok", "daily, climate, tomorrow, terms")
    assert "rain/climate" in madang("run", "recipes", "--json")


WORDS = """
from madang.assets.search import asking, glossary, korean
print(glossary.english_of("강수일수")[1], glossary.korean_of("wet day")[0], korean.terms("호우특보"))
print([one.words for one in asking.concepts("호우주의보")[0].alternatives if one.language == "english"])
"""


def test_its_words_are_searched_by(installed: None) -> None:
    """In a process of its own: which packs are there is found once."""
    told = subprocess.run([sys.executable, "-c", WORDS], capture_output=True, text=True, check=True).stdout
    assert told.splitlines() == [
        "('rain days', 'wet days') ('강수일수',) ['호우특보']",
        "[('heavy', 'rain', 'advisory')]",
    ]


def test_words_that_cannot_be_read_stop_no_search(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "torn_words").mkdir()
    (tmp_path / "torn_words/terms.tsv").write_bytes("강수\train".encode("cp949"))
    monkeypatch.syspath_prepend(tmp_path)
    for reference in ("torn_words:terms.tsv", "torn_words:none.tsv", "nowhere.at.all:terms.tsv"):
        with pytest.raises(TextMissing):
            extension.load_text(reference)
        row = _pack_row(extension.Pack("torn", {"en": "Torn"}, terms=reference))
        assert (row["state"], reference in row["detail"]) == ("!!", True)
        assert glossary._brought(reference) == ""


def test_it_goes_from_a_deposit_to_the_board(installed: None, tmp_path: Path) -> None:
    madang("rain", "example", tmp_path / "rain")
    done = subprocess.run(
        [sys.executable, "-m", "tests.packs.rain_mission", str(tmp_path)],
        capture_output=True, text=True, cwd=ROOT, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["facts"] == {"days": 30, "mean_mm": 2.833}
    assert told["released"]
    assert told["n"] == 100
    assert 0.3 < told["value"] < 1


def test_the_page_shows_the_files_as_they_are() -> None:
    page = (ROOT / "docs" / "write-a-pack.md").read_text("utf-8")
    shown = re.findall(r"^`([a-z.]+)`\n\n```[a-z]+\n(.*?)```$", page, re.MULTILINE | re.DOTALL)
    assert len(shown) == 7
    for name, text in shown:
        (file,) = list(PACK.rglob(name))
        assert text == file.read_text("utf-8"), name
