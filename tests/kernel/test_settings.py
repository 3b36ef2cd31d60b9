"""Settings: where each value comes from, and what is said of wrong ones."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict

from madang.kernel import clock
from madang.kernel.canonical import canonical_bytes, canonical_digest, parse_json
from madang.kernel.errors import (
    BadName,
    BadValue,
    FileMissing,
    HomeExists,
    NoHome,
    UnknownKey,
    UnreadableToml,
)
from madang.kernel.home import create, open_home
from madang.kernel.ids import check_slug, id_of_digest, new_id
from madang.kernel.settings import load, read_document, read_toml
from tests import records


def test_later_sources_win_and_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "madang.toml").write_text('port = 9000\nlanguage = "ko"\n')
    monkeypatch.setenv("MADANG_PORT", "9001")
    loaded = load(tmp_path, {"host": "::1"})
    assert (loaded.values.port, loaded.values.language, loaded.values.host) == (9001, "ko", "::1")
    assert loaded.origins["port"] == "environment (MADANG_PORT)"
    assert loaded.origins["language"].endswith("madang.toml")
    assert loaded.origins["host"] == "command line"
    assert loaded.origins["isolation"] == "default"


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ("port = ", UnreadableToml),
        ("prot = 8800", UnknownKey),
        ("port = 0", BadValue),
        ('language = "fr"', BadValue),
        ("\xff", UnreadableToml),
    ],
)
def test_wrong_settings_are_named(tmp_path: Path, content: str, error: type[Exception]) -> None:
    (tmp_path / "madang.toml").write_bytes(content.encode("latin-1"))
    with pytest.raises(error) as caught:
        load(tmp_path)
    assert "madang.toml" in str(caught.value)


class _Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    size: int


class _Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")
    part: tuple[_Inner, ...]


def test_a_document_error_names_the_key_and_the_known_ones(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text("[[part]]\nsize = 1\nsise = 2\n")
    with pytest.raises(UnknownKey) as caught:
        read_document(file, _Outer)
    assert caught.value.facts["key"] == "part.0.sise"
    assert caught.value.facts["known"] == "size"
    file.write_text('[[part]]\nsize = "big"\n')
    with pytest.raises(BadValue):
        read_document(file, _Outer)
    with pytest.raises(FileMissing):
        read_toml(tmp_path / "none.toml")


def test_a_home_is_never_made_over_something(tmp_path: Path) -> None:
    records.new_home(tmp_path / "home").database.close()
    key = (tmp_path / "home/keys/ledger.key").read_bytes()
    with pytest.raises(HomeExists):
        create(tmp_path / "home")
    assert (tmp_path / "home/keys/ledger.key").read_bytes() == key
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").write_text("years of work")
    with pytest.raises(HomeExists):
        create(tmp_path / "mine")
    assert (tmp_path / "mine/thesis.txt").read_text() == "years of work"
    with pytest.raises(NoHome):
        open_home(tmp_path / "nowhere")


def test_keys_are_private(tmp_path: Path) -> None:
    home = records.new_home(tmp_path / "home")
    home.database.close()
    for name in ("ledger.key", "ledger.salt"):
        assert (home.path / "keys" / name).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", ["", "-a", "a-", "A", "a b", "a/b", "가", "a" * 64, "a\n", "../x"])
def test_bad_names(name: str) -> None:
    with pytest.raises(BadName):
        check_slug(name, "name")


def test_ids_sort_by_time() -> None:
    early = datetime(2026, 1, 1, tzinfo=UTC)
    with clock.use_clock(lambda: early):
        first = new_id("x")
    assert first < new_id("x")
    assert len(id_of_digest("ver", bytes(32))) == len("ver-") + 26


def test_time_as_text_and_back() -> None:
    at = datetime(2026, 11, 22, 9, 0, 0, 123000, tzinfo=UTC)
    assert clock.to_text(at) == "2026-11-22T09:00:00.123Z"
    assert clock.from_text(clock.to_text(at)) == at


def test_canonical_json() -> None:
    assert canonical_bytes({"b": 1, "a": [1.0, "가"]}) == '{"a":[1,"가"],"b":1}'.encode()
    assert canonical_digest({}).startswith("sha256:44136fa355b3678a")
    for text in ('{"a":1,"a":2}', "[NaN]", "[Infinity]", "[" * 100_000):
        with pytest.raises(ValueError, match=r"."):
            parse_json(text)
