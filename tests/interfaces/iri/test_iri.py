"""The facility interface: what stands behind its words, who learns what, and a run through it to its end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from madang.interfaces.demo import cast
from madang.interfaces.iri import declared
from madang.interfaces.web.app import create_app
from madang.programme.verification import verify_home
from madang.runs.supervisor import Supervisor
from tests.conftest import Played

BOTH = pytest.mark.parametrize("version", [1, 2])


@pytest.fixture(scope="module")
def client(played: Played) -> Iterator[TestClient]:
    with TestClient(create_app(played.home), base_url="http://testserver") as made:
        yield made


def bearer(played: Played, organization: str = cast.LEAD, name: str | None = None) -> dict[str, str]:
    return {"Authorization": f"Bearer {played.stage.token(organization, name)}"}


def root(version: int) -> str:
    return f"/iri/api/v{version}"


@BOTH
def test_the_facility_leads_to_all_that_is_public(client: TestClient, version: int) -> None:
    facility = client.get(f"{root(version)}/facility").json()
    sites = [client.get(address).json() for address in facility["site_uris"]]
    assert {site["operating_organization"] for site in sites} == {
        "Institute B",
        "Ministry of Science and ICT",
    }
    resources = [client.get(address).json() for site in sites for address in site["resource_uris"]]
    kinds = {one["resource_type"] for one in resources}
    assert kinds == (
        {"compute", "storage"}
        if version == 1
        else {"urn:doe-iri:resource:compute", "urn:doe-iri:resource:storage"}
    )
    for one in resources:
        assert client.get(one["site_uri"]).status_code == 200
        for address in one["capability_uris"]:
            units = client.get(address).json()["units"]
            assert all(unit.startswith("urn:doe-iri:allocation:") is (version == 2) for unit in units)
    events = client.get(f"{root(version)}/status/events").json()
    assert events and all(one["status"] in ("up", "down") for one in events)
    assert client.get(events[0]["self_uri"]).json() == events[0]
    assert client.get(events[0]["resource_uri"]).status_code == 200


@BOTH
def test_listings_are_cut_and_filtered(client: TestClient, version: int) -> None:
    address = f"{root(version)}/status/resources"
    every = client.get(address).json()
    parts = [client.get(address, params={"offset": n, "limit": 1}).json() for n in range(len(every) + 1)]
    assert [one for part in parts for one in part] == every
    storage = next(one for one in every if "filesystem" in one["supported_endpoints"])
    for name, value in (("name", storage["name"]), ("resource_type", storage["resource_type"])):
        assert client.get(address, params={name: value}).json() == [storage]
    unit = "bytes" if version == 1 else "urn:doe-iri:allocation:storage:bytes"
    assert client.get(address, params={"capability": unit}).json() == [storage]
    assert client.get(address, params={"modified_since": "2999-01-01T00:00:00Z"}).json() == []
    facility = f"{root(version)}/facility"
    assert client.get(facility, params={"modified_since": "2999-01-01T00:00:00Z"}).status_code == 304
    for wrong in (
        {"limit": 1001},
        {"offset": -1},
        {"modified_since": "yesterday"},
        {"resource_type": "urn:x"},
    ):
        refused = client.get(address, params=wrong)
        assert refused.status_code == 422 and refused.json()["status"] == 422, wrong


def private_of(version: int) -> list[declared.Operation]:
    return [one for one in declared.every(version) if not one.public]


@BOTH
def test_who_does_not_sign_in_gets_what_is_public_and_no_more(
    client: TestClient, played: Played, version: int
) -> None:
    with played.home.database.read() as session:
        rows = session.connection.exec_driver_sql(
            "SELECT run_id, award_id FROM runs UNION SELECT member_id, name FROM members "
            "UNION SELECT version_id, manifest FROM versions"
        ).all()
    private = {str(value) for row in rows for value in row if value and len(str(value)) > 9}
    for one in declared.every(version):
        address = root(version) + one.path.replace("{", "").replace("}", "")
        answer = client.request(one.method_in(version), address)
        if one.public:
            assert answer.status_code in (200, 404), address
            assert not [word for word in private if word in answer.text], address
        else:
            assert answer.status_code == 401, address
            assert answer.headers["www-authenticate"] == "Bearer"
            assert set(answer.json()) >= {"type", "status", "title", "detail", "instance"}


def test_the_versions_have_the_operations_of_their_specifications() -> None:
    first, second = ({one.name for one in declared.every(version)} for version in (1, 2))
    assert second - first == {"getStorageLocations", "getStorageAccessEndpoints"} and not first - second
    assert (len(first), len(second)) == (45, 47)


@BOTH
def test_missions_are_projects_and_awards_their_allocations(
    client: TestClient, played: Played, version: int
) -> None:
    headers = bearer(played)
    (project,) = client.get(f"{root(version)}/account/projects", headers=headers).json()
    assert project["id"] == cast.MISSION and len(project["user_ids"]) == 1
    held = client.get(f"{project['self_uri']}/project_allocations", headers=headers).json()
    mine = next(one for one in held if one["id"] == played.stage.notes[f"award:{cast.LEAD}"])
    (entry,) = mine["entries"]
    assert 0 < entry["usage"] < entry["allocation"]
    address = f"{project['self_uri']}/project_allocations/{mine['id']}"
    assert client.get(address, headers=headers).json() == mine
    (user,) = client.get(f"{address}/user_allocations", headers=headers).json()
    assert user["user_id"] == project["user_ids"][0]
    assert user["entries"][0]["usage"] == pytest.approx(entry["usage"])
    assert client.get(f"{address}/user_allocations/{user['id']}", headers=headers).json() == user
    # Another organization of the mission sees the award, and not whose people use it.
    other = bearer(played, cast.COMPANIES[0])
    assert client.get(address, headers=other).json() == mine
    assert client.get(f"{address}/user_allocations", headers=other).json() == []
    elsewhere = f"{root(version)}/account/projects/absent/project_allocations/{mine['id']}"
    assert client.get(elsewhere, headers=headers).status_code == 404


def job_of(played: Played, **changes: Any) -> tuple[str, dict[str, Any]]:
    """(resource, specification) of a small training on the pool."""
    award = played.stage.notes[f"award:{cast.LEAD}"]
    with played.home.database.read() as session:
        site, kind = session.connection.exec_driver_sql(
            "SELECT site, kind FROM capacities JOIN awards ON awards.capacity_id = capacities.capacity_id "
            f"WHERE award_id = '{award}'"
        ).one()
    spec: dict[str, Any] = {
        "executable": "physical/behaviour-cloning",
        "arguments": ["steps=20", "--batch=32"],
        "resources": {"process_count": 1, "cpu_cores_per_process": 2},
        "attributes": {
            "account": award,
            "duration": 60,
            "custom_attributes": {"inputs": played.stage.notes["pool"], "output": "through-iri"},
        },
    }
    return f"{site}.{kind}", {**spec, **changes}


@BOTH
def test_a_job_is_a_run_from_its_submission_to_the_books(copied: Played, version: int) -> None:
    resource, spec = job_of(copied)
    compute = f"{root(version)}/compute"
    with TestClient(create_app(copied.home), headers=bearer(copied)) as client:
        key = {"Idempotency-Key": "6f2e"} if version == 2 else {}
        made = client.post(f"{compute}/job/{resource}", json=spec, headers=key)
        assert made.status_code == 200, made.text
        job = made.json()["id"]
        if version == 2:
            assert client.post(f"{compute}/job/{resource}", json=spec, headers=key).json()["id"] == job
            other = client.post(f"{compute}/job/{resource}", json={**spec, "name": "x"}, headers=key)
            assert other.status_code == 422
        queued = client.post(f"{compute}/status/{resource}", params={"include_spec": "true"}).json()
        assert [one["id"] for one in queued] == [job]
        assert queued[0]["job_spec"]["attributes"]["account"] == spec["attributes"]["account"]
        again = client.post(f"{compute}/job/{resource}", json=queued[0]["job_spec"])
        assert again.status_code == 200  # what is told of a job can be submitted as it is
        assert client.delete(f"{compute}/cancel/{resource}/{again.json()['id']}").status_code == 204
        assert client.put(f"{compute}/job/{resource}/{job}", json=spec).status_code == 409
        Supervisor(copied.home, copied.actor(cast.JUDGE, "operator")).work(until_idle=True)
        ended = client.get(f"{compute}/status/{resource}/{job}").json()["status"]
        assert (ended["state"], ended["exit_code"]) == ("completed", 0)
        assert 0 < ended["meta_data"]["used_resource_seconds"] <= 120
        assert client.delete(f"{compute}/cancel/{resource}/{job}").status_code == 409
        hidden = client.get(f"{compute}/status/{resource}/{job}", params={"historical": "false"})
        assert hidden.status_code == 404
        assert client.post(f"{compute}/status/{resource}").json() == []
        assert client.post(f"{compute}/status/{resource}", json={"state": "cancelled"}).status_code == 422
        past = client.post(
            f"{compute}/status/{resource}",
            params={"historical": "true"},
            json={"state": "completed", "name": "through-iri"},
        )
        assert [one["id"] for one in past.json()] == [job], past.json()
    assert verify_home(copied.home).holds


def test_a_waiting_job_is_cancelled(copied: Played) -> None:
    resource, spec = job_of(copied)
    compute = f"{root(2)}/compute"
    with TestClient(create_app(copied.home), headers=bearer(copied)) as client:
        job = client.post(f"{compute}/job/{resource}", json=spec).json()["id"]
        assert client.delete(f"{compute}/cancel/{resource}/{job}").status_code == 204
        assert client.get(f"{compute}/status/{resource}/{job}").json()["status"]["state"] == "canceled"
        stranger = bearer(copied, cast.JUDGE, "steward")
        assert client.get(f"{compute}/status/absent.kind/{job}").status_code == 404
        assert client.get(f"{compute}/status/~area/{job}").status_code == 404
        assert client.delete(f"{compute}/cancel/{resource}/{job}", headers=stranger).status_code in (403, 404)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"executable": "/bin/sh"}, "/bin/sh"),
        ({"executable": None}, "executable"),
        ({"container": {"image": "ubuntu"}}, "container"),
        ({"stdout_path": "/out"}, "stdout_path"),
        ({"environment": {"A": "b"}}, "environment"),
        ({"arguments": ["steps"]}, "arguments"),
        ({"arguments": ["stops=3"]}, "stops"),
        ({"attributes": {"duration": 60}}, "account"),
        ({"attributes": {"account": "awd-x"}}, "awd-x"),
        ({"resources": {"memory": 2**60}}, "memory"),
        ({"resources": {"cpu_cores_per_process": 0}}, "cpu_cores_per_process"),
        ({"unheard": 1}, "unheard"),
        ({"name": "another"}, "name"),
        ({"resources": {"gpu_cores_per_process": 4}}, "gpu_cores_per_process"),
        ({"resources": {"process_count": 1, "node_count": 2, "processes_per_node": 2}}, "process_count"),
        ({"resources": {"process_count": 2**52, "cpu_cores_per_process": 2**52}}, "cores"),
    ],
    ids=lambda one: str(one)[:30],
)
def test_what_a_run_has_not_is_refused_and_nothing_is_queued(
    client: TestClient, played: Played, changes: dict[str, Any], word: str
) -> None:
    resource, spec = job_of(played, **changes)
    headers = bearer(played)
    refused = client.post(f"{root(2)}/compute/job/{resource}", json=spec, headers=headers)
    told = refused.json()
    assert refused.status_code in (404, 422) and word in told["title"] + told["detail"], told
    assert client.post(f"{root(2)}/compute/status/{resource}", headers=headers).json() == []


@BOTH
def test_the_file_system_is_the_members_own(copied: Played, version: int) -> None:
    files = f"{root(version)}/filesystem"
    with TestClient(create_app(copied.home), headers=bearer(copied)) as client:

        def ask(name: str, status: int = 200, **asked: Any) -> Any:
            method = "GET" if version == 1 else "POST"
            sent = {"params": asked} if version == 1 else {"json": asked}
            made = client.request(method, f"{files}/{name}/~area", **sent)
            assert made.status_code == status, made.text
            return client.get(made.json()["task_uri"]).json() if status < 400 else made.json()

        sent = {"file": ("name", b"one\ntwo\n")}
        upload = client.post(f"{files}/upload/~area", params={"path": "/text"}, files=sent)
        assert client.get(upload.json()["task_uri"]).json()["status"] == "completed"
        assert [one["name"] for one in ask("ls", path="/")["result"]["output"]] == ["text"]
        assert ask("download", path="text")["result"]["output"] == "b25lCnR3bwo="
        assert ask("tail", path="text", lines=1)["result"]["output"]["content"] == "two\n"
        assert ask("checksum", path="text")["result"]["output"]["algorithm"] == "SHA-256"
        assert ask("stat", path="absent")["result"]["code"] == "no-such-path"
        for wrong in ("../secret", "/a/../../b", "..", "a\0b"):
            if version == 2 or "\0" not in wrong:
                assert ask("ls", status=422, path=wrong)["type"].startswith("urn:madang:error:bad-")
        links = client.post(f"{files}/symlink/~area", json={"path": "text", "link_path": "link"})
        assert links.status_code == 403 and links.json()["code"] == "not-offered"
        made = client.post(f"{files}/mkdir/~area", json={"path": "a/b", "parent": "true"})
        assert made.status_code == 201
        gzip = "gzip" if version == 1 else "urn:doe-iri:compression:gzip"
        packed = {"source_path": "text", "target_path": "a/b/packed", "compression": gzip}
        assert client.post(f"{files}/compress/~area", json=packed).status_code == 201
        packed["compression"] = "gzip" if version == 2 else "urn:doe-iri:compression:gzip"
        assert client.post(f"{files}/compress/~area", json=packed).status_code == 422
        assert client.post(f"{files}/ls/elsewhere", json={"path": "/"}).status_code in (404, 405)
        mine = client.get(f"{root(version)}/task").json()
        assert all(one["result"] is None for one in mine) and len(mine) == 8
        korean = client.request(
            "GET" if version == 1 else "POST", f"{files}/stat/~area", headers={"Accept-Language": "ko"},
            **({"params": {"path": "absent"}} if version == 1 else {"json": {"path": "absent"}}),
        )  # fmt: skip
        assert "없습니다" in client.get(korean.json()["task_uri"]).json()["result"]["what"]
        wrong = client.request("PUT", f"{files}/ls/~area")
        assert wrong.status_code == 405 and wrong.headers["allow"] in wrong.json()["detail"]
        other = bearer(copied, cast.COMPANIES[0])
        assert client.get(f"{root(version)}/task", headers=other).json() == []
        assert client.get(upload.json()["task_uri"], headers=other).status_code == 404
        assert client.delete(upload.json()["task_uri"]).json() == "completed"
        assert client.delete(upload.json()["task_uri"]).status_code == 404


def test_a_file_that_is_too_large_is_refused(copied: Played) -> None:
    with TestClient(create_app(copied.home), headers=bearer(copied)) as client:
        for size in (5_242_881, 8 * 2**20):
            sent = {"file": ("name", bytes(size))}
            refused = client.post(f"{root(2)}/filesystem/upload/~area", params={"path": "x"}, files=sent)
            assert refused.status_code == 422 and refused.json()["title"]
        absent = client.post(f"{root(2)}/filesystem/upload/~area", params={"path": "x"}, files={"f": b""})
        assert absent.status_code == 422


def test_locations_tell_where_a_members_files_are(client: TestClient, played: Played) -> None:
    headers, address = bearer(played), f"{root(2)}/storage/locations/~area"
    (place,) = client.get(address, headers=headers).json()
    assert (place["logical_name"], place["path"], place["shared"]) == ("home", "/", False)
    for asked in ({"logicalpath": "scratch"}, {"intent": "long-term-storage"}, {"project": cast.MISSION}):
        assert client.get(address, params=asked, headers=headers).json() == []
    assert client.get(f"{root(2)}/storage/access-endpoints/~area", headers=headers).json() == []


def test_refusals_are_told_in_the_askers_language(client: TestClient) -> None:
    asked = {"Accept-Language": "ko"}
    told = client.get(f"{root(2)}/status/resources", params={"limit": "x"}, headers=asked)
    assert told.headers["content-language"] == "ko" and "다" in told.json()["title"]
    for nowhere in (f"{root(2)}/nowhere", f"{root(2)}/", "/iri/api/v3/facility", "/iri/api"):
        assert client.get(nowhere).json()["status"] == 404
    wrong = client.delete(f"{root(2)}/facility")
    assert wrong.status_code == 405 and "GET" in wrong.headers["allow"] and wrong.json()["status"] == 405
