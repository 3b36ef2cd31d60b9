"""What can be wrong with a description, or with what is asked of it."""

from madang.kernel import i18n
from madang.kernel.errors import Invalid

i18n.register_catalogue("madang.assets.describing")


class UnknownForm(Invalid):
    """A form in which descriptions are not written. Facts: form, known."""


class Untitled(Invalid):
    """A description without a title. Facts: version."""
