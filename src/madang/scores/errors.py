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


class SubmissionsSpent(Conflict):
    """Facts: mission, whose, most."""


class BenchmarkOpened(Conflict):
    """No submission once the opening was asked for. Facts: mission."""


class NothingToOpen(Conflict):
    """No submission is on the board. Facts: mission."""


class StillWaiting(Conflict):
    """Submissions that the evaluator has not judged. Facts: mission, n."""


class SamePerson(Denied):
    """One person, or one organization, would open the final half alone. Facts: mission, organization."""


class AlreadyOpened(Conflict):
    """Facts: mission, first, second (organizations)."""


class NotOpened(Conflict):
    """The final half is still sealed. Facts: mission."""


class NotPublished(Conflict):
    """Facts: mission."""


class UnknownGuardrail(Invalid):
    """A guard-rail that the scorer does not measure. Facts: metric, scorer, known."""


class NotRepeatable(Invalid):
    """A published score that cannot be judged again here. Facts: reason."""


class ScoreDiffers(Tampered):
    """A score judged anew is not the one on record. Facts: key, recorded, found."""


class BadMaterial(Invalid):
    """The evaluator's material does not hold what the scorer draws from. Facts: folder, reason."""


class EvaluatorWorking(Conflict):
    """Another process of the evaluator works with its folder. Facts: folder."""
