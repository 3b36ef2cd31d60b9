"""Validating an RO-Crate where there is no network: run by the environment that `make validators` makes.

    python crate_validation.py FOLDER     prints a line a problem

The crate's context is fetched from w3id.org by the validator; here it is the copy that ro-crate-py brings.
"""

from __future__ import annotations

import io
import sys
from email.message import Message
from importlib import resources
from typing import Any
from urllib.response import addinfourl

from rdflib import _networking
from rocrate_validator import models, services

CONTEXT = "https://w3id.org/ro/crate/1.1/context"


def _opened(request: Any, *_: Any, **__: Any) -> addinfourl:
    address = request if isinstance(request, str) else request.full_url
    if address != CONTEXT:
        raise OSError(f"no network here for {address}")
    headers = Message()
    headers["Content-Type"] = "application/ld+json"
    content = resources.files("rocrate").joinpath("data", "ro-crate.jsonld").read_bytes()
    return addinfourl(io.BytesIO(content), headers, address, 200)


def main(folder: str) -> None:
    _networking.urlopen = _opened  # type: ignore[attr-defined]
    settings = services.ValidationSettings(
        rocrate_uri=folder,
        profile_identifier="ro-crate-1.1",
        metadata_only=True,
        requirement_severity=models.Severity.REQUIRED,
    )
    result = services.validate(settings)
    checked = len(result.executed_checks)
    for issue in result.get_issues():
        print(f"{issue.check.identifier}: {issue.message}")
    print(f"checked {checked}", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1])
