"""The page of a version: what is drawn of its content, and where it leads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from madang.assets import checking, service
from madang.interfaces.demo import cast
from madang.interfaces.web.app import create_app
from tests.conftest import Played
from tests.interfaces.test_web import cookies


def test_a_versions_page_draws_what_is_in_it(copied: Played, tmp_path: Path) -> None:
    pictures = pytest.importorskip("PIL.Image")
    folder = tmp_path / "stations"
    folder.mkdir()
    rows = "".join(f"{33 + n / 10},{126 + n / 10},{15 + n % 7}\n" for n in range(40))
    (folder / "stations.csv").write_text("위도,경도,기온(℃)\n" + rows)
    pictures.new("RGB", (40, 30), "navy").save(folder / "sea.png")
    home, who = copied.home, copied.actor("company-a")
    version = service.deposit(home, who, folder, "stations", cast.AGREEMENT)
    checking.check(home, who, version.name)
    signed_in = cookies(copied, "company-a")
    with TestClient(create_app(home)) as client:
        page = client.get(f"/versions/{version.name}", headers=signed_in).text
        assert "<figure>" in page
        assert "기온(℃)" in page
        assert 'id="where"' in page
        assert "chart histogram" in page
        picture = re.search(r'src="(/versions/[^"]+/pictures/\d+)"', page)
        assert picture is not None
        shown = client.get(picture[1], headers=signed_in)
        assert shown.headers["content-type"].startswith("image/")
        other = client.get(f"/versions/{version.name}", headers=cookies(copied, "company-b")).text
        assert "<figure>" not in other
        assert client.get(picture[1], headers=cookies(copied, "company-b")).status_code in (403, 404)


def test_a_version_leads_to_the_others_of_its_asset_and_what_differs(played: Played) -> None:
    first = f"{cast.MIRRORED}/{cast.data_set(cast.MIRRORED)}@1"
    second = first.replace("@1", "@2")
    with TestClient(create_app(played.home), headers=cookies(played, cast.LEAD)) as client:
        for shown, other in ((first, second), (second, first)):
            page = client.get(f"/versions/{shown}").text
            assert f'href="/versions/{other}"' in page
            link = re.search(r'href="(/versions/[^"]+/changes\?since=[^"]+)"', page)
            assert link is not None
            assert link[1].startswith(f"/versions/{second}/")
            assert client.get(link[1]).status_code == 200
