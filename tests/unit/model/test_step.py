"""A freshly converted flatbuffer against the same steps in plain tensorflow."""

import pytest

tf = pytest.importorskip("tensorflow", reason="needs the extra [model]")
from harness.contract.mobileasr import SUB_MODELS  # noqa: E402
from harness.model.deepspeech2.reference.network import PlainNetwork, PlainStep  # noqa: E402
from harness.model.export import build_model  # noqa: E402
from harness.trainer.runtime import FlatbufferModel  # noqa: E402

pytestmark = pytest.mark.tensorflow

RATE = 1e-2
STEPS = (0, 1, 3)
"""Seeds of the batches: full and short rows, a repeat, empty labels, padding rows."""


CONVERTED = ("S1", "S8")
"""In the suite; each takes its time."""


@pytest.fixture(scope="module")
def flatbuffer(tmp_path_factory, small_config, pytestconfig):
    path = tmp_path_factory.mktemp("model") / "small.tflite"
    sub_models = SUB_MODELS if pytestconfig.getoption("--nightly") else CONVERTED
    return build_model(small_config, path, embed=False, sub_models=sub_models)


@pytest.fixture
def model(flatbuffer, small_weights):
    model = FlatbufferModel(flatbuffer, threads=1)
    model.set_weights(small_weights)
    return model


@pytest.fixture(scope="module")
def plain(small_config, small_weights, small_batch):
    """Take the steps in plain tensorflow; return losses, weights, and which weights to compare."""

    def steps(sub_model, seeds=STEPS, formulation="tape"):
        network = PlainNetwork(small_config, small_weights, formulation=formulation)
        step = PlainStep(network, small_config.describe().sub_model(sub_model).layers)
        losses = [float(step(tensors(small_batch(seed)), tf.constant(RATE))) for seed in seeds]
        return losses, {name: v.numpy() for name, v in network.weights.items()}, moments(step)

    return steps


def moments(step):
    return {name: second.numpy() for name, (_, second) in step.slots.items()}


def tensors(batch):
    return [tf.constant(v) for v in (batch.x, batch.in_len, batch.labels, batch.lab_len)]


def same_weights(agrees, label, weights, start, expected, second):
    """Compare how far weights went, relative to one step of Adam.

    Adam turns the rounding of a gradient near zero into a whole step: such weights are left out.
    """
    assert set(weights) == set(expected)
    compared = 0
    for name, value in expected.items():
        if name not in second:
            assert (weights[name] == start[name]).all(), f"{name} is frozen"
            continue
        clear = second[name] > 1e-8 * max(v.max() for v in second.values())
        compared += clear.sum()
        agrees(label, weights[name][clear], value[clear], 2e-3, scale=RATE)
    assert compared > 0.7 * sum(v.size for v in second.values())


@pytest.mark.parametrize(
    "sub_model",
    [
        pytest.param(name, marks=[] if name in CONVERTED else [pytest.mark.nightly])
        for name in SUB_MODELS
    ],
)
def test_steps_agree_with_plain_tensorflow(
    model, plain, sub_model, small_weights, small_batch, agrees
):
    seeds = STEPS if sub_model in ("S1", "S5") else STEPS[:1]
    expected_losses, expected, second = plain(sub_model, seeds)
    losses = [model.train_step(sub_model, small_batch(seed), RATE) for seed in seeds]
    agrees("flatbuffer: loss", losses, expected_losses, 1e-5)
    label = f"flatbuffer: weights after steps of {sub_model}"
    same_weights(agrees, label, model.get_weights(), small_weights, expected, second)
