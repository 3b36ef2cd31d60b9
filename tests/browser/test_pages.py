"""The main paths in a browser: both languages, light and dark, at desk and phone width; axe finds nothing."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from madang.interfaces.demo import cast
from tests.conftest import Played
from tests.interfaces.test_web import shared_entry

DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


def paths(played: Played) -> list[str]:
    return [
        "/missions",
        f"/missions/{cast.MISSION}",
        "/versions",
        f"/versions/{cast.LEAD}/policy@1",
        f"/versions/{played.stage.notes['pool']}",
        f"/versions/{played.stage.notes[f'deposit:{cast.MIRRORED}']}",
        f"/versions/{played.stage.notes['deposit:company-a']}",
        f"/versions/{cast.MIRRORED}/{cast.data_set(cast.MIRRORED)}@2/changes",
        "/withdrawals",
        "/runs",
        f"/runs/{played.stage.notes['run']}",
        "/sign-in",
        "/organizations",
        f"/organizations/{cast.MIRRORED}",
        "/agreements",
        f"/agreements/{cast.AGREEMENT}",
        "/compute",
        "/plans/demonstration@1",
        "/statement",
        "/trials",
        "/calls/industry-1",
        f"/applications/{played.stage.notes[f'application:{cast.MIRRORED}']}",
        f"/awards/{played.stage.notes[f'award:{cast.LEAD}']}",
        f"/submissions/{played.stage.notes['submission:pooled']}",
        "/ledger",
        f"/ledger/{shared_entry(played)}",
        "/search?q=policy",
        "/search?q=robot",
        "/sources",
        f"/sources/{cast.SOURCE}",
        f"/records/{played.stage.notes['record']}",
        "/packs",
    ]


@pytest.mark.parametrize(
    ("language", "theme", "size", "some"),
    [
        ("en", "light", DESK, slice(None)),
        ("ko", "dark", DESK, slice(0, None, 2)),
        ("ko", "light", PHONE, slice(None)),
        ("en", "dark", PHONE, slice(1, None, 2)),
    ],
    ids=["en-light-desk", "ko-dark-desk", "ko-light-phone", "en-dark-phone"],
)
def test_pages_are_accessible_and_fit(
    browser: Browser,
    served: str,
    played: Played,
    language: str,
    theme: str,
    size: dict[str, int],
    some: slice,
) -> None:
    """Every page is met in both languages, in light and dark, at desk and phone width."""
    context = browser.new_context(viewport=size, reduced_motion="reduce")  # type: ignore[arg-type]
    told = {
        "madang_token": played.stage.token(cast.MIRRORED), "madang_language": language, "madang_theme": theme,
    }  # fmt: skip
    context.add_cookies([{"name": n, "value": v, "url": served} for n, v in told.items()])
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
    for path in paths(played)[some]:
        page.goto(served + path)
        assert page.get_attribute("html", "lang") == language, path
        _fits(page, path)
        found = Axe().run(page).response["violations"]
        assert [(v["id"], [n["html"][:120] for n in v["nodes"]]) for v in found] == [], path
    assert problems == []
    context.close()


def _fits(page: Page, path: str) -> None:
    """Nothing makes the page scroll sideways."""
    widths = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert widths[0] <= widths[1], path


def test_from_the_list_to_a_finding_by_keyboard_and_click(
    browser: Browser, served: str, played: Played
) -> None:
    context = browser.new_context(viewport=DESK)  # type: ignore[arg-type]
    context.add_cookies([{"name": "madang_token", "value": played.stage.token(cast.MIRRORED), "url": served}])
    page = context.new_page()
    page.goto(f"{served}/missions")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.click(f"main a[href='/missions/{cast.MISSION}']")
    assert "Reached" in page.inner_text("main") or "reached" in page.inner_text("main")
    assert "Scoreboard" in page.inner_text("main")
    page.goto(f"{served}/versions?mission={cast.MISSION}&state=quarantined")
    page.click("main table a")
    assert "goes against the motion" in page.inner_text("main")
    context.close()


def test_a_slash_leads_to_the_search(browser: Browser, served: str, played: Played) -> None:
    context = browser.new_context(viewport=DESK)  # type: ignore[arg-type]
    context.add_cookies([{"name": "madang_token", "value": played.stage.token(cast.MIRRORED), "url": served}])
    page = context.new_page()
    page.goto(f"{served}/missions")
    page.keyboard.press("/")
    page.keyboard.type("policy@1")
    page.keyboard.press("Enter")
    page.click(f"main a[href='/versions/{cast.LEAD}/policy@1']")
    assert f"{cast.LEAD}/policy@1" in page.inner_text("h1")
    context.close()
