"""What can go wrong with manifests for Kueue."""

from madang.kernel import i18n
from madang.kernel.errors import Defect

i18n.register_catalogue("madang.engines.kueue")


class KueueRuleBroken(Defect):
    """A manifest that Kueue would not take. Facts: kind, name, rule."""
