"""``madang tabular``: cut a data set that scikit-learn ships into contributors' tables and a held-out one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from cyclopts import App

app = App(name="tabular", help="Tables: cut shipped data sets into contributions and a held-out part.")

Name = Literal["breast-cancer", "wine", "digits", "diabetes"]


@app.command
def sample(name: Name, folder: Path, *, contributors: int = 2, held_out: float = 0.4, seed: int = 0) -> None:
    """Write a data set that scikit-learn ships as tables: FOLDER/contributor-1, ..., and FOLDER/held-out.

    For trying the pack without data of one's own. These sets are public, so a score on them proves
    nothing; an evaluator's real table is one that nobody else has.

    Example: madang tabular sample breast-cancer ./tables --contributors 3

    Parameters
    ----------
    name
        breast-cancer, wine, digits (classes) or diabetes (a value).
    folder
        New folder.
    contributors
        How many tables the rest is cut into.
    held_out
        Share of the rows that goes to the evaluator.
    seed
        Of the shuffle.
    """
    import numpy as np
    from sklearn import datasets

    from madang.assets.errors import TargetExists
    from madang.kernel.ids import check_range
    from madang.packs.tabular import tables

    check_range("--contributors", contributors, 1, 100)
    check_range("--held-out (percent)", round(100 * held_out), 1, 99)
    if folder.exists():
        raise TargetExists(target=str(folder))
    bunch = getattr(datasets, f"load_{name.replace('-', '_')}")()
    named = [re.sub(r"[^a-z0-9]+", "_", str(one).lower()) for one in bunch.feature_names]
    classes = [str(one) for one in getattr(bunch, "target_names", [])]
    document = tables.TableDocument.model_validate(
        {
            "file": "table.csv",
            "column": [{"name": one, "unit": "1"} for one in named],
            "target": {"name": "target", "classes": classes},
        }
    )
    order = np.random.default_rng(seed).permutation(len(bunch.data))
    cut = round(len(order) * held_out)
    parts = {"held-out": order[:cut]}
    parts |= {
        f"contributor-{place}": rows
        for place, rows in enumerate(np.array_split(order[cut:], contributors), start=1)
    }
    for part, rows in parts.items():
        tables.write(folder / part, document, bunch.data[rows], bunch.target[rows])
        print(f"{folder / part}  {len(rows)} rows")
