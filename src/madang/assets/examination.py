"""The confined side of a check: ``python -m madang.assets.examination REFERENCE INPUT OUTPUT``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from madang.kernel.extension import load_object


def main() -> None:
    """Examine the folder INPUT with the function REFERENCE and write OUTPUT/result.json."""
    reference, folder, output = sys.argv[1:]
    result = load_object(reference)(Path(folder))
    # allow_nan=False: a result that is not JSON must fail here, not in the reader.
    text = json.dumps(result, ensure_ascii=False, allow_nan=False)
    (Path(output) / "result.json").write_text(text, "utf-8")


if __name__ == "__main__":
    main()
