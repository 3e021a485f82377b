"""WERR on pages, in frames and by `harness score`: by hand, on runs that are made up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import harness
from harness.cli.score_tables import figures_of
from harness.export.frames import frames
from harness.report.build import build_report
from harness.report.load import load_run, load_runs
from harness.report.werr import against_first, in_words, matrices
from harness.results.store import HypothesisRow, RunFolder
from harness.scenario.report import Report
from tests.fixtures.federated_run import make_federated_run
from tests.fixtures.report_run import RunShape, make_run

SHAPE = RunShape(
    profiles=("oneplus-7t",), speakers=("us-male", "ind-male"), sub_models=("S1", "S8"), epochs=1
)
ERRORS = {("us-male", "S1"): 1, ("us-male", "S8"): 4, ("ind-male", "S1"): 3, ("ind-male", "S8"): 2}
"""After training, of 3 utterances of ten words; before it 6 each."""


def rows(epoch, errors):
    return [
        HypothesisRow(
            epoch=epoch, id=f"u{number}", reference=" ".join("abcdefghij"),
            hypothesis=" ".join("abcdefghij"), substitutions=errors if number == 1 else 0,
            deletions=0, insertions=0, reference_words=10,
        )
        for number in (1, 2, 3)
    ]  # fmt: skip


def made(root: Path, more: int = 0, **changes) -> Path:
    path = make_run(root, SHAPE)
    folder = RunFolder.open(path)
    for attempt in folder.attempts():
        result = attempt.result()
        axes = dict(result.axes)
        errors = ERRORS[result.speaker, axes["pressure.fits"]] + more
        attempt.write_hypotheses([*rows(0, 6), *rows(result.kept_epoch, errors)])
        if changes:
            attempt.write_result(result.model_copy(update=changes))
    if changes:
        record = folder.record()
        folder.write_record(record.model_copy(update=changes))
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    return made(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def later(tmp_path_factory) -> Path:
    return made(tmp_path_factory.mktemp("later"), more=1, run_id="<b>later</b>")


def asked(**fields):
    return Report.model_validate(fields)


def only(run, **fields):
    (matrix,) = matrices([load_run(run, asked=asked(**fields))])
    return matrix


def test_against_the_jobs_with_a_value(run):
    matrix = only(run, baseline={"pressure.fits": "S8"})
    assert matrix.baseline == "pressure: fits S8"
    (row,) = matrix.rows
    assert row.cells["us-male"].percent == pytest.approx(75)
    assert row.cells["ind-male"].percent == pytest.approx(-50)
    assert row.together.percent == pytest.approx(100 * 2 / 6)
    assert (row.together.base.errors, row.together.new.errors) == (6, 4)
    assert row.settings[0] == ("pressure: fits", "S1")
    assert in_words(matrix).startswith("Against pressure: fits S8, WERR is +33.3 %")
    assert "6 word errors became 4" in in_words(matrix)


def test_average_of_ratios_is_another_figure_and_both_are_named(run, tmp_path):
    matrix = only(run, baseline={"pressure.fits": "S8"}, average="mean_of_ratios")
    assert matrix.rows[0].together.percent == pytest.approx((75 - 50) / 2)
    assert matrix.rows[0].averages["pooled"].percent == pytest.approx(100 * 2 / 6)
    both = "by the mean of the speakers' own WERR; by all speakers' errors together it is +33.3 %"
    assert both in in_words(matrix)
    page = build_report(run, tmp_path / "p.html", asked(baseline={"pressure.fits": "S8"}))
    text = page.read_text()
    assert "All, errors together" in text
    assert "All, mean of their WERR" in text


def test_in_words_where_one_of_several_settings_has_a_figure(run):
    matrix = only(run, baseline="before")
    first, second, *rest = matrix.rows
    nothing = dict.fromkeys(second.averages, replace(second.together, percent=None))
    one = replace(matrix, rows=(first, replace(second, averages=nothing), *rest))
    assert in_words(one).startswith("Against the start of each training, WERR is ")


def test_against_each_trainings_start(run):
    matrix = only(run, baseline="before")
    by_setting = {dict(row.settings).get("pressure: fits"): row for row in matrix.rows}
    assert by_setting["S1"].cells["us-male"].percent == pytest.approx(100 * 5 / 6)
    assert by_setting["S8"].together.percent == pytest.approx(50)
    assert by_setting[None].together.new.errors == 10  # all settings together
    assert matrix.whole == (matrix.rows[-1],)


def test_a_speaker_of_whom_there_is_no_baseline_is_counted_as_left_out(run):
    matrix = only(run, baseline={"pressure.fits": "S8", "data.speaker": "us-male"})
    assert matrix.alone == 2  # what another speaker says is not to be compared
    assert set(matrix.speakers) == {"us-male"}


def test_a_page_of_several_runs_is_against_the_first(run, later, tmp_path):
    runs = load_runs([run, later])
    matrix = against_first(runs)
    assert matrix is not None
    assert all(row.together.percent < 0 for row in matrix.rows)
    page = build_report([run, later], tmp_path / "two.html").read_text()
    assert "How much better than the baseline?" in page
    assert '<span class="bad">−' in page
    assert "<b>later</b>" not in page


def test_an_utterance_of_other_words_is_not_the_same_one(run, tmp_path):
    other = made(tmp_path, run_id="folded")
    for attempt in RunFolder.open(other).attempts():
        kept = attempt.result().kept_epoch
        own = [*rows(0, 6), *rows(kept, 2)]
        first = own[3].model_copy(update={"reference": "other words " * 5, "substitutions": 9})
        attempt.write_hypotheses([*own[:3], first, *own[4:]])
    matrix = against_first(load_runs([run, other]))
    assert matrix is not None
    assert {cell.utterances for row in matrix.rows for cell in row.cells.values()} == {2}
    assert {row.together.new.errors for row in matrix.rows} == {0}


def test_without_a_baseline_there_is_no_section(run):
    page = build_report(run, run / "p.html").read_text()
    assert "How much better than the baseline?" not in page
    assert against_first([load_run(run)]) is None


def test_frames_and_files(run):
    opened = harness.open_run(run)
    assert len(opened.word_errors) == 0
    assert "werr" not in dict(frames(opened))
    scored = opened.scored({"baseline": {"pressure.fits": "S8"}, "characters": True})
    assert set(scored.werr.of) == {"all", "characters"}
    whole = scored.werr[scored.werr.of == "all"]
    own = whole[whole.average.isna()].set_index("speaker").werr_percent
    assert own.to_dict() == pytest.approx({"us-male": 75, "ind-male": -50})
    over_all = whole[whole.speaker.isna()].set_index("average").werr_percent
    assert over_all.to_dict() == pytest.approx(
        {"pooled": 100 * 2 / 6, "mean_of_ratios": (75 - 50) / 2}
    )
    errors = scored.word_errors
    before = errors[(errors.epoch == 0) & (errors.of == "all")]
    assert set(before.substitutions) == {6}
    assert set(before.rate_percent) == {20}
    assert not errors.duplicated(["job_id", "attempt", "epoch", "speaker", "of"]).any()
    assert {"word_errors", "werr"} <= set(dict(frames(scored)))
    with pytest.raises(harness.errors.InputError):
        opened.scored({"costs": "1"})


def test_figures_for_scripts(run, later):
    found = figures_of(load_runs([run, later], asked(baseline={"pressure.fits": "S8"})))
    assert found["runs"] == [load_run(run).record.run_id, "<b>later</b>"]
    whole = [row for row in found["werr"] if row["speaker"] is None]
    assert {row["baseline"] for row in whole} == {"pressure: fits S8", f"run {found['runs'][0]}"}
    assert {row["run"] for row in found["word_errors"]} == set(found["runs"])


def test_the_last_model_of_a_federated_training_against_its_start_and_against_another(tmp_path):
    variants = [{"federated.local_epochs": n} for n in (1, 2)]
    federated = "{rounds: 2, hypotheses: true, evaluate_every: 2}"

    def wrong(axes, number):
        return 0.8 if number == 0 else 0.8 / (1 + axes["federated.local_epochs"])

    run = make_federated_run(tmp_path, federated, variants, wrong, speakers=2)
    start = only(run, baseline="before")
    assert len(start.speakers) == 2
    by_setting = {dict(row.settings).get("federated.local epochs"): row for row in start.rows}
    for epochs in (1, 2):
        fewer = by_setting[str(epochs)].together.percent
        assert fewer == pytest.approx(100 * (1 - 1 / (1 + epochs)), abs=5)
    beside = only(run, baseline={"federated.local_epochs": 1})
    assert beside.rows[0].together.percent == pytest.approx(100 / 3, abs=8)
    assert beside.alone == 0
    frame = harness.open_run(run).scored({"baseline": "before"}).werr
    pooled = frame[frame.average == "pooled"].set_index("federated.local_epochs").werr_percent
    assert pooled.to_dict() == pytest.approx(
        {epochs: by_setting[str(epochs)].together.percent for epochs in (1, 2)}
    )
