"""Means to train with less: WER against bytes and memory, and which buys most."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.report.load import RunData, load_run
from harness.report.means import side_by_side
from harness.report.page import render
from harness.results.store import Rows
from tests.fixtures.federated_run import make_federated_run
from tests.fixtures.report_run import RunShape, make_run

COMPRESSION = "federated.compression"
WRONG = {None: 0.2, "S1E3M7": 0.2, "int4": 0.4}


@pytest.fixture(scope="module")
def codecs(tmp_path_factory: pytest.TempPathFactory) -> RunData:
    def heard(axes: Mapping[str, Any], round_: int) -> float:
        own = axes[COMPRESSION]
        return WRONG[own["format"] if own else None] if round_ else 0.5

    entries = [{COMPRESSION: None}, {COMPRESSION: "S1E3M7"}, {COMPRESSION: "int4"}]
    folder = tmp_path_factory.mktemp("means")
    return load_run(make_federated_run(folder, "{rounds: 1, hypotheses: true}", entries, heard))


def test_the_cheapest_that_is_not_surely_worse_buys_most(codecs: RunData) -> None:
    beside = side_by_side([codecs])
    assert beside is not None
    assert [means.name for means in beside.means] == ["float32", "S1E3M7", "int4"]
    assert [means.kind for means in beside.means] == ["", "codec", "codec"]
    buys = beside.least(lambda means: means.bytes)
    assert buys is not None
    assert (buys.lowest.name, buys.cheapest.name) == ("float32", "S1E3M7")
    above = beside.above[2]
    assert above is not None
    assert above.low_points > 0


def test_nothing_is_said_of_what_was_not_heard_or_not_measured(codecs: RunData) -> None:
    silent = replace(
        codecs, attempts=tuple(replace(a, read_hypotheses=Rows) for a in codecs.attempts)
    )
    beside = side_by_side([silent])
    assert beside is not None
    assert beside.least(lambda means: means.bytes) is None
    other = side_by_side([codecs])
    assert other is not None
    assert other.least(lambda means: means.peak_mb) is None


def test_the_section_has_a_figure_of_each_cost_that_differs(codecs: RunData) -> None:
    html = re.sub(r"\s+", " ", render([codecs]))
    section = html.partition('id="means"')[2].partition("</section>")[0]
    assert "WER in the end against bytes a client and round" in section
    assert "against memory" not in section  # nobody's was measured
    assert re.search(r"<b>S1E3M7</b> buys most", section)
    assert section.count("<tr><th scope") == 4


def test_one_setting_of_a_run_is_no_comparison_of_means(tmp_path: Path) -> None:
    one = load_run(make_run(tmp_path / "one"))
    assert side_by_side([one]) is None
    both = load_run(make_run(tmp_path / "both", replace(RunShape(), batch_sizes=(5, 10))))
    beside = side_by_side([both])
    assert beside is not None
    assert {means.kind for means in beside.means} == {"sub-model, batch size"}
    assert len(beside.means) == 6
    section = render([both]).partition('id="means"')[2]
    assert "WER in the end against memory" in section
    assert "against bytes" not in section.partition("</section>")[0]


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ({"recompute": True}, "gradient checkpointing"),
        ({"recompute": True, "resident": "int8"}, "few bits while training"),
    ],
)
def test_a_model_that_was_built_to_take_less_is_a_means(
    tmp_path: Path, said: dict[str, Any], kind: str
) -> None:
    usual = load_run(make_run(tmp_path / "usual", replace(RunShape(), batch_sizes=(5,))))
    models = {name: {**model, **said} for name, model in usual.record.models.items()}
    less = replace(usual, record=usual.record.model_copy(update={"models": models}))
    beside = side_by_side([usual, less])
    assert beside is not None
    assert {means.kind for means in beside.means} == {"sub-model", f"sub-model, {kind}"}
    alike = side_by_side([less, less])
    assert alike is None  # what all have is nothing that they differ by
