"""Federated training on the page: from a run folder to the table of clients by round."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.report.answer import key_figures
from harness.report.figures.rounds import WIDTH, rounds_figure
from harness.report.load import load_run
from harness.report.page import render
from harness.report.rounds import Round, Training, trainings
from harness.report.style import FONT_PX
from harness.report.words import headline
from tests.fixtures.fake_feed import FakeFeed
from tests.fixtures.federated import write_scenario
from tests.fixtures.federated_run import play


def run_of(folder: Path, text: str, fates: dict[tuple[str, int], str], push: float = 0.1) -> Path:
    """Make a federated run without phones, with a record as a run has it."""
    loaded = write_scenario(folder, text)
    feed = FakeFeed(
        folder / "run",
        loaded,
        fate=lambda client, round_: fates.get((client, round_), "ok"),
        rate=lambda round_: [60.0, 30.0, 40.0][min(round_, 2)],
        push=push,
    )
    play(folder, feed, loaded)
    return folder / "run"


def test_who_did_what_in_each_round(tmp_path):
    run = run_of(
        tmp_path,
        "federated: {rounds: 2, privacy: {clip: 1.0, noise: 2.0}}",
        {("ann", 1): "lost", ("bob", 1): "idle", ("cy", 2): "late"},
    )
    data = load_run(run)
    # half of three, rounded up, have to answer: in round 1 only one does
    (training,) = trainings([data])
    assert [round_.number for round_ in training.rounds] == [0, 1]
    assert training.rounds[0].mean_rate == 60.0


def test_rounds_and_their_cells(tmp_path):
    run = run_of(
        tmp_path,
        "federated: {rounds: 2, min_answers: 1, privacy: {clip: 1.0, noise: 2.0}}",
        {("ann", 1): "lost", ("bob", 1): "idle", ("cy", 2): "late"},
    )
    (training,) = trainings([load_run(run)])
    assert training.clients == ("ann", "bob", "cy")
    first, second = training.rounds[1:]
    assert {client: cell.state for client, cell in first.cells.items()} == {
        "ann": "late",  # a phone was lost, and no result was written: nothing is known of it
        "bob": "left out",
        "cy": "answered",
    }
    assert "trained no epoch" in first.cells["bob"].why
    assert {client: cell.state for client, cell in second.cells.items()} == {
        "ann": "answered",
        "bob": "answered",
        "cy": "late",
    }
    assert (len(second.answered), second.asked) == (2, 3)
    assert second.up_bytes == sum(second.cells[c].up_bytes for c in ("ann", "bob"))
    assert [round_.mean_rate for round_ in training.evaluated] == [60.0, 30.0, 40.0]
    assert training.forgotten == (("ann", 30.0, 40.0), ("bob", 30.0, 40.0), ("cy", 30.0, 40.0))
    epsilon, delta = training.epsilon
    assert epsilon > 0
    assert delta == 1e-5
    page = render([load_run(run)])
    assert "What did the rounds come to?" in page
    assert "10.0 points above its lowest" in page
    assert "trained no epoch" in page


def test_the_answer_is_of_the_model_and_not_of_each_job(tmp_path):
    data = load_run(run_of(tmp_path, "federated: {rounds: 1}", {}))
    assert "the mean WER of 3 clients in 1 round fell: 60.0 % to 30.0 %" in headline(data)
    assert "speakers" not in headline(data)
    figures = [figure.figure for figure in key_figures([data], (), None)]
    assert "60.0 → 30.0 %" in figures
    assert len(figures) == 2
    page = render([data])
    assert "WER against epochs" not in page


def test_other_runs_have_no_such_section(tmp_path):
    assert trainings([]) == []


@pytest.mark.parametrize("names", [("ann", "bob"), ("wwwwwwwwwwwwwwwww", "mmmmmmmmmmmmmmmmmmm")])
def test_names_at_the_ends_of_the_lines_have_room(names):
    rounds = tuple(Round(number, {}, dict.fromkeys(names, 40.0), None, {}) for number in range(3))
    svg = rounds_figure(Training("k", "fedavg", (), names, rounds))
    labels = re.findall(r'<text x="([\d.]+)"[^>]*>([^<]* 40\.0)</text>', svg)
    assert len(labels) == 3, svg[-800:]
    # advances of DejaVu Sans, of its em
    wide = {"m": 0.974, "w": 0.818, "…": 1.0, " ": 0.318, ".": 0.318}
    for x, text in labels:
        assert float(x) + FONT_PX * sum(wide.get(c, 0.64) for c in text) <= WIDTH


def test_weights_that_travelled_in_few_bits(tmp_path):
    run = run_of(tmp_path, "federated: {rounds: 2, compression: S1E3M7}", {})
    (training,) = trainings([load_run(run)])
    assert [number for number, _ in training.travelled] == [1, 2]
    travel = training.travelled[0][1]
    assert travel.coding == "S1E3M7/fn"
    assert travel.sent_bytes < travel.float32_bytes
    assert travel.update_bytes < travel.float32_bytes
    assert 0 < travel.error < 0.01
    assert travel.changed > 0.9
    assert not training.still
    page = render([load_run(run)]).replace("\n", " ")
    assert "Weights that travelled in fewer bits" in page
    assert "stood still" not in page.partition("Weights that travelled")[0]


def test_training_that_stands_still_is_an_alarm(tmp_path):
    """Weights of which no code moves: the paper's way, with steps of a thousandth."""
    coarse = "{format: S1E2M1, ways: up, variant: as_printed}"
    run = run_of(
        tmp_path, f"federated: {{rounds: 1, compression: {coarse}}}", {}, push=1e-6
    )  # fmt: skip
    (training,) = trainings([load_run(run)])
    assert training.still == ((1, ("ann", "bob", "cy")),)
    page = render([load_run(run)]).replace("\n", " ")
    assert "Training stood still in round 1: of ann, bob, cy no code changed" in page


def test_float32_says_nothing_of_bits(tmp_path):
    run = run_of(tmp_path, "federated: {rounds: 1}", {})
    assert "fewer bits" not in render([load_run(run)])


def test_what_of_the_network_the_clients_had(tmp_path):
    run = run_of(
        tmp_path, "federated: {rounds: 2, pruning: {level: 0.5, masked: true}}", {("cy", 2): "late"}
    )
    (training,) = trainings([load_run(run)])
    assert [round_.number for round_, _ in training.pruned] == [1, 2]
    html = render([load_run(run)])
    (table,) = re.findall(r"<table>\s*<caption>What of the network.*?</table>", html, re.DOTALL)
    assert "all of it with zeros" in table
    words = re.sub(r"<[^>]+>", " ", table)
    assert "BLSTM1 8/16" in words
    record = training.pruned[0][1]
    assert f" {100 * record.parameters_share:.1f} " in words
    (tmp_path / "b").mkdir()
    whole = load_run(run_of(tmp_path / "b", "federated: {}", {}))
    assert "What of the network" not in render([whole])
