"""The live page in a reader's browser: headless Chromium on a server of our own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from harness.report.style import DARK, LIGHT
from harness.serve.server import make_server
from tests.fixtures.browser import axe_problems
from tests.fixtures.layout import too_small, too_wide
from tests.fixtures.run_under_way import HOSTILE, LiveRun, run_that_is_over

pytestmark = pytest.mark.browser

WAIT_MS = 20_000
"""The page looks every two seconds; machines that run tests are busy."""


@pytest.fixture
def served(live_run: LiveRun) -> Iterator[Any]:
    live_run.hear(3)
    live_run.sample(10)
    server = make_server(live_run.path.parent, "127.0.0.1", 0)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def colour(page: Any, script: str) -> str:
    red, green, blue = page.evaluate(script).removeprefix("rgb(").rstrip(")").split(",")
    return f"#{int(red):02x}{int(green):02x}{int(blue):02x}"


def test_it_follows_a_run(browser: Any, served: Any, live_run: LiveRun) -> None:
    root = f"http://127.0.0.1:{served.server_address[1]}/"
    context = browser.new_context(viewport={"width": 390, "height": 800}, color_scheme="light")
    page = context.new_page()
    said: list[str] = []
    asked: set[str] = set()
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: said.append(f"dialog {dialog.message}"))
    page.on("request", lambda request: asked.add(request.url))

    page.goto(root)
    assert page.locator("#runs tbody tr").count() == 1
    page.locator("#runs tbody a").click()
    assert page.locator("h1").inner_text() == HOSTILE.replace("\u202e", "\ufffd")
    assert page.locator("#stage").inner_text() == "running"
    running = page.locator("section.running")
    assert running.locator("svg[role=img]").count() == 3  # WER, CPU, memory; no loss yet
    assert page.locator("#ended tbody tr").count() == 2
    assert page.evaluate("document.documentElement.scrollWidth") <= 390

    page.evaluate("window.same = true; document.querySelector('#ended a').focus()")
    live_run.hear(7)
    live_run.sample(14, available_kb=1_024_000)
    page.locator("#phones td", has_text="1000").wait_for(timeout=WAIT_MS)
    assert running.locator("svg[role=img]").count() == 4
    assert "WER 50.0 %" in running.locator("p").inner_text()
    live_run.end()
    page.locator("#stage", has_text="finished").wait_for(timeout=WAIT_MS)
    assert running.count() == 0
    assert page.evaluate("window.same") is True  # renewed in place, not loaded again
    assert page.evaluate("document.activeElement.closest('#ended') !== null")

    link = page.locator("#ended a").first
    key = link.inner_text()
    link.click()
    page.wait_for_url("**/report*")
    assert page.locator(f"#{key}").get_attribute("open") is not None
    assert said == []
    assert all(url.startswith(root) for url in asked), asked
    context.close()


@pytest.mark.parametrize(("scheme", "theme"), [("light", LIGHT), ("dark", DARK)])
def test_light_and_dark(
    browser: Any, served: Any, live_run: LiveRun, scheme: str, theme: dict[str, str]
) -> None:
    live_run.hear(7)
    root = f"http://127.0.0.1:{served.server_address[1]}"
    context = browser.new_context(color_scheme=scheme)
    page = context.new_page()
    page.goto(f"{root}/run/{live_run.path.name}")
    body = "getComputedStyle(document.body)"
    assert colour(page, f"{body}.backgroundColor") == theme["paper"]
    assert colour(page, f"{body}.color") == theme["ink"]
    drawn = "getComputedStyle(document.querySelector('.curves svg path[style*=\"--s24\"]')).stroke"
    assert colour(page, drawn) == theme["s24"]
    context.close()


def test_it_says_when_the_server_is_gone(browser: Any, served: Any, live_run: LiveRun) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{served.server_address[1]}/run/{live_run.path.name}")
    page.route("**/part", lambda route: route.abort())
    page.locator("#fresh", has_text="may be old").wait_for(timeout=WAIT_MS)
    assert page.locator("#phones tbody tr").count() == 1
    context.close()


def test_it_reads_without_scripts(browser: Any, served: Any, live_run: LiveRun) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{served.server_address[1]}/run/{live_run.path.name}")
    assert page.locator("#ended tbody tr").count() == 2
    assert page.locator(".curves svg").first.is_visible()
    context.close()


@pytest.mark.parametrize("width", [360, 1200])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_small_phone(
    browser: Any, served: Any, live_run: LiveRun, width: int, scheme: str
) -> None:
    live_run.hear(7)
    live_run.sample(40)
    others = live_run.path.parent
    run_that_is_over(others, "20260228-120000-a-run-of-the-night-before")
    root = f"http://127.0.0.1:{served.server_address[1]}"
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = context.new_page()
    for path in (
        "/",
        f"/run/{live_run.path.name}",
        "/run/20260228-120000-a-run-of-the-night-before",
    ):
        page.goto(root + path)
        assert page.locator("table").count()
        assert too_wide(page) == [], path
        assert too_small(page) == [], path
        assert axe_problems(page) == [], path
    context.close()


def test_before_the_first_epoch(browser: Any, served: Any, live_run: LiveRun) -> None:
    live_run.hear(0)
    (live_run.attempt / "samples.txt").unlink()
    context = browser.new_context(viewport={"width": 360, "height": 800})
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{served.server_address[1]}/run/{live_run.path.name}")
    assert page.locator("section.running").count() == 1
    assert page.locator("section.running svg[role=img]").count() == 0
    assert (too_wide(page), too_small(page)) == ([], [])
    assert page.locator("progress").get_attribute("value") == "2"
    assert "about" in page.locator(".far").inner_text()
    context.close()


def test_runs_are_sorted_and_two_are_compared(browser: Any, served: Any, live_run: LiveRun) -> None:
    runs = live_run.path.parent
    run_that_is_over(runs, "20260228-120000-before")
    context = browser.new_context(viewport={"width": 1200, "height": 800})
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{served.server_address[1]}/")

    def order() -> list[str]:
        return [text.split("-")[-1] for text in page.locator("#runs tbody a").all_inner_texts()]

    assert order() == ["live", "before"]
    page.locator("#runs thead a").first.click()
    assert order() == ["before", "live"]
    page.get_by_role("link", name="time").click()
    assert page.locator("[aria-sort=descending]").inner_text().startswith("time")

    button = page.locator("#compare")
    boxes = page.locator("#runs input")
    boxes.nth(0).check()
    assert button.is_disabled()
    with live_run.ledger() as ledger:  # the list is renewed, what is chosen stays chosen
        ledger.set_state(live_run.jobs[3], "skipped", "x")
    page.locator("#runs td", has_text="3 of 4").wait_for(timeout=WAIT_MS)
    assert boxes.evaluate_all("boxes => boxes.filter(box => box.checked).length") == 1
    boxes.nth(1).check()
    assert button.is_enabled()
    button.click()
    page.wait_for_url("**/compare?run=*&run=*")
    assert page.locator("h1").count() == 1
    text = page.locator("body").inner_text()
    assert "20260228-120000-before" in text
    assert live_run.path.name in text
    context.close()
