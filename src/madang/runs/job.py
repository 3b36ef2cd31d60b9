"""The confined side of a run: ``python -m madang.runs.job MAIN RECIPE INPUT EXCHANGE OUTPUT``.

It calls the recipe's main function; its result is what MAIN leaves in ``OUTPUT/version``. It holds no
token and has no way to the database: the supervisor collects.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from madang.kernel.extension import load_object
from madang.runs import recipes


def main() -> None:
    """Run one recipe over the folders given on the command line."""
    reference, name, inside, exchange, out = sys.argv[1:]
    recipe, output = recipes.find(name), Path(out)
    given = json.loads((Path(exchange) / "parameters.json").read_text("utf-8"))
    for folder in ("version", "metrics", "facts"):
        (output / folder).mkdir(exist_ok=True)
    with (output / "metrics" / "metrics.jsonl").open("a", encoding="utf-8", buffering=1) as metrics:

        def report(values: Mapping[str, float]) -> None:
            metrics.write(json.dumps(dict(values), allow_nan=False) + "\n")

        folders = sorted(path for path in Path(inside).iterdir() if path.is_dir())
        work = load_object(reference)
        facts = work(folders, recipe.parameters.model_validate(given), output / "version", report)
    (output / "facts" / "facts.json").write_text(json.dumps(facts or {}, allow_nan=False), "utf-8")


if __name__ == "__main__":
    main()
