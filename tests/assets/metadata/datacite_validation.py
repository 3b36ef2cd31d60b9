"""Holding DataCite JSON to the schema that its library brings: run by the environment of `make validators`.

    python datacite_validation.py < LINES      a record a line; prints a line a problem

The library's newest schema is 4.5; what 4.6 and 4.7 added to its lists of words is let through. A year is a
number in the REST API and a text in the schema.
"""

from __future__ import annotations

import json
import sys

from datacite import schema45

ADDED = {
    "contributorType": {"Translator"},
    "dateType": {"Coverage"},
    "relationType": {"HasTranslation", "IsTranslationOf", "Other"},
    "relatedIdentifierType": {"CSTR", "RRID", "RAiD", "SWHID"},
    "resourceTypeGeneral": {"Award", "Poster", "Presentation", "Project"},
}
"""Words of DataCite 4.6 and 4.7 that 4.5 has not."""
KNOWN = {
    "contributorType": "Other", "dateType": "Other", "relationType": "References",
    "relatedIdentifierType": "URL", "resourceTypeGeneral": "Other",
}  # fmt: skip


def _as_in_4_5(value: object) -> object:
    if isinstance(value, list):
        return [_as_in_4_5(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        key: KNOWN[key] if key in ADDED and one in ADDED[key] else _as_in_4_5(one)
        for key, one in value.items()
    }


def main() -> None:
    count = 0
    for line in sys.stdin:
        told = _as_in_4_5(json.loads(line))
        assert isinstance(told, dict)
        told["publicationYear"] = str(told["publicationYear"])
        for error in schema45.validator.iter_errors(told):
            print(f"{told['titles'][0]['title']}: {list(error.path)}: {error.message}")
        count += 1
    print(f"checked {count}", file=sys.stderr)


if __name__ == "__main__":
    main()
