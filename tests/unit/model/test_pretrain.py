"""Pre-training of a very small network, kept and taken up again."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="needs the extra [model]")
from harness.model.configuration import TINY, Convolution
from harness.model.initial import initial_weights
from harness.model.pretrain import Schedule, pretrain, settings
from harness.speech import CorpusSpec, build_corpus, build_pretraining_corpus

pytestmark = pytest.mark.tensorflow

SMALL = replace(
    TINY,
    convolutions=(
        Convolution((3, 3), (2, 4), 4),
        Convolution((3, 3), (1, 2), 4),
        Convolution((3, 3), (1, 2), 4),
    ),
    hidden=4,
    dense=8,
)


def test_learning_rate_rises_stays_and_falls():
    schedule = Schedule(learning_rate=1.0)
    rates = [schedule.rate(step, 1000) for step in range(1000)]
    assert rates[0] == pytest.approx(0.01)
    assert rates[100:500] == [1.0] * 400
    assert rates[750] == pytest.approx(0.5)
    assert rates[999] == pytest.approx(0.02)
    assert all(a >= b for a, b in itertools.pairwise(rates[100:]))


def test_pretraining_goes_on_where_it_was(tmp_path):
    corpus = build_pretraining_corpus(12, 3, tmp_path / "speech", validation=4)
    others = build_corpus(
        CorpusSpec(speakers=("uk-male",), train=0, validation=2), tmp_path / "speech"
    )
    said = []
    one = Schedule(epochs=1, batch_size=4, max_frames=272, unroll=8)
    first = pretrain(SMALL, corpus.manifest, tmp_path, one, threads=1, say=said.append)
    assert first.steps == 3
    assert first.corpus_sha256 == corpus.sha256
    assert set(first.wer_percent) == {"us-pretrain"}
    assert len([line for line in said if line.startswith("epoch")]) == 1
    fresh = initial_weights(SMALL, one.seed)
    assert first.weights.keys() == fresh.keys()
    for name, value in first.weights.items():
        assert value.shape == fresh[name].shape
        assert not np.array_equal(value, fresh[name]), name  # statistics move too

    said.clear()
    again = pretrain(
        SMALL, corpus.manifest, tmp_path, one, others=others.manifest, threads=1, say=said.append
    )
    assert "taken up again after epoch 1" in said
    assert not [line for line in said if line.startswith("epoch")]
    assert all(np.array_equal(again.weights[n], v) for n, v in first.weights.items())
    assert set(again.wer_percent) == {"us-pretrain", "uk-male"}
    assert settings(one, again)["taken_up_after_epochs"] == "1"
    assert settings(one, first)["taken_up_after_epochs"] == "never"

    said.clear()
    other = replace(one, epochs=2, noise=0.0)  # other settings: from the beginning
    pretrain(SMALL, corpus.manifest, tmp_path, other, threads=1, say=said.append)
    assert len([line for line in said if line.startswith("epoch")]) == 2
