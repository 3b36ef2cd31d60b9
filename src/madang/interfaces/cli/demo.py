"""``madang demo``."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from madang.interfaces.cli import context
from madang.interfaces.demo import cast
from madang.interfaces.demo.story import play, token_files
from madang.kernel.errors import HomeExists, IsolationMissing
from madang.kernel.extension import load_object, packs
from madang.kernel.home import create, is_home
from madang.kernel.i18n import Message
from madang.kernel.isolation import choose


def demo(*, serve: Annotated[bool, Parameter(negative="--no-serve")] = True) -> None:
    """Run a whole mission on this machine, from agreement to score, then serve its pages.

    Everything is real: simulated physics, training, evaluation; every actor has its own token. The
    home must not exist; nothing is overwritten.

    Example: madang --home /tmp/madang-demo demo --no-serve

    Parameters
    ----------
    serve
        Serve the pages afterwards, until Ctrl-C.
    """
    context.require_here()
    path = context.home_path()
    if is_home(path) or path.exists():
        raise HomeExists(home=str(path), again=Message("demo.again", home=str(path)))
    _require_pack()
    begun = time.monotonic()
    home = create(path, {"isolation": _isolation()})
    stage = play(home, context.language(), lambda text: print(text, flush=True))
    token_files(stage, home.path)
    _where_to_look(home.path, time.monotonic() - begun)
    if serve:
        from madang.interfaces.cli.serve import serve as serve_pages

        serve_pages(sign_in=f"{cast.LEAD}.researcher")


def _isolation() -> str | None:
    """The demonstration runs only its own jobs: without a sandbox it goes on, and says what that means."""
    try:
        choose("auto")
    except IsolationMissing as error:
        told = error.in_language(context.language())
        print(f"{told.what} {told.why}\n{context.text('demo.unconfined')}\n", file=sys.stderr)
        return "process"
    return None


def _require_pack() -> None:
    """Say at once what is not installed, before anything is made."""
    pack = packs()["physical"]
    for module in ("metaworld", "mujoco", "torch", "onnxruntime", "pyarrow", "onnx"):
        load_object(f"{module}:__name__", pack.extra)


def _where_to_look(home: Path, seconds: float) -> None:
    print(f"\n{context.text('demo.done', seconds=round(seconds))}")
    for name in ("tokens", "proof", "serve", "verify"):
        print(f"  {context.text(f'demo.look-{name}', home=home)}")
