"""Awards: 2,000 applications over 10 months and three shares: the decision, the optimum, every explanation.

python bench/awards.py
"""

from __future__ import annotations

import random
import time

from madang.allocations.calls import optimum
from madang.allocations.calls.explaining import Explainer
from madang.allocations.calls.ranking import Entry, Inputs, decide, objective

MONTHS = tuple(f"2026-{month:02d}" for month in range(3, 13))
SHARES = {"national-projects": (0.5, 1000), "industry": (0.3, 600), "academia-research": (0.2, 400)}


def drawn(share: str, *, whole: bool) -> Inputs:
    """Applications of a share: some months each, 8 to 1,024 GPUs; all or nothing, or content with a part."""
    part, count = SHARES[share]
    source = random.Random(share)
    research = [8000 * 720 if share == "academia-research" and month >= 4 else 0 for month in range(10)]
    supply = tuple(int(1000 * (month + 1) * 720 * part) + research[month] for month in range(10))
    entries = []
    for number in range(count):
        first = source.randrange(10)
        last = source.randrange(first, 10)
        gpus = source.choice([8, 16, 32, 64, 128, 256, 512, 1024])
        request = tuple(gpus * 720 if first <= month <= last else 0 for month in range(10))
        least = 1.0 if whole else source.choice([0.5, 0.75, 1.0])
        entries.append(
            Entry(
                f"app-{number:05d}",
                "centre",
                "gpu",
                source.randrange(5000, 10001),
                request,
                int(sum(request) * least),
                f"{number:06d}",
            )
        )
    return Inputs("call", share, MONTHS, {("centre", "gpu"): supply}, 6000, tuple(entries))


def main() -> None:
    for whole in (False, True):
        print("all or nothing" if whole else "content with 50, 75 or 100 percent")
        total = {"decide": 0.0, "optimum": 0.0, "explain": 0.0}
        for share in SHARES:
            inputs = drawn(share, whole=whole)
            begun = time.perf_counter()
            outcome = decide(inputs)
            decided = time.perf_counter()
            best = optimum.solve(inputs, optimum.SECONDS / len(SHARES))
            solved = time.perf_counter()
            explainer = Explainer(inputs)
            told = [explainer.explain(one.application) for one in inputs.entries]
            explained = time.perf_counter()
            assert best is not None and len(told) == len(inputs.entries)
            total["decide"] += decided - begun
            total["optimum"] += solved - decided
            total["explain"] += explained - solved
            gap = 1 - best.value / best.bound
            print(
                f"  {share:<18} {len(told):>5} applications, {sum(one.won for one in outcome):>4} granted; "
                f"ranked cut-off {objective(outcome) / best.bound:.4f} of the bound, gap {gap:.1e}"
            )
        print("  " + ", ".join(f"{name} {seconds:.2f} s" for name, seconds in total.items()))


if __name__ == "__main__":
    main()
