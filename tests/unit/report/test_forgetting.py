"""What a training did to its owner and to others: the section, the frame, the file."""

from __future__ import annotations

from pathlib import Path

import pytest

import harness
from harness.export.frames import frames
from harness.report.build import build_report
from harness.report.forgetting import forgetting, in_words, who
from harness.report.load import as_attempts, load_run
from harness.report.outcome import changes
from harness.results.model import AttemptResult, OtherSpeakerRecord
from harness.results.store import OtherSpeakerRow, RunFolder
from tests.fixtures.report_run import RunShape, make_run

SHAPE = {"profiles": ("oneplus-7t",), "sub_models": ("S1",), "epochs": 2}


def other(epoch: int, speaker: str, errors: int, words: int = 10) -> OtherSpeakerRecord:
    return OtherSpeakerRecord(
        epoch=epoch, speaker=speaker, accent="UK", wer_percent=100 * errors / words,
        substitutions=errors, deletions=0, insertions=0, reference_words=words, utterances=2,
        evaluate_seconds=0.1,
    )  # fmt: skip


def with_others(result: AttemptResult) -> AttemptResult:
    kept = result.kept_epoch
    assert kept
    others = (
        other(0, "ben", 2),
        other(0, "<b>eve</b>", 10, 30),
        other(kept, "ben", 5),
        other(kept, "<b>eve</b>", 11, 30),
    )
    return result.model_copy(update={"others": others})


def row(epoch: int, speaker: str, number: int, errors: int) -> OtherSpeakerRow:
    return OtherSpeakerRow(
        epoch=epoch, id=f"v{number}", reference="", hypothesis="", substitutions=errors,
        deletions=0, insertions=0, reference_words=5, speaker=speaker,
    )  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> Path:
    path = make_run(tmp_path, RunShape(**SHAPE, speakers=("us-male",), spoil=with_others))
    (folder,) = RunFolder.open(path).attempts()
    kept = folder.result().kept_epoch or 0
    folder.write_others(
        [row(0, "ben", 1, 0), row(0, "ben", 2, 2), row(kept, "ben", 1, 1), row(kept, "ben", 2, 4)]
    )
    return path


def test_owner_and_others(run):
    (found,) = forgetting(changes(load_run(run).final))
    assert found.owner.difference is not None
    assert found.owner.difference < 0
    ben, eve = found.others
    assert (ben.name, ben.before.median, ben.after.median) == ("ben", 20, 50)
    assert ben.after_interval.substitutions == 5
    assert ben.after_interval.low_percent == pytest.approx(20)
    assert eve.difference == pytest.approx(100 / 30)
    # together: errors over words, not the mean of two rates
    assert found.together.before.median == pytest.approx(100 * 12 / 40)
    assert found.together.difference == pytest.approx(100 * 4 / 40)
    assert "+10.0 points for others" in in_words([found])
    assert who([found]) == "ben and <b>eve</b>"


def test_the_page_has_a_section_of_it(run):
    page = build_report(run).read_text()
    section = page[page.index('<section id="forgetting"') :]
    section = section[: section.index("</section>")]
    assert '<a href="#forgetting">' in page
    assert "<b>eve</b>" not in section
    for text in ("&lt;b&gt;eve", "+10.0", "+30.0", "20.0", "50.0", "S\u00a05"):
        assert text in section, text
    assert "the start is kept" not in section


def test_without_others_there_is_no_section(tmp_path):
    path = make_run(tmp_path, RunShape(**SHAPE, speakers=("us-male",)))
    assert "forgetting" not in build_report(path).read_text()
    assert [name for name, _ in frames(harness.open_run(path))] == [
        "attempts", "epochs", "phases", "steps",
    ]  # fmt: skip


def test_damage_is_told_and_the_rest_is_shown(run):
    (folder,) = RunFolder.open(run).attempts()
    folder.others_path.write_bytes(b"{half\n")
    page = build_report(run).read_text()
    assert "others.jsonl" in page
    assert "+30.0" in page


def test_who_was_not_heard_again_has_no_change(run):
    (attempt,) = load_run(run).final
    only_before = [o for o in attempt.result.others if o.epoch == 0]
    result = attempt.result.model_copy(update={"others": tuple(only_before)})
    (found,) = forgetting(changes(as_attempts([result])))
    assert (found.together.before.median, found.together.after) == (30, None)
    assert "before others could be listened to again" in in_words([found])
    kept_start = result.model_copy(update={"kept_epoch": 0})
    (found,) = forgetting(changes(as_attempts([kept_start])))
    assert found.together.difference == 0


def test_several_owners_in_words(tmp_path):
    shape = RunShape(**SHAPE, speakers=("us-male", "ind-male"), spoil=with_others)
    rows = forgetting(changes(load_run(make_run(tmp_path, shape)).final))
    assert in_words(rows).startswith("WER fell for 2 of 2 owners and rose for others in 2 of 2")


def test_a_row_another_speaker_and_epoch(run):
    opened = harness.open_run(run)
    assert opened.others[["owner", "speaker", "wer_percent"]].to_numpy().tolist() == [
        ["us-male", "ben", 20.0],
        ["us-male", "<b>eve</b>", pytest.approx(100 / 3)],
        ["us-male", "ben", 50.0],
        ["us-male", "<b>eve</b>", pytest.approx(110 / 3)],
    ]
    assert not opened.others.duplicated(["job_id", "attempt", "speaker", "epoch"]).any()
    assert "others" in dict(frames(opened))
