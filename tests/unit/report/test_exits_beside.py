"""Exits before and now: pairs of the same rule, and the figures that a night is judged by."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from harness.cli.verdict import judge
from harness.report.build import build_report
from harness.report.exits_beside import rules_beside
from harness.report.load import load_runs
from harness.report.observed import observed
from harness.results.compare import compare
from tests.fixtures.exits_run import make_exits_run

GOOD, BAD = (0.5, 0.25, 0.05), (0.9, 0.7, 0.6)


def run(
    root: Path, wrong: Sequence[float] = GOOD, leave_at: Sequence[int] = (1,), seed: int = 1
) -> Path:
    made = {"made-up": tuple(wrong)}
    return make_exits_run(root, made, leave_at=leave_at, seed=seed, seconds=(0.1, 0.2 * seed, 0.3))


def test_a_rule_stands_beside_itself_and_no_other(tmp_path: Path) -> None:
    before, now = run(tmp_path / "a"), run(tmp_path / "b", BAD, (1, 0))
    rules = rules_beside(load_runs([before, now]))
    assert [(rule.now.rule, rule.now.speaker) for rule in rules] == [
        ("fixed exit2", "us-male"),
        ("fixed exit2", "ind-male"),
    ]
    together, first, second, last = rules[0].rows
    assert (together.exit, together.left) == ("", ("3.0", "3.0"))
    assert together.wer[0].endswith(")")
    assert float(together.wer[0].split()[0]) < float(together.wer[1].split()[0])
    assert together.change.startswith("+")
    assert [row.left for row in (first, second, last)] == [
        ("0.0", "0.0"), ("100.0", "100.0"), ("0.0", "0.0"),
    ]  # fmt: skip
    assert (second.change, last.wer, last.seconds) == ("", ("–", "–"), ("–", "–"))


def test_runs_before_are_taken_together(tmp_path: Path) -> None:
    runs = [run(tmp_path / name, seed=seed) for seed, name in enumerate("abc", 1)]
    (rule, _) = rules_beside(load_runs(runs))
    assert len(rule.before.attempts) == 2
    assert rule.rows[0].seconds == ("0.3000", "0.6000")
    assert rules_beside(load_runs(runs[:1])) == ()


def test_layers_and_seconds_are_judged(tmp_path: Path) -> None:
    before = run(tmp_path / "a", leave_at=(0,) * 8)
    later = run(tmp_path / "b", leave_at=(2,) * 8)
    old, new = observed(load_runs([before, later]))
    assert {o.values["layers_computed"] for o in old} == {2}
    assert {round(o.values["seconds_per_utterance"], 6) for o in new} == {0.31}
    findings = {f.metric: f for f in compare(old, new).findings}
    assert findings["layers_computed"].judgement == "worse"
    assert findings["seconds_per_utterance"].judgement == "worse"
    back = {f.metric: f.judgement for f in compare(new, old).findings}
    assert back["layers_computed"] == back["seconds_per_utterance"] == "better"


def test_the_page_has_them_escaped_and_other_pages_have_not(tmp_path: Path) -> None:
    runs = [run(tmp_path / "a"), run(tmp_path / "b")]
    for path in runs:
        for file in path.glob("attempts/*/*/result.json"):
            result = json.loads(file.read_text())
            result["speaker"] = "<b>anna</b>"
            file.write_text(json.dumps(result))
    build_report(runs[-1])
    page = tmp_path / "compare.html"
    judge(runs, alpha=0.5, minimum={}, out=page, junit=tmp_path / "x.xml")
    text = page.read_text()
    assert 'id="exits-beside"' in text
    assert "&lt;b&gt;anna" in text
    assert "<b>anna" not in text
    for path in runs:
        for file in path.glob("attempts/*/*/result.json"):
            result = json.loads(file.read_text()) | {"exits": None}
            file.write_text(json.dumps(result))
    judge(runs, alpha=0.5, minimum={}, out=page, junit=tmp_path / "x.xml")
    assert "exits-beside" not in page.read_text()
