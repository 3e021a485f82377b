"""The live page in a reader's browser: headless Chromium on a server of our own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from harness.report.style import DARK, LIGHT
from harness.serve.server import make_server
from tests.fixtures.run_under_way import HOSTILE, LiveRun

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
    page.locator("#runs a").click()
    assert page.locator("h1").inner_text() == HOSTILE.replace("\u202e", "\ufffd")
    assert page.locator("#stage").inner_text() == "running"
    running = page.locator("section.running")
    assert running.locator("svg[role=img]").count() == 2  # WER and the last minutes, no loss yet
    assert page.locator("#ended tbody tr").count() == 2
    assert page.evaluate("document.documentElement.scrollWidth") <= 390

    page.evaluate("window.same = true; document.querySelector('#ended a').focus()")
    live_run.hear(7)
    live_run.sample(14, available_kb=1_024_000)
    page.locator("#phones td", has_text="1000").wait_for(timeout=WAIT_MS)
    assert running.locator("svg[role=img]").count() == 3
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
