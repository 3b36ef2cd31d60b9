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
from tests.interfaces.commands import here, madang, refused
from tests.interfaces.test_web import shared_entry
from tests.serving import serving

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "manipulation-10"


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
    _check_examples(group)


@pytest.mark.parametrize("name", ["sql", "search", "probe", "export", "describe", "serve", "demo", "why"])
def test_a_command_of_one_word_has_help_with_an_example(name: str) -> None:
    assert "Example" in madang(name, "--help").stdout


def test_an_argument_that_is_no_text(home: Path) -> None:
    done = madang("--home", home, "search", os.fsdecode(b"\xff\xfe"))
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 3


def _check_examples(*group: str) -> None:
    listed = here(*group, "--help")
    assert listed.returncode == 0
    names = [
        line.strip("│ ").split()[0]
        for line in listed.stdout.splitlines()
        if line.startswith("│") and not line.strip("│ ").startswith("-") and line[2:3] != " "
    ]
    assert names
    for name in names:
        done = here(*group, name, "--help")
        assert done.returncode == 0
        if "COMMAND" in done.stdout.splitlines()[0]:
            _check_examples(*group, name)
        else:
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
    refused(here("--home", home, "mission", "open", file, token=officer), words, "nothing was changed")


def test_an_unknown_key_deep_inside_names_the_known_ones(home: Path, officer: str, tmp_path: Path) -> None:
    file = tmp_path / "mission.toml"
    file.write_text((EXAMPLES / "mission.toml").read_text().replace("target = 0.80", "targt = 0.80"))
    refused(here("--home", home, "mission", "open", file, token=officer), "objective.targt", "target")


def test_duplicates_bad_names_and_foreign_roles(home: Path, officer: str) -> None:
    register = ("--home", home, "org", "register")
    assert here(*register, "acme", "--kind", "company", token=officer).returncode == 0
    refused(here(*register, "acme", "--kind", "company", token=officer), "already registered")
    refused(here(*register, "가나", "--kind", "company", token=officer), "not a valid name")
    refused(here(*register, "bolt", "--kind", "guild", token=officer), "ministry, institute")
    refused(here("--home", home, "org", "list", token="madang_wrong"), "not signed in")
    refused(here("--home", home, "--token", "/nowhere", "org", "list"), "/nowhere")


def test_korean(home: Path) -> None:
    done = here("--home", home, "--language", "ko", "org", "list")
    assert "로그인되어 있지 않습니다" in done.stderr
    done = here("--home", home, "org", "list", MADANG_LANGUAGE="ko")
    assert "로그인되어 있지 않습니다" in done.stderr


def test_config_names_each_origin(home: Path) -> None:
    rows = json.loads(here("--home", home, "config", "--json", MADANG_PORT="9123").stdout)
    told = {row["setting"]: (row["value"], row["origin"]) for row in rows}
    assert told["port"] == (9123, "environment (MADANG_PORT)")
    assert told["log_name"][1].endswith("madang.toml")
    assert told["host"] == ("127.0.0.1", "default")
    (home / "madang.toml").write_text("prot = 1\n")
    refused(here("--home", home, "config"), "prot")


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
        ["asset", "uses", f"{cast.LEAD}/policy@1"], ["org", "show", cast.LEAD], ["search", "policy"],
        ["agreement", "obligations"], ["score", "board", cast.MISSION], ["why", cast.MISSION],
        ["run", "list"], ["run", "recipes"], ["run", "show", played.stage.notes["run"]],
        ["score", "list", "--mission", cast.MISSION],
        ["score", "show", played.stage.notes["submission:pooled"]], ["ledger", "list"], ["ledger", "verify"],
    ):  # fmt: skip
        overseer = played.stage.token(cast.MINISTRY, "steward")
        overseen = arguments in (["ledger", "list"], ["compute", "books"])
        token = overseer if overseen else played.stage.token(cast.LEAD)
        done = here("--home", home, *arguments, "--json", token=token)
        assert done.returncode == 0, (arguments, done.stderr)
        assert json.loads(done.stdout) is not None
        plain = here("--home", home, *arguments, token=token)
        assert plain.returncode == 0, (arguments, plain.stderr)


def test_an_outsider_learns_nothing_by_the_command_line(played: Played) -> None:
    home = played.home.path
    listed = json.loads(here("--home", home, "mission", "list", "--json").stdout)
    assert [row["name"] for row in listed] == [cast.MISSION]
    shown = json.loads(here("--home", home, "mission", "show", cast.MISSION, "--json").stdout)
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
    done = here(*check)
    assert done.returncode == 0
    assert "holds:" in done.stdout
    key = json.loads(proof.read_text())["key"]
    assert here(*check, "--key", key).returncode == 0
    refused(here(*check, "--key", key.replace("madang", "nadang")), "not of the form", code=4)
    altered = tmp_path / "altered.json"
    altered.write_text(proof.read_text().replace("national-projects", "industry"))
    refused(here("ledger", "check", altered, "--checkpoint", checkpoint), "not in the tree", code=4)
    altered.write_text("{")
    refused(here("ledger", "check", altered, "--checkpoint", checkpoint), "malformed", code=4)
    refused(here("ledger", "check", tmp_path / "none", "--checkpoint", checkpoint), "is not there")


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


def listed(played: Played) -> list[tuple[object, ...]]:
    """Commands that read, with whose token."""
    notes = played.stage.notes
    return [
        ("org", "list"), ("org", "show", cast.LEAD), ("org", "whoami"), ("agreement", "list"),
        ("agreement", "show", cast.AGREEMENT), ("agreement", "obligations"), ("mission", "list"),
        ("mission", "show", cast.MISSION), ("asset", "list"), ("asset", "list", "--kind", "model"),
        ("asset", "show", f"{cast.LEAD}/policy@1"), ("asset", "files", f"{cast.LEAD}/policy@1"),
        ("asset", "uses", f"{cast.LEAD}/policy@1"), ("compute", "list"), ("compute", "awards", cast.MISSION),
        ("compute", "statement"), ("run", "list"), ("run", "show", notes["run"]), ("run", "recipes"),
        ("score", "board", cast.MISSION), ("score", "list", "--mission", cast.MISSION),
        ("score", "show", notes["submission:pooled"]), ("why", cast.MISSION), ("search", "policy"),
        ("ledger", "show", shared_entry(played)),
    ]  # fmt: skip


def test_a_server_answers_as_the_home_does(copied: Played, tmp_path: Path) -> None:
    token = copied.stage.token(cast.LEAD)
    with serving(copied.home.path) as address:
        there = ("--server", address)
        for command in listed(copied):
            local = here("--home", copied.home.path, *command, "--json", token=token)
            remote = here(*there, *command, "--json", token=token)
            assert (local.returncode, local.stdout) == (remote.returncode, remote.stdout), (
                command,
                remote.stderr,
            )
            assert json.loads(remote.stdout) is not None
            plain = here(*there, *command, token=token)
            assert plain.stdout == here("--home", copied.home.path, *command, token=token).stdout, command
        for command in (("run", "log", copied.stage.notes["run"], "--follow"), ("calendar",)):
            assert here(*there, *command, token=token).returncode == 0, command
        overseer = copied.stage.token(cast.MINISTRY, "steward")
        for command in (("ledger", "verify"), ("ledger", "list"), ("compute", "books"), ("asset", "verify")):
            assert here(*there, *command, token=overseer).returncode == 0, command
        _proof_from(there, copied, token, tmp_path)
        for command in (
            ("run", "work"),
            ("score", "work"),
            ("score", "seal", "x"),
            ("score", "recompute", "x"),
        ):
            refused(here(*there, *command, token=token), "was not sent to", "--server")
        refused(here(*there, "asset", "show", "no/thing@1", token=token), "no/thing@1")
        refused(here(*there, "org", "list"), "not signed in")
        refused(here(*there, "ledger", "list", token=token), code=2)
    refused(here("--server", "http://127.0.0.1:1", "mission", "list"), "does not answer", code=3)


def _proof_from(there: tuple[str, str], played: Played, token: str, folder: Path) -> None:
    proof, checkpoint = folder / "proof.json", folder / "checkpoint.txt"
    files = ("--checkpoint", checkpoint)
    submission, entry = played.stage.notes["submission:pooled"], shared_entry(played)
    assert here(*there, "ledger", "prove", submission, "--out", proof, *files, token=token).returncode == 0
    assert "holds:" in here("ledger", "check", proof, *files).stdout
    assert here(*there, "ledger", "show", entry, "--proof", proof, *files, token=token).returncode == 0
    assert f"entry      #{entry}" in here("ledger", "check", proof, *files).stdout
    taken = folder / "policy"
    assert here(*there, "asset", "download", f"{cast.LEAD}/policy@1", taken, token=token).returncode == 0
    assert (taken / "policy.onnx").stat().st_size > 1000
    refused(here(*there, "asset", "download", f"{cast.LEAD}/policy@1", taken, token=token), "already exists")


def test_changes_by_a_server(copied: Played, tmp_path: Path) -> None:
    officer, company = copied.stage.token(cast.MINISTRY, "officer"), copied.stage.token("company-b")
    data = tmp_path / "data"
    data.mkdir()
    (data / "notes.txt").write_text("nothing that a pack knows")
    with serving(copied.home.path) as address:
        there = ("--server", address)
        register = (*there, "org", "register", "acme", "--kind", "company")
        assert here(*register, token=officer).stdout == "acme\n"
        refused(here(*register, token=officer), "already registered")
        assert (
            here(*there, "org", "member", "acme", "김", "--roles", "steward", token=officer).returncode == 0
        )
        file = tmp_path / "acme.token"
        assert here(*there, "org", "token", "acme", "김", "--out", file, token=officer).returncode == 0
        assert "acme" in here(*there, "--token", file, "org", "whoami").stdout
        assert here(*there, "org", "revoke", "acme", "김", token=officer).stdout == "1\n"
        refused(here(*there, "--token", file, "org", "whoami"), "not signed in")
        deposit = (*there, "asset", "deposit", data, "--name", "notes", "--agreement", cast.AGREEMENT)
        done = here(*deposit, "--json", token=company, XDG_CACHE_HOME=str(tmp_path / "cache"))
        assert done.returncode == 0, done.stderr
        (told,) = json.loads(done.stdout)
        assert (told["name"], told["state"]) == ("company-b/notes@1", "quarantined")
        refused(here(*there, "asset", "deposit", "nowhere", "--name", "x", "--agreement", "y"), "nowhere")
    assert here("--home", copied.home.path, "ledger", "verify").returncode == 0


def test_a_home_of_an_earlier_version_is_refused_until_it_is_upgraded(tmp_path: Path) -> None:
    home = records.new_home(tmp_path / "old")
    home.database.migrate("base")
    home.database.migrate("0003")
    home.database.close()
    refused(here("--home", home.path, "org", "list"), "0003", "madang upgrade")
    done = here("--home", home.path, "upgrade")
    assert done.returncode == 0 and done.stdout.startswith("0003 -> "), done.stderr
    verified = here("--home", home.path, "ledger", "verify")
    assert verified.returncode == 0 and "holds" in verified.stdout, verified.stderr
    refused(here("--home", home.path, "org", "list"), "token")


def test_compute_needs_no_further_extra() -> None:
    """Listing a home's compute loads nothing of the planner's: a base installation has no Numba."""
    code = "import sys, madang.interfaces.cli.compute; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_what_is_asked_for_is_not_passed_over(copied: Played, tmp_path: Path) -> None:
    """A language that there is none of, a file that a table is not written to."""
    told = ("--home", copied.home.path)
    token = copied.stage.token(cast.COMPANIES[0])
    refused(here("--language", "fr", *told, "asset", "list", token=token), "en, ko")
    refused(here(*told, "sql", "select 1", "--out", tmp_path / "x", token=token), "--format")
    assert not (tmp_path / "x").exists()


def test_a_search_tells_titles_and_what_was_taken_back(copied: Played) -> None:
    told = ("--home", copied.home.path)
    name = copied.stage.notes[f"deposit:{cast.COMPANIES[0]}"]
    token = copied.stage.token(cast.COMPANIES[0])
    found = here(
        *told, "--language", "ko", "search", "도달 동작", "--facet", "kind=dataset", token=token
    ).stdout
    assert "7축 로봇팔의 도달 동작" in found
    assert here(*told, "asset", "withdraw", name, "--reason", "consent", token=token).returncode == 0
    found = here(*told, "search", "도달 동작", "--facet", "kind=dataset", token=token).stdout
    assert "Reaching motions of a seven-axis arm (withdrawn)" in found


def test_a_number_that_an_operation_does_not_take(copied: Played, tmp_path: Path) -> None:
    token = copied.stage.token(cast.LEAD)
    for line in (
        ("search", "--limit", "0", "x"),
        ("search", "--offset", "-1", "x"),
        ("search", "--limit", "1000", "x"),
    ):
        refused(here("--home", copied.home.path, *line, token=token), line[1].strip("-"))
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    refused(here("probe", tmp_path, "--most", "-1"), "most")
