"""Uploads that go on where a line broke, and downloads from an offset on."""

from __future__ import annotations

import io
import socket
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest
from fastapi.testclient import TestClient

from madang.assets import uploads
from madang.interfaces.api.app import PREFIX
from madang.interfaces.demo import cast
from madang.interfaces.web.app import create_app
from madang.kernel import clock
from tests.conftest import Played
from tests.serving import serving

PART = "application/offset+octet-stream"
WHO, OTHER = "company-a", "company-b"


@pytest.fixture
def client(copied: Played) -> Iterator[TestClient]:
    headers = {"Authorization": f"Bearer {copied.stage.token(WHO)}"}
    with TestClient(create_app(copied.home), headers=headers) as made:
        yield made


def begin(client: TestClient, length: int, first: bytes = b"") -> str:
    headers = {"Upload-Length": str(length), **({"Content-Type": PART} if first else {})}
    answer = client.post(f"{PREFIX}/uploads", content=first, headers=headers)
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"].endswith(answer.json()["upload_id"])
    assert answer.json()["offset"] == len(first)
    return str(answer.json()["upload_id"])


def append(client: TestClient, upload: str, offset: int, part: bytes) -> httpx2.Response:
    headers = {"Upload-Offset": str(offset), "Content-Type": PART}
    return client.patch(f"{PREFIX}/uploads/{upload}", content=part, headers=headers)


def deposit(client: TestClient, *files: tuple[str, str], asset: str = "sent") -> httpx2.Response:
    body = {
        "asset": asset,
        "agreement": cast.AGREEMENT,
        "files": [{"path": p, "upload": u} for p, u in files],
    }
    return client.post(f"{PREFIX}/versions", json=body)


def test_parts_become_a_file_of_a_version(client: TestClient, copied: Played) -> None:
    upload = begin(client, 11, b"hello")
    assert client.head(f"{PREFIX}/uploads/{upload}").headers["upload-offset"] == "5"
    early = deposit(client, ("a/b.txt", upload))
    assert (early.status_code, early.json()["code"]) == (409, "upload-unfinished")
    assert append(client, upload, 4, b" world").status_code == 409
    assert append(client, upload, 5, b" worlds").status_code == 422
    assert append(client, upload, 5, b" world").headers["upload-offset"] == "11"
    assert append(client, upload, 11, b"!").status_code == 409
    empty = begin(client, 0)
    made = deposit(client, ("a/b.txt", upload), ("empty", empty)).json()
    assert (made["name"], made["state"], made["files"], made["size_bytes"]) == (
        "company-a/sent@1",
        "received",
        2,
        11,
    )
    for gone in (upload, empty):
        assert client.head(f"{PREFIX}/uploads/{gone}").status_code == 404
    content = f"{PREFIX}/versions/company-a/sent@1/content"
    whole = client.get(content, params={"path": "a/b.txt"})
    assert whole.content == b"hello world"
    rest = client.get(content, params={"path": "a/b.txt"}, headers={"Range": "bytes=6-"})
    assert (rest.status_code, rest.content, rest.headers["content-range"]) == (206, b"world", "bytes 6-10/11")
    for odd in ("lines=1-", "bytes=-", "bytes=4-2", "bytes=0-1,3-4", "bytes=x-"):
        passed_over = client.get(content, params={"path": "a/b.txt"}, headers={"Range": odd})
        assert (passed_over.status_code, passed_over.content) == (200, b"hello world")
    assert client.get(content, params={"path": "../keys"}).status_code == 404


@pytest.mark.parametrize(
    ("asked", "body", "told"),
    [("bytes=2-4", b"llo", "bytes 2-4/11"), ("bytes=-5", b"world", "bytes 6-10/11"),
     ("bytes=6-99", b"world", "bytes 6-10/11"), ("bytes=-99", b"hello world", "bytes 0-10/11"),
     ("bytes=0-0", b"h", "bytes 0-0/11"), ("bytes=0-", b"hello world", "bytes 0-10/11")],
)  # fmt: skip
def test_a_range_of_a_file(client: TestClient, asked: str, body: bytes, told: str) -> None:
    assert deposit(client, ("a", begin(client, 11, b"hello world")), asset="ranged").status_code == 201
    content = f"{PREFIX}/versions/company-a/ranged@1/content"
    answer = client.get(content, params={"path": "a"}, headers={"Range": asked})
    assert (answer.status_code, answer.content, answer.headers["content-range"]) == (206, body, told)
    other = {"Range": asked, "If-Range": '"another"'}
    assert client.get(content, params={"path": "a"}, headers=other).content == b"hello world"
    same = {"Range": asked, "If-Range": answer.headers["etag"]}
    assert client.get(content, params={"path": "a"}, headers=same).content == body


@pytest.mark.parametrize("asked", ["bytes=11-", "bytes=99-120", "bytes=-0"])
def test_a_range_outside_of_a_file(client: TestClient, asked: str) -> None:
    deposit(client, ("a", begin(client, 11, b"hello world")), asset="ranged")
    content = f"{PREFIX}/versions/company-a/ranged@1/content"
    answer = client.get(content, params={"path": "a"}, headers={"Range": asked})
    assert (answer.status_code, answer.json()["code"]) == (416, "range-missed")
    assert answer.headers["content-range"] == "bytes */11"


def test_clients_of_tus(client: TestClient) -> None:
    """What the protocol asks of a server beside taking bytes (tus 1.0.0, "Core Protocol")."""
    uploads = f"{PREFIX}/uploads"
    new = client.post(uploads, headers={"Upload-Length": "3", "Tus-Resumable": "0.2.2"})
    assert (new.status_code, new.headers["tus-version"]) == (412, "1.0.0")
    upload = begin(client, 3)
    wrong = client.patch(
        f"{uploads}/{upload}", content=b"abc", headers={"Upload-Offset": "0", "Content-Type": "text/plain"}
    )
    assert (wrong.status_code, wrong.headers["tus-resumable"]) == (415, "1.0.0")
    meant = {"X-HTTP-Method-Override": "PATCH", "Upload-Offset": "0", "Content-Type": PART}
    assert client.post(f"{uploads}/{upload}", content=b"abc", headers=meant).status_code == 204
    assert client.head(f"{uploads}/{upload}").headers["upload-offset"] == "3"
    gone = client.post(f"{uploads}/{upload}", headers={"X-HTTP-Method-Override": "DELETE"})
    assert gone.status_code == 204
    missed = client.head(f"{uploads}/{upload}")
    assert (missed.status_code, missed.headers["tus-resumable"]) == (404, "1.0.0")


def test_an_upload_is_its_organizations_own(client: TestClient, copied: Played) -> None:
    upload = begin(client, 3, b"abc")
    other = {"Authorization": f"Bearer {copied.stage.token(OTHER)}"}
    assert client.head(f"{PREFIX}/uploads/{upload}", headers=other).status_code == 404
    assert client.delete(f"{PREFIX}/uploads/{upload}", headers=other).status_code == 404
    assert client.head(f"{PREFIX}/uploads/{upload}", headers={"Authorization": ""}).status_code == 401
    assert client.delete(f"{PREFIX}/uploads/{upload}").status_code == 204
    assert client.head(f"{PREFIX}/uploads/{upload}").status_code == 404
    assert client.head(f"{PREFIX}/uploads/..%2f..%2fkeys").status_code == 404


def test_who_may_not_deposit_may_not_upload(client: TestClient, copied: Played) -> None:
    officer = {
        "Authorization": f"Bearer {copied.stage.token(cast.MINISTRY, 'officer')}",
        "Upload-Length": "3",
    }
    assert client.post(f"{PREFIX}/uploads", headers=officer).status_code == 403


@pytest.mark.parametrize(
    "path",
    ["", "/etc/passwd", "../x", "a/../b", "a//b", "./a", "a/", "x" * 256, "a\x00b", "/".join("d" * 120)],
)
def test_paths_that_no_folder_has(client: TestClient, path: str) -> None:
    answer = deposit(client, (path, begin(client, 1, b"x")))
    assert answer.status_code == 422, answer.text


def test_names_that_clash(client: TestClient) -> None:
    one, two = begin(client, 1, b"x"), begin(client, 1, b"y")
    for pair in (("가", "\u1100\u1161"), ("a", "a"), ("a", "a/b")):
        answer = deposit(client, (pair[0], one), (pair[1], two))
        assert answer.status_code == 422, pair
    assert deposit(client).json()["code"] == "empty-deposit"


def test_uploads_are_forgotten_after_a_week(
    client: TestClient, copied: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import timedelta

    upload = begin(client, 5, b"abc")
    later = clock.now() + uploads.KEPT + timedelta(hours=2)
    monkeypatch.setattr(clock, "now", lambda: later)
    fresh = begin(client, 5, b"abc")
    assert client.head(f"{PREFIX}/uploads/{upload}").status_code == 404
    assert client.head(f"{PREFIX}/uploads/{fresh}").status_code == 200


def test_what_arrived_before_a_line_broke_is_kept(copied: Played) -> None:
    size, told = 2**20, {"Authorization": f"Bearer {copied.stage.token(WHO)}", "Content-Type": PART}
    with (
        serving(copied.home.path) as address,
        httpx2.Client(base_url=address + PREFIX, headers=told) as client,
    ):
        upload = begin_at(client, size)
        host, _, port = address.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port))) as line:
            asked = {**told, "Host": host, "Upload-Offset": "0", "Content-Length": str(size)}
            head = "".join(f"{name}: {value}\r\n" for name, value in asked.items())
            line.sendall(f"PATCH {PREFIX}/uploads/{upload} HTTP/1.1\r\n{head}\r\n".encode() + b"x" * 300_000)
        overdue = time.monotonic() + 20
        while (stands := stands_at(client, upload)) < 300_000 and time.monotonic() < overdue:
            time.sleep(0.05)
        assert 0 < stands <= 300_000
        while True:
            rest = client.patch(
                f"/uploads/{upload}", content=b"x" * (size - stands), headers={"Upload-Offset": str(stands)}
            )
            if rest.status_code != 409 or time.monotonic() > overdue:
                break  # 409 while the broken connection still holds the upload
        assert (rest.status_code, rest.headers["upload-offset"]) == (204, str(size))


def test_several_workers_share_a_home(copied: Played) -> None:
    """Whichever process answers, a change with a key is made once, and an upload goes on."""
    told = {"Authorization": f"Bearer {copied.stage.token(WHO)}", "Content-Type": PART}
    officer = {"Authorization": f"Bearer {copied.stage.token(cast.MINISTRY, 'officer')}"}
    body = {"name": "acme", "kind": "company"}
    with serving(copied.home.path, "--workers", "3") as address:

        def register(_: int) -> int:
            headers = {**officer, "Idempotency-Key": "shared"}
            return httpx2.post(f"{address}{PREFIX}/organizations", json=body, headers=headers).status_code

        with ThreadPoolExecutor(6) as crowd:
            assert set(crowd.map(register, range(18))) == {201}
        upload = str(
            httpx2.post(f"{address}{PREFIX}/uploads", headers={**told, "Upload-Length": "12"}).json()[
                "upload_id"
            ]
        )
        for offset in range(0, 12, 3):
            headers = {**told, "Upload-Offset": str(offset)}
            part = httpx2.patch(f"{address}{PREFIX}/uploads/{upload}", content=b"abc", headers=headers)
            assert part.headers["upload-offset"] == str(offset + 3)


def begin_at(client: httpx2.Client, size: int) -> str:
    return str(client.post("/uploads", headers={"Upload-Length": str(size)}).json()["upload_id"])


def stands_at(client: httpx2.Client, upload: str) -> int:
    return int(client.head(f"/uploads/{upload}").headers["upload-offset"])


def test_a_download_is_put_on_record_once(copied: Played) -> None:
    from madang.assets import reads

    name, who = f"{cast.LEAD}/policy@1", copied.stage.token(cast.LEAD)
    with TestClient(create_app(copied.home), headers={"Authorization": f"Bearer {who}"}) as client:
        for _ in range(3):
            answer = client.get(f"{PREFIX}/versions/{name}/content", params={"path": "policy.onnx"})
            assert answer.status_code == 200
    reads.record(copied.home)
    with copied.home.database.read() as session:
        query = "SELECT count(*) FROM reads WHERE action = 'download' AND organization = 'institute-a'"
        before = session.connection.exec_driver_sql(query).scalar()
    assert before == 1


def test_a_version_as_one_zip(copied: Played) -> None:
    name = f"{cast.LEAD}/policy@1"
    who = {"Authorization": f"Bearer {copied.stage.token(cast.LEAD)}"}
    other = {"Authorization": f"Bearer {copied.stage.token(OTHER)}"}
    with TestClient(create_app(copied.home)) as client:
        answer = client.get(f"{PREFIX}/versions/{name}/archive", headers=who)
        assert answer.headers["content-type"] == "application/zip"
        with zipfile.ZipFile(io.BytesIO(answer.content)) as given:
            assert given.testzip() is None
            found = {one: given.read(one) for one in given.namelist()}
        for path, data in found.items():
            whole = client.get(f"{PREFIX}/versions/{name}/content", params={"path": path}, headers=who)
            assert whole.content == data
        listed = client.get(f"{PREFIX}/versions/{name}/files", headers=who).json()["items"]
        assert [one["path"] for one in listed] == list(found)
        for first, files in ((0, 1), (1, 1), (1, 99), (99, 1)):
            asked = {"first": first, "files": files}
            part = client.get(f"{PREFIX}/versions/{name}/archive", params=asked, headers=who)
            with zipfile.ZipFile(io.BytesIO(part.content)) as given:
                assert given.namelist() == list(found)[first : first + files]
        assert client.get(f"{PREFIX}/versions/{name}/archive?first=-1", headers=who).status_code == 422
        secret = copied.stage.notes[f"deposit:{WHO}"]
        assert client.get(f"{PREFIX}/versions/{secret}/archive", headers=other).status_code == 403


def test_a_bundle_holds_many_files(client: TestClient) -> None:
    upload = begin(client, 11, b"hello world")
    files = [
        {"path": "a/1", "upload": upload, "start": 0, "length": 5},
        {"path": "a/2", "upload": upload, "start": 6, "length": 5},
        {"path": "a/3", "upload": upload, "start": 11, "length": 0},
        {"path": "a/4", "upload": upload, "start": 5, "length": 1},
    ]
    body = {"asset": "bundled", "agreement": cast.AGREEMENT, "files": files}
    for wrong in ({"start": 6, "length": 6}, {"start": 12}, {"start": 12, "length": 0}):
        sent = {**body, "files": [{"path": "a", "upload": upload, **wrong}]}
        answer = client.post(f"{PREFIX}/versions", json=sent)
        assert (answer.status_code, answer.json()["code"]) == (422, "outside-upload"), wrong
    twice = {**body, "files": [*files, {"path": "b", "upload": upload, "start": 4, "length": 2}]}
    assert client.post(f"{PREFIX}/versions", json=twice).json()["code"] == "parts-overlap"
    made = client.post(f"{PREFIX}/versions", json=body).json()
    content = f"{PREFIX}/versions/{made['name']}/content"
    found = [client.get(content, params={"path": one["path"]}).content for one in files]
    assert found == [b"hello", b"world", b"", b" "]


def test_a_download_that_could_not_be_put_on_record_is_not_given(
    copied: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    from madang.assets import reads
    from madang.kernel.errors import DiskFull

    def full(*_: object) -> None:
        raise DiskFull(path="spool")

    monkeypatch.setattr(reads, "note", full)
    who = {"Authorization": f"Bearer {copied.stage.token(cast.LEAD)}"}
    with TestClient(create_app(copied.home), headers=who) as client:
        for _ in range(2):
            answer = client.get(
                f"{PREFIX}/versions/{cast.LEAD}/policy@1/content", params={"path": "policy.onnx"}
            )
            assert answer.status_code == 503


def test_the_same_deposit_again_with_its_key(client: TestClient) -> None:
    for key in ("first", "second"):
        upload = begin(client, 3, b"abc")
        files = [{"path": "a.txt", "upload": upload}]
        body = {"asset": "same", "agreement": cast.AGREEMENT, "files": files}
        answers = [
            client.post(f"{PREFIX}/versions", json=body, headers={"Idempotency-Key": key}) for _ in range(2)
        ]
        assert [answer.status_code for answer in answers] == [201, 201]
        assert {answer.json()["name"] for answer in answers} == {"company-a/same@1"}


def test_bodies_of_strangers_are_not_read(client: TestClient) -> None:
    address = f"{PREFIX}/missions"
    stranger = client.post(address, content=b"{}", headers={"Authorization": ""})
    assert stranger.status_code == 401
    large = client.post(address, content=b"x" * (33 * 2**20))
    assert (large.status_code, large.json()["code"]) == (422, "bad-value")
