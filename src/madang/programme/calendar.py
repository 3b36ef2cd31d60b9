"""Deadlines as iCalendar (RFC 5545): missions, agreements, duties and awards, each with a reminder."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from icalendar import Alarm, Calendar, Event

from madang import __version__
from madang.agreements import obligations
from madang.agreements import service as agreements
from madang.allocations import service as allocations
from madang.kernel import clock
from madang.kernel.authorizer import Principal
from madang.kernel.database import Session
from madang.kernel.i18n import Message
from madang.missions import service as missions
from madang.programme import errors  # noqa: F401  (registers this folder's messages)

REMIND = timedelta(days=14)


@dataclass(frozen=True)
class Deadline:
    """A last day. `key` stays the same over exports, so that calendars update instead of doubling."""

    key: str
    day: date
    title: Message


def deadlines(session: Session, actor: Principal) -> list[Deadline]:
    """Every last day the actor may know of, the earliest first."""
    found = []
    for mission in missions.visible_to(session, actor):
        title = Message("programme.calendar.mission", mission=mission.name)
        found.append(Deadline(f"mission/{mission.name}", mission.header.deadline, title))
        if not missions.takes_part(session, actor, mission.name):
            continue
        for award in allocations.awards_of(session, mission.name):
            capacity = allocations.get_capacity(session, award.capacity_id)
            day = (clock.from_text(capacity.ends_at) - timedelta(seconds=1)).date()
            title = Message("programme.calendar.award", organization=award.organization, mission=mission.name)
            found.append(Deadline(f"award/{award.award_id}", day, title))
    if not actor.organization:
        return sorted(found, key=lambda one: (one.day, one.key))
    for agreement in agreements.visible_to(session, actor):
        title = Message("programme.calendar.agreement", agreement=agreement.name)
        found.append(Deadline(f"agreement/{agreement.name}", date.fromisoformat(agreement.last_day), title))
    for owed in obligations.visible_to(session, actor):
        if owed.met_at:
            continue
        duty = Message(f"agreements.duty.{owed.duty}")
        title = Message("programme.calendar.duty", organization=owed.organization, duty=duty)
        key = f"duty/{owed.agreement}/{owed.number}/{owed.organization}"
        found.append(Deadline(key, date.fromisoformat(owed.last_day), title))
    return sorted(found, key=lambda one: (one.day, one.key))


def as_icalendar(found: list[Deadline], name: str, language: str) -> bytes:
    """The deadlines as all-day events; `name` is the ledger's, part of every event's UID."""
    calendar = Calendar()
    calendar.add("prodid", f"-//Madang {__version__}//{language.upper()}")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", "Madang")
    for deadline in found:
        event = Event()
        event.add("uid", f"{deadline.key}@{name}")
        event.add("dtstamp", clock.now())
        event.add("dtstart", deadline.day)
        event.add("dtend", deadline.day + timedelta(days=1))
        event.add("summary", deadline.title.in_language(language))
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", deadline.title.in_language(language))
        alarm.add("trigger", -REMIND)
        event.add_component(alarm)
        calendar.add_component(event)
    return bytes(calendar.to_ical())
