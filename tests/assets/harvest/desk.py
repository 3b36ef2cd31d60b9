"""A steward with sources, and how a harvest of theirs went."""

from __future__ import annotations

from madang.assets.catalogue import service as catalogue
from madang.assets.catalogue.model import Harvest
from madang.assets.harvest import port, running
from madang.kernel.authorizer import Principal
from madang.kernel.home import Home
from tests.conftest import Office


class Desk:
    """A steward with sources."""

    def __init__(self, home: Home, steward: Principal, office: Office) -> None:
        self.home, self.steward, self.office = home, steward, office

    def add(self, kind: str, url: str, name: str = "source", **options: str) -> None:
        port.check(name, kind, url, options, running.folders(self.home))
        with self.home.database.write() as session:
            catalogue.add(session, self.steward, name, kind, url, options)

    def run(self, name: str = "source", **options: bool) -> Harvest:
        return running.run(self.home, self.steward, name, **options)

    def titles(self, name: str = "source") -> list[str]:
        with self.home.database.read() as session:
            found = catalogue.records_of(session, self.steward, name)
        return sorted(record.description.title.in_language("en") for record in found)

    def last(self, name: str = "source") -> Harvest:
        with self.home.database.read() as session:
            return catalogue.harvests_of(session, name)[0]

    def problems(self, harvest: Harvest) -> list[str]:
        with self.home.database.read() as session:
            return [one.what["en"] for _, one in catalogue.problems_of(session, harvest.harvest_id)]


def counts(harvest: Harvest) -> tuple[int, int, int, int, int]:
    return (harvest.seen, harvest.made, harvest.changed, harvest.gone, harvest.problems)
