"""`harness score`: a finished run counted again; what is wrong is said, and nothing is changed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.cli import score as command
from harness.errors import InputError
from harness.results.store import RunFolder
from harness.scenario.report import Report
from tests.fixtures.report_run import RunShape, make_run

SHAPE = RunShape(profiles=("oneplus-7t",), speakers=("us-male",), sub_models=("S1", "S8"), epochs=1)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = make_run(tmp_path_factory.mktemp("runs"), SHAPE)
    text = "the small boat went out into the fog at noon"
    job = {"data": {"speaker": "us-male", "train": [{"id": "t", "text": text}]}}
    for attempt in RunFolder.open(path).attempts():
        (attempt.path / "job.json").write_text(json.dumps(job))
    return path


def scored(run, *options):
    return CliRunner().invoke(command.app, [str(run), *options], catch_exceptions=True)


def test_tables_and_files(run, tmp_path):
    out, page = tmp_path / "out", tmp_path / "p.html"
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    done = scored(
        run, "--max-count", "0", "--characters", "--baseline", "pressure.fits=S8",
        "--out", str(out), "--page", str(page),
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "characters" in done.output
    assert "Of 9 different words said, 1 is rare" in done.output.replace("\n", " ")
    assert {path.name for path in out.iterdir()} == {"word_errors.csv", "werr.csv"}
    assert "Which words were misheard?" in page.read_text()
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_figures_for_scripts(run):
    done = scored(run, "--max-count", "0", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert {row["of"] for row in told["word_errors"]} == {"all", "rare", "common"}
    assert told["report"]["rare_words"]["max_count"] == 0


def test_what_the_scenario_asks_for_holds_unless_an_option_says_otherwise(tmp_path, run):
    folder = RunFolder.open(run)
    record = folder.record()
    own = Report.model_validate({"rare_words": {"max_count": 0, "words": "gone.txt"}})
    scenario = {**record.scenario, "report": own.model_dump()}
    folder.write_record(record.model_copy(update={"scenario": scenario}))
    try:
        told = json.loads(scored(run, "--json").stdout)
        assert told["report"]["rare_words"]["max_count"] == 0
        other = json.loads(scored(run, "--vocabulary-rank", "3", "--json").stdout)
        assert other["report"]["rare_words"]["max_count"] is None
        assert other["report"]["rare_words"]["vocabulary_rank"] == 3
        words = tmp_path / "w.txt"
        words.write_text("the\t4\ndawn\t1\n")
        listed = json.loads(scored(run, "--words", str(words), "--json").stdout)
        assert listed["report"]["rare_words"]["words"] == str(words)
        assert listed["report"]["rare_words"]["max_count"] == 0
    finally:
        folder.write_record(record)


@pytest.mark.parametrize(
    ("options", "where", "what"),
    [
        ([], "harness score", "nothing is asked for"),
        (["--costs", "1/2/3"], "--costs", "1/1/1"),
        (["--vocabulary-rank", "1", "--max-count", "1"], "--max-count", "give either"),
        (["--words", "w.txt"], "--vocabulary-rank", "give either"),
        (["--max-count", "-1"], "--max-count", "greater than or equal to 0"),
        (["--max-count", "1", "--words", "/nowhere"], "/nowhere", "cannot be read"),
        (["--max-count", "1", "--listed", "all"], "--listed", "global"),
        (["--max-count", "99"], "", "all of the"),
        (["--baseline", "after"], "--baseline after", "FIELD=VALUE"),
        (["--baseline", "=S8"], "--baseline =S8", "FIELD=VALUE"),
        (["--baseline", "a=[", "--characters"], "--baseline a=[", "YAML"),
        (["--baseline", "pressure.fits=S7"], "--baseline", "no job has"),
        (["--baseline", "data.speaker=us-male"], "--baseline", "no training that finished is like"),
        (["--baseline", "trainer.epochs=7"], "--baseline", "the same in all jobs"),
        (["--baseline", "before", "--average", "x"], "--average", "pooled"),
    ],
)
def test_bad_input(run, options, where, what):
    error = scored(run, *options).exception
    assert isinstance(error, InputError), error
    assert where in error.where
    assert what in error.what
