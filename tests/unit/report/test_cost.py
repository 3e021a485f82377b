from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from harness.report.cost import needs, phase_costs, thin, timeline, use_of
from harness.report.load import RunData
from harness.results.samples import SAMPLE_SCHEMA


class TestThin:
    def test_no_peak_is_lost(self) -> None:
        t = np.arange(3600.0)
        value = np.sin(t / 50)
        value[1234], value[2345] = 40.0, -40.0
        trace = thin(t, value, 100)
        assert trace.t_s.size <= 200
        assert trace.value.max() == 40.0
        assert trace.value.min() == -40.0
        assert trace.t_s[int(np.argmax(trace.value))] == 1234.0
        assert (np.diff(trace.t_s) >= 0).all()
        assert (trace.t_s[0], trace.t_s[-1]) == (pytest.approx(0, abs=36), pytest.approx(3599, 36))

    def test_short_series_are_kept_whole(self) -> None:
        t = np.arange(50.0)
        trace = thin(t, t * 2, 100)
        assert trace.value.tolist() == (t * 2).tolist()

    @pytest.mark.parametrize("buckets", [5, 400])
    def test_missing_seconds_break_the_line(self, buckets: int) -> None:
        t = np.r_[np.arange(100.0), np.arange(130.0, 200.0)]
        trace = thin(t, np.ones_like(t), buckets, gap_s=2.5)
        broken = np.flatnonzero(np.isnan(trace.value))
        assert broken.size == 1
        assert trace.t_s[broken[0] - 1] < 100 <= trace.t_s[broken[0] + 1]

    def test_unknown_values_are_left_out_and_never_zero(self) -> None:
        trace = thin(np.arange(4.0), np.array([np.nan, 5.0, np.nan, 7.0]), 10)
        assert trace.value.tolist() == [5.0, 7.0]
        assert not thin(np.arange(3.0), np.full(3, np.nan), 10).known


def test_the_phones_cpu_is_one_line_though_it_moves_once_a_second(quick: RunData) -> None:
    attempt = quick.attempts[0]
    assert attempt.result.sampling is not None
    fast = attempt.result.sampling.model_copy(update={"period_s": 0.2})
    attempt = replace(attempt, result=attempt.result.model_copy(update={"sampling": fast}))
    samples = attempt.read_samples()  # a second apart
    view = timeline(attempt, samples)
    assert view is not None
    assert np.isfinite(view.trace("phone_cpu_percent").value).all()
    assert np.isnan(view.trace("available_mb").value).any()


def test_timeline_reads_every_line(quick: RunData) -> None:
    first = quick.attempts[0]
    samples = first.read_samples()
    view = timeline(first, samples)
    assert view is not None
    names = {one.column.name for one in view.charted if one.trace.known}
    assert names >= {
        "trainer_cpu_percent_one_core",
        "phone_cpu_percent",
        "trainer_rss_mb",
        "trainer_pss_mb",
        "available_mb",
        "battery_percent",
        "temperature_c",
    }
    # what the loop steers is what is available plus what the trainer holds
    held = (view.to_trainer.t_s > 15) & (view.to_trainer.t_s < 60)
    assert np.nanmedian(view.to_trainer.value[held]) == pytest.approx(264, abs=6)
    assert view.available_in_training is not None
    assert view.available_in_training < 500  # the seconds before the pressure do not count
    assert np.nanmax(view.trace("available_mb").value) > 4000
    assert "battery_temperature_c" not in names  # there are sensors
    at = samples.schema.get_field_index("temperature_c")
    none = pa.nulls(samples.num_rows, pa.float32())
    view = timeline(first, samples.set_column(at, "temperature_c", none))
    assert view is not None
    assert view.trace("battery_temperature_c").known


def test_nothing_sampled_is_no_timeline(quick: RunData) -> None:
    first = quick.attempts[0]
    empty = SAMPLE_SCHEMA.empty_table()
    assert timeline(first, empty) is None
    assert use_of(first, empty).battery_drop is None


def test_use_counts_training_only(quick: RunData) -> None:
    first = quick.attempts[0]
    use = use_of(first, first.read_samples())
    assert use.battery_drop == pytest.approx(2)
    assert use.cpu_mean_core is not None
    assert use.cpu_mean_core > 100
    assert use.available_min is not None
    assert use.available_min < 100
    assert use.plugged is False


def test_phase_costs_are_by_sub_model_and_in_the_trainers_order(quick: RunData) -> None:
    costs = phase_costs(quick.attempts)
    assert [cost.sub_model.name for cost in costs[:5]] == ["S1"] * 5
    names = [cost.phase for cost in costs[:5]]
    assert names == ["preprocess", "load", "train", "evaluate", "save"]
    train = {cost.sub_model.name: cost for cost in costs if cost.phase == "train"}
    s1, s8 = train["S1"].rss_peak_mb, train["S8"].rss_peak_mb
    assert s1 is not None
    assert s8 is not None
    assert s1.median > s8.median


def test_needs_are_of_those_that_have_both(quick: RunData) -> None:
    found = needs(quick.attempts)
    assert len(found) == 11
    assert all(one.attempt.finished for one in found)
