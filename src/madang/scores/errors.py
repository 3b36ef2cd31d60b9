"""What can go wrong with scores."""

from madang.kernel import i18n
from madang.kernel.errors import Conflict, Denied, Environment, Invalid, NotFound, Tampered

i18n.register_catalogue("madang.scores")


class NotSealed(Conflict):
    """Facts: mission."""


class AlreadySealed(Conflict):
    """Facts: mission."""


class NoSuchSubmission(NotFound):
    """Facts: submission."""


class NotAModel(Invalid):
    """Facts: version, reason."""


class AlreadySubmitted(Conflict):
    """Facts: version, mission."""


class AlreadyAnswered(Conflict):
    """Facts: submission, state."""


class DeadlinePassed(Conflict):
    """Facts: mission, deadline."""


class JudgeSubmits(Denied):
    """The evaluator's organization would be judged by itself. Facts: organization, mission."""


class ForgedScore(Denied):
    """A score whose signature is not the evaluator's. Facts: submission."""


class SealBroken(Tampered):
    """The sealed content is not what was committed to. Facts: mission."""


class EvaluatorNotSetUp(Environment):
    """This process is not the evaluator of the mission. Facts: folder."""


class PredictionFailed(Invalid):
    """The model ended or answered wrongly during an evaluation. Facts: reason."""
