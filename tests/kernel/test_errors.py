"""The error family: every member says what, why and what next, in both languages."""

from __future__ import annotations

import importlib
import pkgutil
import string

import pytest

import madang
from madang.kernel import extension, i18n
from madang.kernel.errors import Denied, MadangError, NotFound, UserError

HEAVY = ("madang.packs.physical.simulation", "madang.packs.physical.cloning", "madang.migrations")


def family(root: type[MadangError] = MadangError) -> set[type[MadangError]]:
    return {root} | {member for child in root.__subclasses__() for member in family(child)}


@pytest.fixture(scope="module", autouse=True)
def everything_imported() -> None:
    for module in pkgutil.walk_packages(madang.__path__, "madang."):
        if not module.name.startswith(HEAVY):
            importlib.import_module(module.name)
    extension.packs()


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_error_has_three_parts_in_both_languages() -> None:
    known = {member for member in family() if member.__module__.startswith("madang.")}
    assert len(known) > 50
    for member in known:
        for language in i18n.LANGUAGES:
            for part in ("what", "why", "next"):
                message = f"error.{member.code}.{part}"
                assert message in i18n.catalogue(language), f"{member.__name__}: {language} {message}"


def test_the_catalogues_have_the_same_messages_with_the_same_values() -> None:
    english, korean = i18n.catalogue("en"), i18n.catalogue("ko")
    assert set(english) == set(korean)
    for message, text in english.items():
        told = placeholders(korean[message])
        # A quotation is of the text in its own language.
        if message != "agreements.quoted":
            assert placeholders(text) == told, message


def test_exit_codes_and_statuses() -> None:
    for member in family(UserError):
        assert member.exit_code == 2
    assert (Denied.status, NotFound.status) == (403, 404)


def test_a_message_inside_a_message_is_told_in_its_language() -> None:
    inner = i18n.Message("ledger.not-in-tree")
    outer = i18n.text("error.proof-invalid.why", "ko", reason=inner)
    assert outer == i18n.text("ledger.not-in-tree", "ko")
