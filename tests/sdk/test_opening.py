"""A version opened in one line: as files, Arrow, xarray and torch; and what is pinned."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from madang.assets import checking, service
from madang.assets.model import Version
from madang.interfaces.demo import cast
from madang.sdk import Client, NotPermitted, Unsafe
from madang.sdk.progress import Stopped, Told
from madang.sdk.together import together
from tests.conftest import Played
from tests.serving import serving

np = pytest.importorskip("numpy")
pa = pytest.importorskip("pyarrow")
WHO = "company-a"


@pytest.fixture
def client(copied: Played, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with (
        serving(copied.home.path) as address,
        Client(address, token=copied.stage.token(WHO)) as made,
    ):
        yield made


def deposited(copied: Played, folder: Path, name: str) -> Version:
    version = service.deposit(copied.home, copied.actor(WHO), folder, name, cast.AGREEMENT)
    (outcome,) = [one for one in checking.check(copied.home, copied.actor(WHO), version.name)
                  if one.version.version_id == version.version_id]  # fmt: skip
    assert outcome.version.state == "accepted", outcome
    return version


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949", "utf-16"])
def test_a_csv_in_whatever_encoding(client: Client, copied: Played, tmp_path: Path, encoding: str) -> None:
    folder = tmp_path / "csv"
    folder.mkdir()
    (folder / "t.csv").write_text("기온(℃),지점\n1.5,서울\n2.5,부산\n", encoding=encoding)
    version = deposited(copied, folder, f"csv-{encoding}")
    table = client.open(version.name).arrow()
    assert table.to_pydict() == {"기온(℃)": [1.5, 2.5], "지점": ["서울", "부산"]}
    with pytest.raises(Unsafe):
        client.open(version.name).arrow(encoding="ascii")


def test_a_recording_as_files_arrow_and_torch(client: Client, copied: Played) -> None:
    torch = pytest.importorskip("torch")
    name = copied.stage.notes[f"deposit:{WHO}"]
    data = client.open(name)
    assert data.files["meta/info.json"].is_file()
    table = data.arrow("data")
    assert table.num_rows == data.version.facts["frames"]
    assert set(data.pin.agreements) == {cast.AGREEMENT}
    rows = data.torch(["observation.state"], "action", path="data")
    first, told = rows[0]
    assert first.dtype == torch.float32
    assert first.tolist() == pytest.approx(table.column("observation.state")[0].as_py())
    assert told.tolist() == pytest.approx(table.column("action")[0].as_py())
    assert len(rows) == table.num_rows
    assert sum(len(batch[0]) for batch in torch.utils.data.DataLoader(rows, batch_size=64)) == len(rows)
    with pytest.raises(Unsafe, match="no column nothing"):
        data.torch(["nothing"], path="data")
    with pytest.raises(Unsafe, match="nothing of that kind"):
        data.xarray()


def test_a_second_time_nothing_is_fetched(
    client: Client, copied: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = copied.stage.notes[f"deposit:{WHO}"]
    pin = client.open(name).pin
    taking = sys.modules["madang.sdk._sync.taking"]
    monkeypatch.setattr(taking, "download", None)
    again = client.open(name, manifest=pin.manifest, agreement=cast.AGREEMENT)
    assert again.pin == pin


def test_a_copy_that_was_changed_is_fetched_anew(client: Client, copied: Played) -> None:
    name = copied.stage.notes[f"deposit:{WHO}"]
    data = client.open(name)
    there = {path: file.read_bytes() for path, file in data.files.items()}
    data.files["meta/info.json"].write_bytes(b"x" * len(there["meta/info.json"]))
    assert {path: file.read_bytes() for path, file in client.open(name).files.items()} == there
    data.files["meta/info.json"].unlink()
    (data.folder / "more").write_text("more")
    assert {path: file.read_bytes() for path, file in client.open(name).files.items()} == there


def test_several_open_a_version_at_once(client: Client, copied: Played) -> None:
    name = copied.stage.notes[f"deposit:{WHO}"]
    with ThreadPoolExecutor(4) as crowd:
        found = list(crowd.map(lambda _: client.open(name).files, range(4)))
    assert len({tuple(sorted(one)) for one in found}) == 1
    assert all(file.is_file() for file in found[0].values())


def test_the_first_error_is_told_at_once() -> None:
    begun: list[int] = []

    def job(number: int) -> None:
        begun.append(number)
        if number == 1:
            raise ValueError
        time.sleep(0.2)

    with pytest.raises(ValueError):
        together([partial(job, number) for number in range(40)], 2, lambda: None)
    assert len(begun) < 10


def test_what_is_stopped_ends_at_its_next_part() -> None:
    """Threads too, which nothing ends from outside: at Ctrl-C nobody waits for a whole file."""
    told, ended = Told(None, 10**9), list[int]()

    def endless(number: int) -> None:
        try:
            for _ in range(10**6):
                told.add(1)
                time.sleep(0.001)
        except Stopped:
            ended.append(number)
            raise

    def interrupted() -> None:
        time.sleep(0.05)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        together([partial(endless, 1), partial(endless, 2), interrupted], 3, told.stop)
    assert sorted(ended) == [1, 2]


def test_progress_within_a_file(client: Client, copied: Played, tmp_path: Path) -> None:
    (tmp_path / "big").mkdir()
    (tmp_path / "big/a.bin").write_bytes(os.urandom(5 * 2**20))
    seen: list[tuple[int, int]] = []
    made = client.deposit(tmp_path / "big", asset="big", agreement=cast.AGREEMENT)
    client.download(made.name, tmp_path / "back", progress=lambda done, size: seen.append((done, size)))
    assert len(seen) > 5
    assert seen[-1] == (5 * 2**20, 5 * 2**20)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_another_content_or_agreement_than_pinned_is_refused(client: Client, copied: Played) -> None:
    name = copied.stage.notes[f"deposit:{WHO}"]
    with pytest.raises(Unsafe, match="not what was pinned"):
        client.open(name, manifest="0" * 64)
    with pytest.raises(Unsafe, match="not under the agreement"):
        client.open(name, agreement="another")
    with pytest.raises(NotPermitted):
        client.open(copied.stage.notes["deposit:company-b"])


def test_arrays_as_xarray(client: Client, copied: Played, tmp_path: Path) -> None:
    xr = pytest.importorskip("xarray")
    pytest.importorskip("netCDF4")
    (tmp_path / "grids").mkdir()
    for day in range(2):
        made = xr.Dataset(
            {"tas": (("time", "lat"), np.full((1, 3), 280.0 + day), {"units": "K"})},
            {"time": [day], "lat": [33.0, 35.0, 37.0]},
        )
        made.to_netcdf(tmp_path / f"grids/{day}.nc")
    version = deposited(copied, tmp_path / "grids", "grids")
    found = client.open(version.name).xarray()
    assert found["tas"].shape == (2, 3)
    assert found["tas"].isel(time=1).values.tolist() == [281.0] * 3
    assert client.open(version.name).xarray("0.nc")["tas"].shape == (1, 3)


@pytest.mark.parametrize("form", ["parquet", "csv", "jsonl"])
def test_tables_in_any_form(client: Client, copied: Played, tmp_path: Path, form: str) -> None:
    folder = tmp_path / "tables"
    folder.mkdir()
    for part in range(2):
        if form == "parquet":
            from pyarrow import parquet

            made = pa.table({"x": [1 + part, 5], "y": [0.5, 1.5]})
            parquet.write_table(made, folder / f"{part}.parquet")
        elif form == "csv":
            (folder / f"{part}.csv").write_text(f"x,y\n{1 + part},0.5\n5,1.5\n")
        else:
            rows = ({"x": 1 + part, "y": 0.5}, {"x": 5, "y": 1.5})
            (folder / f"{part}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "README.md").write_text("two rows")
    version = deposited(copied, folder, f"tables-{form}")
    table = client.open(version.name).arrow()
    assert table.to_pydict() == {"x": [1, 5, 2, 5], "y": [0.5, 1.5, 0.5, 1.5]}
