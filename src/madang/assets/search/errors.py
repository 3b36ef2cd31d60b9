"""What can go wrong with a search."""

from madang.kernel import i18n
from madang.kernel.errors import Environment, Invalid

i18n.register_catalogue("madang.assets.search")


class BadFacet(Invalid):
    """Facts: facet, known."""


class YearsReversed(Invalid):
    """Facts: first, last."""


class TooDeep(Invalid):
    """Facts: most."""


class SearchSilent(Environment):
    """What holds the index does not answer as it should. Facts: address, reason."""


class NoEmbedder(Invalid):
    """Vectors are to be made, and the settings name no model."""


class EmbedderFailed(Environment):
    """The model that makes vectors does not answer as it should. Facts: address, reason."""


class EmbedderRefused(EmbedderFailed):
    """It answers, and does not take what it was given. Facts: address, reason."""


class UnreadableQueries(Invalid):
    """A file of labelled queries that is none. Facts: file, line."""
