"""Expected word errors of a transducer: the gradient of the formula, and a training by them."""

from dataclasses import replace

import numpy as np
import pytest

from harness.cli.model.pretrain import TrainingOptions
from harness.errors import InputError
from harness.model.families import CONFIGS
from tests.fixtures.emformer import TINY

tf = pytest.importorskip("tensorflow", reason="needs the extra [model]")
from harness.model.aim import Aim  # noqa: E402
from harness.model.ctc import CtcLoss  # noqa: E402
from harness.model.minwer import Hypotheses  # noqa: E402
from harness.model.pretraining import MinWer, Settings  # noqa: E402
from harness.model.pretraining.data import model_info  # noqa: E402
from harness.model.pretraining.engine import Engine  # noqa: E402
from harness.model.pretraining.objective import labels_for, loss_of  # noqa: E402
from harness.model.transducer.network import TransducerNetwork  # noqa: E402
from harness.model.transducer.objective import MinWerTransducerLoss  # noqa: E402
from harness.trainer.batches import make_batch  # noqa: E402

pytestmark = pytest.mark.tensorflow

SMALL = replace(TINY, layers=1, max_frames=16, max_label=3, unroll=8)
FROM_WEIGHTS = Settings(begun_from="0" * 64, minwer=MinWer(n_best=4, beam=4, interpolation=0.0))


def hypotheses():
    """Two utterances: three hypotheses, the last one empty; and two with one place free."""
    return Hypotheses(
        np.array([[[1, 2, 0], [1, 0, 0], [0, 0, 0]], [[3, 0, 0], [1, 1, 2], [0, 0, 0]]], np.int32),
        np.array([[2, 1, 0], [1, 3, 0]], np.int32),
        np.array([[0, 1, 2], [1, 0, 0]], np.float32),
        np.array([[1, 1, 1], [1, 1, 0]], np.float32),
        np.array([[1, 2, 0], [1, 1, 2]], np.int32),
    )


@pytest.mark.parametrize("sub_model", ["all", "text"])
def test_gradient_is_that_of_the_whole_formula(sub_model, agrees):
    """Against a tape through the softmax over each list, one loss a hypothesis."""
    lists, lengths = hypotheses(), tf.constant([2, 3])
    x = np.random.default_rng(0).standard_normal((2, 16, 8)).astype(np.float32)
    x[0, 9:] = 0
    sound = tf.constant(x), tf.constant([9, 16])
    network = TransducerNetwork(SMALL, seed=1, loss=MinWerTransducerLoss(0.1))
    names = network.trained_weights(network.description.sub_model(sub_model).layers)
    with tf.GradientTape() as tape:
        scores = [
            -network.loss(*sound, tf.constant(lists.labels[:, n]), tf.constant(lists.lengths[:, n]))
            for n in range(3)
        ]
        score = tf.where(lists.real > 0, tf.stack(scores, 1), -1e9)
        expected = tf.reduce_sum(tf.nn.softmax(score) * lists.errors, 1)
        own = network.loss(*sound, tf.constant(lists.reference), lengths)
        total = tf.reduce_mean(expected + 0.1 * own)
    gradients = tape.gradient(total, [network.weights[name] for name in names])
    labels = Hypotheses(*map(tf.constant, lists))
    step = network.gradients(
        *sound, labels, lengths, Aim.of(network.description.sub_model(sub_model))
    )
    agrees("RNN-T MinWER loss", step.loss, total, 1e-5)
    assert list(step.gradients) == names
    for name, value in zip(names, gradients, strict=True):
        agrees("RNN-T MinWER gradient", step.gradients[name], value, 1e-4)


@pytest.mark.nightly
def test_training_brings_expected_errors_down():
    """Of utterances that a training by its own loss has half learnt."""
    info = model_info(SMALL)
    rng = np.random.default_rng(1)
    texts = ["a", "b a"]
    features = [rng.standard_normal((16, 8)).astype(np.float32) for _ in texts]
    batch = make_batch(features, texts, info)
    engine = Engine(SMALL, 1)
    for _ in range(25):
        engine.train(batch, 0.02)
    engine = Engine(SMALL, 1, begun_from=engine.weights(), loss=loss_of(SMALL, FROM_WEIGHTS))
    labels = labels_for(engine, FROM_WEIGHTS, info)
    losses = [engine.train(batch, 0.005, labels(batch)) for _ in range(12)]
    assert losses[0] > 0.05
    assert losses[-1] < 0.7 * losses[0]


def test_losses_that_it_has_not_are_told():
    mini = CONFIGS["emformer-mini"]
    with pytest.raises(InputError, match="no logits of CTC"):
        TransducerNetwork(SMALL, loss=CtcLoss(4, in_tensorflow=True))
    with pytest.raises(InputError, match="from random weights"):
        loss_of(mini, Settings(minwer=MinWer()))
    assert loss_of(mini, Settings()) is None


@pytest.mark.parametrize(("network", "own"), [("emformer-mini", "rnnt"), ("ds2-tiny", "ctc")])
def test_a_loss_of_another_family_is_told(network, own):
    config = CONFIGS[network]
    for loss in ("ctc", "rnnt"):
        asked = TrainingOptions(loss=loss)
        if loss == own:
            assert asked.settings(config) == TrainingOptions().settings(config)
            continue
        with pytest.raises(InputError, match=f"{network} is trained by {own}"):
            asked.settings(config)
    assert TrainingOptions(loss="minwer").settings(config).minwer == MinWer()
