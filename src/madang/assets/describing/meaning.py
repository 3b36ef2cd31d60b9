"""What the steward of a version said of its files and variables, put beside what was found in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from madang.assets.metadata import words
from madang.assets.metadata.model import FileTold, Text, Variable


def of_variables(found: Sequence[Variable], said: Sequence[Variable]) -> tuple[Variable, ...]:
    """Variables as they were found, with what each means: by its name in its file, or in any where no file of
    that name is among them."""
    files = {one.file for one in found}
    by_name = {one.name: one for one in reversed(said) if one.file not in files or not one.file}
    by_file = {(one.file, one.name): one for one in reversed(said)}
    told = []
    for one in found:
        meant = by_file.get((one.file, one.name)) or by_name.get(one.name)
        if meant is None:
            told.append(one)
            continue
        title = words.joined(meant.title, one.title)
        name = one.standard_name or meant.standard_name
        told.append(replace(one, title=title, standard_name=name))
    return tuple(told)


def of_files(said: Sequence[FileTold]) -> dict[str, tuple[Text, Text]]:
    """Path -> (title, description) of the files that were told of."""
    return {one.name: (one.title, one.description) for one in reversed(said)}
