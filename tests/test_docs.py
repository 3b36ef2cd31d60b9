"""The documentation names everything that there is, and its links lead somewhere."""

from __future__ import annotations

import importlib
import re
from dataclasses import fields
from pathlib import Path

import pytest
from cyclopts import App

from madang.interfaces.api.app import create_api
from madang.interfaces.cli import main
from madang.interfaces.web.app import create_app
from madang.kernel.extension import Pack, engines, packs
from madang.kernel.settings import Values
from tests.conftest import Office

ROOT = Path(__file__).parents[1]
REFERENCE = (ROOT / "docs/reference.md").read_text("utf-8")
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]


def commands() -> list[str]:
    named = [f"madang {name}" for name in main._SINGLE]
    modules = {name: f"madang.interfaces.cli.{name}" for name in main._GROUPS}
    ours = {name: target for pack in packs().values() for name, target in pack.commands.items()}
    modules |= {name: target.partition(":")[0] for name, target in ours.items() if "madang.packs." in target}
    for group, module in modules.items():
        named += named_below(f"madang {group}", importlib.import_module(module).app)
    return named


def named_below(path: str, app: App) -> list[str]:
    """The commands of a group, those of its groups included."""
    found = []
    for name in app:
        if not name.startswith("-"):
            below = named_below(f"{path} {name}", app[name])
            found += below or [f"{path} {name}"]
    return [path, *found] if found and app.default_command else found


def test_every_command_is_documented() -> None:
    assert len(commands()) > 45
    for name in commands():
        assert f"| `{name}` |" in REFERENCE, name


def test_no_command_is_documented_that_is_not_there() -> None:
    assert set(re.findall(r"^\| `(madang [a-z ]+)` \|", REFERENCE, re.MULTILINE)) == set(commands())


def test_every_setting_is_documented() -> None:
    for name in Values.model_fields:
        assert f"| `{name}` |" in REFERENCE, name


def test_every_route_is_documented(office: Office) -> None:
    paths = set()
    for route in create_app(office.home).routes:
        inner = getattr(route, "routes", None) or getattr(
            getattr(route, "original_router", None), "routes", None
        )
        paths |= {r.path for r in inner or [route] if hasattr(r, "path")}
    assert "/missions/{name}" in paths
    for path in paths:
        assert f"| `{path}` |" in REFERENCE, path


def test_every_operation_is_documented_and_no_other(office: Office) -> None:
    api = create_api(office.home).openapi()
    there = {f"{method.upper()} {path}" for path, told in api["paths"].items() for method in told}
    told = set(
        re.findall(r"^\| `((?:GET|POST|PATCH|DELETE|HEAD|OPTIONS) [^`]+)` \|", REFERENCE, re.MULTILINE)
    )
    assert told == there


def test_every_extension_point_is_documented() -> None:
    for field in fields(Pack):
        if field.name not in ("name", "title", "extra"):
            assert f"| `{field.name}` |" in REFERENCE
    for port in ("records", "content", "runs", "quotas", "manifests", "steps", "isolation"):
        assert f"| `{port}` |" in REFERENCE
        for name in engines(port):
            assert f"`{name}`" in REFERENCE


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_pictures_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_tests_named_in_the_threat_model_exist() -> None:
    told = (ROOT / "docs/threat-model.md").read_text("utf-8")
    source = "\n".join(file.read_text("utf-8") for file in ROOT.glob("tests/**/*.py"))
    for name in re.findall(r"`(test_\w+)`", told):
        assert f"def {name}" in source, name
    for name in re.findall(r"`(tests/[\w/]+\.py)`", told):
        assert (ROOT / name).is_file(), name
