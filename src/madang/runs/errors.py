"""What can go wrong with runs."""

from madang.kernel import i18n
from madang.kernel.errors import Conflict, Environment, Invalid, NotFound

i18n.register_catalogue("madang.runs")


class NoSuchRun(NotFound):
    """Facts: run."""


class BadParameters(Invalid):
    """Facts: recipe, key, reason."""


class NotCancellable(Conflict):
    """Facts: run, state."""


class SupervisorRunning(Conflict):
    """Another supervisor of that name works on this home. Facts: home, name."""


class TooManyCores(Invalid):
    """Facts: asked, most."""


class BadTimeLimit(Invalid):
    """Facts: asked, most (seconds)."""


class NoInput(Invalid):
    """Facts: recipe."""


class JobRefused(Conflict):
    """A scheduler will never start a job as it is. Facts: reason (the scheduler's fixed word),
    told (all that it said: for the operator alone)."""


class SchedulerSilent(Environment):
    """A scheduler did not answer, or not so that it could be understood. Facts: command, reason."""


class SchedulerMissing(SchedulerSilent):
    """A scheduler's command is not on this machine. Facts: command, reason."""


class SchedulerRefused(SchedulerSilent):
    """A scheduler answered that it will not do it. Facts: command, reason."""


class NoAccounting(Invalid):
    """An engine that keeps no accounts of its own. Facts: engine."""
