"""What can go wrong with a harvest."""

from madang.kernel import i18n
from madang.kernel.errors import Conflict, Environment

i18n.register_catalogue("madang.assets.harvest")


class HarvestBusy(Conflict):
    """Facts: source."""


class NothingFound(Environment):
    """A whole walk that found nothing where there was something. Facts: source, present."""


class TooManyVanished(Conflict):
    """More is gone than the brake lets pass. Facts: source, vanished, present, limit."""


class FolderMissing(Environment):
    """A folder that is not here, or not open. Facts: folder, reason."""


class BadAnswer(Environment):
    """A source's answer that is not of its kind. Facts: url, reason."""
