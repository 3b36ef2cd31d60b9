"""The registrar port. Engines of the port ``registrars`` implement it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from madang.assets.identifiers.errors import RegistrarOff
from madang.kernel import extension
from madang.kernel.home import Home


class Registrar(Protocol):
    """Who gives out DOIs. An engine is made of the settings' values."""

    def put(self, doi: str, url: str, attributes: Mapping[str, Any], publish: bool) -> None:
        """Make or change a DOI: what it leads to and what is told of it (as in DataCite's REST API).

        A draft unless `publish`; once published it stays so. Doing it twice does it once. Raises
        RegistrarFailed.
        """
        ...


def open_registrar(home: Home) -> Registrar:
    """The registrar that the setting ``doi_engine`` names; RegistrarOff where it names none."""
    if not home.values.doi_engine or not home.values.doi_prefix:
        raise RegistrarOff()
    made: Registrar = extension.engine("registrars", home.values.doi_engine)(home.values)
    return made
