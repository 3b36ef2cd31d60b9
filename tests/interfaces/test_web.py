"""The pages: members see what is theirs, outsiders see nothing private, in both languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from html.parser import HTMLParser

import pytest
from fastapi.testclient import TestClient

from madang.interfaces.demo import cast
from madang.interfaces.web.app import create_app
from madang.interfaces.web.viewer import OneTimeCodes
from madang.kernel import clock
from tests.conftest import Played


@pytest.fixture(scope="module")
def client(played: Played) -> Iterator[TestClient]:
    with TestClient(create_app(played.home)) as made:
        yield made


def cookies(
    played: Played, organization: str | None, language: str = "en", name: str | None = None
) -> dict[str, str]:
    """The Cookie header of somebody (of an outsider, where no organization is named)."""
    chosen = [f"madang_language={language}"]
    if organization:
        chosen.append(f"madang_token={played.stage.token(organization, name)}")
    return {"cookie": "; ".join(chosen)}


def shared_entry(played: Played) -> int:
    """An entry that speaks of the mission."""
    with played.home.database.read() as session:
        query = "SELECT position FROM ledger_entries WHERE kind = 'version.pooled'"
        return int(session.connection.exec_driver_sql(query).scalar_one())


def addresses(played: Played) -> list[str]:
    notes = played.stage.notes
    return [
        "/missions", f"/missions/{cast.MISSION}", "/versions",
        f"/versions?mission={cast.MISSION}&state=quarantined", "/runs", f"/runs/{notes['run']}",
        f"/versions/{notes['pool']}", f"/versions/{notes['deposit:company-a']}",
        f"/versions/{cast.LEAD}/policy@1",
        f"/versions/{cast.MIRRORED}/{cast.data_set(cast.MIRRORED)}@1", "/sign-in", "/organizations",
        f"/versions/{cast.MIRRORED}/{cast.data_set(cast.MIRRORED)}@2/changes", "/withdrawals",
        f"/organizations/{cast.LEAD}", "/agreements", f"/agreements/{cast.AGREEMENT}", "/compute",
        "/plans/demonstration@1", "/statement", "/trials",
        "/calls/industry-1", f"/applications/{notes[f'application:{cast.LEAD}']}",
        f"/awards/{notes[f'award:{cast.LEAD}']}", f"/submissions/{notes['submission:pooled']}", "/ledger",
        f"/ledger/{shared_entry(played)}", "/search?q=policy", "/search?q=온도", "/packs", "/sources",
        f"/sources/{cast.SOURCE}", f"/records/{notes['record']}",
    ]  # fmt: skip


OPEN = ("/missions", f"/missions/{cast.MISSION}", "/sign-in", "/versions", "/runs", "/ledger", "/packs")
SIGNED_IN = (
    "/organizations",
    "/agreements",
    "/compute",
    "/awards",
    "/submissions",
    "/ledger/",
    "/plans/",
    "/statement",
    "/withdrawals",
    "/trials",
    "/calls/",
    "/applications/",
    "/sources",
    "/records/",
)
"""Addresses that an outsider may look at, and those that ask them to sign in; others are not there."""


class Outline(HTMLParser):
    """Headings, landmarks and what a screen reader would stumble over."""

    def __init__(self) -> None:
        super().__init__()
        self.headings: list[int] = []
        self.problems: list[str] = []
        self.ids: list[str] = []
        self.landmarks: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag in ("main", "nav", "header"):
            self.landmarks.append(tag)
        if given.get("id"):
            self.ids.append(str(given["id"]))
        if tag == "svg" and given.get("aria-hidden") != "true" and not given.get("aria-label"):
            self.problems.append(f"svg without a text: {given}")
        if "style" in given or any(name.startswith("on") for name in given):
            self.problems.append(f"inline style or script on {tag}")
        if tag == "img" and "alt" not in given:
            self.problems.append("img without alt")


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_page_is_whole(client: TestClient, played: Played, language: str) -> None:
    for address in addresses(played):
        page = client.get(address, headers=cookies(played, cast.LEAD, language))
        assert page.status_code == 200, address
        assert f'<html lang="{language}"' in page.text
        assert not re.search(
            r">\s*(web|assets|runs|scores|finding|error|allocations)\.[a-z.-]+\s*<", page.text
        )
        outline = Outline()
        outline.feed(page.text)
        assert outline.problems == [], address
        assert outline.headings[0] == 1, address
        assert outline.headings.count(1) == 1
        assert all(b - a <= 1 for a, b in zip(outline.headings, outline.headings[1:], strict=False)), address
        assert len(outline.ids) == len(set(outline.ids)), address
        assert {"main", "nav"} <= set(outline.landmarks)


def test_an_outsider_sees_nothing_private(client: TestClient, played: Played) -> None:
    with played.home.database.read() as session:
        rows = session.connection.exec_driver_sql(
            "SELECT version_id, manifest FROM versions UNION SELECT run_id, award_id FROM runs "
            "UNION SELECT submission_id, signature FROM scores UNION SELECT member_id, name FROM members"
        ).all()
    private = {str(value) for row in rows for value in row if value and len(str(value)) > 9}
    private |= {*cast.COMPANIES, "company", cast.JUDGE, "policy@1", "door-open", "94.", "quarantine", "A사"}
    for language in ("en", "ko"):
        for address in addresses(played):
            page = client.get(address, headers=cookies(played, None, language))
            if address in OPEN or "?" in address:
                assert page.status_code == 200, address
            else:
                assert page.status_code == (401 if address.startswith(SIGNED_IN) else 404), address
            asked = address.removeprefix("/versions/").removeprefix("/runs/").removesuffix("/changes")
            # What the asker typed is told back.
            seen = page.text.replace(escape(address), "").replace(address, "").replace(asked, "")
            # What the charter itself says in public is not a secret.
            charter = ("company recorded", "companies recorded", "ten companies")
            for words in charter:
                seen = seen.replace(words, "")
            assert not [word for word in private if word in seen], address


def test_absent_and_hidden_things_look_the_same_to_an_outsider(client: TestClient, played: Played) -> None:
    for hidden, absent in (
        (f"/runs/{played.stage.notes['run']}", "/runs/run-00000000000000000000"),
        (f"/versions/{cast.LEAD}/policy@1", f"/versions/{cast.LEAD}/polity@1"),
        (f"/runs/{played.stage.notes['run']}/events", "/runs/run-00000000000000000000/events"),
    ):
        one = client.get(hidden, headers=cookies(played, None))
        other = client.get(absent, headers=cookies(played, None))
        assert one.status_code == other.status_code == 404
        same = one.text.replace(hidden.split("/")[-1], "").replace(hidden, "")
        assert len(same) == pytest.approx(len(other.text.replace(absent, "")), abs=80)


def test_members_of_other_missions_are_outsiders(client: TestClient, played: Played) -> None:
    page = client.get("/versions", headers={"cookie": "madang_token=madang_forged"})
    assert page.status_code == 200
    assert "company-a/" not in page.text


def test_the_mission_page_tells_the_line(client: TestClient, played: Played) -> None:
    page = client.get(f"/missions/{cast.MISSION}", headers=cookies(played, cast.LEAD)).text
    for words in (
        "Success rate over Meta-World MT10",
        "target 80%",
        "policy@1",
        "quarantined",
        "200",
        "n = ",
    ):
        assert words in page
    for stage in ("Deposit", "Check", "Pool", "Run", "Model", "Score"):
        assert f"<span>{stage}</span>" in page


def test_the_version_page_says_what_was_measured_and_what_to_do(client: TestClient, played: Played) -> None:
    address = f"/versions/{cast.MIRRORED}/{cast.data_set(cast.MIRRORED)}@1"
    english = client.get(address, headers=cookies(played, cast.MIRRORED)).text
    korean = client.get(address, headers=cookies(played, cast.MIRRORED, "ko")).text
    assert "goes against the motion" in english
    assert "Turn the sign of action x" in english
    assert "실제 움직임과 반대입니다" in korean


def test_the_version_page_tells_the_whole_lineage(client: TestClient, played: Played) -> None:
    """Also what is more than one step away: the deposits in a model's pool, and the model of a deposit's."""

    def farther(version: str) -> str:
        page = client.get(f"/versions/{version}", headers=cookies(played, cast.LEAD)).text
        return "".join(re.findall(r"<details><summary>And .*?</details>", page, re.DOTALL))

    model = f"{cast.LEAD}/policy@1"
    deposit = played.stage.notes[f"deposit:{cast.COMPANIES[0]}"]
    assert f'href="/versions/{deposit}"' in farther(model)
    assert f'href="/versions/{model}"' in farther(deposit)
    assert f'href="/versions/{model}"' not in farther(model)


def test_live_events_end_with_the_run(client: TestClient, played: Played) -> None:
    address = f"/runs/{played.stage.notes['run']}/events"
    events = client.get(address, headers=cookies(played, cast.LEAD))
    assert events.headers["content-type"].startswith("text/event-stream")
    names = re.findall(r"^event: (\w+)$", events.text, re.MULTILINE)
    assert names == ["log", "chart", "end"]
    assert "wrote policy.onnx" in events.text


def test_signing_in_and_out(played: Played) -> None:
    codes = OneTimeCodes()
    codes.keep("once-only", played.stage.token(cast.LEAD))
    with TestClient(create_app(played.home, codes), follow_redirects=False) as client:
        assert client.post("/sign-in", data={"token": "wrong"}).status_code == 401
        done = client.post("/sign-in", data={"token": played.stage.token(cast.LEAD)})
        assert done.status_code == 303
        assert "httponly" in done.headers["set-cookie"].lower()
        assert "samesite=strict" in done.headers["set-cookie"].lower()
        assert cast.LEAD in client.get("/missions").text
        client.post("/sign-out")
        assert f"<span>{cast.LEAD}</span>" not in client.get("/missions").text
        assert client.get("/sign-in/once-only").status_code == 303
        assert client.get("/sign-in/once-only").status_code == 401


@pytest.mark.parametrize(
    "back", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:x"]
)
def test_preferences_lead_nowhere_else(played: Played, back: str) -> None:
    with TestClient(create_app(played.home), follow_redirects=False) as client:
        done = client.post("/preferences", data={"language": "ko", "back": back})
    assert done.headers["location"] == "/"


def test_headers_and_the_public_checkpoint(client: TestClient, played: Played) -> None:
    page = client.get("/missions")
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert page.headers["x-content-type-options"] == "nosniff"
    assert client.get("/checkpoint").text.startswith("madang.local/ledger\n")
    assert client.get("/nowhere").status_code == 404
    assert client.get("/openapi.json").status_code == 404


def test_who_is_told_of_an_error_stays_signed_in(client: TestClient, played: Played) -> None:
    for address in ("/versions/company-a/nothing@1", "/nowhere"):
        page = client.get(address, headers=cookies(played, cast.LEAD))
        assert page.status_code == 404
        assert 'action="/sign-out"' in page.text
        assert 'action="/sign-out"' not in client.get(address).text


def test_names_are_escaped(copied: Played) -> None:
    from madang.organizations import service

    hostile = "<script>alert(1)</script>"
    with copied.home.database.write() as session:
        officer = copied.actor(cast.MINISTRY, "officer")
        service.register(session, officer, "xss", "company", hostile, hostile)
    with TestClient(create_app(copied.home)) as client:
        for address in addresses(copied):
            assert hostile not in client.get(address, headers=cookies(copied, cast.LEAD)).text


def test_no_page_holds_a_sealed_seed(client: TestClient, played: Played) -> None:
    sealed = (played.home.evaluator_path / f"{cast.MISSION}.sealed.json").read_text()
    needles = re.findall(r'"seed":(\d+)', sealed) + re.findall(r'"salt":"(\w+)"', sealed)
    assert len(needles) > 400
    for organization, name in (
        (cast.LEAD, None),
        (cast.JUDGE, None),
        (cast.MINISTRY, "officer"),
        ("company-a", None),
    ):
        for address in addresses(played):
            page = client.get(address, headers=cookies(played, organization, name=name)).text
            assert not any(needle in page for needle in needles)


def test_an_owner_sees_who_used_its_data_and_nobody_else_does(client: TestClient, played: Played) -> None:
    address = f"/versions/{played.stage.notes['deposit:company-a']}"
    mine = client.get(address, headers=cookies(played, "company-a")).text
    assert "Who used this, for what, under which clause" in mine
    assert f"agreement/{cast.AGREEMENT}/1" in mine
    assert "became part of institute-a/pool@1" in mine
    for other in ("company-b", cast.LEAD):
        assert "Who used this" not in client.get(address, headers=cookies(played, other)).text
    receipt = client.get(f"{address}/receipt", headers=cookies(played, "company-a"))
    assert receipt.headers["content-disposition"].startswith("attachment")
    assert receipt.text.startswith("madang-receipt/1\n")
    assert client.get(f"{address}/receipt", headers=cookies(played, "company-b")).status_code == 403
    assert client.get(f"{address}/receipt", headers=cookies(played, None)).status_code == 404


def test_the_verifier_is_a_file_to_keep(client: TestClient) -> None:
    answer = client.get("/verify.html")
    assert answer.headers["content-disposition"] == 'attachment; filename="madang-verify.html"'
    assert "</script>" in answer.text
    assert "http" not in answer.text.replace("http-equiv", "")


def test_the_new_pages_say_what_they_are_for(client: TestClient, played: Played) -> None:
    def page(address: str, organization: str = cast.LEAD) -> str:
        return client.get(address, headers=cookies(played, organization)).text

    agreement = page(f"/agreements/{cast.AGREEMENT}")
    assert "in force" in agreement
    assert "Raw data stays with its owner" in agreement
    assert agreement.count("/ledger/") == 1 + len(cast.COMPANIES) + 3  # the draft, each signature
    own, other = page("/organizations/company-a", "company-a"), page("/organizations/company-a")
    assert "steward" in own
    assert "steward" not in other
    score = page(f"/submissions/{played.stage.notes['submission:pooled']}")
    assert "confidence sequence" in score
    assert "proof.json" in score
    overseer = cookies(played, cast.MINISTRY, name="officer")
    assert "agreement.signed" in client.get("/ledger", headers=overseer).text
    assert "agreement.signed" not in page("/ledger")


def test_an_entrys_proof_is_kept_and_holds(client: TestClient, played: Played) -> None:
    from madang.kernel.ledger import proof

    headers, position = cookies(played, "company-b"), shared_entry(played)
    for place in (f"/ledger/{position}", f"/submissions/{played.stage.notes['submission:pooled']}"):
        made = client.get(f"{place}/proof.json", headers=headers)
        assert made.headers["content-disposition"].startswith("attachment")
        note = client.get(f"{place}/checkpoint.txt", headers=headers).text
        assert proof.check(made.json(), note)[1]
        assert client.get(f"{place}/proof.json").status_code == 401


def test_a_long_listing_goes_on(copied: Played) -> None:
    from madang.organizations import service

    officer = copied.actor(cast.MINISTRY, "officer")
    for number in range(120):
        with copied.home.database.write() as session:
            service.register(session, officer, f"zz-{number:03d}", "company", f"Z{number}", f"Z{number}")
    with TestClient(create_app(copied.home)) as client:
        headers, found, address = cookies(copied, cast.LEAD), [], "/organizations"
        while address:
            page = client.get(address, headers=headers).text
            found += re.findall(r'<td class="mono">([a-z0-9-]+)</td>', page)
            following = re.search(r'rel="next" href="([^"]+)"', page)
            address = following[1].replace("&amp;", "&") if following else ""
        assert len(found) == len(set(found)) == 120 + 13
        assert client.get("/organizations?cursor=nonsense", headers=headers).status_code == 422


def test_facets_are_counted_and_narrow_what_is_found(client: TestClient, played: Played) -> None:
    def counts(page: str, name: str) -> dict[str, int]:
        shown = re.findall(
            rf'name="{name}" value="([^"]*)"(?: checked)?> <span>[^<]*</span> <span[^>]*>([\d,]+)</span>',
            page,
        )
        return {value: int(count.replace(",", "")) for value, count in shown}

    signed_in = cookies(played, cast.LEAD)
    kinds = counts(client.get("/search?q=", headers=signed_in).text, "kind")
    assert set(kinds) == {"dataset", "model", "record"}
    for kind, count in kinds.items():
        page = client.get(f"/search?q=&kind={kind}", headers=signed_in).text
        assert f'name="kind" value="{kind}" checked' in page
        shown = re.search(r'<h2 id="data">[^<]*?([\d,]+)', page)
        assert shown is not None
        assert int(shown[1].replace(",", "")) == count
    page = client.get("/search?q=&from=2025&to=2025", headers=signed_in).text
    assert 'name="from"' in page and 'value="2025"' in page
    assert set(re.findall(r" · (\d{4})</p>", page)) == {"2025"}
    asked = client.get("/search?q=%22two+words%22&kind=dataset", headers=signed_in).text
    assert 'name="back" value="/search?q=%22two+words%22&amp;kind=dataset"' in asked
    made = str(clock.now().year)
    assert "dataset" in counts(client.get(f"/search?q=&from={made}", headers=signed_in).text, "kind")
    assert client.get("/search?from=soon", headers=signed_in).status_code == 422
    assert client.get("/search?from=2025&to=2024", headers=signed_in).status_code == 422
