"""The documentation site builds without a warning, and a browser reads it from a file, alone."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from docs._generate import site as site_builder
from tests.fixtures.browser import Opened, axe_problems

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "docs._generate.site", "--out", str(out)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return out


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("index.md", "[lost](nowhere.md)"),
        ("index.md", "[lost](paper.md#nowhere)"),
        ("lost.md", "no navigation leads here"),
    ],
)
def test_what_leads_nowhere_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, path: str, text: str
) -> None:
    whole = site_builder.pages()
    few = {"index.md": b"# Home", "paper.md": b"# Paper", path: f"# Page\n\n{text}\n".encode()}
    monkeypatch.setattr(site_builder, "pages", lambda: {**whole, **few})
    assert site_builder.build(tmp_path / "site") != 0
    assert not (tmp_path / "site").exists()


def test_pages_load_nothing_from_a_network(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert {"tutorials/qa.html", "reference/scenario.html", "reference/commands.html"} <= {
        page.relative_to(site).as_posix() for page in pages
    }
    loading = r"""(?:\bsrc|<link\b[^>]*\bhref|srcset)\s*=\s*["']?\s*(?:https?:)?//[^"'\s>]+"""
    for path in pages:
        found = re.findall(loading, path.read_text("utf-8"))
        # where a page would stand on a server is not loaded
        assert [tag for tag in found if 'rel="canonical"' not in tag] == [], path
    for path in site.rglob("*.css"):
        assert not re.search(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//", path.read_text("utf-8"))


@pytest.mark.browser
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_it_is_read_from_a_file_and_searched_there(
    browser: Any, site: Path, scheme: str, width: int
) -> None:
    url = (site / "index.html").as_uri()
    opened = Opened(browser, url, color_scheme=scheme, viewport={"width": width, "height": 900})
    luminance = opened.page.evaluate(
        "getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).slice(0, 3).map(Number)"
    )
    assert (max(luminance) < 100) == (scheme == "dark")
    wide, narrow = ".md-search__button", "label.md-icon[for=__search]"
    opened.page.locator(".md-header").locator(narrow if width < 1000 else wide).first.click()
    opened.page.locator("input[type=text]").first.wait_for()
    opened.page.keyboard.type("patience")
    found = opened.page.locator("a[role=option][href*='reference/scenario.html']").first
    found.wait_for()
    found.click()
    opened.page.wait_for_url("**/reference/scenario.html*")
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= width
    # the theme's search field asks for the focus, which a page with a fragment keeps
    assert [told for told in opened.complaints if not told.startswith("Autofocus ")] == []
    assert [asked for asked in opened.requests if not asked.startswith(site.as_uri())] == []
    assert axe_problems(opened.page) == []  # last: axe itself asks for style sheets
    opened.context.close()


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1280])
def test_commands_and_output_wrap(browser: Any, site: Path, width: int) -> None:
    opened = Opened(
        browser,
        (site / "tutorials" / "qa.html").as_uri(),
        viewport={"width": width, "height": 900},
    )
    wide = opened.page.evaluate(
        "[...document.querySelectorAll('pre > code')]"
        ".filter((code) => code.scrollWidth > code.clientWidth).map((code) => code.innerText)"
    )
    assert wide == []
    opened.context.close()
