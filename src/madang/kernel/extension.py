"""How packs and engines plug in: by entry point, ours the same way as a stranger's.

``madang.packs`` holds :class:`Pack` objects, ``madang.engines`` :class:`Engine` objects. Both name
their parts as lazy ``"module:function"`` strings, so that listing them imports nothing heavy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module, resources
from importlib.metadata import entry_points
from typing import Any

from madang.kernel.errors import ExtraMissing, TextMissing, UnknownEngine


@dataclass(frozen=True)
class Pack:
    """A field's plug-in. Every mapping goes from a name to a lazy ``"module:object"``.

    recipes: name -> runs.recipes.Recipe       scorers: name -> scores.scorers.Scorer
    checks: data format -> assets.checking.Checker    commands: name -> a Cyclopts app
    probes: file format -> assets.probing.formats.PackReader
    terms: "module:file.tsv", the field's words for the search: Korean terms, a tab, English terms
    """

    name: str
    title: Mapping[str, str]
    extra: str | None = None
    recipes: Mapping[str, str] = field(default_factory=dict)
    checks: Mapping[str, str] = field(default_factory=dict)
    probes: Mapping[str, str] = field(default_factory=dict)
    scorers: Mapping[str, str] = field(default_factory=dict)
    commands: Mapping[str, str] = field(default_factory=dict)
    terms: str = ""


@dataclass(frozen=True)
class Engine:
    """An adapter. `port` is what it implements (content, runs, isolation, ...); programs: what it calls;
    extra: what has to be installed for its libraries.
    """

    name: str
    port: str
    factory: str
    programs: tuple[str, ...] = ()
    extra: str | None = None


def load_object(reference: str, extra: str | None = None) -> Any:
    """Import ``"module:object"``; a missing optional library becomes ExtraMissing."""
    module, _, name = reference.partition(":")
    try:
        return getattr(import_module(module), name)
    except ModuleNotFoundError as error:
        if extra is None or (error.name or "").startswith("madang"):
            raise
        raise ExtraMissing(module=error.name, extra=extra) from error


def load_text(reference: str) -> str:
    """A text in UTF-8 that a distribution brings along, as ``"module:file"``; TextMissing."""
    module, _, name = reference.partition(":")
    try:
        return (resources.files(module) / name).read_text("utf-8")
    except (OSError, ImportError, UnicodeDecodeError) as error:
        raise TextMissing(reference=reference, reason=str(error)) from error


@cache
def packs() -> Mapping[str, Pack]:
    """Installed packs by name."""
    return {point.name: point.load() for point in entry_points(group="madang.packs")}


@cache
def engines(port: str) -> Mapping[str, Engine]:
    """Installed engines of a port by name."""
    loaded = [point.load() for point in entry_points(group="madang.engines")]
    return {engine.name: engine for engine in loaded if engine.port == port}


def engine(port: str, name: str) -> Any:
    """The factory of an engine; UnknownEngine lists what is installed. Raises ExtraMissing."""
    known = engines(port)
    if name not in known:
        raise UnknownEngine(kind=f"{port} engine", name=name, known=", ".join(sorted(known)) or "(none)")
    return load_object(known[name].factory, known[name].extra)


def pack_part(part: str, name: str) -> Any:
    """A recipe, scorer or checker called ``pack/name``; UnknownEngine lists what is installed."""
    pack_name, _, local = name.partition("/")
    pack = packs().get(pack_name)
    offered: Mapping[str, str] = getattr(pack, part) if pack else {}
    if pack is None or local not in offered:
        known = [f"{p.name}/{n}" for p in packs().values() for n in getattr(p, part)]
        raise UnknownEngine(kind=part.rstrip("s"), name=name, known=", ".join(sorted(known)) or "(none)")
    return load_object(offered[local], pack.extra)
