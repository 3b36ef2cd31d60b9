"""What can go wrong with lines."""

from madang.kernel import i18n
from madang.kernel.errors import Conflict, Denied, NotFound

i18n.register_catalogue("madang.programme")


class NotScored(Conflict):
    """A line begins at a score. Facts: submission, state."""


class NotYours(Denied):
    """The uses of a version are its owner's to see. Facts: version, owner."""


class NoSuchEntry(NotFound):
    """No such ledger entry, or none the asker may know of. Facts: position."""


class NothingKnown(NotFound):
    """Nothing that can be asked about has this name. Facts: what."""


class NoSuchTrial(NotFound):
    """Facts: trial."""
