"""Jobs on a network with exits: what is trained, what is logged, what is refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.contract.events import (
    Checkpoint,
    Epoch,
    Finished,
    OtherSpeakerHeard,
    Selected,
    Step,
    Stopped,
    UtteranceExits,
)
from harness.errors import InputError
from harness.trainer import device, loop
from harness.trainer.events import EventLog, read_log
from harness.trainer.flatbuffer_learner import FlatbufferLearner
from harness.trainer.learner import run_now
from harness.trainer.runtime import FlatbufferModel
from tests.fixtures.stairs.configuration import SMALL
from tests.fixtures.stairs.job import stairs_job

pytestmark = pytest.mark.tensorflow

AGREEMENT = {"rule": "agreement"}
ALL = {"rule": "entropy", "threshold": 3.3, "answers": "all"}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    pytest.importorskip("tensorflow", reason="needs the extra [model]")
    from harness.model.export import build_model

    folder = tmp_path_factory.mktemp("stairs")
    forms = {
        "own": replace(SMALL, clip="layer"),
        "switched": replace(SMALL, clip="layer", switched=True),
    }
    return {
        form: build_model(config, folder / f"{form}.tflite", seed=5)
        for form, config in forms.items()
    }


@pytest.fixture
def run(files, tmp_path, monkeypatch):
    monkeypatch.setattr(device, "available_mb", lambda: 1000.0)
    monkeypatch.setattr(device, "battery_percent", lambda: 90.0)

    def go(form="own", folder="job", **changes):
        place = tmp_path / folder
        place.mkdir(exist_ok=True)
        job = stairs_job(place, files[form], **changes)
        with EventLog(Path(job.outputs.events)) as log:
            run_now(loop.Training(job, FlatbufferLearner(job, lambda: False), log).run())
        return read_log(Path(job.outputs.events))

    return go


def of(events, kind):
    return [event for event in events if isinstance(event, kind)]


def test_an_evaluation_hears_once_and_chooses_nothing(run):
    events = run(mode="evaluate", exits=ALL)
    (selected,) = of(events, Selected)
    assert (selected.sub_model, selected.forced) == (None, False)
    (epoch,) = of(events, Epoch)
    (stopped,) = of(events, Stopped)
    assert (epoch.epoch, stopped.reason, stopped.epoch) == (0, "evaluated", 0)
    assert not of(events, Step)
    assert not of(events, Checkpoint)
    finished = of(events, Finished)[0]
    assert (finished.epochs, finished.kept_epoch, finished.kept_checkpoint) == (0, 0, None)
    heard = of(events, UtteranceExits)
    assert [each.id for each in heard] == ["u1", "u2", "u3", "u4"]
    assert [each.rows for each in heard] == [3, 3, 3, 1]
    assert max(each.seq for each in heard) < epoch.seq
    for each, hypothesis in zip(heard, epoch.hypotheses, strict=True):
        assert [answer.exit for answer in each.answers] == ["exit1", "exit2", "exit3"]
        taken = next(answer for answer in each.answers if answer.exit == each.exit)
        assert (taken.text, hypothesis.id) == (hypothesis.text, each.id)
        first = next((a for a in each.answers if a.entropy <= 3.3), each.answers[-1])
        assert first.exit == each.exit
        reached = each.answers[: each.answers.index(taken) + 1]
        assert each.seconds == pytest.approx(sum(answer.seconds for answer in reached))


def test_the_last_exit_hears_what_infer_does(run):
    plain = of(run(mode="evaluate", folder="plain"), Epoch)[0]
    last = of(run(mode="evaluate", exits={}), Epoch)[0]
    assert last.hypotheses == plain.hypotheses
    early = run(mode="evaluate", exits={"rule": "fixed", "exit": "exit1"}, folder="early")
    assert {each.exit for each in of(early, UtteranceExits)} == {"exit1"}
    assert all(len(each.answers) == 1 for each in of(early, UtteranceExits))


def test_an_evaluation_needs_no_memory_to_choose_by(run, monkeypatch):
    monkeypatch.setattr(device, "available_mb", lambda: None)
    assert of(run(mode="evaluate", selection={"forced": "all"}), Selected)[0].sub_model is None


def test_killed_in_the_middle_of_an_evaluation_it_is_done_again(run, tmp_path):
    events = run(mode="evaluate", exits=AGREEMENT)
    log = tmp_path / "job" / "out" / "events.jsonl"
    second = of(events, UtteranceExits)[1]
    log.write_text("".join(log.read_text().splitlines(keepends=True)[: second.seq + 1]))
    again = run(mode="evaluate", exits=AGREEMENT)
    assert [e.id for e in of(again, UtteranceExits)] == ["u1", "u2", "u1", "u2", "u3", "u4"]
    assert len(of(again, Epoch)) == len(of(again, Stopped)) == len(of(again, Finished)) == 1
    epoch = of(again, Epoch)[0]
    log.write_text("".join(log.read_text().splitlines(keepends=True)[: epoch.seq + 1]))
    assert len(of(run(mode="evaluate", exits=AGREEMENT), UtteranceExits)) == 6


def test_others_are_heard_by_the_same_rule(run):
    heard = {}
    for name in ("exit1", "exit3"):
        rule = {"rule": "fixed", "exit": name}
        events = run(mode="evaluate", exits=rule, folder=name, other=True)
        (other,) = of(events, OtherSpeakerHeard)
        heard[name] = other.hypotheses[0].text
        assert heard[name] == of(events, Epoch)[0].hypotheses[0].text
        assert len(of(events, UtteranceExits)) == 4
    assert heard["exit1"] != heard["exit3"]


def test_a_training_says_where_they_left_after_each_epoch(run):
    events = run(exits=AGREEMENT, training={"epochs": 1}, selection={"forced": "upto2"})
    assert [each.epoch for each in of(events, UtteranceExits)] == [0] * 4 + [1] * 4
    assert of(events, Selected)[0].forced


def test_what_may_not_be_told_is_not_told(run, files, tmp_path):
    weights = tmp_path / "start.npz"
    np.savez(weights, **FlatbufferModel(files["own"], 1).get_weights())
    events = run(
        exits=AGREEMENT,
        model={"checkpoint": str(weights)},
        share={"hypotheses": False},
        training={"epochs": 1},
    )
    answers = [answer for each in of(events, UtteranceExits) for answer in each.answers]
    assert answers
    assert all(answer.text is None for answer in answers)
    assert of(events, Epoch)[0].errors is not None


def test_switched_and_own_signatures_train_alike(run):
    """Also after another sub-model: moments start anew by the switched file's own reset."""
    for name in ("all", "upto1", "from2", "heads"):
        forced = {"forced": name}
        losses = [
            [step.loss for step in of(run(form, f"{name}-{form}", selection=forced), Step)]
            for form in ("own", "switched")
        ]
        assert len(losses[0]) == 2
        assert losses[1] == pytest.approx(losses[0], rel=1e-5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"exits": {"rule": "fixed", "exit": "exit9"}}, "no exit 'exit9'; there are exit1, exit2"),
        ({"selection": {"forced": "upto9"}}, "no sub-model 'upto9'"),
        ({"version": 1}, "a job of version 1 is for"),
    ],
)
def test_what_the_file_has_not_is_refused(run, changes, message):
    with pytest.raises(InputError, match=message):
        run(**changes)


def test_a_network_without_exits_takes_no_rule(make_job):
    job = make_job(mode="evaluate", exits=AGREEMENT)
    learner = FlatbufferLearner(job, lambda: False)
    with pytest.raises(InputError, match="the network has no exits"):
        run_now(learner.load(None, None))


def test_in_order(run, files):
    plain = of(run(mode="evaluate", folder="plain"), Epoch)[0]
    ordered = of(run(mode="evaluate", ordered=True), Epoch)[0]
    assert ordered.hypotheses == plain.hypotheses

    class Older:
        def __init__(self, path, num_threads):
            pass

    with pytest.raises(InputError, match="cannot keep a model's operators in their order"):
        FlatbufferModel(files["own"], interpreter=Older, ordered=True)
