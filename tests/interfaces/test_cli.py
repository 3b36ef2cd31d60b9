"""The command line: three-part errors with exit code 2, JSON, help, and a mission by hand."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from madang.interfaces.demo import cast
from tests import records
from tests.conftest import Played

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "manipulation-10"


def madang(
    *arguments: object, token: str | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MADANG_")}
    if token is not None:
        environment["MADANG_TOKEN"] = token
    return subprocess.run(
        [sys.executable, "-m", "madang.interfaces.cli.main", *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**clean, **environment},
        check=False,
    )


def refused(done: subprocess.CompletedProcess[str], *words: str, code: int = 2) -> None:
    assert done.returncode == code, done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 3, done.stderr
    for word in words:
        assert word in done.stderr


@pytest.fixture
def home(tmp_path: Path) -> Path:
    path = tmp_path / "home"
    address = records.address()
    where = ("--database-url", address) if address else ()
    assert madang("--home", path, "init", "msit", *where).returncode == 0
    return path


@pytest.fixture
def officer(home: Path) -> str:
    return (home / "tokens" / "msit.officer").read_text().strip()


def test_help_names_every_command_and_imports_none_of_them() -> None:
    done = madang("--help")
    assert done.returncode == 0
    for name in (
        "init", "config", "doctor", "demo", "org", "agreement", "mission", "asset", "compute", "run",
        "score", "ledger", "serve", "physical", "tabular", "why", "calendar",
    ):  # fmt: skip
        assert name in done.stdout
    code = (
        "import sys; sys.argv = ['madang', '--help']; import madang.interfaces.cli.main as m\n"
        "try: m.main()\nexcept SystemExit: pass\n"
        "heavy = {'torch', 'mujoco', 'pyarrow', 'fastapi', 'sqlalchemy', 'cedarpy', 'numpy', 'onnxruntime'}\n"
        "print('HEAVY', sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "HEAVY []" in done.stdout


@pytest.mark.parametrize(
    "group",
    ["org", "agreement", "mission", "asset", "compute", "run", "score", "ledger", "physical", "tabular"],
)
def test_every_command_has_help_with_an_example(group: str) -> None:
    listed = madang(group, "--help")
    assert listed.returncode == 0
    names = [
        line.strip("│ ").split()[0]
        for line in listed.stdout.splitlines()
        if line.startswith("│") and not line.strip("│ ").startswith("-") and line[2:3] != " "
    ]
    assert names
    for name in names:
        done = madang(group, name, "--help")
        assert done.returncode == 0
        assert "Example:" in done.stdout, f"{group} {name}"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["conjure"], ["conjure"]),
        (["org", "list", "--wrong"], ["--wrong"]),
        (["org", "list"], ["not signed in"]),
        (["mission", "open", "none.toml"], ["none.toml is not there"]),
    ],
)
def test_a_wrong_command_line(home: Path, arguments: list[str], words: list[str]) -> None:
    done = madang("--home", home, *arguments)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 3
    assert any(word in done.stderr for word in words) or "MADANG_TOKEN" in done.stderr


def test_no_home_and_an_existing_one(tmp_path: Path, home: Path) -> None:
    refused(madang("--home", tmp_path / "none", "org", "list"), "There is no Madang home")
    refused(madang("--home", home, "init", "msit"), "already a Madang home")
    refused(madang("--home", home, "demo", "--no-serve"), "already a Madang home", "rm -r")
    assert (home / "madang.db").exists() != records.POSTGRES


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[mission\n", "cannot be read as TOML"),
        ("colour = 1\n", "a key that Madang does not know: colour"),
        ("[mission]\nname = 1\n", "a value that does not fit"),
    ],
)
def test_broken_documents(home: Path, officer: str, tmp_path: Path, content: str, words: str) -> None:
    file = tmp_path / "mission.toml"
    file.write_text(content)
    refused(madang("--home", home, "mission", "open", file, token=officer), words, "nothing was changed")


def test_an_unknown_key_deep_inside_names_the_known_ones(home: Path, officer: str, tmp_path: Path) -> None:
    file = tmp_path / "mission.toml"
    file.write_text((EXAMPLES / "mission.toml").read_text().replace("target = 0.80", "targt = 0.80"))
    refused(madang("--home", home, "mission", "open", file, token=officer), "objective.targt", "target")


def test_duplicates_bad_names_and_foreign_roles(home: Path, officer: str) -> None:
    register = ("--home", home, "org", "register")
    assert madang(*register, "acme", "--kind", "company", token=officer).returncode == 0
    refused(madang(*register, "acme", "--kind", "company", token=officer), "already registered")
    refused(madang(*register, "가나", "--kind", "company", token=officer), "not a valid name")
    refused(madang(*register, "bolt", "--kind", "guild", token=officer), "ministry, institute")
    refused(madang("--home", home, "org", "list", token="madang_wrong"), "not signed in")
    refused(madang("--home", home, "--token", "/nowhere", "org", "list"), "/nowhere")


def test_korean(home: Path) -> None:
    done = madang("--home", home, "--language", "ko", "org", "list")
    assert "로그인되어 있지 않습니다" in done.stderr
    done = madang("--home", home, "org", "list", MADANG_LANGUAGE="ko")
    assert "로그인되어 있지 않습니다" in done.stderr


def test_config_names_each_origin(home: Path) -> None:
    rows = json.loads(madang("--home", home, "config", "--json", MADANG_PORT="9123").stdout)
    told = {row["setting"]: (row["value"], row["origin"]) for row in rows}
    assert told["port"] == (9123, "environment (MADANG_PORT)")
    assert told["log_name"][1].endswith("madang.toml")
    assert told["host"] == ("127.0.0.1", "default")
    (home / "madang.toml").write_text("prot = 1\n")
    refused(madang("--home", home, "config"), "prot")


def test_doctor_says_what_protects_and_what_does_not(home: Path) -> None:
    rows = json.loads(madang("--home", home, "doctor", "--json").stdout)
    told = {row["what"]: row for row in rows}
    assert told["pack physical"]["state"] == "ok"
    assert told["isolation process"]["state"] == "ok"
    assert any(row["state"] == "!!" for row in rows)
    bare = json.loads(madang("--home", home, "doctor", "--json", PATH="/nonexistent").stdout)
    details = " ".join(row["detail"] for row in bare if row["what"].startswith("process does not"))
    assert "reading or writing files that are not its own" in details
    assert "the evaluator's folder" in details


def test_every_listing_has_json(played: Played) -> None:
    home = played.home.path
    for arguments in (
        ["org", "list"], ["org", "whoami"], ["agreement", "list"], ["agreement", "show", cast.AGREEMENT],
        ["mission", "list"], ["mission", "show", cast.MISSION], ["asset", "list"],
        ["asset", "show", f"{cast.LEAD}/policy@1"], ["asset", "files", f"{cast.LEAD}/policy@1"],
        ["asset", "verify"], ["compute", "list"], ["compute", "awards", cast.MISSION], ["compute", "books"],
        ["run", "list"], ["run", "recipes"], ["run", "show", played.stage.notes["run"]],
        ["score", "list", "--mission", cast.MISSION],
        ["score", "show", played.stage.notes["submission:pooled"]], ["ledger", "list"], ["ledger", "verify"],
    ):  # fmt: skip
        overseer = played.stage.token(cast.MINISTRY, "steward")
        overseen = arguments in (["ledger", "list"], ["compute", "books"])
        token = overseer if overseen else played.stage.token(cast.LEAD)
        done = madang("--home", home, *arguments, "--json", token=token)
        assert done.returncode == 0, (arguments, done.stderr)
        assert json.loads(done.stdout) is not None
        plain = madang("--home", home, *arguments, token=token)
        assert plain.returncode == 0, (arguments, plain.stderr)


def test_an_outsider_learns_nothing_by_the_command_line(played: Played) -> None:
    home = played.home.path
    listed = json.loads(madang("--home", home, "mission", "list", "--json").stdout)
    assert [row["name"] for row in listed] == [cast.MISSION]
    shown = json.loads(madang("--home", home, "mission", "show", cast.MISSION, "--json").stdout)
    assert not {"deposits", "runs", "best", "stage", "models"} & set(shown)


def test_a_tampered_row_is_named_with_exit_code_4(copied: Played) -> None:
    records.tamper(copied.home.database, "UPDATE awards SET resource_seconds = resource_seconds * 10")
    done = madang("--home", copied.home.path, "ledger", "verify")
    assert done.returncode == 4
    assert "awards" in done.stdout
    assert "the row was edited" in done.stdout


def test_an_outsider_checks_the_proof_in_an_empty_folder(played: Played, tmp_path: Path) -> None:
    home = played.home.path
    proof, checkpoint = home / "proof.json", home / "checkpoint.txt"
    check = ("ledger", "check", proof, "--checkpoint", checkpoint)
    done = madang(*check)
    assert done.returncode == 0
    assert "holds:" in done.stdout
    key = json.loads(proof.read_text())["key"]
    assert madang(*check, "--key", key).returncode == 0
    refused(madang(*check, "--key", key.replace("madang", "nadang")), "not of the form", code=4)
    altered = tmp_path / "altered.json"
    altered.write_text(proof.read_text().replace("national-projects", "industry"))
    refused(madang("ledger", "check", altered, "--checkpoint", checkpoint), "not in the tree", code=4)
    altered.write_text("{")
    refused(madang("ledger", "check", altered, "--checkpoint", checkpoint), "malformed", code=4)
    refused(madang("ledger", "check", tmp_path / "none", "--checkpoint", checkpoint), "is not there")


def test_a_deposit_by_hand_is_recorded_checked_and_compared(copied: Played, tmp_path: Path) -> None:
    token = copied.stage.token("company-b")
    home = copied.home.path
    done = madang("physical", "record", "push-v3", tmp_path / "rec", "--episodes", "3", "--seed", "90000")
    assert done.returncode == 0, done.stderr
    refused(madang("physical", "record", "push-v3", tmp_path / "rec"), "already exists")
    refused(madang("physical", "record", "fly-v3", tmp_path / "rec2"), "push-v3")
    deposit = ("--home", home, "asset", "deposit", tmp_path / "rec", "--name", "push", "--agreement")
    done = madang(*deposit, cast.AGREEMENT, "--json", token=token)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)[0]
    assert (told["name"], told["state"]) == ("company-b/push@2", "accepted")
    refused(madang(*deposit, "no-such", token=token), "no agreement called no-such")
