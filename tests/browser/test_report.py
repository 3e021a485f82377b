"""The report as a reader's browser shows it: headless Chromium, opened from a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.report import build_report
from harness.report.style import DARK, LIGHT
from tests.fixtures.browser import Opened, axe_problems
from tests.fixtures.exits_run import make_exits_run
from tests.fixtures.report_run import Failing, RunShape, make_run

pytestmark = pytest.mark.browser

A4_PX = 1024
"""Width between the margins of the print style, which lies across, at 96 dots an inch."""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    shape = RunShape(
        batch_sizes=(5, 10),
        speakers=("us-male",),
        failing=(Failing(2, "TrainerKilled", evidence=("x" * 400,)),),
        epochs=3,
    )
    run = make_run(tmp_path_factory.mktemp("runs"), shape)
    return build_report(run).as_uri()


@pytest.fixture(scope="module")
def url_of_two(tmp_path_factory: pytest.TempPathFactory) -> str:
    root = tmp_path_factory.mktemp("two")
    first = RunShape(speakers=("us-male",), epochs=2, failing=(Failing(1, "DeviceLost", False),))
    runs = [make_run(root, first, "one"), make_run(root, replace(first, epochs=3), "two")]
    return build_report(runs, root / "page.html").as_uri()


@pytest.fixture
def opened(browser: Any, url: str) -> Iterator[Any]:
    contexts = []

    def make(**options: Any) -> Opened:
        one = Opened(browser, url, **options)
        contexts.append(one.context)
        return one

    yield make
    for context in contexts:
        context.close()


def colour(page: Any, script: str) -> str:
    red, green, blue = page.evaluate(script).removeprefix("rgb(").rstrip(")").split(",")
    return f"#{int(red):02x}{int(green):02x}{int(blue):02x}"


def test_it_opens_quietly_and_asks_for_nothing(opened: Any, url: str) -> None:
    one = opened()
    assert one.complaints == []
    assert one.requests == [url]
    took = one.page.evaluate("performance.getEntriesByType('navigation')[0].duration")
    assert 0 < took < 5000  # a second on an idle laptop; tests share their machine


def test_nothing_from_outside_could_be_loaded_either(opened: Any) -> None:
    one = opened()
    blocked = one.page.evaluate(
        """() => new Promise((done) => {
            addEventListener('securitypolicyviolation', (e) => done(e.effectiveDirective));
            const image = new Image();
            image.src = 'http://127.0.0.1:9/x.png';
            document.body.append(image);
        })"""
    )
    assert blocked == "img-src"


@pytest.mark.parametrize(("scheme", "theme"), [("light", LIGHT), ("dark", DARK)])
def test_light_and_dark(opened: Any, scheme: str, theme: dict[str, str]) -> None:
    page = opened(color_scheme=scheme).page
    body = "getComputedStyle(document.body)"
    assert colour(page, f"{body}.backgroundColor") == theme["paper"]
    assert colour(page, f"{body}.color") == theme["ink"]
    line = "document.querySelector('.multiples path[style*=\"--s0\"]')"
    assert colour(page, f"getComputedStyle({line}).stroke") == theme["s0"]
    # nothing that is drawn has a colour of its own, which the other theme would not know
    drawn = page.evaluate(
        """() => [...document.querySelectorAll('figure svg :is(path, use, text)')]
            .filter((one) => !one.closest('defs'))
            .flatMap((one) => [getComputedStyle(one).fill, getComputedStyle(one).stroke])
            .filter((value) => value.startsWith('rgb'))"""
    )
    known = {
        f"rgb({', '.join(str(int(c[n : n + 2], 16)) for n in (1, 3, 5))})" for c in theme.values()
    }
    assert set(drawn) <= known
    assert len(drawn) > 100


@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_never_scrolls_sideways(opened: Any, width: int) -> None:
    page = opened(viewport={"width": width, "height": 800}).page
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_filters_hide_what_is_not_asked_for(opened: Any) -> None:
    page = opened().page
    rows = page.locator("#attempts tbody tr")
    assert rows.count() == 13
    assert page.locator("#filters select").evaluate_all(
        "all => all.map((one) => one.dataset.filter)"
    ) == ["phone", "sub", "x1", "result"]
    page.locator("select[data-filter=sub]").select_option(label="S5")
    page.locator("select[data-filter=x1]").select_option(label="10")
    assert page.locator("#attempts tbody tr:visible").count() == 2
    assert page.locator("details.strip:visible").count() == 2
    assert page.locator("#curves figure[data-f]:visible").count() == 2
    assert page.locator("#filters output").inner_text() == "2 of 13 attempts"
    page.locator("select[data-filter=result]").select_option(label="failed")
    assert page.locator("#attempts tbody tr:visible").count() == 0
    page.get_by_role("button", name="Show all").click()
    assert page.locator("#attempts tbody tr:visible").count() == 13
    assert page.locator("#filters output").inner_text() == "13 attempts"


def test_text_in_figures_can_be_selected(opened: Any) -> None:
    page = opened().page
    label = page.locator(".multiples svg text", has_text="WER, %").first
    label.scroll_into_view_if_needed()
    label.dblclick()
    assert page.evaluate("getSelection().toString()").strip() in ("WER", "WER,", "%")


def test_a_link_to_a_strip_unfolds_it(opened: Any) -> None:
    page = opened().page
    strip = page.locator("#a9")
    assert strip.get_attribute("open") is None
    page.locator("#attempts a[href='#a9']").click()
    page.wait_for_function("document.querySelector('#a9').open")  # the click's own event is later
    assert strip.locator("svg[role=img]").is_visible()


def test_it_reads_without_scripts(opened: Any) -> None:
    page = opened(java_script_enabled=False).page
    assert page.locator("#filters").is_hidden()
    assert page.locator("#attempts tbody tr:visible").count() == 13
    assert page.locator(".multiples svg").first.is_visible()
    strip = page.locator("#a9")
    strip.locator("> summary").click()
    assert strip.locator("svg[role=img]").is_visible()


def test_the_keyboard_skips_to_the_report(opened: Any) -> None:
    page = opened().page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    inside = "document.querySelector('main').contains(document.activeElement)"
    assert page.evaluate(inside)


def test_it_prints_on_a4_with_every_strip(opened: Any, tmp_path: Path) -> None:
    one = opened(viewport={"width": A4_PX, "height": 1000}, color_scheme="dark")
    page = one.page
    page.evaluate(
        """() => addEventListener('beforeprint', () => {
            window.unfolded = document.querySelectorAll('details.strip[open]').length;
        })"""
    )
    folded = page.locator("details.strip:not([open])").count()
    assert folded > 0
    paper = tmp_path / "report.pdf"
    page.pdf(path=str(paper), prefer_css_page_size=True)
    assert paper.read_bytes().startswith(b"%PDF")
    assert page.evaluate("window.unfolded") == 13
    assert page.locator("details.strip:not([open])").count() == folded
    page.emulate_media(media="print")
    assert page.evaluate("document.documentElement.scrollWidth") <= A4_PX
    assert page.locator("#filters").is_hidden()
    assert colour(page, "getComputedStyle(document.body).color") == LIGHT["ink"]
    assert one.complaints == []


def test_the_map_is_redrawn_by_what_is_chosen(opened: Any) -> None:
    one = opened()
    page = one.page
    table = page.locator("#heat table")
    assert table.locator("caption").inner_text() == (
        "WER after, %: phone down, batch size and sub-model across"
    )
    server = page.evaluate("document.querySelector('#heat table').innerText")
    page.locator("#heat select").nth(0).select_option(label="peak RSS, MB")
    page.locator("#heat select").nth(2).select_option(label="Batch size")
    assert table.locator("caption").inner_text() == "peak RSS, MB: phone down, batch size across"
    assert table.locator("thead th").all_inner_texts() == ["phone", "5", "10"]
    assert page.evaluate("document.querySelector('#heat table').innerText") != server
    # the same setting twice would say nothing
    page.locator("#heat select").nth(1).select_option(label="Batch size")
    assert table.locator("caption").inner_text() == "peak RSS, MB: batch size down, phone across"
    # filters count
    page.locator("select[data-filter=phone]").select_option(label="oneplus-7t")
    assert table.locator("thead th").all_inner_texts() == ["batch size", "oneplus-7t"]
    # a cell of several attempts filters the page for them, by keyboard too
    button = table.locator("tbody button").first
    button.focus()
    page.keyboard.press("Enter")
    assert page.locator("#filters output").inner_text() == "4 of 13 attempts"
    assert one.complaints == []


def test_the_map_without_scripts_is_the_same_as_with(opened: Any) -> None:
    def cells(page: Any) -> list[str]:
        texts = page.locator("#heat td").all_inner_texts()
        return [" ".join(text.split()) for text in texts]

    with_script, without = opened().page, opened(java_script_enabled=False).page
    assert cells(with_script) == cells(without)
    shades = "all => all.map((one) => one.className)"
    assert with_script.locator("#heat td").evaluate_all(shades) == without.locator(
        "#heat td"
    ).evaluate_all(shades)


def test_runs_are_picked_and_what_they_share_is_no_difference(opened: Any, url_of_two: str) -> None:
    one = Opened(opened().context.browser, url_of_two)
    page = one.page
    lines = page.locator("#curves figure svg path[data-run='2']")
    assert lines.first.is_visible()
    assert page.locator("#curves figure svg path[data-run='1']").first.is_visible()
    row = page.locator(".beside tbody tr", has_text="trainer.epochs")
    assert row.is_visible()
    page.locator("#picker input[value='2']").uncheck()
    assert lines.first.is_hidden()
    assert page.locator("#runs tr[data-run='2']").is_hidden()
    assert page.locator("#runs tr[data-run='1']").is_visible()
    page.locator("#picker input[value='2']").check()
    assert lines.first.is_visible()
    assert one.complaints == []
    one.context.close()


def test_columns_of_sizes_and_absent_figures_sort_as_such(opened: Any) -> None:
    page = opened().page
    table = page.locator("#attempts")
    head = table.locator("thead th", has_text="WER, %")
    column = head.evaluate("cell => cell.cellIndex")
    cells = "(rows, n) => rows.map(row => row.cells[n].innerText.split(/\\s/)[0])"
    for _ in range(2):
        head.locator("button").click()
        values = table.locator("tbody tr").evaluate_all(cells, column)
        # the failed attempt has no figure: it stays last, upwards and downwards
        assert values[-1] == "–"
        assert "–" not in values[:-1]
    page.evaluate(
        """() => {
            const rows = [...document.querySelectorAll("#attempts tbody tr")];
            rows.forEach((row, at) => { row.cells[4].dataset.s = String((at * 7) % 13); });
        }"""
    )
    table.locator("thead th").nth(4).locator("button").click()
    keys = table.locator("tbody tr").evaluate_all(
        "rows => rows.map(row => +row.cells[4].dataset.s)"
    )
    assert keys == sorted(keys)


def test_two_runs_stand_side_by_side(opened: Any, url_of_two: str) -> None:
    one = Opened(opened().context.browser, url_of_two)
    page = one.page
    assert one.complaints == []
    assert one.requests == [url_of_two]
    page.locator("select[data-filter=x1], select[data-filter=x2]").first.select_option(label="one")
    assert page.locator("#attempts tbody tr:visible").count() == 6
    href = page.locator("#beside tbody a").first.get_attribute("href")
    assert page.locator(f"details{href}").count() == 1
    one.context.close()


@pytest.mark.parametrize(("which", "scheme"), [("url", "dark"), ("url_of_two", "light")])
def test_axe_finds_nothing(
    request: pytest.FixtureRequest, browser: Any, which: str, scheme: str
) -> None:
    one = Opened(browser, request.getfixturevalue(which), color_scheme=scheme)
    one.page.evaluate(
        """() => {
            // strips are alike: two stand for all
            const strips = [...document.querySelectorAll("details.strip")];
            for (const strip of strips.slice(2)) strip.remove();
        }"""
    )
    assert axe_problems(one.page) == []
    one.context.close()


def test_a_column_head_sorts_numbers_as_numbers(opened: Any) -> None:
    page = opened().page
    table = page.locator("#curves table", has_text="Before, %").last
    head = table.locator("th", has_text="After, %").first
    column = head.evaluate("cell => cell.cellIndex")

    def values() -> list[float]:
        cells = table.locator("tbody tr").evaluate_all(
            "(rows, column) => rows.map(row => parseFloat(row.cells[column].innerText))", column
        )
        return [float(cell) for cell in cells]

    head.locator("button").click()
    assert values() == sorted(values())
    assert head.get_attribute("aria-sort") == "ascending"
    head.locator("button").click()
    assert values() == sorted(values(), reverse=True)


@pytest.mark.parametrize("section", ["exits", "spans"])
def test_axe_finds_nothing_in_figures_of_exits_and_spans(
    browser: Any, tmp_path: Path, section: str
) -> None:
    if section == "exits":
        run = make_exits_run(tmp_path, {"conformer-mini": (0.5, 0.25, 0.05)}, utterances=30)
    else:
        run = make_run(tmp_path, RunShape(profiles=("oneplus-7t",), epochs=2))
    one = Opened(browser, build_report(run).as_uri(), color_scheme="dark")
    shown = one.page.locator(f"#{section}")
    assert shown.locator("svg[role=img]").count() >= 4
    assert axe_problems(one.page) == []
    one.context.close()
