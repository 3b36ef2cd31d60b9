"""Formats of single fields (spectra, the sky, grids), on files that this test makes: what is read of them."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
import pytest
import zarr
from astropy.io import fits
from astropy.table import Table
from PIL import Image

from madang.assets.probing.model import Report
from madang.assets.probing.notes import Notes
from madang.assets.probing.readers import sky
from tests.assets.probing.looking import look, odd, one, require, variables

Write = Callable[[Path], None]


def _packed(*numbers: float, kind: str = "<f8") -> str:
    return base64.b64encode(np.array(numbers, kind).tobytes()).decode()


def _text(content: str) -> Write:
    return lambda path: path.write_text(content, "utf-8") and None


def _array(term: str, name: str, values: str) -> str:
    return f"""<binaryDataArray encodedLength="{len(values)}">
      <cvParam cvRef="MS" accession="MS:1000523" name="64-bit float" value=""/>
      <cvParam cvRef="MS" accession="MS:1000576" name="no compression" value=""/>
      <cvParam cvRef="MS" accession="{term}" name="{name}" value=""/>
      <binary>{values}</binary></binaryDataArray>"""


_MZML = f"""<?xml version="1.0" encoding="utf-8"?>
<mzML xmlns="http://psi.hupo.org/ms/mzml" version="1.1.0"><run id="r"><spectrumList count="1">
  <spectrum index="0" id="scan=1" defaultArrayLength="3">
    <cvParam cvRef="MS" accession="MS:1000511" name="ms level" value="1"/>
    <scanList count="1"><scan>
      <cvParam cvRef="MS" accession="MS:1000016" name="scan start time" value="90" unitName="second"/>
    </scan></scanList>
    <binaryDataArrayList count="2">{_array("MS:1000514", "m/z array", _packed(100.0, 200.5, 300.0))}
      {_array("MS:1000515", "intensity array", _packed(1.0, 9.0, 4.0))}</binaryDataArrayList>
  </spectrum></spectrumList></run></mzML>"""
_PEAKS = _packed(150.0, 5.0, 250.5, 7.0, kind=">f4")
_MZXML = f"""<?xml version="1.0" encoding="utf-8"?>
<mzXML xmlns="http://sashimi.sourceforge.net/schema_revision/mzXML_3.2"><msRun scanCount="1">
  <scan num="1" msLevel="2" peaksCount="2" retentionTime="PT60S">
    <peaks precision="32" byteOrder="network" contentType="m/z-int">{_PEAKS}</peaks>
  </scan></msRun></mzXML>"""
_MZID = """<?xml version="1.0" encoding="utf-8"?>
<MzIdentML xmlns="http://psidev.info/psi/pi/mzIdentML/1.1" version="1.1.0"><DataCollection><AnalysisData>
<SpectrumIdentificationList id="l">
<SpectrumIdentificationResult id="r" spectrumID="scan=7" spectraData_ref="d">
  <SpectrumIdentificationItem id="i" rank="1" chargeState="2" peptide_ref="PEPTIDE" passThreshold="true"
    experimentalMassToCharge="500.2"/></SpectrumIdentificationResult></SpectrumIdentificationList>
</AnalysisData></DataCollection></MzIdentML>"""
_PEPXML = """<?xml version="1.0" encoding="utf-8"?>
<msms_pipeline_analysis xmlns="http://regis-web.systemsbiology.net/pepXML"><msms_run_summary>
<spectrum_query spectrum="run.1.1.2" start_scan="1" end_scan="1" precursor_neutral_mass="998.4"
  assumed_charge="2" index="1"><search_result><search_hit hit_rank="1" peptide="PEPTIDE" peptide_prev_aa="K"
  peptide_next_aa="R" protein="P1" num_tot_proteins="1" calc_neutral_pep_mass="998.4" massdiff="0.0"/>
</search_result></spectrum_query></msms_run_summary></msms_pipeline_analysis>"""
_PEFF = "# PEFF 1.0\n# DbName=db\n# //\n>db:P1 \\PName=one\nMKTAYIAK\n"
_IPAC = """|  ra      |  name  |
|  double  |  char  |
|  deg     |        |
|  null    |  null  |
   10.5       star
   11.5       dust
"""
_SEXTRACTOR = "# 1 NUMBER  Running number\n# 2 MAG  Magnitude  [mag]\n 1 20.5\n 2 21.5\n"
_CDS = f"""Title: made for a test
Table: one
{"=" * 80}
Byte-by-byte Description of file: table1.dat
{"-" * 80}
   Bytes Format Units   Label   Explanations
{"-" * 80}
   1-  4 F4.1   mag     Vmag    Magnitude
   6-  9 A4     ---     Name    Name
{"-" * 80}
 9.5 star
 8.5 dust
"""
_KERCHUNK = {
    "version": 1,
    "refs": {
        ".zgroup": '{"zarr_format":2}',
        "t/.zarray": json.dumps({"shape": [4], "dtype": "<f8", "chunks": [4]}),
        "t/.zattrs": json.dumps({"units": "K", "standard_name": "air_temperature"}),
        "t/0": ["s3://elsewhere/data.nc", 10, 32],
    },
}
_EUROPEAN = """Ort;Breite;Laenge;Menge (kg);Anzahl
A;52,5;13,4;1.234,5;1,234
B;48,1;11,6;2,25;2,345
C;50,1;8,7;12;1
"""
_MS2 = "H\tCreator\tx\nS\t1\t1\t500.0\nI\tRTime\t0.5\nZ\t2\t999.0\n100.5 10\n200.5 20\n"


def _arrow(path: Path) -> None:
    table = pa.table({"depth": [1.5, 2.5]})
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


def _picture(path: Path) -> None:
    Image.new("RGB", (6, 4), "navy").save(path)


def _image_of_the_sky(path: Path) -> None:
    header = fits.Header()
    for key, value in {
        "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 359.9, "CRVAL2": -5.0,
        "CRPIX1": 5.5, "CRPIX2": 5.5, "CDELT1": -0.1, "CDELT2": 0.1, "CUNIT1": "deg", "CUNIT2": "deg",
    }.items():  # fmt: skip
        header[key] = value
    fits.PrimaryHDU(np.arange(100.0).reshape(10, 10), header).writeto(path)


def _table_of_the_sky(path: Path) -> None:
    table = Table({"flux": [1.0, 2.0], "name": ["a", "b"]})
    fits.HDUList([fits.PrimaryHDU(), fits.table_to_hdu(table)]).writeto(path)


def _places_on_the_sky(path: Path) -> None:
    table = Table({"ra": [10.0, 20.0], "dec": [-1.0, 2.0]}, units={"ra": "deg", "dec": "deg"})
    for name in ("ra", "dec"):
        table[name].meta["ucd"] = f"pos.eq.{name};meta.main"
    table.write(path, format="votable")


def _grid(make: Callable[[str, Any, dict[str, str]], None]) -> None:
    make("latitude", np.linspace(33, 39, 7), {"units": "degrees_north"})
    make("x", np.linspace(124, 132, 9), {"units": "degrees_east"})
    make("time", np.arange(3.0), {"units": "days since 2026-03-01", "calendar": "standard"})
    make("tas", np.zeros((3, 7, 9)) + 280, {"units": "K"})


def _hdf5_grid(path: Path) -> None:
    with h5py.File(path, "w") as file:

        def make(name: str, values: Any, told: dict[str, str]) -> None:
            file[name] = values
            file[name].attrs.update(told)

        _grid(make)


def _zarr_grid(path: Path) -> None:
    group = zarr.open_group(str(path), mode="w", zarr_format=2)

    def make(name: str, values: Any, told: dict[str, str]) -> None:
        made = group.create_array(name, shape=values.shape, dtype="f8")
        made[:] = values
        made.attrs.update(told)

    _grid(make)


CASES: tuple[tuple[str, Write, str, dict[str, dict[str, Any]], set[str]], ...] = (
    ("run.mzML", _text(_MZML), "mzml",
     {"m/z": {"maximum": 300.0}, "intensity": {"maximum": 9.0}, "retention time": {"minimum": 1.5}}, set()),
    ("run.mzXML", _text(_MZXML), "mzxml", {"m/z": {"maximum": 250.5}}, set()),
    ("run.ms2", _text(_MS2), "ms2", {"m/z": {"minimum": 100.5}}, set()),
    ("hits.mzid", _text(_MZID), "mzidentml", {"identification": {"shape": (1,)}}, set()),
    ("hits.pep.xml", _text(_PEPXML), "pepxml", {"identification": {"shape": (1,)}}, set()),
    ("proteins.peff", _text(_PEFF), "peff", {"length": {"maximum": 8.0}}, set()),
    ("rows.arrow", _arrow, "arrow", {"depth": {"maximum": 2.5}}, set()),
    ("drawn.png", _picture, "image", {"drawn.png": {"kind": "picture"}}, set()),
    ("drawn.gif", _picture, "image", {"drawn.gif": {"kind": "picture"}}, set()),
    ("stars.tbl", _text(_IPAC), "ipac", {"ra": {"unit": "deg", "maximum": 11.5}}, set()),
    ("found.cat", _text(_SEXTRACTOR), "sextractor", {"MAG": {"unit": "mag", "maximum": 21.5}}, set()),
    ("table1.dat", _text(_CDS), "cds", {"Vmag": {"unit": "mag", "minimum": 8.5}}, set()),
    ("air.json", _text(json.dumps(_KERCHUNK)), "kerchunk",
     {"t": {"unit": "K", "standard_name": "air_temperature", "shape": (4,)}}, {"link-out"}),
    ("sky.fits", _image_of_the_sky, "fits", {}, set()),
    ("list.fits", _table_of_the_sky, "fits", {"flux": {"maximum": 2.0}}, set()),
    ("list.vot", _places_on_the_sky, "votable", {"dec": {"minimum": -1.0}}, set()),
    ("grid.h5", _hdf5_grid, "hdf5", {"time": {"kind": "time"}, "tas": {"unit": "K"}}, set()),
    ("grid.zarr", _zarr_grid, "zarr", {"time": {"kind": "time"}, "tas": {"unit": "K"}}, set()),
    ("europa.csv", _text(_EUROPEAN), "table",
     {"Menge": {"maximum": 1234.5, "unit": "kg"}, "Anzahl": {"maximum": 2345.0}},
     {"decimal-comma", "ending-differs"}),
)  # fmt: skip


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Report]:
    root = tmp_path_factory.mktemp("files")
    for name, write, *_ in CASES:
        write(root / name)
    return look(root)


@pytest.mark.parametrize(("name", "form", "expected", "found"), [(n, *rest) for n, _, *rest in CASES])
def test_each_format(
    reports: dict[str, Report], name: str, form: str, expected: dict[str, dict[str, Any]], found: set[str]
) -> None:
    require(reports[name], form, expected, found)


def test_what_is_shown_of_each(reports: dict[str, Report]) -> None:
    assert reports["run.mzML"].preview.rows == (("1", "1.5", "3", "100", "300", "200.5", "9"),)
    assert reports["run.mzXML"].preview.rows[0][0] == "2"
    assert reports["hits.mzid"].preview.rows == (("scan=7", "PEPTIDE", "2", "1"),)
    assert reports["hits.pep.xml"].preview.rows == (("run.1.1.2", "PEPTIDE", "2", "1"),)
    assert reports["list.fits"].preview.header == ("flux", "name")
    assert reports["list.fits"].preview.rows[1] == ("2", "b")
    assert reports["stars.tbl"].preview.rows[0] == ("10.5", "star")


def test_extent_on_the_sky(reports: dict[str, Report]) -> None:
    def extent(name: str) -> list[float]:
        facts = reports[name].facts
        axes = ("right_ascension_from", "right_ascension_to", "declination_from", "declination_to")
        return [float(facts[f"{axis}_deg"]) for axis in axes]

    assert extent("sky.fits") == pytest.approx([359.4, 0.4, -5.45, -4.55], abs=0.06)  # over the zero
    assert extent("list.vot") == [10.0, 20.0, -1.0, 2.0]


@pytest.mark.parametrize("name", ["grid.h5", "grid.zarr"])
def test_extent_of_a_grid(reports: dict[str, Report], name: str) -> None:
    assert reports[name].box == (124.0, 33.0, 132.0, 39.0)
    assert reports[name].period == ("2026-03-01T00:00:00", "2026-03-03T00:00:00")


def _sky(ascensions: list[float]) -> tuple[float, float]:
    notes = Notes("x", "votable", 0, 5)
    sky._on_sky(notes, np.array(ascensions), np.zeros(len(ascensions)))
    return (notes.facts["right_ascension_from_deg"], notes.facts["right_ascension_to_deg"])


def test_right_ascensions_go_round() -> None:
    over = [(359.5 + step / 250) % 360 for step in range(251)]
    assert _sky(over) == pytest.approx((359.5, 0.5))
    assert _sky([float(one) for one in range(360)]) == (0.0, 360.0)
    assert _sky([10.0]) == (10.0, 10.0)


@pytest.mark.parametrize(
    ("told", "expected"),
    [({"CTYPE1": "RA---CAR", "CTYPE2": "DEC--CAR", "CRVAL1": 0.0, "CRVAL2": 0.0,
       "CRPIX1": 18.5, "CRPIX2": 9.5, "CDELT1": -10.0, "CDELT2": 10.0}, (0.0, 360.0, -90.0, 90.0)),
     ({"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 0.0, "CRVAL2": 90.0,
       "CRPIX1": 18.5, "CRPIX2": 9.5, "CDELT1": -0.1, "CDELT2": 0.1}, (0.0, 360.0, 88.0, 90.0))],
)  # fmt: skip
def test_a_whole_sky_and_a_pole(
    tmp_path: Path, told: dict[str, Any], expected: tuple[float, float, float, float]
) -> None:
    header = fits.Header()
    for key, value in told.items():
        header[key] = value
    fits.PrimaryHDU(np.zeros((18, 36)), header).writeto(tmp_path / "sky.fits")
    facts = one(tmp_path / "sky.fits").facts
    axes = ("right_ascension_from", "right_ascension_to", "declination_from", "declination_to")
    assert [facts[f"{axis}_deg"] for axis in axes] == pytest.approx(expected, abs=0.6)


def test_a_grid_with_what_is_missing_in_parts(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["empty/latitude"] = np.array([], "f8")
        for place, (south, west) in {"a": (33.0, 124.0), "b": (36.0, 128.0)}.items():
            file[f"{place}/lat"] = np.array([south, south + 2, -999.0])
            file[f"{place}/lat"].attrs["_FillValue"] = -999.0
            file[f"{place}/lon"] = np.array([west * 10, west * 10 + 30], "i4")
            file[f"{place}/lon"].attrs["scale_factor"] = 0.1
        file["when"] = np.arange(3)
        file["when"].attrs["units"] = "seconds since launch"
    report = one(tmp_path / "a.h5")
    assert report.box == pytest.approx((124.0, 33.0, 131.0, 38.0))
    assert (variables(report)["when"].kind, report.period) == ("number", None)
    assert variables(report)["when"].unit == "seconds since launch"


def test_sequences_and_points(tmp_path: Path) -> None:
    (tmp_path / "a.fasta").write_text(">#contig1\nACGT\n>seq2\nAC\n")
    assert one(tmp_path / "a.fasta").facts["sequences"] == 2
    rows = "".join(f"0.{number}\n" for number in range(100, 199))
    (tmp_path / "points.csv").write_text(f"v;w\n{rows.replace(chr(10), ';1' + chr(10))}2,5;1\n")
    told = variables(one(tmp_path / "points.csv"))["v"]
    assert (told.minimum, told.maximum) == (0.1, 0.198)


def test_a_quote_that_is_never_closed_and_a_line_that_is_no_json(tmp_path: Path) -> None:
    (tmp_path / "open.csv").write_text('a,b\n1,2\n"unclosed,2\n3,4\n5,6\n')
    told = {finding.check: finding.place for finding in one(tmp_path / "open.csv").findings}
    assert told["quote-open"] == "3"
    (tmp_path / "whole.csv").write_text('a,b\n1,"two\nlines"\n3,"x\ny"\n')
    assert "quote-open" not in odd(one(tmp_path / "whole.csv"))
    (tmp_path / "lines.jsonl").write_text('{"k": 1}\n{"k": 2}\n{"k": \n{"k": 4}\n')
    report = one(tmp_path / "lines.jsonl")
    assert {finding.check: finding.place for finding in report.findings} == {"line-not-json": "3"}
    assert (variables(report)["k"].maximum, report.facts["rows"]) == (4.0, 3)
    (tmp_path / "torn.json").write_text('{"k": 1,\n "b": [1, 2\n')
    assert odd(one(tmp_path / "torn.json")) == {"unreadable"}


def test_decimals_behind_commas(reports: dict[str, Report]) -> None:
    """Where a column can only be read so; 1,234 alone is one thousand and more."""
    told = variables(reports["europa.csv"])
    assert (told["Breite"].minimum, told["Breite"].maximum) == (48.1, 52.5)
    assert reports["europa.csv"].facts["rows"] == 3
