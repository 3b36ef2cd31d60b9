"""What can go wrong with sources and records."""

from madang.kernel import i18n
from madang.kernel.errors import Conflict, Invalid, NotFound

i18n.register_catalogue("madang.assets.catalogue")


class NoSuchSource(NotFound):
    """Facts: source."""


class NoSuchRecord(NotFound):
    """Facts: record."""


class NoSuchHarvest(NotFound):
    """Facts: harvest."""


class SourceExists(Conflict):
    """Facts: source."""


class SourceEnded(Conflict):
    """Facts: source."""


class BadSource(Invalid):
    """A source's address or option that its kind cannot take. Facts: source, reason."""
