"""What can be wrong with probing a version."""

from madang.kernel import i18n
from madang.kernel.errors import Invalid

i18n.register_catalogue("madang.assets.probing")


class NotADeposit(Invalid):
    """A version that is not looked into: no data set, or made from others. Facts: version."""
