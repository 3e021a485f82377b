"""Other speakers are listened to before the first epoch, and with the weights that are kept."""

from pathlib import Path

import numpy as np
import pytest

from harness.contract.events import Epoch, OtherSpeakerHeard, PhaseChange, Stopped
from harness.trainer.events import read_log
from tests.unit.trainer.test_training import (
    SAID,
    ScriptedModel,
    cut_after,
    of,
    train,  # noqa: F401 - a fixture
)


@pytest.fixture
def others(tmp_path):
    """Two other speakers, of three utterances and one."""
    paths = [str(tmp_path / f"{number}.wav") for number in (0, 1, 2)]
    three = [{"id": f"o{n}", "path": path, "text": SAID} for n, path in enumerate(paths)]
    return [{"speaker": "anna", "validation": three}, {"speaker": "ben", "validation": three[:1]}]


def heard(events):
    return [(e.epoch, e.speaker, e.wer_percent) for e in of(events, OtherSpeakerHeard)]


@pytest.mark.parametrize(
    ("wers", "keep", "kept"),
    [
        ((75, 50, 25), "best", 2),
        ((75, 25, 50, 50), "best", 1),  # the weights of the last epoch are others
        ((75, 25, 50, 50), "last", 3),
        ((25, 50), "best", 0),  # what is kept is the start, which was heard already
        ((25,), "last", 0),
    ],
)
def test_before_the_first_epoch_and_with_the_weights_that_are_kept(
    train, others, wers, keep, kept  # noqa: F811
):  # fmt: skip
    events = train(*wers, keep=keep, also_evaluate=others)
    expected = [(0, "anna", wers[0]), (0, "ben", wers[0])]
    if kept:
        expected += [(kept, "anna", wers[kept]), (kept, "ben", wers[kept])]
    assert heard(events) == expected
    assert [len(e.hypotheses) for e in of(events, OtherSpeakerHeard)][:2] == [3, 1]
    assert events[-1].kept_epoch == kept
    places = [type(event).__name__ for event in events]
    assert places.index("OtherSpeakerHeard") > places.index("Epoch")
    assert places[-2:] == ["Stopped", "Finished"]
    changes = of(events, PhaseChange)
    assert [e.state for e in changes] == ["begin", "end"] * (len(changes) // 2)


def test_a_job_without_others_is_as_before(train):  # noqa: F811
    events = train(75, 50)
    assert not of(events, OtherSpeakerHeard)
    assert [e.phase for e in of(events, PhaseChange)[::2]].count("evaluate") == 2


def test_no_more_than_a_batch_of_their_features_is_in_memory(
    train, others, monkeypatch  # noqa: F811
):  # fmt: skip
    sizes = []
    real = ScriptedModel.infer

    def spy(self, batch):
        sizes.append(batch.rows)
        return real(self, batch)

    monkeypatch.setattr(ScriptedModel, "infer", spy)
    train(75, training={"epochs": 0}, also_evaluate=others)
    assert sizes == [2, 2, 1, 1]  # its own two utterances, then three and one


def test_asked_to_stop_they_are_not_waited_for(train, others, tmp_path):  # noqa: F811
    """Training has ended by itself when the host asks for an end: that is what is said."""
    log = tmp_path / "out" / "events.jsonl"

    def asked():
        return any(event.epoch == 2 for event in of(read_log(log), OtherSpeakerHeard))

    events = train(75, 50, 25, also_evaluate=others, stop_requested=asked)
    assert heard(events)[2:] == [(2, "anna", 25)]
    assert [(e.reason, e.epoch) for e in of(events, Stopped)] == [("epochs_done", 2)]
    assert events[-1].kept_epoch == 2


def test_asked_to_stop_before_the_first_epoch(train, others, tmp_path):  # noqa: F811
    log = tmp_path / "out" / "events.jsonl"
    asked = lambda: bool(of(read_log(log), Epoch))  # noqa: E731
    events = train(75, 50, also_evaluate=others, stop_requested=asked)
    assert not heard(events)
    assert [(e.reason, e.epoch) for e in of(events, Stopped)] == [("command", 0)]


@pytest.mark.parametrize("number", range(1, 5))
def test_killed_and_started_again_nobody_is_left_out_or_heard_twice(
    train, others, tmp_path, number  # noqa: F811
):  # fmt: skip
    wers, rule = (75, 25, 50, 50), {"also_evaluate": others}
    whole = train(*wers, **rule)
    log = tmp_path / "out" / "events.jsonl"
    before = cut_after(log, OtherSpeakerHeard, number)
    folder = tmp_path / "out" / "checkpoints"
    for epoch in (1, 3):  # as the disk was then
        place = Path(folder / f"epoch-{epoch:04d}.npz")
        np.savez(place, allow_pickle=False, epoch=np.array([epoch], np.float32))
    again = train(*wers, **rule)
    assert again[: len(before)] == before
    assert heard(again) == heard(whole)
    assert again[-1].kept_epoch == 1
