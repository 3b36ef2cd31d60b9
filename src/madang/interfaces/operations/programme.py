"""What needs all the nouns: why, the calendar, search."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from madang.interfaces.operations.declared import Caller, Text, operation, told
from madang.programme import calendar as deadlines
from madang.programme import search as found
from madang.programme.why import explain
from madang.sdk import documents

May = Annotated[
    Literal["pool", "train", "evaluate", "query", "download"] | None,
    Field(description="Ask whether you may do this with the version."),
]
Words = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$", description="A part of a name or title.")]


@operation("GET", "/why", public=True)
def why(caller: Caller, what: Text, may: May = None) -> documents.Why:
    """Say why something is as it is: quarantined, denied, not awarded, not scored, not reached."""
    with caller.home.database.read() as session:
        answer = explain(session, caller.actor, what, may)
    because = [
        documents.Because(says=told(one.says), stands_on={k: _plain(v) for k, v in one.stands_on.items()})
        for one in answer
    ]
    return documents.Why(what=what, because=because)


def _plain(value: object) -> str | float | bool | None:
    return value if isinstance(value, str | int | float | bool | None) else str(value)


@operation("GET", "/calendar", public=True, media="text/calendar")
def calendar(caller: Caller) -> bytes:
    """Give every deadline you may know of as iCalendar."""
    with caller.home.database.read() as session:
        days = deadlines.deadlines(session, caller.actor)
    return deadlines.as_icalendar(days, caller.home.values.log_name, caller.language)


@operation("GET", "/search", public=True)
def search(caller: Caller, q: Words) -> documents.Page[documents.Hit]:
    """Find what you may know of by a part of its name or title, the likeliest first."""
    with caller.home.database.read() as session:
        hits = found.search(session, caller.actor, q)
    items = [
        documents.Hit(
            kind=h.kind, name=h.name, title=documents.Told(en=h.title_en, ko=h.title_ko), page=h.page
        )
        for h in hits
    ]
    return documents.Page(items=items)
