"""Tables: what is read, what is found wrong in them, and what differs from the others'."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from madang.kernel import i18n
from madang.packs.tabular import checks, tables
from madang.packs.tabular.tables import BrokenTable, TableDocument

CHANCE = np.random.default_rng(7)


def document(**changes: Any) -> TableDocument:
    content: dict[str, Any] = {
        "file": "t.csv",
        "column": [{"name": "mass", "unit": "kg"}, {"name": '길이, "m"', "unit": "m"}],
        "target": {"name": "kind", "classes": ["a", "b"]},
    }
    return TableDocument.model_validate({**content, **changes})


def written(folder: Path, values: Any = None, truth: Any = None, **changes: Any) -> Path:
    values = CHANCE.normal(size=(40, 2)) if values is None else values
    truth = np.arange(len(values)) % 2 if truth is None else truth
    tables.write(folder, document(**changes), values, truth)
    return folder


def found(folder: Path) -> dict[str, str]:
    return {row[0]: row[1] for row in checks.examine(folder)["findings"]}


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    values = CHANCE.normal(size=(9, 2))
    table = tables.read(written(tmp_path / "t", values))
    np.testing.assert_allclose(table.values, values)
    assert table.document == document()
    assert table.target.tolist() == [0, 1, 0, 1, 0, 1, 0, 1, 0]
    regression = written(tmp_path / "r", values, values[:, 0] * 3, target={"name": "y", "unit": "K"})
    assert tables.read(regression).document.task == "regression"


def test_a_sound_table_has_no_finding(tmp_path: Path) -> None:
    told = checks.examine(written(tmp_path / "t"))
    assert told["findings"] == []
    assert told["facts"] == {"rows": 40, "columns": 2, "target": "kind", "task": "classification"}
    assert len(set(told["fingerprints"])) == 40


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda f: (f / "t.csv").unlink(), "t.csv"),
        (lambda f: (f / "t.csv").write_text("mass,kind\n1,a\n"), "lacks the column"),
        (lambda f: (f / "t.csv").write_bytes(b"\xff\xfe\x00"), ""),
        (lambda f: (f / "t.csv").write_text(""), ""),
        (lambda f: (f / "table.toml").write_text("file = 3"), "file"),
        (lambda f: (f / "table.toml").write_text('file = "../../etc/passwd.csv"'), "file"),
        (lambda f: (f / "t.csv").write_text('mass,"길이, ""m""",kind\n1,2,c\n'), "not among its classes"),
        (lambda f: (f / "t.csv").write_text('mass,"길이, ""m""",kind\nx,2,a\n'), "mass"),
    ],
)
def test_a_broken_table_is_told_and_quarantined(tmp_path: Path, spoil: Any, words: str) -> None:
    folder = written(tmp_path / "t")
    spoil(folder)
    with pytest.raises(BrokenTable) as caught:
        tables.read(folder)
    assert words in str(caught.value)
    assert found(folder) == {"table-broken": "block"}


def test_what_is_wrong_in_a_table_is_named(tmp_path: Path) -> None:
    values = CHANCE.normal(size=(100, 2))
    target = np.arange(100) % 2
    gaps = values.copy()
    gaps[:10, 0] = np.nan
    assert found(written(tmp_path / "gaps", gaps, target)) == {"values-missing": "warn"}
    gaps[:80, 0] = np.nan
    assert found(written(tmp_path / "holes", gaps, target))["values-missing"] == "block"
    constant = values.copy()
    constant[:, 1] = 4.0
    assert found(written(tmp_path / "constant", constant, target)) == {"column-constant": "warn"}
    leaked = np.column_stack([values[:, 0], target * 2.0 - 5])
    assert found(written(tmp_path / "leaked", leaked, target)) == {"target-leaked": "block"}
    twice = np.concatenate([values[:60], values[:40]])
    assert found(written(tmp_path / "twice", twice, target)) == {"rows-repeated": "warn"}
    many = np.repeat(values[:10], 10, axis=0)
    assert found(written(tmp_path / "many", many, target)) == {"rows-repeated": "block"}


def test_another_unit_or_other_columns_are_seen_beside_the_others(tmp_path: Path) -> None:
    def profile(name: str, scale: float = 1.0, **changes: Any) -> Any:
        values = CHANCE.normal(5, 1, size=(50, 2)) * [scale, 1]
        return checks.examine(written(tmp_path / name, values, **changes))["profile"]

    others = {name: [profile(name)] for name in ("a", "b", "c")}
    checker = checks.CHECKER
    assert checker.compare(profile("same"), others) == []
    (grams,) = checker.compare(profile("grams", 1000.0), others) or []
    assert (grams.check, grams.severity, grams.evidence["column"]) == ("unit-suspect", "block", "mass")
    renamed = profile("renamed", column=[{"name": "mass", "unit": "g"}, {"name": '길이, "m"', "unit": "m"}])
    (differing,) = checker.compare(renamed, others) or []
    assert differing.check == "columns-differ"
    (few,) = checker.compare(profile("few"), {"a": others["a"]}) or []
    assert few.check == "table-not-compared"


def test_every_finding_has_texts_in_both_languages() -> None:
    for check in (
        "table-broken", "values-missing", "column-constant", "target-leaked", "rows-repeated",
        "columns-differ", "unit-suspect", "table-not-compared",
    ):  # fmt: skip
        for language in i18n.LANGUAGES:
            for part in ("what", "remedy"):
                assert f"finding.{check}.{part}" in i18n.catalogue(language)
