"""``report`` of a scenario: what it may say, and that it changes no job."""

from __future__ import annotations

import pytest

from harness.errors import InputError
from harness.scenario import expand_jobs, load_scenario

BASE = """
name: t
model: ds2-mini
matrix:
  data.speaker: [uk-female, ind-male]
  trainer.sub_model: [S1, S8]
  model: [ds2-mini, {path: other}]
"""


def load(tmp_path, report):
    file = tmp_path / "t.yaml"
    file.write_text(f"{BASE}report: {report}\n" if report else BASE)
    return load_scenario(file)


def test_jobs_are_the_same_with_it_and_without(tmp_path):
    plain = [job.identity for job in expand_jobs(load(tmp_path, ""))]
    asked = "{rare_words: {max_count: 1}, costs: 4/3/3, baseline: {trainer.sub_model: S8}}"
    assert [job.identity for job in expand_jobs(load(tmp_path, asked))] == plain


@pytest.mark.parametrize(
    "report",
    [
        "{baseline: before}",
        "{baseline: {model: ds2-mini}}",
        "{baseline: {model: {path: other}, data.speaker: ind-male}}",
        "{characters: true, average: mean_of_ratios}",
        "{rare_words: {vocabulary_rank: 5, listed: per_utterance, words: w.txt}}",
    ],
)
def test_may_be(tmp_path, report):
    assert load(tmp_path, report).scenario.report is not None


@pytest.mark.parametrize(
    ("report", "message"),
    [
        ("{costs: 1/2/3}", "must be '1/1/1' or '4/3/3'"),
        ("{rare_words: {}}", "give either vocabulary_rank or max_count"),
        ("{rare_words: {vocabulary_rank: 5, max_count: 1}}", "give either"),
        ("{rare_words: {vocabulary_rank: 0}}", "vocabulary_rank"),
        ("{rare_words: {max_count: -1}}", "max_count"),
        ("{rare_words: {max_count: 1, listed: some}}", "'global' or 'per_utterance'"),
        ("{baseline: after}", "before"),
        ("{baseline: {}}", "names values of the matrix, or before"),
        ("{baseline: {trainer.sub_model: S9}}", 'no job has trainer.sub_model: "S9"'),
        ("{baseline: {trainer.epochs: 2}}", "trainer.epochs is the same in all jobs"),
        ("{average: mean}", "'pooled' or 'mean_of_ratios'"),
        ("{cer: true}", "cer"),
    ],
)
def test_may_not_be(tmp_path, report, message):
    with pytest.raises(InputError, match=r"t\.yaml:8") as raised:
        load(tmp_path, report)
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("metric", "report", "other"),
    [
        ("rare_wer_percent", "{rare_words: {max_count: 0}}", "{characters: true}"),
        ("common_wer_percent", "{rare_words: {max_count: 0}}", "{characters: true}"),
        ("cer_percent", "{characters: true}", "{rare_words: {max_count: 0}}"),
    ],
)
def test_expectations_of_it(tmp_path, metric, report, other):
    expect = f"\nexpect: [{{metric: {metric}, below: 50}}]"
    assert load(tmp_path, report + expect).scenario.expect
    for without in (other, "{costs: 4/3/3}"):
        with pytest.raises(InputError, match="unless report"):
            load(tmp_path, without + expect)


def test_it_holds_for_the_whole_scenario(tmp_path):
    file = tmp_path / "t.yaml"
    file.write_text(BASE + "  report.costs: [1/1/1, 4/3/3]\n")
    with pytest.raises(InputError, match="report"):
        load_scenario(file)
