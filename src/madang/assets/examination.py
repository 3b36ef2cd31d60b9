"""The confined side of a check: ``python -m madang.assets.examination REFERENCE INPUT``."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from madang.kernel.extension import load_object


def main() -> None:
    """Examine the folder INPUT with the function REFERENCE and write the result to standard output."""
    reference, folder = sys.argv[1:]
    # What libraries print must not mix with the answer.
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    result = load_object(reference)(Path(folder))
    # allow_nan=False: a result that is not JSON must fail here, not in the reader.
    answer.write(json.dumps(result, ensure_ascii=False, allow_nan=False))
    answer.close()


if __name__ == "__main__":
    main()
