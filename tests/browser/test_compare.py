"""The page of ``harness compare`` and ``nightly`` as a reader's browser shows it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.cli.verdict import judge
from harness.results.model import AttemptResult
from tests.fixtures.browser import Opened, axe_problems, layout_problems
from tests.fixtures.exits_run import make_exits_run
from tests.fixtures.report_run import RunShape, make_run

pytestmark = pytest.mark.browser


def _slower(result: AttemptResult) -> AttemptResult:
    return result.model_copy(update={"minutes_per_epoch": 3 * (result.minutes_per_epoch or 0.0)})


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A night that got worse in one figure, judged by one before it."""
    root = tmp_path_factory.mktemp("compare")
    shape = RunShape(
        profiles=("oneplus-7t",), speakers=("us-male",), sub_models=("S8",), repeats=5, epochs=1
    )
    before = make_run(root, shape, "before")
    now = make_run(root, replace(shape, spoil=_slower, seed=2), "now")
    out = root / "compare.html"
    judge([before, now], alpha=0.5, minimum={}, out=out, junit=root / "nightly.xml")
    return out


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 360)])
def test_it_is_quiet_fits_and_axe_finds_nothing(
    browser: Any, page: Path, scheme: str, width: int
) -> None:
    url = page.as_uri()
    one = Opened(browser, url, color_scheme=scheme, viewport={"width": width, "height": 800})
    assert one.complaints == []
    assert one.requests == [url]
    assert layout_problems(one.page) == []
    assert axe_problems(one.page) == []
    assert one.page.evaluate("document.documentElement.scrollWidth") <= width
    text = one.page.inner_text("main")
    assert "minutes an epoch" in text
    assert "worse" in text
    one.context.close()


def test_exits_before_and_now_fit_a_phone_and_axe_finds_nothing(
    browser: Any, tmp_path: Path
) -> None:
    made = {"conformer-mini": (0.5, 0.25, 0.05)}
    runs = [
        make_exits_run(tmp_path / f"{seed}", made, leave_at=(0, 1), seed=seed) for seed in (1, 2)
    ]
    out = tmp_path / "compare.html"
    judge(runs, alpha=0.5, minimum={}, out=out, junit=tmp_path / "nightly.xml")
    one = Opened(browser, out.as_uri(), viewport={"width": 360, "height": 800})
    assert one.complaints == []
    assert layout_problems(one.page) == []
    assert axe_problems(one.page) == []
    assert "together" in one.page.inner_text("#exits")
    one.context.close()
