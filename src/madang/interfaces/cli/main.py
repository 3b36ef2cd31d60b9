"""``madang``: the root command. Sub-commands are loaded when they are called."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import App, CycloptsError, Parameter

from madang import __version__
from madang.kernel.extension import packs

_GROUPS = {
    "org": "Organizations, their members and tokens.",
    "agreement": "Draft, sign and read agreements.",
    "mission": "Open missions and see how far they are.",
    "asset": "Deposit, check, pool, read and withdraw versions.",
    "doi": "Give versions DOIs, where the operator has named a registrar.",
    "harvest": "Harvest other catalogues.",
    "search": "Find data in Korean or English, and things by name.",
    "compute": "Sites, capacity, shares and awards.",
    "run": "Submit, follow and execute runs.",
    "score": "Seal a benchmark, submit a model, evaluate.",
    "ledger": "Verify the ledger, make and check proofs.",
}
_SINGLE = {
    "init": ("madang.interfaces.cli.home:init", "Make a home and register its first ministry."),
    "upgrade": (
        "madang.interfaces.cli.home:upgrade",
        "Bring a home of an earlier version to this one's schema.",
    ),
    "config": ("madang.interfaces.cli.home:config", "Show every setting and where its value comes from."),
    "doctor": ("madang.interfaces.cli.home:doctor", "Say what this machine has, protects and lacks."),
    "probe": (
        "madang.interfaces.cli.probe:probe",
        "Say what is in files: format, variables, units, extent, what is odd.",
    ),
    "export": (
        "madang.interfaces.cli.describe:export",
        "Write a version or record as DataCite, DCAT, Croissant, RO-Crate or a data card.",
    ),
    "describe": ("madang.interfaces.cli.describe:describe", "Say what a version of yours is."),
    "sql": ("madang.interfaces.cli.sql:sql", "Ask one SELECT over tables of versions that you may query."),
    "demo": (
        "madang.interfaces.cli.demo:demo",
        "Run a whole mission, from agreement to score, on this machine.",
    ),
    "why": ("madang.interfaces.cli.programme:why", "Say why something is as it is, from the facts."),
    "calendar": ("madang.interfaces.cli.programme:calendar", "Write your deadlines as iCalendar."),
    "serve": ("madang.interfaces.cli.serve:serve", "Serve the pages on this machine."),
}

app = App(
    name="madang",
    help="Madang (마당): one platform from signed agreement to score on a shared objective.",
    version=__version__,
    help_epilogue="Start with: madang demo",
    help_format="plaintext",
    suppress_keyboard_interrupt=False,
)


def _add(name: str, target: str, line: str) -> None:
    """A command that is loaded when it is called.

    The line is for the list of all commands, which loads none of them. It would hide the command's own help,
    with its examples: it is left out for the one that is called.
    """
    app.command(target, name=name, help=None if name in sys.argv else line)


for _name, (_target, _help) in _SINGLE.items():
    _add(_name, _target, _help)
for _name, _help in _GROUPS.items():
    _add(_name, f"madang.interfaces.cli.{_name}:app", _help)
for _pack in packs().values():
    for _name, _target in _pack.commands.items():
        app.command(_target, name=_name, help=f"{_pack.title['en']} ({_pack.title['ko']}).")

app.meta.group_parameters = app.group_parameters
app.meta.suppress_keyboard_interrupt = False


@app.meta.default
def launch(
    *tokens: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
    home: Annotated[Path | None, Parameter(name="--home")] = None,
    server: Annotated[str | None, Parameter(name="--server")] = None,
    token: Annotated[Path | None, Parameter(name="--token")] = None,
    language: Annotated[str | None, Parameter(name="--language")] = None,
) -> object:
    """Choose the home, the token and the language, then run the command.

    Parameters
    ----------
    home
        The home to work on (else the variable MADANG_HOME, else ./madang-home).
    server
        The address of a server to work on instead, as http://127.0.0.1:8800 (else, where no home is named,
        the variable MADANG_SERVER).
    token
        A file that holds your token (else the variable MADANG_TOKEN).
    language
        Language of what is printed: en or ko.
    """
    from madang.interfaces.cli import context
    from madang.kernel.errors import BadValue
    from madang.kernel.i18n import LANGUAGES

    context.choose(home, server, token, language)
    if language is not None and language not in LANGUAGES:
        raise BadValue(file="--language", key=language, reason=f"It is none of: {', '.join(LANGUAGES)}.")
    return app(tokens, exit_on_error=False, print_error=False)


def run(tokens: Sequence[str] | None = None) -> int:
    """Run a command line (this process's own without `tokens`): its exit code, errors in three parts."""
    try:
        app.meta(tokens, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        from madang.interfaces.cli import context

        context.print_usage_error(error)
        return 2
    except KeyboardInterrupt:
        print("\nStopped. Nothing is left half done; run the command again to go on.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 0
    except Exception as error:
        from madang.interfaces.cli import context

        return context.print_error(error)
    finally:
        if (opened := sys.modules.get("madang.interfaces.cli.context")) is not None:
            opened.finish()
    return 0


def main() -> None:
    """Entry point."""
    sys.exit(run())


if __name__ == "__main__":
    main()
