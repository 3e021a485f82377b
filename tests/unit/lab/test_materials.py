"""What jobs train with is checked before a phone: the model's sizes against every recording."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from harness.errors import InputError
from harness.lab.planning.materials import Materials
from harness.model.families import CONFIGS
from harness.model.initial import initial_weights
from harness.paths import data_root
from harness.scenario import expand_jobs, load_scenario, tasks_of
from harness.speech.audio import wav_bytes
from harness.speech.importing import ImportOptions, import_recordings
from harness.speech.sources import find_sources
from harness.trainer.checkpoints import save_checkpoint
from harness.trainer.manifest import describe_file, load_manifest, save_manifest
from tests.fixtures.other_names import write_without

SCENARIO = """\
name: mine
model: ds2-tiny
data: {manifest: corpus, speaker: anna}
trainer: {batch_size: 2, epochs: 1}
rounds: 2
"""


@pytest.fixture
def recorded(tmp_path):
    """A function that imports eight recordings of Anna, one of them (if it is said) unlike."""

    def make(odd: tuple[float, str] | None = None) -> Path:
        rng = np.random.default_rng(0)
        folder = tmp_path / "anna"
        folder.mkdir()
        for n in range(8):
            seconds, text = odd if odd and n == 3 else (1.0, f"take {'abcdefgh'[n]}")
            samples = rng.integers(-999, 999, int(16_000 * seconds)).astype(np.int16)
            (folder / f"{n}.wav").write_bytes(wav_bytes(samples))
            (folder / f"{n}.txt").write_text(text)
        import_recordings(
            find_sources(folder, "folder", accent="UK"), tmp_path / "corpus", ImportOptions()
        )
        return folder

    return make


def load(folder: Path, text: str):
    (folder / "mine.yaml").write_text(text)
    return load_scenario(folder / "mine.yaml")


def check(folder: Path, text: str = SCENARIO):
    specs = expand_jobs(load(folder, text))
    materials = Materials(folder, cache=folder / "cache")
    jobs = materials.needs(tasks_of(specs))
    materials.check(jobs)
    return materials, jobs


def test_a_sub_model_that_the_file_does_not_have_is_refused(recorded, tmp_path):
    recorded()
    folder = tmp_path / "without"
    shutil.copytree(data_root() / "models" / "ds2-tiny", folder)
    manifest = load_manifest(folder)
    file = folder / manifest.files[2].file
    write_without(file, file, "S5")
    files = {2: describe_file(file)}
    save_manifest(manifest.model_copy(update={"files": files}), folder)
    text = SCENARIO.replace("model: ds2-tiny", "model: {path: without}")
    text = text.replace("rounds: 2", "rounds: 1")
    with pytest.raises(InputError, match="no sub-model 'S5'; there are S1, S2, S3, S4, S6") as no:
        check(tmp_path, text)
    assert no.value.where == "trainer.candidates"
    check(tmp_path, text.replace("epochs: 1", "epochs: 1, candidates: [S1, S8]"))


def test_an_imported_voice_is_trained_on_in_rounds(recorded, tmp_path):
    shutil.rmtree(recorded())  # the corpus stands alone
    with pytest.raises(InputError, match=r"anna has 0 train utterances in round 2"):
        check(tmp_path)
    rounds_of_two = SCENARIO.replace("rounds: 2", "rounds: 1")
    materials, (job,) = check(tmp_path, rounds_of_two)
    material = materials.material(job)
    assert (material.speaker, material.accent) == ("anna", "UK")
    assert (len(material.train), len(material.validation)) == (6, 2)
    assert all(item[2].path.is_file() for item in (*material.train, *material.validation))


def test_a_recording_is_looked_at_once_for_all_jobs_of_a_model(recorded, tmp_path, monkeypatch):
    recorded()
    looked_at = []
    monkeypatch.setattr(
        "harness.lab.planning.materials.check_recording",
        lambda samples, text, info: looked_at.append(text),
    )
    _, jobs = check(tmp_path, SCENARIO.replace("rounds: 2", "rounds: 1\nrepeats: 3"))
    assert len(jobs) == 3
    assert len(looked_at) == len(set(looked_at)) == 8


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        ((5.2, "far too long"), r"5\.20 s of audio; the model takes 0\.032 to 5\.14 s"),
        ((4.0, "ab " * 30), "89 characters; the model takes 80"),
        ((0.4, "rattle the old kettle"), r"12 output frames cannot hold 21 characters"),
    ],
)
def test_a_recording_that_does_not_fit_is_named(recorded, tmp_path, odd, said):
    recorded(odd)
    with pytest.raises(InputError, match=said) as refused:
        check(tmp_path, SCENARIO.replace("rounds: 2", "rounds: 1"))
    assert "anna-3 does not fit the model ds2-tiny" in str(refused.value)
    assert "wav" in refused.value.where
    assert "--max-seconds 5.1" in refused.value.hint


def test_style_full_is_too_long_for_a_small_model(tmp_path):
    text = SCENARIO.replace(
        "{manifest: corpus, speaker: anna}", "{style: full, train: 1, validation: 1}"
    )
    with pytest.raises(InputError, match=r"uk-female-r1-train-0001 does not fit") as refused:
        check(tmp_path, text.replace("rounds: 2", "") + "repeats: 1\n")
    assert "style: short" in refused.value.hint


def test_a_file_for_another_batch_size_is_named(recorded, tmp_path):
    recorded()
    model = tmp_path / "model"
    shutil.copytree(data_root() / "models" / "ds2-tiny", model)
    manifest = load_manifest(model)
    files = {5: manifest.files[2]}
    needs = {5: manifest.need_mb[2]}
    save_manifest(manifest.model_copy(update={"files": files, "need_mb": needs}), model)
    text = SCENARIO.replace("ds2-tiny", "{path: model}").replace("batch_size: 2", "batch_size: 5")
    with pytest.raises(InputError, match=r"tiny-b2\.tflite: it was made for batch size 2"):
        check(tmp_path, text.replace("rounds: 2", "rounds: 1"))


def test_a_file_that_is_no_model_is_named(recorded, tmp_path):
    """Its hash may be right: a manifest by hand, over a file that was cut before."""
    recorded()
    model = tmp_path / "model"
    shutil.copytree(data_root() / "models" / "ds2-tiny", model)
    manifest = load_manifest(model)
    path = model / manifest.files[2].file
    path.write_bytes(path.read_bytes()[:5000])
    files = {2: describe_file(path)}
    save_manifest(manifest.model_copy(update={"files": files}), model)
    text = SCENARIO.replace("ds2-tiny", "{path: model}").replace("rounds: 2", "rounds: 1")
    with pytest.raises(InputError, match=r"tiny-b2\.tflite: the flatbuffer is damaged"):
        check(tmp_path, text)


def test_a_checkpoint_of_another_model_is_named(recorded, tmp_path):
    recorded()
    text = SCENARIO.replace("rounds: 2", "rounds: 1")
    other = data_root() / "models" / "ds2-mini" / "baseline.npz"
    for checkpoint, said in (
        (other, r"baseline\.npz: the checkpoint is of another model: blstm1_bias, .* more differ"),
        (tmp_path / "text.npz", r"text\.npz: not a checkpoint"),
        (tmp_path / "none.npz", r"none\.npz"),
    ):
        (tmp_path / "text.npz").write_text("hello")
        model = f"{{name: ds2-tiny, checkpoint: {checkpoint}}}"
        with pytest.raises(InputError, match=said):
            check(tmp_path, text.replace("ds2-tiny", model))
    weights = initial_weights(CONFIGS["ds2-tiny"], 1)
    save_checkpoint(tmp_path, 1, weights.items())
    check(tmp_path, text.replace("ds2-tiny", "{name: ds2-tiny, checkpoint: epoch-0001.npz}"))


ITALIAN = SCENARIO.replace("{manifest: corpus, speaker: anna}", "{corpus: speech/it, train: 6}")
ITALIAN = ITALIAN.replace("rounds: 2\n", "")


def test_letters_that_the_model_cannot_write_are_told(tmp_path):
    with pytest.raises(InputError, match=r"it-female-r1-\S+ does not fit.* a-z and not .*ò") as no:
        check(tmp_path, ITALIAN)
    assert "accents: folded" in no.value.hint
    assert "wav" in no.value.where
    folded = ITALIAN.replace("train: 6", "train: 6, accents: folded")
    materials, (job,) = check(tmp_path, folded + "also_evaluate: {corpus: speech/fr}\n")
    texts = [text for _, text, _ in materials.material(job).train]
    assert all(text.isascii() for text in texts)
    assert [other.speaker for other in materials.material(job).others] == ["fr-male", "fr-female"]
    # the texts as they are written are the same corpus still
    with pytest.raises(InputError, match="does not fit"):
        materials.check(materials.needs(tasks_of(expand_jobs(load(tmp_path, ITALIAN)))))


@pytest.mark.parametrize(
    ("data", "message", "where"),
    [
        ("{corpus: speech/xx}", "no language 'xx'", "data.corpus"),
        ("{corpus: speech/it, speaker: uk-female}", "unknown speaker", "data.speaker"),
        ("{corpus: spoken/it}", "no corpus 'spoken/it'", "data.corpus"),
        ("{corpus: speech/it, style: wide}", "no wide sentences in Italian", "data.style"),
    ],
)
def test_no_such_speech(tmp_path, data, message, where):
    with pytest.raises(InputError, match=message) as refused:
        check(tmp_path, ITALIAN.replace("{corpus: speech/it, train: 6}", data))
    assert refused.value.where == where
    assert refused.value.hint


def test_weights_of_a_model_that_writes_other_letters_are_refused(recorded, tmp_path):
    """As many letters, so that sizes say nothing; the manifest beside them does."""
    recorded()
    folder = tmp_path / "other"
    shutil.copytree(data_root() / "models" / "ds2-tiny", folder)
    np.savez(folder / "baseline.npz", **initial_weights(CONFIGS["ds2-tiny"], 1))
    entry = describe_file(folder / "baseline.npz")
    save_manifest(load_manifest(folder).model_copy(update={"checkpoint": entry}), folder)
    text = SCENARIO.replace("rounds: 2", "rounds: 1").replace(
        "model: ds2-tiny", "model: {name: ds2-tiny, checkpoint: other/baseline.npz}"
    )
    check(tmp_path, text)
    written = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(written.replace("wxyz", "wxyß"))
    with pytest.raises(InputError, match=r"writes .*ß, and ds2-tiny a-z") as refused:
        check(tmp_path, text)
    assert "model.checkpoint" in refused.value.where
    assert "encoder:" in refused.value.hint
