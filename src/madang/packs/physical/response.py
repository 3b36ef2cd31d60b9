"""How a hand answers to actions: one impulse response, fitted on some contributors, tried on another.

A contributor's recording is summed up in *moments*: for each axis, the products of lagged actions with
each other and with the hand's motion. From moments alone one can fit the response of a group, and tell
how well it predicts another contributor's motion: its sign, gain and lag. No frame leaves its owner.

This is linear system identification by least squares with a small ridge (see L. Ljung, "System
Identification", 2nd ed., section 7.3, for finite impulse responses).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from madang.packs.physical.episodes import HAND, Episode

BEFORE, AFTER = 10, 2
"""The response's taps: actions from BEFORE frames ago up to AFTER frames ahead."""
SHIFTS = tuple(range(-5, 6))
"""Lags that are tried, in frames."""
_REACH = max(SHIFTS)
_WIDTH = BEFORE + AFTER + 1
_RIDGE = 1e-3

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Moments:
    """Of the three axes: `xx` (3, 23, 23) action products, `xy` (3, 23) with motion, `yy` (3,) motion."""

    xx: Array
    xy: Array
    yy: Array

    def to_json(self) -> dict[str, Any]:
        """Plain lists, to seven digits."""
        return {
            name: np.vectorize(lambda v: float(f"{v:.7g}"))(getattr(self, name)).tolist()
            for name in ("xx", "xy", "yy")
        }

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Moments:
        """What :meth:`to_json` wrote; ValueError where shapes differ."""
        full = _WIDTH + 2 * _REACH
        made = cls(*(np.asarray(given[name], np.float64) for name in ("xx", "xy", "yy")))
        if (made.xx.shape, made.xy.shape, made.yy.shape) != ((3, full, full), (3, full), (3,)):
            raise ValueError("moments of another shape")
        return made

    def __add__(self, other: Moments) -> Moments:
        return Moments(self.xx + other.xx, self.xy + other.xy, self.yy + other.yy)


def moments(episodes: Sequence[Episode]) -> Moments:
    """Sum up episodes."""
    full = _WIDTH + 2 * _REACH
    xx, xy, yy = np.zeros((3, full, full)), np.zeros((3, full)), np.zeros(3)
    for episode in episodes:
        for axis in range(3):
            taps, motion = _taps(episode, axis)
            xx[axis] += taps.T @ taps
            xy[axis] += taps.T @ motion
            yy[axis] += motion @ motion
    return Moments(xx, xy, yy)


def _taps(episode: Episode, axis: int) -> tuple[Array, Array]:
    """(frames - 1, 23) actions around each step, and the hand's motion in it (metres)."""
    action = episode.action[:, axis].astype(np.float64)
    motion = np.diff(episode.state[:, HAND][:, axis].astype(np.float64))
    # The hand rests before the start and keeps its last command after the end.
    padded = np.concatenate(
        [np.zeros(BEFORE + _REACH), action, np.full(AFTER + _REACH, action[-1] if len(action) else 0.0)]
    )
    offsets = np.arange(_WIDTH + 2 * _REACH)
    return padded[np.arange(len(motion))[:, None] + offsets], motion


def fit(group: Sequence[Moments]) -> Array:
    """The group's response, shape (13,), every contributor with the same weight."""
    middle = slice(_REACH, _REACH + _WIDTH)
    xx, xy = np.zeros((_WIDTH, _WIDTH)), np.zeros(_WIDTH)
    for one in group:
        inner = one.xx[:, middle, middle].sum(0)
        weight = 1 / max(float(np.trace(inner)), 1e-9)
        xx += weight * inner
        xy += weight * one.xy[:, middle].sum(0)
    ridge = _RIDGE * max(float(np.trace(xx)), 1e-12) / _WIDTH
    return np.asarray(np.linalg.solve(xx + ridge * np.eye(_WIDTH), xy), np.float64)


@dataclass(frozen=True)
class Answer:
    """How a contributor's motion goes with a response.

    cosine: per axis at lag 0, in [-1, 1]; gain: motion over prediction at the best lag; shift: the best
    lag in frames; fit: cosine over all axes there; margin: how much better than at lag 0.
    """

    cosine: tuple[float, float, float]
    gain: float
    shift: int
    fit: float
    margin: float


def answer(one: Moments, response: Array) -> Answer:
    """Predict a contributor's motion by a response, at every lag."""
    products = np.zeros((len(SHIFTS), 3, 2))
    for row, shift in enumerate(SHIFTS):
        part = slice(_REACH + shift, _REACH + shift + _WIDTH)
        products[row, :, 0] = one.xy[:, part] @ response
        products[row, :, 1] = np.einsum("i,aij,j->a", response, one.xx[:, part, part], response)
    told, predicted = products[..., 0], products[..., 1]
    overall = np.abs(told).sum(1) / np.sqrt(np.maximum(predicted.sum(1) * one.yy.sum(), 1e-18))
    best, zero = int(overall.argmax()), SHIFTS.index(0)
    cosine = told[zero] / np.sqrt(np.maximum(predicted[zero] * one.yy, 1e-18))
    gain = float(np.abs(told[best]).sum() / max(float(predicted[best].sum()), 1e-12))
    x, y, z = (float(value) for value in cosine)
    return Answer((x, y, z), gain, SHIFTS[best], float(overall[best]), float(overall[best] - overall[zero]))
