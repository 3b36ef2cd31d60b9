"""Real and hostile files: no crash, no hang, nothing outside; a clear finding instead."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from madang.assets.probing import running
from madang.assets.probing.model import Report
from madang.kernel.i18n import LANGUAGES, text
from tests.assets.probing.looking import look, odd, variables

SHARED = Path(__file__).parents[4] / "shared/data"
SOURCE = Path(__file__).parents[3] / "src/madang/assets/probing"

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared corpora are not here")

READ = {
    "ascii-tables/cds.dat": ("cds", "RAh"),
    "ascii-tables/sextractor.dat": ("sextractor", "FLUX_ISO"),
    "atoms/cod_9001665.cif": ("cif", "positions"),
    "atoms/opls_structure_ext.xyz": ("xyz", "molid"),
    "csv-korean/quoted_cp949.csv": ("table", "기관코드"),
    "csv-korean/utf16le.csv": ("table", "나이"),
    "csv-korean/utf8_bom.csv": ("table", "연번"),
    "csv-korean/weather_stations_cp949.csv": ("table", "기상청설치위도"),
    "csv-korean/wide_header_cp949.csv": ("table", "기간"),
    "dicom/chrKoreanMulti.dcm": ("dicom", "pixels"),
    "dicom/SC_rgb_small_odd_big_endian.dcm": ("dicom", "pixels"),
    "fits/tb.fits": ("fits", "c1"),
    "geotiff/RGBA.uint16.tif": ("geotiff", "band 1"),
    "geotiff/two-subs.h5": ("hdf5", "data"),
    "hdf5/vlen_string_s390x.h5": ("hdf5", "DSBEfloat"),
    "hdf5/vlen_string_dset.h5": ("hdf5", "DS1"),
    "massspec/test.fasta": ("fasta", "length"),
    "massspec/test.mgf": ("mgf", "m/z"),
    "massspec/test.ms2": ("ms2", "m/z"),
    "massspec/test.mzML": ("mzml", "retention time"),
    "massspec/test.mzXML": ("mzxml", "intensity"),
    "massspec/test.mzid": ("mzidentml", "identification"),
    "massspec/test.pep.xml": ("pepxml", "identification"),
    "massspec/test.peff": ("peff", "length"),
    "netcdf/0.json": ("kerchunk", "u10"),
    "netcdf/basin_mask.nc": ("netcdf", "basin"),
    "netcdf/tiny.nc": ("netcdf", "tiny"),
    "votable/valid_votable.xml": ("votable", "RVel"),
    "votable/vizier_b2_votable.xml": ("votable", "PNG"),
}
FOUND = {
    "made/csv_injection.csv": "cell-formula",
    "made/cp949_body.csv": "encoding-other",
    "made/utf16le_bom.csv": "encoding-other",
    "made/nfd_and_nfc_same_name.zip": "member-twice",
    "made/zip_bomb_50MB_to_50KB.zip": "unpacks-to-more",
    "made/zip_slip_backslash_drive.zip": "member-leads-out",
    "made/zip_duplicate_names_case.zip": "member-twice",
    "made/gzip_bomb_20MB_double.gz": "packed-twice",
    "made/deep_50k.json": "too-deep",
    "made/huge_numbers.json": "unreadable",
    "made/hdf5_virtual_1e15_shape.h5": "mostly-unwritten",
    "made/parquet_bomb_40GB_strings.parquet": "too-much-memory",
    "made/prompt_injection_descriptions.jsonl": "signs-invisible",
    "made/tar_hardlink_device_dotdot_abs.tar": "member-device",
    "made/tar_symlink_then_write.tar": "member-link",
    "made/xss_onload.svg": "script-inside",
    "made/xss_title.md": "script-inside",
    "made/mcap_header_len_2e62.mcap": "unreadable",
    "made/mcap_string_len_4GB.mcap": "too-much-memory",
    "made/mcap_truncated_no_footer.mcap": "log-cut-off",
    "parquet/bad_data/ARROW-RS-GH-6229-DICTHEADER.parquet": "unreadable",
    "parquet/bad_data/ARROW-RS-GH-6229-LEVELS.parquet": "unreadable",
    "xml/xmltestdata/xmlbomb.xml": "entities",
    "xml/xmltestdata/cyclic.xml": "entities",
    "xml/xmltestdata/external.xml": "entities",
    "xml/xmltestdata/external_file.xml": "entities",
    "xml/xmltestdata/xalan_exec.xsl": "script-inside",
    "pickle/tests/data/malicious0.pkl": "program",
    "pickle/tests/data/malicious1.zip": "program",
    "pickle/tests/data/malicious1_wrong_ext.zip": "program",
    "pickle/tests/data/new_pytorch_model.bin": "program",
    "strings/blns.json": "signs-invisible",
}


def _within_bounds(root: Path) -> dict[str, Report]:
    """As the product looks: five seconds and 512 MiB a file, after which a report says so. What this machine
    was too busy for is looked at once more, so that what a file is does not depend on it."""
    reports = look(root, running.Bounds())
    slow = {path for path, report in reports.items() if "too-slow" in odd(report)}
    assert len(slow) < len(reports) // 20, slow
    for path in slow:
        (reports[path],) = [replace(one, path=path) for one in look(root / path).values()]
    return reports


@pytest.fixture(scope="module")
def science() -> dict[str, Report]:
    return _within_bounds(SHARED / "science/files")


@pytest.fixture(scope="module")
def hostile() -> dict[str, Report]:
    return _within_bounds(SHARED / "hostile")


@pytest.mark.parametrize("path", sorted(READ))
def test_a_real_file_is_understood(science: dict[str, Report], path: str) -> None:
    form, variable = READ[path]
    assert science[path].format == form
    assert variable in variables(science[path])


@pytest.mark.parametrize("path", sorted(FOUND))
def test_a_hostile_file_is_told(hostile: dict[str, Report], path: str) -> None:
    assert FOUND[path] in odd(hostile[path]), hostile[path].findings


def test_every_file_has_a_report_with_something_in_it(
    science: dict[str, Report], hostile: dict[str, Report]
) -> None:
    for folder, reports in (("science/files", science), ("hostile", hostile)):
        root = SHARED / folder
        assert set(reports) == {one.relative_to(root).as_posix() for one in root.rglob("*") if one.is_file()}
        for path, report in reports.items():
            assert report.variables or report.findings or report.preview.text or report.facts, path
            assert not odd(report) & {"reader-missing", "reader-broke", "too-slow"}, path


def test_json_that_must_be_refused_is(hostile: dict[str, Report]) -> None:
    for path, report in hostile.items():
        name = Path(path).name
        if path.startswith("json/test_parsing/y_"):
            assert "unreadable" not in odd(report), name
        if path.startswith("json/test_parsing/n_"):
            assert odd(report), name


def test_every_finding_has_its_texts() -> None:
    """Of every check that a reader may name, in both languages."""
    named: set[str] = set()
    for file in SOURCE.rglob("*.py"):
        source = file.read_text("utf-8")
        named |= set(re.findall(r'\bfind\(\s*"([a-z0-9-]+)"', source))
        named |= set(re.findall(r'\bFinding\(\s*"([a-z0-9-]+)"', source))
    assert len(named) > 40
    for check in named | {"file-empty", "no-file", "format-not-known", "no-reader"}:
        for language in LANGUAGES:
            for part in ("what", "remedy"):
                message = f"finding.{check}.{part}"
                assert text(message, language) != message
