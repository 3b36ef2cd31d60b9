"""Strangers' words in a table: no markup of ours, no signs for the terminal."""

from __future__ import annotations

import pytest

from madang.interfaces.cli import context


def test_a_cell_is_printed_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"a": "[/x] [bold]b[/bold] [link=http://e]l", "b": "red\x1b[31m"}]
    context.print_rows(rows, {"a": "rain [mm]", "b": "b"}, False)
    context.print_facts({"file": "x\x1b]0;y"}, False)
    printed = capsys.readouterr().out
    assert "rain [mm]" in printed
    assert "[/x] [bold]b[/bold] [link=http://e]l" in printed
    assert "\x1b" not in printed
