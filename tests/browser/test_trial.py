"""The page of a trial in a browser: both widths, axe finds nothing, nothing scrolls sideways."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from madang.interfaces.demo import cast
from tests.browser.test_pages import DESK, PHONE, _fits
from tests.conftest import Played
from tests.programme.test_trials import kept  # noqa: F401  (a fixture)
from tests.serving import serving


def test_a_trial_is_accessible_and_fits(
    browser: Browser,
    kept: tuple[Played, str, dict[str, Any]],  # noqa: F811
) -> None:
    played, trial_id, _ = kept
    with serving(played.home.path) as address:
        for language, theme, size in (("en", "dark", DESK), ("ko", "light", PHONE)):
            context = browser.new_context(viewport=size, reduced_motion="reduce")  # type: ignore[arg-type]
            told = {"token": played.stage.token(cast.LEAD), "language": language, "theme": theme}
            context.add_cookies(
                [{"name": f"madang_{n}", "value": v, "url": address} for n, v in told.items()]
            )
            page = context.new_page()
            page.goto(f"{address}/trials/{trial_id}")
            page.click("summary")
            _fits(page, trial_id)
            found = Axe().run(page).response["violations"]
            assert [(v["id"], [n["html"][:120] for n in v["nodes"]]) for v in found] == []
            context.close()
