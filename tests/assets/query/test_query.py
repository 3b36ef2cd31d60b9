"""Queries in place: what they may read, what they may not do, and that they are on record."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from fastapi.testclient import TestClient
from pyarrow import parquet

from madang.agreements import service as agreements
from madang.agreements.model import AgreementDocument, AgreementHeader, ClauseDocument
from madang.assets import checking, reads, service
from madang.assets.errors import NotAccepted
from madang.assets.query import service as query
from madang.assets.query.errors import BadQuery, NoSuchTable, NoTables, QueriesBusy, QueryTooLarge
from madang.interfaces.api.app import PREFIX
from madang.interfaces.demo import cast
from madang.interfaces.web.app import create_app
from madang.kernel import extension
from madang.kernel.errors import NotPermitted
from madang.programme import uses
from madang.programme.verification import verify_home
from tests.conftest import Played
from tests.interfaces.commands import here, refused

TABLE = '"company-b/weather@1"'


@pytest.fixture
def weather(copied: Played, tmp_path: Path) -> Played:
    """A home in which company-b has accepted tables in several forms."""
    folder = tmp_path / "weather"
    (folder / "more").mkdir(parents=True)
    (folder / "seoul.csv").write_text("지점,기온(℃)\n서울,20\n서울,22\n", "cp949")
    (folder / "busan.csv").write_text("기온(℃),지점\n30,부산\n", "utf-16")
    (folder / "notes.json").write_text('{"about": "no table"}')
    parquet.write_table(pa.table({"depth": [1.5, 2.5]}), folder / "more" / "depth.parquet")
    (folder / "more" / "lines.jsonl").write_text('{"k": 1}\n{"k": 2}\n')
    actor = copied.actor("company-b")
    version = service.deposit(copied.home, actor, folder, "weather", cast.AGREEMENT)
    checking.check(copied.home, actor, version.name)
    return copied


def _permit(played: Played) -> None:
    """company-b lets company-c query its data sets."""
    clause = ClauseDocument.model_validate(
        {"effect": "permit", "text_en": "text", "text_ko": "문안", "actions": ["query"],
         "owners": ["company-b"], "by": ["company-c"]}
    )  # fmt: skip
    header = AgreementHeader(
        name="query-pact", title_en="Pact", title_ko="협약", mission=cast.MISSION,
        parties=("company-b", "company-c"), ends_on=date(2099, 1, 1),
    )  # fmt: skip
    document = AgreementDocument(agreement=header, clause=(clause,))
    with played.home.database.write() as session:
        agreements.draft(session, played.actor("company-b"), document)
    for party in header.parties:
        with played.home.database.write() as session:
            agreements.sign(session, played.actor(party), "query-pact")


def _rows(played: Played, sql: str, who: str = "company-b") -> list[list[Any]]:
    return query.ask(played.home, played.actor(who), sql).rows


def test_a_version_and_its_files_are_tables(weather: Played) -> None:
    csv = '"company-b/weather@1/seoul.csv"'
    assert _rows(weather, f'select avg("기온(℃)") from {csv}') == [[21.0]]
    with pytest.raises(BadQuery):  # Parquet comes first where a version holds several forms
        _rows(weather, 'select "지점" from "company-b/weather@1"')
    assert _rows(weather, 'select sum(depth) from "company-b/weather@1"') == [[4.0]]
    assert _rows(weather, 'select sum(k) from "company-b/weather@1/more/lines.jsonl"') == [[3]]
    assert _rows(weather, 'select sum(depth) from "company-b/weather/more"') == [[4.0]]
    joined = (
        'with s as (select * from "company-b/weather@1/seoul.csv") '
        'select count(*) from s, "company-b/weather@1/busan.csv"'
    )
    assert _rows(weather, joined) == [[2]]


@pytest.mark.parametrize(
    "sql",
    [
        "drop table x",
        "select 1; select 2",
        "copy (select 1) to '/output/x.csv'",
        "attach '/tmp/x.db'",
        "export database '/output'",
        "install httpfs",
        "set threads = 4",
        "pragma threads = 4",
        "create table t as select 1",
        "select * from read_csv('/etc/passwd')",
        "select * from read_text('/etc/passwd')",
        "select * from glob('/**')",
        "select * from '/etc/passwd'",
        "select * from read_parquet('http://127.0.0.1:1/x.parquet')",
        "select * from duckdb_secrets(), query('copy (select 1) to ''/tmp/x''')",
        "select getenv('PATH')",
        "select",
        "",
        "\x01",
    ],
)
def test_what_is_not_one_select_over_tables_is_refused(weather: Played, sql: str) -> None:
    size = verify_home(weather.home).size
    with pytest.raises((BadQuery, NoSuchTable)):
        _rows(weather, sql)
    assert verify_home(weather.home).size == size


def test_a_refusal_that_quotes_the_data_is_on_record(weather: Played) -> None:
    actor = weather.actor("company-b")
    with pytest.raises(BadQuery) as told:
        query.ask(weather.home, actor, f"select error((select string_agg(depth::varchar, ',') from {TABLE}))")
    assert "1.5,2.5" in str(told.value.in_language("en").why)
    with weather.home.database.read() as session:
        (kept,) = query.asked_by(session, actor)
    assert (kept.outcome, len(kept.versions)) == ("refused", 1)
    assert verify_home(weather.home).holds


def _deposited(played: Played, folder: Path, name: str) -> None:
    actor = played.actor("company-b")
    version = service.deposit(played.home, actor, folder, name, cast.AGREEMENT)
    assert checking.check(played.home, actor, version.name)[0].version.state == "accepted"


def test_files_are_read_by_themselves_whatever_they_are_called(copied: Played, tmp_path: Path) -> None:
    """A name is no pattern, each has its own delimiter, and an encoding is that of the whole file."""
    folder = tmp_path / "odd"
    folder.mkdir()
    (folder / "run[1].csv").write_text("x,y\n1,2\n")
    (folder / "run1.csv").write_text("x,y\n999,999\n")
    (folder / "*.csv").write_text("y,x\n4,3\n")
    (folder / "b.tsv").write_text("x\ty\n5\t6\n")
    (folder / "late.csv").write_text("x,y,t\n" + "7,8,a\n" * 20_000 + "7,8,한글\n", "cp949")
    _deposited(copied, folder, "odd")
    few = "select x, y from {} where x < 7 or x > 900 order by 1"
    assert _rows(copied, few.format('"company-b/odd@1"')) == [[1, 2], [3, 4], [5, 6], [999, 999]]
    assert _rows(copied, few.format('"company-b/odd@1/run[1].csv"')) == [[1, 2]]
    last = "select t from \"company-b/odd@1/late.csv\" where t <> 'a'"
    assert _rows(copied, last) == [["한글"]]


def test_times_with_a_zone(weather: Played) -> None:
    ((told,),) = _rows(weather, "select timestamptz '2024-01-01 00:00:00+00'")
    assert told.startswith(("2024-01-01", "2023-12-31"))


def test_who_has_no_role_for_it_asks_nothing(weather: Played) -> None:
    with pytest.raises(NotPermitted):
        query.ask(weather.home, weather.actor(cast.MINISTRY, "officer"), "select 1")


def test_it_is_stopped_where_it_takes_too_much(weather: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    values = weather.home.values.model_copy(update={"query_seconds": 2})
    monkeypatch.setattr(type(weather.home), "values", property(lambda _: values))
    with pytest.raises(QueryTooLarge, match="processor time"):
        _rows(weather, "select sum(a.range * b.range % 7) from range(1000000) a, range(1000000) b")
    with pytest.raises(QueryTooLarge):
        _rows(weather, "select length(repeat('x', 2000000000))")
    with pytest.raises(QueryTooLarge):
        _rows(weather, "select list(repeat('x', 1000) || range) from range(10000000)")
    with pytest.raises(BadQuery):
        _rows(weather, f"select {'(' * 20_000}1{')' * 20_000}")
    assert _rows(weather, "select 1") == [[1]]


def test_so_many_run_at_once(weather: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    values = weather.home.values.model_copy(update={"query_at_once": 1})
    monkeypatch.setattr(type(weather.home), "values", property(lambda _: values))
    monkeypatch.setattr(query, "_PATIENCE", 0)
    who = {"Authorization": f"Bearer {weather.stage.token('company-b')}"}
    with query._place(weather.home), TestClient(create_app(weather.home), headers=who) as client:
        with pytest.raises(QueriesBusy, match=r"at once \(1\)"):
            _rows(weather, "select 1")
        busy = client.post(f"{PREFIX}/query", json={"sql": "select 1"})
        assert (busy.status_code, busy.json()["code"]) == (503, "queries-busy")
    assert _rows(weather, "select 1") == [[1]]


def test_an_answer_has_so_many_rows_and_says_so(weather: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    values = weather.home.values.model_copy(update={"query_rows": 3})
    monkeypatch.setattr(type(weather.home), "values", property(lambda _: values))
    actor = weather.actor("company-b")
    for form in ("json", "arrow", "csv"):
        answer = query.ask(weather.home, actor, "select range from range(10)", form)
        assert (answer.query.rows, answer.query.cut) == (3, True)
    assert query.ask(weather.home, actor, "select range from range(3)").query.cut is False
    who = {"Authorization": f"Bearer {weather.stage.token('company-b')}"}
    with TestClient(create_app(weather.home), headers=who) as client:
        for form in ("csv", "arrow"):
            cut = client.post(f"{PREFIX}/query.{form}", json={"sql": "select range from range(10)"})
            assert cut.headers["madang-cut"] == "3"
            assert cut.headers["madang-query"].startswith("qry-")
            whole = client.post(f"{PREFIX}/query.{form}", json={"sql": "select 1"})
            assert "madang-cut" not in whole.headers


def test_it_is_asked_over_http(weather: Played) -> None:
    who = {"Authorization": f"Bearer {weather.stage.token('company-b')}"}
    told = {"sql": 'select "지점", "기온(℃)" from "company-b/weather@1/seoul.csv" order by 2'}
    with TestClient(create_app(weather.home), headers=who) as client:
        answer = client.post(f"{PREFIX}/query", json=told).json()
        assert answer["rows"] == [["서울", 20], ["서울", 22]]
        assert answer["read"] == ["company-b/weather@1"]
        csv = client.post(f"{PREFIX}/query.csv", json=told)
        assert csv.headers["content-type"].startswith("text/csv")
        assert csv.text.splitlines() == ["지점,기온(℃)", "서울,20", "서울,22"]
        arrow = client.post(f"{PREFIX}/query.arrow", json=told)
        assert arrow.headers["content-type"] == "application/vnd.apache.arrow.stream"
        with pa.ipc.open_stream(arrow.content) as stream:
            assert stream.read_all().to_pydict() == {"지점": ["서울"] * 2, "기온(℃)": [20, 22]}
        asked = client.get(f"{PREFIX}/queries").json()["items"]
        assert [one["rows"] for one in asked] == [2, 2, 2]
        other = {"Authorization": f"Bearer {weather.stage.token('company-c')}"}
        assert client.post(f"{PREFIX}/query", json=told, headers=other).status_code == 403
        wrong = client.post(f"{PREFIX}/query", json={"sql": "drop table x"})
        assert (wrong.status_code, wrong.json()["code"]) == (422, "bad-query")
        assert client.post(f"{PREFIX}/query", json=told, headers={"Authorization": ""}).status_code == 401


def test_rights_are_those_of_the_agreements(weather: Played) -> None:
    with pytest.raises(NotPermitted) as denied:
        _rows(weather, f"select * from {TABLE}", "company-c")
    assert cast.AGREEMENT in str(denied.value)


def test_only_what_is_accepted_is_queried(copied: Played, tmp_path: Path) -> None:
    folder = tmp_path / "new"
    folder.mkdir()
    (folder / "a.csv").write_text("a\n1\n")
    service.deposit(copied.home, copied.actor("company-b"), folder, "new", cast.AGREEMENT)
    with pytest.raises(NotAccepted):
        _rows(copied, 'select * from "company-b/new@1"')


def test_a_version_without_tables(weather: Played) -> None:
    with pytest.raises(NoTables):
        _rows(weather, 'select * from "company-b/weather@1/notes"')
    for name in ("plain", '"company-b/absent@1"', '"company-b/weather@9"', '"../weather@1"'):
        with pytest.raises(NoSuchTable):
            _rows(weather, f"select * from {name}")


def test_each_query_is_on_record_with_what_it_read(weather: Played) -> None:
    actor = weather.actor("company-b")
    answer = query.ask(weather.home, actor, f"select count(*) from {TABLE}")
    assert answer.names == ("company-b/weather@1",)
    with weather.home.database.read() as session:
        assert query.asked_by(session, actor) == [answer.query]
        assert query.asked_by(session, weather.actor("company-c")) == []
        assert query.asked_by(session, weather.actor(cast.MINISTRY, "officer"))[0] == answer.query
    assert verify_home(weather.home).holds


def test_forms(weather: Played) -> None:
    actor = weather.actor("company-b")
    sql = "select 1 as n, 'x,\"y' as t, null as e, 'nan'::double as f, [1, 2] as l, date '2026-01-02' as d"
    assert query.ask(weather.home, actor, sql).rows == [[1, 'x,"y', None, "nan", [1, 2], "2026-01-02"]]
    csv = query.ask(weather.home, actor, sql, "csv").content.decode()
    assert csv.splitlines()[0] == "n,t,e,f,l,d"
    with pa.ipc.open_stream(query.ask(weather.home, actor, sql, "arrow").content) as stream:
        table = stream.read_all()
    assert table.column("n").to_pylist() == [1]
    with pytest.raises(BadQuery):
        query.ask(weather.home, actor, sql, "xml")


def test_the_command_line(weather: Played, tmp_path: Path) -> None:
    home = ("--home", weather.home.path)
    token = weather.stage.token("company-b")
    told = here(*home, "sql", f"select depth from {TABLE} order by 1", token=token)
    assert told.returncode == 0, told.stderr
    assert told.stdout.split() == ["depth", "1.5", "2.5"]
    answer = json.loads(here(*home, "sql", f"select depth from {TABLE}", "--json", token=token).stdout)
    assert answer["read"] == ["company-b/weather@1"]
    out = tmp_path / "rows.arrow"
    assert here(*home, "sql", "select 1", "--format", "arrow", "--out", out, token=token).returncode == 0
    assert pa.ipc.open_stream(out.read_bytes()).read_all().num_rows == 1
    refused(here(*home, "sql", "select 1", "--format", "arrow", token=token), "--out")
    refused(here(*home, "sql", token=token), "nothing to ask")
    refused(here(*home, "sql", "drop table x", token=token), "exactly one SELECT")
    refused(here(*home, "sql", "select * from nothing", token=token), "nothing")
    assert "select depth" in here(*home, "sql", "--history", token=token).stdout


def test_another_who_may_query_is_told_of_to_the_owner(weather: Played) -> None:
    """An agreement that permits it; then its owner sees who asked."""
    _permit(weather)
    assert _rows(weather, f"select count(*) from {TABLE}", "company-c") == [[2]]
    with pytest.raises(NotPermitted):
        _rows(weather, f"select count(*) from {TABLE}", "company-d")
    reads.record(weather.home)
    with weather.home.database.read() as session:
        version = service.lineage.get(session, "company-b/weather@1")
        told = uses.of(session, weather.actor("company-b"), version)
    assert [(one.organization, one.action) for one in told] == [("company-c", "query")]
    assert verify_home(weather.home).holds


def test_the_engine_is_named_where_there_is_none() -> None:
    assert "duckdb" in extension.engines("tables")
