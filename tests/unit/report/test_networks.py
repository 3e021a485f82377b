"""Pages of networks with few and with many sub-models, oddly named: order, look and room."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from harness.contract.network import Network
from harness.report.axes import FITS, SUB_MODEL, values_of
from harness.report.cost import needs
from harness.report.decisions import decisions
from harness.report.figures.against import against
from harness.report.figures.need import need_scatter
from harness.report.figures.plot import text_px
from harness.report.figures.selection import selection
from harness.report.figures.sheet import Drawn, Words
from harness.report.figures.wer import wer_panel
from harness.report.load import RunData, load_run
from harness.report.outcome import changes, small_multiples
from harness.report.page import render
from harness.report.settings import against_settings
from harness.report.style import FONT_PX
from tests.fixtures.networks import eighteen, three
from tests.fixtures.report_run import RunShape, make_run
from tests.unit.report.test_build import check

NETWORKS = {"three": three(), "eighteen": eighteen()}


@pytest.fixture(scope="module", params=NETWORKS)
def case(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Network, RunData]:
    network = NETWORKS[request.param]
    shape = RunShape(
        profiles=("oneplus-7t",),
        speakers=("us-male",),
        # a matrix need not name them in their order
        sub_models=tuple(sorted(network.sub_model_names)),
        network=network,
        batch_sizes=(2, 10),
        epochs=2,
    )
    return network, load_run(make_run(tmp_path_factory.mktemp("runs"), shape))


def labels(drawn: Drawn, names: tuple[str, ...]) -> list[Words]:
    """Return the texts that begin like a sub-model's name."""
    starts = tuple(name[:3] for name in names)
    items = [item for item in drawn.sheet.items if isinstance(item, Words)]
    return [item for item in items if item.text.startswith(starts)]


def check_room(drawn: Drawn, names: tuple[str, ...]) -> None:
    """Check that all names are there, inside of the sheet, and none on another."""
    found = labels(drawn, names)
    assert len(found) >= len(names)
    boxes = []
    for item in found:
        wide = text_px(item.text)
        left = {"left": item.x, "right": item.x - wide, "center": item.x - wide / 2}[item.anchor]
        boxes.append((left, left + wide, item.y))
        assert left >= 0, item
        assert left + wide <= drawn.sheet.width + 1, item
        assert FONT_PX <= item.y <= drawn.sheet.height, item
    for number, (left, right, y) in enumerate(boxes):
        for other_left, other_right, other_y in boxes[:number]:
            beside = left < other_right and other_left < right
            assert not beside or abs(y - other_y) >= FONT_PX * 0.9, found[number]


def test_tables_and_axes_have_the_networks_order(case: tuple[Network, RunData]) -> None:
    network, data = case
    assert values_of(data.final, SUB_MODEL) == network.sub_model_names
    assert values_of(data.final, FITS) == network.sub_model_names
    (view, *_) = decisions(data.attempts)
    assert tuple(name for name, _ in view.need_mb) == network.sub_model_names
    rows = [row.sub_model.label for row in changes(data.final)]
    assert tuple(dict.fromkeys(rows)) == network.sub_model_names


def test_labels_of_wer_have_room(case: tuple[Network, RunData]) -> None:
    network, data = case
    small = small_multiples(data.final)
    for panel in small.panels:
        assert [line.sub_model.label for line in panel.lines] == list(network.sub_model_names)
        check_room(wer_panel(panel, small), network.sub_model_names)


def test_labels_against_settings_have_room(case: tuple[Network, RunData]) -> None:
    network, data = case
    views = [view for row in against_settings(data.final) for view in row.drawn]
    assert views
    for view in views:
        check_room(against(view, "1"), network.sub_model_names)


def test_names_beside_needs_have_room(case: tuple[Network, RunData]) -> None:
    network, data = case
    check_room(need_scatter(needs(data.final), "all"), network.sub_model_names)


def test_names_of_all_candidates_have_room(case: tuple[Network, RunData]) -> None:
    network, data = case
    (view, *_) = decisions(data.attempts)
    drawn = selection(view, "1")
    check_room(drawn, network.sub_model_names)


def test_the_page_is_whole_and_says_all_names(case: tuple[Network, RunData]) -> None:
    network, data = case
    text = render([data])
    page = check(text)
    for name in network.sub_model_names:
        assert name in page.words
    roles = set(re.findall(r'class="mark" style="fill:var\(--(s\d+)\)', text))
    assert len(roles) == len(network.sub_models)
    assert {attrs.get("data-sub") for attrs in page.all("tr")} >= set(network.sub_model_names)


def test_networks_side_by_side_keep_their_orders(tmp_path: Path) -> None:
    one = RunShape(profiles=("oneplus-7t",), speakers=("us-male",), epochs=1)
    other = replace(one, network=three(), sub_models=("B_2", "whole"))
    runs = [
        load_run(make_run(tmp_path, one, "20260301-120000-one")),
        load_run(make_run(tmp_path, other, "20260301-130000-two"), first=4),
    ]
    attempts = tuple(attempt for data in runs for attempt in data.final)
    assert values_of(attempts, SUB_MODEL) == ("S1", "S5", "S8", "whole", "B_2")
    assert [attempt.sub_model.role for attempt in runs[0].final] == ["s0", "s24", "s42"]
    assert [attempt.sub_model.role for attempt in runs[1].final] == ["s42", "s0"]
    check(render(runs))
