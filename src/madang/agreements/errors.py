"""What can go wrong with agreements."""

from madang.kernel import i18n
from madang.kernel.errors import Conflict, Invalid, NotFound

i18n.register_catalogue("madang.agreements")


class AgreementExists(Conflict):
    """Facts: name."""


class NoSuchAgreement(NotFound):
    """Facts: name."""


class NotAParty(Invalid):
    """Facts: organization, agreement, parties."""


class AlreadySigned(Conflict):
    """Facts: organization, agreement."""


class DifferentText(Conflict):
    """What is to be signed is not the text on record. Facts: agreement, given, recorded."""


class MissionTaken(Conflict):
    """Others have an agreement for this mission. Facts: mission, organization."""


class AgreementNotInForce(Conflict):
    """Facts: agreement, reason."""


class NoSuchObligation(NotFound):
    """Facts: agreement, number, organization."""


class AlreadyMet(Conflict):
    """Facts: agreement, number, when."""


class NoEvidence(Invalid):
    """Evidence that says nothing, or too much. Facts: duty, most."""


class WrongEvidence(Invalid):
    """Evidence that does not show what is owed. Facts: duty, reason."""
