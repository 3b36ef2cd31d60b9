"""What every command needs: the home, who acts, the language, and ways to print."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import CycloptsError, Parameter

from madang.kernel import i18n
from madang.kernel.authorizer import Principal
from madang.kernel.errors import Defect, FileMissing, FileTrouble, Invalid, MadangError
from madang.kernel.home import Home, open_home
from madang.kernel.settings import load

Json = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON.")]
_PIPED_WIDTH = 300
DEFAULT_HOME = Path("madang-home")


class NotUnderstood(Invalid):
    """The command line itself is wrong. Facts: reason."""


@dataclass
class _Chosen:
    home: Path = DEFAULT_HOME
    token: Path | None = None
    language: str | None = None


_chosen = _Chosen()


def choose(home: Path | None, token: Path | None, language: str | None) -> None:
    """Keep the global options of this call."""
    _chosen.home = home or DEFAULT_HOME
    _chosen.token = token
    _chosen.language = language


def home_path() -> Path:
    """The chosen home's folder."""
    return _chosen.home


def language() -> str:
    """The language to print in: the option, else the setting."""
    if _chosen.language in i18n.LANGUAGES:
        return str(_chosen.language)
    try:
        return load(_chosen.home, None).values.language
    except MadangError:
        return "en"


def text(message: str, /, **values: object) -> str:
    """A message in the chosen language."""
    return i18n.text(message, language(), **values)


def home() -> Home:
    """The opened home."""
    return open_home(_chosen.home, {"language": _chosen.language})


def token() -> str | None:
    """The token given by --token or MADANG_TOKEN."""
    if _chosen.token is not None:
        try:
            return _chosen.token.read_text("utf-8").strip()
        except UnicodeDecodeError as error:
            raise FileTrouble(file=str(_chosen.token), reason="It is not a text file.") from error
        except FileNotFoundError as error:
            raise FileMissing(file=str(_chosen.token)) from error
    return os.environ.get("MADANG_TOKEN")


def actor(opened: Home) -> Principal:
    """Who acts; NotSignedIn where no valid token is given."""
    from madang.organizations.service import signed_in

    with opened.database.read() as session:
        return signed_in(session, token())


def print_json(value: Any) -> None:
    """JSON on standard output."""
    print(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def print_rows(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str], as_json: bool) -> None:
    """A table of the named columns, or all of the rows as JSON."""
    if as_json:
        print_json([dict(row) for row in rows])
        return
    if not rows:
        print(text("cli.none"))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in columns.values():
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(*(str(row.get(key, "")) if row.get(key) is not None else "-" for key in columns))
    # Piped, nothing is folded: an id must be found whole.
    Console(width=None if sys.stdout.isatty() else _PIPED_WIDTH).print(table)


def print_facts(facts: Mapping[str, Any], as_json: bool) -> None:
    """One thing: its facts a line each, or as JSON."""
    if as_json:
        print_json(dict(facts))
        return
    width = max((len(name) for name in facts), default=0)
    for name, value in facts.items():
        print(f"{name:<{width}}  {value}")


def print_error(error: Exception) -> int:
    """Print an error in its three parts; returns the exit code."""
    if isinstance(error, OSError) and error.filename is not None:
        error = FileTrouble(file=error.filename, reason=error.strerror or type(error).__name__)
    if not isinstance(error, MadangError):
        import traceback

        traceback.print_exception(error)
        error = Defect()
    elif isinstance(error, Defect):
        print(error.facts, file=sys.stderr)
    told = error.in_language(language())
    for part in (told.what, told.why, told.next):
        print(part, file=sys.stderr)
    return error.exit_code


def print_usage_error(error: CycloptsError) -> None:
    """A wrong command line in the same three parts."""
    reason = " ".join(str(error).split())
    print_error(NotUnderstood(reason=reason))
