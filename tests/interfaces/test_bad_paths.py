"""Paths on the command line that are not what is wanted there."""

from __future__ import annotations

from pathlib import Path

import pytest

from madang.interfaces.demo import cast
from tests.conftest import Played
from tests.interfaces.commands import here, refused


def test_a_file_where_a_folder_is_wanted_and_the_other_way_round(played: Played, tmp_path: Path) -> None:
    told, token = ("--home", played.home.path), played.stage.token(cast.COMPANIES[0])
    file = tmp_path / "a.csv"
    file.write_text("a,b\n1,2\n")
    deposit = ("asset", "deposit", file, "--name", "x", "--agreement", cast.AGREEMENT)
    refused(here(*told, *deposit, token=token), "a folder of files is deposited")
    refused(here(*told, "search", "evaluate", tmp_path, token=token), "cannot be used")
    (tmp_path / "none.jsonl").write_text("\n")
    refused(here(*told, "search", "evaluate", tmp_path / "none.jsonl", token=token), "Line 1")


@pytest.mark.parametrize("out", ["", ".", "/"])
def test_an_out_that_is_no_file(played: Played, out: str) -> None:
    told, token = ("--home", played.home.path), played.stage.token(cast.LEAD)
    for line in (
        ("calendar", "--out", out), ("ledger", "verifier", "--out", out),
        ("export", f"{cast.LEAD}/policy@1", "--out", out),
    ):  # fmt: skip
        refused(here(*told, *line, token=token), "folder, or names no file")
