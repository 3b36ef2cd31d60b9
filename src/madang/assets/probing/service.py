"""Probing a version: its variables go on record, the reports beside its bytes.

Names, units and ranges of variables are told to whoever may know of the version, as its facts are. A report
shows values (a preview, frequent texts), so it is for those who may download the version.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import Any

import sqlalchemy as sa

from madang.assets import lineage, reads, service
from madang.assets.content.manifest import File, Manifest
from madang.assets.content.reading import Content, attach, attached, content_of
from madang.assets.metadata import units
from madang.assets.model import versions
from madang.assets.probing import running, sniffing
from madang.assets.probing.errors import NotADeposit
from madang.assets.probing.model import Probed, Report
from madang.assets.probing.tables import Probe, Quantity, probes, variables
from madang.kernel import clock
from madang.kernel.authorizer import Principal, Request, authorize
from madang.kernel.canonical import canonical_bytes
from madang.kernel.database import Session
from madang.kernel.home import Home
from madang.kernel.paging import Slice, cut

MOST_VARIABLES = 500
_MOST_PIECES = 5000
"""Files of a Zarr store beyond which it is not laid out to be looked at."""


def probe(home: Home, actor: Principal, name: str) -> Probe:
    """Probe a version of the actor's organization (a steward); what is found holds from now on.

    Of more files than the setting ``probe_files`` so many are opened, spread evenly.
    """
    with home.database.read() as session:
        version = lineage.see(session, actor, name)
        request = Request(actor, "asset.deposit", "Asset", version.asset, {"owner": version.owner})
        authorize(session, request)
        if version.kind != "dataset" or lineage.parents_of(session, version.version_id):
            raise NotADeposit(version=version.name)
    reports = _look(home, content_of(home, version))
    told = canonical_bytes([report.to_json() for report in reports])
    row = {
        "report": attach(home, version.version_id, told),
        "files": version.files,
        "opened": len(reports),
        "box": _around([report.box for report in reports if report.box]),
        "period": _span([report.period for report in reports if report.period]),
        "probed_at": clock.to_text(clock.now()),
        "parts": sum(report.cut for report in reports),
    }
    quantities = _merged(reports)
    with home.database.write() as session:
        authorize(session, request)
        before = probed(session, version.version_id)
        key = {"version_id": version.version_id, "probe": before.probe + 1 if before else 1}
        session.insert(probes, key | row)
        session.insert(variables, *(key | one for one in quantities))
        session.record(
            "version.probed",
            version.version_id,
            actor.as_fact(),
            opened=len(reports),
            report=row["report"],
            variables=len(quantities),
        )
    return Probe(**key, **row)  # type: ignore[arg-type]


def _look(home: Home, content: Content) -> list[Report]:
    """Lay the chosen files out in a folder of their own, and probe it."""
    chosen = _chosen(content.manifest, home.values.probe_files)
    if not chosen:
        return []
    bounds = running.Bounds(home.values.probe_seconds, home.values.probe_memory_bytes)
    with home.workplace("probe") as folder:
        content.place(chosen, folder)
        return list(running.probe(folder, list(running.items(folder)), home.isolation, bounds))


def _chosen(manifest: Manifest, most: int) -> list[File]:
    """Files spread evenly over a version's; of a Zarr store all or none, and it counts as one."""
    marks = [PurePosixPath(file.path) for file in manifest.files]
    stores = {str(path.parent) for path in marks if path.name in sniffing.ZARR_MARKS}
    roots = [one for one in stores if not any(str(above) in stores for above in PurePosixPath(one).parents)]
    groups: dict[str, list[File]] = {}
    for file in manifest.files:
        above = [str(one) for one in PurePosixPath(file.path).parents]
        groups.setdefault(next((root for root in roots if root in above), file.path), []).append(file)
    small = [group for group in groups.values() if len(group) <= _MOST_PIECES]
    step = max(1.0, len(small) / most) if most else len(small) + 1.0
    places = sorted({int(place * step) for place in range(min(most, len(small)))})
    return [file for place in places for file in small[place]]


def _merged(reports: Sequence[Report]) -> list[dict[str, Any]]:
    """A row of each variable, whatever number of files it is in: those of one name, unit and kind are one."""
    found: dict[tuple[str, str, str], list[Probed]] = {}
    first_in: dict[tuple[str, str, str], str] = {}
    for report in reports:
        for one in report.variables:
            key = (one.variable.name, one.variable.unit, one.variable.kind)
            found.setdefault(key, []).append(one)
            first_in.setdefault(key, report.path)
    rows = []
    for number, ((name, unit, kind), alike) in enumerate(list(found.items())[:MOST_VARIABLES], 1):
        first = alike[0]
        base = units.base(unit) if unit else None
        converted = [base.of(end) if base else end for one in alike for end in _ends(one)]
        ends = [end for end in converted if math.isfinite(end)]
        rows.append(
            {
                "number": number,
                "name": name,
                "title": {"ko": first.variable.title.ko, "en": first.variable.title.en},
                "kind": kind,
                "unit": unit,
                "base_unit": first.base_unit,
                "standard_name": first.variable.standard_name,
                "minimum": min(ends, default=None),
                "maximum": max(ends, default=None),
                "files": len(alike),
                "file": first_in[name, unit, kind],
                "head": first.variable.head or None,
            }
        )
    return rows


def _ends(one: Probed) -> list[float]:
    return [end for end in (one.variable.minimum, one.variable.maximum) if end is not None]


def _around(boxes: Sequence[tuple[float, float, float, float]]) -> list[float] | None:
    """The box around boxes; where one of them goes over the 180th meridian (west is greater than east then),
    that around those of the east beside it."""
    if not boxes:
        return None
    over = any(west > east for west, _, east, _ in boxes)
    turned = [_turned(box) if over else box for box in boxes]
    wests, souths, easts, norths = zip(*turned, strict=True)
    west, south, east, north = min(wests), min(souths), max(easts), max(norths)
    if east - west >= 360:
        west, east = -180.0, 180.0
    return [west, south, east - 360 if east > 180 else east, north]


def _turned(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    """A box in longitudes that go on beyond 180."""
    west, south, east, north = box
    if west > east:
        return west, south, east + 360, north
    return (west + 360, south, east + 360, north) if east < 0 else box


def _span(periods: Iterable[tuple[str, str]]) -> list[str] | None:
    """The time from the first to the last of periods."""
    told = list(periods)
    return [min(one for one, _ in told), max(one for _, one in told)] if told else None


def probed(session: Session, version_id: str) -> Probe | None:
    """What is on record of a version (the caller has seen it); nothing once it was destroyed."""
    query = sa.select(probes).where(probes.c.version_id == version_id, _stands(probes.c.version_id))
    row = session.row(query.order_by(probes.c.probe.desc()).limit(1))
    return Probe(**row) if row else None


def _stands(version_id: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    return sa.exists().where(versions.c.version_id == version_id, versions.c.state != "destroyed")


def quantities_of(session: Session, version_id: str, part: Slice | None = None) -> list[Quantity]:
    """The variables of a version by number (the caller has seen it); none once it was destroyed."""
    last = sa.select(sa.func.max(probes.c.probe)).where(probes.c.version_id == version_id).scalar_subquery()
    query = sa.select(variables).where(variables.c.version_id == version_id, variables.c.probe == last)
    query = query.where(_stands(variables.c.version_id))
    return [Quantity(**row) for row in session.rows(cut(query, (variables.c.number,), part))]


def reports(home: Home, actor: Principal, name: str) -> list[Report]:
    """The reports on a version's files, for an actor who may download it; the look is noted."""
    version, owners, grounds = service.authorize_download(home, actor, name)
    with home.database.read() as session:
        found = probed(session, version.version_id)
    reads.note(home, actor, "look", version, owners, grounds)
    return kept(home, found) if found else []


def kept(home: Home, found: Probe) -> list[Report]:
    """The reports of a probe (the caller may see values)."""
    with home.database.read() as session:
        told = attached(home, session, found.version_id, found.report)
    return [Report.from_json(one) for one in json.loads(told)]
