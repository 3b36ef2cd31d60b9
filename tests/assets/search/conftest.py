"""A catalogue of six records, and how it is asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from madang.assets.catalogue import service as catalogue
from madang.assets.catalogue.model import Record
from madang.assets.harvest import running
from madang.assets.search import service
from madang.assets.search.service import Asked
from madang.kernel import home as homes
from madang.kernel.authorizer import Principal
from madang.kernel.home import Home
from tests.conftest import Office

RECORDS = {
    "heart": (
        "Electrocardiograms of twelve leads",
        "Recordings of patients in intensive care",
        "CC0-1.0",
        2021,
    ),
    "hubble": ("Hubble Space Telescope archive", "Images and spectra of galaxies", "", 2015),
    "battery": ("이차전지 양극재의 수명 시험", "리튬이온전지를 충방전한 기록입니다", "CC-BY-4.0", 2024),
    "school": ("서울특별시 학교급식 통계", "초등학교와 중학교의 급식 인원", "", 2023),
    "air": ("대기질 측정망의 기온과 강수량", "미세먼지를 한 시간마다 관측한 자료", "", 2022),
    "tides": ("Tide gauges and sea surface temperature", "Sea level every ten minutes", "", 2020),
}


def document(name: str) -> str:
    title, says, licence, year = RECORDS[name]
    told = {"doi": f"10.5072/{name}", "titles": [{"title": title}], "descriptions": [{"description": says}],
            "publicationYear": year, "formats": ["text/csv"] if year > 2020 else []}  # fmt: skip
    if licence:
        told["rightsList"] = [{"rightsIdentifier": licence, "rightsIdentifierScheme": "SPDX"}]
    return json.dumps(told, ensure_ascii=False)


@pytest.fixture
def desk(office: Office, tmp_path: Path) -> Iterator[tuple[Home, Principal]]:
    """A home whose catalogue holds RECORDS."""
    folder = tmp_path / "records"
    folder.mkdir()
    for name in RECORDS:
        (folder / f"{name}.json").write_text(document(name))
    flags = {"harvest_folders": str(folder), "database_url": office.home.values.database_url}
    home = homes.open_home(office.home.path, flags)
    steward = office.join("institute", "steward", kind="institute")
    with home.database.write() as session:
        catalogue.add(session, steward, "ours", "folder", str(folder), {})
    running.run(home, steward, "ours")
    yield home, steward
    home.database.close()


def found(home: Home, actor: Principal, words: str, **asked: object) -> list[str]:
    """Names of what was found, best first."""
    answer = service.search(home, actor, replace(Asked(words), **asked))
    return [
        one.what.remote_id.removesuffix(".json") if isinstance(one.what, Record) else one.what.name
        for one in answer.found
    ]
