"""``madang doi``: DOIs of versions."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from madang.interfaces.cli import context
from madang.interfaces.operations import identifiers
from madang.sdk import documents

app = App(name="doi", help="Give versions DOIs, where the operator has named a registrar.")


@app.command
def register(
    version: str, *, publish: Annotated[bool, Parameter(negative=())] = False, json: context.Json = False
) -> None:
    """Give a version of yours a DOI, or tell the registrar anew what it is (a steward).

    What is told: what `madang describe` wrote, size, formats and number. Never what it was made from.

    Example: madang doi register company-a/reach@1 --publish

    Parameters
    ----------
    publish
        Tell the world. It cannot be taken back; without it the DOI is a draft that nobody else sees.
    """
    new = documents.NewDoi.model_construct(version=version, publish=publish)
    made = context.call(identifiers.register, new=new)
    context.print_document(made, json, state=context.text(f"identifiers.state.{made.state}"))


@app.command(name="list")
def list_(*, json: context.Json = False) -> None:
    """List the DOIs of your organization's versions.

    Example: madang doi list
    """
    columns = {
        "doi": lambda one: one.doi,
        "version": lambda one: one.version,
        "state": lambda one: context.text(f"identifiers.state.{one.state}"),
        "registered": lambda one: one.registered_at,
    }
    context.print_items(context.every(identifiers.list_), columns, json)
