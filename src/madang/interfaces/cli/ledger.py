"""``madang ledger``: verify, prove, check."""

from __future__ import annotations

import sys
from pathlib import Path

from cyclopts import App

from madang.interfaces.cli import context
from madang.interfaces.operations import ledger, scores
from madang.kernel.canonical import parse_json
from madang.kernel.errors import FileMissing, ProofInvalid
from madang.kernel.home import write_durably
from madang.kernel.i18n import Message
from madang.kernel.ids import check_range
from madang.kernel.ledger import proof as proofs
from madang.kernel.ledger.log import Entry
from madang.kernel.ledger.note import Verifier, open_note
from madang.programme import line
from madang.sdk import documents

app = App(name="ledger", help="Verify the ledger, make and check proofs.")


@app.command(name="list")
def list_(*, limit: context.Whole = 20, json: context.Json = False) -> None:
    """List the latest entries, newest first (a ministry's or auditor's token).

    Example: madang ledger list --limit 50

    Parameters
    ----------
    limit
        How many.
    """
    from itertools import islice

    check_range("--limit", limit, 1, 1_000_000)
    columns = {
        "#": lambda entry: entry.position,
        "at": lambda entry: entry.at,
        "kind": lambda entry: entry.kind,
        "subject": lambda entry: entry.subject,
        "by": lambda entry: entry.by,
    }
    context.print_items(islice(context.every(ledger.list_), limit), columns, json)


@app.command
def show(position: context.Whole, *, proof: Path | None = None, checkpoint: Path = Path("checkpoint.txt"),
         json: context.Json = False) -> None:  # fmt: skip
    """Show an entry that speaks of what you may know of; with --proof, write the proof that it is in the log.

    Example: madang ledger show 43 --proof entry.json --checkpoint checkpoint.txt

    Parameters
    ----------
    position
        Its number.
    proof
        Where to write the proof.
    checkpoint
        Where to write the signed tree head it is checked against.
    """
    found = context.call(ledger.show, position=check_range("position", position, 0, 2**53 - 1))
    if proof is not None:
        _write_proof(found, proof, checkpoint)
    facts = {name: value for name, value in found.model_dump(mode="json").items() if name not in _PROOF}
    if json:
        context.print_json(facts)
        return
    decided = ", ".join(found.decided) or "-"
    context.print_facts({**{k: v for k, v in facts.items() if k != "facts"}, "decided": decided}, False)
    for name, value in found.facts.items():
        print(f"  {name}: {value}")


_PROOF = ("proof", "checkpoint")


def _write_proof(made: documents.Proof | documents.EntryWhole, proof: Path, checkpoint: Path) -> None:
    write_durably(proof, proofs.to_text(made.proof).encode())
    write_durably(checkpoint, made.checkpoint.encode())


@app.command
def verify(*, json: context.Json = False) -> None:
    """Compare the ledger with itself, its kept checkpoints and every row; exit code 4 where they differ.

    On the home it needs no token; of a server a ministry's or an auditor's token may ask it.

    Example: madang ledger verify
    """
    verdict = context.call(ledger.verify) if context.server() else _verified()
    if json:
        context.print_json(verdict.model_dump(mode="json"))
    elif verdict.holds:
        print(f"holds: {verdict.entries} entries, {verdict.rows} rows")
    else:
        columns = {
            "table": lambda one: one.table,
            "row": lambda one: one.key,
            "problem": lambda one: context.text(f"ledger.problem.{one.problem}"),
            "entry": lambda one: one.entry,
        }
        context.print_items(verdict.found, columns, False)
    if not verdict.holds:
        sys.exit(4)


def _verified() -> documents.Verdict:
    from madang.programme.verification import verify_home

    def progress(done: int, of: int) -> None:
        if sys.stderr.isatty() and done % 1000 == 0:
            print(f"\r{done}/{of}", end="", file=sys.stderr)

    return ledger.verdict_document(verify_home(context.home(), progress))


@app.command
def checkpoint(*, out: Path | None = None) -> None:
    """Print the signed tree head and keep it in the home; give it to members, who keep it elsewhere.

    Example: madang ledger checkpoint --out checkpoint.txt

    Parameters
    ----------
    out
        Also write it to this file.
    """
    note = context.call(ledger.checkpoint)
    if context.server() is None and note:
        size = int(note.splitlines()[1])
        write_durably(context.home().path / "checkpoints" / f"{size:012d}.txt", note.encode())
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
    made = context.call(scores.prove, submission=submission)
    _write_proof(made, out, checkpoint)
    print(f"{out} ({len(made.proof['links'])} links)\n{checkpoint}")


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
    head, links = proofs.check(content, note, Verifier.parse(key) if key else None)
    held = line.read(links)
    if not isinstance(held, line.Line):
        _print_entry(held, head.size, content["key"], json)
        return
    if json:
        context.print_json(
            {"holds": True, "size": head.size, "key": content["key"], "statement": held.statement}
        )
        return
    for text in told(held):
        print(text)
    print(f"holds: {len(links)} links, tree of {head.size} entries")
    print(f"key: {content['key']}" + ("" if key else "  (compare it with the one a member holds)"))


def _print_entry(entry: Entry, size: int, key: str, json: bool) -> None:
    """A proof of a single entry: it is in the tree, and nothing else is claimed."""
    if json:
        told = {"position": entry.position, "kind": entry.kind, "subject": entry.subject}
        context.print_json({"holds": True, "size": size, "key": key, "entry": told})
        return
    print(f"entry      #{entry.position}  {entry.kind}  {entry.subject}")
    print(f"holds: 1 link, tree of {size} entries\nkey: {key}")


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
