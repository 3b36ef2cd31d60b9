"""What can go wrong with a description."""

from madang.kernel.errors import Invalid


class UnreadableRecord(Invalid):
    """A record that cannot be read as a description. Facts: reason."""


class UntitledRecord(Invalid):
    """A record that describes nothing: it has no title. Facts: identifier."""
