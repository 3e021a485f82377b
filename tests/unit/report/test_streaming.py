"""Recordings heard while they went on: the pages of report and comparison, tables, frames."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import harness
from harness.cli.ending import result_columns
from harness.cli.verdict import judge
from harness.report.build import build_report
from harness.report.load import load_runs
from harness.report.observed import observed
from harness.report.streaming import stream_rows, streams_beside
from harness.results.compare import compare
from harness.results.model import AttemptResult, StreamingRecord
from harness.results.store import RunFolder
from tests.fixtures.report_run import RunShape, make_run

SHAPE = RunShape(
    profiles=("oneplus-7t",), sub_models=("S1",), epochs=1, speakers=("us-male", "ind-male"),
    repeats=3, expect=(),
)  # fmt: skip
HEADING = "What did hearing speech while it went on cost?"


def streamed(
    factor: float = 0.125, late: float | None = -41.0
) -> Callable[[AttemptResult], AttemptResult]:
    def spoil(result: AttemptResult) -> AttemptResult:
        record = StreamingRecord(
            epoch=result.kept_epoch or 0, beam=4, utterances=5, audio_s=15.0,
            real_time_factor=factor * (1 + result.repeat / 100), step_ms=31.5,
            last_word_ms_median=late, last_word_ms_p90=None if late is None else late + 200,
        )  # fmt: skip
        return result.model_copy(update={"streaming": record, "model_name": "<b>emformer"})

    return spoil


def test_a_row_a_beam_and_speaker_over_repeats(tmp_path: Path) -> None:
    (run,) = load_runs([make_run(tmp_path, replace(SHAPE, spoil=streamed()))])
    rows = stream_rows(run.final)
    assert [(row.key.beam, row.key.speaker, len(row.attempts)) for row in rows] == [
        (4, "us-male", 3),
        (4, "ind-male", 3),
    ]
    row = rows[0]
    middle = sorted(record.real_time_factor for record in row.records)[1]
    assert row.real_time_factor == middle
    assert (row.utterances, row.audio_s, row.last_word_ms, row.last_word_ms_p90) == (
        15,
        45,
        -41,
        159,
    )
    assert row.peak_rss_mb == max(a.result.peak_rss_mb or 0 for a in row.attempts)


def test_other_settings_are_rows_of_their_own(tmp_path: Path) -> None:
    """What was trained differs, so nothing of it is a repeat of the other."""
    shape = replace(SHAPE, sub_models=("S1", "S8"), speakers=("us-male",), spoil=streamed())
    paths = [make_run(tmp_path / name, replace(shape, seed=n)) for n, name in enumerate("ab")]
    runs = load_runs(paths)
    rows = stream_rows(runs[0].final)
    assert [(len(row.attempts), row.settings) for row in rows] == [
        (3, {"pressure.fits": "S1"}),
        (3, {"pressure.fits": "S8"}),
    ]
    assert len(streams_beside(runs)) == 2
    page = build_report(paths[0]).read_text()
    section = page[page.index(f"{HEADING}</h2>") :]
    assert "a beam of 4 (fits S8) keeps up" in section
    assert '<th scope="col">Settings</th>' in section


def test_the_section_stands_where_something_was_heard_so(tmp_path: Path) -> None:
    page = build_report(make_run(tmp_path / "a", replace(SHAPE, spoil=streamed()))).read_text()
    section = page[page.index(f"{HEADING}</h2>") :]
    assert "&lt;b&gt;emformer" in section
    assert "its last word stands 41 ms before speech ends" in section
    for told in (">31.5<", ">-41<", ">159<"):
        assert told.replace("-", "−") in section or told in section, told
    silent = build_report(make_run(tmp_path / "b", replace(SHAPE, spoil=streamed(1.5, None))))
    assert "falls behind speech" in silent.read_text()
    assert "nothing was heard" in silent.read_text()
    assert HEADING not in build_report(make_run(tmp_path / "c", SHAPE)).read_text()


def test_before_and_now_stand_side_by_side_and_are_judged(tmp_path: Path) -> None:
    paths = [
        make_run(tmp_path / name, replace(SHAPE, spoil=streamed(factor, late)))
        for name, factor, late in (("a", 0.1, 20.0), ("b", 0.3, 250.0))
    ]
    runs = load_runs(paths)
    (first, _) = streams_beside(runs)
    assert first.real_time_factor == ("0.102", "0.306")
    assert first.last_word_ms == ("20", "250")
    assert streams_beside(runs[:1]) == ()
    findings = {f.metric: f for f in compare(*observed(runs)).findings}
    assert findings["real_time_factor"].judgement == "worse"
    assert findings["last_word_ms"].judgement == "worse"
    page = tmp_path / "compare.html"
    judge(paths, alpha=0.05, minimum={}, out=page, junit=tmp_path / "junit.xml")
    assert "0.102 → 0.306" in page.read_text()


def test_frames_and_the_closing_table(tmp_path: Path) -> None:
    path = make_run(tmp_path, replace(SHAPE, spoil=streamed()))
    attempts = harness.open_run(path).attempts
    assert set(attempts["streaming.beam"]) == {4}
    assert attempts["streaming.last_word_ms_median"].notna().all()
    results = [folder.result() for folder in RunFolder.open(path).attempts()]
    columns, rows = result_columns(results)
    heads = [column.name for column in columns]
    place = heads.index("last word\nms")
    assert {row[place] for row in rows} == {"-41"}
