"""DOIs: what is told to a registrar, and what to everybody. The registrar here is a stand-in of our own."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from fastapi.testclient import TestClient

from madang.assets import lineage
from madang.assets.describing import service as describing
from madang.assets.identifiers import service
from madang.assets.identifiers.errors import Gone, NoPublicPlace, NotDescribed, RegistrarFailed, RegistrarOff
from madang.assets.metadata.model import Agent, Description, Text
from madang.assets.withdrawing import service as withdrawing
from madang.interfaces.demo import cast
from madang.interfaces.web.app import create_app
from madang.kernel.errors import NotPermitted
from madang.kernel.home import Home, open_home
from madang.programme.verification import verify_home
from tests.conftest import Played
from tests.serving import standing_in

WHO = "company-b"


SIGNED_IN = "Basic " + base64.b64encode(b"REPO.ONE:secret").decode()


@dataclass
class Registrar:
    """DOIs as DataCite's guide tells of them: POST makes one, PUT changes it, GET shows it."""

    url: str = ""
    held: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    broken: int = 0

    def reply(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, Any]:
        self.asked.append(method)
        if self.broken:
            return self.broken, {"errors": [{"source": "url", "title": "is not right"}]}
        if headers.get("Authorization") != SIGNED_IN:
            return 401, {"errors": [{"title": "Bad credentials."}]}
        if method == "GET":
            doi = path.removeprefix("/dois/")
            return 200 if doi in self.held else 404, {"data": self.held.get(doi)}
        told = json.loads(body)["data"]["attributes"]
        was = self.held.get(told["doi"], {"state": "draft"})
        state = "findable" if told.pop("event", "") == "publish" else was["state"]
        self.held[told["doi"]] = {**told, "state": state}
        return 201 if method == "POST" else 200, {"data": {}}


@pytest.fixture
def registrar() -> Iterator[Registrar]:
    there = Registrar()
    with standing_in(there.reply) as there.url:
        yield there


@pytest.fixture
def at(copied: Played, registrar: Registrar) -> Iterator[Callable[..., Home]]:
    """The home with settings of a registrar, and others."""
    opened: list[Home] = []

    def open_with(**more: str) -> Home:
        flags = {
            "doi_engine": "datacite", "doi_url": registrar.url, "doi_prefix": "10.5072",
            "doi_repository": "REPO.ONE", "doi_password": "secret", "public_url": "https://madang.example",
            "database_url": copied.home.values.database_url, **more,
        }  # fmt: skip
        opened.append(open_home(copied.home.path, flags))
        return opened[-1]

    yield open_with
    for home in opened:
        home.database.close()


def described(copied: Played, title: str = "Pushing a cube") -> str:
    told = Description(
        Text("밀기", title), description=Text(None, "A robot pushes."), creators=(Agent(Text(None, "Kim")),)
    )
    name = copied.stage.notes[f"deposit:{WHO}"]
    with copied.home.database.write() as session:
        return lineage.get(
            session, describing.describe(session, copied.actor(WHO), name, told).version_id
        ).name


def test_a_draft_then_the_world(copied: Played, registrar: Registrar, at: Callable[..., Home]) -> None:
    home, name = at(), described(copied)
    made = service.register(home, copied.actor(WHO), name)
    assert (made.state, registrar.held[made.doi]["state"]) == ("draft", "draft")
    assert registrar.asked == ["GET", "POST"]
    with TestClient(create_app(home)) as client:
        assert client.get(f"/doi/{made.doi}").status_code == 404  # nobody is told of a draft
        again = service.register(home, copied.actor(WHO), name, publish=True)
        assert (again.doi, again.state) == (made.doi, "findable")
        told = registrar.held[made.doi]
        assert told["state"] == "findable"
        assert told["url"] == f"https://madang.example/doi/{made.doi}"
        assert {"title": "Pushing a cube", "lang": "en"} in told["titles"]
        assert told["creators"][0]["name"] == "Kim"
        said = json.dumps(told)
        for private in (cast.AGREEMENT, cast.MISSION, "observation.state", "blake3"):
            assert private not in said, private
        page = client.get(f"/doi/{made.doi}", headers={"cookie": "madang_language=ko"}).text
        assert "밀기" in page
        assert cast.AGREEMENT not in page
        # What is written later is for members until it is registered too.
        described(copied, "Pushing a cube, mended")
        assert "mended" not in client.get(f"/doi/{made.doi}").text
        service.register(home, copied.actor(WHO), name)
        assert registrar.held[made.doi]["state"] == "findable"
        assert "mended" in client.get(f"/doi/{made.doi}").text
        with home.database.write() as session:
            withdrawing.withdraw(session, copied.actor(WHO), name, "a private reason")
        page = client.get(f"/doi/{made.doi}").text
        assert "withdrawn" in page
        assert "a private reason" not in page
    with pytest.raises(Gone):
        service.register(home, copied.actor(WHO), name)
    with home.database.read() as session:
        assert [one.doi for one, _ in service.listed(session, copied.actor(WHO))] == [made.doi]
        assert service.listed(session, copied.actor("company-a")) == []
        assert len(service.listed(session, copied.actor(cast.MINISTRY, "officer"))) == 1
    assert verify_home(home).holds


def test_what_gets_no_doi(copied: Played, registrar: Registrar, at: Callable[..., Home]) -> None:
    home, actor = at(), copied.actor(WHO)
    name = copied.stage.notes[f"deposit:{WHO}"]
    with pytest.raises(RegistrarOff):
        service.register(copied.home, actor, name)
    with pytest.raises(NotDescribed):
        service.register(home, actor, name)
    described(copied)
    with pytest.raises(NotPermitted):
        service.register(home, copied.actor("company-a"), name)
    with pytest.raises(NoPublicPlace):
        service.register(at(public_url=""), actor, name, publish=True)
    with pytest.raises(RegistrarFailed, match="Bad credentials"):
        service.register(at(doi_password="x"), actor, name)
    registrar.broken = 422
    with pytest.raises(RegistrarFailed, match="url is not right"):
        service.register(home, actor, name)
    for url in ("http://api.example", "http://127.0.0.1:9"):
        with pytest.raises(RegistrarFailed):
            service.register(at(doi_url=url), actor, name)
    with home.database.read() as session:
        assert service.listed(session, actor) == []
