"""The one-file verifier gives the same answer as the command line, for whole lines and for altered ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from madang.interfaces.web import verifier
from madang.kernel import clock
from madang.kernel.errors import ProofInvalid, SignatureInvalid
from madang.kernel.i18n import Message
from madang.kernel.ledger import log, proof
from madang.kernel.ledger.note import Signer, Verifier, write_checkpoint
from madang.kernel.ledger.proof import Link
from madang.programme import entries, line
from tests.conftest import Played
from tests.programme.test_line_rules import ALTERATIONS, CONTRADICTIONS, changed


@pytest.fixture(scope="module")
def page(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Page:
    """The file, opened from disk with the network off."""
    file = tmp_path_factory.mktemp("verifier") / verifier.FILE_NAME
    file.write_text(verifier.page(), "utf-8")
    context = browser.new_context(locale="en-GB")
    context.set_offline(True)
    opened = context.new_page()
    opened.goto(file.as_uri())
    return opened


@pytest.fixture(scope="module")
def proven(played: Played) -> tuple[dict[str, Any], str]:
    with played.home.database.read() as session:
        links = line.collect(session, played.stage.notes["submission:pooled"])
        made = proof.make(session.connection, played.home.database.keys, links)
        return made, log.current_checkpoint(session.connection)


@pytest.fixture(scope="module")
def links(proven: tuple[dict[str, Any], str]) -> list[Link]:
    return proof.check(*proven)[1]


def by_command(text: str, note: str, key: str = "") -> tuple[str, str] | None:
    """What the command line's code answers: None where it holds, else where and why."""
    try:
        content = json.loads(text)
    except ValueError:
        return "format", "ledger.proof-malformed"
    try:
        line.read(proof.check(content, note, Verifier.parse(key) if key else None)[1])
    except ProofInvalid as error:
        return str(error.facts["link"]), _id(error.facts["reason"])
    except SignatureInvalid as error:
        return "", _id(error.facts["reason"])
    return None


def _id(reason: object) -> str:
    assert isinstance(reason, Message)
    return reason.message


def by_page(page: Page, text: str, note: str, key: str = "") -> tuple[str, str] | None:
    told = page.evaluate("([proof, note, key]) => verify(proof, note, key)", [text, note, key])
    if told["holds"]:
        return None
    return told["link"], told["message"]


def agree(page: Page, text: str, note: str, key: str = "") -> str | None:
    """Both give the same answer; returns the reason's id."""
    expected, found = by_command(text, note, key), by_page(page, text, note, key)
    if expected is None or found is None:
        assert expected == found
        return None
    assert found[1] == expected[1], (expected, found)
    if expected[0]:
        assert found[0] == expected[0]
    return expected[1]


def test_a_whole_line_holds(page: Page, proven: tuple[dict[str, Any], str]) -> None:
    made, note = proven
    assert agree(page, json.dumps(made), note) is None
    assert agree(page, json.dumps(made), note, made["key"]) is None


def test_every_altered_link_is_refused_for_the_same_reason(
    page: Page, proven: tuple[dict[str, Any], str]
) -> None:
    made, note = proven
    for index, link in enumerate(made["links"]):
        changes: list[dict[str, Any]] = [
            {"leaf": link["leaf"].replace('"kind"', '"Kind"')},
            {"leaf": link["leaf"] + " "},
            {"position": link["position"] + 1},
            {"position": -1},
            {"position": 0.5},
            {"path": link["path"][:-1]},
            {"path": [*link["path"], link["path"][0]]},
            {"path": ["?", *link["path"][1:]]},
            {"path": None},
            {"role": "other"},
        ]
        # Three of the ten for each link, in turn: every change meets links of every role.
        for change in (changes[(3 * index + turn) % len(changes)] for turn in range(3)):
            altered = [*made["links"][:index], {**link, **change}, *made["links"][index + 1 :]]
            assert agree(page, json.dumps({**made, "links": altered}), note) is not None
        if index < 12:
            without = [*made["links"][:index], *made["links"][index + 1 :]]
            assert agree(page, json.dumps({**made, "links": without}), note) is not None


def test_a_single_entrys_proof(page: Page, played: Played, links: list[Link]) -> None:
    entry = links[0].entry
    with played.home.database.read() as session:
        proven = entries.prove(session, played.home.database.keys, entry)
    made, note = proven["proof"], proven["checkpoint"]
    assert agree(page, json.dumps(made), note) is None
    (only,) = made["links"]
    for altered in ({**only, "leaf": only["leaf"] + " "}, {**only, "role": "score"}, {**only, "position": 0}):
        assert agree(page, json.dumps({**made, "links": [altered]}), note) is not None
    assert agree(page, json.dumps({**made, "links": [only, only]}), note) is not None


def test_other_keys_checkpoints_and_formats(page: Page, proven: tuple[dict[str, Any], str]) -> None:
    made, note = proven
    text = json.dumps(made)
    checkpoint, _ = proof.check(made, note)
    other = Signer.new("madang.local/ledger")
    assert agree(page, text, note, str(other.verifier)) == "ledger.other-key"
    assert agree(page, text, note, "nonsense") == "ledger.key-malformed"
    assert agree(page, text, write_checkpoint(checkpoint, other)) == "ledger.not-signed-by"
    for changed_note in (note.replace("\n\n", "\n"), "", note.replace("madang", "nadang"), note[:-20]):
        assert agree(page, text, changed_note) is not None
    for changed_proof in (
        {**made, "format": "other"}, {**made, "size": made["size"] + 1}, {**made, "key": "x"}, {},
        {**made, "links": None}, {**made, "links": [{}]}, {**made, "links": []},
    ):  # fmt: skip
        assert agree(page, json.dumps(changed_proof), note) is not None
    assert agree(page, "{", note) == "ledger.proof-malformed"


@pytest.mark.parametrize("number", range(len(ALTERATIONS)))
def test_lines_that_say_otherwise_are_refused_for_the_same_reason(
    page: Page, links: list[Link], number: int
) -> None:
    alter: Callable[[list[Link]], list[Link]] = ALTERATIONS[number]
    expected, found = refusals(page, alter(links))
    assert found == expected


@pytest.mark.parametrize("number", range(len(CONTRADICTIONS)))
def test_figures_that_contradict_are_refused_for_the_same_reason(
    page: Page, links: list[Link], number: int
) -> None:
    score = next(link for link in links if link.role == "score")
    statement = {**score.entry.facts["statement"], **CONTRADICTIONS[number]}
    expected, found = refusals(page, changed(links, "score", statement=statement))
    assert found == expected


def refusals(page: Page, altered: list[Link]) -> tuple[list[str], list[str]]:
    """Where and why the command, and the page, refuse a line."""
    with pytest.raises(ProofInvalid) as caught:
        line.follow(altered)
    given = [
        {
            "role": link.role,
            "entry": {
                "position": link.entry.position, "kind": link.entry.kind, "subject": link.entry.subject,
                "facts": link.entry.facts, "by": link.entry.by, "at": clock.to_text(link.entry.at),
            },
        }
        for link in altered
    ]  # fmt: skip
    script = """async (links) => {
        const told = (entry) => ({ ...entry, facts: strict(entry.facts), by: strict(entry.by) });
        const read = links.map(({ role, entry }) => ({ role, entry: told(entry) }));
        try { await follow(read); return null; } catch (error) { return [error.link, error.message]; }
    }"""
    expected = [str(caught.value.facts["link"]), _id(caught.value.facts["reason"])]
    return expected, page.evaluate(script, given)


def test_a_person_drops_files_in_and_reads_the_answer(
    page: Page, proven: tuple[dict[str, Any], str], tmp_path: Path
) -> None:
    made, note = proven
    (tmp_path / "proof.json").write_text(json.dumps(made), "utf-8")
    (tmp_path / "checkpoint.txt").write_text(note, "utf-8")
    page.set_input_files("#proof", tmp_path / "proof.json")
    page.set_input_files("#checkpoint", tmp_path / "checkpoint.txt")
    page.wait_for_selector("#answer[data-holds=true]")
    assert "It holds" in page.inner_text("#verdict")
    assert "company-a/reach@1" in page.inner_text("#line")
    page.click("#ko")
    page.wait_for_function("document.documentElement.lang === 'ko'")
    assert "유효합니다" in page.inner_text("#verdict")
    page.click("#en")
    (tmp_path / "proof.json").write_text(json.dumps(made).replace("national-projects", "industry"), "utf-8")
    page.set_input_files("#proof", tmp_path / "proof.json")
    page.wait_for_selector("#answer[data-holds=false]")
    assert "not in the tree" in page.inner_text("#verdict")
