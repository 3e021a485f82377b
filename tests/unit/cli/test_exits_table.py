"""What the terminal tells of exits, and of jobs that only hear."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from harness.cli import console
from harness.cli.ending import result_row, results_table
from harness.cli.exits_table import exit_columns, leaving_lines
from harness.cli.phones_table import epoch_words
from harness.cli.progress import PlainProgress, result_words
from harness.lab import PhoneStatus
from harness.report.load import load_run
from harness.results.model import AttemptResult
from harness.serve.facts import Running
from tests.fixtures.exits_run import make_exits_run


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[AttemptResult]:
    """Two speakers, who all leave at the second of three exits."""
    folder = make_exits_run(
        tmp_path_factory.mktemp("run"), {"made-up": (0.5, 0.25, 0.0)}, leave_at=(1,), utterances=5
    )
    return [attempt.result for attempt in load_run(folder).final]


def test_a_row_a_result_and_a_column_an_exit(results: list[AttemptResult]) -> None:
    columns, rows = exit_columns(results, ["data.speaker"])
    heads = [column.name.split("\n")[0] for column in columns]
    assert heads == ["speaker", "rule", "exit1", "exit2", "exit3"]
    for result, (speaker, rule, first, second, third) in zip(results, rows, strict=True):
        assert (speaker, rule) == (result.speaker, "fixed exit2")
        assert result.exits is not None
        shallow, left, _ = result.exits.by_exit
        assert first == f"0 ({shallow.wer_percent:.1f})"
        assert second == f"100 ({left.wer_percent:.1f})"
        assert third == "0"  # nobody went on to it
    terminal = Console(width=80, record=True, file=io.StringIO(), force_terminal=True)
    terminal.print(console.shown_table(columns, rows, 80))
    assert "100 (" in terminal.export_text()


def test_scripts_are_told_too(results: list[AttemptResult]) -> None:
    row = result_row(results[0])
    assert isinstance(row["exits"], list)
    assert [each["exit"] for each in row["exits"]] == ["exit1", "exit2", "exit3"]
    assert [each["share_percent"] for each in row["exits"]] == [0.0, 100.0, 0.0]
    without = results[0].model_copy(update={"exits": None})
    assert result_row(without)["exits"] is None


def test_only_networks_with_exits_have_the_table(
    results: list[AttemptResult], capsys: pytest.CaptureFixture[str]
) -> None:
    results_table(results)
    assert "where utterances left" in capsys.readouterr().out
    results_table([result.model_copy(update={"exits": None}) for result in results])
    assert "where utterances left" not in capsys.readouterr().out


def test_the_line_of_an_attempt_says_where_utterances_left(results: list[AttemptResult]) -> None:
    assert "left at exit2 100 %" in result_words(results[0])
    heard = results[0].model_copy(update={"epochs_planned": 0, "stop_reason": "evaluated"})
    words = result_words(heard)
    assert "->" not in words
    assert "epoch" not in words
    assert "heard once" in words


def running(left_at: list[tuple[str, int]]) -> Running:
    return Running(
        job_id="j", attempt=1, serial="A-1", step="train", axes={}, speaker="s", started_utc="",
        seconds=3.0, sub_model=None, phase="validation", epoch=0, epochs=0, steps=0, loss=[],
        wer_percent=[], left_at=left_at, samples={},
    )  # fmt: skip


def test_a_running_evaluation_says_where_utterances_have_left() -> None:
    lines = leaving_lines([running([("exit1", 3), ("exit2", 0)]), running([])], {"A-1": "one"})
    assert lines == ["one: utterances left at exit1 (3), exit2 (0)"]


def test_who_trains_no_epoch_has_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert epoch_words(0, 0) == epoch_words(None, 6) == epoch_words(1, None) == ""
    assert epoch_words(0, 6) == "0/6"
    progress = PlainProgress()
    for epochs in (0, 6):
        progress.phone(
            PhoneStatus(f"P{epochs}", "x", job_id="j", step="train", epoch=0, epochs=epochs)
        )
    once, trained = capsys.readouterr().err.splitlines()
    assert "epoch" not in once
    assert trained.endswith("epoch 0/6")
