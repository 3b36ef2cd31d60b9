"""``madang ledger``: verify, prove, check."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from cyclopts import App

from madang.interfaces.cli import context
from madang.kernel.canonical import parse_json
from madang.kernel.errors import FileMissing, ProofInvalid
from madang.kernel.home import write_durably
from madang.kernel.i18n import Message
from madang.kernel.ids import check_range
from madang.kernel.ledger import log, proof
from madang.kernel.ledger.note import Verifier, open_note
from madang.programme import line

app = App(name="ledger", help="Verify the ledger, make and check proofs.")


@app.command(name="list")
def list_(*, limit: int = 20, json: context.Json = False) -> None:
    """List the latest entries, newest first (a ministry's or auditor's token).

    Example: madang ledger list --limit 50

    Parameters
    ----------
    limit
        How many.
    """
    from madang.kernel.authorizer import Request, authorize

    check_range("--limit", limit, 1, 1_000_000)
    home = context.home()
    actor = context.actor(home)
    with home.database.read() as session:
        authorize(session, Request(actor, "ledger.read", "Ledger", "ledger", {"owner": actor.organization}))
        rows: list[dict[str, Any]] = [
            {
                "position": e.position,
                "at": e.at,
                "kind": e.kind,
                "subject": e.subject,
                "by": e.by["organization"],
            }
            for e in log.tail(session.connection, limit)
        ]
    columns = {"position": "#", "at": "at", "kind": "kind", "subject": "subject", "by": "by"}
    context.print_rows(rows, columns, json)


@app.command
def verify(*, json: context.Json = False) -> None:
    """Compare the ledger with itself, its kept checkpoints and every row; exit code 4 where they differ.

    Example: madang ledger verify
    """
    from madang.programme.verification import verify_home

    home = context.home()

    def progress(done: int, of: int) -> None:
        if sys.stderr.isatty() and done % 1000 == 0:
            print(f"\r{done}/{of}", end="", file=sys.stderr)

    verdict = verify_home(home, progress)
    rows = [
        {
            "table": d.table,
            "key": d.key,
            "problem": context.text(f"ledger.problem.{d.problem}"),
            "entry": d.entry,
        }
        for d in verdict.disagreements
    ]
    if json:
        context.print_json(
            {"holds": verdict.holds, "entries": verdict.size, "rows": verdict.rows, "found": rows}
        )
    elif verdict.holds:
        print(f"holds: {verdict.size} entries, {verdict.rows} rows")
    else:
        context.print_rows(
            rows, {"table": "table", "key": "row", "problem": "problem", "entry": "entry"}, False
        )
    if not verdict.holds:
        sys.exit(4)


@app.command
def checkpoint(*, out: Path | None = None) -> None:
    """Print the signed tree head and keep it in the home; give it to members, who keep it elsewhere.

    Example: madang ledger checkpoint --out checkpoint.txt

    Parameters
    ----------
    out
        Also write it to this file.
    """
    home = context.home()
    with home.database.read() as session:
        note = log.current_checkpoint(session.connection)
        size = log.size_of(session.connection)
    write_durably(home.path / "checkpoints" / f"{size:012d}.txt", note.encode())
    if out is not None:
        write_durably(out, note.encode())
    print(note, end="")


@app.command
def prove(
    submission: str, *, out: Path = Path("proof.json"), checkpoint: Path = Path("checkpoint.txt")
) -> None:
    """Write the proof of the whole line that ends in a score, and the checkpoint it is checked against.

    Example: madang ledger prove sub-... --out proof.json --checkpoint checkpoint.txt

    Parameters
    ----------
    submission
        The submission's id.
    out
        The proof.
    checkpoint
        The signed tree head of the same moment.
    """
    from madang.scores.service import see

    home = context.home()
    actor = context.actor(home)
    with home.database.read() as session:
        see(session, actor, submission)
        made = proof.make(session.connection, home.database.keys, line.collect(session, submission))
        note = log.current_checkpoint(session.connection)
    import json

    write_durably(out, json.dumps(made, ensure_ascii=False, indent=1).encode())
    write_durably(checkpoint, note.encode())
    print(f"{out} ({len(made['links'])} links)\n{checkpoint}")


@app.command
def check(file: Path, *, checkpoint: Path, key: str | None = None, json: context.Json = False) -> None:
    """Check a proof against a checkpoint: needs no home, no database, no token.

    Example: madang ledger check proof.json --checkpoint checkpoint.txt

    Parameters
    ----------
    file
        The proof.
    checkpoint
        The signed tree head.
    key
        The ledger's key as you know it; without it, compare the printed one with a member's.
    """
    try:
        content = parse_json(file.read_bytes())
    except OSError as error:
        raise FileMissing(file=str(file)) from error
    except ValueError as error:
        raise ProofInvalid(link=str(file), reason=Message("ledger.proof-malformed")) from error
    try:
        note = checkpoint.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FileMissing(file=str(checkpoint)) from error
    head, links = proof.check(content, note, Verifier.parse(key) if key else None)
    held = line.follow(links)
    if json:
        context.print_json(
            {"holds": True, "size": head.size, "key": content["key"], "statement": held.statement}
        )
        return
    for text in told(held):
        print(text)
    print(f"holds: {len(links)} links, tree of {head.size} entries")
    print(f"key: {content['key']}" + ("" if key else "  (compare it with the one a member holds)"))


@app.command
def verifier(*, out: Path) -> None:
    """Write the one-file verifier: a page that checks proofs in any browser, without a network.

    Example: madang ledger verifier --out madang-verify.html

    Parameters
    ----------
    out
        The file to write.
    """
    from madang.interfaces.web.verifier import page

    write_durably(out, page().encode())
    print(out)


@app.command
def note(file: Path, *, key: str) -> None:
    """Check the signature of a receipt or another signed note: needs no home, no token.

    Example: madang ledger note receipt.txt --key madang.local/ledger+...

    Parameters
    ----------
    file
        The note.
    key
        The ledger's key as you know it.
    """
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FileMissing(file=str(file)) from error
    open_note(text, Verifier.parse(key))
    print(context.text("programme.receipt.holds", key=key))


def told(held: line.Line) -> list[str]:
    """The line backwards, a row a link: what, digest, ledger entry."""
    said = held.statement
    rows = [
        f"score      {said['value']:.3f} [{said['lower']:.3f}, {said['upper']:.3f}] n={said['n']} "
        f"{said['outcome']} (target {said['target']})  #{held.score.position}",
        f"<- model   {said['version']}  {said['manifest'][:16]}  #{held.model.position}",
        f"<- run     {held.run.subject}  {held.run.facts['recipe']}  "
        f"{held.model.facts['used_resource_seconds']} resource-seconds  #{held.run.position}",
        f"<- award   {held.award.subject}  {held.award.facts['share']}  "
        f"{held.award.facts['resource_seconds']} resource-seconds  #{held.award.position}",
    ]
    if held.pool is not None:
        facts = held.pool.facts
        rows.append(f"<- pool    {facts['name']}  {facts['manifest'][:16]}  #{held.pool.position}")
    for version in held.versions:
        rows.append(
            f"<- version {version.facts['name']}  {version.facts['manifest'][:16]}  #{version.position}"
        )
    facts = held.agreement.facts
    rows.append(
        f"<- signed  {held.agreement.subject}  {facts['digest'][:23]}  "
        f"{len(facts['parties'])} parties  #{held.agreement.position}"
    )
    return rows
