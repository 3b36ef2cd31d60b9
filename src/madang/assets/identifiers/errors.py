"""What can go wrong with DOIs."""

from madang.kernel import i18n
from madang.kernel.errors import Conflict, Environment, Invalid, NotFound

i18n.register_catalogue("madang.assets.identifiers")


class RegistrarOff(Conflict):
    """No registrar is named in the settings."""


class RegistrarFailed(Environment):
    """The registrar did not do as it was asked. Facts: registrar, reason."""


class NotDescribed(Invalid):
    """A version of which nothing was written. Facts: version."""


class NoPublicPlace(Conflict):
    """A DOI would lead to an address that others cannot reach. Facts: address."""


class NoSuchDoi(NotFound):
    """Facts: doi."""


class Gone(Conflict):
    """A version that was taken back gets no DOI. Facts: version, state."""
