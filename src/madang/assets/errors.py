"""What can go wrong with assets and versions."""

from madang.kernel import i18n
from madang.kernel.errors import Conflict, Environment, Invalid, NotFound, Tampered

i18n.register_catalogue("madang.assets")


class NoSuchVersion(NotFound):
    """Facts: version."""


class EmptyDeposit(Invalid):
    """Facts: folder."""


class UnsafePath(Invalid):
    """A name that no file in a version can have. Facts: file."""


class UnsafeFile(Invalid):
    """A link, device or the like among files to be stored. Facts: file."""


class NameNoText(Invalid):
    """A file's name in bytes that are no UTF-8. Facts: file."""


class NameTwins(Invalid):
    """Two names that are one to a person (NFC and NFD). Facts: first, second."""


class TooLarge(Invalid):
    """Facts: what, limit."""


class NoSuchUpload(NotFound):
    """Facts: upload."""


class NoSuchFile(NotFound):
    """A version has no file of that path. Facts: version, path."""


class UploadOffset(Conflict):
    """A part that does not begin where the upload stands. Facts: upload, given, offset."""


class UploadBusy(Conflict):
    """Two write to one upload. Facts: upload."""


class UploadUnfinished(Conflict):
    """A deposit of an upload whose bytes are not all here. Facts: upload, offset, length."""


class NoEarlierVersion(Invalid):
    """The first version of an asset has nothing to be compared with. Facts: version."""


class OutsideUpload(Invalid):
    """A file of a deposit would reach beyond its upload. Facts: path, upload, length."""


class PartsOverlap(Invalid):
    """Two files of a deposit would share bytes of an upload. Facts: path, upload."""


class NotAccepted(Conflict):
    """A version that has not passed its checks would be used. Facts: version, state, reason."""


class NotPoolable(Invalid):
    """Facts: version, reason."""


class NothingToPool(Invalid):
    """Facts: mission."""


class ContentMissing(Tampered):
    """Bytes that a manifest names are gone or differ. Facts: digest."""


class ContentDestroyed(Conflict):
    """Bytes of a version were destroyed by their owner. Facts: version."""


class KeyMissing(Tampered):
    """The key under which bytes are sealed is not here. Facts: version, holding."""


class StoreFailed(Environment):
    """What keeps the bytes does not answer as it should. Facts: store, reason."""


class FileChanged(Conflict):
    """A file changed while it was stored. Facts: file."""


class CheckFailed(Conflict):
    """A check ended without a result. Facts: version, reason."""


class OtherMission(Invalid):
    """A version of another mission. Facts: version, found, mission."""


class AnotherKind(Conflict):
    """An asset's name is taken by another kind. Facts: asset, found, kind."""


class NotAParticipant(Conflict):
    """A deposit into a mission its owner takes no part in. Facts: organization, mission."""


class TargetExists(Conflict):
    """A download would mix with what is there. Facts: target."""
