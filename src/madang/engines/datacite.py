"""The registrar engine ``datacite``: DOIs by DataCite's REST API (support.datacite.org/docs/api-create-dois).

``POST /dois`` makes one, ``PUT /dois/{doi}`` changes it; ``event: publish`` makes it findable. Signed in as a
repository, over HTTPS; redirects are not followed, so that the password goes nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx2

from madang.assets.identifiers.errors import RegistrarFailed
from madang.kernel.extension import Engine
from madang.kernel.outbound import is_confidential
from madang.kernel.settings import Values

ENGINE = Engine("datacite", "registrars", "madang.engines.datacite:DataCite")

_MEDIA = "application/vnd.api+json"
_SCHEMA = "http://datacite.org/schema/kernel-4"
_SECONDS = 30.0


class DataCite:
    """See the module's docstring."""

    def __init__(self, values: Values) -> None:
        self._url = values.doi_url.rstrip("/")
        if not is_confidential(self._url):
            raise self._failed("The address (doi_url) does not begin with https://.")
        self._signed_in = (values.doi_repository, values.doi_password)

    def put(self, doi: str, url: str, attributes: Mapping[str, Any], publish: bool) -> None:
        """Change the DOI where there is one, else make it."""
        told = {**attributes, "doi": doi, "url": url, "schemaVersion": _SCHEMA}
        told |= {"event": "publish"} if publish else {}
        body = {"data": {"type": "dois", "attributes": told}}
        timeout = httpx2.Timeout(_SECONDS, connect=10.0)
        with httpx2.Client(auth=self._signed_in, timeout=timeout, headers={"Accept": _MEDIA}) as client:
            place = f"{self._url}/dois/{quote(doi, safe='/')}"
            there = self._asked(client, "GET", place, None)
            if there.status_code == 404:
                there = self._asked(client, "POST", f"{self._url}/dois", body)
            elif there.status_code == 200:
                there = self._asked(client, "PUT", place, body)
        if there.status_code not in (200, 201):
            raise self._failed(f"{there.status_code}: {_reason(there)}")

    def _asked(self, client: httpx2.Client, method: str, url: str, body: Any) -> httpx2.Response:
        try:
            return client.request(
                method, url, json=body, headers={"Content-Type": _MEDIA} if body is not None else None
            )
        except httpx2.HTTPError as error:
            raise self._failed(str(error) or type(error).__name__) from error

    def _failed(self, reason: str) -> RegistrarFailed:
        return RegistrarFailed(registrar=self._url or "-", reason=reason[:500])


def _reason(answer: httpx2.Response) -> str:
    """What a JSON:API answer says of its errors."""
    try:
        errors = answer.json()["errors"]
        return "; ".join(f"{one.get('source', '')} {one['title']}".strip() for one in errors)
    except (ValueError, KeyError, TypeError, AttributeError):
        return answer.text[:200] or answer.reason_phrase
