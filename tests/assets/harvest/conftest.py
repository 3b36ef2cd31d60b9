"""A catalogue that answers, and a desk from which it is harvested."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from madang.kernel import home as homes
from madang.kernel import outbound
from tests.assets.harvest.catalogues import Catalogue, serving
from tests.assets.harvest.desk import Desk
from tests.conftest import Office


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Catalogue]:
    monkeypatch.setattr(outbound.time, "sleep", lambda _: None)
    with serving() as made:
        yield made


@pytest.fixture
def desk(office: Office, tmp_path: Path) -> Iterator[Desk]:
    flags = {"outbound_networks": "127.0.0.0/8", "harvest_folders": str(tmp_path / "open")}
    home = homes.open_home(office.home.path, flags | {"database_url": office.home.values.database_url})
    yield Desk(home, office.join("institute", "steward", kind="institute"), office)
    home.database.close()
