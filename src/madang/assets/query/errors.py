"""What can be wrong with a query."""

from madang.kernel import i18n
from madang.kernel.errors import Environment, Invalid, NotFound

i18n.register_catalogue("madang.assets.query")


class QueriesBusy(Environment):
    """As many queries are running as may run at once. Facts: most."""


class BadQuery(Invalid):
    """A query that is not one SELECT, or that its engine refuses. Facts: reason."""


class NoSuchTable(NotFound):
    """A name in a query that is no version's. Facts: table."""


class NoTables(Invalid):
    """A version (or a path in it) that holds no table. Facts: version."""


class QueryTooLarge(Invalid):
    """A query that took more time, memory or room than it may. Facts: reason."""
