"""``harness model build`` and ``inspect``: what they write, and what they leave behind."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.model import convert as conversion
from harness.model import folder as model_folder
from harness.paths import data_root
from harness.trainer.manifest import check_files, load_manifest

SMALL = """\
base: ds2-tiny
max_frames: 24
max_label: 8
hidden: 2
dense: 4
unroll: 2
"""
TINY = data_root() / "models" / "ds2-tiny" / "ds2-tiny-b2.tflite"


@pytest.fixture
def quick(monkeypatch):
    """Conversion that takes a file there is; what it was asked for."""
    asked = []

    def copy(config, out, **options):
        asked.append((config, options))
        out.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(TINY, out)
        return out

    monkeypatch.setattr(conversion, "convert", copy)
    monkeypatch.setattr(model_folder, "convert", copy)
    monkeypatch.setattr("harness.cli.model.common.need_tensorflow", lambda: None)
    return asked


def test_one_file(harness_here, tmp_path, quick):
    done = harness_here("model", "build", "--arch", "ds2-tiny", "--out", "m.tflite", "--seed", "7")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "m.tflite"
    assert (tmp_path / "m.tflite").is_file()
    ((config, options),) = quick
    assert (config.name, config.batch_size) == ("ds2-tiny", 2)
    assert (options["embed"], options["seed"], len(options["sub_models"])) == (True, 7, 8)


def test_a_folder(harness_here, tmp_path, quick):
    (tmp_path / "mine.yaml").write_text(SMALL)
    arguments = ("--arch", "mine.yaml", "--batch-size", "5", "--batch-size", "1", "--no-measure")
    done = harness_here("model", "build", *arguments, "--out", "models/mine")
    assert done.returncode == 0, done.stderr
    made = tmp_path / "models" / "mine"
    manifest = load_manifest(made)
    check_files(manifest, made)
    assert (manifest.name, sorted(manifest.files)) == ("mine", [1, 5])
    assert manifest.checkpoint is not None
    assert manifest.need_mb == {}
    assert [options["embed"] for _, options in quick] == [False, False]
    assert [p.name for p in (tmp_path / "models").iterdir()] == ["mine"]
    again = harness_here(
        "model", "build", *arguments[:4], "--embed", "--no-measure", "-o", str(made)
    )
    assert again.returncode == 0, again.stderr
    assert load_manifest(made).checkpoint is None
    assert sorted(p.name for p in made.iterdir()) == ["manifest.json", "mine-b5.tflite"]


def test_a_folder_of_some_sub_models_that_recomputes(harness_here, tmp_path, quick):
    chosen = ("--sub-model", "S8", "--sub-model", "S1", "--recompute", "--no-measure")
    done = harness_here("model", "build", "--arch", "ds2-tiny", *chosen, "--out", "two")
    assert done.returncode == 0, done.stderr
    assert load_manifest(tmp_path / "two").network.sub_model_names == ("S1", "S8")
    ((config, options),) = quick
    assert config.recompute
    assert list(options["sub_models"]) == ["S1", "S8"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--arch", "ds3", "--out", "m.tflite"), "ds2-mini"),
        (("--arch", "bad.yaml", "--out", "m.tflite"), "bad.yaml:2: hiden"),
        (("--arch", "none.yaml", "--out", "m.tflite"), "none.yaml: no such file"),
        (
            ("--arch", "ds2-tiny", "--out", "m.tflite", "--batch-size", "1", "--batch-size", "2"),
            "folder",
        ),
        (("--arch", "ds2-tiny", "--out", "m.tflite", "--sub-model", "S9"), "S1, S2"),
        (("--arch", "ds2-tiny", "--out", "folder", "--sub-model", "S9"), "S1, S2"),
        (("--arch", "ds2-tiny", "--out", "thesis"), "no model folder"),
        (("--arch", "ds2-tiny", "--out", "x.tflite"), "is a folder"),
    ],
)
def test_a_wrong_build(harness_here, tmp_path, quick, arguments, said):
    (tmp_path / "bad.yaml").write_text("base: ds2-tiny\nhiden: 3\n")
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1.tex").touch()
    (tmp_path / "x.tflite").mkdir()
    before = sorted(tmp_path.rglob("*"))
    done = harness_here("model", "build", *arguments)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert sorted(tmp_path.rglob("*")) == before
    assert not quick


def test_without_tensorflow_it_is_said(harness_here, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    done = harness_here("model", "build", "--arch", "ds2-tiny", "--out", "m.tflite")
    assert done.returncode == 2
    assert "extra [model]" in done.stderr


@pytest.fixture
def false_tensorflow(tmp_path, harness_env):
    """A function that puts a tensorflow of these lines before the real one."""

    def put(text: str) -> None:
        (tmp_path / "path" / "tensorflow").mkdir(parents=True)
        (tmp_path / "path" / "tensorflow" / "__init__.py").write_text(text)
        harness_env["PYTHONPATH"] = str(tmp_path / "path")

    return put


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("raise RuntimeError('no such kernel')", "RuntimeError: no such kernel"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "ended by signal 9"),
    ],
)
def test_a_conversion_that_fails_shows_its_words(harness, tmp_path, false_tensorflow, text, said):
    false_tensorflow(f"print('about myself'); {text}")
    done = harness("model", "build", "--arch", "ds2-tiny", "--out", "new/m.tflite")
    assert done.returncode == 1
    assert said in done.stderr
    assert not (tmp_path / "new").exists()


def test_interrupted_it_leaves_nothing(start_harness, tmp_path, false_tensorflow):
    false_tensorflow(
        "import os, pathlib, signal, time\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"  # the converter does not listen
        f"pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(os.getpid()))\n"
        "time.sleep(600)\n"
    )
    build = start_harness("model", "build", "--arch", "ds2-tiny", "--out", "models/new")
    pid = tmp_path / "pid"
    for _ in range(600):
        if pid.is_file() and pid.read_text():
            break
        time.sleep(0.05)
    build.send_signal(signal.SIGINT)
    _, said = build.communicate(timeout=30)
    assert build.returncode == 130, said
    assert not Path(f"/proc/{pid.read_text()}").exists()
    assert not list((tmp_path / "models").iterdir())


def test_inspect_as_json(harness_here):
    told = json.loads(harness_here("model", "inspect", str(TINY), "--json").stdout)
    assert told["info"]["batch_size"] == 2
    assert told["info"]["max_audio_s"] == pytest.approx(5.136)
    assert told["sub_models"]["S8"] == ["FC1", "FC2"]
    assert told["custom_operators"] == []
    assert told["weights_included"] is True


def test_inspect_says_it_in_words(harness_here):
    done = harness_here("model", "inspect", str(TINY))
    assert done.returncode == 0, done.stderr
    for word in ("Flex operators: none", "BLSTM4", "CONV1 to FC2", "16000 Hz", "weights: included"):
        assert word in done.stdout, done.stdout


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("none.tflite", None, "cannot be read"),
        ("text.tflite", b"hello", "not a TensorFlow Lite flatbuffer"),
        ("empty.tflite", b"", "not a TensorFlow Lite flatbuffer"),
        ("cut.tflite", TINY.read_bytes()[:70_000], "damaged"),
    ],
)
def test_inspect_of_what_is_no_model(harness_here, tmp_path, name, content, said):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    done = harness_here("model", "inspect", name)
    assert done.returncode == 2
    assert f"{name}: " in done.stderr
    assert said in done.stderr
    assert done.stdout == ""


def test_inspect_works_in_a_pipe_that_closes():
    command = f"{sys.executable} -m harness.cli model inspect {TINY} | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
