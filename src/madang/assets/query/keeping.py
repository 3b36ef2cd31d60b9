"""A query's answer as a version: a table of its own, with the versions it was read from as its parents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from madang.assets import checking, ingest, lineage
from madang.assets import service as assets
from madang.assets.content import drafts
from madang.assets.model import Version
from madang.assets.query import service
from madang.assets.query.errors import BadQuery, QueryTooLarge
from madang.kernel.authorizer import Principal, Request, authorize
from madang.kernel.database import Session
from madang.kernel.home import Home
from madang.kernel.i18n import Message
from madang.kernel.ids import check_slug

TABLE = "table.parquet"
"""The file that holds the answer."""
BESIDE = (".toml", ".md", ".txt", ".json")
"""How the names of files beside it end."""
_LARGEST_BESIDE = 2**20
_MOST_BESIDE = 20


def keep(
    home: Home, actor: Principal, sql: str, asset: str, beside: Mapping[str, str] | None = None
) -> Version:
    """Keep the answer of one SELECT as the next version of the actor's organization's data set `asset`.

    The same answer again gives the version that is there. Each version that was read must let the actor pool
    it as well as query it, and all are of one mission; the result may be used only as every one of them
    allows. beside: name -> text of small files that say what the table is (``table.toml`` for the recipes of
    the pack for tables, a README). Raises what ``service.ask`` raises, and QueryTooLarge where the answer was
    cut.
    """
    check_slug(asset, "asset name")
    told = dict(beside or {})
    _require_plain(told)
    pooling = Request(actor, "asset.pool", "Version", asset, {"owner": actor.organization})
    with home.database.read() as session:
        authorize(session, pooling)
    answer = service.ask(home, actor, sql, "parquet", home.values.query_kept_rows)
    if answer.query.cut:
        raise QueryTooLarge(reason=Message("query.kept-cut", rows=home.values.query_kept_rows))
    with home.database.read() as session:
        read = [lineage.get(session, one) for one in answer.query.versions]
        _authorize(session, actor, read)
    with home.workplace("kept") as folder:
        (folder / TABLE).write_bytes(answer.content)
        for file, content in told.items():
            (folder / file).write_text(content, "utf-8")
        stored = ingest.store_folder(home, folder)
    new = assets.NewVersion(
        actor.organization, asset, "dataset", read[0].mission, "accepted",
        format=checking.recognize([TABLE, *told]), parents=answer.query.versions,
        facts={"rows": answer.query.rows, "columns": len(answer.columns), "query": answer.query.query_id},
    )  # fmt: skip
    with drafts.kept_or_destroyed(home, stored), home.database.write() as session:
        authorize(session, pooling)
        grounds = _authorize(session, actor, [lineage.get(session, one) for one in answer.query.versions])
        same = assets.same_as_latest(session, new, stored)
        return same or assets.insert_pooled(session, actor, new, stored, grounds, query=answer.query.query_id)


def _require_plain(beside: Mapping[str, str]) -> None:
    """Names are of files in one folder, texts are small."""
    if len(beside) > _MOST_BESIDE or sum(map(len, beside.values())) > _LARGEST_BESIDE:
        raise QueryTooLarge(reason=Message("query.kept-beside", most=_LARGEST_BESIDE))
    for name in beside:
        if not (ingest.is_plain(name) and "/" not in name and name.endswith(BESIDE)):
            raise BadQuery(reason=Message("query.kept-name", name=name))


def _authorize(session: Session, actor: Principal, read: Sequence[Version]) -> list[str]:
    if not read:
        raise BadQuery(reason=Message("query.nothing-read"))
    found = sorted({version.mission for version in read})
    if len(found) > 1:
        raise BadQuery(reason=Message("query.several-missions", missions=", ".join(found)))
    grounds: set[str] = set()
    for version in read:
        grounds.update(lineage.authorize_use(session, actor, "pool", version))
    return sorted(grounds)
