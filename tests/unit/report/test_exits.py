"""Where utterances left a network with exits: the section, and that others have none."""

from __future__ import annotations

from pathlib import Path

from harness.report.build import build_report
from harness.report.exits import exit_groups, in_words, rule_rows
from harness.report.load import load_run
from harness.results.model import AttemptResult, ExitRecord, ExitsRecord
from tests.fixtures.report_run import RunShape, make_run

SHAPE = {"profiles": ("oneplus-7t",), "sub_models": ("S1",), "epochs": 2}
HEADING = "At which exit did utterances leave?"


def with_exits(result: AttemptResult) -> AttemptResult:
    def of(name: str, depth: int, taken: int, wer: float | None) -> ExitRecord:
        return ExitRecord(
            exit=name, depth=depth, taken=taken, share_percent=25.0 * taken, utterances=taken,
            wer_percent=wer, seconds=0.5 if taken else None,
        )  # fmt: skip

    exits = ExitsRecord(
        epoch=0, rule={"rule": "entropy", "threshold": 0.125}, utterances=4, rows=1,
        wer_percent=12.5, mean_depth=3.5, mean_segments=1.25, mean_seconds=0.25,
        mean_rule_seconds=0.0625,
        by_exit=(of("<b>exit1</b>", 3, 4, 12.5), of("exit2", 6, 0, None)),
    )  # fmt: skip
    return result.model_copy(update={"exits": exits})


def test_rules_and_exits_stand_on_the_page(tmp_path: Path) -> None:
    path = make_run(tmp_path, RunShape(**SHAPE, speakers=("us-male",), spoil=with_exits))
    (row,) = rule_rows(load_run(path).final)
    assert (row.rule, row.wer_percent, row.mean_depth) == ("entropy 0.125", 12.5, 3.5)
    assert [(each.share_percent, each.seconds) for each in row.by_exit] == [(100, 0.5), (0, None)]
    assert "after 3.5 of 6 layers" in in_words(exit_groups((row,)))[0]
    page = build_report(path).read_text()
    assert HEADING in page
    assert "&lt;b&gt;exit1" in page
    assert "<b>exit1" not in page


def test_without_exits_there_is_no_section(tmp_path: Path) -> None:
    path = make_run(tmp_path, RunShape(**SHAPE, speakers=("us-male",)))
    assert HEADING not in build_report(path).read_text()
