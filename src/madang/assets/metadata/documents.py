"""Parsing what strangers send: JSON, XML and YAML, with bounds, and no document that reads another."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element, ParseError  # for the type; what parses is defusedxml

from madang.assets.metadata.errors import UnreadableRecord
from madang.assets.metadata.model import Description
from madang.kernel.i18n import Message

XML_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
_DEEPEST = 200


@dataclass(frozen=True)
class Told:
    """A description with the identifier by which its source knows it (empty: none inside)."""

    identifier: str
    description: Description


def json_of(data: bytes) -> Any:
    """A JSON value; UnreadableRecord. A key that stands twice counts once, as most readers take it."""
    try:
        return json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise _unreadable(error) from error


def object_of(data: bytes) -> dict[str, Any]:
    """The same, where it must be an object."""
    value = json_of(data)
    if not isinstance(value, dict):
        raise UnreadableRecord(reason=Message("metadata.not-an-object"))
    return value


def xml_of(data: bytes) -> Element:
    """The root of an XML document without a document type: entities and external parts are refused."""
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        root: Element = fromstring(data, forbid_dtd=True)
    except DefusedXmlException as error:
        raise UnreadableRecord(reason=Message("metadata.document-type")) from error
    except (ParseError, ValueError, LookupError) as error:
        raise _unreadable(error) from error
    if _deeper(root, _DEEPEST):
        raise UnreadableRecord(reason=Message("metadata.too-deep"))
    return root


def _deeper(root: Element, most: int) -> bool:
    level = [root]
    for _ in range(most):
        level = [child for one in level for child in one]
        if not level:
            return False
    return True


def yaml_of(data: bytes) -> dict[str, Any]:
    """A YAML mapping without tags, anchors or aliases (by which a small text becomes a large one)."""
    import yaml

    try:
        words = data.decode("utf-8-sig")
        for token in yaml.scan(words, Loader=_loader()):
            if isinstance(token, yaml.AliasToken | yaml.TagToken):
                raise UnreadableRecord(reason=Message("metadata.yaml-alias"))
        value = yaml.load(words, Loader=_loader())  # noqa: S506  (a safe loader, in C where there is one)
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise _unreadable(error) from error
    if not isinstance(value, dict):
        raise UnreadableRecord(reason=Message("metadata.not-an-object"))
    return value


def _loader() -> Any:
    import yaml

    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _unreadable(error: Exception) -> UnreadableRecord:
    detail = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
    return UnreadableRecord(reason=Message("metadata.malformed", detail=detail))


def local(element: Element) -> str:
    """The name of an element without its namespace."""
    return element.tag.rpartition("}")[2]


def below(element: Element, *names: str) -> Iterator[Element]:
    """Descendants along a path of local names, whatever their namespace; a thousand at most: what one record
    says. ``every_below`` leaves none out."""
    return iter(every_below(element, *names)[:1000])


def every_below(element: Element, *names: str) -> list[Element]:
    """The same, all of them."""
    level = [element]
    for name in names:
        level = [child for one in level for child in one if local(child) == name]
    return level


def content(element: Element | None) -> str:
    """An element's whole text."""
    return "".join(element.itertext()).strip() if element is not None else ""


def first(element: Element, *names: str) -> str:
    """The text of the first such descendant that has one."""
    return next((content(one) for one in below(element, *names) if content(one)), "")
