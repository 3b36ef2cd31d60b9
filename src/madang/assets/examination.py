"""The confined side of a check: ``python -m madang.assets.examination REFERENCE INPUT``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from madang.kernel.extension import load_object
from madang.kernel.isolation import own_output


def main() -> None:
    """Examine the folder INPUT with the function REFERENCE and write the result to standard output."""
    reference, folder = sys.argv[1:]
    answer = own_output()
    result = load_object(reference)(Path(folder))
    # allow_nan=False: a result that is not JSON must fail here, not in the reader.
    answer.write(json.dumps(result, ensure_ascii=False, allow_nan=False))
    answer.close()


if __name__ == "__main__":
    main()
