"""What the facility interface refuses of its own."""

from madang.kernel.errors import Conflict, Invalid


class NotExecutedSo(Invalid):
    """A job that asks for what a run does not have. Facts: member."""


class JobUnchangeable(Conflict):
    """Facts: job."""
