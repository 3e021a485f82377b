"""Where utterances left a network with exits: the section, and that others have none."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.metrics.exits import halves, outcome
from harness.report.build import build_report
from harness.report.evaluation import Evaluation
from harness.report.exits import ExitGroup, RuleRow, exit_groups, in_words, rule_rows
from harness.report.figures.depth import DepthLine, over_depth
from harness.report.figures.shares import ShareBar, share_bars
from harness.report.figures.sheet import Shape
from harness.report.leaving import depth_lines, fixed_at, judged_ways
from harness.report.load import Attempt, load_run, load_runs
from harness.results.model import AttemptResult, ExitRecord, ExitsRecord
from harness.results.store import RunFolder
from harness.results.wer_interval import Utterance
from tests.fixtures.exits_run import EXITS, make_exits_run
from tests.fixtures.report_run import RunShape, make_run

SHAPE = {"profiles": ("oneplus-7t",), "sub_models": ("S1",), "epochs": 2}
HEADING = "At which exit did utterances leave?"


def record_of() -> ExitsRecord:
    def of(name: str, depth: int, taken: int, wer: float | None) -> ExitRecord:
        return ExitRecord(
            exit=name, depth=depth, taken=taken, share_percent=25.0 * taken, utterances=taken,
            wer_percent=wer, seconds=0.5 if taken else None,
        )  # fmt: skip

    return ExitsRecord(
        epoch=0, rule={"rule": "entropy", "threshold": 0.125}, utterances=4, rows=1,
        wer_percent=12.5, mean_depth=3.5, mean_segments=1.25, mean_seconds=0.25,
        mean_rule_seconds=0.0625,
        by_exit=(of("<b>exit1</b>", 3, 4, 12.5), of("exit2", 6, 0, None)),
    )  # fmt: skip


def with_exits(result: AttemptResult) -> AttemptResult:
    return result.model_copy(update={"exits": record_of()})


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


def test_decoders_are_drawn_beside_their_heads(tmp_path: Path) -> None:
    def by_decoders(result: AttemptResult) -> AttemptResult:
        record = record_of()
        rule = {**record.rule, "decoder": "attention"}
        return result.model_copy(update={"exits": record.model_copy(update={"rule": rule})})

    shape = {**SHAPE, "speakers": ("us-male",)}
    paths = [
        make_run(tmp_path / name, RunShape(**shape, spoil=spoil))
        for name, spoil in (("heads", with_exits), ("decoders", by_decoders))
    ]
    rows = rule_rows(attempt for path in paths for attempt in load_run(path).final)
    assert [row.rule for row in rows] == ["entropy 0.125", "entropy 0.125 by attention"]
    models = [row.model for row in rows]
    assert models == [models[0], f"{models[0]} (decoders)"]
    assert len(exit_groups(rows)) == 2


def test_without_exits_there_is_no_section(tmp_path: Path) -> None:
    path = make_run(tmp_path, RunShape(**SHAPE, speakers=("us-male",)))
    assert HEADING not in build_report(path).read_text()


WRONG = {"conformer-mini": (0.5, 0.25, 0.05)}


def rules_of(root: Path, leave_at: Sequence[int] = (), **shape: object) -> tuple[ExitGroup, ...]:
    path = make_exits_run(root, WRONG, leave_at=leave_at, **shape)  # type: ignore[arg-type]
    return exit_groups(rule_rows(load_run(path).final))


def test_a_group_has_what_was_measured_and_what_could_have_been(tmp_path: Path) -> None:
    first, second = rules_of(tmp_path)
    assert (first.first.speaker, second.first.speaker) == ("us-male", "ind-male")
    measured, every, oracles = first.lines
    (point,) = measured.points
    assert (measured.label, point) == ("last", (4.0, first.first.wer_percent))
    low, high = measured.between[0]  # type: ignore[misc]
    assert low < point[1] < high
    assert [depth for depth, _ in every.points] == [2, 3, 4]
    assert every.points[-1] == point
    wers = [wer for _, wer in every.points]
    assert wers == sorted(wers, reverse=True)
    assert all(wer <= point[1] and depth < 4 for depth, wer in oracles.points)
    assert oracles.level


def test_thresholds_are_judged_on_the_other_half(tmp_path: Path) -> None:
    group, _ = rules_of(tmp_path)
    judged = {row.way.label: row for row in group.judged}
    assert {"always the last exit", "agreement", "entropy", "posterior"} < set(judged)
    (utterances,) = {sum(row.outcome.taken) for row in group.judged}
    assert 0 < utterances < 60
    assert judged["entropy"].way.threshold is not None
    assert judged["entropy"].outcome.depth < judged["always the last exit"].outcome.depth


def test_rules_of_one_kind_are_one_line(tmp_path: Path) -> None:
    group, _ = rules_of(tmp_path, leave_at=(1, 0))
    (line,) = group.lines
    assert line.label == "fixed"
    assert [depth for depth, _ in line.points] == [2, 3]
    assert [row.rule for row in group.rules] == ["fixed exit2", "fixed exit1"]
    assert [row.share_percent for row in group.rules] == [(0, 100, 0), (100, 0, 0)]
    assert group.judged == ()


def row_of(rule: str, depth: float, wrong: Sequence[int]) -> RuleRow:
    """Return a rule that misheard so many words of ten, an utterance each."""
    name, _, threshold = rule.partition(" ")
    told = {"rule": name} | ({"threshold": float(threshold)} if threshold else {})
    wer = 10 * sum(wrong) / len(wrong)
    update = {"rule": told, "mean_depth": depth, "wer_percent": wer}
    row = RuleRow(rule, "us-male", "m", "p", "r", (), (record_of().model_copy(update=update),))
    heard = tuple(Utterance(f"u{n}", errors, 0, 0, 10) for n, errors in enumerate(wrong))
    row.__dict__["left"] = heard
    return row


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        # one that loses for sure is no answer, however early it leaves
        ([("entropy 0.5", 3, (5,) * 10), ("entropy 0.1", 5, (0, 3) * 5)], "entropy 0.1 leaves"),
        ([("entropy 0.5", 3, (5,) * 10)], "no rule can be said to hear as well"),
        ([("entropy 0.5", 3, (2, 0) * 5), ("agreement", 5, (1,) * 10)], "entropy 0.5 leaves"),
    ],
)
def test_a_sentence_names_the_earliest_that_is_not_surely_worse(
    rules: Sequence[tuple[str, float, Sequence[int]]], words: str
) -> None:
    last = row_of("last", 7, (1,) * 10)
    group = ExitGroup("k", (last, *(row_of(*rule) for rule in rules)))
    (sentence,) = in_words([group])
    assert words in sentence
    assert "10.0 %" in sentence


def test_more_groups_than_are_told_are_counted() -> None:
    group = ExitGroup("k", (row_of("last", 7, (1,) * 10),))
    assert in_words([group] * 9)[-1] == "3 more speakers or phones: below."
    assert len(in_words([group] * 6)) == 6


def test_figures_of_a_page_and_what_was_heard_is_escaped(tmp_path: Path) -> None:
    path = make_exits_run(tmp_path, {"<i>m</i>": WRONG["conformer-mini"]})
    hostile = "<script>alert(1)</script> \u202e =1+1"
    for file in path.glob("attempts/*/*/exits.jsonl"):
        rows = [json.loads(line) for line in file.read_text().splitlines()]
        for answer in rows[0]["answers"]:
            answer["text"] = hostile
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    page = build_report(path).read_text(encoding="utf-8")
    section = page[page.index('id="exits"') :]
    section = section[: section.index("</section>")]
    for figure in ("As measured", "Where utterances left", "What thresholds would do"):
        assert section.count(f"<figcaption>{figure}</figcaption>") == 2
    assert section.count("<svg") == section.count("<title") == section.count("<desc") == 6
    assert "<script>alert" not in page
    assert "<i>m" not in page


def test_a_damaged_line_costs_that_line_and_is_told(tmp_path: Path) -> None:
    path = make_exits_run(tmp_path, WRONG)
    file = sorted(path.glob("attempts/*/*/exits.jsonl"))[0]
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join([*lines[:3], '{"epoch": 0, "id"\n', *lines[4:]]))
    rows = rule_rows(load_run(path).final)
    assert sorted(len(row.left) for row in rows) == [59, 60]
    page = build_report(path).read_text(encoding="utf-8")
    assert f"{file.relative_to(path)}:4: this line is left out" in page
    assert str(path) not in page
    assert page.count("<figcaption>As measured</figcaption>") == 2


def test_an_exit_that_the_network_has_not_is_left_out(tmp_path: Path) -> None:
    path = make_exits_run(tmp_path, WRONG)
    for file in path.glob("attempts/*/*/exits.jsonl"):
        file.write_text(file.read_text().replace('"exit":"exit3"', '"exit":"exit9"'))
    assert [row.left for row in rule_rows(load_run(path).final)] == [(), ()]
    assert HEADING in build_report(path).read_text()


def retold(path: Path, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> Attempt:
    """Write the first attempt's rows anew and return it."""
    attempt = load_run(path).final[0]
    folder = RunFolder.open(path).attempt(attempt.result.job_id, attempt.result.attempt)
    rows = [json.loads(line) for line in folder.exits_path.read_text().splitlines()]
    text = "".join(json.dumps(row) + "\n" for row in change(rows))
    folder.exits_path.write_text(text, encoding="utf-8")
    return load_run(path).final[0]


@pytest.mark.parametrize(
    ("kept", "epoch", "count"), [(0, 0, 5), (1, 1, 2), (None, 2, 1), (9, 2, 1)]
)
def test_what_counts_is_the_epoch_that_is_kept_else_the_last(
    tmp_path: Path, kept: int | None, epoch: int, count: int
) -> None:
    path = make_exits_run(tmp_path, WRONG, utterances=5)

    def later(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [*rows, *(row | {"epoch": 1} for row in rows[:2]), rows[0] | {"epoch": 2}]

    attempt = retold(path, later)
    result = attempt.result.model_copy(update={"kept_epoch": kept})
    evaluation = Evaluation.of(replace(attempt, result=result))
    assert evaluation is not None
    assert [row.epoch for row in evaluation.rows] == [epoch] * count
    assert len(evaluation.left) == len(evaluation.heard) == count


def test_who_was_not_answered_by_all_exits_is_in_no_curve(tmp_path: Path) -> None:
    path = make_exits_run(tmp_path, WRONG, utterances=5)

    def less(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        rows[0] |= {"answers": rows[0]["answers"][1:]}
        rows[1]["answers"][0]["text"] = None
        return rows

    evaluation = Evaluation.of(retold(path, less))
    assert evaluation is not None
    assert (len(evaluation.rows), len(evaluation.left), len(evaluation.heard)) == (5, 5, 3)


def test_what_is_drawn_is_of_the_half_that_judges(tmp_path: Path) -> None:
    group, _ = rules_of(tmp_path, utterances=61)
    evaluation = group.answered
    assert evaluation is not None
    choosing, judging = halves(evaluation.heard)
    assert len(choosing) != len(judging)
    every = depth_lines(evaluation)[0]
    wer = outcome(judging, evaluation.depths, fixed_at(0)).errors.wer_percent
    assert every.points[0] == (2, wer)
    assert wer != outcome(choosing, evaluation.depths, fixed_at(0)).errors.wer_percent
    judged = {row.way.label: row for row in judged_ways(evaluation)}
    assert {sum(row.outcome.taken) for row in judged.values()} == {len(judging)}
    assert judged["entropy"].outcome.depth > 3, "it may lose nothing against the last exit"


def test_figures_of_repeats_are_taken_together(tmp_path: Path) -> None:
    shares = iter((25.0, 75.0))

    def uneven(result: AttemptResult) -> AttemptResult:
        first, last = record_of().by_exit
        share = next(shares)
        first = first.model_copy(update={"share_percent": share, "wer_percent": share})
        return result.model_copy(
            update={"exits": record_of().model_copy(update={"by_exit": (first, last)})}
        )

    shape = RunShape(**SHAPE, speakers=("us-male",), repeats=2, spoil=uneven)
    (row,) = rule_rows(load_run(make_run(tmp_path, shape)).final)
    (first, _) = row.by_exit
    assert (first.share_percent, first.wer_percent, first.utterances) == (50, 50, 8)


def test_runs_stay_apart_on_one_page(tmp_path: Path) -> None:
    paths = [make_exits_run(tmp_path / name, WRONG, utterances=5) for name in "ab"]
    for path, name in zip(paths, "ab", strict=True):
        for file in path.glob("attempts/*/*/result.json"):
            file.write_text(json.dumps(json.loads(file.read_text()) | {"run_id": name}))
    rows = rule_rows(attempt for run in load_runs(paths) for attempt in run.final)
    assert [(row.run, row.speaker) for row in rows] == [
        ("a", "us-male"), ("a", "ind-male"), ("b", "us-male"), ("b", "ind-male"),
    ]  # fmt: skip


def test_bars_are_as_long_as_their_shares() -> None:
    drawn = share_bars([ShareBar("agreement", (25, 0, 75))], EXITS, "k", "Shares")
    boxes = [item for item in drawn.sheet.items if isinstance(item, Shape)][len(EXITS) :]
    widths = [float(np.ptp(box.parts[0][:, 0])) + 1 for box in boxes]
    assert len(widths) == 2, "nobody left at the second"
    assert widths[1] == pytest.approx(3 * widths[0])
    right = max(float(box.parts[0][:, 0].max()) for box in boxes)
    assert right < drawn.sheet.width
    assert "25 % at exit1, 0 % at exit2, 75 % at exit3" in drawn


def test_a_bar_goes_through_a_point_from_end_to_end() -> None:
    line = DepthLine("entropy", ((2, 10), (4, 4)), "s1", between=((5, 20), None))
    drawn = over_depth([line], "k", "Title", (2, 3, 4))
    bars = [i for i in drawn.sheet.items if isinstance(i, Shape) and i.alpha is not None]
    (bar,) = bars
    ys = bar.parts[0][:, 1]
    # the axis goes from 0 to 20 over the height of the plot
    assert (ys.max() - ys.min()) == pytest.approx((drawn.sheet.height - 36 - 24) * 15 / 20)
    assert "10.0 % at layer 2.0, 4.0 % at layer 4.0" in drawn
