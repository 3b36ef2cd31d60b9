"""Verifying a whole home: the ledger against the tables of every domain."""

from __future__ import annotations

from madang.agreements import model as _agreements
from madang.allocations import model as _allocations
from madang.allocations.calls import model as _calls
from madang.allocations.plans import model as _plans
from madang.assets import model as _assets
from madang.assets.catalogue import model as _catalogue
from madang.assets.content import model as _content
from madang.assets.describing import model as _descriptions
from madang.assets.identifiers import model as _identifiers
from madang.assets.probing import tables as _probes
from madang.assets.query import model as _queries
from madang.assets.withdrawing import model as _withdrawals
from madang.kernel import requests as _requests
from madang.kernel.home import Home
from madang.kernel.ledger.verify import Progress, Verdict, verify
from madang.missions import model as _missions
from madang.organizations import model as _organizations
from madang.runs import model as _runs
from madang.scores import model as _scores

DOMAINS = (
    _requests, _organizations, _agreements, _missions, _assets, _content, _catalogue, _descriptions, _probes,
    _queries, _withdrawals, _identifiers, _allocations, _plans, _calls, _runs, _scores,
)  # fmt: skip
"""Importing a domain's model puts its tables into the metadata that verification walks."""


def verify_home(home: Home, progress: Progress | None = None) -> Verdict:
    """Compare the ledger with itself, the checkpoints kept in the home, and every row of every table."""
    with home.database.read() as session:
        return verify(session.connection, home.database.keys, home.kept_checkpoints(), progress)
