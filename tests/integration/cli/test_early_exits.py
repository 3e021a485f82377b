"""The shipped scenarios about early exits, small, on a virtual phone, and what is refused."""

from __future__ import annotations

import json

import pytest

import harness as package

SMALL = (
    *("--set", "data.validation=6", "--set", "gates=off", "--only", "data.speaker=us-male"),
    *("--farm", "virtual", "--name", "small", "--json"),
)


def test_where_utterances_leave(harness, tmp_path):
    done = harness("run", "early_exit", *SMALL)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["finished"], told["failed"]) == (5, 0)
    run = package.open_run(tmp_path / "runs" / "small")
    results = [folder.result() for folder in run.folder.attempts()]
    by_rule = {result.exits.rule["rule"]: result for result in results}
    assert set(by_rule) == {"last", "agreement", "entropy", "posterior", "fixed"}
    for result in results:
        assert result.stop_reason == "evaluated"
        assert result.selection is None, "nothing was trained, so nothing was chosen"
        assert sum(exit_.taken for exit_ in result.exits.by_exit) == 6
    last, fixed = by_rule["last"].exits, by_rule["fixed"].exits
    assert [exit_.taken for exit_ in last.by_exit] == [0, 0, 6]
    assert [exit_.utterances for exit_ in last.by_exit] == [6, 6, 6], "all of them answered"
    assert [exit_.utterances for exit_ in fixed.by_exit] == [6, 0, 0], "nothing above it ran"
    assert fixed.mean_depth < by_rule["agreement"].exits.mean_depth <= last.mean_depth
    assert all(len(folder.exits()) == 6 for folder in run.folder.attempts())
    page = (tmp_path / told["report"]).read_text()
    assert 'id="exits"' in page
    assert "none fits" not in page
    again = harness("export", "csv", "runs/small")
    assert "exits.csv" in again.stdout + again.stderr


def test_spans_of_segments_are_trained(harness, tmp_path):
    few = ("--set", "data.train=5", "--set", "data.validation=2", "--set", "trainer.epochs=1")
    only = ("--only", "data.speaker=uk-female", "--only", "trainer.sub_model=upto1")
    done = harness(
        "run", "which_layers", *few, *only, "--set", "gates=off", "--farm", "virtual",
        "--name", "small", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    run = package.open_run(tmp_path / "runs" / "small")
    results = [folder.result() for folder in run.folder.attempts()]
    assert {result.model_name for result in results} == {"conformer-mini", "ds2-mini-ee"}
    assert {result.selection.sub_model for result in results} == {"upto1"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("trainer.exits={rule: fixed, exit: exit9}", "exit9"),
        ("trainer.exits={rule: entropy, threshold: -1}", "threshold"),
        ("trainer.exits={rule: posterior, threshold: 0.5, n_best: 20}", "beam"),
        ("trainer.sub_model=upto7", "upto7"),
        ("model=ds2-mini", "exits"),
    ],
)
def test_what_cannot_be_is_told_before_a_phone_is_touched(harness, tmp_path, change, words):
    done = harness("plan", "which_layers" if "sub_model" in change else "early_exit",
                   "--set", change, "--farm", "virtual")  # fmt: skip
    assert done.returncode == 2, done.stdout
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "runs").exists()
