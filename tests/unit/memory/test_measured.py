import pytest

from harness.memory.measured import Conditions, Measured, MemoryModel, MemoryRecord, split
from harness.memory.sizes import LayerSizes, NetworkSizes

CONDITIONS = Conditions(
    date="2026-01-01", runtime="r 1", python="3.11", platform="p", threads=2, utterances=80
)
SIZES = NetworkSizes(
    layers=tuple(
        LayerSizes(name=f"L{n}", trainable=1000 * (9 - n), activations=100.0 * (n + 1))
        for n in range(9)
    )
)


def point(sub_model, batch_size, need_mb, selected_mb=50.0):
    return Measured(
        sub_model=sub_model, batch_size=batch_size, need_mb=need_mb, selected_mb=selected_mb
    )


def model(*points, held_out=(), sizes=SIZES):
    record = MemoryRecord(
        conditions=CONDITIONS, files={1: "0" * 64}, calibrating=points, held_out=held_out
    )
    return MemoryModel(record, sizes)


def test_two_batch_sizes_give_a_line():
    found = model(point("S1", 1, 120), point("S1", 10, 300)).predict("S1", 5)
    assert found.need_mb == pytest.approx(200)
    assert found.peak_mb == pytest.approx(250)
    assert not found.interpolated
    assert not found.extrapolated


def test_outside_the_measured_batch_sizes_is_said():
    made = model(point("S1", 2, 120), point("S1", 10, 200))
    assert made.predict("S1", 20).need_mb == pytest.approx(300)
    assert made.predict("S1", 20).extrapolated
    assert made.predict("S1", 1).extrapolated


def test_more_than_two_points_are_fitted_in_percent():
    points = [point("S1", 1, 100), point("S1", 5, 150), point("S1", 10, 190)]
    made = model(*points)
    errors = [made.predict("S1", one.batch_size).need_mb / one.need_mb - 1 for one in points]
    assert max(map(abs, errors)) < 0.05
    assert min(errors) < 0 < max(errors)


def test_between_measured_sub_models():
    made = model(
        *(point("S1", 1, 120), point("S1", 2, 140)), *(point("S8", 1, 55), point("S8", 2, 60))
    )
    found = made.predict("S5", 3)
    assert found.interpolated
    # fixed parts 100 and 50 by trained parameters, utterances' 20 and 5 by activations
    state = (SIZES.trainable("S5") - SIZES.trainable("S8")) / (
        SIZES.trainable("S1") - SIZES.trainable("S8")
    )
    kept = (SIZES.activations_of("S5") - SIZES.activations_of("S8")) / (
        SIZES.activations_of("S1") - SIZES.activations_of("S8")
    )
    assert 0 < state < 1
    assert found.need_mb == pytest.approx(50 + 50 * state + 3 * (5 + 15 * kept))


def test_nothing_is_made_up():
    one_size = model(point("S1", 2, 120), point("S8", 2, 60))
    assert one_size.predict("S1", 2) is None
    ends = model(*(point("S4", 1, 120), point("S4", 2, 140)))
    assert ends.predict("S1", 2) is None
    assert ends.predict("S8", 2) is None
    both = (point("S1", 1, 120), point("S1", 2, 140), point("S8", 1, 55), point("S8", 2, 60))
    assert model(*both, sizes=None).predict("S5", 1) is None


def test_smallest_and_largest_calibrate():
    points = [point(name, size, 100) for size in (5, 1, 10, 2) for name in ("S1", "S8")]
    calibrating, held_out = split(points)
    assert {one.batch_size for one in calibrating} == {1, 10}
    assert {one.batch_size for one in held_out} == {2, 5}
    assert len(calibrating) + len(held_out) == len(points)


def test_a_check_tells_calibrating_from_held_out():
    made = model(point("S1", 1, 100), point("S1", 10, 190), held_out=(point("S1", 5, 120, 60.0),))
    first, held, last = made.check()
    assert (first.calibrating, held.calibrating, last.calibrating) == (True, False, True)
    assert first.error_percent == pytest.approx(0)
    assert held.error_percent == pytest.approx(100 * (140 / 120 - 1))
    assert held.peak_error_percent == pytest.approx(100 * (190 / 180 - 1))
    assert len(made.check([point("S1", 3, 100)])) == 1
