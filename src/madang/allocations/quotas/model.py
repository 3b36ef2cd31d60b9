"""What a scheduler is told, and the port of those that can be told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from madang.kernel.i18n import Message


@dataclass(frozen=True)
class ShareQuota:
    """What of a kind is a share's at a site now, in whole units.

    lends: others may use what it leaves idle. borrows: it may use what others leave idle. preempts: it gets
    back what it lent at once; else when the borrower's job has ended.
    """

    share: str
    kind: str
    count: int
    lends: bool
    borrows: bool
    preempts: bool


@dataclass(frozen=True)
class AwardQuota:
    """What an award pays for: resource-seconds of a kind, used through a share. open: its time is now."""

    award_id: str
    organization: str
    mission: str
    share: str
    kind: str
    resource_seconds: int
    open: bool


@dataclass(frozen=True)
class SiteQuotas:
    """All that a site's scheduler is to enforce now."""

    site: str
    shares: Sequence[ShareQuota]
    awards: Sequence[AwardQuota]

    @property
    def kinds(self) -> Sequence[str]:
        """Kinds that the site has now."""
        return sorted({one.kind for one in self.shares})

    def of_share(self, share: str) -> Sequence[ShareQuota]:
        """A share's quotas, one a kind."""
        return [one for one in self.shares if one.share == share]

    def lent(self, kind: str) -> int:
        """How much of a kind may be borrowed at all."""
        return sum(one.count for one in self.shares if one.kind == kind and one.lends)


@dataclass(frozen=True)
class Drift:
    """Where a scheduler does not hold to what it was told.

    where: what of the scheduler's is meant; limit: which of its limits, in its own word; wanted, found: their
    values in its own spelling, "" where there is none.
    """

    where: str
    limit: str
    wanted: str
    found: str

    @property
    def told(self) -> Message:
        """In words."""
        unset = Message("allocations.unset")
        return Message(
            "allocations.drift", where=self.where, limit=self.limit, found=self.found or unset,
            wanted=self.wanted or unset,
        )  # fmt: skip


class Scheduler(Protocol):
    """The port: a scheduler that takes quotas. A factory is called with the home's settings."""

    def apply(self, wanted: SiteQuotas) -> int:
        """Make it so; returns how many changes that took. Raises SchedulerSilent.

        Killed at any point, nobody may use more than is wanted, and another call completes it.
        """
        ...

    def drift(self, wanted: SiteQuotas) -> Sequence[Drift]:
        """Where the limits in force, as read back, differ from what is wanted. Raises SchedulerSilent."""
        ...
