"""Every reader of descriptions over every real and hostile file: a description, or an error of ours."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from madang.assets.metadata import reading

ROOT = Path(__file__).parents[3]
SHARED = ROOT.parent / "shared/data"


def _over(folder: Path) -> tuple[int, int]:
    """How many readings there were, and how many understood their document; none went wrong."""
    command = [sys.executable, "-m", "tests.assets.metadata.over_corpora", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["wrong"] == []
    return told["read"], told["understood"]


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared corpora are not here")
def test_no_file_ends_or_stops_a_reader() -> None:
    read, _ = _over(SHARED / "hostile")
    assert read > 2000
    read, understood = _over(SHARED / "science")
    assert read > 500
    assert understood > 80


SMALL = {
    "deep.json": b"[" * 100_000,
    "deep.xml": b"<a>" * 50_000,
    "entities.xml": b'<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;">]><a>&c;</a>',
    "outside.xml": b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
    "alias.yaml": b"Name: &a x\nDescription: *a\n",
    "tag.yaml": b"Name: !!python/object/apply:os.system ['true']\nDescription: x\n",
    "context.json": b'{"@context": "http://127.0.0.1:9/c", "dataset": [{"title": "x"}]}',
    "numbers.json": b'{"titles": [{"title": "x"}], "publicationYear": 1e400, "sizes": ['
    + b"9" * 5000
    + b"]}",
    "wrong-types.json": b'{"titles": {"title": 3}, "creators": "x", "@graph": 7, "stac_version": []}',
    "context.jsonld": b'{"@context": {"dcat": "http://www.w3.org/ns/dcat#"}, "@type": "dcat:Dataset", '
    b'"dcat:x": {"@context": "http://context.invalid/c", "@id": "a"}}',
    "cycle.json": b'{"@context": "https://w3id.org/ro/crate/1.1/context", "@graph": [{"@id": "./", '
    b'"@type": "Dataset", "name": "x", "hasPart": {"@id": "./"}, "creator": {"@id": "./"}}]}',
    "identify.xml": b"<Identify><repositoryName/><description><description/></description></Identify>",
    "zeros": b"\0" * 100_000,
    "words.ttl": b"@prefix dcat: <http://www.w3.org/ns/dcat#> . <a> a dcat:Dataset ; dcat:x " + b"[" * 5000,
}


def test_small_ones_everywhere(tmp_path: Path) -> None:
    for name, body in SMALL.items():
        (tmp_path / name).write_bytes(body)
    read, understood = _over(tmp_path)
    assert read == (1 + len(reading.FORMATS)) * len(SMALL)
    assert 0 < understood < read
