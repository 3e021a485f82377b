"""Settings from best to worst, and what the first screen says of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.report.answer import key_figures
from harness.report.facets import Facets
from harness.report.heat import MOST_CELLS, WIDEST, heat
from harness.report.load import RunData, load_run
from harness.report.ranking import Ranking, ranking
from harness.results.wer_difference import wer_difference
from harness.results.wer_interval import Utterance
from tests.fixtures.report_run import Failing, RunShape, make_run, small


def ranked(data: RunData) -> Ranking | None:
    return ranking(data.final, Facets.of(data.attempts))


def utterances(errors: list[int]) -> list[Utterance]:
    return [Utterance(f"u{number}", wrong, 0, 0, 10) for number, wrong in enumerate(errors)]


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> RunData:
    shape = RunShape(profiles=("oneplus-7t",), batch_sizes=(1, 10), repeats=2, epochs=2)
    return load_run(make_run(tmp_path_factory.mktemp("sweep"), shape))


def test_a_setting_holds_its_speakers_and_repeats_and_no_other_setting(swept: RunData) -> None:
    view = ranked(swept)
    assert view is not None
    assert [setting.name for setting in view.settings[:1]] == ["batch size 10, S1"]
    assert {len(setting.attempts) for setting in view.settings} == {4}
    rates = [setting.after_percent for setting in view.settings]
    assert rates == sorted(rates)
    best = view.best
    assert best.interval is not None
    assert best.interval.low_percent is not None
    assert best.interval.high_percent is not None
    assert best.interval.low_percent < best.after_percent < best.interval.high_percent


def test_the_first_screen_names_the_best_setting_with_its_interval(swept: RunData) -> None:
    figures = key_figures([swept], (), ranked(swept))
    assert figures[0].label.startswith("lowest WER of 6 settings: batch size 10, S1; 95 % interval")
    assert figures[-1].figure == "12 of 12" or figures[-1].label == "jobs finished"


def test_settings_that_a_phone_lost_are_ranked_by_what_all_had(tmp_path: Path) -> None:
    shape = RunShape(failing=(Failing(0, "DeviceLost", retried=False),), epochs=2)
    view = ranked(load_run(make_run(tmp_path, shape)))
    assert view is not None
    # S1 has no job of one phone and speaker: three of the four count for all
    assert [len(setting.attempts) for setting in view.settings] == [3, 3, 3]
    assert view.unranked == 0
    failing = tuple(Failing(number, "DeviceLost", retried=False) for number in (0, 3, 6))
    view = ranked(load_run(make_run(tmp_path, RunShape(failing=failing, epochs=2), "second")))
    assert view is not None
    # now one of four would be left: S1 is left out instead
    assert [(setting.name, len(setting.attempts)) for setting in view.settings] == [
        ("S5", 4),
        ("S8", 4),
    ]
    assert view.unranked == 1


def test_one_setting_is_no_ranking_and_counts_speakers(tmp_path: Path) -> None:
    data = load_run(make_run(tmp_path, RunShape(sub_models=("S1",), epochs=2)))
    assert ranked(data) is None
    figures = key_figures([data], (), None)
    assert (figures[0].figure, figures[0].label) == ("2 of 2", "speakers whose WER fell")


def test_one_job_says_its_fall(tmp_path: Path) -> None:
    (fall, jobs) = key_figures([load_run(make_run(tmp_path, small()))], (), None)
    assert fall.figure.startswith("38.2 → ")
    assert jobs.label == "job finished"


def test_the_same_utterances_tell_what_intervals_alone_would_not() -> None:
    first = utterances([1, 9, 2, 8, 1, 9, 2, 8, 3, 7])
    # one word more wrong in each: far less than utterances differ by, and sure all the same
    second = utterances([errors + 1 for errors in [1, 9, 2, 8, 1, 9, 2, 8, 3, 7]])
    difference = wer_difference(first, second)
    assert difference is not None
    assert difference.points == pytest.approx(10.0)
    assert difference.clear
    assert wer_difference(first, list(reversed(first))) is not None
    same = wer_difference(first, first)
    assert same is not None
    assert not same.clear
    assert wer_difference(first[:1], second[:1]) is None
    assert wer_difference([], second) is None


def test_words_that_do_not_suffice_are_said(tmp_path: Path) -> None:
    shape = small(batch_sizes=(5, 6), spoil=lambda one: one, epochs=2)
    data = load_run(make_run(tmp_path, shape))
    view = ranked(data)
    assert view is not None
    figures = {figure.label: figure.figure for figure in key_figures([data], (), view)}
    if view.as_good:
        label = "other settings may be as good: too few words were heard to tell"
        assert figures[label] == "1 of 1"


def test_the_first_map_is_the_whole_matrix(swept: RunData) -> None:
    view = heat(swept.final, Facets.of(swept.attempts))
    assert view is not None
    every = [cell for _, cells in view.cells for cell in cells]
    assert {len(cell.attempts) for cell in every} == {2}
    assert sum(cell.best for cell in every) == 1
    assert len(view.names) <= WIDEST


def test_a_matrix_too_large_for_a_page_is_shown_by_two_settings(tmp_path: Path) -> None:
    shape = small(batch_sizes=tuple(range(1, 17)), learning_rates=(1e-4, 1e-5), epochs=1)
    data = load_run(make_run(tmp_path, shape))
    facets = Facets.of(data.attempts)
    view = heat(data.final, facets)
    assert view is not None
    assert max(len(axes) for axes in view.sides) == 1
    assert len(data.final) < MOST_CELLS
