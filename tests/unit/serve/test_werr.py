"""WERR on the live page: of the jobs that have ended, told anew where another one has."""

from __future__ import annotations

from typing import Any

from harness.results.store import HypothesisRow, RunFolder
from harness.serve.page import run_page
from harness.serve.state import RunWatch
from tests.fixtures.run_under_way import HOSTILE, LiveRun


def hear(run: LiveRun, report: dict[str, Any], *errors: int) -> None:
    """Let the jobs that have ended have heard so many words wrong of ten; before it six."""
    folder = RunFolder.open(run.path)
    record = folder.record()
    scenario = {**record.scenario, "report": report}
    folder.write_record(record.model_copy(update={"scenario": scenario}))
    for attempt, wrong in zip(folder.attempts(), errors, strict=False):
        kept = attempt.result().kept_epoch
        attempt.write_hypotheses(
            HypothesisRow(
                epoch=epoch, id=f"u{n}", reference="w " * 10, hypothesis="w " * 10,
                substitutions=count, deletions=0, insertions=0, reference_words=10,
            )
            for epoch, count in ((0, 6), (kept, wrong)) for n in range(4)
        )  # fmt: skip


def vary(run: LiveRun) -> None:
    """Let the two jobs that have ended differ in a setting."""
    for attempt, value in zip(RunFolder.open(run.path).attempts(), (HOSTILE, "b"), strict=False):
        result = attempt.result()
        attempt.write_result(result.model_copy(update={"axes": {**result.axes, "x": value}}))


def test_against_each_start_and_against_a_job_that_has_ended(live_run: LiveRun) -> None:
    vary(live_run)
    hear(live_run, {"baseline": {"x": HOSTILE}}, 5, 8)
    state = RunWatch(live_run.path).state()
    assert state.werr is not None
    (line,) = state.werr.lines
    assert (line.base_errors, line.new_errors, line.words) == (20, 32, 40)
    assert round(line.werr_percent or 0, 1) == -60
    page = run_page(state, alone=True)
    assert '<span class="bad">−60.0</span>' in page
    assert "<img" not in page
    hear(live_run, {"baseline": "before"}, 3, 6)
    werr = RunWatch(live_run.path).state().werr
    assert werr is not None
    assert [round(each.werr_percent or 0, 1) for each in werr.lines] == [50, 0, 25]


def test_a_run_that_names_no_baseline_has_none(live_run: LiveRun) -> None:
    hear(live_run, {"characters": True}, 3)
    state = RunWatch(live_run.path).state()
    assert state.werr is None
    assert "p-werr" not in run_page(state, alone=True)
