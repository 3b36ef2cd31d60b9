"""From a training configuration to GPU-hours, and to an application's draft.

Training a dense transformer of N parameters on D tokens takes about 6 N D floating-point operations
(Kaplan et al. 2020, arXiv:2001.08361, section 2.1; Hoffmann et al. 2022, arXiv:2203.15556). A GPU does its
peak times the utilisation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from madang.allocations.books import largest_remainder
from madang.allocations.calls.model import MOST_HOURS
from madang.allocations.errors import BadSize

FLOP_PER_PARAMETER_AND_TOKEN = 6


@dataclass(frozen=True)
class Size:
    """gpu_hours: whole, rounded up. days_on_64: how long 64 GPUs take for them."""

    flop: float
    gpu_hours: int
    days_on_64: float

    def spread(self, months: tuple[str, ...]) -> dict[str, int]:
        """The hours over months, as even as whole hours allow."""
        return largest_remainder(self.gpu_hours, dict.fromkeys(months, 1))


def size(parameters: float, tokens: float, peak_tflops: float, utilisation: float) -> Size:
    """GPU-hours of one training run. parameters, tokens: counts. peak_tflops: dense BF16 TFLOP/s of a GPU.

    utilisation: model FLOP utilisation, above 0 and at most 1. Raises BadSize where a figure makes no sense.
    """
    for name, value, most in (
        ("parameters", parameters, 1e16),
        ("tokens", tokens, 1e18),
        ("peak_tflops", peak_tflops, 1e9),
        ("utilisation", utilisation, 1.0),
    ):
        if not (math.isfinite(value) and 0 < value <= most):
            raise BadSize(name=name, value=value, most=f"{most:g}")
    flop = FLOP_PER_PARAMETER_AND_TOKEN * parameters * tokens
    hours = flop / (peak_tflops * 1e12 * utilisation * 3600)
    if not hours <= MOST_HOURS:
        raise BadSize(name="gpu_hours", value=f"{hours:g}", most=f"{MOST_HOURS:g}")
    return Size(flop, math.ceil(hours), hours / 64 / 24)
