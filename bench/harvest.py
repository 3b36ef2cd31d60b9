"""A harvest of 100,000 records from a local OAI-PMH repository: time, and memory as it goes.

The repository is a process of its own that makes its records as it is asked (a hundred a part, texts of about
a kilobyte recombined from a word list); the harvest is `madang.assets.harvest` on a fresh home with SQLite.

    .venv/bin/python bench/harvest.py [RECORDS]
"""

from __future__ import annotations

import http.server
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from madang.assets.catalogue import service as catalogue
from madang.assets.catalogue.model import Harvest
from madang.assets.harvest import running
from madang.kernel import home as homes
from madang.kernel.authorizer import Principal
from madang.organizations import service as organizations
from madang.programme import verification  # noqa: F401  (all tables)

_PART = 100
_WORDS = (
    "ocean",
    "heat",
    "flux",
    "core",
    "isotope",
    "model",
    "buoy",
    "glacier",
    "soil",
    "기온",
    "관측",
    "해양",
)
_XML = 'xmlns="http://www.openarchives.org/OAI/2.0/"'
_DC = 'xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/" xmlns:dc="http://purl.org/dc/elements/1.1/"'


def _record(number: int) -> str:
    draw = random.Random(number)
    title, says = (" ".join(draw.choices(_WORDS, k=k)) for k in (6, 120))
    return (
        f"<record><header><identifier>oai:bench:{number}</identifier><datestamp>2026-01-01</datestamp></header>"
        f"<metadata><oai_dc:dc {_DC}><dc:title>{title}</dc:title><dc:description>{says}</dc:description>"
        f"<dc:date>{1990 + number % 36}</dc:date></oai_dc:dc></metadata></record>"
    )


class _Repository(http.server.BaseHTTPRequestHandler):
    records = 0

    def do_GET(self) -> None:
        asked = dict(parse_qsl(urlsplit(self.path).query))
        if asked.get("verb") == "Identify":
            body = "<Identify><deletedRecord>no</deletedRecord></Identify>"
        else:
            start = int(asked.get("resumptionToken", "0"))
            end = min(start + _PART, self.records)
            token = str(end) if end < self.records else ""
            listed = "".join(_record(number) for number in range(start, end))
            body = f"<ListRecords>{listed}<resumptionToken>{token}</resumptionToken></ListRecords>"
        told = f"<OAI-PMH {_XML}><responseDate>2026-01-02</responseDate>{body}</OAI-PMH>".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def log_message(self, *_: object) -> None:
        pass


def serve(records: int) -> None:
    _Repository.records = records
    server = http.server.HTTPServer(("127.0.0.1", 0), _Repository)
    print(server.server_port, flush=True)
    server.serve_forever()


def main() -> None:
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    words = [sys.executable, __file__, "serve", str(n)]
    with tempfile.TemporaryDirectory() as name, subprocess.Popen(words, stdout=subprocess.PIPE) as repository:
        assert repository.stdout is not None
        url = f"http://127.0.0.1:{int(repository.stdout.readline())}/oai"
        home = homes.create(Path(name) / "home")
        home = homes.open_home(home.path, {"outbound_networks": "127.0.0.0/8"})
        with home.database.write() as session:
            organizations.found(session, "msit", "Ministry", "부처", "officer")
        actor = Principal("bench", "msit", "ministry", frozenset({"steward", "officer"}))
        with home.database.write() as session:
            catalogue.add(session, actor, "bench", "oai-pmh", url, {"prefix": "oai_dc"})
        begun = time.perf_counter()
        print(f"{'records':>10} {'seconds':>8} {'records/s':>10} {'peak MB':>8}")

        def told(harvest: Harvest) -> None:
            if harvest.seen % max(_PART, n // 5) == 0:
                _row(harvest.seen, begun)

        for whole in ("first", "again, nothing changed"):
            begun = time.perf_counter()
            done = running.run(home, actor, "bench", progress=told)
            print(f"{whole}: {done.made:,} new, {done.changed:,} changed, {done.gone:,} gone")
            _row(done.seen, begun)
        home.database.close()
        repository.kill()


def _row(seen: int, begun: float) -> None:
    took = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{seen:>10,} {took:>8.0f} {seen / took:>10,.0f} {peak:>8.0f}")


if __name__ == "__main__":
    serve(int(sys.argv[2])) if sys.argv[1:2] == ["serve"] else main()
