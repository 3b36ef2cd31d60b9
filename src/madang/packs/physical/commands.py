"""``madang physical``: record demonstrations with Meta-World's scripted experts."""

from __future__ import annotations

from pathlib import Path

from cyclopts import App

app = App(name="physical", help="Physical AI: record demonstrations in simulation.")


@app.command
def record(task: str, folder: Path, *, episodes: int = 20, seed: int = 0) -> None:
    """Record demonstrations of a Meta-World task as a LeRobot v3.0 data set.

    Example: madang physical record reach-v3 ./recordings --episodes 20

    Parameters
    ----------
    task
        reach-v3, push-v3, ... (the ten tasks of MT10).
    folder
        New folder for the data set.
    episodes
        Successful demonstrations to record.
    seed
        First seed; the following ones are used in turn.
    """
    from madang.assets.errors import TargetExists
    from madang.kernel.errors import UnknownEngine
    from madang.kernel.ids import check_range
    from madang.packs.physical import lerobot
    from madang.packs.physical.policy import TASKS

    check_range("--episodes", episodes, 1, 100_000)
    check_range("--seed", seed, 0, 2**48)
    if folder.exists():
        raise TargetExists(target=str(folder))
    if task not in TASKS:
        raise UnknownEngine(kind="task", name=task, known=", ".join(TASKS))
    from madang.packs.physical.simulation import record as simulate

    recorded = simulate(task, episodes, seed)
    lerobot.write(folder, recorded)
    print(f"{folder}  {len(recorded)} episodes, {sum(e.frames for e in recorded)} frames")
