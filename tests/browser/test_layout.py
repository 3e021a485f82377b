"""Every kind of run at the widths where pages broke: nothing cut off, too small or overlapping."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.report import build_report
from tests.fixtures.browser import Opened, layout_problems
from tests.fixtures.report_kinds import KINDS

pytestmark = pytest.mark.browser

A4_PX = 1024
PHONE, DESK = 360, 1280


@pytest.fixture(scope="module")
def url_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """Each kind's page is made once."""
    root = tmp_path_factory.mktemp("kinds")
    made: dict[str, str] = {}

    def url(kind: str) -> str:
        if kind not in made:
            runs = KINDS[kind](root / kind)
            made[kind] = build_report(runs, root / f"{kind}.html").as_uri()
        return made[kind]

    return url


def problems(browser: Any, url: str, width: int, **options: Any) -> list[str]:
    media = options.pop("media", "screen")
    one = Opened(browser, url, viewport={"width": width, "height": 900}, **options)
    if media == "print":
        one.page.emulate_media(media="print")
    found = layout_problems(one.page)
    complaints = one.complaints
    one.context.close()
    return [*found, *complaints]


@pytest.mark.parametrize("kind", KINDS)
def test_on_a_phone(browser: Any, url_of: Callable[[str], str], kind: str) -> None:
    assert problems(browser, url_of(kind), PHONE) == []


@pytest.mark.parametrize("kind", ["sweep", "no_epoch", "four_runs", "over_100"])
def test_on_a_desk(browser: Any, url_of: Callable[[str], str], kind: str) -> None:
    assert problems(browser, url_of(kind), DESK, color_scheme="dark") == []


@pytest.mark.parametrize("kind", ["failures", "no_epoch"])
def test_on_paper(browser: Any, url_of: Callable[[str], str], kind: str) -> None:
    assert problems(browser, url_of(kind), A4_PX, media="print") == []


def test_a_bad_layout_is_found(browser: Any, tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    page.write_text(
        """<!DOCTYPE html><html lang="en"><title>bad</title><body style="margin:0">
        <p style="font-size:8px">tiny</p>
        <p style="position:absolute;left:340px;top:90px;white-space:nowrap">much too far</p>
        <figure><svg width="200" height="60" viewBox="0 0 200 60"><text x="10" y="20">one</text>
        <text x="14" y="22">two</text><text x="190" y="50">out of it</text></svg></figure>
        </body></html>""",
        encoding="utf-8",
    )
    found = " ".join(problems(browser, page.as_uri(), PHONE))
    for kind in ("small text", "cut off", "overlaps", "outside of its figure", "scrolls sideways"):
        assert kind in found, kind


def test_500_attempts_have_their_map_before_the_panels_and_heads_that_stay(
    browser: Any, url_of: Callable[[str], str]
) -> None:
    one = Opened(browser, url_of("many"))
    page = one.page
    top = "(id) => document.getElementById(id).getBoundingClientRect().top"
    assert page.evaluate(top, "map") < page.evaluate(top, "curves") < page.evaluate(top, "each")
    assert page.evaluate(top, "map") < 1000
    box = page.locator(".scroll", has=page.locator("#attempts"))
    box.scroll_into_view_if_needed()
    box.evaluate("box => { box.scrollTop = 4000; }")
    head = page.locator("#attempts thead th").first.bounding_box()
    frame = box.bounding_box()
    assert head is not None
    assert frame is not None
    assert abs(head["y"] - frame["y"]) < 2
    bar = page.locator("#bar").bounding_box()
    assert bar is not None
    assert bar["y"] == 0
    # a field leaves the rows that have all its words; repeats have a column of their own
    find = page.locator("label.find", has=page.locator("xpath=following::table[1]")).locator(
        "xpath=self::*[following-sibling::div[1]//table[@id='attempts']]//input"
    )
    find.fill("ind-male S5 redmi")
    rows = page.locator("#attempts tbody tr:visible")
    assert rows.count() == 28
    heads = page.locator("#attempts thead th").all_inner_texts()
    assert "Repeat" in heads
    repeats = rows.evaluate_all(
        f"rows => rows.map(row => row.cells[{heads.index('Repeat')}].innerText)"
    )
    assert set(repeats) == set("1234567")
    assert one.complaints == []
    one.context.close()
