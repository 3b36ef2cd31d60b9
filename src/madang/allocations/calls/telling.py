"""An explanation in sentences, each naming the values it stands on."""

from __future__ import annotations

from collections.abc import Iterator

from madang.allocations.calls.explaining import Explanation
from madang.allocations.calls.model import POINT
from madang.allocations.model import share_title
from madang.kernel.i18n import Message


def sentences(told: Explanation) -> list[Message]:
    """What is to be said of an explanation, in order; messages in either language."""
    return list(_sentences(told))


def _say(message: str, /, **values: object) -> Message:
    return Message(f"allocations.explain.{message}", **values)


def _points(score: int | None) -> str:
    return "-" if score is None else f"{score / POINT:.2f}"


def _sentences(told: Explanation) -> Iterator[Message]:
    yield _say(
        told.reason, rank=told.rank, ranked=told.ranked, score=_points(told.score),
        granted=f"{told.granted:,}", requested=f"{told.requested:,}",
    )  # fmt: skip
    if told.bound_month is not None:
        yield _say("bound", month=told.bound_month, asked=f"{told.asked:,}", left=f"{told.left:,}",
                   share=share_title(told.share))  # fmt: skip
    if told.instead is not None:
        yield _say("instead", application=told.instead, rank=told.instead_rank, month=told.bound_month)
    if told.reason in ("full", "part"):
        yield _say("least", least=_points(told.least_score))
    if told.reason in ("no-room", "below-minimum-score"):
        yield from _changes(told)


def _changes(told: Explanation) -> Iterator[Message]:
    if told.winning_score is None:
        yield _say("no-score")
    else:
        yield _say("by-score", score=_points(told.winning_score))
    if told.winning_minimum is not None:
        yield _say("by-minimum", minimum=f"{told.winning_minimum:,}")
    if told.winning_shift is not None:
        earlier = told.winning_shift < 0
        yield _say("by-earlier" if earlier else "by-later", months=abs(told.winning_shift))
