"""Tampering: edit, delete or insert one row anywhere, and verification names it."""

from __future__ import annotations

import pytest

from madang.assets import lineage, reads
from madang.assets import service as assets
from madang.assets.identifiers.model import dois
from madang.assets.withdrawing import service as withdrawing
from madang.kernel.errors import ProofInvalid, SignatureInvalid
from madang.kernel.ledger import log, proof
from madang.kernel.ledger.note import Signer, write_checkpoint
from madang.kernel.ledger.verify import Verdict
from madang.programme import line
from madang.programme.verification import verify_home
from tests import records
from tests.conftest import Played

TABLES = sorted(name for name, table in log.metadata.tables.items() if table.info != log.UNRECORDED)


def tampered(played: Played, *statements: str) -> Verdict:
    """What verification says of a home after somebody changed its database."""
    records.tamper(played.home.database, *statements)
    return verify_home(played.home)


@pytest.fixture(autouse=True)
def read(request: pytest.FixtureRequest) -> None:
    """Somebody has read something and taken something back, so that no table is empty."""
    if "copied" in request.fixturenames:
        played: Played = request.getfixturevalue("copied")
        assets.look(played.home, played.actor("company-b"), played.stage.notes["pool"])
        reads.record(played.home)
        with played.home.database.write() as session:
            taken = played.stage.notes["deposit:company-b"]
            version_id = lineage.get(session, taken).version_id
            row = {"version_id": version_id, "doi": "10.5072/x", "state": "draft", "document": {}}
            session.insert(dois, row | {"member": "mem-x", "registered_at": "2026-01-01T00:00:00.000Z"})
            withdrawing.withdraw(session, played.actor("company-b"), taken, "a test")


def named(verdict: Verdict, table: str) -> set[str]:
    return {found.problem for found in verdict.disagreements if found.table == table}


def first_text_column(table: str) -> str:
    """A column outside the primary key whose text can be changed."""
    for column in log.metadata.tables[table].columns:
        if not column.primary_key and column.type.python_type is str:
            return column.name
    return ""


@pytest.mark.parametrize("table", TABLES)
def test_a_deleted_row_is_named(copied: Played, table: str) -> None:
    verdict = tampered(
        copied, f'DELETE FROM "{table}" WHERE {records.ROW} = (SELECT min({records.ROW}) FROM "{table}")'
    )
    assert not verdict.holds
    expected = {log.entries.name: "entry-out-of-place"}.get(table, "row-deleted")
    assert expected in named(verdict, table)


@pytest.mark.parametrize("table", TABLES)
def test_an_inserted_row_is_named(copied: Played, table: str) -> None:
    columns = log.metadata.tables[table].columns
    changed = []
    for column in columns:
        quoted = f'"{column.name}"'
        if (
            column.primary_key
            or column.unique
            or column.name in ("digest", "number", "name", "asset", "remote_id")
        ):
            quoted = f"{quoted} || 'x'" if column.type.python_type is str else f"{quoted} + 100000"
        changed.append(quoted)
    names = ", ".join(f'"{column.name}"' for column in columns)
    statement = (
        f'INSERT INTO "{table}" ({names}) SELECT {", ".join(changed)} FROM "{table}" '
        f'WHERE {records.ROW} = (SELECT min({records.ROW}) FROM "{table}")'
    )
    verdict = tampered(copied, statement)
    expected = {log.entries.name: "entry-out-of-place"}.get(table, "row-inserted")
    assert expected in named(verdict, table)


@pytest.mark.parametrize("table", TABLES)
def test_an_edited_row_is_named(copied: Played, table: str) -> None:
    column = first_text_column(table)
    statement = f'UPDATE "{table}" SET "{column}" = coalesce("{column}", \'\') || \' \''
    if table == log.nodes.name:
        zero = "'\\x00'::bytea" if records.POSTGRES else "x'00'"
        statement = f'UPDATE "{table}" SET hash = {zero}'
    elif not column:  # every column belongs to the key: an edit is a deletion and an insertion
        key = next(iter(log.metadata.tables[table].primary_key.columns)).name
        statement = f'UPDATE "{table}" SET "{key}" = "{key}" || \'x\''
    statement += f' WHERE {records.ROW} = (SELECT max({records.ROW}) FROM "{table}")'
    verdict = tampered(copied, statement)
    expected = {log.entries.name: {"entry-edited"}}.get(table, {"row-edited", "row-inserted"})
    assert expected & named(verdict, table)


def test_a_numeric_edit_is_named(copied: Played) -> None:
    verdict = tampered(copied, "UPDATE scores SET value = 1.0 WHERE outcome = 'not-reached'")
    assert named(verdict, "scores") == {"row-edited"}


def test_an_entry_rewritten_with_its_row_is_named(copied: Played) -> None:
    verdict = tampered(
        copied,
        "UPDATE ledger_entries SET leaf = replace(leaf, '\"not-reached\"', '\"reached\"') "
        "WHERE leaf LIKE '%\"not-reached\"%'",
        "UPDATE scores SET outcome = 'reached'",
    )
    assert "entry-edited" in named(verdict, log.entries.name)
    assert "row-edited" in named(verdict, "scores")


def test_a_cut_log_is_named_by_a_kept_checkpoint(copied: Played) -> None:
    with copied.home.database.read() as session:
        note = log.current_checkpoint(session.connection)
        size = log.size_of(session.connection)
    (copied.home.path / "checkpoints" / "1.txt").write_text(note)
    verdict = tampered(
        copied,
        f"DELETE FROM ledger_entries WHERE position = {size - 1}",
        f"DELETE FROM ledger_nodes WHERE level = 0 AND position = {size - 1}",
    )
    assert "log-cut" in named(verdict, "checkpoint")
    assert "log-cut" in named(verdict, log.head.name)


def test_an_unknown_table_is_named(copied: Played) -> None:
    assert named(tampered(copied, "CREATE TABLE scores_2 (id TEXT)"), "scores_2") == {"table-unknown"}


@pytest.fixture(scope="module")
def proven(played: Played) -> tuple[dict[str, object], str]:
    with played.home.database.read() as session:
        links = line.collect(session, played.stage.notes["submission:pooled"])
        made = proof.make(session.connection, played.home.database.keys, links)
        return made, log.current_checkpoint(session.connection)


def test_altering_any_link_fails(proven: tuple[dict[str, object], str]) -> None:
    made, note = proven
    links = made["links"]
    assert isinstance(links, list)
    line.follow(proof.check(made, note)[1])
    for index, link in enumerate(links):
        for change in (
            {"leaf": link["leaf"].replace('"kind"', '"Kind"')},
            {"leaf": link["leaf"][:-2] + " }"},
            {"position": link["position"] + 1},
            {"path": link["path"][:-1]},
        ):
            altered = [*links[:index], {**link, **change}, *links[index + 1 :]]
            with pytest.raises(ProofInvalid):
                line.follow(proof.check({**made, "links": altered}, note)[1])


def test_leaving_out_or_exchanging_any_link_fails(proven: tuple[dict[str, object], str]) -> None:
    made, note = proven
    links = made["links"]
    assert isinstance(links, list)
    for index, link in enumerate(links):
        rest = [*links[:index], *links[index + 1 :]]
        with pytest.raises(ProofInvalid):
            line.follow(proof.check({**made, "links": rest}, note)[1])
        other = next(other for other in links if other["role"] != link["role"])
        swapped = [*rest, {**other, "role": link["role"]}]
        with pytest.raises(ProofInvalid):
            line.follow(proof.check({**made, "links": swapped}, note)[1])


def test_a_proof_under_another_key_or_checkpoint_fails(proven: tuple[dict[str, object], str]) -> None:
    made, note = proven
    other = Signer.new("madang.local/ledger")
    with pytest.raises(SignatureInvalid):
        proof.check(made, note, other.verifier)
    checkpoint, _ = proof.check(made, note)
    with pytest.raises(SignatureInvalid):
        proof.check(made, write_checkpoint(checkpoint, other))
    with pytest.raises(ProofInvalid):
        proof.check({**made, "format": "other"}, note)
