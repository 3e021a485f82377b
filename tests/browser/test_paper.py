"""The page of ``harness paper`` as a reader's browser shows it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.paper.files import write
from harness.paper.given import Given
from harness.paper.make import sections
from harness.paper.measure import Source
from harness.paper.systems.mobileasr import SYSTEM
from harness.report import build_report
from harness.report.load import load_run
from tests.fixtures.browser import Opened, axe_problems
from tests.fixtures.report_run import RunShape, make_run

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    out = tmp_path_factory.mktemp("paper")
    shape = RunShape(
        profiles=("oneplus-7t",), speakers=("us-male",), sub_models=("S1",), rounds=2,
        epochs=3,
    )  # fmt: skip
    run = make_run(out, shape, "figure4-quick")
    report = build_report(run).relative_to(out).as_posix()
    source = Source(load_run(run), report, {})
    items = SYSTEM.chosen(["table5,figure2,figure3,figure4,figure5"])
    made = sections(SYSTEM, items, Given({"figure2": source, "figure4": source}))
    with pytest.MonkeyPatch.context() as patch:
        # another test draws PDFs, which takes matplotlib a while
        patch.setattr("harness.paper.files.pdf_file", lambda _: b"%PDF")
        return write(SYSTEM, made, out, "quick", [source]).page.as_uri()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_it_is_quiet_fits_and_axe_finds_nothing(
    browser: Any, url: str, scheme: str, width: int
) -> None:
    one = Opened(browser, url, color_scheme=scheme, viewport={"width": width, "height": 800})
    assert one.complaints == []
    assert one.requests == [url]
    assert axe_problems(one.page) == []
    assert one.page.evaluate("document.documentElement.scrollWidth") <= width
    one.context.close()


def test_a_measured_figure_leads_to_its_attempts_timeline(browser: Any, url: str) -> None:
    one = Opened(browser, url)
    one.page.locator("#figure3 td a").last.click()
    one.page.wait_for_url("**/figure4-quick/report/index.html#a*")
    key = one.page.url.rpartition("#")[2]
    strip = one.page.locator(f"details#{key}")
    assert strip.get_attribute("open") is not None
    assert strip.locator("svg[role=img]").is_visible()
    assert one.complaints == []
    one.context.close()


def test_files_for_a_paper_open_in_a_browser(browser: Any, url: str) -> None:
    figure = Path(url.removeprefix("file://")).parent / "figures" / "figure3.svg"
    one = Opened(browser, figure.as_uri())
    assert one.complaints == []
    drawn = one.page.evaluate(
        "[...document.querySelectorAll('path')].filter((p) => p.getBBox().height > 5).length"
    )
    assert drawn >= 4
    one.context.close()
