# Made by scripts/make_sdk.py. Change the operation (or the coroutines) and run that instead.
"""The nouns: a class each, a method for each operation of the API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from pydantic_core import to_jsonable_python

from madang.sdk import addresses, documents

if TYPE_CHECKING:
    from madang.sdk._async.client import AsyncClient


class Organizations:
    """Organizations, members, tokens."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    def list(self, *, page_size: int = 100) -> AsyncIterator[documents.Organization]:
        """List organizations by name."""
        return self._client.every("/organizations", documents.Organization, {"limit": page_size})

    async def register(
        self, name: str, *, kind: str, title_en: str = "", title_ko: str = "", key: str | None = None
    ) -> documents.Organization:
        """Register an organization (a ministry's officer)."""
        return await self._client.call(
            "POST",
            "/organizations",
            documents.Organization,
            body={"name": name, "kind": kind, "title_en": title_en, "title_ko": title_ko},
            key=key,
        )

    async def show(self, organization: str) -> documents.OrganizationWhole:
        """Show an organization; to its own people and overseers with its members."""
        return await self._client.call(
            "GET", f"/organizations/{addresses.part(organization)}", documents.OrganizationWhole
        )

    async def add_member(
        self, organization: str, *, name: str, roles: Sequence[str], key: str | None = None
    ) -> documents.Member:
        """Add a member with roles (an officer of the ministry, or of the organization)."""
        return await self._client.call(
            "POST",
            f"/organizations/{addresses.part(organization)}/members",
            documents.Member,
            body={"name": name, "roles": list(roles)},
            key=key,
        )

    async def issue_token(
        self, organization: str, member: str, *, days: int = 90, key: str | None = None
    ) -> documents.IssuedToken:
        """Issue a token to a member; it is told once."""
        return await self._client.call(
            "POST",
            f"/organizations/{addresses.part(organization)}/members/{addresses.part(member)}/tokens",
            documents.IssuedToken,
            body={"days": days},
            key=key,
        )

    async def revoke_tokens(
        self, organization: str, member: str, *, key: str | None = None
    ) -> documents.RevokedTokens:
        """Revoke every token of a member."""
        return await self._client.call(
            "DELETE",
            f"/organizations/{addresses.part(organization)}/members/{addresses.part(member)}/tokens",
            documents.RevokedTokens,
            key=key,
        )

    async def whoami(self) -> documents.Whoami:
        """Say whose token this is."""
        return await self._client.call("GET", "/whoami", documents.Whoami)


class Agreements:
    """Agreements, their clauses, and what is owed under them."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    def list(self, *, page_size: int = 100) -> AsyncIterator[documents.Agreement]:
        """List the agreements you may see, by name."""
        return self._client.every("/agreements", documents.Agreement, {"limit": page_size})

    async def draft(self, document: Mapping[str, Any], *, key: str | None = None) -> documents.Agreement:
        """Put an agreement on record for its parties to sign."""
        return await self._client.call(
            "POST", "/agreements", documents.Agreement, body=to_jsonable_python(document), key=key
        )

    async def rehearse(
        self, document: Mapping[str, Any], *, days: int = 30, key: str | None = None
    ) -> documents.Rehearsal:
        """Try a draft: each clause in plain words, and last month's uses under it.

        Nothing is put on record.
        """
        return await self._client.call(
            "POST",
            "/rehearsals",
            documents.Rehearsal,
            query={"days": days},
            body=to_jsonable_python(document),
            key=key,
        )

    async def show(self, name: str) -> documents.AgreementWhole:
        """Show an agreement: clauses, parties, signatures."""
        return await self._client.call("GET", f"/agreements/{addresses.part(name)}", documents.AgreementWhole)

    async def sign(
        self, name: str, *, digest: str | None = None, key: str | None = None
    ) -> documents.Agreement:
        """Sign for your organization."""
        return await self._client.call(
            "POST",
            f"/agreements/{addresses.part(name)}/signatures",
            documents.Agreement,
            body={"digest": digest},
            key=key,
        )

    def obligations(
        self, *, within_days: int | None = None, page_size: int = 100
    ) -> AsyncIterator[documents.Obligation]:
        """List what is owed under the agreements you may see, the earliest due date first."""
        return self._client.every(
            "/obligations", documents.Obligation, {"within_days": within_days, "limit": page_size}
        )

    async def meet(
        self,
        name: str,
        number: int,
        *,
        text: str = "",
        link: str = "",
        version: str = "",
        key: str | None = None,
    ) -> documents.Obligation:
        """Put on record that your organization has done what a clause obliges it to, with evidence."""
        return await self._client.call(
            "POST",
            f"/agreements/{addresses.part(name)}/clauses/{addresses.part(number)}/evidence",
            documents.Obligation,
            body={"text": text, "link": link, "version": version},
            key=key,
        )


class Missions:
    """Missions, their scoreboards and the opening of their benchmarks."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    def list(self, *, page_size: int = 100) -> AsyncIterator[documents.Mission]:
        """List the missions you may know of, newest first."""
        return self._client.every("/missions", documents.Mission, {"limit": page_size})

    async def open(self, charter: Mapping[str, Any], *, key: str | None = None) -> documents.Mission:
        """Open a mission from its charter (a researcher of the lead)."""
        return await self._client.call(
            "POST", "/missions", documents.Mission, body=to_jsonable_python(charter), key=key
        )

    async def show(self, name: str) -> documents.MissionWhole:
        """Show a mission: its charter, and for those who take part its progress."""
        return await self._client.call("GET", f"/missions/{addresses.part(name)}", documents.MissionWhole)

    async def board(self, name: str) -> Sequence[documents.Standing]:
        """Show the scoreboard: each organization's best on the feedback half, as the Ladder shows it."""
        return (
            await self._client.call(
                "GET", f"/missions/{addresses.part(name)}/board", documents.Page[documents.Standing]
            )
        ).items

    async def open_benchmark(self, name: str, *, key: str | None = None) -> documents.Opening:
        """Open the final half: one person asks, another of another organization confirms. Once."""
        return await self._client.call(
            "POST", f"/missions/{addresses.part(name)}/opening", documents.Opening, key=key
        )

    async def published(self, name: str) -> bytes:
        """Give an opened benchmark: items, salts, and every item's judgement."""
        answer = await self._client.send("GET", f"/missions/{addresses.part(name)}/benchmark")
        return answer.content


class Descriptions:
    """Descriptions of versions and records, in the forms that others read."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def write(
        self,
        version: str,
        *,
        title_en: str = "",
        title_ko: str = "",
        text_en: str = "",
        text_ko: str = "",
        keywords: Sequence[str] = (),
        licence: str = "",
        variables_en: Mapping[str, str] = {},
        variables_ko: Mapping[str, str] = {},
        files_en: Mapping[str, str] = {},
        files_ko: Mapping[str, str] = {},
        document: str = "",
        key: str | None = None,
    ) -> documents.Description:
        """Write what a version of yours is (a steward), in place of what was written of it.

        Either in words or by a document: with `document`, nothing else is told.
        """
        return await self._client.call(
            "POST",
            "/descriptions",
            documents.Description,
            body={
                "version": version,
                "title_en": title_en,
                "title_ko": title_ko,
                "text_en": text_en,
                "text_ko": text_ko,
                "keywords": list(keywords),
                "licence": licence,
                "variables_en": variables_en,
                "variables_ko": variables_ko,
                "files_en": files_en,
                "files_ko": files_ko,
                "document": document,
            },
            key=key,
        )

    async def datacite_json(self, version: str) -> bytes:
        """Give a version or record as DataCite JSON."""
        answer = await self._client.send("GET", f"/descriptions/{addresses.path(version)}/datacite.json")
        return answer.content

    async def datacite_xml(self, version: str) -> bytes:
        """Give a version or record as DataCite XML."""
        answer = await self._client.send("GET", f"/descriptions/{addresses.path(version)}/datacite.xml")
        return answer.content

    async def dcat(self, version: str) -> str:
        """Give a version or record as DCAT-AP in Turtle."""
        answer = await self._client.send("GET", f"/descriptions/{addresses.path(version)}/dcat.ttl")
        return answer.text

    async def croissant(self, version: str) -> bytes:
        """Give a version or record as Croissant 1.1."""
        answer = await self._client.send("GET", f"/descriptions/{addresses.path(version)}/croissant.json")
        return answer.content

    async def crate(self, version: str) -> bytes:
        """Give the metadata document of an RO-Crate of a version or record."""
        answer = await self._client.send(
            "GET", f"/descriptions/{addresses.path(version)}/ro-crate-metadata.json"
        )
        return answer.content

    async def card(self, version: str) -> str:
        """Give the data card of a version or record, to read."""
        answer = await self._client.send("GET", f"/descriptions/{addresses.path(version)}/card.md")
        return answer.text

    async def show(self, version: str) -> documents.Description:
        """Show all that can be said of a version."""
        return await self._client.call(
            "GET", f"/descriptions/{addresses.path(version)}", documents.Description
        )


class Probes:
    """What is in the files of a version."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def probe(self, version: str, *, key: str | None = None) -> documents.Probe:
        """Look into the files of a version of yours again, as when a reader was installed (a steward)."""
        return await self._client.call("POST", "/probes", documents.Probe, body={"version": version}, key=key)

    def variables(self, version: str, *, page_size: int = 100) -> AsyncIterator[documents.Quantity]:
        """List the variables in the files of a version, with their units and ranges."""
        return self._client.every(
            f"/versions/{addresses.path(version)}/variables", documents.Quantity, {"limit": page_size}
        )

    def reports(self, version: str, *, page_size: int = 100) -> AsyncIterator[documents.FileReport]:
        """List what is in each file that was looked into; for those who may download the version."""
        return self._client.every(
            f"/versions/{addresses.path(version)}/reports", documents.FileReport, {"limit": page_size}
        )


class Queries:
    """Queries over tables of versions."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def ask(self, sql: str, *, key: str | None = None) -> documents.QueryAnswer:
        """Answer one SELECT over tables of accepted versions that you may query; it goes on record."""
        return await self._client.call("POST", "/query", documents.QueryAnswer, body={"sql": sql}, key=key)

    async def csv(self, sql: str, *, key: str | None = None) -> str:
        """Answer one SELECT as CSV."""
        answer = await self._client.send("POST", "/query.csv", body={"sql": sql})
        return answer.text

    async def arrow(self, sql: str, *, key: str | None = None) -> bytes:
        """Answer one SELECT as an Arrow stream."""
        answer = await self._client.send("POST", "/query.arrow", body={"sql": sql})
        return answer.content

    async def keep(
        self, sql: str, *, asset: str, beside: Mapping[str, str] = {}, key: str | None = None
    ) -> documents.Version:
        """Keep the answer of one SELECT as a version of your organization, made from those it read."""
        return await self._client.call(
            "POST",
            "/query/version",
            documents.Version,
            body={"sql": sql, "asset": asset, "beside": beside},
            key=key,
        )

    def list(self, *, page_size: int = 100) -> AsyncIterator[documents.Query]:
        """List the queries of your organization, newest first; an overseer sees everybody's."""
        return self._client.every("/queries", documents.Query, {"limit": page_size})


class Withdrawals:
    """Versions that are taken back: what that affects, the withdrawal, the destruction of the bytes."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def affected(self, version: str) -> documents.Affected:
        """Say what is affected if a version is withdrawn: what was made from it, and whose."""
        return await self._client.call(
            "GET", f"/versions/{addresses.path(version)}/affected", documents.Affected
        )

    async def withdraw(self, version: str, *, reason: str, key: str | None = None) -> documents.Withdrawal:
        """Take a version of yours back (a steward): nothing new may use it or what was made from it."""
        return await self._client.call(
            "POST", "/withdrawals", documents.Withdrawal, body={"version": version, "reason": reason}, key=key
        )

    async def destroy(self, version: str, *, key: str | None = None) -> documents.Withdrawal:
        """Destroy the key and bytes of a withdrawn version of yours (a steward), for good."""
        return await self._client.call(
            "POST", "/destructions", documents.Withdrawal, body={"version": version}, key=key
        )

    def list(self, *, page_size: int = 100) -> AsyncIterator[documents.Withdrawal]:
        """List your organization's withdrawals and those it was told of, newest first; overseers see all."""
        return self._client.every("/withdrawals", documents.Withdrawal, {"limit": page_size})


class Identifiers:
    """DOIs of versions."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def register(self, version: str, *, publish: bool = False, key: str | None = None) -> documents.Doi:
        """Give a version of yours a DOI, or tell the registrar anew what it is (a steward)."""
        return await self._client.call(
            "POST", "/dois", documents.Doi, body={"version": version, "publish": publish}, key=key
        )

    def list(self, *, page_size: int = 100) -> AsyncIterator[documents.Doi]:
        """List the DOIs of your organization's versions; an overseer sees everybody's."""
        return self._client.every("/dois", documents.Doi, {"limit": page_size})


class Versions:
    """Versions of assets: deposit, check, pool, read."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    def list(
        self,
        *,
        mission: str | None = None,
        state: Literal["received", "accepted", "quarantined", "withdrawn", "destroyed"] | None = None,
        kind: Literal["dataset", "model", "benchmark", "report"] | None = None,
        page_size: int = 100,
    ) -> AsyncIterator[documents.Version]:
        """List the versions you may know of, newest first."""
        return self._client.every(
            "/versions",
            documents.Version,
            {"mission": mission, "state": state, "kind": kind, "limit": page_size},
        )

    async def deposit(
        self,
        asset: str,
        *,
        agreement: str,
        files: Sequence[documents.UploadedFile],
        format: str | None = None,
        key: str | None = None,
    ) -> documents.Version:
        """Deposit finished uploads as the next version of one of your organization's data sets.

        The same content again gives the version that is there.
        """
        return await self._client.call(
            "POST",
            "/versions",
            documents.Version,
            body={
                "asset": asset,
                "agreement": agreement,
                "files": [one.model_dump() for one in files],
                "format": format,
            },
            key=key,
        )

    async def pool(
        self, mission: str, *, asset: str, versions: Sequence[str] = (), key: str | None = None
    ) -> documents.Version:
        """Pool accepted versions; without names, the newest accepted of every data set of the mission."""
        return await self._client.call(
            "POST",
            "/pools",
            documents.Version,
            body={"mission": mission, "asset": asset, "versions": list(versions)},
            key=key,
        )

    def files(self, version: str, *, page_size: int = 1000) -> AsyncIterator[documents.File]:
        """List the files of a version by path."""
        return self._client.every(
            f"/versions/{addresses.path(version)}/files", documents.File, {"limit": page_size}
        )

    async def check(self, version: str, *, key: str | None = None) -> Sequence[documents.Checked]:
        """Check a received version (the owner's steward), and with it those of yours that waited for it."""
        return (
            await self._client.call(
                "POST", "/checks", documents.Page[documents.Checked], body={"version": version}, key=key
            )
        ).items

    async def uses(self, version: str) -> Sequence[documents.Use]:
        """List who used a version of yours, for what, under which clause, and what came of it."""
        return (
            await self._client.call(
                "GET", f"/versions/{addresses.path(version)}/uses", documents.Page[documents.Use]
            )
        ).items

    async def receipt(self, version: str) -> str:
        """Give the signed list of each use of a version of yours, and what came of it."""
        answer = await self._client.send("GET", f"/versions/{addresses.path(version)}/receipt")
        return answer.text

    async def verify(self, version: str) -> documents.Intact:
        """Hash every stored file of a version anew."""
        return await self._client.call("GET", f"/versions/{addresses.path(version)}/intact", documents.Intact)

    def changes(
        self, version: str, *, since: str | None = None, page_size: int = 1000
    ) -> AsyncIterator[documents.Change]:
        """List files that differ from another version (by default the one before), by path."""
        return self._client.every(
            f"/versions/{addresses.path(version)}/changes",
            documents.Change,
            {"since": since, "limit": page_size},
        )

    async def lineage(self, version: str) -> documents.Lineage:
        """Give everything a version was made from, and everything made from it."""
        return await self._client.call(
            "GET", f"/versions/{addresses.path(version)}/lineage", documents.Lineage
        )

    async def show(self, version: str) -> documents.VersionWhole:
        """Show a version: facts, findings, terms, where it came from and went."""
        return await self._client.call("GET", f"/versions/{addresses.path(version)}", documents.VersionWhole)


class Catalogue:
    """The catalogue: sources, harvests, records, and finding data in it."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    def list(self, *, page_size: int = 100) -> AsyncIterator[documents.Source]:
        """List the sources whose records you may know of, by name."""
        return self._client.every("/sources", documents.Source, {"limit": page_size})

    async def add(
        self,
        name: str,
        *,
        kind: str,
        url: str,
        options: Mapping[str, str] = {},
        mission: str | None = None,
        key: str | None = None,
    ) -> documents.Source:
        """Add a source of your organization (its steward); `madang harvest run` then walks through it."""
        return await self._client.call(
            "POST",
            "/sources",
            documents.Source,
            body={"name": name, "kind": kind, "url": url, "options": options, "mission": mission},
            key=key,
        )

    async def change(
        self, source: str, *, url: str, options: Mapping[str, str] = {}, key: str | None = None
    ) -> documents.Source:
        """Say where a source is by now (its owner's steward); the next harvest walks through all of it."""
        return await self._client.call(
            "POST",
            f"/sources/{addresses.part(source)}/address",
            documents.Source,
            body={"url": url, "options": options},
            key=key,
        )

    async def end(self, source: str, *, key: str | None = None) -> documents.Source:
        """End a source (its owner's steward): its records are found no more, until `change` takes it up."""
        return await self._client.call(
            "POST", f"/sources/{addresses.part(source)}/end", documents.Source, key=key
        )

    def harvests(self, source: str, *, page_size: int = 100) -> AsyncIterator[documents.Harvest]:
        """List the harvests of a source, newest first."""
        return self._client.every(
            f"/sources/{addresses.part(source)}/harvests", documents.Harvest, {"limit": page_size}
        )

    def records(self, source: str, *, page_size: int = 100) -> AsyncIterator[documents.Record]:
        """List the records of a source that are there."""
        return self._client.every(
            f"/sources/{addresses.part(source)}/records", documents.Record, {"limit": page_size}
        )

    async def show_source(self, source: str) -> documents.Source:
        """Show a source, how many records of it are there, and its last harvest."""
        return await self._client.call("GET", f"/sources/{addresses.part(source)}", documents.Source)

    def problems(self, harvest: str, *, page_size: int = 100) -> AsyncIterator[documents.HarvestProblem]:
        """List what a harvest could not read, and why."""
        return self._client.every(
            f"/harvests/{addresses.part(harvest)}/problems", documents.HarvestProblem, {"limit": page_size}
        )

    async def original(self, record: str) -> bytes:
        """Give a record as its source gave it, byte for byte."""
        answer = await self._client.send("GET", f"/records/{addresses.part(record)}/original")
        return answer.content

    async def show_record(self, record: str) -> documents.Record:
        """Show a record: what its source says of some data."""
        return await self._client.call("GET", f"/records/{addresses.part(record)}", documents.Record)

    async def find(
        self,
        *,
        q: str = "",
        facets: str = "{}",
        from_year: int | None = None,
        to_year: int | None = None,
        may: Literal["pool", "train", "evaluate", "query", "download"] | None = None,
        limit: int = 20,
        offset: int = 0,
    ) -> documents.Answer:
        """Find data in the catalogue and among the versions that you may know of, in Korean or English."""
        return await self._client.call(
            "GET",
            "/data",
            documents.Answer,
            query={
                "q": q,
                "facets": facets,
                "from_year": from_year,
                "to_year": to_year,
                "may": may,
                "limit": limit,
                "offset": offset,
            },
        )


class Plans:
    """Capacity plans."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    def list(self, *, page_size: int = 100) -> AsyncIterator[documents.Plan]:
        """List capacity plans, the latest adopted first."""
        return self._client.every("/plans", documents.Plan, {"limit": page_size})

    async def adopt(self, plan: Mapping[str, Any], *, key: str | None = None) -> documents.Plan:
        """Adopt a capacity plan: the next number of its name (a ministry's officer)."""
        return await self._client.call(
            "POST", "/plans", documents.Plan, body=to_jsonable_python(plan), key=key
        )

    async def show(self, plan: str) -> documents.PlanWhole:
        """Show a plan, `name` or `name@number`, with what it gives to each share from month to month."""
        return await self._client.call("GET", f"/plans/{addresses.part(plan)}", documents.PlanWhole)

    async def diff(self, plan: str, *, to: str) -> documents.PlanDifference:
        """Show what changes from one plan to another: lines, and GPU-hours by month and share."""
        return await self._client.call(
            "GET", f"/plans/{addresses.part(plan)}/difference", documents.PlanDifference, query={"to": to}
        )

    async def enact(self, plan: str, *, site: str, key: str | None = None) -> Sequence[documents.Capacity]:
        """Declare and split what a plan says of a site, month by month (the site's operator)."""
        return (
            await self._client.call(
                "POST",
                f"/plans/{addresses.part(plan)}/capacities",
                documents.Page[documents.Capacity],
                body={"site": site},
                key=key,
            )
        ).items


class Trials:
    """Policies that were tried on a plan, and kept."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    def list(self, *, page_size: int = 100) -> AsyncIterator[documents.Trial]:
        """List trials of policies that were kept, newest first."""
        return self._client.every("/trials", documents.Trial, {"limit": page_size})

    async def show(self, trial: str) -> documents.TrialResults:
        """Give what a trial of policies found."""
        return await self._client.call("GET", f"/trials/{addresses.part(trial)}", documents.TrialResults)


class Compute:
    """Capacity, shares, awards and the books."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    def list(self, *, page_size: int = 100) -> AsyncIterator[documents.Capacity]:
        """List capacities and what is left of their shares."""
        return self._client.every("/capacities", documents.Capacity, {"limit": page_size})

    async def declare(
        self, site: str, *, kind: str, count: int, starts: datetime, ends: datetime, key: str | None = None
    ) -> documents.Capacity:
        """Declare capacity (the site's operator)."""
        return await self._client.call(
            "POST",
            "/capacities",
            documents.Capacity,
            body={
                "site": site,
                "kind": kind,
                "count": count,
                "starts": starts.isoformat(),
                "ends": ends.isoformat(),
            },
            key=key,
        )

    async def split(
        self, capacity: str, *, shares: Mapping[str, int] | None = None, key: str | None = None
    ) -> documents.Capacity:
        """Split a capacity into shares; 50/30/20 unless told otherwise (a ministry's officer)."""
        return await self._client.call(
            "POST",
            f"/capacities/{addresses.part(capacity)}/split",
            documents.Capacity,
            body={"shares": shares},
            key=key,
        )

    async def award(
        self,
        mission: str,
        *,
        organization: str,
        capacity: str,
        share: str,
        resource_hours: float,
        key: str | None = None,
    ) -> documents.Award:
        """Award resource-hours to an organization of a mission (a ministry's officer)."""
        return await self._client.call(
            "POST",
            "/awards",
            documents.Award,
            body={
                "mission": mission,
                "organization": organization,
                "capacity": capacity,
                "share": share,
                "resource_hours": resource_hours,
            },
            key=key,
        )

    def awards(self, mission: str, *, page_size: int = 100) -> AsyncIterator[documents.Award]:
        """List a mission's awards with their balances."""
        return self._client.every("/awards", documents.Award, {"mission": mission, "limit": page_size})

    async def show_award(self, award_id: str) -> documents.Award:
        """Show an award with its balance."""
        return await self._client.call("GET", f"/awards/{addresses.part(award_id)}", documents.Award)

    async def statement(self, *, by: str = "organization,mission,share,site,month") -> documents.Statement:
        """Show the books by organization, mission, share, site, month: awarded, leased, returned, used, lost.

        A ministry's or an auditor's token sees everybody's lines, any other its organization's.
        """
        return await self._client.call("GET", "/statement", documents.Statement, query={"by": by})

    async def alerts(self) -> Sequence[documents.Alert]:
        """List awards that run dry, stay unspent or lie idle, and shares over their line."""
        return (await self._client.call("GET", "/alerts", documents.Page[documents.Alert])).items

    async def books(self) -> documents.Books:
        """Show every account's balance (a ministry's or an auditor's token)."""
        return await self._client.call("GET", "/books", documents.Books)


class Calls:
    """Calls for compute, applications, reviews, decisions and their explanations."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    def list(self, *, page_size: int = 100) -> AsyncIterator[documents.Call]:
        """List calls for compute, the latest first."""
        return self._client.every("/calls", documents.Call, {"limit": page_size})

    async def open(self, call: Mapping[str, Any], *, key: str | None = None) -> documents.Call:
        """Open a call on a share (a ministry's officer)."""
        return await self._client.call(
            "POST", "/calls", documents.Call, body=to_jsonable_python(call), key=key
        )

    async def show(self, call: str) -> documents.CallWhole:
        """Show a call and what it has at each site, of each kind, in each month."""
        return await self._client.call("GET", f"/calls/{addresses.part(call)}", documents.CallWhole)

    async def applications(self, call: str) -> Sequence[documents.Application]:
        """List a call's applications that you may read: your own, those you review, as overseer all."""
        return (
            await self._client.call(
                "GET", f"/calls/{addresses.part(call)}/applications", documents.Page[documents.Application]
            )
        ).items

    async def apply(self, application: Mapping[str, Any], *, key: str | None = None) -> documents.Application:
        """Apply for compute (a researcher of an organization that takes part in the mission)."""
        return await self._client.call(
            "POST", "/applications", documents.Application, body=to_jsonable_python(application), key=key
        )

    async def show_application(self, application_id: str) -> documents.Application:
        """Show an application."""
        return await self._client.call(
            "GET", f"/applications/{addresses.part(application_id)}", documents.Application
        )

    async def withdraw(self, application_id: str, *, key: str | None = None) -> documents.Application:
        """Take an application back while its call is open."""
        return await self._client.call(
            "DELETE", f"/applications/{addresses.part(application_id)}", documents.Application, key=key
        )

    async def review(
        self,
        application_id: str,
        *,
        score: int | None = None,
        conflict: bool = False,
        comment: str = "",
        key: str | None = None,
    ) -> documents.Review:
        """Score an application, or declare a conflict of interest, which stands (a named reviewer)."""
        return await self._client.call(
            "POST",
            f"/applications/{addresses.part(application_id)}/reviews",
            documents.Review,
            body={"score": score, "conflict": conflict, "comment": comment},
            key=key,
        )

    async def reviews(self, application_id: str) -> Sequence[documents.Review]:
        """List an application's reviews (a ministry's or an auditor's token)."""
        return (
            await self._client.call(
                "GET",
                f"/applications/{addresses.part(application_id)}/reviews",
                documents.Page[documents.Review],
            )
        ).items

    async def decide(
        self, call: str, *, unreviewed: bool = False, key: str | None = None
    ) -> documents.CallDecision:
        """Decide a closed call and make its awards (a ministry's officer)."""
        return await self._client.call(
            "POST",
            f"/calls/{addresses.part(call)}/decision",
            documents.CallDecision,
            body={"unreviewed": unreviewed},
            key=key,
        )

    async def decision(self, call: str) -> documents.CallDecision:
        """Show a decision: what was granted and your own applications; overseers see the whole ranking."""
        return await self._client.call(
            "GET", f"/calls/{addresses.part(call)}/decision", documents.CallDecision
        )

    async def inputs(self, call: str) -> bytes:
        """Give what a decision follows from, in the bytes of its digest (a ministry's or auditor's token)."""
        answer = await self._client.send("GET", f"/calls/{addresses.part(call)}/decision/inputs")
        return answer.content

    async def explain(self, application_id: str) -> documents.Explanation:
        """Explain why an application got what it got, and the smallest change that would have won."""
        return await self._client.call(
            "GET", f"/applications/{addresses.part(application_id)}/explanation", documents.Explanation
        )


class Metrics:
    """The supply and its use in Prometheus' text format."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def show(self) -> str:
        """Give shares, awards and runs as metrics for Prometheus (a ministry's or an auditor's token).

        In resource-seconds. Scrape it with the token as bearer credentials.
        """
        answer = await self._client.send("GET", "/metrics")
        return answer.text


class Runs:
    """Runs and recipes."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    def list(self, *, mission: str | None = None, page_size: int = 100) -> AsyncIterator[documents.Run]:
        """List the runs you may know of, newest first."""
        return self._client.every("/runs", documents.Run, {"mission": mission, "limit": page_size})

    async def submit(
        self,
        mission: str,
        *,
        recipe: str,
        inputs: Sequence[str],
        award: str,
        output: str,
        parameters: Mapping[str, Any] = {},
        cores: int | None = None,
        seconds: int | None = None,
        borrow: bool = False,
        key: str | None = None,
    ) -> documents.Run:
        """Queue a run; the site's supervisor executes it."""
        return await self._client.call(
            "POST",
            "/runs",
            documents.Run,
            body={
                "mission": mission,
                "recipe": recipe,
                "inputs": list(inputs),
                "award": award,
                "output": output,
                "parameters": parameters,
                "cores": cores,
                "seconds": seconds,
                "borrow": borrow,
            },
            key=key,
        )

    async def show(self, run: str) -> documents.Run:
        """Show a run."""
        return await self._client.call("GET", f"/runs/{addresses.part(run)}", documents.Run)

    async def attempts(self, run: str) -> Sequence[documents.Attempt]:
        """List how often a run was executed, and what was booked for each time."""
        return (
            await self._client.call(
                "GET", f"/runs/{addresses.part(run)}/attempts", documents.Page[documents.Attempt]
            )
        ).items

    async def log(self, run: str, *, offset: int = 0) -> bytes:
        """Give what a run has printed so far (its last 4 MiB)."""
        answer = await self._client.send("GET", f"/runs/{addresses.part(run)}/log", query={"offset": offset})
        return answer.content

    async def metrics(self, run: str) -> documents.Metrics:
        """Give the numbers that a run has reported (the latest 2,000 rows)."""
        return await self._client.call("GET", f"/runs/{addresses.part(run)}/metrics", documents.Metrics)

    async def cancel(self, run: str, *, key: str | None = None) -> documents.Run:
        """Stop a run; what it has used stays booked, the rest of its lease returns."""
        return await self._client.call("POST", f"/runs/{addresses.part(run)}/cancel", documents.Run, key=key)

    async def recipes(self) -> Sequence[documents.Recipe]:
        """List the installed recipes and their parameters."""
        return (await self._client.call("GET", "/recipes", documents.Page[documents.Recipe])).items


class Scores:
    """Submissions and scores."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    def list(self, mission: str, *, page_size: int = 100) -> AsyncIterator[documents.Submission]:
        """List a mission's submissions and scores, oldest first."""
        return self._client.every(
            "/submissions", documents.Submission, {"mission": mission, "limit": page_size}
        )

    async def submit(self, mission: str, *, version: str, key: str | None = None) -> documents.Submission:
        """Submit a model version of your organization to a mission's evaluator."""
        return await self._client.call(
            "POST",
            "/submissions",
            documents.Submission,
            body={"mission": mission, "version": version},
            key=key,
        )

    async def show(self, submission: str) -> documents.Submission:
        """Show a submission and its score, with Wilson's interval of each task."""
        return await self._client.call(
            "GET", f"/submissions/{addresses.part(submission)}", documents.Submission
        )

    async def prove(self, submission: str) -> documents.Proof:
        """Give the proof of the whole line that ends in a score, and the checkpoint to check against."""
        return await self._client.call(
            "GET", f"/submissions/{addresses.part(submission)}/proof", documents.Proof
        )


class Ledger:
    """The ledger: entries with their proofs, the checkpoint, verification."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    def list(
        self, *, kind: str | None = None, subject: str | None = None, page_size: int = 100
    ) -> AsyncIterator[documents.Entry]:
        """List entries, newest first (a ministry's or an auditor's token)."""
        return self._client.every(
            "/ledger/entries", documents.Entry, {"kind": kind, "subject": subject, "limit": page_size}
        )

    async def show(self, position: int) -> documents.EntryWhole:
        """Show an entry with its proof, where it speaks of what you may know of."""
        return await self._client.call(
            "GET", f"/ledger/entries/{addresses.part(position)}", documents.EntryWhole
        )

    async def checkpoint(self) -> str:
        """Give the signed tree head: public, so that anyone may keep it."""
        answer = await self._client.send("GET", "/ledger/checkpoint")
        return answer.text

    async def verify(self) -> documents.Verdict:
        """Compare the ledger with itself and every row (a ministry's or an auditor's token)."""
        return await self._client.call("GET", "/ledger/verification", documents.Verdict)


class Programme:
    """What needs all the nouns: why, the calendar, search."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def why(
        self, what: str, *, may: Literal["pool", "train", "evaluate", "query", "download"] | None = None
    ) -> documents.Why:
        """Say why something is as it is: quarantined, denied, not awarded, not scored, not reached."""
        return await self._client.call("GET", "/why", documents.Why, query={"what": what, "may": may})

    async def calendar(self) -> bytes:
        """Give every deadline you may know of as iCalendar."""
        answer = await self._client.send("GET", "/calendar")
        return answer.content

    async def search(self, q: str) -> Sequence[documents.Hit]:
        """Find what you may know of by a part of its name or title, the likeliest first."""
        return (
            await self._client.call("GET", "/search", documents.Page[documents.Hit], query={"q": q})
        ).items
