"""Korean and English texts. Each domain keeps its own catalogue: ``<domain>/messages/{en,ko}.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any

LANGUAGES = ("en", "ko")
_packages: list[str] = []


def register_catalogue(package: str) -> None:
    """Add `package`'s ``messages`` folder to the texts that :func:`text` knows."""
    if package not in _packages:
        _packages.append(package)
        _catalogue.cache_clear()


def _flatten(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", str(value)


@cache
def _catalogue(language: str) -> dict[str, str]:
    merged: dict[str, str] = {}
    for package in _packages:
        source = resources.files(package) / "messages" / f"{language}.toml"
        merged.update(_flatten(tomllib.loads(source.read_text("utf-8"))))
    return merged


def catalogue(language: str) -> Mapping[str, str]:
    """Every registered message of a language, by id."""
    return _catalogue(language)


class Message:
    """A text still to be put into a language: an error's reason, a finding, a notice."""

    def __init__(self, message: str, /, **values: object) -> None:
        self.message = message
        self.values = values

    def in_language(self, language: str) -> str:
        """This message in `language`."""
        return text(self.message, language, **self.values)

    def __str__(self) -> str:
        return self.in_language("en")


class _Known(dict[str, object]):
    """Values for a message; a placeholder without one stays visible instead of raising."""

    def __missing__(self, key: str) -> str:
        return "{" + key + "}"


def text(message: str, language: str, /, **values: object) -> str:
    """The message with this id in `language`; the id itself where no catalogue has it."""
    template = _catalogue(language).get(message)
    if template is None:
        return message
    told = {
        name: value.in_language(language) if isinstance(value, Message) else value
        for name, value in values.items()
    }
    return template.format_map(_Known(told))
