"""Catalogues of our own making on loopback: an OAI-PMH repository, a CKAN portal and a STAC catalogue.

They hold records in memory, which a test changes between harvests, and can be told to fail.
"""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit
from xml.sax.saxutils import escape

PAGE = 10
_OAI = 'xmlns="http://www.openarchives.org/OAI/2.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"'
TURTLE = """@prefix dcat: <http://www.w3.org/ns/dcat#> . @prefix dct: <http://purl.org/dc/terms/> .
<urn:a> a dcat:Dataset ; dct:title "Rain"@en, "비"@ko . <urn:b> a dcat:Dataset ; dct:title "Snow"@en ."""


@dataclass
class Held:
    """A record: its title, when it changed, whether it was deleted."""

    title: str
    at: str = "2026-01-01T00:00:00Z"
    deleted: bool = False


@dataclass
class Catalogue:
    """What is served, and what goes wrong: fail_after answers, every answer is the status `fail_with`."""

    records: dict[str, Held] = field(default_factory=dict)
    now: str = "2026-02-01T00:00:00Z"
    keeps_deletions: bool = True
    forms: tuple[str, ...] = ("oai_dc",)
    form: str = "oai_dc"
    fail_after: int | None = None
    fail_with: int = 500
    forget_tokens: bool = False
    asked: list[dict[str, str]] = field(default_factory=list)
    title: str = ""
    """What the repository is called; empty: it does not say."""
    hiccups: bool = False
    """Asked what it is called, it breaks."""
    url: str = ""
    objects: dict[str, Any] = field(default_factory=dict)
    """What is below /bucket/ by its key: texts as they are, anything else as JSON."""
    listed_only: set[str] = field(default_factory=set)

    def listing(self, asked: dict[str, str]) -> str:
        """ListObjectsV2, ten a part."""
        keys = [
            key
            for key in sorted({*self.objects, *self.listed_only})
            if key.startswith(asked.get("prefix", ""))
        ]
        start = int(asked.get("continuation-token", 0))
        rows = "".join(
            f"<Contents><Key>{escape(key)}</Key>"
            f"<Size>{99_000_000 if key.startswith('large') else 9}</Size>"
            "<LastModified>2026-01-31T10:20:30.000Z</LastModified></Contents>"
            for key in keys[start : start + PAGE]
        )
        more = (
            f"<NextContinuationToken>{start + PAGE}</NextContinuationToken>"
            if start + PAGE < len(keys)
            else ""
        )
        return f'<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{rows}{more}</ListBucketResult>'

    def fill(self, n: int) -> None:
        self.records = {f"oai:x:{number:04}": Held(f"Record {number}") for number in range(n)}

    def oai(self, asked: dict[str, str]) -> str:
        verb = asked.get("verb")
        if verb == "ListMetadataFormats":
            told = (
                f"<metadataFormat><metadataPrefix>{one}</metadataPrefix></metadataFormat>"
                for one in self.forms
            )
            body = f"<ListMetadataFormats>{''.join(told)}</ListMetadataFormats>"
        elif verb == "Identify":
            policy = "persistent" if self.keeps_deletions else "no"
            grain = "<granularity>YYYY-MM-DDThh:mm:ssZ</granularity>"
            name = (
                f"<repositoryName>{escape(self.title)}</repositoryName><baseURL>{self.url}/oai</baseURL>"
                if self.title
                else ""
            )
            body = f"<Identify>{name}<deletedRecord>{policy}</deletedRecord>{grain}</Identify>"
        else:
            body = self._list(asked)
        return f'<?xml version="1.0"?><OAI-PMH {_OAI}><responseDate>{self.now}</responseDate>{body}</OAI-PMH>'

    def _list(self, asked: dict[str, str]) -> str:
        since, start = asked.get("from", ""), 0
        if token := asked.get("resumptionToken"):
            if self.forget_tokens:
                self.forget_tokens = False
                return '<error code="badResumptionToken">expired</error>'
            start, since = int(token.partition("|")[0]), token.partition("|")[2]
        chosen = [(name, held) for name, held in sorted(self.records.items()) if held.at >= since]
        if not chosen:
            return '<error code="noRecordsMatch"/>'
        form = asked.get("metadataPrefix", self.form)
        self.form = form
        listed = "".join(self.record(name, held, form) for name, held in chosen[start : start + PAGE])
        more = f"{start + PAGE}|{since}" if start + PAGE < len(chosen) else ""
        return f"<ListRecords>{listed}<resumptionToken>{more}</resumptionToken></ListRecords>"

    def record(self, name: str, held: Held, form: str = "oai_dc") -> str:
        status = ' status="deleted"' if held.deleted else ""
        head = f"<header{status}><identifier>{name}</identifier><datestamp>{held.at}</datestamp></header>"
        dublin_core = (
            '<metadata><oai_dc:dc xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/">'
            f"<dc:title>{escape(held.title)}</dc:title></oai_dc:dc></metadata>"
        )
        datacite = (  # wrapped, as DataCite's own repositories send it
            '<metadata><oai_datacite xmlns="http://schema.datacite.org/oai/oai-1.1/"><schemaVersion>4</schemaVersion>'
            '<payload><resource xmlns="http://datacite.org/schema/kernel-4">'
            f'<identifier identifierType="DOI">10.5072/{name.rpartition(":")[2]}</identifier><titles>'
            f'<title xml:lang="en">{escape(held.title)}</title><title xml:lang="ko">기온</title></titles>'
            "<publicationYear>2026</publicationYear></resource></payload></oai_datacite></metadata>"
        )
        inner = "" if held.deleted else dublin_core if form == "oai_dc" else datacite
        return f"<record>\n {head}{inner}</record>"

    def ckan(self, asked: dict[str, str]) -> str:
        start, rows = int(asked.get("start", 0)), int(asked.get("rows", 10))
        held = sorted(self.records.items())
        listed = [{"id": name, "name": name, "title": one.title, "resources": []} for name, one in held]
        return json.dumps(
            {"success": True, "result": {"count": len(held), "results": listed[start : start + rows]}}
        )

    def stac(self, path: str) -> str:
        if path.endswith("catalog.json"):
            links = [
                {"rel": "item", "href": f"./{name.rpartition(':')[2]}.json"} for name in sorted(self.records)
            ]
            links.append({"rel": "child", "href": "https://elsewhere.invalid/catalog.json"})
            told = {"title": self.title} if self.title else {}
            return json.dumps({"type": "Catalog", "stac_version": "1.1.0", "id": "c", "links": links, **told})
        name = f"oai:x:{path.rpartition('/')[2].removesuffix('.json')}"
        told = {"title": self.records[name].title, "datetime": "2020-01-01T00:00:00Z"}
        return json.dumps(
            {"type": "Feature", "stac_version": "1.1.0", "id": name, "properties": told, "assets": {}}
        )


@contextmanager
def serving() -> Iterator[Catalogue]:
    """A catalogue at its `url`: /oai, /ckan, /stac/catalog.json."""
    catalogue = Catalogue()

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            asked = dict(parse_qsl(parts.query))
            catalogue.asked.append(asked)
            if catalogue.fail_after is not None and len(catalogue.asked) > catalogue.fail_after:
                self._answer(catalogue.fail_with, "broken")
            elif parts.path == "/oai":
                self._answer(200, catalogue.oai(asked))
            elif parts.path == "/ckan/api/3/action/package_search":
                self._answer(200, catalogue.ckan(asked))
            elif parts.path == "/ckan/api/3/action/status_show" and catalogue.hiccups:
                self._answer(500, "broken")
            elif parts.path == "/ckan/api/3/action/status_show" and catalogue.title:
                told = {"site_title": catalogue.title, "site_url": f"{catalogue.url}/ckan"}
                self._answer(200, json.dumps({"success": True, "result": told}))
            elif parts.path == "/bucket":
                self._answer(200, catalogue.listing(asked))
            elif parts.path.startswith("/bucket/"):
                key = unquote(parts.path.removeprefix("/bucket/"))
                held = catalogue.objects.get(key)
                body = held if isinstance(held, str) else json.dumps(held)
                self._answer(404, "") if held is None else self._answer(200, body)
            elif parts.path.startswith("/stac/"):
                self._answer(200, catalogue.stac(parts.path))
            else:
                self._answer(404, "")

        def _answer(self, status: int, body: str) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    catalogue.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield catalogue
    finally:
        server.shutdown()
        server.server_close()
