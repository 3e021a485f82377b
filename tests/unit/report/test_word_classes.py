"""Rare and common words on the page: counted by hand, on a run whose hypotheses are made up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.errors import InputError
from harness.report.build import build_report
from harness.report.expect import check_all
from harness.report.load import load_run
from harness.report.observed import observed
from harness.report.word_classes import epochs_of, in_words, list_in_words, percent, run_classes
from harness.results.store import HypothesisRow, RunFolder
from harness.scenario.report import Report
from tests.fixtures.federated_run import WORDS, make_federated_run
from tests.fixtures.report_run import RunShape, make_run

SHAPE = RunShape(profiles=("oneplus-7t",), sub_models=("S1",), speakers=("us-male",), epochs=2)
TRAINED = ("the boat went out", "the fog", "the boat")
"""the 3, boat 2, the others once."""


def row(epoch, name, reference, hypothesis, errors=0):
    return HypothesisRow(
        epoch=epoch, id=name, reference=reference, hypothesis=hypothesis, substitutions=errors,
        deletions=0, insertions=0, reference_words=len(reference.split()),
    )  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> Path:
    path = make_run(tmp_path, SHAPE)
    (folder,) = RunFolder.open(path).attempts()
    kept = folder.result().kept_epoch or 0
    folder.write_hypotheses(
        [
            row(0, "u1", "the boat went", "the goat when", 2),
            row(0, "u2", "the zebra", "the zebra boat", 0),
            row(kept, "u1", "the boat went", "the boat when", 1),
            row(kept, "u2", "the zebra", "the zebra", 0),
        ]
    )
    train = [{"id": f"t{n}", "path": "/a.wav", "text": text} for n, text in enumerate(TRAINED)]
    job = {"data": {"speaker": "us-male", "train": train}}
    (folder.path / "job.json").write_text(json.dumps(job))
    return path


def asked(**rare):
    return Report.model_validate({"rare_words": rare, "characters": True})


def figures(run, report):
    (found,) = run_classes([load_run(run, asked=report)])
    (one,) = found.rows
    return found, {figure.kind: figure for figure in one.kinds}


def counts(interval):
    return (
        interval.substitutions, interval.deletions, interval.insertions, interval.words
    )  # fmt: skip


def test_counts_by_class(run):
    found, kinds = figures(run, asked(vocabulary_rank=2))
    # common: the, boat; went is rare by its rank, zebra since no list has it
    assert counts(kinds["rare"].before) == (1, 0, 0, 2)
    assert counts(kinds["common"].before) == (1, 0, 1, 3)
    assert counts(kinds["rare"].after) == (1, 0, 0, 2)
    assert counts(kinds["common"].after) == (0, 0, 0, 3)
    assert kinds["common"].reduction_percent == 100
    assert kinds["rare"].reduction_percent == 0
    assert percent(kinds["characters"].after) == pytest.approx(100 * 2 / 22)  # went, when
    assert found.known_percent == 80
    assert "50.0 % of rare words and 0.0 % of common ones" in in_words(found)
    assert (
        "5 words; 80.0 % of what is said is among them. Of 4 different words said, 2 are rare"
        in list_in_words(found)
    )
    epochs = epochs_of(found.rows[0], found.scoring)
    assert (epochs[0].epoch, epochs[0].kept) == (0, False)
    assert any(epoch.kept for epoch in epochs)


def test_a_class_that_is_never_said_is_none(run):
    _, kinds = figures(run, asked(max_count=0))
    assert counts(kinds["rare"].after) == (0, 0, 0, 1)  # zebra
    folder = next(iter(RunFolder.open(run).attempts()))
    folder.write_hypotheses([r for r in folder.hypotheses() if r.id == "u1"])
    data = load_run(run)
    report = asked(max_count=0)
    record = data.record.model_copy(
        update={"scenario": {**data.record.scenario, "report": report.model_dump()}}
    )
    RunFolder.open(run).write_record(record)
    (found,) = run_classes([load_run(run)])
    rare = next(figure for figure in found.rows[0].kinds if figure.kind == "rare")
    assert rare.after is None
    assert percent(rare.after) is None
    assert rare.reduction_percent is None
    page = build_report(run, run / "page.html").read_text()
    assert "Which words were misheard?" in page
    assert ">none</td>" in page
    assert "No training has both rare and common words." in page


@pytest.mark.parametrize(
    ("rare", "words", "message"),
    [
        ({"max_count": 0}, "zebra\t1\nthe\t4\nboat\t1\nwent\t9\n", "no word of the 4"),
        ({"max_count": 99}, "zebra\t1\nthe\t4\n", "all of the 4 words"),
        ({"vocabulary_rank": 2}, "ciao\nbuono\n", "none of the 2 words"),
        ({"max_count": 2}, "the\nboat\n", "no counts|has none"),
        ({"max_count": 2}, "the boat went\n", "is no list of words"),
        ({"max_count": 2}, "the\t1\nboat\n", "is no list of words"),
        ({"max_count": 2}, "\n", "has no word"),
    ],
)
def test_a_list_that_tells_nothing_is_refused(run, tmp_path, rare, words, message):
    file = tmp_path / "words.txt"
    file.write_text(words)
    with pytest.raises(InputError, match=message) as raised:
        load_run(run, asked=asked(**rare, words=str(file)))
    assert str(file) in raised.value.where


def test_expectations_and_comparisons_have_the_rates(run):
    data = load_run(run, asked=asked(vocabulary_rank=2))
    (attempt,) = data.final
    assert attempt.read_figures() == pytest.approx(
        {"rare_wer_percent": 50, "common_wer_percent": 0, "cer_percent": 100 * 2 / 22}
    )
    expected = [
        {"metric": "rare_wer_percent", "above": 49},
        {"metric": "cer_percent", "below": 9},
        {"metric": "common_wer_percent", "below": 1},
    ]
    verdicts = [check.verdict for check in check_all(expected, data.final)]
    assert verdicts == ["holds", "does not hold", "holds"]
    (observation,) = observed([data])[0]
    assert observation.values["rare_wer_percent"] == 50
    (plain,) = load_run(run).final
    assert plain.read_figures() == {}
    assert check_all(expected[:1], [plain])[0].verdict == "cannot be said"


def test_without_being_asked_for_there_is_no_section(run):
    assert load_run(run).scoring is None
    assert run_classes([load_run(run)]) == ()
    assert "Which words were misheard?" not in build_report(run, run / "p.html").read_text()


def test_a_report_of_a_newer_harness_is_told(run):
    record = load_run(run).record
    scenario = {**record.scenario, "report": {"unheard_of": 1}}
    RunFolder.open(run).write_record(record.model_copy(update={"scenario": scenario}))
    data = load_run(run)
    assert data.scoring is None
    assert any("scenario.report" in problem for problem in data.problems)


def test_the_model_of_federated_rounds(tmp_path):
    path = make_federated_run(
        tmp_path,
        "{rounds: 2, hypotheses: true}",
        [{"trainer.seed": 1}],
        lambda _, round_: 0.5 - 0.1 * round_,
        utterances=6,
        speakers=2,
    )
    (found,) = run_classes([load_run(path, asked=Report(characters=True))])
    (row,) = found.rows
    assert row.name.startswith("2 clients")
    whole = row.kinds[0]
    assert whole.before.words == whole.after.words == 6 * 2 * WORDS
    assert percent(whole.before) > percent(whole.after)
    epochs = epochs_of(row, found.scoring)
    assert [(epoch.epoch, epoch.kept) for epoch in epochs] == [(0, False), (1, False), (2, True)]
