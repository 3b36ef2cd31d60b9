"""Checks of LeRobot data sets: what is wrong in itself, and what differs from the other contributors.

Examination reads the files (in the sandbox); comparison sees only profiles. Thresholds were chosen on
recordings of one range of seeds and measured on another: docs/packs/physical.md has the table.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from madang.assets.model import Finding
from madang.packs.physical import lerobot
from madang.packs.physical.episodes import HAND, Episode, fingerprint
from madang.packs.physical.response import Moments, answer, fit, moments

LEAST_OTHERS = 4
"""Contributors needed beside one before it is compared."""
LEAST_EPISODES = 3
LEAST_TRAVEL_M = 0.03
LEAST_ACTION_STD = 0.05
FROZEN_SHARE, REPEATED_SHARE = 0.5, 0.98
PROPORTIONAL_SHARE = 0.35
MIRRORED, UNRELATED = -0.3, 0.35
GAINS = (0.6, 1.6)
LAG_FRAMES, LAG_MARGIN = 2, 0.02
LEAST_FIT = 0.80
PEER_FACTOR = 2.0
_AXES = "xyz"


class LerobotChecker:
    """See the module's docstring. Implements ``assets.checking.Checker``."""

    examine = "madang.packs.physical.checks:examine"

    def recognizes(self, paths: Collection[str]) -> bool:
        """LeRobot's marker file is among them."""
        return lerobot.recognizes(paths)

    def compare(
        self, profile: Mapping[str, Any], others: Mapping[str, Sequence[Mapping[str, Any]]]
    ) -> list[Finding] | None:
        """Sign, gain, lag and fit against the response of the other contributors."""
        pooled = {owner: _sum(profiles) for owner, profiles in others.items()}
        if len(pooled) < LEAST_OTHERS:
            return None
        if profile["episodes"] < LEAST_EPISODES:
            few = {"episodes": profile["episodes"], "least": LEAST_EPISODES}
            return [Finding("not-compared", "info", "", few)]
        response = _robust_response(list(pooled.values()))
        if response is None:
            return None  # the others contradict each other: wait for more of them
        cosines = np.array([answer(one, response).cosine for one in pooled.values()])
        told = answer(Moments.from_json(profile["moments"]), response)
        found = []
        for axis, name in enumerate(_AXES):
            if profile["travel_m"][axis] < LEAST_TRAVEL_M or profile["action_std"][axis] < LEAST_ACTION_STD:
                found.append(Finding("axis-not-judged", "info", name, {"axis": name}))
                continue
            evidence = {
                "axis": name,
                "measured": round(told.cosine[axis], 2),
                "others_low": round(float(cosines[:, axis].min()), 2),
                "others_high": round(float(cosines[:, axis].max()), 2),
                "contributors": len(pooled),
            }
            if told.cosine[axis] < MIRRORED:
                bad = [i for i, signs in enumerate(profile["episode_signs"]) if signs[axis] < 0]
                found.append(Finding("axis-mirrored", "block", _places(bad), evidence))
            elif told.cosine[axis] < UNRELATED:
                found.append(Finding("axis-unrelated", "block", name, evidence))
        if not found or all(finding.severity != "block" for finding in found):
            found += _overall(told.gain, told.shift, told.margin, told.fit, len(pooled))
        return found


CHECKER = LerobotChecker()


def _sum(profiles: Sequence[Mapping[str, Any]]) -> Moments:
    total = Moments.from_json(profiles[0]["moments"])
    for profile in profiles[1:]:
        total = total + Moments.from_json(profile["moments"])
    return total


def _robust_response(group: Sequence[Moments]) -> Any:
    """The response that most of the group agrees on, or None where too few do.

    Each contributor's own response is compared with the median over all of them; whoever differs from
    it in sign or by more than a factor PEER_FACTOR in size is left out, and the rest is fitted together.
    One contributor in other units, or mirrored, must not bend what the others are measured by.
    """
    own = [fit([one]) for one in group]
    median = np.median(own, axis=0)
    norm = float(median @ median)
    if norm <= 0:
        return None
    sizes = [float(one @ median) / norm for one in own]
    agreeing = [m for m, size in zip(group, sizes, strict=True) if 1 / PEER_FACTOR < size < PEER_FACTOR]
    if len(agreeing) < LEAST_OTHERS - 1:
        return None
    first = fit(agreeing)
    kept = [one for one in agreeing if min(answer(one, first).cosine) > UNRELATED]
    return fit(kept) if len(kept) >= LEAST_OTHERS - 1 else None


def _overall(gain: float, shift: int, margin: float, fitted: float, contributors: int) -> list[Finding]:
    found = []
    evidence = {"contributors": contributors}
    if not GAINS[0] <= gain <= GAINS[1]:
        limits = {"measured": round(gain, 2), "low": GAINS[0], "high": GAINS[1]}
        found.append(Finding("gain-differs", "block", "", limits | evidence))
    if abs(shift) >= LAG_FRAMES and margin >= LAG_MARGIN:
        found.append(Finding("lag-differs", "block", "", {"frames": shift, "limit": LAG_FRAMES} | evidence))
    if fitted < LEAST_FIT and not found:
        measured = {"measured": round(fitted, 2), "least": LEAST_FIT}
        found.append(Finding("motion-unexplained", "block", "", measured | evidence))
    return found


def examine(folder: Path) -> dict[str, Any]:
    """Examine the data set in `folder`: findings, a profile for comparison, facts for the version."""
    try:
        info = lerobot.read_info(folder)
        findings = _declared(info)
        table = lerobot.read_frames(folder)
        findings += _time(table, float(info["fps"]))
        episodes = lerobot.read(folder)
        _fits_pack(episodes)
    except (lerobot.BrokenDataset, KeyError, TypeError, ValueError) as error:
        row = ["format-broken", "block", "", {"reason": str(error)[:300]}]
        return {"findings": [row], "profile": {}, "facts": {}}
    findings += _announced(info, episodes)
    findings += _values(episodes, info)
    facts = {
        "episodes": len(episodes),
        "frames": sum(episode.frames for episode in episodes),
        "tasks": ", ".join(sorted({episode.task for episode in episodes})),
        "rate_hz": info["fps"],
        "robot": str(info.get("robot_type"))[:64],
    }
    blocked = any(row[1] == "block" for row in findings)
    return {
        "findings": findings,
        "profile": {} if blocked else _profile(episodes),
        "facts": facts,
        "fingerprints": [fingerprint(e.task, e.state[0]) for e in episodes],
    }


def _fits_pack(episodes: Sequence[Episode]) -> None:
    if not episodes:
        raise lerobot.BrokenDataset("no episode")
    shapes = {(e.state.shape[1], e.action.shape[1]) for e in episodes}
    if len(shapes) != 1 or min(shapes)[0] < 3 or min(shapes)[1] < 3:
        raise lerobot.BrokenDataset(f"state and action widths: {sorted(shapes)}")


def _declared(info: Mapping[str, Any]) -> list[list[Any]]:
    missing = []
    for name in ("observation.state", "action"):
        feature = info["features"][name]
        units = (feature.get("info") or {}).get("units")
        if not isinstance(units, list) or len(units) != feature["shape"][0] or not all(units):
            missing.append(name)
    if not missing:
        return []
    return [["units-undeclared", "block", ", ".join(missing), {"features": ", ".join(missing)}]]


def _announced(info: Mapping[str, Any], episodes: Sequence[Episode]) -> list[list[Any]]:
    frames = sum(episode.frames for episode in episodes)
    told = (info.get("total_episodes"), info.get("total_frames"))
    if told == (len(episodes), frames):
        return []
    evidence = {
        "episodes": len(episodes),
        "frames": frames,
        "told_episodes": told[0],
        "told_frames": told[1],
    }
    return [["incomplete", "block", "", evidence]]


def _time(table: Any, rate_hz: float) -> list[list[Any]]:
    stamps = table["timestamp"].to_numpy().astype(np.float64)
    indices = table["episode_index"].to_numpy()
    same = np.diff(indices) == 0
    steps = np.diff(stamps)
    found: list[list[Any]] = []
    back = sorted(set(indices[1:][same & ~(steps > 0)].tolist()))
    if back:
        found.append(["time-back", "block", _places(back), {"episodes": len(back)}])
    gaps = sorted(set(indices[1:][same & (steps > 3 / rate_hz)].tolist()))
    if gaps:
        found.append(
            ["time-gap", "warn", _places(gaps), {"episodes": len(gaps), "limit_s": round(3 / rate_hz, 4)}]
        )
    return found


def _values(episodes: Sequence[Episode], info: Mapping[str, Any]) -> list[list[Any]]:
    found: list[list[Any]] = []

    def note(check: str, severity: str, bad: list[int], **evidence: Any) -> None:
        if bad:
            found.append([check, severity, _places(bad), {"episodes": len(bad), **evidence}])

    def where(test: Any) -> list[int]:
        return [index for index, episode in enumerate(episodes) if test(episode)]

    broken = where(lambda e: not (np.isfinite(e.state).all() and np.isfinite(e.action).all()))
    note("not-finite", "block", broken)
    if broken:
        return found
    note("too-short", "block", where(lambda e: e.frames < 2))
    note("state-frozen", "block", where(lambda e: _repeats(e.state) > FROZEN_SHARE), limit=FROZEN_SHARE)
    note("action-frozen", "block", where(lambda e: _repeats(e.action) > REPEATED_SHARE), limit=REPEATED_SHARE)
    limits = (info["features"]["action"].get("info") or {}).get("limits")
    if isinstance(limits, list) and len(limits) == 2:
        low, high = float(limits[0]) - 0.01, float(limits[1]) + 0.01
        outside = where(lambda e: e.action.min() < low or e.action.max() > high)
        note("outside-limits", "block", outside, low=limits[0], high=limits[1])
    moving = np.abs(np.concatenate([episode.action[:, :3] for episode in episodes]))
    share = float(((moving > 0.02) & (moving < 0.95)).sum() / max((moving > 0.02).sum(), 1))
    if share < PROPORTIONAL_SHARE:
        found.append(
            ["saturated", "warn", "", {"share": round(1 - share, 2), "limit": 1 - PROPORTIONAL_SHARE}]
        )
    return found


def _repeats(values: Any) -> float:
    """Share of rows equal to the one before."""
    if len(values) < 2:
        return 0.0
    return float((np.abs(np.diff(values, axis=0)).max(1) < 1e-6).mean())


def _profile(episodes: Sequence[Episode]) -> dict[str, Any]:
    actions = np.concatenate([episode.action[:, :3] for episode in episodes])
    travel = np.mean([np.abs(np.diff(e.state[:, HAND], axis=0)).sum(0) for e in episodes], axis=0)
    return {
        "episodes": len(episodes),
        "moments": moments(episodes).to_json(),
        "travel_m": [round(float(v), 5) for v in travel],
        "action_std": [round(float(v), 5) for v in actions.std(0)],
        "episode_signs": [_signs(episode) for episode in episodes],
    }


def _signs(episode: Episode, delay: int = 3) -> list[int]:
    """Per axis, the sign in which the hand follows the action some frames later (+1, 0, -1)."""
    motion = np.diff(episode.state[:, HAND].astype(np.float64), axis=0)[delay:]
    action = episode.action[: len(motion), :3].astype(np.float64)
    if len(motion) < 2:
        return [0, 0, 0]
    together = ((action - action.mean(0)) * (motion - motion.mean(0))).mean(0)
    return [int(np.sign(v)) if abs(v) > 1e-9 else 0 for v in together]


def _places(indices: Sequence[int]) -> str:
    """``0-4, 7, 9-11``"""
    parts: list[list[int]] = []
    for index in sorted(indices):
        if parts and index == parts[-1][1] + 1:
            parts[-1][1] = index
        else:
            parts.append([index, index])
    return ", ".join(f"{a}" if a == b else f"{a}-{b}" for a, b in parts)
