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
    from madang.interfaces.operations import programme
    from madang.kernel.errors import BadValue

    if may is not None and may not in USE_ACTIONS:
        raise BadValue(file="--may", key=may, reason=f"It is one of {', '.join(USE_ACTIONS)}.")
    answer = context.call(programme.why, what=what, may=may)
    if json:
        told = [{"says": context.said(one.says), "stands_on": dict(one.stands_on)} for one in answer.because]
        context.print_json(told)
        return
    for one in answer.because:
        print(context.said(one.says))


def calendar(*, out: Path | None = None) -> None:
    """Write every deadline you may know of as iCalendar, with a reminder two weeks before.

    Example: madang calendar --out madang.ics

    Parameters
    ----------
    out
        The file to write (default: print it).
    """
    from madang.interfaces.operations import programme
    from madang.kernel.home import write_durably

    written = context.call(programme.calendar)
    if out is None:
        print(written.decode("utf-8"), end="")
        return
    write_durably(out, written)
    print(f"{out} ({written.count(b'BEGIN:VEVENT')})")
