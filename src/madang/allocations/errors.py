"""What can go wrong with compute."""

from madang.kernel import i18n
from madang.kernel.errors import Conflict, Invalid, NotFound

i18n.register_catalogue("madang.allocations")


class NoSuchCapacity(NotFound):
    """Facts: capacity."""


class NoSuchAward(NotFound):
    """Facts: award."""


class BadPeriod(Invalid):
    """Facts: starts, ends."""


class BadShares(Invalid):
    """Facts: reason."""


class AlreadySplit(Conflict):
    """Facts: capacity."""


class ShareTooSmall(Conflict):
    """Facts: share, capacity, asked, left (resource-hours)."""


class AwardTooSmall(Conflict):
    """Facts: award, asked, left (resource-seconds), count, seconds."""


class AwardOfAnother(Conflict):
    """Facts: award, holder, mission, organization."""


class AwardNotOpen(Conflict):
    """Facts: award, starts, ends."""
