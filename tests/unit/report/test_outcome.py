from pathlib import Path

import pytest

from harness.report.axes import facets, ordered, shown, varying
from harness.report.decisions import candidates_of, decisions
from harness.report.load import RunData, as_attempts, load_run
from harness.report.outcome import changes, small_multiples
from harness.report.settings import against_settings
from tests.fixtures.report_run import RunShape, make_run, small


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> RunData:
    shape = RunShape(
        profiles=("oneplus-7t",),
        speakers=("us-male",),
        sub_models=("S1", "S8"),
        batch_sizes=(2, 10),
        learning_rates=(1e-4, 1e-5),
        repeats=3,
        epochs=2,
    )
    return load_run(make_run(tmp_path_factory.mktemp("runs"), shape))


def test_a_panel_is_a_speaker_on_a_phone(quick: RunData) -> None:
    small = small_multiples(quick.final)
    assert [(panel.speaker, panel.phone) for panel in small.panels] == [
        ("us-male", "oneplus-7t"),
        ("ind-male", "oneplus-7t"),
        ("us-male", "redmi-note-7-pro"),
        ("ind-male", "redmi-note-7-pro"),
    ]
    assert [line.sub_model.name for line in small.panels[0].lines] == ["S1", "S5", "S8"]
    assert small.panels[0].baseline == pytest.approx(38.2)
    assert small.wer_max >= 58.4  # one scale for all
    assert small.epoch_max == 4
    assert all(not line.note for panel in small.panels for line in panel.lines)


def test_the_kept_epoch_is_the_results(quick: RunData) -> None:
    for panel in small_multiples(quick.final).panels:
        for line in panel.lines:
            match = [attempt for attempt in panel.attempts if attempt.sub_model == line.sub_model]
            kept = match[0].result.kept_epoch
            assert (line.kept.epoch if line.kept else None) == kept


def test_other_settings_get_panels_of_their_own_and_repeats_a_range(grid: RunData) -> None:
    small = small_multiples(grid.final)
    assert [panel.settings for panel in small.panels] == [
        (("batch size", "2"), ("learning rate", "1e-4")),
        (("batch size", "2"), ("learning rate", "1e-5")),
        (("batch size", "10"), ("learning rate", "1e-4")),
        (("batch size", "10"), ("learning rate", "1e-5")),
    ]
    last = small.panels[0].lines[0].points[-1].wer
    assert last.n == 3
    assert last.low < last.median < last.high


def test_changes_tell_before_after_and_both_differences(quick: RunData, grid: RunData) -> None:
    rows = changes(quick.final)
    assert len(rows) == 11  # the lost job has none
    assert rows[0].difference is not None
    assert rows[0].difference < -10
    assert rows[0].relative_percent == pytest.approx(100 * rows[0].difference / 38.2)
    assert all(len(row.attempts) == 3 for row in changes(grid.final))


def test_only_settings_that_vary_are_drawn(quick: RunData, grid: RunData) -> None:
    assert against_settings(quick.final) == ()
    rows = against_settings(grid.final)
    assert [row.axis.label for row in rows] == ["batch size", "learning rate"]
    assert [one.metric for one in rows[0].drawn] == [
        "wer_after_percent",
        "minutes_per_epoch",
        "peak_rss_mb",
    ]
    # the learning rate changes neither time nor memory: said, not drawn
    assert [one.metric for one in rows[1].drawn] == ["wer_after_percent"]
    assert len(rows[1].flat) == 2
    series = rows[0].drawn[2].series
    assert [(line.sub_model.name, len(line.points)) for line in series] == [("S1", 2), ("S8", 2)]
    assert series[0].points[0][1].n == 6


def test_a_setting_that_only_failures_differ_in_is_not_drawn(grid: RunData) -> None:
    only = [attempt for attempt in grid.final if attempt.result.batch_size == 2]
    assert [row.axis.label for row in against_settings(only)] == ["learning rate"]


def test_decisions_are_apart_by_need(quick: RunData) -> None:
    one = quick.attempts[0].result
    assert one.selection is not None
    other_need = one.selection.model_copy(update={"need_mb": {"S1": 300.0, "S8": 90.0}})
    other = one.model_copy(update={"selection": other_need, "job_id": "other", "batch_size": 10})
    none = one.model_copy(update={"selection": None, "job_id": "none"})
    found = decisions(as_attempts([one, other, none]))
    assert [len(view.choices) for view in found] == [1, 1]
    assert [name for name, _ in found[0].need_mb] == ["S1", "S5", "S8"]
    assert found[1].batch_sizes == (10,)


def test_only_candidates_and_what_was_chosen_are_shown(quick: RunData) -> None:
    one = quick.attempts[0].result
    assert one.selection is not None
    all_needs = {f"S{number}": 200.0 - 10 * number for number in range(1, 9)}
    chosen = one.selection.model_copy(update={"need_mb": all_needs, "sub_model": "S3"})
    attempts = as_attempts([one.model_copy(update={"selection": chosen})])
    offered = candidates_of({"trainer": {"candidates": ["S1", "S5", "S8"]}})
    (view,) = decisions(attempts, offered)
    assert [name for name, _ in view.need_mb] == ["S1", "S3", "S5", "S8"]
    (view,) = decisions(attempts, candidates_of({}))  # those of its network
    assert [name for name, _ in view.need_mb] == ["S1", "S3", "S5", "S8"]


def test_two_pressures_with_one_choice_stay_two_lines(tmp_path: Path) -> None:
    data = load_run(make_run(tmp_path, small(sub_models=("S1", "S5"))))
    results = [attempt.result for attempt in data.attempts]
    assert results[1].selection is not None
    same = results[1].selection.model_copy(update={"sub_model": "S1"})
    forced = [results[0], results[1].model_copy(update={"selection": same})]
    (panel,) = small_multiples(as_attempts(forced)).panels
    assert [(line.sub_model.name, line.note) for line in panel.lines] == [
        ("S1", "S1"),
        ("S1", "S5"),
    ]


def test_rounds_are_lines_of_their_own(tmp_path: Path) -> None:
    data = load_run(make_run(tmp_path, small(rounds=2)))
    (panel,) = small_multiples(data.final).panels
    assert [line.round for line in panel.lines] == [1, 2]
    assert [row.round for row in changes(data.final)] == [1, 2]


class TestAxes:
    def test_values_stand_in_reading_order(self) -> None:
        assert ordered([10, 2, 5, 2]) == (2, 5, 10)
        assert ordered(["b", "a", "c"], ("c", "a")) == ("c", "a", "b")
        assert ordered(["b", "a", "b"]) == ("b", "a")
        assert ordered([True, False, 1]) == (1, True, False)

    def test_what_varies_is_found_in_results_and_axes(self, quick: RunData) -> None:
        paths = [axis.path for axis in varying(quick.attempts)]
        assert paths == ["data.speaker", "phones.profile", "trainer.sub_model", "pressure.fits"]
        assert facets(varying(quick.attempts)) == ()

    def test_an_unknown_axis_keeps_its_path(self, quick: RunData) -> None:
        results = [
            one.result.model_copy(update={"axes": {"data.style": style}, "job_id": style})
            for one, style in zip(quick.attempts[:2], ("short", "full"), strict=True)
        ]
        axes = {axis.path: axis for axis in facets(varying(as_attempts(results)))}
        assert axes["data.style"].label == "data.style"
        assert not axes["data.style"].numeric

    def test_values_are_shown_as_a_scenario_writes_them(self) -> None:
        assert [shown(one) for one in (1e-5, 5, "x", None, [1, 2])] == [
            "1e-5",
            "5",
            "x",
            "none",
            "[1, 2]",
        ]
