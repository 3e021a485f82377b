import pytest

from harness.contract import mobileasr
from harness.contract.network import NetworkError
from harness.memory.measured import Conditions, Measured, MemoryModel, MemoryRecord, split
from harness.memory.sizes import LayerSizes, NetworkSizes
from tests.fixtures.networks import eighteen, three

CONDITIONS = Conditions(
    date="2026-01-01", runtime="r 1", python="3.11", platform="p", threads=2, utterances=80
)
SIZES = NetworkSizes(
    layers=tuple(
        LayerSizes(name=name, trainable=1000 * (9 - n), activations=100.0 * (n + 1))
        for n, name in enumerate(mobileasr.LAYERS)
    )
)
NETWORK = mobileasr.network({layer.name: layer.trainable for layer in SIZES.layers}, "ab")


def point(sub_model, batch_size, need_mb, selected_mb=50.0):
    return Measured(
        sub_model=sub_model, batch_size=batch_size, need_mb=need_mb, selected_mb=selected_mb
    )


def model(*points, held_out=(), sizes=SIZES, network=NETWORK):
    record = MemoryRecord(
        conditions=CONDITIONS, files={1: "0" * 64}, calibrating=points, held_out=held_out
    )
    return MemoryModel(record, network, sizes)


def test_two_batch_sizes_give_a_line():
    prediction = model(point("S1", 1, 120), point("S1", 10, 300)).predict("S1", 5)
    assert prediction.need_mb == pytest.approx(200)
    assert prediction.peak_mb == pytest.approx(250)
    assert not prediction.interpolated
    assert not prediction.extrapolated


def test_outside_the_measured_batch_sizes_is_said():
    memory = model(point("S1", 2, 120), point("S1", 10, 200))
    assert memory.predict("S1", 20).need_mb == pytest.approx(300)
    assert memory.predict("S1", 20).extrapolated
    assert memory.predict("S1", 1).extrapolated


def test_more_than_two_points_are_fitted_in_percent():
    points = [point("S1", 1, 100), point("S1", 5, 150), point("S1", 10, 190)]
    memory = model(*points)
    errors = [memory.predict("S1", p.batch_size).need_mb / p.need_mb - 1 for p in points]
    assert max(map(abs, errors)) < 0.05
    assert min(errors) < 0 < max(errors)


def test_between_measured_sub_models():
    memory = model(
        *(point("S1", 1, 120), point("S1", 2, 140)), *(point("S8", 1, 55), point("S8", 2, 60))
    )
    prediction = memory.predict("S5", 3)
    assert prediction.interpolated
    # fixed parts 100 and 50 by trained parameters, utterances' 20 and 5 by activations
    largest, middle, least = (NETWORK.sub_model(name).layers for name in ("S1", "S5", "S8"))
    state = (SIZES.trainable_of(middle) - SIZES.trainable_of(least)) / (
        SIZES.trainable_of(largest) - SIZES.trainable_of(least)
    )
    share = (SIZES.activations_of(middle) - SIZES.activations_of(least)) / (
        SIZES.activations_of(largest) - SIZES.activations_of(least)
    )
    assert 0 < state < 1
    assert prediction.need_mb == pytest.approx(50 + 50 * state + 3 * (5 + 15 * share))


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
    assert {measured.batch_size for measured in calibrating} == {1, 10}
    assert {measured.batch_size for measured in held_out} == {2, 5}
    assert len(calibrating) + len(held_out) == len(points)


def test_a_check_tells_calibrating_from_held_out():
    memory = model(point("S1", 1, 100), point("S1", 10, 190), held_out=(point("S1", 5, 120, 60.0),))
    first, middle, last = memory.check()
    assert (first.calibrating, middle.calibrating, last.calibrating) == (True, False, True)
    assert first.error_percent == pytest.approx(0)
    assert middle.error_percent == pytest.approx(100 * (140 / 120 - 1))
    assert middle.peak_error_percent == pytest.approx(100 * (190 / 180 - 1))
    assert len(memory.check([point("S1", 3, 100)])) == 1


def sizes_of(network):
    """Sizes whose activations fall from layer to layer, as strides make them."""
    layers = enumerate(network.layers)
    return NetworkSizes(
        layers=tuple(
            LayerSizes(name=layer.name, trainable=layer.parameters, activations=1000.0 / (1 + n))
            for n, layer in layers
        )
    )


def two_of(network):
    """The largest sub-model needs 100 and 20 an utterance, the smallest 50 and 5."""
    largest, smallest = network.sub_model_names[0], network.sub_model_names[-1]
    return [
        *(point(largest, size, 100 + 20 * size) for size in (1, 2)),
        *(point(smallest, size, 50 + 5 * size) for size in (1, 2)),
    ]


@pytest.mark.parametrize("network", [three(), eighteen()], ids=["three", "eighteen"])
def test_any_network_is_predicted_in_its_order(network):
    memory = model(*two_of(network), sizes=sizes_of(network), network=network)
    assert list(memory.lines) == [network.sub_model_names[0], network.sub_model_names[-1]]
    needs = [memory.predict(name, 3).need_mb for name in network.sub_model_names]
    assert needs[0] == pytest.approx(160)
    assert needs[-1] == pytest.approx(65)
    assert needs == sorted(needs, reverse=True)
    assert memory.predict(network.sub_model_names[1], 3).interpolated
    with pytest.raises(NetworkError, match=f"there are {network.sub_model_names[0]}"):
        memory.predict("S1", 3)


def test_the_set_of_layers_counts_not_their_place():
    network = three()
    sizes = sizes_of(network)
    memory = model(*two_of(network), sizes=sizes, network=network)
    # trains stem and head: 5000 of 10000 numbers, block.2 2000; activations 1250 of 2083, 333
    state, share = 3000 / 8000, (1250 - 1000 / 3) / (1000 * (1 + 1 / 2 + 1 / 4))
    wanted = 50 + 50 * state + 2 * (5 + 15 * share)
    assert memory.predict("Ends.of-it", 2).need_mb == pytest.approx(wanted)


def test_one_that_keeps_more_than_a_larger_one_needs_no_more():
    network = three()
    layers = list(sizes_of(network).layers)
    layers[2] = layers[2].model_copy(update={"activations": 9000.0})  # of the smallest
    sizes = NetworkSizes(layers=tuple(layers))
    memory = model(*two_of(network), sizes=sizes, network=network)
    assert 65 <= memory.predict("Ends.of-it", 3).need_mb <= 160


def test_a_check_goes_by_the_networks_order():
    network = three()
    memory = model(*reversed(two_of(network)), sizes=sizes_of(network), network=network)
    assert [check.measured.sub_model for check in memory.check()] == ["whole"] * 2 + ["B_2"] * 2
