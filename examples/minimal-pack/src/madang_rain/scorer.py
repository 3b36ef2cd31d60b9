"""A scorer: it draws the sealed items and judges a model that it never loads."""

import hashlib
from pathlib import Path

import numpy as np

from madang.scores.scorers import Result, Signature, Tensor


class TomorrowScorer:
    """Implements ``madang.scores.scorers.Scorer``: is tomorrow's rain forecast within 3 mm?"""

    guards = ()

    def digest(self):
        return "sha256:" + hashlib.sha256(Path(__file__).read_bytes()).hexdigest()

    def signature(self, parameters):
        return Signature(
            (Tensor("today", "tensor(float)", (None, 1)),),
            (Tensor("tomorrow", "tensor(float)", (None, 1)),),
        )

    def draw(self, parameters, n, chance, material):
        """This toy invents its weather; a real one reads what the evaluator laid into `material`."""
        return [{"today": chance.expovariate(0.5), "tomorrow": chance.expovariate(0.5)} for _ in range(n)]

    def judge(self, parameters, items, predict):
        """Results in the order of the items, so that stopping early is fair."""
        for index, item in enumerate(items):
            forecast = float(predict(np.array([[item["today"]]], np.float32))[0, 0])
            yield Result(index, "days", float(abs(forecast - item["tomorrow"]) <= 3.0))


SCORER = TomorrowScorer()
