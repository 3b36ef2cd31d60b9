"""Lines that look whole and must not hold: each altered fact is refused, even under a valid signature."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from madang.kernel.errors import ProofInvalid
from madang.kernel.ledger.proof import Link
from madang.programme import line
from tests.conftest import Played


@pytest.fixture(scope="module")
def links(played: Played) -> list[Link]:
    with played.home.database.read() as session:
        return line.collect(session, played.stage.notes["submission:pooled"])


def changed(links: list[Link], role: str, **facts: Any) -> list[Link]:
    """Every link of a role with other facts (as a keeper of the log could have written them)."""
    return [
        Link(link.role, replace(link.entry, facts={**link.entry.facts, **facts}))
        if link.role == role
        else link
        for link in links
    ]


def by(links: list[Link], role: str, organization: str) -> list[Link]:
    """Every link of a role as if another organization had acted."""
    acted = {"member": "mem-x", "organization": organization}
    return [Link(k.role, replace(k.entry, by=acted)) if k.role == role else k for k in links]


def test_the_line_holds(links: list[Link]) -> None:
    held = line.follow(links)
    assert len(held.versions) == 10


ALTERATIONS: list[Callable[[list[Link]], list[Link]]] = [
    lambda links: changed(links, "agreement", ends_at="2000-01-01T00:00:00.000Z"),
    lambda links: changed(links, "agreement", mission="other"),
    lambda links: by(links, "submission", "company-a"),
    lambda links: changed(links, "mission", evaluator="institute-a"),
    lambda links: changed(links, "mission", target=0.1),
    lambda links: by(links, "score", "company-a"),
    lambda links: by(links, "benchmark", "company-a"),
    lambda links: changed(links, "pool", mission="other"),
    lambda links: changed(links, "pool", grounds=[]),
    lambda links: changed(links, "pool", parents=[]),
    lambda links: changed(links, "run", grounds=["agreement/ghost/1"]),
    lambda links: changed(links, "version", mission="other"),
    lambda links: by(links, "version", "company-z"),
    lambda links: by(links, "signature", "company-z"),
    lambda links: changed(links, "signature", digest="sha256:0"),
    lambda links: changed(links, "check", state="quarantined"),
    lambda links: changed(links, "award", organization="company-a"),
    lambda links: changed(links, "award", resource_seconds=1),
    lambda links: changed(links, "model", state="failed"),
    lambda links: changed(links, "model", used_resource_seconds=10**9),
    lambda links: by(links, "confirmed", "msit"),
    lambda links: changed(links, "asked", finalists=[]),
    lambda links: [link for link in links if link.role != "confirmed"],
    lambda links: changed(links, "mission", guardrails={}),
    lambda links: [link for link in links if link.role != "agreement"],
    lambda links: [*links, next(link for link in links if link.role == "check")],
]
"""Facts changed as a keeper of the log could have written them."""

CONTRADICTIONS: list[dict[str, Any]] = [
    {"groups": {}},
    {"value": 1.5},
    {"lower": 0.99, "upper": 0.5},
    {"outcome": "certain"},
    {"half": "feedback"},
    {"guards": {"overdriven": {"value": 0.0, "lower": 0.0, "upper": 0.9, "at_most": 0.25, "holds": True}}},
]
"""Statements of a score whose figures do not fit each other."""


@pytest.mark.parametrize("alter", ALTERATIONS)
def test_a_line_that_says_otherwise_does_not(
    links: list[Link], alter: Callable[[list[Link]], list[Link]]
) -> None:
    with pytest.raises(ProofInvalid):
        line.follow(alter(links))


@pytest.mark.parametrize("change", CONTRADICTIONS)
def test_figures_that_contradict_each_other(links: list[Link], change: dict[str, Any]) -> None:
    score = next(link for link in links if link.role == "score")
    statement = {**score.entry.facts["statement"], **change}
    with pytest.raises(ProofInvalid):
        line.follow(changed(links, "score", statement=statement))
