import re
from collections.abc import Iterable
from pathlib import Path
from typing import get_args

import pytest

from harness.contract.events import StopReason
from harness.report import summary_line, summary_table
from harness.report.load import RunData, load_run
from harness.report.trouble import failure_groups, kills
from harness.report.words import (
    KIND_MEANING,
    KIND_WORDS,
    STOP_WORDS,
    headline,
    origin_words,
    origins,
    state_in_words,
)
from harness.results.model import AttemptResult
from tests.fixtures.report_run import Failing, RunShape, make_run, small


def results(data: RunData) -> Iterable[AttemptResult]:
    return [attempt.result for attempt in data.attempts]


def test_headline_counts_jobs_speakers_and_failures(quick: RunData) -> None:
    assert headline(quick) == (
        "11 of 12 jobs finished; WER fell for both speakers in 11 of 11 settings, most for "
        "ind-male with S1 on oneplus-7t: 58.4 % to 23.9 % (95\u00a0% interval 18.0–30.0\u00a0%); "
        "1 attempt was ended by the phone killing the trainer and 1 attempt was lost with the "
        "phone."
    )


def test_the_origin_says_whose_shell_virtual_phones_had(quick: RunData) -> None:
    assert "shell" not in origin_words([quick])["virtual"], "an old run does not say"
    phone = quick.attempts[0].result.phone
    phone.properties["ro.vlab.shell"] = "android"
    try:
        assert "mksh and toybox" in origin_words([quick])["virtual"]
        phone.properties["ro.vlab.shell"] = "host"
        assert "the host’s, not Android’s" in origin_words([quick])["virtual"]
    finally:
        del phone.properties["ro.vlab.shell"]


def test_summary_says_the_same(quick: RunData) -> None:
    # results alone hold no hypotheses, and so no interval
    assert summary_line(results(quick)) == re.sub(r" \(95[^)]*\)", "", headline(quick))
    assert summary_line([]) == "No attempt came to a result."


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        (small(), "The one job finished; WER fell for us-male, 38.2 % to "),
        (small(only_failures=True), "The one job did not finish; 1 attempt was lost with the"),
        (RunShape(stop_after=0), "Nothing has come to a result yet; 12 jobs planned."),
        (
            small(sub_models=("S1", "S5"), stop_after=1),
            "1 of 2 jobs finished; WER fell for us-male, 38.2 % to ",
        ),
    ],
)
def test_headline_of_other_runs(tmp_path: Path, shape: RunShape, said: str) -> None:
    assert headline(load_run(make_run(tmp_path, shape))).startswith(said)


def test_what_is_left_is_said(tmp_path: Path) -> None:
    data = load_run(make_run(tmp_path, small(sub_models=("S1", "S5"), stop_after=1)))
    assert headline(data).endswith("; 1 job not started or under way.")
    assert "has not ended" in state_in_words(data)


def test_wer_that_did_not_fall_is_not_dressed_up(tmp_path: Path) -> None:
    worse = small(spoil=lambda one: one.model_copy(update={"wer_after_percent": 60.0}))
    data = load_run(make_run(tmp_path, worse))
    assert "WER did not fall for us-male: 38.2 % to 60.0 %" in headline(data)


def test_origins_are_never_mixed_silently(quick: RunData, tmp_path: Path) -> None:
    assert origins([quick]) == ("trace",)

    def real(result: AttemptResult) -> AttemptResult:
        return result.model_copy(
            update={"phone": result.phone.model_copy(update={"origin": "device"})}
        )

    assert origins([load_run(make_run(tmp_path, small(spoil=real)))]) == ("trace", "device")


def test_every_kind_of_failure_has_words() -> None:
    from typing import get_args

    from harness.results.model import FailureKind

    assert set(KIND_WORDS) == set(KIND_MEANING) == set(get_args(FailureKind))


def test_table_has_one_row_a_job(quick: RunData) -> None:
    columns, rows = summary_table(results(quick))
    assert len(rows) == 12
    assert all(len(row) == len(columns) for row in rows)
    retried = next(row for row in rows if row[-1].endswith("(attempt 2)"))
    assert retried[3] == "S5"
    lost = next(row for row in rows if row[-1] == "DeviceLost")
    assert lost[5] == "–"


def test_failures_are_grouped_and_tell_what_followed(quick: RunData) -> None:
    groups = failure_groups(quick.attempts)
    assert {group.kind for group in groups} == {"TrainerKilled", "DeviceLost"}
    told = {group.kind: group.failures[0] for group in groups}
    assert told["TrainerKilled"].then.startswith("Tried again on the same phone (attempt 2)")
    assert told["TrainerKilled"].then.endswith("which finished.")
    assert told["DeviceLost"].then == "Not tried again."
    assert any("Last phase: evaluate" in line for line in told["DeviceLost"].last)


def test_commonest_failures_come_first(tmp_path: Path) -> None:
    shape = RunShape(
        speakers=("us-male",),
        failing=(
            Failing(0, "DeviceLost"),
            Failing(1, "TrainerStalled"),
            Failing(2, "TrainerStalled"),
        ),
        epochs=1,
    )
    groups = failure_groups(load_run(make_run(tmp_path, shape)).attempts)
    assert [(group.kind, len(group.failures)) for group in groups] == [
        ("TrainerStalled", 2),
        ("DeviceLost", 1),
    ]


def test_kills_are_listed_with_their_attempt(quick: RunData) -> None:
    found = kills(quick.attempts)
    assert len(found) == 6
    assert all(one.attempt.result.phone.profile == "redmi-note-7-pro" for one in found)


def test_each_reason_to_stop_has_words() -> None:
    assert set(STOP_WORDS) == set(get_args(StopReason))
