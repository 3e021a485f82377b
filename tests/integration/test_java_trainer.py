"""The Java trainer against the Python one: the same job on the same flatbuffer, really trained.

Clocks, memory figures and names differ; choices, losses and what was heard must not.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from harness.apk.jvm import environment
from harness.apk.jvm import java_trainer as compiled
from harness.apk.toolchain import find_toolchain
from harness.cli.farm_process import running_farm
from harness.contract import Job
from harness.contract.events import (
    Checkpoint,
    Epoch,
    Finished,
    OtherSpeakerHeard,
    PhaseChange,
    ReadBack,
    Selected,
    Started,
    Step,
    Stopped,
    Update,
    UtteranceExits,
    UtteranceStreamed,
)
from harness.contract.wire import Wire
from harness.errors import InputError
from harness.federated.sent import pack_model
from harness.lab import RunSettings, open_bench, run_scenario
from harness.paths import data_root
from harness.trainer.checkpoints import file_sha256
from harness.trainer.manifest import load_manifest
from harness.trainer.npz import opened_weights
from harness.trainer.runtime import FlatbufferModel
from tests.fixtures.java import APK, maven
from tests.fixtures.lab import Watcher
from tests.fixtures.other_names import write_with_other_names
from tests.fixtures.stairs.configuration import SMALL
from tests.fixtures.stairs.job import stairs_job
from tests.fixtures.trainer_logs import decisions, of, run
from tests.fixtures.transducer import sentences, transducer_job

pytestmark = pytest.mark.jdk

PYTHON = [sys.executable, "-m", "harness.trainer"]


def both(java: list[str], job: Job, folder: Path) -> tuple[list[Any], list[Any]]:
    """Train with Python, put its traces away, train with Java; return both logs."""
    code, python = run(PYTHON, job, folder)
    assert code == 0
    (folder / "out").rename(folder / "python")
    code, theirs = run(java, job, folder)
    assert code == 0
    return python, theirs


def own_tests(module: str) -> tuple[int, int]:
    """Return how many tests of a Maven module were run, and how many of them were skipped."""
    reports = list((APK / module / "target" / "surefire-reports").glob("TEST-*.xml"))
    suites = [ET.parse(path).getroot() for path in reports]
    tests, skipped = ([int(suite.get(n, 0)) for suite in suites] for n in ("tests", "skipped"))
    return sum(tests), sum(skipped)


def test_its_own_tests_were_run(java_trainer):
    tests, skipped = own_tests("core")
    assert tests > 200
    assert skipped == 0


def test_its_android_parts_on_robolectric():
    """The services and the phone's figures, on Android's own classes; the service really trains."""
    only = ("-Dtest=org/mobileasr/trainer/*Test", "-Dsurefire.failIfNoSpecifiedTests=false")
    maven("-Probolectric", "-pl", "robolectric", "-am", *only, "test")
    tests, skipped = own_tests("robolectric")
    assert tests >= 15
    assert skipped == 0


@pytest.mark.parametrize(
    ("changes", "sub_model", "reason"),
    [
        ({"training": {"epochs": 6, "seed": 3}}, "S1", "epochs_done"),
        ({"selection": {"forced": "S5"}, "training": {"epochs": 2}}, "S5", "epochs_done"),
        ({"selection": {"need_mb": {"S1": 1e9, "S5": 1e9, "S8": 1}}}, "S8", "epochs_done"),
        ({"stop": {"policy": "as_printed", "patience": 1}}, "S1", "patience"),
        ({"stop": {"patience": 1}, "training": {"epochs": 9}}, "S1", "patience"),
        ({"selection": {"need_mb": {"S1": 1e9, "S5": 1e9, "S8": 1e9}}}, None, "no_sub_model_fits"),
        ({"stop": {"available_below_mb": 1e9}}, "S1", "memory"),
        ({"keep": "last", "training": {"epochs": 3}}, "S1", "epochs_done"),
        ({"keep": "last", "training": {"epochs": 0}}, "S1", "epochs_done"),
        ({"version": 1}, "S1", "epochs_done"),
    ],
)
def test_the_same_job_goes_the_same_way(
    java_trainer, make_job, tmp_path, changes, sub_model, reason
):
    python, theirs = both(java_trainer, make_job(**changes), tmp_path)
    assert decisions(theirs) == decisions(python)
    assert of(theirs, Selected)[0].sub_model == sub_model
    assert of(theirs, Stopped)[0].reason == reason
    ours = [event.loss for event in of(python, Step)]
    assert [event.loss for event in of(theirs, Step)] == pytest.approx(ours, rel=1e-3)
    for event in of(theirs, Epoch):
        assert event.evaluate_seconds > 0


@pytest.mark.parametrize(("keep", "kept"), [("best", 1), ("last", 5)])
def test_other_speakers_are_heard_alike(java_trainer, make_job, tmp_path, keep, kept):
    """Before, and with the weights that are kept, which need not be those of the last epoch."""
    training = {"epochs": 5, "seed": 3, "learning_rate": 0.001}
    _, events = run(PYTHON, make_job(training=training), tmp_path)
    (tmp_path / "out").rename(tmp_path / "first")
    # what the first epoch's weights hear is what shall have been said, so that it is the best
    texts = [hypothesis.text for hypothesis in of(events, Epoch)[1].hypotheses]
    own = make_job().data
    validation = [
        {**each.model_dump(), "text": text}
        for each, text in zip(own.validation, texts, strict=True)
    ]
    others = [
        {"speaker": "söh", "validation": [each.model_dump() for each in own.train]},
        {"speaker": "ben", "validation": validation[:1]},
    ]
    job = make_job(
        keep=keep, training=training, data={"validation": validation}, also_evaluate=others
    )
    python, theirs = both(java_trainer, job, tmp_path)
    assert decisions(theirs) == decisions(python)
    heard = of(theirs, OtherSpeakerHeard)
    pairs = [(epoch, name) for epoch in (0, kept) for name in ("söh", "ben")]
    assert [(event.epoch, event.speaker) for event in heard] == pairs
    assert heard[-1].wer_percent == (0 if kept == 1 else 100)
    assert all(event.evaluate_seconds > 0 for event in heard)


@pytest.mark.parametrize(
    ("share", "sub_model", "reason"),
    [
        ({}, "S8", "epochs_done"),
        ({"form": "delta", "steps": 3}, "S1", "steps_done"),
        ({"form": "delta", "steps": 1, "proximal": 40.0}, "S5", "steps_done"),
        ({"hypotheses": True, "steps": 99}, "S1", "epochs_done"),
        ({"form": "delta", "wire": {"format": "S1E3M7"}, "steps": 3}, "S1", "steps_done"),
        ({"wire": {"format": "int8", "per": "column"}, "steps": 3}, "S8", "steps_done"),
    ],
)
def test_the_same_goes_back(java_trainer, make_job, tmp_path, share, sub_model, reason):
    """What federated training asks for: layers, numbers, counts, and nothing of what was said."""
    base = make_job()
    start = tmp_path / "start.npz"
    np.savez(start, **FlatbufferModel(Path(base.model.path)).get_weights())
    if "wire" in share:  # then what is sent is packed too
        packed = tmp_path / "packed.npz"
        pack_model(start, packed, Wire(format="S1E4M8", rounding="nearest_even"))
        start = packed
    model = {**base.model.model_dump(), "checkpoint": str(start)}
    job = make_job(
        keep="last", model=model, share=share, selection={"forced": sub_model},
        training={"epochs": 2, "seed": 3},
    )  # fmt: skip
    python, theirs = both(java_trainer, job, tmp_path)
    assert decisions(theirs) == decisions(python)
    assert of(theirs, Stopped)[0].reason == reason
    assert all(bool(e.hypotheses) == (e.errors is None) for e in of(theirs, Epoch))
    (update,) = of(theirs, Update)
    assert file_sha256(Path(update.path)) == update.sha256
    with (
        opened_weights(Path(update.path)) as java,
        opened_weights(tmp_path / "python" / "checkpoints" / "update.npz") as reference,
    ):
        assert java.shapes == reference.shapes
        for name in java.shapes:
            ours, its = reference.read(name), java.read(name)
            np.testing.assert_allclose(its, ours, rtol=2e-2, atol=2e-3)
            assert (java.packed(name) is None) == (reference.packed(name) is None)
    (told,) = of(python, Update)
    assert (update.written is None) == (told.written is None) == ("wire" not in share)
    if told.written is not None:
        assert update.written.coding == told.written.coding
        assert update.written.float32_bytes == told.written.float32_bytes
        assert update.written.error == pytest.approx(told.written.error, rel=0.1)
        assert update.written.changed == pytest.approx(told.written.changed, abs=0.05)


@pytest.mark.parametrize(
    ("name", "share"),
    [
        ("ds2-mini-int8", {"form": "delta", "steps": 1}),
        ("ds2-mini-int8-held", {"form": "delta", "wire": {"format": "int8", "per": "column"}}),
    ],
)
def test_a_client_of_whole_numbers_is_the_same_file(java_trainer, make_job, tmp_path, name, share):
    """FedAQT's client: it is the flatbuffer that rounds, whoever runs it."""
    folder = data_root() / "models" / name
    manifest, start = load_manifest(folder), tmp_path / "start.npz"
    entry = manifest.files[5]
    assert manifest.checkpoint is not None
    wire = Wire(format="int8", per="column", rounding="nearest_even")
    pack_model(manifest.checkpoint.path(folder), start, wire)
    model = {"name": name, "path": str(entry.path(folder)), "sha256": entry.sha256}
    job = make_job(
        keep="last", share=share, ordered=bool(manifest.ordered),
        model={**model, "checkpoint": str(start)},
        selection={"candidates": ["S1"], "need_mb": {"S1": 1}, "forced": "S1"},
        training={"batch_size": 5, "epochs": 1},
    )  # fmt: skip
    python, theirs = both(java_trainer, job, tmp_path)
    assert decisions(theirs) == decisions(python)
    (ours,), (its,) = of(python, Step), of(theirs, Step)
    assert its.loss == pytest.approx(ours.loss, rel=5e-3)
    (update,) = of(theirs, Update)
    with (
        opened_weights(Path(update.path)) as java,
        opened_weights(tmp_path / "python" / "checkpoints" / "update.npz") as reference,
    ):
        for weight in java.shapes:
            mine, other = reference.read(weight), java.read(weight)
            most = max(float(np.abs(mine).max()), 1e-9)
            assert (np.abs(other - mine) <= 0.05 * most).mean() > 0.9, weight
    for log in (python, theirs):
        peaks = [e.peak_rss_mb for e in of(log, PhaseChange) if e.state == "end"]
        assert peaks == sorted(peaks)
        assert peaks[0] > 20


def test_checkpoints_in_fewer_bits_are_alike(java_trainer, make_job, tmp_path):
    """Each trainer reads its own back, and what the other wrote."""
    training = {"epochs": 2, "learning_rate": 1e-4}
    job = make_job(stored={"format": "S1E2M3"}, keep="last", training=training)
    python, theirs = both(java_trainer, job, tmp_path)
    assert decisions(theirs) == decisions(python)
    assert len(of(theirs, ReadBack)) == 1
    for its, ours in zip(of(theirs, Checkpoint), of(python, Checkpoint), strict=True):
        assert its.size_bytes == pytest.approx(ours.size_bytes, rel=0.02)
        assert its.written.error == pytest.approx(ours.written.error, rel=0.01)
        assert its.written.model_copy(update={"error": 0}) == ours.written.model_copy(
            update={"error": 0}
        )
    (tmp_path / "out").rename(tmp_path / "java")
    for command, other, events in ((PYTHON, "java", theirs), (java_trainer, "python", python)):
        name = Path(of(events, Checkpoint)[-1].path).name
        start = str(tmp_path / other / "checkpoints" / name)
        again = make_job(training={"epochs": 0}, model={"checkpoint": start})
        code, heard = run(command, again, tmp_path)
        assert code == 0
        assert of(heard, Epoch)[0].hypotheses == of(events, ReadBack)[0].hypotheses
        (tmp_path / "out").rename(tmp_path / f"of-{other}")


def test_a_network_with_other_names_goes_the_same_way(java_trainer, make_job, tmp_path):
    path = tmp_path / "other.tflite"
    write_with_other_names(Path(make_job().model.path), path)
    model = {"path": str(path), "sha256": file_sha256(path)}
    need = {"Part.1": 1e9, "Part.5": 1}
    job = make_job(
        keep="last", model=model, selection={"candidates": ["Part.1", "Part.5"], "need_mb": need}
    )
    python, theirs = both(java_trainer, job, tmp_path)
    assert decisions(theirs) == decisions(python)
    assert of(theirs, Selected)[0].sub_model == "Part.5"
    assert of(theirs, Finished)[0].kept_epoch == 2
    (tmp_path / "out").rename(tmp_path / "java")
    for command in (PYTHON, java_trainer):
        old = job.model_copy(update={"version": 1})
        code, events = run(command, old, tmp_path)
        assert (code, events[-1].kind) == (1, "BadInput")
        assert "version 1 is for deepspeech2" in events[-1].message
        (tmp_path / "out").rename(tmp_path / f"old-{command[0].rpartition('/')[2]}")


def test_a_checkpoint_is_read_by_either(java_trainer, make_job, tmp_path):
    """What Java saved is NumPy's, close to what Python saved, and Python goes on from it."""
    _, theirs = both(java_trainer, make_job(training={"epochs": 3}), tmp_path)
    last = of(theirs, Checkpoint)[-1]
    ours = tmp_path / "python" / "checkpoints" / Path(last.path).name
    with np.load(last.path) as a, np.load(ours) as b:
        assert sorted(a.files) == sorted(b.files)
        for name in a.files:
            np.testing.assert_allclose(a[name], b[name], rtol=1e-2, atol=1e-3)
    (tmp_path / "out").rename(tmp_path / "java")
    moved = str(tmp_path / "java" / "checkpoints" / Path(last.path).name)
    again = make_job(training={"epochs": 0}, model={"checkpoint": moved})
    code, events = run(PYTHON, again, tmp_path)
    assert code == 0
    assert of(events, Epoch)[0].hypotheses == of(theirs, Epoch)[-1].hypotheses


@pytest.mark.parametrize("second", ["python", "java"])
def test_a_killed_job_goes_on_in_either(java_trainer, make_job, tmp_path, second):
    """The first process is cut off after an epoch's checkpoint; another trainer takes it up."""
    job = make_job(training={"epochs": 3})
    first, then = (java_trainer, PYTHON) if second == "python" else (PYTHON, java_trainer)
    code, events = run(first, job, tmp_path)
    assert code == 0
    whole = of(events, Epoch)
    # only the best and the last checkpoint are still there
    cut = max(n for n, e in enumerate(events) if isinstance(e, Checkpoint))
    log = tmp_path / "out" / "events.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[: cut + 1]) + b'{"seq": 99, "t_bo')
    code, events = run(then, job, tmp_path)
    assert code == 0
    assert [event.seq for event in events] == list(range(len(events)))
    assert [event.epoch for event in of(events, Epoch)] == [event.epoch for event in whole]
    assert len(of(events, Selected)) == 1
    assert events[-1].type == "finished"


def test_a_virtual_phone_runs_it(java_trainer, adb_server, tiny_scenario, tmp_path):
    """As ``harness farm up --trainer java`` has it; a whole attempt over adb."""
    found = compiled(find_toolchain())
    assert Path(found.command[-1]).samefile(java_trainer[-1])
    env = {**os.environ, **environment(found)}
    watcher = Watcher()
    with running_farm({"redmi-note-7-pro": 1}, adb_server.address, env=env) as farm:
        bench = open_bench([adb_server], only=[farm.phones[0].adb_serial], lease_root=tmp_path)
        more = ("trainer.keep=last", "trainer.stored=S1E3M7")
        loaded = tiny_scenario("", "trainer.sub_model=S5", "trainer.learning_rate=0.01", *more)
        summary = run_scenario(
            loaded, bench, run_root=tmp_path / "runs", settings=RunSettings(progress=watcher)
        )
    assert (summary.finished, summary.failed) == (1, 0), watcher.results
    (result,) = watcher.results
    assert result.trainer == "java-jvm 0.1.0"
    assert result.phone.origin == "virtual"
    assert [epoch.epoch for epoch in result.epochs] == [0, 1, 2]
    assert result.epochs[1].train_loss != result.epochs[2].train_loss
    assert result.stored.epoch == 2
    assert result.stored.size_bytes < result.stored.float32_bytes / 2
    assert result.stored.wer_percent is not None
    assert result.peak_rss_mb > 50  # a JVM, seen by the phone's own figures


def test_a_trainer_is_not_built_without_a_jdk(tmp_path):
    with pytest.raises(InputError, match="javac, java, mvn"):
        compiled(find_toolchain({"PATH": str(tmp_path)}))


def test_asked_to_stop_before_there_is_anything_to_finish_with(java_trainer, make_job, tmp_path):
    """The phase that was cut has an end all the same, in both logs."""
    job = make_job()
    phases = []
    for command, name in ((PYTHON, "python"), (java_trainer, "java")):
        (tmp_path / "out").mkdir()
        Path(job.outputs.stop_file).touch()
        code, events = run(command, job, tmp_path)
        assert (code, events[-1].type, events[-1].kind) == (1, "error", "Stopped"), name
        phases.append([(event.phase, event.state) for event in of(events, PhaseChange)])
        (tmp_path / "out").rename(tmp_path / name)
    assert phases[0][-2:] == [("preprocess", "begin"), ("preprocess", "end")]
    assert phases[1] == phases[0]


@pytest.mark.parametrize(
    ("spoil", "code", "kind"),
    [
        (lambda job: job["training"].update(epochs="many"), 2, "BadJob"),
        (lambda job: job["model"].update(sha256="0" * 64), 1, "BadInput"),
        (lambda job: job["model"].update(path="/nowhere.tflite"), 1, "BadInput"),
        (lambda job: job["model"].update(checkpoint="/nowhere.npz"), 1, "BadInput"),
        (lambda job: job["data"]["train"][0].update(path="/nowhere.wav"), 1, "BadInput"),
        (lambda job: job["data"]["train"][0].update(text="der böse wolf"), 1, "BadInput"),
        (lambda job: job["training"].update(batch_size=9), 1, "BadInput"),
        (lambda job: job["selection"].update(forced="S9"), 1, "BadInput"),
        (
            lambda job: job["selection"].update(candidates=["All"], need_mb={"All": 1}),
            1,
            "BadInput",
        ),
        (lambda job: job.update(version=3), 2, "BadJob"),
        (lambda job: job["selection"].pop("candidates"), 2, "BadJob"),
    ],
)
def test_what_cannot_be_used_is_called_the_same(
    java_trainer, make_job, tmp_path, spoil, code, kind
):
    job = json.loads(make_job().model_dump_json())
    spoil(job)
    for command, name in ((PYTHON, "python"), (java_trainer, "java")):
        found, events = run(command, job, tmp_path)
        assert (found, events[-1].type, events[-1].kind) == (code, "error", kind), name
        assert events[-1].message
        (tmp_path / "out").rename(tmp_path / name)


@pytest.fixture(scope="module")
def stairs(tmp_path_factory):
    """A tiny network with exits, whose spans train by one switched signature."""
    pytest.importorskip("tensorflow", reason="needs the extra [model]")
    from harness.model.export import build_model

    path = tmp_path_factory.mktemp("stairs") / "stairs.tflite"
    return build_model(replace(SMALL, clip="layer", switched=True), path, seed=5)


@pytest.mark.tensorflow
def test_one_switched_signature_trains_spans_alike(java_trainer, stairs, tmp_path):
    for name in ("upto2", "heads"):
        folder = tmp_path / name
        folder.mkdir()
        job = stairs_job(folder, stairs, selection={"forced": name})
        python, theirs = both(java_trainer, job, folder)
        assert decisions(theirs) == decisions(python)
        ours = [event.loss for event in of(python, Step)]
        assert [event.loss for event in of(theirs, Step)] == pytest.approx(ours, rel=1e-3)


@pytest.mark.tensorflow
@pytest.mark.nightly  # seed and event are golden vectors of the Java trainer's own tests
def test_weights_in_few_bits_are_rounded_by_the_same_lots(java_trainer, tmp_path):
    """The file draws them, from a seed that is the job's; each step says what it changed."""
    from harness.model.export import build_model

    config = replace(SMALL, width=6, clip="layer", resident="int8", optimiser="sgd")
    path = build_model(config, tmp_path / "stairs.tflite", seed=5, sub_models=["upto1"])
    only = {"forced": "upto1", "candidates": ["upto1"], "need_mb": {"upto1": 1.0}}
    job = stairs_job(tmp_path, path, selection=only, training={"learning_rate": 0.05})
    python, theirs = both(java_trainer, job, tmp_path)
    assert decisions(theirs) == decisions(python)
    ours = [event.loss for event in of(python, Step)]
    assert [event.loss for event in of(theirs, Step)] == pytest.approx(ours, rel=1e-3)
    changed = [event.changed_codes for event in of(python, Step)]
    assert [event.changed_codes for event in of(theirs, Step)] == pytest.approx(changed, abs=0.02)
    assert all(0 < share < 1 for share in changed)
    kept = Path(of(theirs, Checkpoint)[-1].path)
    with (
        opened_weights(kept) as java,
        opened_weights(tmp_path / "python" / kept.parent.name / kept.name) as reference,
    ):
        for name in reference.shapes:
            assert (
                np.isclose(java.read(name), reference.read(name), rtol=1e-3, atol=1e-6).mean()
                > 0.95
            )


@pytest.mark.tensorflow
@pytest.mark.parametrize(
    ("changes", "exits"),
    [
        ({"exits": {"rule": "entropy", "threshold": 3.163, "answers": "all"}}, {1, 2, 3}),
        ({"exits": {"rule": "posterior", "threshold": 0.14}, "ordered": True}, {1, 2, 3}),
        ({"exits": {"rule": "agreement"}, "mode": "train", "training": {"epochs": 1}}, {3}),
    ],
)
def test_utterances_leave_alike(java_trainer, stairs, tmp_path, changes, exits):
    job = stairs_job(tmp_path, stairs, other=True, **{"mode": "evaluate", **changes})
    python, theirs = both(java_trainer, job, tmp_path)
    assert decisions(theirs) == decisions(python)
    left = {event.exit for event in of(theirs, UtteranceExits)}
    assert left == {f"exit{number}" for number in exits}
    trains = job.mode == "train"
    assert of(theirs, Stopped)[0].reason == ("epochs_done" if trains else "evaluated")
    assert of(theirs, Started)[0].ignored == (("ordered",) if job.ordered else ())
    for own, other in zip(of(theirs, UtteranceExits), of(python, UtteranceExits), strict=True):
        assert own.rule_seconds > 0
        reached = [answer.exit for answer in own.answers].index(own.exit) + 1
        assert own.seconds == pytest.approx(sum(a.seconds for a in own.answers[:reached]))
        for name in ("entropy", "posterior"):
            its, ours = ([getattr(a, name) for a in event.answers] for event in (own, other))
            sure = [value for value in ours if value is not None]
            assert [value is None for value in its] == [value is None for value in ours]
            assert [value for value in its if value is not None] == pytest.approx(sure, rel=1e-5)


def test_a_network_without_exits_takes_no_rule(java_trainer, make_job, tmp_path):
    job = make_job(mode="evaluate", exits={"rule": "agreement"})
    for command, name in ((PYTHON, "python"), (java_trainer, "java")):
        code, events = run(command, job, tmp_path)
        assert (code, events[-1].kind) == (1, "BadInput"), name
        assert "the network has no exits" in events[-1].message
        (tmp_path / "out").rename(tmp_path / name)


def test_recordings_are_heard_alike_while_they_go_on(java_trainer, tmp_path):
    """By a beam, whose search asks far more of the file than greedy decoding."""
    spoken = sentences(tmp_path / "speech")
    job = transducer_job(tmp_path, spoken, streaming={"beam": 4})
    python, theirs = both(java_trainer, job, tmp_path)
    assert decisions(theirs) == decisions(python)
    assert all(each.text for each in of(theirs, Epoch)[0].hypotheses)
    costs = [
        [(e.id, e.audio_s, e.steps) for e in of(log, UtteranceStreamed)] for log in (python, theirs)
    ]
    assert costs[0] == costs[1]
    assert all(event.last_word_s is not None for event in of(theirs, UtteranceStreamed))
