"""DeepSpeech2 with an exit after each BLSTM."""

from dataclasses import replace

import numpy as np
import pytest

from harness.model.configuration import layer_parameters, sub_model_parameters
from harness.model.deepspeech2.configuration import MINI, MINI_EE
from harness.model.inspection import inspect
from tests.fixtures.small_network import SMALL

WITH_EXITS = replace(SMALL, name="small-ee", early_exits=True)
FORMS = {
    "recomputed": replace(WITH_EXITS, clip="layer", recompute=True),
    "switched": replace(WITH_EXITS, clip="layer", switched=True),
}
TRAINED = ("upto2", "heads", "biases")
"""Those that the files are made for: conversion takes its time."""
SUB_MODELS = [sub_model.name for sub_model in WITH_EXITS.sub_models()]


@pytest.fixture
def weights(small_weights):
    rng = np.random.default_rng(6)
    shapes = {
        spec.full_name(name): weight.shape
        for spec in WITH_EXITS.layer_specs()
        for name, weight in spec.weights.items()
    }
    return {
        name: small_weights[name]
        if name in small_weights
        else rng.uniform(-0.4, 0.4, shape).astype(np.float32)
        for name, shape in shapes.items()
    }


def test_heads_and_sub_models():
    assert {n: p for n, p in layer_parameters(MINI_EE).items() if n.startswith("Head")} == {
        "Head1": 7196,
        "Head2": 7196,
        "Head3": 7196,
    }
    network = MINI_EE.describe()
    assert network.layer_names[3:] == (
        *("BLSTM1", "Head1", "BLSTM2", "Head2", "BLSTM3", "Head3", "BLSTM4", "FC1", "FC2"),
    )
    assert [(e.name, e.depth, e.head) for e in network.exits] == [
        ("exit1", 4, ("Head1",)),
        ("exit2", 5, ("Head2",)),
        ("exit3", 6, ("Head3",)),
        ("exit4", 7, ("FC1", "FC2")),
    ]
    assert network.trunk == MINI.describe().layer_names[:7]
    spans = {
        s.name: (s.layers[0], s.layers[-1], s.exits[0], s.exits[-1]) for s in network.sub_models
    }
    assert spans["upto2"] == ("CONV1", "Head2", "exit1", "exit2")
    assert spans["from3"] == ("BLSTM3", "FC2", "exit3", "exit4")
    assert set(spans) == {
        *("all", "upto1", "upto2", "upto3", "from2", "from3", "from4", "heads", "biases"),
    }
    parameters = sub_model_parameters(MINI_EE)
    assert parameters["all"] == sub_model_parameters(MINI)["S1"] + 3 * 7196
    norms = 3 * 16 * 2 + 2 * 256
    assert parameters["biases"] == norms + 4 * 2 * 4 * 128 + 3 * 28 + 256 + 28
    assert MINI.describe().exits == ()
    assert not any(layer.biases for layer in MINI.describe().layers)


@pytest.mark.tensorflow
@pytest.mark.parametrize("recompute", [False, True])
@pytest.mark.parametrize("sub_model", SUB_MODELS)
def test_gradients_are_those_of_a_tape(sub_model, recompute, weights, small_batch, agrees):
    tf = pytest.importorskip("tensorflow", reason="needs the extra [model]")
    from harness.model.aim import Aim
    from harness.model.deepspeech2.reference.network import PlainNetwork
    from harness.model.network import Network

    network = Network(replace(WITH_EXITS, recompute=recompute))
    for name, value in weights.items():
        network.weights[name].assign(value)
    batch = small_batch(0)
    inputs = [tf.constant(v) for v in (batch.x, batch.in_len, batch.labels, batch.lab_len)]
    aim = Aim.of(network.description.sub_model(sub_model))
    loss, expected = PlainNetwork(WITH_EXITS, weights).gradients(*inputs, aim.layers)
    step = network.gradients(*inputs, aim)
    agrees("joint loss", step.loss, loss, 1e-5)
    assert set(step.gradients) == set(network.trained_weights(aim.layers, biases=aim.biases))
    if aim.biases:
        assert {n.split("_")[1] for n in step.gradients} <= {"bias", "gamma", "beta", "input"}
    largest = max(float(tf.reduce_max(tf.abs(value))) for value in expected.values())
    for name, value in step.gradients.items():
        scale = max(float(tf.reduce_max(tf.abs(expected[name]))), 0.01 * largest)
        agrees("gradients of DeepSpeech2 with exits", value, expected[name], 1e-5, scale=scale)


@pytest.mark.nightly  # tests of `models/ds2-mini-ee` and of the stairs' files are beside it
@pytest.mark.tensorflow
def test_files_train_alike_and_answer_at_exits(weights, small_batch, tmp_path):
    pytest.importorskip("tensorflow", reason="needs the extra [model]")
    from ai_edge_litert.interpreter import Interpreter

    from harness.model.export import build_model
    from harness.trainer.transfer import run

    batch = small_batch(0)
    sound = {"x": batch.x, "in_len": batch.in_len}
    text = {"labels": batch.labels, "lab_len": batch.lab_len}
    ends = {}
    for form, config in FORMS.items():
        path = build_model(config, tmp_path / f"{form}.tflite", sub_models=TRAINED)
        inspection = inspect(path)
        assert inspection.info.network == config.describe(TRAINED)
        assert inspection.custom_operators == ()
        interpreter = Interpreter(str(path), num_threads=1)
        ends[form] = []
        for name in TRAINED:
            sub_model = inspection.info.network.sub_model(name)
            run(interpreter, "set_weights", weights)
            run(interpreter, f"reset_{name}", {})
            switch = sub_model.switch.model_dump() if sub_model.switch else {}
            given = {key: np.array(value, np.int32) for key, value in switch.items()}
            key = "train" if sub_model.switch else f"train_{name}"
            for _ in range(3):
                rate = {"lr": np.array(1e-2, np.float32)}
                out = run(interpreter, key, {**sound, **text, **rate, **given})
            moved = run(interpreter, "get_weights", {})
            biases = sub_model.weights == "biases"
            specs = [s for s in config.layer_specs() if s.name in sub_model.layers]
            trained = {n for s in specs for n in (s.biases if biases else s.trained)}
            assert {n for n, v in moved.items() if (v != weights[n]).any()} == trained
            ends[form].append((out["by_exit"], moved))
    run(interpreter, "set_weights", weights)
    given, answers = sound, []
    for number in (1, 2, 3, 4):
        segment = run(interpreter, f"segment{number}", given)
        whole = run(interpreter, f"infer_exit{number}" if number < 4 else "infer", sound)
        for row, frames in enumerate(segment["out_len"]):
            ours = segment["logits"][:frames, row]
            np.testing.assert_allclose(ours, whole["logits"][:frames, row], atol=1e-5)
        given = {"state": segment["state"], "in_len": batch.in_len}
        answers.append(segment["entropy"][: batch.rows].max())
    threshold = np.array(sorted(answers)[1], np.float32)
    early = run(interpreter, "infer_early", {**sound, "threshold": threshold})
    assert early["exit"] == 1 + next(n for n, e in enumerate(answers) if e <= threshold)
    for (by_exit, moved), (same, here) in zip(ends["recomputed"], ends["switched"], strict=True):
        np.testing.assert_allclose(by_exit, same, rtol=1e-5)
        for name, value in moved.items():
            np.testing.assert_allclose(value, here[name], atol=1e-5, err_msg=name)
