"""What can go wrong in an area."""

from madang.kernel import i18n
from madang.kernel.errors import Conflict, Denied, Invalid, NotFound

i18n.register_catalogue("madang.areas")


class BadPath(Invalid):
    """A path that is none of an area's. Facts: path, reason."""


class NoSuchPath(NotFound):
    """Facts: path."""


class PathTaken(Conflict):
    """Something would be overwritten. Facts: path."""


class WrongKind(Conflict):
    """A folder where a file is meant, or the other way round. Facts: path, found."""


class AreaFull(Conflict):
    """Facts: what, most."""


class TooMuchAtOnce(Invalid):
    """A file, a part or a listing larger than one answer takes. Facts: path, most."""


class BadArchive(Invalid):
    """Facts: path, reason."""


class NotOffered(Denied):
    """An operation that an area does not have. Facts: operation, reason."""


class NoSuchTask(NotFound):
    """Facts: task."""


class TooManyTasks(Conflict):
    """Facts: most."""


class TaskInterrupted(Conflict):
    """A task whose server ended before it did."""
