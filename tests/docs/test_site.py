"""The documentation site builds without a warning, and a browser reads it from a file, alone."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.browser import Opened, axe_problems

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(out)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return out


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
    if width < 1000:
        opened.page.locator("label.md-icon[for=__search]").first.click()
    else:
        opened.page.locator(".md-search__input").click()
    opened.page.keyboard.type("patience")
    found = opened.page.locator(".md-search-result__item a", has_text="Scenario reference").first
    found.wait_for()
    found.click()
    opened.page.wait_for_url("**/reference/scenario.html*")
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= width
    assert opened.complaints == []
    assert [asked for asked in opened.requests if not asked.startswith(site.as_uri())] == []
    assert axe_problems(opened.page) == []  # last: axe itself asks for style sheets
    opened.context.close()
