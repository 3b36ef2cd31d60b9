"""Judging a model on items: the same for the evaluator and for whoever repeats a published score."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from madang.missions.model import MissionDocument
from madang.scores.scorers import Result
from madang.scores.statistics import ConfidenceSequence, Interval, sequence

Progress = Callable[[Interval], None]
"""Called after each item with the interval so far."""


@dataclass
class Judged:
    """Results of the items that count, in order; the items left out since training had seen them."""

    results: list[Result] = field(default_factory=list)
    left_out: list[int] = field(default_factory=list)

    @property
    def values(self) -> list[float]:
        """The judgement of each item that counts."""
        return [result.value for result in self.results]


def judge_all(results: Iterable[Result], trained_on: Collection[str], progress: Progress) -> Judged:
    """Take every result (the feedback half: submissions are compared item by item)."""
    return _judge(results, trained_on, progress, lambda _: False)


def judge_until_decided(
    results: Iterable[Result], trained_on: Collection[str], document: MissionDocument, progress: Progress
) -> Judged:
    """Take results until confidence sequences have decided the objective and every guard-rail."""
    objective = document.objective
    main = ConfidenceSequence(objective.confidence)
    rails = [(rail, ConfidenceSequence(objective.confidence)) for rail in document.guardrail]

    def decided(result: Result) -> bool:
        interval = main.add(result.value)
        told = [(rail.at_most, running.add(result.guards[rail.metric])) for rail, running in rails]
        settled = all(at_most < now.lower or now.upper <= at_most for at_most, now in told)
        return interval.upper < objective.target or (interval.lower >= objective.target and settled)

    return _judge(results, trained_on, progress, decided)


def _judge(
    results: Iterable[Result],
    trained_on: Collection[str],
    progress: Progress,
    decided: Callable[[Result], bool],
) -> Judged:
    judged, running = Judged(), ConfidenceSequence()
    for result in results:
        if result.fingerprint and result.fingerprint in trained_on:
            judged.left_out.append(result.item)
            continue
        judged.results.append(result)
        progress(running.add(result.value))
        if decided(result):
            break
    return judged


def findings(judged: Judged, document: MissionDocument) -> dict[str, Any]:
    """The part of a statement that the items decide.

    "reached" only where the lower bound clears the target and every guard-rail's upper bound its limit.
    """
    objective = document.objective
    told = outwards(sequence(judged.values, objective.confidence))
    groups: dict[str, list[float]] = {}
    for result in judged.results:
        groups.setdefault(result.group, []).append(result.value)
    guards: dict[str, Any] = {}
    for rail in document.guardrail:
        values = [result.guards[rail.metric] for result in judged.results]
        bounds = outwards(sequence(values, objective.confidence))
        guards[rail.metric] = {**bounds, "at_most": rail.at_most, "holds": bounds["upper"] <= rail.at_most}
    held = all(guard["holds"] for guard in guards.values())
    return {
        "confidence": objective.confidence,
        "groups": {name: [math.fsum(v), len(v)] for name, v in sorted(groups.items())},
        "guards": guards,
        "left_out": len(judged.left_out),
        "n": len(judged.results),
        "outcome": "reached" if held and told["lower"] >= objective.target else "not-reached",
        "target": objective.target,
        **told,
    }


def outwards(interval: Interval) -> dict[str, float]:
    """An interval as a statement gives it: bounds rounded outwards to 1e-6."""
    return {
        "lower": math.floor(interval.lower * 1e6) / 1e6,
        "upper": math.ceil(interval.upper * 1e6) / 1e6,
        "value": round(interval.mean, 6),
    }


def published(judged: Judged, document: MissionDocument) -> dict[str, Any]:
    """Findings with each item's judgement, as they are kept and, once opened, published."""
    results = [[r.item, r.group, r.value, dict(r.guards)] for r in judged.results]
    return {**findings(judged, document), "left_out_items": judged.left_out, "results": results}


def values_of(detail: Mapping[str, Any]) -> dict[int, float]:
    """item -> judgement, from what :func:`published` gave."""
    return {int(row[0]): float(row[2]) for row in detail["results"]}
