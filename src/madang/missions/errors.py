"""What can go wrong with missions."""

from madang.kernel import i18n
from madang.kernel.errors import Conflict, Invalid, NotFound

i18n.register_catalogue("madang.missions")


class MissionExists(Conflict):
    """Facts: name."""


class NoSuchMission(NotFound):
    """Facts: name."""


class AgreementOfAnotherMission(Invalid):
    """Facts: agreement, mission, named."""


class EvaluatorIsTrainer(Invalid):
    """The lead would judge its own work. Facts: organization."""


class OutsideAgreement(Invalid):
    """A mission's organization did not sign its agreement. Facts: organization, agreement."""
