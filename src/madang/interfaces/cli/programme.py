"""``madang why`` and ``madang calendar``."""

from __future__ import annotations

from pathlib import Path

from madang.interfaces.cli import context


def why(what: str, *, may: str | None = None, json: context.Json = False) -> None:
    """Say why something is as it is: quarantined, denied, not awarded, not scored, not reached.

    Examples: madang why company-d/door-open@1
              madang why company-a/reach@1 --may download

    Parameters
    ----------
    what
        A version (owner/asset@number), a run, a submission, an award or a mission.
    may
        Ask whether you may do this with the version: pool, train, evaluate or download.
    """
    from madang.agreements.policies import USE_ACTIONS
    from madang.kernel.errors import BadValue
    from madang.programme.why import explain

    if may is not None and may not in USE_ACTIONS:
        raise BadValue(file="--may", key=may, reason=f"It is one of {', '.join(USE_ACTIONS)}.")
    home = context.home()
    actor = context.actor(home)
    with home.database.read() as session:
        answer = explain(session, actor, what, may)
    told = [(because.says.in_language(context.language()), because.stands_on) for because in answer]
    if json:
        context.print_json([{"says": says, "stands_on": dict(values)} for says, values in told])
        return
    for says, _ in told:
        print(says)


def calendar(*, out: Path | None = None) -> None:
    """Write every deadline you may know of as iCalendar, with a reminder two weeks before.

    Example: madang calendar --out madang.ics

    Parameters
    ----------
    out
        The file to write (default: print it).
    """
    from madang.kernel.home import write_durably
    from madang.organizations.service import authenticate
    from madang.programme.calendar import as_icalendar, deadlines

    home = context.home()
    with home.database.read() as session:
        found = deadlines(session, authenticate(session, context.token()))
    written = as_icalendar(found, home.values.log_name, context.language())
    if out is None:
        print(written.decode("utf-8"), end="")
        return
    write_durably(out, written)
    print(f"{out} ({len(found)})")
