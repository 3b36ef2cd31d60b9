"""Each format's reader on files that this test makes: variables, units, extent, and what is odd."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import tarfile
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import h5py
import netCDF4
import numpy as np
import openpyxl
import pyarrow as pa
import pytest
import rasterio
import xlwt
import zarr
from astropy.io import fits
from astropy.table import Table
from PIL import Image
from pyarrow import parquet
from rasterio import Affine

from madang.assets.probing.model import Report
from tests.assets.probing.dicom import dicom
from tests.assets.probing.looking import look, one, require, variables

Write = Callable[[Path], None]


def _netcdf(path: Path) -> None:
    with netCDF4.Dataset(path, "w") as data:
        data.title = "한반도 기온"
        for name, values, unit in (
            ("lat", np.linspace(33, 39, 7), "degrees_north"),
            ("lon", np.linspace(124, 132, 9), "degrees_east"),
            ("time", np.arange(3), "days since 2026-03-01"),
        ):
            data.createDimension(name, len(values))
            data.createVariable(name, "f8", (name,))[:] = values
            data[name].units = unit
        held = data.createVariable("tas", "f4", ("time", "lat", "lon"), fill_value=-999.0)
        held.units, held.standard_name, held.long_name = "degC", "air_temperature", "기온"
        held[:] = np.ma.masked_less(np.arange(189.0).reshape(3, 7, 9), 9)


def _hdf5(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["group/speed"] = np.arange(100.0)
        file["group/speed"].attrs["units"] = "m/s"
        secret = path.with_name("secret.bin")
        secret.write_bytes(b"secret: " * 8)
        file["elsewhere"] = h5py.ExternalLink(str(secret), "/")
        file.create_dataset("raw", (64,), "u1", external=[(str(secret), 0, 64)])
        file.create_dataset("huge", (10**8, 10**7), "f8", chunks=(100, 100))
        file.create_dataset("piece", (2**15, 2**15), "f8", chunks=(2**15, 2**15))


def _zarr(version: int) -> Write:
    def write(path: Path) -> None:
        group = zarr.open_group(str(path), mode="w", zarr_format=version)
        made = group.create_array("temperature", shape=(10, 10), dtype="f4", chunks=(5, 5))
        made[:] = np.arange(100).reshape(10, 10)
        made.attrs["units"] = "K"

    return write


def _parquet(path: Path) -> None:
    fields = [pa.field("depth", pa.float64(), metadata={"unit": "m"}), ("state", pa.list_(pa.float32(), 3))]
    when = pa.array(np.array(["2026-01-01T00:00", "2026-02-01T12:30"], "datetime64[s]"))
    schema = pa.schema([*fields, ("at", when.type), ("site", pa.string())])
    rows = [[1.5, None], [[1, 2, 3], [4, 5, 6]], when, ["동해", "서해"]]
    parquet.write_table(pa.table(dict(zip(schema.names, rows, strict=True)), schema), path)


def _workbook(path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["지점", "강수량(mm)", "날짜"], ["서울", 12.5, "2026-07-01"], ["부산", 3, "2026-07-02"]):
        book.active.append(row)
    book.save(path)


def _old_workbook(path: Path) -> None:
    book = xlwt.Workbook(encoding="utf-8")
    book.add_sheet("빈 시트")
    sheet = book.add_sheet("관측")
    plain, day = xlwt.easyxf(), xlwt.easyxf(num_format_str="YYYY-MM-DD")
    for row, cells in enumerate(
        (
            ["지점", "강수량(mm)", "날짜"],
            ["서울", 12.5, date(2026, 7, 1)],
            ["부산", 3, date(2026, 7, 2)],
        )
    ):
        for column, cell in enumerate(cells):
            sheet.write(row, column, cell, day if isinstance(cell, date) else plain)
    book.save(str(path))


def _far_workbook(path: Path) -> None:
    """One cell at the far corner: as many cells as a sheet can have, none of them filled."""
    book = xlwt.Workbook()
    sheet = book.add_sheet("far")
    sheet.write(0, 0, "a")
    sheet.write(65535, 255, 1)
    book.save(str(path))


def _programmed(write: Write) -> Write:
    """The same with what a workbook with macros has."""

    def written(path: Path) -> None:
        write(path)
        with path.open("ab") as file:
            file.write("_VBA_PROJECT".encode("utf-16-le").ljust(512, b"\0"))

    return written


def _fits(path: Path) -> None:
    table = Table({"flux": [1.0, 2.0], "name": ["a", "b"]}, units={"flux": "Jy"})
    image = fits.ImageHDU(np.arange(64.0).reshape(8, 8), name="SKY")
    fits.HDUList([fits.PrimaryHDU(), image, fits.table_to_hdu(table)]).writeto(path)


def _votable(path: Path) -> None:
    Table({"ra": [10.0, 20.0]}, units={"ra": "deg"}).write(path, format="votable")


def _geotiff(path: Path) -> None:
    place = {"crs": "EPSG:4326", "transform": Affine(0.5, 0, 126, 0, -0.5, 38)}
    with rasterio.open(path, "w", "GTiff", 4, 4, 1, dtype="float32", nodata=-1, **place) as raster:
        raster.write(np.where(np.eye(4), -1, 7).astype("f4"), 1)


def _photograph(path: Path) -> None:
    image, tags = Image.new("RGB", (40, 30), "navy"), Image.Exif()
    tags[0x013B] = "Hong Gildong"
    image.save(path, exif=tags)


def _zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../evil.txt", b"x")
        archive.writestr("Data.csv", b"x")
        archive.writestr("data.csv", b"x")
        archive.writestr("model.bin", pickle.dumps({"a": 1}))
        archive.writestr("zeros", bytes(20_000_000))


def _tar(path: Path) -> None:
    with tarfile.open(path, "w") as archive:
        for name, kind in (
            ("link", tarfile.SYMTYPE),
            ("device", tarfile.CHRTYPE),
            ("/absolute", tarfile.REGTYPE),
        ):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "/etc" if kind == tarfile.SYMTYPE else ""
            archive.addfile(member)


def _text(content: str, encoding: str = "utf-8") -> Write:
    return lambda path: path.write_bytes(content.encode(encoding)) and None


def _bytes(content: bytes) -> Write:
    return lambda path: path.write_bytes(content) and None


_BOMB = '<!DOCTYPE a [<!ENTITY x "x"><!ENTITY y "&x;&x;">]><a>&y;</a>'
_CIF = """data_halite
_cell_length_a 5.64
_cell_length_b 5.64
_cell_length_c 5.64
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'P 1'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
Na1 Na 0 0 0
Cl1 Cl 0.5 0.5 0.5
"""
_POSCAR = "Si\n1.0\n5 0 0\n0 5 0\n0 0 5\nSi\n2\nDirect\n0 0 0\n0.25 0.25 0.25\n"
_MGF = "BEGIN IONS\nTITLE=one\nPEPMASS=400.5\n100.1 10\n200.2 30\nEND IONS\n"
_PLACES = (
    "지점,위도,경도,기온(℃),일시\n"
    "서울,37.5,127.0,21.5,2026-05-01 09:00\n"
    "부산,35.1,129.0,23.0,2026-05-02 09:00\n"
)
_TABBED = "a\tb\n1\t2\n3\t4\n"

CASES: tuple[tuple[str, Write, str, dict[str, Any], set[str]], ...] = (
    ("stations.csv", _text(_PLACES, "cp949"), "table",
     {"기온": {"unit": "℃", "maximum": 23.0, "standard_name": "air_temperature"},
      "일시": {"kind": "time"}},
     {"encoding-other"}),
    ("tabbed.csv", _text("\ufeff" + _TABBED, "utf-16-le"), "table", {"a": {"maximum": 3.0}},
     {"encoding-other", "ending-differs"}),
    ("unmarked.csv", _text("이름,값\n" + "서울,1\n" * 40, "utf-16-le"), "table", {"값": {}},
     {"encoding-guessed"}),
    ("odd.csv", _text("a,a,b\n1,x,=SUM(A1)\n2,3\n,4,5\n"), "table", {"b": {"kind": "text"}},
     {"column-twice", "rows-ragged", "cell-formula", "numbers-mixed"}),
    ("plain.json", _text('[{"k": 1, "t": "x"}, {"k": 2}]'), "json", {"k": {"maximum": 2.0}}, set()),
    ("lines.jsonl", _text('{"k": 1}\n{"k": 2}\n'), "json", {"k": {"maximum": 2.0}}, set()),
    ("deep.json", _text("[" * 100_000), "json", {}, {"too-deep"}),
    ("twice.json", _text('{"a": NaN, "a": 1}'), "json", {}, {"key-twice", "not-json"}),
    ("where.geojson", _text(json.dumps({"type": "FeatureCollection", "features": [
        {"type": "Feature", "properties": {"n": 1},
         "geometry": {"type": "Point", "coordinates": [127, 37]}}]})),
     "geojson", {"n": {}}, set()),
    ("bomb.xml", _text(_BOMB), "markup", {}, {"entities"}),
    ("drawing.svg", _text('<svg xmlns="http://www.w3.org/2000/svg" onload="x()"/>'), "svg", {},
     {"script-inside"}),
    ("notes.md", _text("# 제목\n\u202eabc"), "text", {}, {"signs-invisible"}),
    ("air.nc", _netcdf, "netcdf",
     {"tas": {"unit": "degC", "standard_name": "air_temperature", "minimum": 9.0, "shape": (3, 7, 9)}},
     set()),
    ("held.h5", _hdf5, "hdf5", {"group/speed": {"unit": "m/s", "maximum": 99.0}, "raw": {"kind": "other"}},
     {"link-out", "mostly-unwritten", "chunk-large"}),
    ("two.zarr", _zarr(2), "zarr", {"temperature": {"unit": "K", "maximum": 99.0}}, set()),
    ("three.zarr", _zarr(3), "zarr", {"temperature": {"unit": "K", "maximum": 99.0}}, set()),
    ("rows.parquet", _parquet, "parquet",
     {"depth": {"unit": "m", "minimum": 1.5}, "state": {"maximum": 6.0, "shape": (3,)},
      "at": {"kind": "time"}}, set()),
    ("book.xlsx", _workbook, "excel", {"강수량": {"unit": "mm", "maximum": 12.5}}, set()),
    ("book.xls", _old_workbook, "excel",
     {"강수량": {"unit": "mm", "maximum": 12.5}, "날짜": {"kind": "time"}}, set()),
    ("renamed.xlsx", _old_workbook, "excel", {"강수량": {"unit": "mm"}}, set()),
    ("far.xls", _far_workbook, "xls", {}, {"too-much-memory"}),
    ("macros.xls", _programmed(_old_workbook), "excel", {"강수량": {"unit": "mm"}}, {"program"}),
    ("letter.doc", _bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "Workbook".encode("utf-16-le") * 99),
     "office", {}, {"no-reader"}),
    ("cut.xls", _bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)), "excel", {}, {"unreadable"}),
    ("sky.fits", _fits, "fits", {"flux": {"unit": "Jy"}, "SKY": {"shape": (8, 8), "maximum": 63.0}}, set()),
    ("sky.vot", _votable, "votable", {"ra": {"unit": "deg", "maximum": 20.0}}, set()),
    ("land.tif", _geotiff, "geotiff", {"band 1": {"minimum": 7.0}}, set()),
    ("scan.dcm", dicom, "dicom",
     {"pixels": {"shape": (8, 8), "unit": "HU", "minimum": -1024.0, "maximum": -961.0}}, {"personal-data"}),
    ("photo.jpg", _photograph, "image", {"photo.jpg": {"kind": "picture"}}, {"personal-data"}),
    ("salt.cif", _text(_CIF), "cif", {"species": {"kind": "text"}, "positions": {"unit": "angstrom"}}, set()),
    ("POSCAR", _text(_POSCAR), "poscar", {"positions": {"maximum": 1.25}}, set()),
    ("POSCAR_4", _text(_POSCAR.replace("5\nSi\n", "5\n")), "poscar", {"positions": {"maximum": 1.25}},
     {"species-absent"}),
    ("water.xyz", _text("3\n\nO 0 0 0\nH 0 0 1\nH 0 1 0\n"), "xyz", {"positions": {"maximum": 1.0}}, set()),
    ("spectra.mgf", _text(_MGF), "mgf", {"m/z": {"maximum": 200.2}, "intensity": {"maximum": 30.0}}, set()),
    ("genes.fasta", _text(">one\nACGT\n>two\nACGTACGT\n"), "fasta", {"length": {"maximum": 8.0}}, set()),
    ("plane.npy", lambda path: np.save(path, np.eye(3)), "npy", {"plane.npy": {"maximum": 1.0}}, set()),
    ("objects.npy", lambda path: np.save(path, np.array([{}]), allow_pickle=True), "npy", {}, {"program"}),
    ("model.pkl", _bytes(pickle.dumps(print)), "pickle", {}, {"program"}),
    ("old.dat", _bytes(pickle.dumps(print, 0)), "pickle", {}, {"program"}),
    ("files.zip", _zip, "zip", {},
     {"member-leads-out", "member-twice", "program", "unpacks-to-more"}),
    ("files.tar", _tar, "tar", {},
     {"member-link", "member-device", "member-leads-out"}),
    ("zeros.gz", _bytes(gzip.compress(gzip.compress(bytes(2_000_000)))), "gzip", {}, {"packed-twice"}),
    ("noise.bin", _bytes(bytes(range(256)) * 8), "unknown", {}, {"format-not-known"}),
    ("cut.nc", _bytes(b"CDF\x01" + bytes(3)), "netcdf", {}, {"unreadable"}),
    ("cut.parquet", _bytes(b"PAR1" + bytes(50)), "parquet", {}, {"unreadable"}),
    ("paper.pdf", _bytes(b"%PDF-1.7\n"), "pdf", {}, {"no-reader"}),
    ("packed.7z", _bytes(b"7z\xbc\xaf\x27\x1c\x00\x04"), "7z", {}, {"no-reader"}),
)  # fmt: skip


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Report]:
    """Every case's file, looked at in one go."""
    root = tmp_path_factory.mktemp("files")
    for name, write, *_ in CASES:
        write(root / name)
    return look(root)


@pytest.mark.parametrize(("name", "form", "expected", "found"), [(n, *rest) for n, _, *rest in CASES])
def test_each_format(
    reports: dict[str, Report], name: str, form: str, expected: dict[str, dict[str, Any]], found: set[str]
) -> None:
    require(reports[name], form, expected, found)


@pytest.mark.parametrize(
    "name",
    [
        "book.xlsx",
        "book.xls",
        "air.nc",
        "land.tif",
        "photo.jpg",
        "salt.cif",
        "POSCAR",
        "spectra.mgf",
        "sky.fits",
    ],
)
def test_a_file_alone_is_read_as_it_is_in_a_folder(
    reports: dict[str, Report], tmp_path: Path, name: str
) -> None:
    write = next(write for known, write, *_ in CASES if known == name)
    write(tmp_path / name)
    alone = one(tmp_path / name)
    assert (alone.format, alone.facts) == (reports[name].format, reports[name].facts)
    assert variables(alone).keys() == variables(reports[name]).keys() != set()


def test_units_are_told_in_base_units(reports: dict[str, Report]) -> None:
    bases = {one.variable.name: one.base_unit for one in reports["air.nc"].variables}
    assert bases["tas"] == "K"
    assert {one.variable.name: one.base_unit for one in reports["held.h5"].variables}["group/speed"] == "m/s"


def test_extent_in_time_and_space(reports: dict[str, Report]) -> None:
    assert reports["air.nc"].box == (124.0, 33.0, 132.0, 39.0)
    assert reports["air.nc"].period == ("2026-03-01T00:00:00", "2026-03-03T00:00:00")
    assert reports["stations.csv"].box == (127.0, 35.1, 129.0, 37.5)
    assert reports["stations.csv"].period == ("2026-05-01T09:00:00", "2026-05-02T09:00:00")
    assert reports["land.tif"].box == (126.0, 36.0, 128.0, 38.0)
    assert reports["where.geojson"].box == (127.0, 37.0, 127.0, 37.0)
    assert reports["rows.parquet"].period == ("2026-01-01T00:00:00", "2026-02-01T12:30:00")


def test_statistics_and_previews(reports: dict[str, Report]) -> None:
    air = {one.variable.name: one.statistics for one in reports["air.nc"].variables}["tas"]
    assert (air.counted, air.missing, sum(air.bins)) == (189, 9, 180)
    assert reports["stations.csv"].preview.rows[0][:2] == ("서울", "37.5")
    assert reports["stations.csv"].preview.header[3] == "기온(℃)"
    import base64

    for name in ("land.tif", "sky.fits", "photo.jpg"):
        shown = Image.open(io.BytesIO(base64.b64decode(reports[name].preview.picture)))
        assert max(shown.size) <= 192
    assert not reports["drawing.svg"].preview.picture


def test_fields_are_shown_as_pictures_and_series_as_columns(reports: dict[str, Report]) -> None:
    import base64

    def shown(name: str) -> Image.Image:
        return Image.open(io.BytesIO(base64.b64decode(reports[name].preview.picture)))

    air = shown("air.nc")  # north, where the values are larger, is above
    assert air.size == (9, 7)
    assert air.getpixel((8, 0)) > air.getpixel((8, 5)) > 0
    stores = [name for name in reports if name.endswith(".zarr")]
    assert stores
    assert {shown(name).size for name in stores} == {(10, 10)}
    assert reports["held.h5"].preview.header == ("group/speed",)
    assert reports["held.h5"].preview.rows[2] == ("2",)


def test_a_person_is_told_of_and_never_shown(reports: dict[str, Report]) -> None:
    assert "Gildong" not in json.dumps([reports[name].to_json() for name in ("scan.dcm", "photo.jpg")])


def test_links_are_named_and_not_followed(reports: dict[str, Report]) -> None:
    told = [one.evidence for one in reports["held.h5"].findings if one.check == "link-out"]
    assert {Path(one["target"]).name for one in told} == {"secret.bin"}
    assert "secret:" not in json.dumps(reports["held.h5"].to_json())
