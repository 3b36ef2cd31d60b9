"""Which format a file is in, by its first bytes; its name decides only where they do not tell."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO

HEAD_BYTES = 2**16
"""So much of a file is looked at to name its format."""

ZARR_MARKS = ("zarr.json", ".zgroup", ".zarray")
"""A folder with one of these is one thing: a Zarr store."""

_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"PAR1", "parquet"),
    (0, b"ARROW1", "arrow"),
    (0, b"\x89HDF\r\n\x1a\n", "hdf5"),
    (0, b"CDF\x01", "netcdf"),
    (0, b"CDF\x02", "netcdf"),
    (0, b"CDF\x05", "netcdf"),
    (0, b"SIMPLE  =", "fits"),
    (0, b"II*\x00", "tiff"),
    (0, b"MM\x00*", "tiff"),
    (0, b"II+\x00", "tiff"),
    (0, b"MM\x00+", "tiff"),
    (128, b"DICM", "dicom"),
    (0, b"\x89PNG\r\n\x1a\n", "image"),
    (0, b"\xff\xd8\xff", "image"),
    (0, b"GIF87a", "image"),
    (0, b"GIF89a", "image"),
    (0, b"\x93NUMPY", "npy"),
    (0, b"PK\x03\x04", "zip"),
    (0, b"PK\x05\x06", "zip"),
    (0, b"\x1f\x8b", "gzip"),
    (0, b"7z\xbc\xaf\x27\x1c", "7z"),
    (0, b"\xfd7zXZ\x00", "xz"),
    (0, b"BZh", "bzip2"),
    (0, b"\x28\xb5\x2f\xfd", "zstd"),
    (0, b"Rar!\x1a\x07", "rar"),
    (0, b"%PDF-", "pdf"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "office"),
    (257, b"ustar", "tar"),
)
_WORKBOOK = "Workbook".encode("utf-16-le") + bytes(48) + b"\x12\0\x02"
"""The entry in an office document's directory that makes it a workbook: a stream of that name."""
_PICKLE = re.compile(rb"\x80[\x02-\x05][\x95cK(\]}X\x8c\x8a]", re.DOTALL)
_OLD_PICKLE = re.compile(rb"(\(|c)[a-z_][a-z0-9_.]*\n[A-Za-z_][A-Za-z0-9_]*\n.*[.Rt]", re.DOTALL)
_ROOTS = {
    "VOTABLE": "votable",
    "mzML": "mzml",
    "indexedmzML": "mzml",
    "mzXML": "mzxml",
    "MzIdentML": "mzidentml",
    "msms_pipeline_analysis": "pepxml",
}
_ROOT = re.compile(r"<(?![?!])(?:[\w.-]+:)?([\w.-]+)")
_TEXTS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("mgf", re.compile(r"^BEGIN IONS\s*$", re.MULTILINE)),
    ("peff", re.compile(r"\A# ?PEFF ")),
    ("ms2", re.compile(r"\AH\t\w+[\t ].*^S\t\d+\t\d+", re.MULTILINE | re.DOTALL)),
    ("fasta", re.compile(r"\A(?:;[^\n]*\n)*[>;]?\S[^\n]*\r?\n[A-Za-z*\-\s]+(?:>|\Z)")),
    ("cif", re.compile(r"^data_\S*\s*$", re.MULTILINE | re.IGNORECASE)),
    ("cds", re.compile(r"^Byte-by-byte Description of file", re.MULTILINE)),
    ("ipac", re.compile(r"\A(?:\\[^\n]*\n)*\|.*\|\s*\n")),
    ("sextractor", re.compile(r"\A(?:#\s+\d+\s+\S+[^\n]*\n)+")),
)
_POSCAR = re.compile(r"^(POSCAR|CONTCAR)", re.IGNORECASE)
_SCALE = re.compile(r"\A[^\n]*\n\s*-?\d+(\.\d+)?\s*\n(\s*-?\d+\.?\d*\s+-?\d+\.?\d*\s+-?\d+\.?\d*\s*\n){3}")
_ATOMS = re.compile(r"\A\s*\d+\s*\n[^\n]*\n\s*[A-Z][a-z]?\s+-?\d")


@dataclass(frozen=True)
class Decoded:
    """The beginning of a text file. encoding: as Python names it; sure: whether nothing else would fit."""

    text: str
    encoding: str
    sure: bool = True


def decode(head: bytes, whole: bool) -> Decoded | None:
    """The head of a text file; None where it is none. By its mark, else UTF-8, else CP949, else UTF-16."""
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if head.startswith(mark):
            return Decoded(_decoded(head, encoding, whole) or "", encoding)
    zeros = head.count(0)
    if zeros:
        # Text of the Latin or Hangul kind in UTF-16 has its zeros on one side.
        even, odd = head[::2].count(0), head[1::2].count(0)
        encoding = "utf-16-le" if odd > 4 * even else "utf-16-be" if even > 4 * odd else ""
        text = _decoded(head, encoding, whole) if encoding and zeros > len(head) // 5 else None
        return Decoded(text, encoding, sure=False) if text and _readable(text) else None
    for encoding in ("utf-8", "cp949"):
        text = _decoded(head, encoding, whole)
        if text is not None:
            return Decoded(text, encoding) if _readable(text) else None
    text = head.decode("latin-1")
    return Decoded(text, "latin-1", sure=False) if _readable(text) else None


def whole_encoding(stream: BinaryIO, encoding: str) -> str:
    """The encoding of a text file whose head fits `encoding`: CP949 where UTF-8 does not go on to fit."""
    if encoding not in ("utf-8", "utf-8-sig"):
        return encoding
    for candidate in (encoding, "cp949"):
        stream.seek(0)
        decoder = codecs.getincrementaldecoder(candidate)()
        try:
            while piece := stream.read(2**20):
                decoder.decode(piece)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        return candidate
    return encoding


def _decoded(head: bytes, encoding: str, whole: bool) -> str | None:
    try:
        return codecs.getincrementaldecoder(encoding)().decode(head, final=whole)
    except UnicodeDecodeError:
        return None


def _readable(text: str) -> bool:
    """Whether hardly a sign of it is a control character."""
    controls = sum((sign < " " and sign not in "\t\n\r\f\x1b") or "\x7f" <= sign <= "\x9f" for sign in text)
    return controls * 50 <= len(text)


def name_format(name: str, head: bytes, size: int) -> str:
    """The format of a file of that name whose first bytes (at most HEAD_BYTES) are `head`."""
    if not size:
        return "empty"
    for place, magic, form in _MAGIC:
        if head.startswith(magic, place):
            workbook = form == "office" and (_WORKBOOK in head or name.lower().endswith(".xls"))
            return "xls" if workbook else form
    if any(head.startswith(b"\x89HDF\r\n\x1a\n", place) for place in (512, 1024, 2048)):
        return "hdf5"
    ending = PurePosixPath(name.lower()).suffix
    if ending == ".dcm":
        return "dicom"
    if _PICKLE.match(head) or ending in (".pkl", ".pickle") or _OLD_PICKLE.match(head):
        return "pickle"
    decoded = decode(head, whole=size <= len(head))
    return _text_format(name, ending, decoded.text) if decoded else "unknown"


def _text_format(name: str, ending: str, text: str) -> str:
    start = text.lstrip("\ufeff \t\r\n")
    if start.startswith("<") and ending not in (".md", ".txt", ".rst"):
        root = _ROOT.search(start)
        return _ROOTS.get(root[1] if root else "", "svg" if root and root[1] == "svg" else "markup")
    if ending in (".json", ".geojson", ".ipynb", ".jsonl", ".ndjson") or start.startswith(("{", "[")):
        return "json"
    if _POSCAR.match(name.rpartition("/")[2]) or (not ending and _SCALE.match(text)):
        return "poscar"
    if ending in (".xyz", ".extxyz") or _ATOMS.match(text):
        return "xyz"
    for form, sign in _TEXTS:
        if sign.search(text):
            return form
    if ending in (".csv", ".tsv", ".tab") or delimiter(text):
        return "table"
    return "text"


def delimiter(text: str) -> str:
    """What stands between the cells of a table's lines; empty where none does in the same way throughout."""
    lines = [line for line in text.splitlines()[:60] if line.strip()][:-1] or text.splitlines()
    best, score = "", 0.0
    for sign in ("\t", ",", ";", "|"):
        counts = [line.count(sign) for line in lines if line.strip()]
        usual = max(set(counts), key=counts.count) if counts else 0
        alike = sum(count == usual for count in counts) / len(counts) if counts else 0.0
        if usual and alike > 0.6 and alike * usual**0.5 > score:
            best, score = sign, alike * usual**0.5
    return best
