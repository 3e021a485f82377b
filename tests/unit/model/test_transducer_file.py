"""The shipped transducer, heard whole and while a recording goes on (no tensorflow)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from harness.contract.events import Epoch, UtteranceStreamed
from harness.errors import InputError
from harness.metrics import wer_percent
from harness.trainer import device
from harness.trainer import streaming as streaming_module
from harness.trainer.batches import make_batch
from harness.trainer.decode import greedy_decode
from harness.trainer.events import EventLog, read_log
from harness.trainer.flatbuffer_learner import FlatbufferLearner
from harness.trainer.learner import run_now
from harness.trainer.loop import Training
from harness.trainer.manifest import load_manifest
from harness.trainer.recordings import read_wav
from harness.trainer.runtime import FlatbufferModel
from harness.trainer.streamed import stream
from harness.trainer.streaming import Recogniser, StreamingModel
from tests.fixtures.transducer import FOLDER, sentences, transducer_job

LABELS_A_FRAME = 2
"""That ``infer`` may write."""


@pytest.fixture(scope="module")
def model():
    manifest = load_manifest(FOLDER)
    model = FlatbufferModel(manifest.files[1].path(FOLDER), 1)
    model.load_checkpoint(manifest.checkpoint.path(FOLDER))
    return model


@pytest.fixture(scope="module")
def utterances(tmp_path_factory):
    return sentences(tmp_path_factory.mktemp("speech"))


def whole(model, pcm):
    batch = make_batch([model.features(pcm)], [""], model.info)
    return greedy_decode(model.infer(batch)[0], model.info.targets)


def test_however_samples_come_the_text_is_that_of_the_whole(model, utterances):
    streaming = StreamingModel(model)
    assert streaming.shape.labels_a_frame == LABELS_A_FRAME
    pcm = read_wav(utterances[0].audio, 16_000)
    expected = whole(model, pcm)
    assert expected
    for step in (len(pcm), 1000, 37):
        recogniser = Recogniser(streaming, labels_a_frame=LABELS_A_FRAME)
        for start in range(0, len(pcm), step):
            recogniser.hear(pcm[start : start + step])
        assert recogniser.end() == expected
    assert Recogniser(streaming, beam=4).end() == ""


@pytest.mark.parametrize("beam", [1, 4])
def test_it_hears_most_words_while_they_are_said(model, utterances, beam):
    streaming = StreamingModel(model)
    heard = [
        stream(Recogniser(streaming, beam=beam), read_wav(u.audio, 16_000), 16_000)
        for u in utterances
    ]
    assert wer_percent((u.text, h.text) for u, h in zip(utterances, heard, strict=True)) < 30
    assert all(h.last_word_s < 1 + h.compute_s for h in heard)


@dataclass
class Other:
    """A model whose signatures, or the length of whose segments, are not what streaming needs."""

    model: FlatbufferModel
    names: frozenset[str]
    hop: int

    def __getattr__(self, name):
        return getattr(self.model, name)

    def signatures(self):
        return self.names

    def call(self, name, **inputs):
        return {**self.model.call(name, **inputs), "hop": np.array(self.hop)}


@pytest.mark.parametrize("hop", [0, 18, 40])
def test_a_segment_that_does_not_fit_is_told(model, hop):
    with pytest.raises(InputError, match="they do not fit"):
        StreamingModel(Other(model, frozenset(model.signatures()), hop))


def test_a_file_without_streaming_is_told(model):
    with pytest.raises(InputError, match="lacks the signatures encode_chunk"):
        StreamingModel(Other(model, frozenset({"infer"}), 16))
    with pytest.raises(InputError, match="a beam of 0"):
        Recogniser(StreamingModel(model), beam=0)


def test_a_job_hears_validation_while_it_goes_on(utterances, tmp_path, monkeypatch):
    monkeypatch.setattr(device, "available_mb", lambda: 1000.0)
    monkeypatch.setattr(device, "battery_percent", lambda: 90.0)
    monkeypatch.setattr(streaming_module, "LABELS_A_FRAME", LABELS_A_FRAME)
    logs = []
    for folder, how in (("whole", {}), ("streamed", {"streaming": {"beam": 1}})):
        (tmp_path / folder).mkdir()
        asked = transducer_job(tmp_path / folder, utterances, **how)
        with EventLog(Path(asked.outputs.events)) as log:
            run_now(Training(asked, FlatbufferLearner(asked, lambda: False), log).run())
        logs.append(read_log(Path(asked.outputs.events)))
    heard, told = (next(e for e in of if isinstance(e, Epoch)) for of in logs)
    assert told.hypotheses == heard.hypotheses
    costs = [e for e in logs[1] if isinstance(e, UtteranceStreamed)]
    assert [cost.id for cost in costs] == [each.id for each in told.hypotheses]
    for cost, spoken in zip(costs, utterances, strict=True):
        assert cost.audio_s == pytest.approx(spoken.duration_s, abs=1e-3)
        assert cost.steps == pytest.approx(cost.audio_s / 0.256, abs=1)
        assert cost.last_word_s is not None
    assert not [e for e in logs[0] if isinstance(e, UtteranceStreamed)]
