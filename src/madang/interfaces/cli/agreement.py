"""``madang agreement``: draft, sign, read."""

from __future__ import annotations

from pathlib import Path

from cyclopts import App

from madang.agreements.model import AgreementDocument
from madang.interfaces.cli import context
from madang.interfaces.operations import agreements
from madang.kernel.ids import check_range
from madang.kernel.settings import read_document
from madang.sdk import documents

app = App(name="agreement", help="Draft, sign and read agreements.")


def _state(agreement: documents.Agreement) -> str:
    return context.text(f"agreements.state.{agreement.state}")


def _signed(agreement: documents.Agreement) -> str:
    return f"{sum(1 for at in agreement.signatures.values() if at)}/{len(agreement.signatures)}"


def _title(agreement: documents.Agreement) -> str:
    return agreement.title_ko if context.language() == "ko" else agreement.title_en


@app.command
def draft(file: Path) -> None:
    """Put an agreement on record for its parties to sign.

    Example: madang agreement draft examples/manipulation-10/agreement.toml

    Parameters
    ----------
    file
        The agreement in TOML (docs/agreements.md).
    """
    made = context.call(agreements.draft, document_=read_document(file, AgreementDocument))
    print(f"{made.name}  {made.digest}")


@app.command
def rehearse(file: Path, *, days: context.Whole = 30, json: context.Json = False) -> None:
    """Try a draft before anybody signs: each clause in plain words, and last month's uses under it.

    Writes nothing.

    Example: madang agreement rehearse draft.toml --days 30

    Parameters
    ----------
    file
        The agreement in TOML.
    days
        How many days back the replay goes.
    """
    check_range("--days", days, 1, 3650)
    told = context.call(agreements.rehearse, document_=read_document(file, AgreementDocument), days=days)
    if json:
        context.print_json(told.model_dump(mode="json"))
        return
    for one in told.clauses:
        print(f"{one.number}. {one.text_en}\n   {one.text_ko}")
        print(f"   = {one.means.en}\n   = {one.means.ko}\n")
    stopped = [use for use in told.replayed if not use.allowed]
    counts = {"n": len(told.replayed), "days": days, "stopped": len(stopped)}
    print(context.text("agreements.rehearsed", **counts))
    for use in stopped:
        print(f"  x {use.at}  {use.organization}  {use.action}  {use.version}  {', '.join(use.by) or '-'}")


@app.command
def sign(name: str, *, digest: str | None = None) -> None:
    """Sign for your organization.

    Example: madang agreement sign manipulation-10-data --digest sha256:...

    Parameters
    ----------
    name
        The agreement's name.
    digest
        Sign only if this is the digest of the text on record.
    """
    new = documents.NewSignature.model_construct(digest=digest)
    signed = context.call(agreements.sign, name=name, new=new)
    print(_state(signed), ", ".join(party for party, at in signed.signatures.items() if at is None))


@app.command
def obligations(*, within_days: context.Whole | None = None, json: context.Json = False) -> None:
    """List what is owed under the agreements you may see, the earliest due date first.

    Example: madang agreement obligations --within-days 30

    Parameters
    ----------
    within_days
        Only what is still open and due within so many days.
    """
    if within_days is not None:
        check_range("--within-days", within_days, 0, 36_500)
    columns = {
        "agreement": lambda owed: owed.agreement,
        "clause": lambda owed: owed.clause,
        "organization": lambda owed: owed.organization,
        "duty": lambda owed: context.text(f"agreements.duty.{owed.duty}"),
        "last day": lambda owed: owed.last_day,
        "state": lambda owed: context.text(f"agreements.due.{owed.state}"),
    }
    context.print_items(context.every(agreements.obligations, within_days=within_days), columns, json)


@app.command
def meet(
    name: str, number: int, *, text: str = "", link: str = "", version: str = "", json: context.Json = False
) -> None:
    """Put on record that your organization has done what a clause obliges it to, with evidence.

    Example: madang agreement meet manipulation-10-data 6 --link https://doi.org/10.0000/example

    Parameters
    ----------
    name
        The agreement's name.
    number
        The clause's number.
    text
        What was done.
    link
        Where it can be seen.
    version
        The version that was returned.
    """
    evidence = documents.Evidence.model_construct(text=text, link=link, version=version)
    met = context.call(agreements.meet, name=name, number=number, evidence=evidence)
    state = context.text(f"agreements.due.{met.state}")
    context.print_document(met, json, state=state, **dict(met.evidence or {}))


@app.command(name="list")
def list_(*, json: context.Json = False) -> None:
    """List the agreements you may see.

    Example: madang agreement list
    """
    columns = {
        "name": lambda one: one.name,
        "state": _state,
        "signed": _signed,
        "last day": lambda one: one.last_day,
        "title": _title,
    }
    context.print_items(context.every(agreements.list_), columns, json)


@app.command
def show(name: str, *, json: context.Json = False) -> None:
    """Show an agreement: clauses, parties, signatures.

    Example: madang agreement show manipulation-10-data
    """
    found = context.call(agreements.show, name=name)
    context.print_document(found, json, state=_state(found), signed=_signed(found))
    if json:
        return
    for clause in found.clauses:
        text = clause.text_ko if context.language() == "ko" else clause.text_en
        print(f"\n{clause.number}. [{clause.effect}] {text}")
        _print_terms(clause)
    print()
    for party, at in found.signatures.items():
        print(f"{party:<24} {at or '-'}")


def _print_terms(clause: documents.Clause) -> None:
    terms = clause.document
    if clause.effect == "oblige":
        due = terms["due_on"] or f"{terms['due_days_after_end']} days after the end"
        print(f"   duty: {terms['duty']}; by: {', '.join(terms['by'])}; until: {due}")
    elif clause.effect == "ending":
        print(f"   survives: {', '.join(terms['survives']) or '-'}")
    else:
        print(f"   actions: {', '.join(terms['actions'])}; {terms['kind']} of: {', '.join(terms['owners'])}")
        by = f"; by: {', '.join(terms['by'])}" if terms["by"] else ""
        print(f"   used as: {', '.join(terms['of'])}{by}")
