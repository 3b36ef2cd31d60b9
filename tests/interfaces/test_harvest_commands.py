"""`madang harvest`: adding a source, walking through it, and what became of it, as one types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from madang.interfaces.demo import cast
from tests.conftest import Played
from tests.interfaces.commands import here, madang, refused

RAIN = {
    "@context": "https://schema.org/",
    "@type": "Dataset",
    "name": "Rain in Busan",
    "license": "CC-BY-4.0",
    "creator": {"@type": "Organization", "name": "KMA"},
}


@pytest.fixture
def opened(copied: Played, tmp_path: Path) -> Path:
    """A folder that the operator opened, with one description, one that is none, and data of nobody."""
    folder = tmp_path / "open"
    (folder / "관측").mkdir(parents=True)
    (folder / "관측" / "기온.csv").write_text("a,b\n1,2\n")
    (folder / "rain.json").write_text(json.dumps(RAIN))
    (folder / "other.json").write_text("{}")
    return folder


def test_a_source_from_its_first_line_to_its_records(copied: Played, opened: Path) -> None:
    token = copied.stage.token(cast.LEAD)
    told = {"token": token, "MADANG_HARVEST_FOLDERS": str(opened)}

    def say(*arguments: object) -> str:
        done = here("--home", copied.home.path, *arguments, **told)
        assert done.returncode == 0, done.stderr
        return done.stdout

    added = json.loads(say("harvest", "add", "desk", "--kind", "folder", "--url", opened, "--json"))
    assert (added["name"], added["kind"]) == ("desk", "folder")
    ran = json.loads(say("harvest", "run", "desk", "--json"))
    assert (ran["state"], ran["made"], ran["problems"]) == ("finished", 2, 1)
    assert "other.json" in say("harvest", "problems", "desk")
    assert "desk" in say("harvest", "status")
    assert ran["harvest_id"] in say("harvest", "status", "desk")
    listed = json.loads(say("harvest", "records", "desk", "--json"))
    by_format = {one["format"]: one["record_id"] for one in listed}
    shown = say("harvest", "show", by_format["croissant"])
    assert "Rain in Busan" in shown
    assert "CC-BY-4.0" in shown
    assert "KMA" in shown
    assert "관측" in say("harvest", "show", by_format["listing"])
    assert json.loads(say("harvest", "end", "desk", "--json"))["ended_at"]
    assert "ended (2" in say("harvest", "status")
    assert json.loads(say("harvest", "records", "desk", "--json")) == []
    assert "ended_at" not in say("harvest", "change", "desk", "--url", opened)
    # Bytes as they came, which only a process of its own writes.
    show = ("--home", copied.home.path, "harvest", "show")
    assert "기온.csv" in madang(*show, by_format["listing"], "--original", **told).stdout
    assert by_format["croissant"] in say("search", "rain Busan", "--json")
    again = json.loads(say("harvest", "run", "desk", "--whole", "--json"))
    assert (again["made"], again["changed"], again["gone"]) == (0, 0, 0)


def test_a_source_that_moved(copied: Played, opened: Path) -> None:
    home = ("--home", copied.home.path)
    told = {"token": copied.stage.token(cast.LEAD), "MADANG_HARVEST_FOLDERS": str(opened)}
    added = here(*home, "harvest", "add", "desk", "--kind", "folder", "--url", opened / "gone", **told)
    assert added.returncode == 0, added.stderr
    refused(here(*home, "harvest", "run", "desk", **told), "harvest change", code=3)
    moved = ("harvest", "change", "desk", "--url", opened)
    refused(here(*home, *moved, "--option", "set=x", **told), "set")
    others = {**told, "token": copied.stage.token("company-a")}
    refused(here(*home, *moved, **others), "steward")
    assert here(*home, *moved, **told).returncode == 0
    ran = json.loads(here(*home, "harvest", "run", "desk", "--json", **told).stdout)
    assert (ran["state"], ran["made"]) == ("finished", 2)
    refused(here(*home, "harvest", "change", "nowhere", "--url", opened, **told), "nowhere")


def test_what_cannot_be_harvested_is_told_in_three_parts(
    copied: Played, opened: Path, tmp_path: Path
) -> None:
    token = copied.stage.token(cast.LEAD)

    def say(word: str, *arguments: object) -> None:
        told = {"token": token, "MADANG_HARVEST_FOLDERS": str(opened)}
        refused(here("--home", copied.home.path, "harvest", *arguments, **told), word)

    say(str(opened), "add", "closed", "--kind", "folder", "--url", tmp_path)  # what is open
    say("stac", "add", "odd", "--kind", "pigeon", "--url", "http://x.example")  # what there is
    say("http", "add", "odd", "--kind", "ckan", "--url", "ftp://x.example")
    say("colour", "add", "odd", "--kind", "folder", "--url", opened, "--option", "colour=red")
    say("absent", "run", "absent")
    say("absent", "status", "absent")
