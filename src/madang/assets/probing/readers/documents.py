"""Documents as text: JSON and its lines, XML and what it becomes, plain text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from madang.assets.probing import measuring, sniffing
from madang.assets.probing.notes import Notes
from madang.assets.probing.readers import arrays, tables

_LARGEST = 32 * 2**20
_MOST_ROWS = 50_000
_ENTITY = re.compile(r"<!(ENTITY|DOCTYPE)\b", re.IGNORECASE)
_SCRIPT = re.compile(r"<\s*script\b|\bon[a-z]{3,20}\s*=|javascript:|<\s*foreignObject\b", re.IGNORECASE)
_INVISIBLE = re.compile("[\U000e0000-\U000e007f\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")


def _text(path: Path, notes: Notes) -> str | None:
    if notes.size_bytes > _LARGEST:
        notes.find("too-large", "warn", limit=_LARGEST)
        return None
    data = path.read_bytes()
    decoded = sniffing.decode(data, whole=True)
    if decoded is None:
        notes.find("unreadable", "warn", reason="no text")
        return None
    tables.told_encoding(notes, decoded)
    if _INVISIBLE.search(decoded.text.lstrip("\ufeff")):
        notes.find("signs-invisible", "warn")
    return decoded.text.lstrip("\ufeff")


def read_text(path: Path, notes: Notes) -> None:
    """Plain text: its first lines."""
    text = _text(path, notes)
    if text is not None:
        notes.fact("lines", text.count("\n") + 1)
        notes.show_text(text)
        if _SCRIPT.search(text):
            notes.find("script-inside", "warn")


def read_json(path: Path, notes: Notes) -> None:
    """A JSON document, or one a line; a list of objects is a table."""
    text = _text(path, notes)
    if text is None:
        return
    notes.show_text(text)
    try:
        told = json.loads(text, parse_constant=_constant(notes), object_pairs_hook=_pairs(notes))
    except RecursionError:
        notes.find("too-deep", "warn", deepest=1000)
        return
    except ValueError as error:
        rows, bad = _lines(text)
        if len(bad) >= len(rows):
            notes.find("unreadable", "warn", reason=error)
            return
        for number, reason in bad[:5]:
            notes.find("line-not-json", "warn", f"{number}", line=number, reason=reason)
        notes.fact("kind", "JSON lines")
        _records(notes, rows)
        return
    if isinstance(told, list) and told and all(isinstance(one, dict) for one in told[:1000]):
        _records(notes, [one for one in told if isinstance(one, dict)])
    elif isinstance(told, dict):
        _object(notes, told)
    else:
        notes.fact("kind", type(told).__name__)
        notes.fact("members", len(told) if isinstance(told, list) else 1)


def _constant(notes: Notes) -> Any:
    def constant(name: str) -> None:
        notes.find("not-json", "warn", what=name)

    return constant


def _pairs(notes: Notes) -> Any:
    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        told = dict(found)
        if len(told) < len(found):
            notes.find("key-twice", "warn")
        return told

    return pairs


def _lines(text: str) -> tuple[list[dict[str, Any]], list[tuple[int, str]]]:
    """(objects of one a line, the lines that are none and why): as far as most of them are."""
    rows: list[dict[str, Any]] = []
    bad: list[tuple[int, str]] = []
    for number, line in enumerate(text.splitlines()[:_MOST_ROWS], 1):
        if not line.strip():
            continue
        try:
            one = json.loads(line)
        except (ValueError, RecursionError) as error:
            one = str(error) or "too deep"
        if isinstance(one, dict):
            rows.append(one)
        else:
            bad.append((number, one if isinstance(one, str) else "no object"))
        if len(bad) > len(rows) + 5:
            break
    return rows, bad


def _object(notes: Notes, told: Mapping[str, Any]) -> None:
    if arrays.describe_json_reference(notes, told):
        return
    if told.get("type") in ("FeatureCollection", "Feature"):
        notes.format = "geojson"
        _features(notes, told)
        return
    notes.fact("members", len(told))
    notes.fact("names", ", ".join(str(name) for name in list(told)[:20]))


def _features(notes: Notes, told: Mapping[str, Any]) -> None:
    features = told.get("features") if isinstance(told.get("features"), list) else [told]
    points: list[tuple[float, float]] = []
    rows = []
    for feature in features or ():
        if isinstance(feature, dict):
            points += _points(feature.get("geometry"))
            rows.append(feature["properties"] if isinstance(feature.get("properties"), dict) else {})
    if rows:
        _records(notes, rows)
    if points:
        ends = [(min(one), max(one)) for one in zip(*points, strict=True)]
        notes.box = measuring.box_of(ends[0], ends[1])


def _points(geometry: Any) -> Iterable[tuple[float, float]]:
    waiting = [geometry.get("coordinates")] if isinstance(geometry, dict) else []
    while waiting:
        one = waiting.pop()
        if not isinstance(one, list):
            continue
        if len(one) >= 2 and all(
            isinstance(part, int | float) and not isinstance(part, bool) for part in one[:2]
        ):
            yield float(one[0]), float(one[1])
        else:
            waiting += one


def _records(notes: Notes, rows: list[dict[str, Any]]) -> None:
    """Objects as rows of a table; what is nested stands as its JSON."""
    header = list(dict.fromkeys(str(name) for row in rows[:1000] for name in row))[: tables.MOST_COLUMNS]
    most = max(1, min(_MOST_ROWS, tables.MOST_CELLS // max(1, len(header))))
    body = [[_cell(row.get(name)) for name in header] for row in rows[:most]]
    tables.describe(notes, header, body, len(rows) <= most)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)[:1000]


def read_markup(path: Path, notes: Notes) -> None:
    """XML or HTML: its root, and whether it would run, fetch or unfold something."""
    text = _text(path, notes)
    if text is None:
        return
    notes.show_text(text)
    if _SCRIPT.search(text):
        notes.find("script-inside", "warn")
    if _ENTITY.search(text) and "<!DOCTYPE html" not in text[:200]:
        notes.find("entities", "warn")
        return
    from defusedxml import ElementTree
    from defusedxml.common import DefusedXmlException

    try:
        root = ElementTree.fromstring(
            text.encode("utf-8") if not text.startswith("<?xml") else path.read_bytes()
        )
    except DefusedXmlException:
        notes.find("entities", "warn")
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        if "<html" not in text[:2000].lower():
            notes.find("unreadable", "warn", reason=error)
    else:
        notes.fact("root", root.tag.rpartition("}")[2])
        notes.fact("namespace", root.tag[1:].partition("}")[0] if root.tag.startswith("{") else "")
        if root.tag.startswith("{http://www.w3.org/1999/XSL/Transform}"):
            notes.find("script-inside", "warn")


def read_svg(path: Path, notes: Notes) -> None:
    """An SVG drawing: as the markup it is. It is never shown, for it may hold a script."""
    read_markup(path, notes)
