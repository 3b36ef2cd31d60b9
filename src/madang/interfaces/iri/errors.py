"""What the facility interface refuses of its own."""

from madang.kernel.errors import Conflict, Invalid, NotFound, UserError


class NotExecutedSo(Invalid):
    """A job that asks for what a run does not have. Facts: member."""


class JobUnchangeable(Conflict):
    """Facts: job."""


class NotThere(NotFound):
    """Nothing of that name in a listing. Facts: name, where (the listing's address)."""


class AddressUnknown(NotFound):
    """No address of the interface."""


class OtherMethod(UserError):
    """Facts: allowed."""

    status = 405
