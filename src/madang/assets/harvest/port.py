"""The harvester port: how a kind of source (OAI-PMH, CKAN, a folder, ...) is walked through."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from madang.assets.catalogue.errors import BadSource
from madang.assets.metadata import reading
from madang.kernel import extension
from madang.kernel.i18n import Message
from madang.kernel.outbound import Fetcher


@dataclass(frozen=True)
class Found:
    """A record as it came. identifier: the source's own, empty where only the record tells it. format: of
    ``metadata.reading``, empty to recognize it. readable: what of it is read, where the original cannot be
    read alone (a part of an XML document whose namespaces are declared above it). address: where it was
    found, to which names in it may be relative."""

    identifier: str
    original: bytes = b""
    format: str = ""
    deleted: bool = False
    readable: bytes = b""
    address: str = ""

    @property
    def content(self) -> bytes:
        """What is read."""
        return self.readable or self.original


@dataclass(frozen=True)
class Page:
    """A part of a walk. token: where to go on after it, None at the end. since: what an incremental walk
    may ask from after this one. failed: (what could not be had, why), which is no reason to stop. whole:
    False where something else that is there may be missing. Then, and where anything failed, nothing is
    marked as gone for being absent.
    """

    found: Sequence[Found]
    token: str | None = None
    since: str | None = None
    failed: Sequence[tuple[str, Message]] = ()
    whole: bool = True


@dataclass(frozen=True)
class Walk:
    """What is walked through: from `since` on (None: all of it), going on at `token`."""

    url: str
    options: Mapping[str, str]
    fetcher: Fetcher
    folders: Sequence[Path] = ()
    since: str | None = None
    token: str | None = None


class Harvester(Protocol):
    """A kind of source. Engines of the port ``harvest`` are these."""

    options: Mapping[str, str] = field(default_factory=dict)
    """Options it knows -> what they mean (a message id)."""

    def check(self, url: str, options: Mapping[str, str], folders: Sequence[Path]) -> Message | None:
        """Why it could not walk through this address, or None. Asks nobody."""
        ...

    def pages(self, walk: Walk) -> Iterator[Page]:
        """The parts of a walk, each whole. NotFetched where the source gives no good answer."""
        ...


def harvester(kind: str) -> Harvester:
    """The harvester of a kind of source; UnknownEngine lists what is installed."""
    made: Harvester = extension.engine("harvest", kind)()
    return made


def check(name: str, kind: str, url: str, options: Mapping[str, str], folders: Sequence[Path]) -> None:
    """BadSource where a source of this kind could not be walked through."""
    engine = harvester(kind)
    for option in options:
        if option not in engine.options:
            known = ", ".join(sorted(engine.options)) or "-"
            raise BadSource(
                source=name, reason=Message("catalogue.unknown-option", option=option, known=known)
            )
    reason = engine.check(url, options, folders)
    if reason is not None:
        raise BadSource(source=name, reason=reason)


def unknown_format(options: Mapping[str, str]) -> Message | None:
    """For harvesters: why the option `format` names none that is read."""
    form = options.get("format")
    if form is None or form in reading.FORMATS:
        return None
    return Message("metadata.unknown-format", known=", ".join(reading.FORMATS))


def web_address(url: str) -> Message | None:
    """For harvesters: why an address is none of the web."""
    return None if url.startswith(("http://", "https://")) else Message("catalogue.missing-url")
