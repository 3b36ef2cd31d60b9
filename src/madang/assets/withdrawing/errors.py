"""What can go wrong when a version is taken back."""

from madang.kernel.errors import Conflict, Invalid


class AlreadyWithdrawn(Conflict):
    """Facts: version, state."""


class NotWithdrawn(Conflict):
    """A version would be destroyed that still may be used. Facts: version, state."""


class NoReason(Invalid):
    """A withdrawal without a reason, or with one that is too long. Facts: most."""


class NoKey(Conflict):
    """A version of a home that had no keys yet: its bytes cannot be made unreadable. Facts: version."""
