"""``madang agreement``: draft, sign, read."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from cyclopts import App

from madang.agreements import obligations as duties
from madang.agreements import service
from madang.agreements.model import Agreement, AgreementDocument
from madang.assets import reads
from madang.interfaces.cli import context
from madang.kernel import clock
from madang.kernel.ids import check_range
from madang.kernel.settings import read_document

app = App(name="agreement", help="Draft, sign and read agreements.")


def _row(agreement: Agreement) -> dict[str, Any]:
    signed = sum(1 for at in agreement.signatures.values() if at)
    return {
        "name": agreement.name,
        "mission": agreement.mission,
        "state": context.text(f"agreements.state.{agreement.state(clock.to_text(clock.now()))}"),
        "signed": f"{signed}/{len(agreement.signatures)}",
        "last_day": agreement.last_day,
        "digest": agreement.digest,
        "title": agreement.title(context.language()),
    }


@app.command
def draft(file: Path) -> None:
    """Put an agreement on record for its parties to sign.

    Example: madang agreement draft examples/manipulation-10/agreement.toml

    Parameters
    ----------
    file
        The agreement in TOML (docs/agreements.md).
    """
    document = read_document(file, AgreementDocument)
    home = context.home()
    actor = context.actor(home)
    with home.database.write() as session:
        agreement = service.draft(session, actor, document)
    print(f"{agreement.name}  {agreement.digest}")


@app.command
def rehearse(file: Path, *, days: int = 30, json: context.Json = False) -> None:
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
    from madang.programme import rehearsal

    check_range("--days", days, 1, 3650)
    document = read_document(file, AgreementDocument)
    home = context.home()
    actor = context.actor(home)
    reads.record(home)
    with home.database.read() as session:
        told = rehearsal.rehearse(session, actor, document, days)
    if json:
        plain = [
            {"number": one.number, "text_en": one.text_en, "text_ko": one.text_ko,
             "means_en": one.means.in_language("en"), "means_ko": one.means.in_language("ko")}
            for one in told.clauses
        ]  # fmt: skip
        context.print_json({"clauses": plain, "replayed": [asdict(one) for one in told.replayed]})
        return
    for one in told.clauses:
        print(f"{one.number}. {one.text_en}\n   {one.text_ko}")
        print(f"   = {one.means.in_language('en')}\n   = {one.means.in_language('ko')}\n")
    counts = {"n": len(told.replayed), "days": days, "stopped": len(told.stopped)}
    print(context.text("agreements.rehearsed", **counts))
    for use in told.stopped:
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
    home = context.home()
    actor = context.actor(home)
    with home.database.write() as session:
        agreement = service.sign(session, actor, name, digest)
    print(_row(agreement)["state"], ", ".join(agreement.missing))


@app.command
def obligations(*, within_days: int | None = None, json: context.Json = False) -> None:
    """List what is owed under the agreements you may see, the earliest due date first.

    Example: madang agreement obligations --within-days 30

    Parameters
    ----------
    within_days
        Only what is still open and due within so many days.
    """
    if within_days is not None:
        check_range("--within-days", within_days, 0, 36_500)
    home = context.home()
    actor = context.actor(home)
    now = clock.to_text(clock.now())
    with home.database.read() as session:
        rows = [
            {
                "agreement": owed.agreement,
                "clause": owed.number,
                "organization": owed.organization,
                "duty": context.text(f"agreements.duty.{owed.duty}"),
                "last_day": owed.last_day,
                "state": context.text(f"agreements.due.{owed.state(now)}"),
                "evidence": owed.evidence,
            }
            for owed in duties.visible_to(session, actor, within_days)
        ]
    columns = {"agreement": "agreement", "clause": "clause", "organization": "organization", "duty": "duty"}
    context.print_rows(rows, columns | {"last_day": "last day", "state": "state"}, json)


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
    home = context.home()
    actor = context.actor(home)
    evidence = {"text": text, "link": link, "version": version}
    with home.database.write() as session:
        met = duties.meet(session, actor, service.see(session, actor, name), number, evidence)
    context.print_facts(
        {"agreement": name, "clause": number, "met_at": met.met_at, **(met.evidence or {})}, json
    )


@app.command(name="list")
def list_(*, json: context.Json = False) -> None:
    """List the agreements you may see.

    Example: madang agreement list
    """
    home = context.home()
    actor = context.actor(home)
    with home.database.read() as session:
        rows = [_row(agreement) for agreement in service.visible_to(session, actor)]
    columns = {"name": "name", "state": "state", "signed": "signed", "last_day": "last day", "title": "title"}
    context.print_rows(rows, columns, json)


@app.command
def show(name: str, *, json: context.Json = False) -> None:
    """Show an agreement: clauses, parties, signatures.

    Example: madang agreement show manipulation-10-data
    """
    home = context.home()
    actor = context.actor(home)
    with home.database.read() as session:
        agreement = service.see(session, actor, name)
        clauses = service.clauses_of(session, name)
    facts = _row(agreement)
    facts["signatures"] = agreement.signatures
    facts["clauses"] = [
        {"number": c.number, "text": c.text(context.language()), **c.document.model_dump(mode="json")}
        for c in clauses
    ]
    if json:
        context.print_json(facts)
        return
    context.print_facts({k: v for k, v in facts.items() if k not in ("signatures", "clauses")}, False)
    for clause in clauses:
        print(f"\n{clause.number}. [{clause.document.effect}] {clause.text(context.language())}")
        terms = clause.document
        if terms.effect == "oblige":
            due = terms.due_on or f"{terms.due_days_after_end} days after the end"
            print(f"   duty: {terms.duty}; by: {', '.join(terms.by)}; until: {due}")
        elif terms.effect != "ending":
            print(f"   actions: {', '.join(terms.actions)}; {terms.kind} of: {', '.join(terms.owners)}")
            print(f"   used as: {', '.join(terms.of)}" + (f"; by: {', '.join(terms.by)}" if terms.by else ""))
        else:
            print(f"   survives: {', '.join(terms.survives) or '-'}")
    print()
    for party, at in agreement.signatures.items():
        print(f"{party:<24} {at or '-'}")
