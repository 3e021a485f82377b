"""What is wrong is said in one message with file, line and field; nothing is started."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

GOOD = """\
name: mine
model: ds2-tiny
data: {corpus: accents, speaker: us-male, train: 4, validation: 2}
trainer:
  batch_size: 2
  epochs: 1
phones: {profile: oneplus-7t}
"""


@pytest.mark.parametrize(
    ("change", "line", "said"),
    [
        (("epochs: 1", "epoch: 1"), 6, ["trainer.epoch", "epochs"]),
        (("epochs: 1", "epochs: many"), 6, ["trainer.epochs"]),
        (("batch_size: 2", "batch_size: 3"), None, ["batch_size", "2"]),
        (("ds2-tiny", "ds2-huge"), None, ["ds2-huge", "ds2-tiny"]),
        (("speaker: us-male", "speaker: martian"), None, ["martian", "us-male"]),
        (("{profile: oneplus-7t}", "{profil: oneplus-7t}"), 7, ["profil"]),
        (("{profile: oneplus-7t}", "{profile: oneplus-99}"), None, ["oneplus-99", "oneplus-7t"]),
        (("name: mine", "name: [mine"), None, ["mine.yaml"]),
        (("name: mine\n", "name: mine\nmatrix: {trainer.epochs: []}\n"), 2, ["matrix"]),
        (
            (
                "name: mine\n",
                "name: mine\nmatrix: {trainer.seed: [1], exclude: [{trainer.seed: 1}]}\n",
            ),
            2,
            ["expands to nothing"],
        ),
        (("name: mine\n", "name: mine\nmatrix: {trainer.sed: [1]}\n"), 2, ["trainer.sed"]),
        (
            (
                "data: {corpus: accents, speaker: us-male, train: 4, validation: 2}",
                "data: {manifest: no.jsonl}",
            ),
            None,
            ["no.jsonl"],
        ),
    ],
)
def test_a_wrong_scenario(harness_here, tmp_path, change, line, said):
    path = tmp_path / "mine.yaml"
    assert change[0] in GOOD
    path.write_text(GOOD.replace(*change))
    done = harness_here("run", str(path), "--farm", "virtual")
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    if line is not None:
        assert f"mine.yaml:{line}" in done.stderr.replace("\n", "")
    for word in said:
        assert word in done.stderr, done.stderr
    assert not (tmp_path / "runs").exists()


def test_an_unreadable_model(harness_here, tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "manifest.json").write_text("{}")
    (tmp_path / "mine.yaml").write_text(GOOD.replace("model: ds2-tiny", "model: {path: model}"))
    done = harness_here("run", "mine.yaml", "--farm", "virtual")
    assert done.returncode == 2
    assert "manifest.json" in done.stderr


def test_a_file_that_is_not_there(harness_here):
    done = harness_here("run", "nowhere.yaml", "--farm", "virtual")
    assert done.returncode == 2
    assert "nowhere.yaml" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "good.yaml", "--set", "trainer.epochs"),
        ("run", "good.yaml", "--set", "trainer.epochs=x"),
        ("run", "good.yaml", "--only", "trainer.epochz=1"),
        ("run", "good.yaml", "--farm", "real"),
        ("run", "good.yaml", "--farm", "virtual:oneplus-99"),
        ("run", "good.yaml", "--adb", "nonsense:port"),
        ("farm", "up", "--profile", "oneplus-7t=0"),
        ("farm", "up", "--profile", "oneplus-99"),
        ("status", "nowhere"),
        ("report", "nowhere"),
        ("resume", "nowhere"),
        ("corpus", "synth", "--speaker", "martian"),
        ("dance",),
    ],
)
def test_a_wrong_option(harness_here, tmp_path, arguments):
    (tmp_path / "good.yaml").write_text(GOOD)
    done = harness_here(*arguments)
    assert done.returncode == 2, (done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    assert done.stderr.strip()


def test_no_phone_that_fits(harness_here, tmp_path):
    (tmp_path / "mine.yaml").write_text(
        GOOD.replace("{profile: oneplus-7t}", "{ram_mb: '>= 99000'}")
    )
    done = harness_here("run", "mine.yaml", "--farm", "virtual:redmi-note-7-pro")
    assert done.returncode == 3, done.stderr
    assert "99000" in done.stderr
    assert "redmi-note-7-pro" in done.stderr
    assert not (tmp_path / "runs").exists()


def test_the_schema_knows_the_fields(harness_here):
    schema = json.loads(harness_here("scenario", "schema").stdout)
    assert {"matrix", "trainer", "phones"} <= set(schema["properties"])


def test_help_names_every_command(harness_here):
    done = harness_here("--help")
    assert done.returncode == 0
    for command in ("doctor", "devices", "plan", "run", "status", "report", "farm", "corpus"):
        assert command in done.stdout


def test_a_corpus_can_be_taken_along(harness_here, tmp_path):
    done = harness_here(
        *("corpus", "synth", "--speaker", "uk-male", "--train", "2", "--validation", "1"),
        *("--out", "speech", "--json"),
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["utterances"] == 3
    lines = (tmp_path / "speech" / "manifest.jsonl").read_text().splitlines()
    for line in map(json.loads, lines):
        assert (Path(tmp_path) / "speech" / line["audio"]).is_file()
    assert not Path(json.loads(lines[0])["audio"]).is_absolute()
