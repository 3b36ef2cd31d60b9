"""What can go wrong with a facility."""

from madang.kernel import i18n
from madang.kernel.errors import Invalid
from madang.runs.errors import SchedulerSilent

i18n.register_catalogue("madang.engines")


class FacilitySilent(SchedulerSilent):
    """A facility did not answer, or not so that it could be understood. Facts: command, reason."""


class BadFacility(Invalid):
    """A setting that the engine needs and that is absent or wrong. Facts: key, reason."""
