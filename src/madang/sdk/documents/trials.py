"""Policies that were tried on a plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from madang.sdk.documents.form import Document


class Trial(Document):
    """A kept trial. plan: what it was tried on. digest: of its results; entry: its place in the ledger."""

    trial_id: str
    organization: str
    plan: str
    policies: Sequence[str]
    digest: str
    kept_at: str
    entry: int


class TrialResults(Document):
    """What a trial found: every figure of every policy, kind and seed, and the differences from the first."""

    trial: Trial
    results: Mapping[str, Any]
