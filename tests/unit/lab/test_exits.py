"""What is kept and reckoned of where utterances left a network with exits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.contract.events import UtteranceExits
from harness.contract.exits import Answer, ExitRule
from harness.contract.network import Exit
from harness.lab.attempt.exits import exit_rows, exits_record
from harness.lab.attempt.jobfile import PhoneLayout, job_file
from harness.lab.failures import StepFailed
from harness.results.store import ExitsRow, HypothesisRow, RunFolder
from harness.scenario.exits import Exits
from tests.unit.lab.fakes import make_material, make_spec

SAID = {"v1": "one two", "v2": "five six"}
EXITS = (Exit(name="exit1", depth=1, head=("H1",)), Exit(name="exit2", depth=3, head=("H2",)))


def event(name: str, at: str, *texts: str | None, epoch: int = 0) -> UtteranceExits:
    return UtteranceExits(
        seq=0,
        t_boot_ms=0,
        epoch=epoch,
        id=name,
        exit=at,
        seconds=float(len(texts)),
        rule_seconds=0.25,
        rows=1,
        answers=tuple(
            Answer(exit=f"exit{n}", text=text, seconds=1.0) for n, text in enumerate(texts, 1)
        ),
    )


def heard(**texts: str) -> dict[int, tuple[HypothesisRow, ...]]:
    counts = {"substitutions": 0, "deletions": 0, "insertions": 0, "reference_words": 2}
    return {
        0: tuple(
            HypothesisRow(epoch=0, id=name, reference=SAID[name], hypothesis=text, **counts)
            for name, text in texts.items()
        )
    }


def spec_with(**changes):
    spec = make_spec()
    trainer = spec.content.trainer.model_copy(update=changes)
    return spec.model_copy(update={"content": spec.content.model_copy(update={"trainer": trainer})})


def test_by_exit_and_together() -> None:
    events = [
        event("v1", "exit2", "one", "two"),  # a trainer that went on says it again
        event("v1", "exit1", "one two"),
        event("v2", "exit2", "five", "five six"),
    ]
    rows = exit_rows(events, SAID, heard(v1="one two", v2="five six"))
    record = exits_record(ExitRule(rule="entropy", threshold=0.1), EXITS, rows, 0)
    assert record is not None
    assert record.rule == {"rule": "entropy", "threshold": 0.1}
    assert (record.utterances, record.wer_percent) == (2, 0)
    assert (record.mean_depth, record.mean_segments, record.mean_seconds) == (2, 1.5, 1.5)
    first, last = record.by_exit
    assert (first.taken, first.share_percent, first.utterances) == (1, 50, 2)
    assert (first.wer_percent, first.deletions, first.seconds) == (25, 1, 1)
    assert (last.taken, last.utterances, last.wer_percent, last.seconds) == (1, 1, 0, 2)


def row_of(epoch: int, exit_: str, rows: int) -> ExitsRow:
    told = event("v1", exit_, "one", "one two").model_dump(exclude={"type", "seq", "t_boot_ms"})
    return ExitsRow.model_validate(told | {"reference": SAID["v1"], "epoch": epoch, "rows": rows})


def test_figures_are_of_the_epoch_that_is_kept_else_of_the_last() -> None:
    rows = [row_of(0, "exit1", 2), row_of(1, "exit2", 2), row_of(2, "exit2", 1)]
    depths = {}
    for epoch in (0, 1, 7, None):
        record = exits_record(ExitRule(), EXITS, rows, epoch)
        assert record is not None
        depths[epoch] = (record.epoch, record.mean_depth, record.wer_percent)
    assert depths == {0: (0, 1, 50), 1: (1, 3, 0), 7: (2, 3, 0), None: (2, 3, 0)}
    assert exits_record(None, EXITS, rows, 0) is None
    assert exits_record(ExitRule(), EXITS, [], 0) is None


def test_the_last_batch_may_be_smaller_and_who_left_nowhere_took_no_time() -> None:
    record = exits_record(ExitRule(), EXITS, [row_of(0, "exit2", 1), row_of(0, "exit2", 3)], 0)
    assert record is not None
    assert record.rows == 3
    first, last = record.by_exit
    assert (first.taken, first.rule_seconds, last.rule_seconds) == (0, None, 0.25)


@pytest.mark.parametrize(
    ("events", "what"),
    [
        ([event("v1", "exit1", "one two")], "1 of 2 utterances"),
        (
            [event("v1", "exit1", "one"), event("v2", "exit1", "five six")],
            "something else in v1",
        ),
    ],
)
def test_a_trainer_that_says_something_else_is_not_believed(events, what) -> None:
    with pytest.raises(StepFailed, match=what):
        exit_rows(events, SAID, heard(v1="one two", v2="five six"))


def test_what_was_told_is_kept_and_old_attempts_have_nothing(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, "r1").attempt("job-1", 1)
    folder.make()
    assert folder.exits() == []
    rows = exit_rows(
        [event("v1", "exit1", "one two"), event("v2", "exit1", "")],
        SAID,
        heard(v1="one two", v2=""),
    )
    folder.write_exits(rows)
    assert tuple(folder.exits()) == rows


def test_the_trainer_is_told(tmp_path: Path) -> None:
    layout = PhoneLayout("/w", "job-1", 1)
    material = replace(make_material(tmp_path), ordered=True)
    spec = spec_with(mode="evaluate", sub_model="S5", exits=Exits(rule="agreement"))
    job = job_file(spec, material, layout)
    assert (job.mode, job.ordered, job.selection.forced) == ("evaluate", True, None)
    assert job.exits is not None
    assert job.exits.rule == "agreement"
    plain = job_file(make_spec(), make_material(tmp_path), layout).model_dump()
    assert not {"mode", "exits", "ordered"} & set(plain)
