"""Which nights are a baseline, and which are deleted."""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock

from harness.results.nightly import (
    NightlyRecord,
    Verdict,
    Word,
    good_before,
    nightly_runs,
    prune,
    write_nightly,
)
from harness.results.store import RunFolder
from tests.fixtures.report_run import RunShape, make_run


def night(root: Path, run: str, word: Word | None, *, key: str = "k", accepted: bool = False):
    folder = RunFolder(make_run(root, RunShape(stop_after=0), run))
    verdict = None
    if word is not None:
        verdict = Verdict(word=word, line="", exit_code=0, scenario="quickstart", run=run)
    write_nightly(folder, NightlyRecord(plan_key=key, accepted=accepted, verdict=verdict))
    return folder


def test_only_good_nights_of_the_same_plan_are_a_baseline(tmp_path: Path) -> None:
    night(tmp_path, "1", "no baseline")
    night(tmp_path, "2", "worse")
    night(tmp_path, "3", "good", key="another plan")
    night(tmp_path, "4", None)
    night(tmp_path, "5", "good")
    make_run(tmp_path, RunShape(stop_after=0), "by-hand")
    runs = nightly_runs(tmp_path, "quickstart")
    assert [run.run_id for run in runs] == ["1", "2", "3", "4", "5"]
    assert [one.run_id for one in good_before(runs, "k", 7)] == ["1", "5"]
    assert [one.run_id for one in good_before(runs, "k", 1)] == ["5"]
    night(tmp_path, "6", "worse", accepted=True)
    assert [r.run_id for r in good_before(nightly_runs(tmp_path, "quickstart"), "k", 7)] == ["6"]
    assert nightly_runs(tmp_path, "another") == []


def test_old_nights_go_but_not_the_baseline_nor_what_is_in_use(tmp_path: Path) -> None:
    for number in range(1, 6):
        night(tmp_path, str(number), "good")
    make_run(tmp_path, RunShape(stop_after=0), "by-hand")
    with FileLock(tmp_path / "2" / ".lock"):
        gone = prune(nightly_runs(tmp_path, "quickstart"), 2, [tmp_path / "1"])
    assert gone == ["3"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1", "2", "4", "5", "by-hand"]
