"""``madang harvest``: sources of descriptions, and walking through them."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Annotated, Any

from cyclopts import App, Parameter

from madang.assets.catalogue.model import Harvest
from madang.interfaces.cli import context
from madang.interfaces.operations import catalogue
from madang.sdk import documents

app = App(name="harvest", help="Harvest other catalogues: their descriptions, found with `madang search`.")


@app.command
def add(
    name: str,
    *,
    kind: str,
    url: str,
    option: tuple[str, ...] = (),
    mission: str | None = None,
    json: context.Json = False,
) -> None:
    """Add a source of your organization (its steward).

    Examples: madang harvest add nims --kind oai-pmh --url https://repository.example/oai
              madang harvest add city --kind ckan --url https://data.example
              madang harvest add sky --kind stac --url https://stac.example/catalog.json --option items=no
              madang harvest add desk --kind folder --url /srv/descriptions
              madang harvest add open --kind s3 --url https://s3.example/bucket --option prefix=metadata/

    Parameters
    ----------
    name
        Its name for ever (a-z, 0-9, hyphens).
    kind
        oai-pmh, ckan, stac, document (DCAT, Croissant, DataCite, ... at one address), folder, s3
        (a bucket that anyone may list), or another installed harvester.
    url
        Where it is; a folder of this machine must lie below one that the operator opened (setting
        harvest_folders).
    option
        NAME=VALUE, any number: set and prefix (oai-pmh), query (ckan), items (stac), format (document,
        folder, s3), prefix (s3).
    mission
        Whose members alone may find its records; without it, every member of the programme.
    """
    new = documents.NewSource.model_construct(
        name=name,
        kind=kind,
        url=url,
        options=dict(context.pair("--option", one) for one in option),
        mission=mission,
    )
    made = context.call(catalogue.add, new=new)
    context.print_document(made, json, **_shown(made))


@app.command
def change(source: str, *, url: str, option: tuple[str, ...] = (), json: context.Json = False) -> None:
    """Say where a source of your organization is by now (its steward).

    Its records stay, and the next `madang harvest run` walks through all of it: what is not there any more is
    gone, behind the brake (`--accept-vanished`). Options are those told here, none of before. A source that
    ended is taken up again.

    Examples: madang harvest change nims --url https://repository.example/oai2
              madang harvest change sky --url https://stac.example/catalog.json --option items=no

    Parameters
    ----------
    source
        Its name.
    url
        Where it is.
    option
        NAME=VALUE, any number, as for `madang harvest add`.
    """
    options = dict(context.pair("--option", one) for one in option)
    new = documents.NewAddress.model_construct(url=url, options=options)
    made = context.call(catalogue.change, source=source, new=new)
    context.print_document(made, json, **_shown(made))


@app.command
def end(source: str, *, json: context.Json = False) -> None:
    """End a source of your organization: its records are found no more (its steward).

    They stay on record, and `madang harvest change` takes the source up again.

    Example: madang harvest end nims

    Parameters
    ----------
    source
        Its name.
    """
    made = context.call(catalogue.end, source=source)
    context.print_document(made, json, **_shown(made))


def _shown(source: documents.Source) -> dict[str, object]:
    options = ", ".join(f"{name}={value}" for name, value in source.options.items())
    return {"options": options, "last": _state(source.last) if source.last else ""}


def _last(source: documents.Source) -> str:
    if source.ended_at:
        return f"{context.text('catalogue.ended')} ({source.ended_at})"
    return _state(source.last) if source.last else "-"


def _state(harvest: documents.Harvest) -> str:
    told = context.text(f"catalogue.state.{harvest.state}")
    return f"{told} ({harvest.ended_at or harvest.begun_at})"


@app.command
def run(
    source: str,
    *,
    whole: Annotated[bool, Parameter(negative="")] = False,
    accept_vanished: Annotated[bool, Parameter(negative="")] = False,
    json: context.Json = False,
) -> None:
    """Walk through a source and take in what is new, changed or gone.

    Cut off, it goes on where it was when it is run again. Where the source tells deletions for ever, only
    what changed since the last time is asked for.

    Examples: madang harvest run nims
              madang harvest run nims --whole --accept-vanished

    Parameters
    ----------
    whole
        All of it, even where only what changed could be asked for.
    accept_vanished
        Let more be gone than the brake lets pass (a tenth of the records), and what was not met where not
        everything could be read.
    """
    from madang.assets.harvest import running
    from madang.assets.search import following

    home = context.home()
    actor = context.actor(home)
    progress = _progress if sys.stderr.isatty() else None
    made = running.run(home, actor, source, whole=whole, accept_vanished=accept_vanished, progress=progress)
    if progress:
        print(file=sys.stderr)
    following.level(home)  # now, rather than when somebody waits for an answer
    context.print_document(
        documents.Harvest.model_validate(made, from_attributes=True),
        json,
        state=context.text(f"catalogue.state.{made.state}"),
    )


def _progress(harvest: Harvest) -> None:
    told = f"{harvest.seen} seen, {harvest.made} new, {harvest.changed} changed, {harvest.problems} problems"
    print(f"\r{told}", end="", file=sys.stderr)


@app.command
def status(source: str | None = None, *, json: context.Json = False) -> None:
    """List the sources with their last harvest, or the harvests of one.

    Examples: madang harvest status
              madang harvest status nims

    Parameters
    ----------
    source
        Only this one, with all its harvests.
    """
    if source is None:
        columns = {
            "source": lambda one: one.name,
            "kind": lambda one: one.kind,
            "owner": lambda one: one.owner,
            "records": lambda one: one.records,
            "problems": lambda one: one.last.problems if one.last else "",
            "last harvest": _last,
        }
        context.print_items(context.every(catalogue.list_), columns, json)
        return
    told = {
        "harvest": lambda one: one.harvest_id,
        "state": _state,
        "whole": lambda one: "+" if one.whole else "",
        "seen": lambda one: one.seen,
        "new": lambda one: one.made,
        "changed": lambda one: one.changed,
        "gone": lambda one: one.gone,
        "problems": lambda one: one.problems,
    }
    context.print_items(context.every(catalogue.harvests, source=source), told, json)


@app.command
def problems(harvest: str, *, json: context.Json = False) -> None:
    """List what a harvest could not read, and why. A source's name stands for its last harvest.

    Example: madang harvest problems nims
    """
    if not harvest.startswith("hrv-"):
        last = context.call(catalogue.show_source, source=harvest).last
        if last is None:
            print(context.text("cli.none"))
            return
        harvest = last.harvest_id
    columns = {
        "record": lambda one: one.remote_id,
        "why": lambda one: context.said(one.what),
    }
    context.print_items(context.every(catalogue.problems, harvest=harvest), columns, json)


@app.command
def records(source: str, *, json: context.Json = False) -> None:
    """List the records of a source that are there.

    Example: madang harvest records nims --json
    """
    columns = {
        "record": lambda one: one.record_id,
        "remote id": lambda one: one.remote_id,
        "format": lambda one: one.format,
        "title": lambda one: _title(one),
    }
    context.print_items(context.every(catalogue.records, source=source), columns, json)


@app.command
def show(
    record: str, *, original: Annotated[bool, Parameter(negative="")] = False, json: context.Json = False
) -> None:
    """Show a record: what its source says of some data.

    Examples: madang harvest show rec-0123456789abcdefghjkmnpqrs
              madang harvest show rec-0123456789abcdefghjkmnpqrs --original > record.xml

    Parameters
    ----------
    original
        As the source gave it, byte for byte.
    """
    if original:
        sys.stdout.buffer.write(context.call(catalogue.original, record=record))
        return
    found = context.call(catalogue.show_record, record=record)
    context.print_document(found, json, title=_title(found), **_plain(found))


def _title(record: documents.Record) -> str:
    return _said(record.description.get("title", {}))


def _called(right: Mapping[str, Any]) -> str:
    """A licence; older records name it by a string."""
    name = right.get("name", "")
    return (name if isinstance(name, str) else _said(name)) or str(right.get("uri", ""))


def _said(told: Mapping[str, Any]) -> str:
    """A text in the chosen language, else in another."""
    others = dict(told.get("other") or {}).values()
    first = (told.get(context.language()), told.get("en"), told.get("ko"), *others)
    return str(next((one for one in first if one), ""))


def _plain(record: documents.Record) -> dict[str, object]:
    """The facts of a description that fit on a line."""
    told = record.description
    names = [_said(one.get("name", {})) for one in told.get("creators", [])]
    rights = [one.get("spdx") or _called(one) for one in told.get("rights", [])]
    return {
        "description": _said(told.get("description", {})),
        "creators": "; ".join(names[:10]),
        "publisher": _said(told.get("publisher", {}).get("name", {})),
        "year": told.get("year", ""),
        "rights": "; ".join(rights),
        "subjects": ", ".join(_said(one.get("term", {})) for one in told.get("subjects", [])[:30]),
        "identifiers": ", ".join(one.get("value", "") for one in told.get("identifiers", [])[:10]),
        "formats": ", ".join(told.get("formats", [])[:20]),
        "sizes": ", ".join(told.get("sizes", [])),
        "dates": ", ".join(
            f"{one.get('kind', '')} {one.get('value', '')}" for one in told.get("dates", [])[:10]
        ),
        "files": ", ".join(one.get("name", "") for one in told.get("files", [])[:50]),
        "variables": ", ".join(one.get("name", "") for one in told.get("variables", [])[:50]),
        "page": told.get("page", ""),
    }
