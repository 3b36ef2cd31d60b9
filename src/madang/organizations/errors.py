"""What can go wrong with organizations, members and tokens."""

from madang.kernel import i18n
from madang.kernel.errors import Conflict, Invalid, NotFound

i18n.register_catalogue("madang.organizations")


class OrganizationExists(Conflict):
    """An organization of that name is registered. Facts: name."""


class NoSuchOrganization(NotFound):
    """Facts: name."""


class NoSuchMember(NotFound):
    """Facts: member, organization."""


class UnknownRole(Invalid):
    """Facts: role, known."""


class UnknownKind(Invalid):
    """Facts: kind, known."""


class BadTokenLife(Invalid):
    """Facts: days, most."""


class EmptyName(Invalid):
    """A person without a name."""


class MemberExists(Conflict):
    """Facts: name, organization."""
