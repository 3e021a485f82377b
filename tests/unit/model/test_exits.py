"""Networks with exits: gradients against a tape, and files against what they are made of."""

from dataclasses import replace

import numpy as np
import pytest

from harness.model.aim import Aim, loss_weights
from harness.model.config_file import CONFIGS
from harness.model.inspection import inspect
from harness.trainer.batches import Batch
from harness.trainer.runtime import FlatbufferModel
from harness.trainer.transfer import run
from tests.fixtures.stairs.configuration import EXITS, SMALL

FORMS = {
    "as ever": (SMALL, ("upto2", "biases")),
    "switched": (
        replace(SMALL, clip="layer", switched=True),
        ("all", "upto2", "from2", "upto1", "from3", "heads"),
    ),
}
"""A file's network, and the sub-models that it is made for: each signature takes its time."""
SUB_MODELS = [sub_model.name for sub_model in SMALL.sub_models()]
RATE = 1e-2


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    pytest.importorskip("tensorflow", reason="needs the extra [model]")
    from harness.model.export import build_model

    folder = tmp_path_factory.mktemp("stairs")
    return {
        form: build_model(config, folder / f"{form}.tflite", seed=5, sub_models=sub_models)
        for form, (config, sub_models) in FORMS.items()
    }


@pytest.fixture
def batch():
    rng = np.random.default_rng(4)
    x = rng.standard_normal((3, 12, 8)).astype(np.float32)
    lengths, label_lengths = np.array([12, 7, 0], np.int32), np.array([3, 1, 0], np.int32)
    x[1, 7:] = 0
    x[2] = 0
    labels = np.array([[1, 2, 2], [5, 0, 0], [0, 0, 0]], np.int32)
    return Batch(x, lengths, labels, label_lengths, 2)


def signature(model, name, **inputs):
    return run(model._interpreter, name, inputs)


def switch_of(sub_model):
    switch = sub_model.switch
    numbers = {"first": switch.first, "last": switch.last, "heads_only": switch.heads_only}
    return {name: np.array(value, np.int32) for name, value in numbers.items()}


def trained(model, name, batch, steps=4):
    """Train some steps by a sub-model's signature; return the last outputs and the weights."""
    sub_model = model.network.sub_model(name)
    signature(model, f"reset_{name}")
    given = {} if sub_model.switch is None else switch_of(sub_model)
    key = f"train_{name}" if sub_model.switch is None else "train"
    for _ in range(steps):
        out = signature(
            model,
            key,
            x=batch.x,
            in_len=batch.in_len,
            labels=batch.labels,
            lab_len=batch.lab_len,
            lr=np.array(RATE, np.float32),
            **given,
        )
    return out, model.get_weights()


def plain_losses(weights, batch):
    """Return the mean loss of each exit in plain tensorflow."""
    import tensorflow as tf

    from harness.model.deepspeech2.reference.network import ctc_loss

    def dense(h, layer):
        return h @ weights[f"{layer}_kernel"] + weights[f"{layer}_bias"]

    rows, frames, mels = batch.x.shape
    h = tf.transpose(tf.reshape(batch.x, [rows, frames // 2, 2 * mels]), [1, 0, 2])
    logits = []
    for layers, head in (
        (["low"], ["head1"]),
        (["mid1", "mid2"], ["head2"]),
        (["high1", "high2"], ["wide", "head3"]),
    ):
        for layer in layers:
            h = tf.tanh(dense(h, layer))
        logits.append(dense(tf.tanh(dense(h, head[0])), head[1]) if head[1:] else dense(h, head[0]))
    real = batch.in_len > 0
    frames_out = (batch.in_len + 1) // 2
    return [
        tf.reduce_mean(
            tf.boolean_mask(
                ctc_loss(one, tf.constant(np.maximum(frames_out, 1)), batch.labels, batch.lab_len),
                real,
            )
        )
        for one in logits
    ]


@pytest.mark.tensorflow
@pytest.mark.parametrize("weighting", [None, "mean", "rising"])
@pytest.mark.parametrize("recompute", [False, True])
@pytest.mark.parametrize("sub_model", SUB_MODELS)
def test_gradients_are_those_of_a_tape(sub_model, recompute, weighting, batch, agrees):
    tf = pytest.importorskip("tensorflow", reason="needs the extra [model]")
    from harness.model.network import Network

    network = Network(replace(SMALL, recompute=recompute), seed=2)
    described = network.description.sub_model(sub_model)
    factors = loss_weights(weighting, len(described.exits)) if weighting else ()
    aim = replace(Aim.of(described), loss_weights=factors)
    names = network.trained_weights(aim.layers, biases=aim.biases)
    places = [int(name[-1]) - 1 for name in described.exits]
    with tf.GradientTape() as tape:
        every = plain_losses(network.weights, batch)
        terms = zip(places, factors or [1.0] * len(places), strict=True)
        loss = tf.add_n([every[place] * factor for place, factor in terms])
    expected = tape.gradient(loss, [network.weights[name] for name in names])
    inputs = [tf.constant(v) for v in (batch.x, batch.in_len, batch.labels, batch.lab_len)]
    step = network.gradients(*inputs, aim)
    agrees("joint loss", step.loss, loss, 1e-5)
    assert list(step.by_exit) == list(described.exits)
    for place, mean in zip(places, step.by_exit.values(), strict=True):
        agrees("loss of an exit", mean, every[place], 1e-5)
    assert list(step.gradients) == names
    for gradient, wanted in zip(step.gradients.values(), expected, strict=True):
        agrees("gradients of a network with exits", gradient, wanted, 1e-5)


@pytest.mark.tensorflow
def test_a_layer_that_no_loss_needs_is_not_trained():
    pytest.importorskip("tensorflow", reason="needs the extra [model]")
    from harness.model.network import Network

    network = Network(SMALL)
    with pytest.raises(ValueError, match="no loss depends on High1"):
        network.roles(Aim(("Low", "High1")), ["exit2"])
    with pytest.raises(ValueError, match="no loss depends on Head1"):
        network.roles(Aim(("Low", "Head1")), ["exit2"])


def test_loss_weights():
    losses = np.array([2.347285995428, 2.063324162241, 0.045971403753])
    expected = {"equal": 4.456581561422, "mean": 1.485527187141, "rising": 1.101974755195}
    for kind, joint in expected.items():
        assert np.dot(losses, loss_weights(kind, 3)) == pytest.approx(joint, abs=1e-11)


@pytest.mark.tensorflow
def test_a_file_tells_of_its_exits(files):
    for form, (config, sub_models) in FORMS.items():
        inspection = inspect(files[form])
        assert inspection.info.network == config.describe(sub_models), form
        assert inspection.custom_operators == ()
    signatures = set(inspection.signatures)
    assert {"train", "infer_exit1", "segment3", "infer_early", "reset_heads"} <= signatures
    assert not {"train_all", "train_heads", "infer_exit3"} & signatures
    network = inspection.info.network
    assert network.sub_model("from2").switch.first == 2
    assert network.sub_model("heads").switch.heads_only
    others = inspect(files["as ever"])
    assert {"train_upto2", "train_biases"} <= set(others.signatures)
    assert "train" not in others.signatures
    assert others.info.network.trained_parameters("biases") == 6 * 5 + 3 * 28


@pytest.mark.tensorflow
@pytest.mark.parametrize(("form", "sub_model"), [(f, s) for f in FORMS for s in FORMS[f][1]])
def test_a_file_trains_as_tensorflow_does(files, form, sub_model, batch):
    tf = pytest.importorskip("tensorflow", reason="needs the extra [model]")
    from harness.model.adam import Adam
    from harness.model.network import Network
    from harness.model.step import train_step

    model = FlatbufferModel(files[form], 1)
    before = model.get_weights()
    out, weights = trained(model, sub_model, batch, steps=3)
    described = model.network.sub_model(sub_model)
    network = Network(FORMS[form][0], seed=5)
    adam, aim = Adam.of(network), Aim.of(described)
    inputs = [tf.constant(v) for v in (batch.x, batch.in_len, batch.labels, batch.lab_len)]
    for _ in range(3):
        step = train_step(network, adam, inputs, RATE, aim)
    assert float(out["loss"]) == pytest.approx(float(step.loss), rel=1e-5)
    np.testing.assert_allclose(out["by_exit"], network.by_exit(step.by_exit), rtol=1e-5)
    moved = {name for name, value in weights.items() if (value != before[name]).any()}
    assert moved == set(network.trained_weights(aim.layers, biases=aim.biases))
    for name, value in weights.items():
        np.testing.assert_allclose(value, network.weights[name], atol=1e-5, err_msg=name)


@pytest.mark.tensorflow
def test_layers_are_clipped_by_their_own_norm(tmp_path, batch):
    pytest.importorskip("tensorflow", reason="needs the extra [model]")
    import tensorflow as tf

    from harness.model.adam import Adam
    from harness.model.network import Network
    from harness.model.step import train_step

    inputs = [tf.constant(v) for v in (batch.x, batch.in_len, batch.labels, batch.lab_len)]
    layers = ("Low", "Head1")
    aim = Aim(layers, ("exit1",))
    for clip in ("layer", "global"):
        network = Network(replace(SMALL, clip=clip, clip_norm=0.1), seed=2)
        gradients = network.gradients(*inputs, aim).gradients
        adam = Adam.of(network, layers)
        train_step(network, adam, inputs, RATE, aim)
        groups = [list(layers)] if clip == "global" else [["Low"], ["Head1"]]
        for group in groups:
            names = network.trained_weights(group)
            norm = np.sqrt(sum(float(tf.reduce_sum(gradients[n] ** 2)) for n in names))
            assert norm > 0.1
            for name in names:
                first = adam.first[name].numpy()
                expected = 0.1 * gradients[name].numpy() * 0.1 / norm
                np.testing.assert_allclose(first, expected, rtol=1e-4, atol=1e-7)


@pytest.mark.tensorflow
@pytest.mark.parametrize("form", FORMS)
def test_segments_give_what_the_exits_do(files, form, batch):
    model = FlatbufferModel(files[form], 1)
    sound = {"x": batch.x, "in_len": batch.in_len}
    given = sound
    by_exit = []
    for number, name in enumerate(model.network.exit_names, 1):
        out = signature(model, f"segment{number}", **given)
        infer = "infer" if number == EXITS else f"infer_{name}"
        whole = signature(model, infer, **sound)
        np.testing.assert_allclose(out["logits"], whole["logits"], atol=1e-6)
        assert list(out["out_len"]) == list(whole["out_len"]) == [6, 4, 0]
        p = np.exp(out["logits"] - out["logits"].max(2, keepdims=True))
        p /= p.sum(2, keepdims=True)
        each = -(p * np.log(p)).sum(2)
        for row, frames in enumerate(out["out_len"][: batch.rows]):
            mean = each[:frames, row].mean()
            assert out["entropy"][row] == pytest.approx(mean, rel=1e-5)
        by_exit.append((out["logits"], out["entropy"][: batch.rows].max()))
        given = {"state": out["state"], "in_len": batch.in_len}
    losses = signature(model, "loss", **sound, labels=batch.labels, lab_len=batch.lab_len)
    assert losses["by_exit"].shape == (EXITS, 3)
    np.testing.assert_array_equal(losses["by_exit"][-1], losses["loss"])
    assert (losses["by_exit"][:, 2] == 0).all()
    # a threshold between, at and beside what the exits say
    surest = [entropy for _, entropy in by_exit]
    for threshold in (0.0, 99.0, *surest, min(surest) - 1e-3):
        out = signature(model, "infer_early", **sound, threshold=np.array(threshold, np.float32))
        place = next((n for n, e in enumerate(surest) if e <= threshold), EXITS - 1)
        assert out["exit"] == place + 1
        np.testing.assert_allclose(out["logits"], by_exit[place][0], atol=1e-6)
        assert out["entropy"][: batch.rows].max() == pytest.approx(surest[place], rel=1e-6)
        assert list(out["out_len"]) == [6, 4, 0]


@pytest.mark.tensorflow
def test_nothing_above_an_exit_is_run(files):
    operators = {
        name: sum(listing.operators.values())
        for name, listing in inspect(files["as ever"]).signatures.items()
    }
    assert operators["infer_exit1"] < operators["infer_exit2"] < operators["infer"]
    assert operators["train_upto2"] < operators["train_biases"]


def test_a_network_that_cannot_be_switched_is_refused():
    whats = [problem.what for problem in replace(SMALL, switched=True).problems()]
    assert whats == ["goes with clip: layer only"]
    tiny = replace(CONFIGS["ds2-tiny"], switched=True, clip="layer")
    assert [p.what for p in tiny.problems()] == ["goes with a network that has exits only"]
