"""How well the contributor checks detect contaminations drawn by seed, and how often they block clean data.

For each of 20 seeds, ten companies record fresh demonstrations of a task each; every company is
compared with the other nine, clean; then one company, one kind and its strength are drawn by the seed
and that company's recording is contaminated, while the others stay clean. Prints a Markdown table.

    python bench/contributor_checks.py [--episodes 20] [--seeds 20]
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from madang.packs.physical import contamination, lerobot
from madang.packs.physical.checks import CHECKER, examine
from madang.packs.physical.episodes import Episode
from madang.packs.physical.policy import TASKS
from madang.packs.physical.simulation import Simulation, demonstrate, expert

FIRST_SEED = 500_000  # disjoint from the seeds on which thresholds were chosen

KINDS: dict[str, Callable[[Sequence[Episode]], list[Episode]]] = {
    "axis x mirrored": partial(contamination.mirror, axis=0),
    "axis y mirrored": partial(contamination.mirror, axis=1),
    "axis z mirrored": partial(contamination.mirror, axis=2),
    "actions 3 frames late": partial(contamination.lag, steps=3),
    "actions 3 frames early": partial(contamination.lag, steps=-3),
    "actions 6 frames late": partial(contamination.lag, steps=6),
    "gain 1/3": partial(contamination.gain, factor=1 / 3),
    "gain 3, clipped": partial(contamination.gain, factor=3.0),
    "gain 10, clipped": partial(contamination.gain, factor=10.0),
    "state in mm, not m": partial(contamination.rescale, factor=1000.0),
    "state frozen": contamination.freeze,
}


def recordings(episodes: int, seeds: int) -> dict[str, list[list[Episode]]]:
    """task -> a list of episodes for each seed."""
    made: dict[str, list[list[Episode]]] = {}
    for task in TASKS:
        simulation, policy, seed = Simulation(task), expert(task), FIRST_SEED
        flat: list[Episode] = []
        while len(flat) < episodes * seeds:
            episode = demonstrate(simulation, policy, seed)
            seed += 1
            if episode is not None:
                flat.append(episode)
        made[task] = [flat[i * episodes : (i + 1) * episodes] for i in range(seeds)]
    return made


def examined(folder: Path, episodes: Sequence[Episode]) -> dict[str, Any]:
    """Write, then examine as the sandbox would."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        lerobot.write(Path(name), episodes)
        return examine(Path(name))


def blocks(result: dict[str, Any], others: dict[str, list[Any]]) -> list[str]:
    """The blocking findings of a recording beside the others."""
    found = [row[0] for row in result["findings"] if row[1] == "block"]
    if found:
        return found
    return [f.check for f in CHECKER.compare(result["profile"], others) or () if f.severity == "block"]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--episodes", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=20)
    given = parser.parse_args()
    begun = time.monotonic()
    made = recordings(given.episodes, given.seeds)
    print(f"recorded in {time.monotonic() - begun:.0f} s")
    caught: Counter[str] = Counter()
    named: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    missed: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    false: Counter[str] = Counter()
    bent = tried = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for seed in range(given.seeds):
            results = {task: examined(folder, made[task][seed]) for task in TASKS}
            clean = {task: [result["profile"]] for task, result in results.items()}
            for task in TASKS:
                others = {other: profile for other, profile in clean.items() if other != task}
                for check in blocks(results[task], others):
                    false[f"{task}: {check}"] += 1
            chance = random.Random(seed)
            for kind, spoil in KINDS.items():
                task = chance.choice(TASKS)
                others = {other: profile for other, profile in clean.items() if other != task}
                result = examined(folder, spoil(made[task][seed]))
                found = blocks(result, others)
                caught[kind] += bool(found)
                named[kind].update(set(found))
                if not found:
                    missed[kind][task] += 1
                if result["profile"]:
                    for other in TASKS:
                        if other != task:
                            beside = {t: p for t, p in clean.items() if t not in (other, task)}
                            tried += 1
                            bent += bool(blocks(results[other], {**beside, task: [result["profile"]]}))
    print(f"\n{given.seeds} seeds, {given.episodes} episodes a company\n")
    print("| contamination of one company in ten | blocked | by | missed tasks |\n|---|---|---|---|")
    for kind in KINDS:
        by = ", ".join(f"{check} {n}" for check, n in named[kind].most_common())
        not_seen = ", ".join(f"{task} {n}" for task, n in missed[kind].most_common()) or "-"
        print(f"| {kind} | {caught[kind]}/{given.seeds} | {by} | {not_seen} |")
    total = given.seeds * len(TASKS)
    print(f"\nFalse blocks, everybody clean: {sum(false.values())} of {total} {dict(false) or ''}")
    print(f"False blocks of clean companies beside a contaminated one: {bent} of {tried}")


if __name__ == "__main__":
    main()
