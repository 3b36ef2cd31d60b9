"""The API: who may ask, pages, entity tags, keys, errors in three parts."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from madang.interfaces import operations
from madang.interfaces.api.app import PREFIX
from madang.interfaces.demo import cast
from madang.interfaces.web.app import create_app
from madang.kernel import clock
from madang.kernel.requests import Asked
from madang.programme.verification import verify_home
from tests.conftest import Office, Played


@pytest.fixture(scope="module")
def client(played: Played) -> Iterator[TestClient]:
    with TestClient(create_app(played.home), base_url="http://testserver") as made:
        yield made


@pytest.fixture
def desk(office: Office) -> Iterator[TestClient]:
    """The officer's client of an almost empty home."""
    headers = {"Authorization": f"Bearer {office.officer_token}"}
    with TestClient(create_app(office.home), headers=headers) as made:
        yield made


def bearer(played: Played, organization: str, name: str | None = None, **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {played.stage.token(organization, name)}", **more}


def listings() -> list[operations.Operation]:
    return [one for one in operations.every() if one.pages]


def filled(operation: operations.Operation, played: Played) -> tuple[str, dict[str, str]]:
    """(address, query) of an operation about the played mission."""
    notes = played.stage.notes
    things = {
        "organization": cast.LEAD, "member": "kim", "award_id": "awd-x", "capacity": "cap-x", "number": "6",
        "version": notes["pool"], "run": notes["run"], "submission": notes["submission:pooled"],
        "name": cast.AGREEMENT if "/agreements" in operation.path else cast.MISSION, "position": "3",
        "plan": "demonstration", "trial": "trl-x",
        "source": cast.SOURCE, "record": notes["record"], "harvest": notes["harvest"],
        "call": "industry-1", "application_id": notes[f"application:{cast.LEAD}"],
    }  # fmt: skip
    if operation.noun == "probes":  # of a deposit: a pool is not looked into
        things["version"] = notes["deposit:company-b"]
    if operation.name == "changes":  # of a version that is not the first of its name
        things["version"] = f"{cast.MIRRORED}/{cast.data_set(cast.MIRRORED)}@2"
    address = re.sub(r"\{(\w+)(?::path)?\}", lambda match: things[match[1]], operation.path)
    asked = {"mission": cast.MISSION, "what": cast.MISSION, "q": "policy", "to": "demonstration"}
    parameters = inspect.signature(operation.function).parameters
    return PREFIX + address, {name: value for name, value in asked.items() if name in parameters}


def test_every_operation_is_described_with_examples(client: TestClient) -> None:
    told = client.get(f"{PREFIX}/openapi.json").json()
    described = {each.get("operationId") for path in told["paths"].values() for each in path.values()}
    for operation in operations.every():
        assert f"{operation.noun}_{operation.name}" in described
    sent = {name: schema for name, schema in told["components"]["schemas"].items() if name.startswith("New")}
    assert len(sent) > 10
    for name, schema in sent.items():
        assert all("examples" in member for member in schema["properties"].values()), name
    for path in told["paths"].values():
        for each in path.values():
            assert "application/problem+json" in each["responses"]["4XX"]["content"]


def test_who_does_not_sign_in_is_told_so_everywhere(client: TestClient, played: Played) -> None:
    for operation in operations.every():
        address, query = filled(operation, played)
        asked = client.request(operation.method, address, params=query)
        if operation.public:
            assert asked.status_code in (200, 404), address
        elif operation.method == "GET":
            assert asked.status_code == 401, address
            assert asked.headers["www-authenticate"] == "Bearer"
        else:
            assert asked.status_code in (401, 422), address
        wrong = client.request(
            operation.method, address, params=query, headers={"Authorization": "Bearer madang_no"}
        )
        assert wrong.status_code in (401, 422), address


def test_an_outsider_learns_nothing_private(client: TestClient, played: Played) -> None:
    with played.home.database.read() as session:
        rows = session.connection.exec_driver_sql(
            "SELECT version_id, manifest FROM versions UNION SELECT run_id, award_id FROM runs "
            "UNION SELECT member_id, name FROM members"
        ).all()
    private = {str(value) for row in rows for value in row if value and len(str(value)) > 9}
    for operation in operations.every():
        if operation.method == "GET" and operation.name != "published":
            address, query = filled(operation, played)
            answer = client.get(address, params=query).text
            assert not [word for word in private if word in answer and word not in address], address


def test_absent_and_hidden_look_the_same(client: TestClient, played: Played) -> None:
    stranger = {"Authorization": "Bearer madang_stranger"}
    hidden = client.get(f"{PREFIX}/versions/{cast.LEAD}/policy@1", headers=stranger)
    absent = client.get(f"{PREFIX}/versions/{cast.LEAD}/polity@1", headers=stranger)
    assert hidden.status_code == absent.status_code == 401


@pytest.mark.parametrize("operation", listings(), ids=lambda one: f"{one.noun}.{one.name}")
def test_pages_hold_every_item_once(
    client: TestClient, played: Played, operation: operations.Operation
) -> None:
    address, query = filled(operation, played)
    owner = operation.noun == "probes"  # values are for those who may download
    headers = bearer(played, *(("company-b", "engineer") if owner else (cast.MINISTRY, "officer")))
    whole = client.get(address, params={**query, "limit": 1000}, headers=headers).json()
    assert whole["next"] is None
    # Nobody keeps a trial, asks SQL, takes data back or registers DOIs in the demonstration.
    assert whole["items"] or operation.noun in ("trials", "queries", "withdrawals", "identifiers")
    found: list[Any] = []
    cursor: str | None = None
    for _ in range(len(whole["items"]) + 1):
        more = {"cursor": cursor} if cursor else {}
        page = client.get(address, params={**query, "limit": 3, **more}, headers=headers).json()
        found += page["items"]
        cursor = page["next"]
        if cursor is None:
            break
    assert found == whole["items"]
    for wrong in ("x", "W10", "WzFd", "WyIxIiwyLDMsNCw1XQ", "e30", "WyJcdTAwMDAiXQ"):
        asked = client.get(address, params={**query, "cursor": wrong}, headers=headers)
        # A cursor of another listing may have this one's form: then it names a place, and nothing breaks.
        assert asked.status_code in (200, 422), (address, wrong)
    assert client.get(address, params={**query, "limit": 0}, headers=headers).status_code == 422


def test_an_unchanged_answer_is_not_sent_again(client: TestClient, played: Played) -> None:
    address, headers = f"{PREFIX}/versions", bearer(played, cast.LEAD)
    first = client.get(address, headers=headers)
    tag = first.headers["etag"]
    again = client.get(address, headers={**headers, "If-None-Match": f'"other", W/{tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    other = client.get(address, headers={**headers, "If-None-Match": '"other"'})
    assert other.status_code == 200
    assert client.get(f"{address}?limit=1", headers=headers).headers["etag"] != tag


@pytest.mark.parametrize(
    ("language", "words"), [("ko-KR,en;q=0.5", "찾을 수 없습니다"), ("en", "There is no version")]
)
def test_errors_are_problem_details_in_three_parts(
    client: TestClient, played: Played, language: str, words: str
) -> None:
    headers = bearer(played, cast.LEAD, **{"Accept-Language": language})
    answer = client.get(f"{PREFIX}/versions/nobody/nothing@1", headers=headers)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told["type"] == "urn:madang:error:no-such-version"
    assert told["status"] == 404
    assert words in told["title"]
    assert told["detail"]
    assert told["next"]


def test_a_denial_names_its_clause(client: TestClient, played: Played) -> None:
    name = played.stage.notes["deposit:company-a"]
    answer = client.get(
        f"{PREFIX}/versions/{name}/content",
        params={"path": "meta/info.json"},
        headers=bearer(played, cast.LEAD),
    )
    assert answer.status_code == 403
    assert answer.json()["code"] == "not-permitted"
    assert f"Clause 3 of the agreement {cast.AGREEMENT}" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("method", "address", "status"),
    [
        ("GET", "/nothing", 404), ("GET", "/versions/%0A", 422), ("DELETE", "/versions", 405),
        ("GET", "/agreements/%7F%11", 404), ("GET", "/missions/%F0%9F%8E%88", 404),
    ],
)  # fmt: skip
def test_odd_addresses(client: TestClient, played: Played, method: str, address: str, status: int) -> None:
    answer = client.request(method, PREFIX + address, headers=bearer(played, cast.LEAD))
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


ACME = {"name": "acme", "kind": "company"}


def named(desk: TestClient) -> list[str]:
    return [one["name"] for one in desk.get(f"{PREFIX}/organizations").json()["items"]]


def test_a_key_makes_a_change_once(desk: TestClient, office: Office) -> None:
    key = {"Idempotency-Key": "one"}
    first = desk.post(f"{PREFIX}/organizations", json=ACME, headers=key)
    again = desk.post(f"{PREFIX}/organizations", json=ACME, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert again.headers["idempotency-replayed"] == "true"
    other = desk.post(f"{PREFIX}/organizations", json={**ACME, "name": "bolt"}, headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "key-reused")
    assert desk.post(f"{PREFIX}/organizations", json=ACME).json()["code"] == "organization-exists"
    assert named(desk) == ["acme", "msit"]
    assert verify_home(office.home).holds


def test_a_refused_request_may_be_sent_again_with_its_key(desk: TestClient) -> None:
    key = {"Idempotency-Key": "two"}
    member = f"{PREFIX}/organizations/acme/members"
    person = {"name": "kim", "roles": ["steward"]}
    assert desk.post(member, json=person, headers=key).status_code == 404
    assert desk.post(f"{PREFIX}/organizations", json=ACME).status_code == 201
    assert desk.post(member, json=person, headers=key).status_code == 201


def test_the_same_request_many_times_at_once(desk: TestClient, office: Office) -> None:
    def send(_: int) -> tuple[int, bytes]:
        answer = desk.post(f"{PREFIX}/organizations", json=ACME, headers={"Idempotency-Key": "crowd"})
        return answer.status_code, answer.content

    with ThreadPoolExecutor(8) as crowd:
        answers = list(crowd.map(send, range(16)))
    assert {status for status, _ in answers} == {201}
    assert len({body for _, body in answers}) == 1
    assert named(desk) == ["acme", "msit"]
    assert verify_home(office.home).holds


def test_a_server_that_dies_before_it_answers_has_not_forgotten(
    desk: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(Asked, "keep", dies)
    with pytest.raises(RuntimeError):
        desk.post(f"{PREFIX}/organizations", json=ACME, headers={"Idempotency-Key": "dead"})
    monkeypatch.undo()
    again = desk.post(f"{PREFIX}/organizations", json=ACME, headers={"Idempotency-Key": "dead"})
    assert (again.status_code, again.json()["code"]) == (409, "already-done")
    assert "acme" in again.json()["detail"]


def test_a_token_is_never_kept(desk: TestClient, office: Office) -> None:
    desk.post(f"{PREFIX}/organizations", json=ACME)
    desk.post(f"{PREFIX}/organizations/acme/members", json={"name": "kim", "roles": ["steward"]})
    address, key = f"{PREFIX}/organizations/acme/members/kim/tokens", {"Idempotency-Key": "secret"}
    token = desk.post(address, json={}, headers=key).json()["token"]
    assert desk.post(address, json={}, headers=key).json()["code"] == "already-done"
    assert desk.get(f"{PREFIX}/whoami", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    with office.home.database.read() as session:
        kept = session.connection.exec_driver_sql("SELECT key, digest, body FROM requests").all()
    assert [key for key, _, _ in kept] == ["secret"]
    assert token not in str(kept)


def test_keys_are_each_members_own_and_forgotten_after_a_week(
    desk: TestClient, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = {"Idempotency-Key": "mine"}
    assert desk.post(f"{PREFIX}/organizations", json=ACME, headers=key).status_code == 201
    office.join("bolt", "steward")
    later = clock.now() + timedelta(days=8)
    monkeypatch.setattr(clock, "now", lambda: later)
    gone = desk.post(f"{PREFIX}/organizations", json=ACME, headers=key)
    assert gone.json()["code"] == "organization-exists"


@pytest.mark.parametrize("key", ["", "x" * 201, "a\x7fb", "a b"])
def test_a_key_that_is_none(desk: TestClient, key: str) -> None:
    answer = desk.post(f"{PREFIX}/organizations", json=ACME, headers={"Idempotency-Key": key})
    assert answer.status_code == 422
    assert named(desk) == ["msit"]


def test_search_finds_what_the_asker_may_know_of(client: TestClient, played: Played) -> None:
    def hits(words: str, **headers: str) -> list[tuple[str, str]]:
        answer = client.get(f"{PREFIX}/search", params={"q": words}, headers=headers)
        return [(hit["kind"], hit["name"]) for hit in answer.json()["items"]]

    lead = bearer(played, cast.LEAD)
    assert ("mission", cast.MISSION) in hits("manipul")
    assert hits("reach@1") == []
    assert hits("reach@1", **lead) == [("version", "company-a/reach@1")]
    assert ("organization", "company-a") in hits("A사", **lead)
    assert hits(played.stage.notes["run"], **lead) == [("run", played.stage.notes["run"])]
    assert hits("%", **lead) == hits("_x_", **lead) == hits("   ", **lead) == []


def test_an_entry_comes_with_its_proof(client: TestClient, played: Played) -> None:
    from madang.kernel.ledger import proof

    lead, other = bearer(played, cast.LEAD), bearer(played, "company-b")
    with played.home.database.read() as session:
        query = "SELECT position FROM ledger_entries WHERE kind = 'token.issued' LIMIT 1"
        private = session.connection.exec_driver_sql(query).scalar()
        query = "SELECT position FROM ledger_entries WHERE kind = 'version.pooled' LIMIT 1"
        shared = session.connection.exec_driver_sql(query).scalar()
    assert client.get(f"{PREFIX}/ledger/entries/{private}", headers=lead).status_code == 404
    assert client.get(f"{PREFIX}/ledger/entries/{private}").status_code == 401
    told = client.get(f"{PREFIX}/ledger/entries/{shared}", headers=other).json()
    head, links = proof.check(told["proof"], told["checkpoint"])
    assert [(link.role, link.entry.kind) for link in links] == [("entry", "version.pooled")]
    assert head.size > shared
    assert client.get(f"{PREFIX}/ledger/entries", headers=lead).status_code == 403
