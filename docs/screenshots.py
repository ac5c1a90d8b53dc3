"""Takes the pictures of the console that docs/console.md shows, on the embedded lab.

Needs the packages of the test group and a Chromium. Usage: python docs/screenshots.py
"""

import sys
import tempfile
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import httpx2
from playwright.sync_api import Browser, Page, sync_playwright

from remedyd.lab.daemon import Daemon
from remedyd.lab.story import CHAPTERS
from remedyd.lab.world import Lab

HERE: Final = Path(__file__).parent
WIDE: Final = {"width": 1280, "height": 800}
NARROW: Final = {"width": 390, "height": 844}
PATIENCE_SECONDS: Final = 240
_pause = threading.Event()


def main() -> None:
    """Break a few workloads, let most be repaired, and look at it."""
    history = timedelta(minutes=40)
    lab = Lab(seed=7, speed=20, interval=timedelta(seconds=30), history=history)
    with lab, tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        place = Path(folder)
        with Daemon(place, lab.daemon_settings(place)) as daemon, daemon.client("approver") as api:
            for chapter in CHAPTERS:
                lab.inject(chapter.fault, chapter.workload, **chapter.params)
            browser = driver.chromium.launch(
                executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
            )
            waiting = _until(api, lambda p: p["state"] == "Proposed" and _name(p) == "checkout")
            _take(browser, daemon, "overview", "/console", "light", WIDE)
            _take(browser, daemon, "proposal", _path(waiting), "light", WIDE)
            _take(browser, daemon, "phone", _path(waiting), "light", NARROW)
            judged = _until(api, lambda p: p["state"] == "Effective", approve=True)
            _take(browser, daemon, "verdict", _path(judged), "dark", WIDE)
            browser.close()


def _name(proposal: dict[str, Any]) -> str:
    return str(proposal["target"]["name"])


def _path(proposal: dict[str, Any]) -> str:
    return f"/console/proposals/{proposal['id']}"


def _until(
    api: httpx2.Client, wanted: Callable[[dict[str, Any]], bool], *, approve: bool = False
) -> dict[str, Any]:
    """Return the first proposal that is wanted; approve what waits meanwhile, if told to."""
    for _ in range(PATIENCE_SECONDS):
        for proposal in api.get("/v1/proposals").json()["items"]:
            if wanted(proposal) and proposal["action"] == "UpdateResources":
                return dict(proposal)
            if approve and proposal["state"] == "Proposed":
                body = {"digest": proposal["digest"], "comment": "seen with the team"}
                api.post(f"/v1/proposals/{proposal['id']}/approve", json=body)
        _pause.wait(1)
    sys.exit("nothing to show came about in time")


def _take(
    browser: Browser, daemon: Daemon, name: str, path: str, scheme: Any, size: dict[str, int]
) -> None:
    context = browser.new_context(
        viewport={"width": size["width"], "height": size["height"]}, color_scheme=scheme
    )
    page = context.new_page()
    page.goto(f"{daemon.url}/console/sign-in")
    page.fill("#token", daemon.tokens["approver"])
    page.keyboard.press("Enter")
    page.wait_for_url("**/console")
    page.goto(f"{daemon.url}{path}")
    _drawn(page)
    page.screenshot(path=HERE / f"console-{name}.png")
    context.close()


def _drawn(page: Page) -> None:
    """Wait for the curves, where there are any."""
    if page.locator("#signal").count():
        page.wait_for_selector("#signal svg", timeout=60_000)
        page.wait_for_selector("#signal .loading", state="detached", timeout=120_000)


if __name__ == "__main__":
    main()
