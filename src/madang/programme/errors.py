"""What can go wrong with lines."""

from madang.kernel import i18n
from madang.kernel.errors import Conflict

i18n.register_catalogue("madang.programme")


class NotScored(Conflict):
    """A line begins at a score. Facts: submission, state."""
