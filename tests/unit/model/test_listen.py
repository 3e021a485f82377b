"""What a model hears at each of its exits."""

from dataclasses import replace

import pytest

from harness.errors import InputError
from harness.model.listen import LISTENED, hear
from harness.paths import data_root
from harness.speech import build_corpus
from harness.trainer.runtime import FlatbufferModel

MODELS = data_root() / "models"


@pytest.fixture(scope="module")
def model():
    made = FlatbufferModel(MODELS / "conformer-mini" / "conformer-mini-b5.tflite", threads=1)
    made.load_checkpoint(MODELS / "conformer-mini" / "baseline.npz")
    return made


@pytest.fixture(scope="module")
def utterances(tmp_path_factory):
    spec = replace(LISTENED, speakers=("ind-female",), validation=6)
    return build_corpus(spec, tmp_path_factory.mktemp("speech")).utterances


def texts(heard):
    return [each.text for each in heard]


def test_the_last_exit_answers_unless_another_is_asked(model, utterances, monkeypatch):
    last = texts(hear(model, utterances))
    assert texts(hear(model, utterances, "exit3")) == last
    run = []
    monkeypatch.setattr(model, "_run", spied(model._run, run))
    first = texts(hear(model, utterances, "exit1"))
    assert first != last
    assert {name for name in run if name.startswith("segment")} == {"segment1"}


def spied(function, names):
    def call(name, **inputs):
        names.append(name)
        return function(name, **inputs)

    return call


def test_an_exit_that_there_is_not(model, utterances):
    with pytest.raises(InputError, match="no exit 'exit9'") as no:
        hear(model, utterances, "exit9")
    assert no.value.hint == "It has exit1, exit2, exit3."
    tiny = FlatbufferModel(MODELS / "ds2-tiny" / "ds2-tiny-b2.tflite", threads=1)
    with pytest.raises(InputError) as no:
        hear(tiny, utterances, "exit1")
    assert no.value.hint == "It has no exits."
